#pragma once
// Which channels an application asks for: names with `*` for any characters and `?` for one.

#include <string_view>

namespace ringcast::dialect::centrifuge {

/// False for a text that is longer than any name, and for one with sets (`[ab]`), alternatives
/// (`{a,b}`) or escapes, which other servers have: better none than one that is misunderstood.
[[nodiscard]] bool is_channel_pattern(std::string_view text) noexcept;

/// The empty pattern matches everything. Both are UTF-8. Takes at most the time of the product of
/// the lengths.
[[nodiscard]] bool matches_pattern(std::string_view name, std::string_view pattern) noexcept;

}  // namespace ringcast::dialect::centrifuge
