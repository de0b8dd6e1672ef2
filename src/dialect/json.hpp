#pragma once
// What may be called JSON: the gate for publications of that kind, which dialects embed unread.

#include <cstddef>
#include <string_view>

namespace ringcast::dialect {

/// Deeper nesting is refused: whoever reads it may recurse.
inline constexpr std::size_t json_depth_max = 64;

/// True if `text` is one JSON value (RFC 8259), of any type, with nothing but white space around
/// it. Copies the text and builds a tree: for what is rare.
[[nodiscard]] bool is_json(std::string_view text);

}  // namespace ringcast::dialect
