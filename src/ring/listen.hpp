#pragma once
// Listening sockets. The server opens them before the shards start; the shards accept from them.

#include <array>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "ring/address.hpp"

namespace ringcast::ring {

/// Owns a descriptor and closes it.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int fd) noexcept : fd_{fd} {}
    Descriptor(Descriptor&& other) noexcept : fd_{other.release()} {}
    Descriptor& operator=(Descriptor&& other) noexcept;
    ~Descriptor();

    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
    int release() noexcept {
        const int fd = fd_;
        fd_ = -1;
        return fd;
    }

private:
    int fd_ = -1;
};

struct ListenOptions {
    std::uint32_t backlog =
        4096;  ///< Connections the kernel may queue (capped by net.core.somaxconn).
    enum class Sharing : std::uint8_t { exclusive, reuse_port } sharing = Sharing::reuse_port;
    /// How long what was sent on an accepted connection may stay unacknowledged (TCP_USER_TIMEOUT,
    /// inherited): then it is broken. In whole milliseconds; zero: what the kernel does by itself.
    Duration user_timeout{0};
    std::uint32_t unix_mode = 0660;  ///< Permission bits of a Unix socket's path.
};

/// What the URL of a listener may begin with, by what is spoken there.
inline constexpr std::array<std::string_view, 2> websocket_schemes{"ws", "wss"};
inline constexpr std::array<std::string_view, 1> http_schemes{"http"};

/// Reads `ws://127.0.0.1:8080`, `ws://[::1]:8080`, `wss://0.0.0.0:0` or `unix:/path`, with one of
/// `schemes`. Names are not looked up, apart from `localhost`, which is 127.0.0.1. The error is one
/// sentence that quotes the text.
[[nodiscard]] std::expected<Address, std::string> parse_listen_url(
    std::string_view url, std::span<const std::string_view> schemes = websocket_schemes);

/// Opens, binds and listens; TCP_NODELAY is set and inherited by what is accepted. A stale Unix
/// socket path (nobody listens there any more) is replaced; any other file is an error. The error
/// is one sentence that names the address.
[[nodiscard]] std::expected<Descriptor, std::string> listen_on(const Address& address,
                                                               const ListenOptions& options);

/// Fails if anybody, even a process that uses SO_REUSEPORT, listens on `address`: binds to it once
/// without SO_REUSEPORT. The result is `address`, with a port that the kernel chose in place of 0:
/// left to sockets with SO_REUSEPORT, the kernel might choose one that another server shares.
[[nodiscard]] std::expected<Address, std::string> probe_free(const Address& address);

/// The address a descriptor is bound to, with the port that the kernel chose.
[[nodiscard]] Address local_address(int fd);

}  // namespace ringcast::ring
