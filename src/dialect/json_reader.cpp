#include "dialect/json_reader.hpp"

#include <cstring>

#include "dialect/json.hpp"

namespace ringcast::dialect {

namespace {

/// The number that four hexadecimal digits mean; they were checked.
std::uint32_t hex4(const char* digits) noexcept {
    std::uint32_t value = 0;
    std::from_chars(digits, digits + 4, value, 16);
    return value;
}

char* put_utf8(char* target, std::uint32_t point) noexcept {
    const auto put = [&](std::uint32_t octet) { *target++ = static_cast<char>(octet); };
    if (point < 0x80) {
        put(point);
    } else if (point < 0x800) {
        put(0xc0 | point >> 6);
        put(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        put(0xe0 | point >> 12);
        put(0x80 | (point >> 6 & 0x3f));
        put(0x80 | (point & 0x3f));
    } else {
        put(0xf0 | point >> 18);
        put(0x80 | (point >> 12 & 0x3f));
        put(0x80 | (point >> 6 & 0x3f));
        put(0x80 | (point & 0x3f));
    }
    return target;
}

char meaning_of_escape(char c) noexcept {
    switch (c) {
        case 'b': return '\b';
        case 'f': return '\f';
        case 'n': return '\n';
        case 'r': return '\r';
        case 't': return '\t';
        default: return c;
    }
}

bool is_surrogate(std::uint32_t unit, std::uint32_t first) noexcept {
    return unit >= first && unit < first + 0x400;
}

/// The character of the \u sequence at `at`, or of two that are a pair; leaves them behind.
std::uint32_t take_code_point(const char*& at, const char* end) noexcept {
    constexpr std::uint32_t high = 0xd800;
    constexpr std::uint32_t low = 0xdc00;
    constexpr std::uint32_t replacement = 0xfffd;
    const std::uint32_t unit = hex4(at + 2);
    at += 6;
    if (is_surrogate(unit, low)) return replacement;
    if (!is_surrogate(unit, high)) return unit;
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u') return replacement;
    const std::uint32_t second = hex4(at + 2);
    if (!is_surrogate(second, low)) return replacement;
    at += 6;
    return 0x10000 + ((unit - high) << 10) + (second - low);
}

/// Decodes the escape sequences of [begin, end), which was checked, in place.
///
///   a\u00e4\n   6 + 2 octets of escapes
///   a C3A4 0A   2 + 1: the target never overtakes the source
std::string_view decode_escapes(char* begin, char* end) noexcept {
    const auto find = [&](const char* from) {
        const void* const found = std::memchr(from, '\\', static_cast<std::size_t>(end - from));
        return found != nullptr ? static_cast<const char*>(found) : end;
    };
    const char* at = find(begin);
    char* target = begin + (at - begin);
    while (at != end) {
        if (at[1] == 'u') {
            target = put_utf8(target, take_code_point(at, end));
        } else {
            *target++ = meaning_of_escape(at[1]);
            at += 2;
        }
        const char* const next = find(at);
        std::memmove(target, at, static_cast<std::size_t>(next - at));
        target += next - at;
        at = next;
    }
    return {begin, static_cast<std::size_t>(target - begin)};
}

}  // namespace

void JsonReader::fail(JsonFault fault) noexcept {
    if (fault_ == JsonFault::none) fault_ = fault;
    at_ = end_;
}

std::string_view JsonReader::take_to(const char* stop) noexcept {
    if (stop == nullptr) {
        fail(JsonFault::malformed);
        return {};
    }
    const std::string_view taken{at_, static_cast<std::size_t>(stop - at_)};
    at_ += taken.size();
    return taken;
}

char JsonReader::peek() noexcept {
    take_to(skip_json_space(at_, end_));
    if (at_ != end_) return *at_;
    fail(JsonFault::malformed);
    return '\0';
}

void JsonReader::open(char bracket) noexcept {
    if (peek() != bracket) return fail(JsonFault::wrong_type);
    ++at_;
    is_first_ = true;
}

bool JsonReader::next_item(char bracket) noexcept {
    const char c = peek();
    if (fault_ != JsonFault::none) return false;
    const bool was_first = is_first_;
    is_first_ = false;
    if (c == bracket) {
        ++at_;
        return false;
    }
    if (was_first) return true;
    if (c != ',') {
        fail(JsonFault::malformed);
        return false;
    }
    ++at_;
    return true;
}

void JsonReader::open_object() noexcept {
    open('{');
}

bool JsonReader::next_name(std::string_view& name) noexcept {
    if (!next_item('}')) return false;
    if (peek() != '"') fail(JsonFault::malformed);
    name = read_string();
    if (peek() != ':') fail(JsonFault::malformed);
    if (fault_ != JsonFault::none) return false;
    ++at_;
    return true;
}

void JsonReader::open_array() noexcept {
    open('[');
}

bool JsonReader::next_element() noexcept {
    return next_item(']');
}

bool JsonReader::read_null() noexcept {
    if (peek() != 'n') return false;
    take_to(skip_json_value(at_, end_));
    return fault_ == JsonFault::none;
}

bool JsonReader::read_boolean() noexcept {
    const char c = peek();
    if (c != 't' && c != 'f') fail(JsonFault::wrong_type);
    if (fault_ != JsonFault::none) return false;
    return take_to(skip_json_value(at_, end_)) == "true";
}

std::string_view JsonReader::read_string() noexcept {
    if (peek() != '"') fail(JsonFault::wrong_type);
    if (fault_ != JsonFault::none) return {};
    char* const begin = at_ + 1;
    take_to(skip_json_string(at_, end_));
    if (fault_ != JsonFault::none) return {};
    return decode_escapes(begin, at_ - 1);
}

std::string_view JsonReader::read_digits() noexcept {
    const char c = peek();
    if (c != '-' && (c < '0' || c > '9')) fail(JsonFault::wrong_type);
    if (fault_ != JsonFault::none) return {};
    const std::string_view number = take_to(skip_json_number(at_, end_));
    if (number.find_first_of(".eE") == std::string_view::npos) return number;
    fail(JsonFault::wrong_type);
    return {};
}

std::string_view JsonReader::read_raw() noexcept {
    peek();
    if (fault_ != JsonFault::none) return {};
    return take_to(skip_json_value(at_, end_));
}

void JsonReader::finish() noexcept {
    take_to(skip_json_space(at_, end_));
    if (at_ != end_) fail(JsonFault::malformed);
}

}  // namespace ringcast::dialect
