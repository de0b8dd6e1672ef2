#pragma once
// What a WebSocket message is to an application (RFC 6455 section 5.6): bytes, and whether they are
// text.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace ringcast {

/// The two data opcodes of RFC 6455 section 5.6.
enum class MessageKind : std::uint8_t { text, binary };

/// A view of one whole message. It owns nothing: a received message dies with the call that
/// delivered it, and a message to be sent is copied or encoded before `send` returns. `text` is
/// valid UTF-8 when received; when sending, the caller vouches for it.
struct Message {
    std::string_view payload;
    MessageKind kind = MessageKind::text;

    /// The payload as bytes, for binary formats.
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
        return std::as_bytes(std::span{payload});
    }
};

/// A text message over `payload`, which must be valid UTF-8 and outlive the use of the result.
[[nodiscard]] constexpr Message text(std::string_view payload) noexcept {
    return {payload, MessageKind::text};
}

/// A binary message over `payload`, which must outlive the use of the result.
[[nodiscard]] constexpr Message binary(std::string_view payload) noexcept {
    return {payload, MessageKind::binary};
}

/// Longest message that `send` takes, in bytes; a longer one is dropped.
inline constexpr std::size_t message_bytes_ceiling = std::size_t{1} << 30;

/// What `send` did with a message.
enum class SendStatus : std::uint8_t {
    accepted,  ///< On its way.
    behind,  ///< Accepted, but the session is above its high-water mark; on_drain tells when it has
             ///< caught up.
    dropped,  ///< Not accepted: the send queue is full (counted; on_drain tells when there is room
              ///< again), or the message is longer than message_bytes_ceiling.
    closed,   ///< Not accepted: the session is closing or gone.
};

}  // namespace ringcast
