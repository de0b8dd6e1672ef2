#pragma once
// What may be called JSON (RFC 8259): the gate for publications of that kind, which dialects embed
// unread, and the steps that it is made of.
//
// Embedded text must be checked to its last octet: a value that is merely bracketed well ("[1,]")
// would make every message that carries it unreadable for all who get it.

#include <cstddef>
#include <string_view>

namespace ringcast::dialect {

/// Deeper nesting is refused: whoever reads it may recurse.
inline constexpr std::size_t json_depth_max = 64;

/// True if `text` is one JSON value, of any type, in valid UTF-8, with nothing but white space
/// around it. One pass, no copy.
[[nodiscard]] bool is_json(std::string_view text) noexcept;

// Each of these takes what begins at `at` and returns where it ends; nullptr if it is malformed or
// does not end before `end`. None looks at UTF-8, none reads at `end` or behind.

/// White space; never nullptr.
[[nodiscard]] const char* skip_json_space(const char* at, const char* end) noexcept;
/// What may stand in a string as it is: up to a quote, backslash or control character; never
/// nullptr.
[[nodiscard]] const char* skip_json_plain(const char* at, const char* end) noexcept;
/// A string with its quotes. A lone surrogate is none of its business (RFC 8259 section 8.2).
[[nodiscard]] const char* skip_json_string(const char* at, const char* end) noexcept;
[[nodiscard]] const char* skip_json_number(const char* at, const char* end) noexcept;
/// Any value without white space before it, at most json_depth_max deep. Does not recurse.
[[nodiscard]] const char* skip_json_value(const char* at, const char* end) noexcept;

}  // namespace ringcast::dialect
