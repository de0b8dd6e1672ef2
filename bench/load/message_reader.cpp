#include "message_reader.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <system_error>

#include "simd/mask.hpp"

namespace ringcast::bench {

namespace {

/// Bytes of the header whose first two bytes are in `header`.
std::size_t header_bytes_needed(const StreamState& state) {
    if (state.header_size < 2) return 2;
    const auto length = std::to_integer<unsigned>(state.header[1]) & 0x7fU;
    return length < 126 ? 2 : length == 126 ? 4 : 10;
}

std::uint64_t payload_bytes_of(const StreamState& state) {
    if (state.header_size == 2) return std::to_integer<std::uint64_t>(state.header[1]) & 0x7fU;
    std::uint64_t length = 0;
    for (std::size_t i = 2; i < state.header_size; ++i) {
        length = length << 8U | std::to_integer<std::uint64_t>(state.header[i]);
    }
    return length;
}

/// A message may be longer for being compressed, a short one above all (RFC 7692 section 7.2.1
/// allows any blocks); no encoder doubles it and adds so much.
constexpr std::uint64_t compressed_bytes_spare = 1024;

/// Answers to pings that wait on one connection while others are being sent.
constexpr std::size_t pong_bytes_max = std::size_t{4} << 20U;

constexpr std::uint16_t no_close_code = 1005;  // RFC 6455 section 7.1.5.

Expected<void> end_close(StreamState& state) {
    const std::span payload = std::span(state.control).first(state.control_size);
    const bool has_code = payload.size() >= 2;
    const auto code = has_code
                          ? static_cast<std::uint16_t>(std::to_integer<unsigned>(payload[0]) << 8U |
                                                       std::to_integer<unsigned>(payload[1]))
                          : no_close_code;
    state.close_code = code;
    if (state.may_close) return {};
    if (!has_code) return fail("the server sent a Close frame without a code");
    const std::string_view reason(reinterpret_cast<const char*>(payload.data()) + 2,
                                  payload.size() - 2);
    return fail("the server sent a Close frame, code {}, reason '{}'", code, reason);
}

Expected<void> end_notice(StreamState& state) {
    constexpr std::string_view begin = R"({"skipped":)";
    const std::string_view text(reinterpret_cast<const char*>(state.control.data()),
                                state.control_size);
    state.is_notice = false;
    std::uint64_t count = 0;
    if (text.starts_with(begin) && text.ends_with('}')) {
        const auto [end, code] =
            std::from_chars(text.begin() + begin.size(), text.end() - 1, count);
        if (code == std::errc{} && end == text.end() - 1) {
            state.skipped += count;
            return {};
        }
    }
    return fail("the server sent the text '{}'", text);
}

Expected<void> end_control(StreamState& state, std::vector<std::byte>& pongs) {
    if (state.is_notice) return end_notice(state);
    if (state.frame_opcode == ws::Opcode::close) return end_close(state);
    const std::span payload = std::span(state.control).first(state.control_size);
    if (state.frame_opcode == ws::Opcode::pong && state.is_asked &&
        std::ranges::equal(payload, end_question)) {
        state.is_asked = false;
        ++state.pongs;
    }
    if (state.frame_opcode != ws::Opcode::ping) return {};
    const std::size_t before = pongs.size();
    append_frame(ws::Opcode::pong, payload, pongs);
    state.pong_bytes += pongs.size() - before;
    if (state.pong_bytes <= pong_bytes_max) return {};
    return fail("the server sends pings and does not take the answers, {} bytes of them",
                state.pong_bytes);
}

}  // namespace

MessageReader::MessageReader(MessageShape shape, std::string_view noun)
    : shape_(shape), noun_(noun) {
    if (shape.compression == Compression::shared)
        inflater_ = std::make_unique<MessageInflater>(false);
}

Expected<Piece> MessageReader::next(StreamState& state, std::span<const std::byte>& bytes,
                                    std::vector<std::byte>& pongs) const {
    if (!state.in_frame) {
        if (auto read = read_header(state, bytes); !read) return std::unexpected(read.error());
        if (!state.in_frame) return Piece{};
    }
    const auto used =
        static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), state.frame_bytes_left));
    const std::span got = bytes.first(used);
    bytes = bytes.subspan(used);
    state.frame_bytes_left -= used;
    state.in_frame = state.frame_bytes_left > 0;
    if (ws::is_control(state.frame_opcode) || state.is_notice) {
        if (state.is_notice) state.data_bytes += used;
        std::copy(got.begin(), got.end(), state.control.begin() + state.control_size);
        state.control_size = static_cast<std::uint8_t>(state.control_size + used);
        if (state.in_frame) return Piece{};
        if (auto ended = end_control(state, pongs); !ended) return std::unexpected(ended.error());
        return Piece{};
    }
    state.data_bytes += used;
    if (state.is_compressed) return gather(state, got);
    const Piece piece{.payload = got,
                      .offset = state.message_offset,
                      .completes_message = !state.in_frame && state.frame_fin};
    state.message_offset = piece.completes_message ? 0 : state.message_offset + used;
    state.in_message = !piece.completes_message;
    return piece;
}

void MessageReader::put_back(StreamState& state, std::span<const std::byte>& bytes,
                             std::size_t count) noexcept {
    bytes = std::span(bytes.data() - count, bytes.size() + count);
    state.frame_bytes_left += count;
    state.in_frame = state.in_message = true;
}

/// Some of a compressed message; all of it if its last frame is complete.
Expected<Piece> MessageReader::gather(StreamState& state, std::span<const std::byte> got) const {
    const bool is_whole = !state.in_frame && state.frame_fin;
    std::span<const std::byte> payload = got;
    if (!is_whole || !state.gathered.empty()) {
        state.gathered.insert(state.gathered.end(), got.begin(), got.end());
        payload = state.gathered;
    }
    if (!is_whole) return Piece{};
    state.in_message = state.is_compressed = false;
    if (!inflater_ && !state.inflater) state.inflater = std::make_unique<MessageInflater>(true);
    MessageInflater& inflater = inflater_ ? *inflater_ : *state.inflater;
    const auto message = inflater.inflate(payload, static_cast<std::size_t>(shape_.payload_bytes));
    state.gathered.clear();
    if (!message) return fail("{} {}: {}", noun_, state.messages, message.error().message);
    return Piece{.payload = *message, .offset = 0, .completes_message = true};
}

Expected<void> MessageReader::read_header(StreamState& state,
                                          std::span<const std::byte>& bytes) const {
    while (state.header_size < header_bytes_needed(state)) {
        if (bytes.empty()) return {};
        state.header[state.header_size++] = bytes.front();
        bytes = bytes.subspan(1);
    }
    return begin_frame(state);
}

Expected<void> MessageReader::begin_frame(StreamState& state) const {
    const auto first = std::to_integer<unsigned>(state.header[0]);
    const bool masked = (std::to_integer<unsigned>(state.header[1]) & 0x80U) != 0;
    const std::uint64_t length = payload_bytes_of(state);
    state.frame_opcode = static_cast<ws::Opcode>(first & 0x0fU);
    state.frame_fin = (first & 0x80U) != 0;
    state.frame_bytes_left = length;
    state.in_frame = true;
    const bool shortest = state.header_size == ws::server_header_bytes(length);
    state.header_size = 0;

    if (state.close_code) return fail("the server sent a frame behind its Close frame");
    if (masked) return fail("{} {}: the server masked a frame", noun_, state.messages);
    constexpr unsigned rsv1 = 0x40;
    const bool may_begin_compressed =
        shape_.compression != Compression::off && !state.in_message &&
        (state.frame_opcode == ws::Opcode::text || state.frame_opcode == ws::Opcode::binary);
    const bool begins_compressed = may_begin_compressed && (first & 0x70U) == rsv1;
    if ((first & 0x70U) != 0 && !begins_compressed) {
        return fail("{} {}: reserved bits are set (first byte {:#04x})", noun_, state.messages,
                    first);
    }
    if (!shortest) {
        return fail("{} {}: a length of {} not in its shortest form", noun_, state.messages,
                    length);
    }
    if (begins_compressed) state.is_compressed = true;
    state.is_notice = shape_.has_notices && state.frame_opcode == ws::Opcode::text &&
                      state.frame_fin && !state.in_message &&
                      length <= ws::control_payload_bytes_max;
    if (!ws::is_control(state.frame_opcode) && !state.is_notice) return begin_data(state);
    state.control_size = 0;
    if (state.is_notice) return {};
    if (state.frame_opcode > ws::Opcode::pong)
        return fail("{} {}: unknown opcode {}", noun_, state.messages, first & 0x0fU);
    if (!state.frame_fin || length > ws::control_payload_bytes_max) {
        return fail("{} {}: a control frame of {} bytes, fin {}", noun_, state.messages, length,
                    state.frame_fin);
    }
    return {};
}

Expected<void> MessageReader::begin_data(StreamState& state) const {
    switch (state.frame_opcode) {
        case ws::Opcode::text:
        case ws::Opcode::binary:
            if (state.in_message) {
                return fail("{} {}: a new message inside a fragmented one", noun_, state.messages);
            }
            if (state.frame_opcode != shape_.opcode) {
                return fail("{} {}: opcode {} instead of {}", noun_, state.messages,
                            static_cast<unsigned>(state.frame_opcode),
                            static_cast<unsigned>(shape_.opcode));
            }
            break;
        case ws::Opcode::continuation:
            if (!state.in_message) {
                return fail("{} {}: a continuation frame of nothing", noun_, state.messages);
            }
            break;
        default:
            return fail("{} {}: unknown opcode {}", noun_, state.messages,
                        static_cast<unsigned>(state.frame_opcode));
    }
    state.in_message = true;
    if (state.is_compressed) {
        const std::uint64_t compressed_bytes_max =
            2 * shape_.payload_bytes + compressed_bytes_spare;
        if (state.frame_bytes_left <= compressed_bytes_max - state.gathered.size()) return {};
        return fail("{} {}: {} more bytes after {} bytes of a compressed message of {}", noun_,
                    state.messages, state.frame_bytes_left, state.gathered.size(),
                    shape_.payload_bytes);
    }
    if (shape_.has_any_size) return {};
    const std::uint64_t missing = shape_.payload_bytes - state.message_offset;
    const std::uint64_t length = state.frame_bytes_left;
    if (length > missing || (state.frame_fin && length < missing)) {
        return fail("{} {}: a frame of {} bytes, fin {}, after {} bytes of a message of {}", noun_,
                    state.messages, length, state.frame_fin, state.message_offset,
                    shape_.payload_bytes);
    }
    return {};
}

void append_frame(ws::Opcode opcode, std::span<const std::byte> payload,
                  std::vector<std::byte>& frames) {
    constexpr simd::MaskKey key{std::byte{0x52}, std::byte{0x43}, std::byte{0x50}, std::byte{0x47}};
    const std::size_t start = frames.size();
    frames.resize(start + ws::client_header_bytes_max + payload.size());
    const ws::FrameHeader fields{
        .opcode = opcode, .fin = true, .payload_bytes = payload.size(), .key = key};
    const std::size_t header_bytes = ws::write_header(frames.data() + start, fields, &key);
    simd::mask_copy(frames.data() + start + header_bytes, payload, key);
    frames.resize(start + header_bytes + payload.size());
}

}  // namespace ringcast::bench
