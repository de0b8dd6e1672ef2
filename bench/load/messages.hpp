#pragma once
// What an echo client sends, and what it must get back, built once before the load starts: a short
// cycle of messages with different payloads and different mask keys, so that a reply that is lost,
// doubled, reordered or belongs to somebody else is seen by comparing bytes.
//
//   requests: |frame 0|frame 1|...|frame N-1|frame 0|...   masked, repeated by `depth` frames: any
//   `depth` frames in a row
//                                                          are one span, so a burst is one send
//                                                          without a copy
//   replies:  |header, payload 0|header, payload 1|...     unmasked, as a server that does not
//   fragment sends them

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "compression.hpp"
#include "ws/frame.hpp"

namespace ringcast::bench {

/// Who sends messages back: a WebSocket server, or one that sends every byte back. For that one
/// requests are not masked, so that they are replies, too.
enum class Echoer : std::uint8_t { server, mirror };

/// Of a message: "text" or "binary".
[[nodiscard]] constexpr std::string_view name_of(ws::Opcode opcode) noexcept {
    return opcode == ws::Opcode::text ? "text" : "binary";
}

class Messages {
public:
    /// `burst_max` is the largest count that requests() will be asked for. With compression the
    /// payloads are such as make it worth while, and requests are compressed.
    Messages(ws::Opcode opcode, std::size_t payload_bytes, std::size_t burst_max,
             Compression compression = Compression::off, Echoer echoer = Echoer::server);

    /// The number of different messages; message `index` is followed by `(index + 1) %
    /// cycle_count()`.
    [[nodiscard]] std::size_t cycle_count() const noexcept { return cycle_count_; }
    [[nodiscard]] std::size_t payload_bytes() const noexcept { return payload_bytes_; }
    [[nodiscard]] ws::Opcode opcode() const noexcept { return opcode_; }
    [[nodiscard]] Compression compression() const noexcept { return compression_; }

    /// `count` (at most burst_max) masked frames, from message `index` on.
    [[nodiscard]] std::span<const std::byte> requests(std::size_t index,
                                                      std::size_t count) const noexcept;
    /// The whole reply to message `index`, header first.
    [[nodiscard]] std::span<const std::byte> reply(std::size_t index) const noexcept;
    [[nodiscard]] std::size_t reply_header_bytes() const noexcept { return reply_header_bytes_; }
    /// Appends a frame that is answered by a Pong, behind all replies to what was sent before.
    void append_question(std::vector<std::byte>& frames) const;

private:
    ws::Opcode opcode_;
    std::size_t payload_bytes_;
    Compression compression_;
    Echoer echoer_;
    std::size_t cycle_count_;
    std::vector<std::size_t> request_starts_;  ///< Where each frame begins, and the last one ends.
    std::size_t reply_header_bytes_;
    std::size_t reply_bytes_;  ///< Of one frame.
    std::vector<std::byte> requests_;
    std::vector<std::byte> replies_;
};

}  // namespace ringcast::bench
