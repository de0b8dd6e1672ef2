#include "ws/assembler.hpp"

#include <algorithm>
#include <cstring>

#include "base/assert.hpp"

namespace ringcast::ws {

namespace {

constexpr std::uint64_t eager_bytes = 4 << 10;
constexpr std::uint64_t growth_factor = 4;

/// The payload of a Close frame (RFC 6455 section 5.5.1): nothing, or a code and text. Its header
/// has refused one octet.
Event close_event(std::span<std::byte> payload) noexcept {
    if (payload.empty()) return {.kind = Event::Kind::close};
    RC_ASSERT(payload.size() >= 2);
    const unsigned code =
        std::to_integer<unsigned>(payload[0]) << 8 | std::to_integer<unsigned>(payload[1]);
    if (!may_be_received(static_cast<std::uint16_t>(code)))
        return Event::failure(Reason::close_code_invalid);
    const std::span<std::byte> reason = payload.subspan(2);
    if (!simd::is_utf8(reason)) return Event::failure(Reason::close_reason_not_utf8);
    return {.kind = Event::Kind::close, .code = static_cast<CloseCode>(code), .payload = reason};
}

Event control_event(Opcode opcode, std::span<std::byte> payload) noexcept {
    if (opcode == Opcode::close) return close_event(payload);
    return {.kind = opcode == Opcode::ping ? Event::Kind::ping : Event::Kind::pong,
            .payload = payload};
}

/// What is inflated in one go: tens of microseconds at worst.
constexpr std::size_t compressed_piece_bytes_max = 1 << 10;

}  // namespace

template <bool agreed>
Event Assembler::next_of_any(std::span<std::byte>& input, BufferPool& pool,
                             const AssemblerLimits& limits, Inflation* inflation) {
    release_returned();
    if (input.empty()) return {};
    if (!in_frame_) {
        const bool is_split = header_size_ != 0;
        const FrameContext context{.in_message = message_opcode_ != Opcode::continuation,
                                   .compression = agreed};
        const ParsedHeader parsed =
            is_split ? complete_header(input, context) : parse_header(input, context);
        if (parsed.reason != Reason::none) return Event::failure(parsed.reason);
        if (parsed.size == 0) {
            keep_header_start(input);
            return {};
        }
        input = input.subspan(parsed.size - header_size_);
        header_size_ = 0;
        const FrameHeader& header = parsed.header;
        const bool is_compressed = agreed && (header.reserved_bits != 0 || compressed_);
        if (is_compressed) {
            if (!is_control(header.opcode) &&
                !inflation->announce(header.payload_bytes, limits.message_bytes_max))
                return Event::failure(Reason::message_too_big);
        } else if (!is_control(header.opcode)) {
            const std::uint64_t payload_bytes = header.payload_bytes;
            if (payload_bytes > limits.message_bytes_max ||
                size_ > limits.message_bytes_max - payload_bytes) {
                return Event::failure(Reason::message_too_big);
            }
            const bool is_whole = header.fin && header.opcode != Opcode::continuation;
            if (is_whole && !is_split && payload_bytes <= input.size()) {
                const std::span<std::byte> payload = input.first(payload_bytes);
                input = input.subspan(payload_bytes);
                return Event::in_slice_of(header.opcode, header.key, payload);
            }
        }
        start_frame(header);
    }
    const bool is_inflated = agreed && compressed_ && !is_control(opcode_);
    const std::size_t size_max = is_inflated ? compressed_piece_bytes_max : input.size();
    const std::span<std::byte> piece =
        input.first(std::min<std::uint64_t>({remaining_, input.size(), size_max}));
    input = input.subspan(piece.size());
    if (is_control(opcode_)) return take_control_piece(piece, pool);
    if (is_inflated) return take_compressed_piece(piece, pool, limits, *inflation);
    return take_message_piece(piece, pool);
}

template Event Assembler::next_of_any<false>(std::span<std::byte>&, BufferPool&,
                                             const AssemblerLimits&, Inflation*);
template Event Assembler::next_of_any<true>(std::span<std::byte>&, BufferPool&,
                                            const AssemblerLimits&, Inflation*);

/// Reads the header that starts in header_ and goes on in `input`.
ParsedHeader Assembler::complete_header(std::span<const std::byte> input,
                                        FrameContext context) const noexcept {
    std::array<std::byte, client_header_bytes_max> bytes;
    const std::size_t added = std::min<std::size_t>(input.size(), bytes.size() - header_size_);
    std::memcpy(bytes.data(), header_.data(), header_size_);
    std::memcpy(bytes.data() + header_size_, input.data(), added);
    return parse_header({bytes.data(), header_size_ + added}, context);
}

/// Takes all of `input`, which does not complete the header.
void Assembler::keep_header_start(std::span<std::byte>& input) noexcept {
    RC_ASSERT(header_size_ + input.size() <= header_.size());
    std::memcpy(header_.data() + header_size_, input.data(), input.size());
    header_size_ = static_cast<std::uint8_t>(header_size_ + input.size());
    input = {};
}

void Assembler::start_frame(const FrameHeader& header) noexcept {
    opcode_ = header.opcode;
    fin_ = header.fin;
    key_ = header.key;
    remaining_ = header.payload_bytes;
    mask_offset_ = 0;
    in_frame_ = true;
    if (!is_control(opcode_) && opcode_ != Opcode::continuation) {
        message_opcode_ = opcode_;
        compressed_ = header.reserved_bits != 0;
    }
}

/// Takes payload of a data frame that did not lie whole in one slice, or is a fragment.
Event Assembler::take_message_piece(std::span<std::byte> piece, BufferPool& pool) {
    const bool is_last = remaining_ == piece.size() && fin_;
    if (!piece.empty() || is_last) {
        reserve(size_ + piece.size(), pool);
        std::byte* const target = message_.data() + size_;
        simd::mask_copy(target, piece, key_, mask_offset_);
        if (message_opcode_ == Opcode::text && !utf8_.feed({target, piece.size()})) {
            return Event::failure(Reason::text_not_utf8);
        }
    }
    size_ += piece.size();
    advance(piece.size());
    return is_last ? end_message() : Event{};
}

/// Takes payload of a data frame of a compressed message.
Event Assembler::take_compressed_piece(std::span<std::byte> piece, BufferPool& pool,
                                       const AssemblerLimits& limits, Inflation& inflation) {
    simd::mask(piece, key_, mask_offset_);
    advance(piece.size());
    const Reason reason = inflate_piece(piece, pool, limits, inflation);
    if (reason != Reason::none) return Event::failure(reason);
    const bool is_last = !in_frame_ && fin_;
    if (!is_last) return {};
    if (!inflation.end_message()) return Event::failure(Reason::deflate_cut_short);
    compressed_ = false;
    if (!message_) message_ = pool.get(size_);  // An empty message has a block, too.
    return end_message();
}

/// Appends to message_ what comes out of `piece`. Output counts before what is wrong behind it, so
/// that a failure does not depend on how the payload was cut.
Reason Assembler::inflate_piece(std::span<const std::byte> piece, BufferPool& pool,
                                const AssemblerLimits& limits, Inflation& inflation) {
    for (bool is_full = !piece.empty(); is_full;) {
        // At the limit, room for one octet more shows whether there is one.
        std::array<std::byte, 1> beyond;
        std::span<std::byte> room{beyond};
        if (size_ < limits.message_bytes_max) {
            reserve_inflated(piece.size(), pool, limits);
            const std::uint64_t end =
                std::min<std::uint64_t>(message_.capacity(), limits.message_bytes_max);
            room = {message_.data() + size_, static_cast<std::size_t>(end - size_)};
        }
        const Inflater::Step step = inflation.inflate(piece, room);
        if (step.produced > 0 && size_ == limits.message_bytes_max) return Reason::message_too_big;
        size_ += step.produced;
        if (message_opcode_ == Opcode::text && !utf8_.feed(room.first(step.produced)))
            return Reason::text_not_utf8;
        if (!step.is_valid) return Reason::deflate_invalid;
        piece = piece.subspan(step.consumed);
        is_full = step.produced == room.size();
    }
    return Reason::none;
}

/// All of the message is in message_.
Event Assembler::end_message() noexcept {
    if (!utf8_.is_complete()) return Event::failure(Reason::text_not_utf8);
    const Event event{
        .kind = Event::Kind::message,
        .message_kind = message_opcode_ == Opcode::text ? MessageKind::text : MessageKind::binary,
        .payload = {message_.data(), static_cast<std::size_t>(size_)}};
    size_ = 0;
    message_opcode_ = Opcode::continuation;
    return event;
}

/// Takes payload of a control frame: in place if all of it is here, else gathered in a small block.
Event Assembler::take_control_piece(std::span<std::byte> piece, BufferPool& pool) {
    std::span<std::byte> payload = piece;
    if (control_size_ == 0 && remaining_ == piece.size()) {
        simd::mask(payload, key_);
    } else if (!piece.empty()) {
        if (!control_) control_ = pool.get(control_payload_bytes_max);
        simd::mask_copy(control_.data() + control_size_, piece, key_, mask_offset_);
        control_size_ = static_cast<std::uint8_t>(control_size_ + piece.size());
        RC_ASSERT(control_size_ <= control_payload_bytes_max);
        payload = {control_.data(), control_size_};
    }
    advance(piece.size());
    if (in_frame_) return {};
    control_size_ = 0;
    return control_event(opcode_, payload);
}

/// Makes room for `size` bytes in message_, by the rule in the head comment.
void Assembler::reserve(std::uint64_t size, BufferPool& pool) {
    if (message_ && message_.capacity() >= size) return;
    const std::uint64_t announced = size_ + remaining_;
    const std::uint64_t wanted = std::min(announced, std::max(growth_factor * size, eager_bytes));
    RC_ASSERT(wanted >= size);
    message_ = message_ ? pool.grow(std::move(message_), size_, wanted) : pool.get(wanted);
}

/// Makes room in message_ for more of what comes out of `input_bytes` of compressed payload.
void Assembler::reserve_inflated(std::size_t input_bytes, BufferPool& pool,
                                 const AssemblerLimits& limits) {
    if (message_ && message_.capacity() > size_) return;
    const std::uint64_t wanted = std::min(
        limits.message_bytes_max, std::max(growth_factor * (size_ + input_bytes), eager_bytes));
    message_ = message_ ? pool.grow(std::move(message_), size_, wanted) : pool.get(wanted);
}

void Assembler::advance(std::size_t octets) noexcept {
    remaining_ -= octets;
    mask_offset_ = static_cast<std::uint8_t>((mask_offset_ + octets) & 3);
    if (remaining_ == 0) in_frame_ = false;
}

}  // namespace ringcast::ws
