#pragma once
// permessage-deflate (RFC 7692) as a client of a load has it: what is sent is compressed once,
// before the load starts, each message by itself; what comes back is decompressed message by
// message. Straight on zlib: a fault of the server's own code must not hide here.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "error.hpp"

namespace ringcast::bench {

/// What the clients offer.
enum class Compression : std::uint8_t {
    off,
    shared,     ///< Each message of the server stands alone (server_no_context_takeover).
    dedicated,  ///< The server may refer to its earlier messages.
};

[[nodiscard]] constexpr std::string_view name_of(Compression compression) noexcept {
    switch (compression) {
        case Compression::off: return "off";
        case Compression::shared: return "shared";
        case Compression::dedicated: return "dedicated";
    }
    return "";
}

/// The field of the request that offers it, with its line end; empty for `off`.
[[nodiscard]] std::string_view offer_field(Compression compression) noexcept;

/// The payload that carries `message` compressed; empty if it would not be smaller.
[[nodiscard]] std::vector<std::byte> deflate_message(std::span<const std::byte> message);

/// The server's side of one connection, or of all whose messages stand alone.
class MessageInflater {
public:
    /// `keeps_context`: a message may refer to the ones before it.
    explicit MessageInflater(bool keeps_context);
    ~MessageInflater();
    MessageInflater(const MessageInflater&) = delete;
    MessageInflater& operator=(const MessageInflater&) = delete;

    /// The message of `bytes` bytes that `payload` carries; valid until the next call. The same
    /// payload again, as all subscribers of a topic get it, is not decompressed again where it
    /// stands alone.
    [[nodiscard]] Expected<std::span<const std::byte>> inflate(std::span<const std::byte> payload,
                                                               std::size_t bytes);

private:
    struct Stream;
    const bool keeps_context_;
    std::unique_ptr<Stream> stream_;
    std::vector<std::byte> last_payload_;
    std::vector<std::byte> message_;
};

}  // namespace ringcast::bench
