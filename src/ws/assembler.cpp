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

}  // namespace

Event Assembler::next_of_any(std::span<std::byte>& input, BufferPool& pool,
                             const AssemblerLimits& limits) {
    release_returned();
    while (!input.empty()) {
        if (!in_frame_) {
            const bool is_split = header_size_ != 0;
            const ParsedHeader parsed =
                is_split ? complete_header(input)
                         : parse_header(input, message_opcode_ != Opcode::continuation);
            if (parsed.reason != Reason::none) return Event::failure(parsed.reason);
            if (parsed.size == 0) {
                keep_header_start(input);
                return {};
            }
            input = input.subspan(parsed.size - header_size_);
            header_size_ = 0;
            const FrameHeader& header = parsed.header;
            if (!is_control(header.opcode)) {
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
        const std::span<std::byte> piece =
            input.first(std::min<std::uint64_t>(remaining_, input.size()));
        input = input.subspan(piece.size());
        const Event event =
            is_control(opcode_) ? take_control_piece(piece, pool) : take_message_piece(piece, pool);
        if (event.kind != Event::Kind::need_more) return event;
    }
    return {};
}

/// Reads the header that starts in header_ and goes on in `input`.
ParsedHeader Assembler::complete_header(std::span<const std::byte> input) const noexcept {
    std::array<std::byte, client_header_bytes_max> bytes;
    const std::size_t added = std::min<std::size_t>(input.size(), bytes.size() - header_size_);
    std::memcpy(bytes.data(), header_.data(), header_size_);
    std::memcpy(bytes.data() + header_size_, input.data(), added);
    return parse_header({bytes.data(), header_size_ + added},
                        message_opcode_ != Opcode::continuation);
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
    if (!is_control(opcode_) && opcode_ != Opcode::continuation) message_opcode_ = opcode_;
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
    if (!is_last) return {};
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

void Assembler::advance(std::size_t octets) noexcept {
    remaining_ -= octets;
    mask_offset_ = static_cast<std::uint8_t>((mask_offset_ + octets) & 3);
    if (remaining_ == 0) in_frame_ = false;
}

}  // namespace ringcast::ws
