#include "reply_checker.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "simd/mask.hpp"

namespace ringcast::bench {

namespace {

/// Bytes of the header whose first two bytes are in `header`.
std::size_t header_bytes_needed(const ReplyState& state) {
    if (state.header_size < 2) return 2;
    const auto length = std::to_integer<unsigned>(state.header[1]) & 0x7fU;
    return length < 126 ? 2 : length == 126 ? 4 : 10;
}

std::uint64_t payload_bytes_of(const ReplyState& state) {
    if (state.header_size == 2) return std::to_integer<std::uint64_t>(state.header[1]) & 0x7fU;
    std::uint64_t length = 0;
    for (std::size_t i = 2; i < state.header_size; ++i) {
        length = length << 8U | std::to_integer<std::uint64_t>(state.header[i]);
    }
    return length;
}

void append_pong(std::span<const std::byte> payload, std::vector<std::byte>& pongs) {
    constexpr simd::MaskKey key{std::byte{0x52}, std::byte{0x43}, std::byte{0x50}, std::byte{0x47}};
    const std::size_t start = pongs.size();
    pongs.resize(start + ws::client_header_bytes_max + payload.size());
    const ws::FrameHeader fields{
        .opcode = ws::Opcode::pong, .fin = true, .payload_bytes = payload.size(), .key = key};
    const std::size_t header_bytes = ws::write_header(pongs.data() + start, fields, &key);
    simd::mask_copy(pongs.data() + start + header_bytes, payload, key);
    pongs.resize(start + header_bytes + payload.size());
}

std::unexpected<Error> closed_by_server(const ReplyState& state) {
    if (state.control_size < 2) return fail("the server sent a Close frame without a code");
    const auto code = std::to_integer<unsigned>(state.control[0]) << 8U |
                      std::to_integer<unsigned>(state.control[1]);
    const std::string_view reason(reinterpret_cast<const char*>(state.control.data()) + 2,
                                  state.control_size - std::size_t{2});
    return fail("the server sent a Close frame, code {}, reason '{}'", code, reason);
}

}  // namespace

Expected<std::size_t> ReplyChecker::consume(ReplyState& state, std::span<const std::byte> bytes,
                                            std::vector<std::byte>& pongs) const {
    const std::size_t reply_bytes = messages_.reply_header_bytes() + messages_.payload_bytes();
    std::size_t completed = 0;
    for (;;) {
        if (state.in_frame) {
            const auto used = read_payload(state, bytes);
            if (!used) return std::unexpected(used.error());
            bytes = bytes.subspan(*used);
            if (state.frame_bytes_left > 0) return completed;
            const auto replies = end_frame(state, pongs);
            if (!replies) return std::unexpected(replies.error());
            completed += *replies;
        } else if (bytes.empty()) {
            return completed;
        } else if (starts_with_reply(state, bytes)) {
            complete_reply(state);
            ++completed;
            bytes = bytes.subspan(reply_bytes);
        } else {
            const auto used = read_header(state, bytes);
            if (!used) return std::unexpected(used.error());
            bytes = bytes.subspan(*used);
        }
    }
}

bool ReplyChecker::starts_with_reply(const ReplyState& state,
                                     std::span<const std::byte> bytes) const {
    const std::span expected = messages_.reply(state.expected_index);
    if (bytes.size() < expected.size() || state.header_size > 0 || state.in_message) return false;
    const std::size_t compared =
        verify_ == Verify::full ? expected.size() : messages_.reply_header_bytes();
    return std::memcmp(bytes.data(), expected.data(), compared) == 0;
}

Expected<std::size_t> ReplyChecker::read_header(ReplyState& state,
                                                std::span<const std::byte> bytes) const {
    std::size_t used = 0;
    while (state.header_size < header_bytes_needed(state)) {
        if (used == bytes.size()) return used;
        state.header[state.header_size++] = bytes[used++];
    }
    if (auto begun = begin_frame(state); !begun) return std::unexpected(begun.error());
    return used;
}

Expected<void> ReplyChecker::begin_frame(ReplyState& state) const {
    const auto first = std::to_integer<unsigned>(state.header[0]);
    const bool masked = (std::to_integer<unsigned>(state.header[1]) & 0x80U) != 0;
    const std::uint64_t length = payload_bytes_of(state);
    state.frame_opcode = static_cast<ws::Opcode>(first & 0x0fU);
    state.frame_fin = (first & 0x80U) != 0;
    state.frame_bytes_left = length;
    state.in_frame = true;
    const bool shortest = state.header_size == ws::server_header_bytes(length);
    state.header_size = 0;

    if (masked) return fail("reply {}: the server masked a frame", state.replies);
    if ((first & 0x70U) != 0)
        return fail("reply {}: reserved bits are set (first byte {:#04x})", state.replies, first);
    if (!shortest)
        return fail("reply {}: a length of {} not in its shortest form", state.replies, length);
    switch (state.frame_opcode) {
        case ws::Opcode::close:
        case ws::Opcode::ping:
        case ws::Opcode::pong:
            state.control_size = 0;
            if (!state.frame_fin || length > ws::control_payload_bytes_max) {
                return fail("reply {}: a control frame of {} bytes, fin {}", state.replies, length,
                            state.frame_fin);
            }
            return {};
        case ws::Opcode::text:
        case ws::Opcode::binary:
            if (state.in_message)
                return fail("reply {}: a new message inside a fragmented one", state.replies);
            if (state.frame_opcode != messages_.opcode()) {
                return fail("reply {}: opcode {} instead of {}", state.replies, first & 0x0fU,
                            static_cast<unsigned>(messages_.opcode()));
            }
            break;
        case ws::Opcode::continuation:
            if (!state.in_message)
                return fail("reply {}: a continuation frame of nothing", state.replies);
            break;
        default: return fail("reply {}: unknown opcode {}", state.replies, first & 0x0fU);
    }
    state.in_message = true;
    const std::uint64_t missing = messages_.payload_bytes() - state.message_offset;
    if (length > missing || (state.frame_fin && length < missing)) {
        return fail("reply {}: a frame of {} bytes, fin {}, after {} bytes of a message of {}",
                    state.replies, length, state.frame_fin, state.message_offset,
                    messages_.payload_bytes());
    }
    return {};
}

Expected<std::size_t> ReplyChecker::read_payload(ReplyState& state,
                                                 std::span<const std::byte> bytes) const {
    const auto used =
        static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), state.frame_bytes_left));
    const std::span got = bytes.first(used);
    state.frame_bytes_left -= used;
    if (ws::is_control(state.frame_opcode)) {
        std::copy(got.begin(), got.end(), state.control.begin() + state.control_size);
        state.control_size = static_cast<std::uint8_t>(state.control_size + used);
        return used;
    }
    const std::span expected =
        messages_.reply(state.expected_index)
            .subspan(messages_.reply_header_bytes() + state.message_offset, used);
    if (verify_ == Verify::full && used > 0 &&
        std::memcmp(got.data(), expected.data(), used) != 0) {
        const auto differing = std::mismatch(got.begin(), got.end(), expected.begin());
        return fail(
            "reply {}: the payload differs at byte {}: expected {:#04x}, got {:#04x}",
            state.replies,
            state.message_offset + static_cast<std::uint64_t>(differing.first - got.begin()),
            std::to_integer<unsigned>(*differing.second),
            std::to_integer<unsigned>(*differing.first));
    }
    state.message_offset += used;
    return used;
}

Expected<std::size_t> ReplyChecker::end_frame(ReplyState& state,
                                              std::vector<std::byte>& pongs) const {
    state.in_frame = false;
    if (state.frame_opcode == ws::Opcode::close) return closed_by_server(state);
    if (state.frame_opcode == ws::Opcode::ping) {
        append_pong(std::span(state.control).first(state.control_size), pongs);
    }
    if (ws::is_control(state.frame_opcode) || !state.frame_fin) return 0;
    state.in_message = false;
    state.message_offset = 0;
    complete_reply(state);
    return 1;
}

void ReplyChecker::complete_reply(ReplyState& state) const {
    ++state.replies;
    if (++state.expected_index == messages_.cycle_count()) state.expected_index = 0;
}

}  // namespace ringcast::bench
