#pragma once
// From received bytes to whole messages (RFC 6455 section 5.4): frame headers, unmasking,
// fragments, interleaved control frames, decompression, UTF-8 and size limits. Sans-I/O: fed slices
// of any size, pulled for events.
//
// A message that lies whole in the slice, in one frame, is unmasked in place and returned as a view
// into the slice:
//
//   slice:  ... [ header 6, 8 or 14 octets | payload, unmasked in place ] next frame ...
//                    room for a server's header (4 octets less) ^
//
// Any other is unmasked while it is copied, once, into a pooled block that grows with what has
// arrived (a header that announces a megabyte reserves nothing).
//
// Growth: a block is made when the first payload octet is there, and when it is too small it is
// replaced by one of `growth_factor` times what has arrived, at least `eager_bytes`, at most what
// the frame announces; the pool rounds up to a power of two. So one octet never holds more than 4
// KiB, nobody holds more than eight times what it sent, and a message that comes in small pieces is
// moved a few times, a third of its bytes in all (1 MiB in pieces of 64 KiB costs 17 us more than
// with a factor of 16, which let 4 KiB hold 64). Where many small fragments make one message, the
// power-of-two classes keep that amortised: each octet moves once on average.
//
// A compressed message (RFC 7692) is unmasked in place and inflated into such a block, piece by
// piece as it arrives. Nobody knows how large it will be: its block grows by the same factor with
// what has come out, up to the limit.

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/buffer_pool.hpp"
#include "ringcast/message.hpp"
#include "simd/utf8.hpp"
#include "ws/frame.hpp"
#include "ws/frame_parser.hpp"
#include "ws/inflate.hpp"
#include "ws/reason.hpp"

namespace ringcast::ws {

struct AssemblerLimits {
    std::uint64_t message_bytes_max =
        64 << 10;  ///< Payload of a whole message, inflated: message_too_big beyond, known from
                   ///< the header unless it is compressed.
};

/// What was found next. `payload` lives until the next call, as long as the slice, or (message
/// only) until take_block() or release_returned().
struct Event {
    enum class Kind : std::uint8_t { need_more, message, ping, pong, close, failure };
    Kind kind = Kind::need_more;
    MessageKind message_kind = MessageKind::binary;  ///< message
    Reason reason = Reason::none;                    ///< failure
    CloseCode code = CloseCode::no_status;  ///< close; no_status when the frame carried none
    std::span<std::byte> payload;           ///< message, ping, pong; the reason text of a close
    bool in_slice =
        false;  ///< message: the payload lies in the slice, with its frame header before it

    [[nodiscard]] static Event failure(Reason why) noexcept {
        return {.kind = Kind::failure, .reason = why};
    }
    /// Unmasks a message that lies whole in the slice.
    [[nodiscard]] static Event in_slice_of(Opcode opcode, simd::MaskKey key,
                                           std::span<std::byte> payload) noexcept {
        simd::mask(payload, key);
        if (opcode == Opcode::text && !simd::is_utf8(payload))
            return failure(Reason::text_not_utf8);
        return {.kind = Kind::message,
                .message_kind = opcode == Opcode::text ? MessageKind::text : MessageKind::binary,
                .payload = payload,
                .in_slice = true};
    }
};

/// One per WebSocket connection; a cache line. Holds a block only while a message or a control
/// frame is under way, or has just been returned.
class Assembler {
public:
    /// Consumes a prefix of `input`, of one frame at most, and says what it found. `need_more`
    /// means to call it again as long as there is input. So all that one call does is in proportion
    /// to what it consumed; of a compressed message, where an octet may cost a hundred times as
    /// much, that is 1 KiB at most. After `close` or `failure` it must not be called again:
    /// whatever follows on the wire is not processed (RFC 6455 sections 1.4 and 7.1.7). Fails at
    /// the earliest octet that violates: a header at its wrong octet, text at the octet that cannot
    /// be UTF-8, even in the middle of a frame. The same octets give the same events however they
    /// are cut into slices, except for `in_slice`. `inflation`: if permessage-deflate was agreed
    /// on, and then always the same one.
    [[nodiscard]] Event next(std::span<std::byte>& input, BufferPool& pool,
                             const AssemblerLimits& limits, Inflation* inflation = nullptr) {
        const std::size_t size = short_message_bytes(input, limits);
        if (size > 0) return take_short(input, size);
        return inflation == nullptr ? next_of_any<false>(input, pool, limits, nullptr)
                                    : next_of_any<true>(input, pool, limits, inflation);
    }

    /// next() in two steps, for who wants the event in registers: payload of the message that lies
    /// whole at the start of `input`, in one masked frame with a length of seven bits, the path of
    /// nearly every message; then take_short(). 0: call next().
    [[nodiscard]] std::size_t short_message_bytes(std::span<const std::byte> input,
                                                  const AssemblerLimits& limits) const noexcept {
        const std::size_t size = is_fresh() ? short_message_bytes(input) : 0;
        return size <= limits.message_bytes_max ? size : 0;
    }
    /// Consumes a message of `size` payload octets, as short_message_bytes() has found it.
    [[nodiscard]] static Event take_short(std::span<std::byte>& input, std::size_t size) noexcept {
        const auto opcode = static_cast<Opcode>(input[0] & std::byte{0x0f});
        simd::MaskKey key;
        std::memcpy(&key, &input[2], sizeof key);
        const std::span<std::byte> payload = input.subspan(short_header_bytes, size);
        input = input.subspan(short_header_bytes + size);
        return Event::in_slice_of(opcode, key, payload);
    }

    /// After an event `message` with in_slice == false: moves the block that holds the payload (at
    /// its data()) to the caller, so that an echo needs no copy. The event's payload stays valid as
    /// long as the block. There is one even if the payload is empty.
    [[nodiscard]] Block take_block() noexcept {
        RC_ASSERT(message_ && message_opcode_ == Opcode::continuation);
        return std::move(message_);
    }
    /// True between the first octet of a message or control frame and the last.
    [[nodiscard]] bool is_partial() const noexcept {
        return header_size_ != 0 || in_frame_ || message_opcode_ != Opcode::continuation;
    }
    /// Bytes of message payload held so far.
    [[nodiscard]] std::uint64_t held_bytes() const noexcept { return size_; }
    /// Capacity of the blocks that it holds.
    [[nodiscard]] std::uint64_t memory_bytes() const noexcept {
        return (message_ ? message_.capacity() : 0) + (control_ ? control_.capacity() : 0);
    }
    /// Gives back what only the payload of the last event was kept for.
    void release_returned() noexcept {
        if (message_ && message_opcode_ == Opcode::continuation) message_.reset();
        if (control_ && !in_frame_) control_.reset();
    }

private:
    /// True if nothing is under way and nothing is held for what the last call returned.
    [[nodiscard]] bool is_fresh() const noexcept { return !is_partial() && !message_ && !control_; }
    static constexpr std::size_t short_header_bytes = 2 + sizeof(simd::MaskKey);
    [[nodiscard]] static std::size_t short_message_bytes(
        std::span<const std::byte> input) noexcept {
        constexpr unsigned fin = 0x80, masked = 0x80;
        if (input.size() < short_header_bytes) return 0;
        const auto first = std::to_integer<unsigned>(input[0]);
        const bool is_message = first == (fin | static_cast<unsigned>(Opcode::text)) ||
                                first == (fin | static_cast<unsigned>(Opcode::binary));
        const std::size_t size = std::to_integer<std::size_t>(input[1]) - masked;
        // Without the mask bit `size` is huge.
        const bool is_whole = size < 126 && size <= input.size() - short_header_bytes;
        return is_message && is_whole ? size : 0;
    }
    /// Compiled twice, so that who has not agreed on compression does not pay for it (24
    /// instructions a frame).
    template <bool agreed>
    [[nodiscard]] Event next_of_any(std::span<std::byte>& input, BufferPool& pool,
                                    const AssemblerLimits& limits, Inflation* inflation);
    [[nodiscard]] ParsedHeader complete_header(std::span<const std::byte> input,
                                               FrameContext context) const noexcept;
    void keep_header_start(std::span<std::byte>& input) noexcept;
    void start_frame(const FrameHeader& header) noexcept;
    [[nodiscard]] Event take_message_piece(std::span<std::byte> piece, BufferPool& pool);
    [[nodiscard]] Event take_compressed_piece(std::span<std::byte> piece, BufferPool& pool,
                                              const AssemblerLimits& limits, Inflation& inflation);
    [[nodiscard]] Reason inflate_piece(std::span<const std::byte> piece, BufferPool& pool,
                                       const AssemblerLimits& limits, Inflation& inflation);
    [[nodiscard]] Event end_message() noexcept;
    [[nodiscard]] Event take_control_piece(std::span<std::byte> piece, BufferPool& pool);
    void reserve(std::uint64_t size, BufferPool& pool);
    void reserve_inflated(std::size_t input_bytes, BufferPool& pool, const AssemblerLimits& limits);
    void advance(std::size_t octets) noexcept;

    Block message_;                // The message under way, or the last one returned from here.
    Block control_;                // The same for a control payload that comes in pieces.
    std::uint64_t size_ = 0;       // Bytes of the message under way, all of them in message_.
    std::uint64_t remaining_ = 0;  // Payload octets of the current frame that have not been taken.
    simd::MaskKey key_{};          // Of the current frame.
    std::array<std::byte, client_header_bytes_max - 1>
        header_{};  // The start of a header that comes in pieces.
    std::uint8_t header_size_ = 0;
    std::uint8_t mask_offset_ = 0;          // Position in the current frame's payload, modulo 4.
    std::uint8_t control_size_ = 0;         // Bytes in control_.
    simd::Utf8Validator utf8_;              // Of the text in message_.
    Opcode opcode_ = Opcode::continuation;  // Of the current frame.
    Opcode message_opcode_ =
        Opcode::continuation;  // Of the message under way; continuation: there is none.
    bool compressed_ = false;  // The message under way is.
    bool fin_ = true;          // Of the current frame.
    bool in_frame_ = false;    // A header was taken and its payload not to the end.
};
static_assert(sizeof(Assembler) <= 64);

}  // namespace ringcast::ws
