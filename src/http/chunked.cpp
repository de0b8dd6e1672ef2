#include "http/chunked.hpp"

#include <algorithm>
#include <charconv>

#include "base/assert.hpp"
#include "http/characters.hpp"

namespace ringcast::http {

namespace {

constexpr std::uint32_t size_digits_max = 16;  // More would not fit into 64 bits.

constexpr bool is_white_space(char c) noexcept {
    return c == ' ' || c == '\t';
}

}  // namespace

ChunkedDecoder::Result ChunkedDecoder::next(std::span<std::byte>& input,
                                            const ChunkedLimits& limits) noexcept {
    RC_ASSERT(state_ < State::end);
    while (!input.empty()) {
        if (state_ == State::content) {
            const auto size =
                static_cast<std::size_t>(std::min<std::uint64_t>(chunk_bytes_, input.size()));
            const std::span<std::byte> content = input.first(size);
            input = input.subspan(size);
            chunk_bytes_ -= size;
            if (chunk_bytes_ == 0) state_ = State::content_return;
            return {.found = Found::content, .content = content};
        }
        const char c = static_cast<char>(input.front());
        input = input.subspan(1);
        state_ = step(c);
        if (state_ == State::malformed) return {.found = Found::malformed, .content = {}};
        if (state_ == State::end) return {.found = Found::end, .content = {}};
        if (state_ == State::content && chunk_bytes_ > limits.content_bytes_max) {
            state_ = State::malformed;
            return {.found = Found::too_large, .content = {}};
        }
        // The line end behind the last of them is none.
        if (state_ >= State::trailer_begin && state_ < State::end_line_feed &&
            line_bytes_ > limits.trailer_bytes_max) {
            state_ = State::malformed;
            return {.found = Found::trailers_too_large, .content = {}};
        }
    }
    return {};
}

/// One octet of framing.
ChunkedDecoder::State ChunkedDecoder::step(char c) noexcept {
    if (++line_bytes_ > size_line_bytes_max && state_ < State::trailer_begin)
        return State::malformed;
    switch (state_) {
        case State::size_begin:
        case State::size:
            if (!is_hex_digit(c))
                return state_ == State::size ? extension_step(state_, c) : State::malformed;
            if (line_bytes_ > size_digits_max) return State::malformed;
            chunk_bytes_ = chunk_bytes_ << 4 | hex_value(c);
            return State::size;
        case State::size_line_feed:
            if (c != '\n') return State::malformed;
            line_bytes_ = 0;
            return chunk_bytes_ == 0 ? State::trailer_begin : State::content;
        case State::content_return: return c == '\r' ? State::content_line_feed : State::malformed;
        case State::content_line_feed:
            line_bytes_ = 0;
            return c == '\n' ? State::size_begin : State::malformed;
        case State::extension_begin:
        case State::name_begin:
        case State::name:
        case State::name_end:
        case State::value_begin:
        case State::value:
        case State::quoted:
        case State::escaped:
        case State::quoted_end: return extension_step(state_, c);
        case State::trailer_begin:
        case State::trailer_name:
        case State::trailer_value:
        case State::trailer_line_feed:
        case State::end_line_feed: return trailer_step(state_, c);
        case State::content:
        case State::end:
        case State::malformed: break;
    }
    RC_ASSERT(false && "no framing is due");
}

/// chunk-ext = *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] ), then the line's
/// CR.
ChunkedDecoder::State ChunkedDecoder::extension_step(State state, char c) noexcept {
    switch (state) {
        case State::name_begin:
            if (is_white_space(c)) return state;
            return is_token_character(c) ? State::name : State::malformed;
        case State::value_begin:
            if (is_white_space(c)) return state;
            if (c == '"') return State::quoted;
            return is_token_character(c) ? State::value : State::malformed;
        case State::quoted:
            if (c == '"') return State::quoted_end;
            if (c == '\\') return State::escaped;
            return is_field_value_character(c) ? state : State::malformed;
        case State::escaped: return is_field_value_character(c) ? State::quoted : State::malformed;
        default: break;
    }
    // Behind a size, a name or a value, or the white space that follows one.
    const bool is_name = state == State::name || state == State::name_end;
    const bool is_gap = state == State::name_end || state == State::extension_begin;
    if (c == ';') return State::name_begin;
    if (c == '=' && is_name) return State::value_begin;
    if (is_white_space(c)) return is_name ? State::name_end : State::extension_begin;
    if (is_gap) return State::malformed;
    if (c == '\r') return State::size_line_feed;
    const bool is_token = state == State::name || state == State::value;
    return is_token && is_token_character(c) ? state : State::malformed;
}

/// *( field-name ":" field-value CRLF ) CRLF
ChunkedDecoder::State ChunkedDecoder::trailer_step(State state, char c) noexcept {
    switch (state) {
        case State::trailer_begin:
            if (c == '\r') return State::end_line_feed;
            return is_token_character(c) ? State::trailer_name : State::malformed;
        case State::trailer_name:
            if (c == ':') return State::trailer_value;
            return is_token_character(c) ? state : State::malformed;
        case State::trailer_value:
            if (c == '\r') return State::trailer_line_feed;
            return is_field_value_character(c) ? state : State::malformed;
        case State::trailer_line_feed: return c == '\n' ? State::trailer_begin : State::malformed;
        default: return c == '\n' ? State::end : State::malformed;  // The last line's.
    }
}

std::size_t write_chunk_begin(char* target, std::size_t size) noexcept {
    RC_ASSERT(size > 0);  // An empty chunk would be the last.
    char* end = std::to_chars(target, target + chunk_begin_bytes_max - 2, size, 16).ptr;
    *end++ = '\r';
    *end++ = '\n';
    return static_cast<std::size_t>(end - target);
}

}  // namespace ringcast::http
