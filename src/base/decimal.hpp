#pragma once
// Numbers as addresses, ports and prefixes are written: decimal, in the one way that has no second
// reading.

#include <charconv>
#include <optional>
#include <string_view>

namespace ringcast {

/// All of `text` as a number up to `max`, without sign and leading zeros.
[[nodiscard]] inline std::optional<unsigned> parse_decimal(std::string_view text,
                                                           unsigned max) noexcept {
    unsigned number = 0;
    if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || stop != end || number > max) return std::nullopt;
    return number;
}

}  // namespace ringcast
