#pragma once
// How the text of an option becomes a member of an aggregate, and back: sizes, durations, counts,
// words. For the rows of option_table.cpp and namespace_options.cpp. Each `set_` function takes
// what the matching `get_` prints; its error is one sentence that quotes the text and says what
// would have been right.

#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/units.hpp"
#include "server/options.hpp"

namespace ringcast::server::option_values {

using Result = std::expected<void, std::string>;
using Texts = std::vector<std::string>;

inline constexpr std::uint64_t kib = 1 << 10;
inline constexpr std::uint64_t mib = 1 << 20;
inline constexpr std::uint64_t gib = 1 << 30;
inline constexpr std::int64_t ms = 1;
inline constexpr std::int64_t hour = 3'600'000;

inline std::unexpected<std::string> refuse(std::string_view text, std::string_view expected) {
    return std::unexpected{
        std::string{"'"}.append(text).append("' is not possible here; expected ").append(expected)};
}

inline std::string range(std::string_view min, std::string_view max) {
    return std::string{min}.append(" to ").append(max);
}

/// The aggregate that `member` points into, and the type of what it points to.
template <class Owner, class Member>
Owner owner_of(Member Owner::*);
template <auto member>
using OwnerOf = decltype(owner_of(member));
template <auto member>
using MemberType = std::remove_cvref_t<decltype(std::declval<OwnerOf<member>&>().*member)>;

/// Zero::allowed: 0 is possible whatever the minimum is, and switches something off.
enum class Zero : std::uint8_t { refused, allowed };

// Sizes, as SIZE.

template <auto member, std::uint64_t min, std::uint64_t max, Zero zero = Zero::refused>
Result set_bytes(OwnerOf<member>& options, std::string_view text) {
    const auto bytes = parse_bytes(text);
    if (!bytes) return std::unexpected{bytes.error()};
    const bool off = zero == Zero::allowed && *bytes == 0;
    if (!off && (*bytes < min || *bytes > max)) {
        const std::string expected = range(print_bytes(min), print_bytes(max));
        return refuse(text, zero == Zero::allowed ? expected + ", or 0" : expected);
    }
    options.*member = static_cast<MemberType<member>>(*bytes);
    return {};
}

template <auto member>
Texts get_bytes(const OwnerOf<member>& options) {
    return {print_bytes(options.*member)};
}

// Durations, as DURATION.

template <auto member, std::int64_t min_ms, std::int64_t max_ms, Zero zero = Zero::refused>
Result set_duration(OwnerOf<member>& options, std::string_view text) {
    const auto duration = text == "0" ? Duration{} : parse_duration(text);
    if (!duration) return std::unexpected{duration.error()};
    const Duration min = std::chrono::milliseconds{min_ms};
    const Duration max = std::chrono::milliseconds{max_ms};
    const bool off = zero == Zero::allowed && *duration == Duration{};
    if (!off && (*duration < min || *duration > max)) {
        const std::string expected = range(print_duration(min), print_duration(max));
        return refuse(text, zero == Zero::allowed ? expected + ", or 0" : expected);
    }
    options.*member = *duration;
    return {};
}

template <auto member>
Texts get_duration(const OwnerOf<member>& options) {
    return {print_duration(options.*member)};
}

// Counts, as N; `auto` stands for the member's empty value (no value, or 0).

enum class Shape : std::uint8_t { any, power_of_two };

template <auto member, std::uint64_t min, std::uint64_t max, Shape shape = Shape::any>
Result set_count(OwnerOf<member>& options, std::string_view text) {
    std::uint64_t count = 0;
    const auto [rest, status] = std::from_chars(text.data(), text.data() + text.size(), count);
    const bool is_number = status == std::errc{} && rest == text.data() + text.size();
    const bool has_shape = shape == Shape::any || std::has_single_bit(count);
    if (!is_number || count < min || count > max || !has_shape) {
        std::string expected = range(std::to_string(min), std::to_string(max));
        if (shape == Shape::power_of_two) expected = "a power of two from " + expected;
        return refuse(text, expected);
    }
    options.*member = static_cast<std::uint32_t>(count);
    return {};
}

template <auto member, std::uint64_t min, std::uint64_t max, Shape shape = Shape::any>
Result set_count_or_auto(OwnerOf<member>& options, std::string_view text) {
    if (text == "auto") {
        options.*member = MemberType<member>{};
        return {};
    }
    const Result result = set_count<member, min, max, shape>(options, text);
    if (!result) return std::unexpected{result.error() + ", or auto"};
    return {};
}

/// A buffer's size, where 0 and `auto` are the same.
template <auto member, std::uint64_t min, std::uint64_t max>
Result set_bytes_or_auto(OwnerOf<member>& options, std::string_view text) {
    if (text == "auto" || text == "0") {
        options.*member = 0;
        return {};
    }
    const Result result = set_bytes<member, min, max>(options, text);
    if (!result) return std::unexpected{result.error() + ", or auto or 0, which is the same"};
    return {};
}

/// Likewise.
template <auto member, std::uint64_t min, std::uint64_t max>
Result set_ring_size(OwnerOf<member>& options, std::string_view text) {
    if (text == "0") text = "auto";
    const Result result = set_count_or_auto<member, min, max, Shape::power_of_two>(options, text);
    if (!result) return std::unexpected{result.error() + " or 0, which is the same"};
    return {};
}

template <auto member>
Texts get_count(const OwnerOf<member>& options) {
    return {std::to_string(options.*member)};
}

template <auto member>
Texts get_count_or_auto(const OwnerOf<member>& options) {
    const auto& value = options.*member;
    if constexpr (requires { *value; }) {
        return {value ? std::to_string(*value) : "auto"};
    } else {
        return {value == 0 ? "auto" : std::to_string(value)};
    }
}

template <auto member>
Texts get_bytes_or_auto(const OwnerOf<member>& options) {
    return {options.*member == 0 ? "auto" : print_bytes(options.*member)};
}

// Texts of any form; empty: not given.

template <auto member>
Result set_text(OwnerOf<member>& options, std::string_view text) {
    options.*member = text;
    return {};
}

template <auto member>
Texts get_text(const OwnerOf<member>& options) {
    return {options.*member};
}

template <auto member>
Result add_text(OwnerOf<member>& options, std::string_view text) {
    (options.*member).emplace_back(text);
    return {};
}

template <auto member>
Texts get_texts(const OwnerOf<member>& options) {
    return options.*member;
}

template <auto member>
void clear_texts(OwnerOf<member>& options) {
    (options.*member).clear();
}

// One of a few words.

template <class Value>
struct Word {
    std::string_view text;
    Value value;
    bool is_advertised = true;  // In the list of what is expected.
};

/// `on` and `off`, and what TOML's booleans and people's environment variables call them.
template <class Value>
constexpr auto words_for_toggle(Value on, Value off) {
    using Words = Word<Value>;
    return std::array{Words{"on", on},          Words{"off", off},
                      Words{"true", on, false}, Words{"false", off, false},
                      Words{"yes", on, false},  Words{"no", off, false},
                      Words{"1", on, false},    Words{"0", off, false}};
}

inline constexpr auto toggle_words = words_for_toggle(true, false);
inline constexpr std::array delta_words{Word<TopicDelta>{"off", TopicDelta::off},
                                        Word<TopicDelta>{"fossil", TopicDelta::fossil}};

template <auto member, const auto& words>
Result set_word(OwnerOf<member>& options, std::string_view text) {
    for (const auto& word : words) {
        if (word.text == text) {
            options.*member = word.value;
            return {};
        }
    }
    std::string expected;
    for (const auto& word : words) {
        if (!word.is_advertised) continue;
        if (!expected.empty()) expected += ", ";
        expected += word.text;
    }
    return refuse(text, expected);
}

template <auto member, const auto& words>
Texts get_word(const OwnerOf<member>& options) {
    for (const auto& word : words) {
        if (word.value == options.*member) return {std::string{word.text}};
    }
    std::unreachable();
}

}  // namespace ringcast::server::option_values
