#include "auth/base64.hpp"

#include <array>

namespace ringcast::auth {

namespace {

constexpr std::uint8_t no_digit = 0xff;
using Digits = std::array<std::uint8_t, 256>;

consteval Digits make_digits(std::string_view last_two) {
    Digits digits;
    digits.fill(no_digit);
    std::uint8_t value = 0;
    for (char c = 'A'; c <= 'Z'; ++c) digits[static_cast<std::uint8_t>(c)] = value++;
    for (char c = 'a'; c <= 'z'; ++c) digits[static_cast<std::uint8_t>(c)] = value++;
    for (char c = '0'; c <= '9'; ++c) digits[static_cast<std::uint8_t>(c)] = value++;
    for (const char c : last_two) digits[static_cast<std::uint8_t>(c)] = value++;
    return digits;
}

constexpr Digits url_digits = make_digits("-_"), standard_digits = make_digits("+/");

}  // namespace

std::optional<std::string> decode_base64(std::string_view text, Base64 form) {
    if (form == Base64::standard) {
        if (text.size() % 4 != 0) return std::nullopt;
        for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
    }
    if (text.size() % 4 == 1) return std::nullopt;
    const Digits& digits = form == Base64::url ? url_digits : standard_digits;
    std::string octets;
    octets.reserve(text.size() / 4 * 3 + 2);
    std::uint32_t bits = 0;
    unsigned bits_count = 0;
    for (const char c : text) {
        const std::uint8_t digit = digits[static_cast<std::uint8_t>(c)];
        if (digit == no_digit) return std::nullopt;
        bits = bits << 6 | digit;
        bits_count += 6;
        if (bits_count < 8) continue;
        bits_count -= 8;
        octets += static_cast<char>(bits >> bits_count & 0xff);
    }
    if ((bits & ((1u << bits_count) - 1)) != 0) return std::nullopt;
    return octets;
}

}  // namespace ringcast::auth
