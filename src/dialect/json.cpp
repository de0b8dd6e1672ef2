#include "dialect/json.hpp"

#include <cstdint>
#include <cstring>
#include <span>

#include "base/bytes.hpp"
#include "simd/utf8.hpp"

namespace ringcast::dialect {

namespace {

bool is_json_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

bool is_hex_digit(char c) noexcept {
    return is_json_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// An escape sequence, whose backslash is at `at`.
const char* skip_escape(const char* at, const char* end) noexcept {
    if (end - at < 2) return nullptr;
    if (at[1] != 'u') return std::strchr("\"\\/bfnrt", at[1]) && at[1] != 0 ? at + 2 : nullptr;
    if (end - at < 6) return nullptr;
    for (int i = 2; i < 6; ++i) {
        if (!is_hex_digit(at[i])) return nullptr;
    }
    return at + 6;
}

const char* skip_word(const char* at, const char* end, std::string_view word) noexcept {
    const std::string_view rest{at, static_cast<std::size_t>(end - at)};
    return rest.starts_with(word) ? at + word.size() : nullptr;
}

/// One digit or more.
const char* skip_digits(const char* at, const char* end) noexcept {
    if (at == end || !is_json_digit(*at)) return nullptr;
    while (at != end && is_json_digit(*at)) ++at;
    return at;
}

const char* skip_scalar(const char* at, const char* end) noexcept {
    switch (*at) {
        case '"': return skip_json_string(at, end);
        case 't': return skip_word(at, end, "true");
        case 'f': return skip_word(at, end, "false");
        case 'n': return skip_word(at, end, "null");
        default: return skip_json_number(at, end);
    }
}

/// A member's name and its colon, with the white space around them.
const char* skip_name(const char* at, const char* end) noexcept {
    at = skip_json_string(skip_json_space(at, end), end);
    if (at == nullptr) return nullptr;
    at = skip_json_space(at, end);
    return at != end && *at == ':' ? at + 1 : nullptr;
}

/// Which containers are open, the innermost in the lowest bit.
class Nesting {
public:
    bool open(bool is_object) noexcept {
        if (depth_ == json_depth_max) return false;
        kinds_ = kinds_ << 1 | (is_object ? 1 : 0);
        ++depth_;
        return true;
    }
    void close() noexcept {
        kinds_ >>= 1;
        --depth_;
    }
    [[nodiscard]] bool is_empty() const noexcept { return depth_ == 0; }
    [[nodiscard]] bool is_in_object() const noexcept { return (kinds_ & 1) != 0; }

private:
    static_assert(json_depth_max <= 64);
    std::uint64_t kinds_ = 0;
    std::size_t depth_ = 0;
};

/// What may follow a value, up to where the next one begins, or past the outermost bracket.
const char* skip_to_next_value(const char* at, const char* end, Nesting& open) noexcept {
    while (!open.is_empty()) {
        at = skip_json_space(at, end);
        if (at == end) return nullptr;
        const char c = *at++;
        if (c == ',') return open.is_in_object() ? skip_name(at, end) : at;
        if (c != (open.is_in_object() ? '}' : ']')) return nullptr;
        open.close();
    }
    return at;
}

}  // namespace

const char* skip_json_space(const char* at, const char* end) noexcept {
    while (at != end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) ++at;
    return at;
}

const char* skip_json_plain(const char* at, const char* end) noexcept {
    constexpr std::uint64_t ones = 0x0101'0101'0101'0101;
    constexpr std::uint64_t tops = 0x8080'8080'8080'8080;
    // An octet's top bit is set where the octet is zero, or where an octet below it is.
    const auto zeros = [](std::uint64_t word) { return (word - ones) & ~word & tops; };
    for (; end - at >= 8; at += 8) {
        std::uint64_t word;
        std::memcpy(&word, at, sizeof word);
        const std::uint64_t controls = (word - ones * 0x20) & ~word & tops;
        if ((zeros(word ^ (ones * '"')) | zeros(word ^ (ones * '\\')) | controls) != 0) break;
    }
    while (at != end && *at != '"' && *at != '\\' && static_cast<unsigned char>(*at) >= 0x20) ++at;
    return at;
}

const char* skip_json_string(const char* at, const char* end) noexcept {
    if (at == end || *at != '"') return nullptr;
    ++at;
    for (;;) {
        at = skip_json_plain(at, end);
        if (at == end) return nullptr;
        if (*at == '"') return at + 1;
        if (*at != '\\') return nullptr;
        at = skip_escape(at, end);
        if (at == nullptr) return nullptr;
    }
}

const char* skip_json_number(const char* at, const char* end) noexcept {
    if (at != end && *at == '-') ++at;
    const bool has_leading_zero = at != end && *at == '0';
    at = has_leading_zero ? at + 1 : skip_digits(at, end);
    if (at == nullptr) return nullptr;
    if (at != end && *at == '.') {
        at = skip_digits(at + 1, end);
        if (at == nullptr) return nullptr;
    }
    if (at != end && (*at == 'e' || *at == 'E')) {
        ++at;
        if (at != end && (*at == '+' || *at == '-')) ++at;
        at = skip_digits(at, end);
    }
    return at;
}

const char* skip_json_value(const char* at, const char* end) noexcept {
    Nesting open;
    do {
        at = skip_json_space(at, end);
        if (at == end) return nullptr;
        if (*at == '{' || *at == '[') {
            const bool is_object = *at == '{';
            if (!open.open(is_object)) return nullptr;
            at = skip_json_space(at + 1, end);
            const bool is_empty = at != end && *at == (is_object ? '}' : ']');
            if (!is_empty) {
                if (is_object) at = skip_name(at, end);
                if (at == nullptr) return nullptr;
                continue;
            }
        } else {
            at = skip_scalar(at, end);
            if (at == nullptr) return nullptr;
        }
        at = skip_to_next_value(at, end, open);
        if (at == nullptr) return nullptr;
    } while (!open.is_empty());
    return at;
}

bool is_json(std::string_view text) noexcept {
    if (!simd::is_utf8(as_bytes(text))) return false;
    const char* const end = text.data() + text.size();
    const char* const value = skip_json_space(text.data(), end);
    const char* const behind = value == end ? nullptr : skip_json_value(value, end);
    return behind != nullptr && skip_json_space(behind, end) == end;
}

}  // namespace ringcast::dialect
