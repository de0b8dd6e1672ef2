#pragma once
// From received bytes to whole messages (RFC 6455 section 5.4): frame headers, unmasking, fragments, interleaved control
// frames, UTF-8 and size limits. Sans-I/O: fed slices of any size, pulled for events.
//
// A message that lies whole in the slice, in one frame, is unmasked in place and returned as a view into the slice. Any
// other is unmasked while it is copied, once, into a pooled block that grows with what has arrived (a header that announces
// a megabyte reserves nothing).

#include <cstdint>
#include <span>

#include "base/buffer_pool.hpp"
#include "ringcast/message.hpp"
#include "simd/utf8.hpp"
#include "ws/frame.hpp"
#include "ws/reason.hpp"

namespace ringcast::ws {

struct AssemblerLimits {
    std::uint64_t message_bytes_max = 64 << 10;   ///< Payload of a whole message: message_too_big beyond, known from the header.
    /// Ceiling for `pool.bytes_in_use()` when a message block would be made or grown: memory_exhausted beyond.
    std::uint64_t pool_bytes_max = 256u << 20;
};

/// What was found next. `payload` lives until the next call, as long as the slice, or (message only) until take_block().
struct Event {
    enum class Kind : std::uint8_t { need_more, message, ping, pong, close, failure };
    Kind kind = Kind::need_more;
    MessageKind message_kind = MessageKind::binary;  ///< message
    Reason reason = Reason::none;                    ///< failure
    CloseCode code = CloseCode::no_status;           ///< close; no_status when the frame carried none
    std::span<std::byte> payload;                    ///< message, ping, pong; the reason text of a close
    bool in_slice = false;                           ///< message: the payload lies in the slice, with its frame header before it
};

/// One per WebSocket connection. 64 bytes or so; holds a block only while a message is under way.
class Assembler {
public:
    /// Consumes a prefix of `input` and says what it found. After `close` or `failure` it must not be called again:
    /// whatever follows on the wire is not processed (RFC 6455 sections 1.4 and 7.1.7).
    /// Fails at the earliest octet that violates: a header as soon as it is complete (or its first octet is wrong), text
    /// at the octet that cannot be UTF-8, even in the middle of a frame.
    [[nodiscard]] Event next(std::span<std::byte>& input, BufferPool& pool, const AssemblerLimits& limits);

    /// After an event `message` with in_slice == false: moves the block that holds the payload (at its data()) to the caller,
    /// so that an echo needs no copy. The event's payload stays valid as long as the block.
    [[nodiscard]] Block take_block() noexcept { return std::move(message_); }
    /// True between the first frame of a fragmented message and its last, or inside a frame.
    [[nodiscard]] bool is_partial() const noexcept;
    /// Bytes of message payload held so far.
    [[nodiscard]] std::uint64_t held_bytes() const noexcept { return size_; }

private:
    Block message_;                      // The message under way, or the last one returned from here.
    std::uint64_t size_ = 0;             // Its bytes so far.
    std::uint64_t remaining_ = 0;        // Payload octets of the current frame that have not arrived.
    std::array<std::byte, client_header_bytes_max> header_{};  // A header that came in pieces.
    std::uint8_t header_size_ = 0;
    // The implementer may add, remove or rename private members.
};

}  // namespace ringcast::ws
