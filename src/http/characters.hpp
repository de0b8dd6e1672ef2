#pragma once
// Character classes of RFC 9110 section 5.6 and RFC 3986, one table look-up each. Internal to the
// protocol layers.

#include <array>
#include <cstdint>
#include <string_view>

namespace ringcast::http {

namespace detail {

inline constexpr std::uint8_t token_class = 1, field_value_class = 2, target_class = 4,
                              host_class = 8, hex_class = 16;

consteval std::array<std::uint8_t, 256> make_character_classes() {
    std::array<std::uint8_t, 256> classes{};
    const auto add = [&classes](std::string_view characters, std::uint8_t bit) {
        for (const char c : characters) classes[static_cast<std::uint8_t>(c)] |= bit;
    };
    constexpr std::string_view digits = "0123456789";
    constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    for (const std::string_view alphanumeric : {digits, letters})
        add(alphanumeric, token_class | host_class);
    add("!#$%&'*+-.^_`|~", token_class);
    add("-._~!$&'()*+,;=", host_class);  // unreserved and sub-delims
    add("0123456789ABCDEFabcdef", hex_class);
    for (std::size_t octet = 0x21; octet < 0x7f; ++octet)
        classes[octet] |= field_value_class | target_class;
    classes['#'] &= static_cast<std::uint8_t>(
        ~target_class);  // A fragment is never sent (RFC 9112 section 3.2).
    for (std::size_t octet = 0x80; octet < 0x100; ++octet)
        classes[octet] |= field_value_class;  // obs-text
    add(" \t", field_value_class);
    return classes;
}

inline constexpr std::array<std::uint8_t, 256> character_classes = make_character_classes();

[[nodiscard]] constexpr bool is_in_class(char c, std::uint8_t bit) noexcept {
    return (character_classes[static_cast<std::uint8_t>(c)] & bit) != 0;
}

}  // namespace detail

/// tchar: what methods, field names and subprotocol names are made of.
[[nodiscard]] constexpr bool is_token_character(char c) noexcept {
    return detail::is_in_class(c, detail::token_class);
}
/// field-vchar, SP or HTAB.
[[nodiscard]] constexpr bool is_field_value_character(char c) noexcept {
    return detail::is_in_class(c, detail::field_value_class);
}
/// Visible ASCII without `#`.
[[nodiscard]] constexpr bool is_target_character(char c) noexcept {
    return detail::is_in_class(c, detail::target_class);
}
/// reg-name of RFC 3986 without percent escapes.
[[nodiscard]] constexpr bool is_host_character(char c) noexcept {
    return detail::is_in_class(c, detail::host_class);
}
[[nodiscard]] constexpr bool is_hex_digit(char c) noexcept {
    return detail::is_in_class(c, detail::hex_class);
}
[[nodiscard]] constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

/// The value of a hexadecimal digit.
[[nodiscard]] constexpr unsigned hex_value(char c) noexcept {
    return is_digit(c) ? static_cast<unsigned>(c - '0')
                       : static_cast<unsigned>((c | 0x20) - 'a') + 10;
}

/// True if `text` is a token: not empty, tchar only.
[[nodiscard]] constexpr bool is_token(std::string_view text) noexcept {
    for (const char c : text) {
        if (!is_token_character(c)) return false;
    }
    return !text.empty();
}

/// `text` without white space (SP, HTAB) at both ends.
[[nodiscard]] constexpr std::string_view trimmed(std::string_view text) noexcept {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Takes the next element, trimmed, from the front of a comma-separated list (RFC 9110
/// section 5.6.1). Elements may be empty; the list is used up when `rest` is. Quoted strings are
/// not known: no list read here has any.
[[nodiscard]] constexpr std::string_view take_list_element(std::string_view& rest) noexcept {
    const std::size_t comma = rest.find(',');
    const std::string_view element = trimmed(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    return element;
}

}  // namespace ringcast::http
