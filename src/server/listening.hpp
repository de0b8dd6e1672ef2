#pragma once
// An address that the server listens on, and its sockets.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <utility>
#include <vector>

#include "ring/listen.hpp"

namespace ringcast::server {

/// Which file it is, whatever its path: device and inode.
using FileIdentity = std::pair<dev_t, ino_t>;

/// The one of `schemes` (literals) that `url` has; of a Unix path, the first.
[[nodiscard]] std::string_view scheme_of(
    std::string_view url,
    std::span<const std::string_view> schemes = ring::websocket_schemes) noexcept;

/// One socket per shard, or one for all (a Unix path cannot be bound twice).
struct Listening {
    ring::Address address;
    std::vector<ring::Descriptor> descriptors;
    std::optional<FileIdentity> file;  ///< Of a Unix socket, until remove_file().
    std::string_view scheme = "ws";    ///< Of url(). Static storage.

    [[nodiscard]] bool is_tls() const noexcept { return scheme == "wss"; }
    [[nodiscard]] int descriptor_of(std::size_t shard) const;
    /// `ws://127.0.0.1:9001`, `http://127.0.0.1:9090`, `unix:/path`
    [[nodiscard]] std::string url() const;
    /// Frees the path of a Unix socket for whoever comes next, unless it is theirs already.
    void remove_file() noexcept;
};

/// Opens the sockets of `url`, which has to have one of `schemes` (literals), for so many shards.
/// The error is one sentence that names the address.
[[nodiscard]] std::expected<Listening, std::string> open_listener(
    const std::string& url, std::span<const std::string_view> schemes, std::uint32_t shards,
    const ring::ListenOptions& options);

}  // namespace ringcast::server
