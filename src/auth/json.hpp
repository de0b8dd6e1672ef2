#pragma once
// JSON objects as tokens and key sets have them: names that differ, and not too deep. Only for the
// sources of this layer.

#include <cstddef>
#include <optional>
#include <simdjson.h>
#include <string_view>

namespace ringcast::auth {

/// Deeper nesting is refused.
inline constexpr std::size_t json_depth_max = 32;

/// Owns the tree of one text.
class JsonTree {
public:
    /// The text, if it is one object (RFC 8259) with nothing but white space around it, whose own
    /// names differ: readers disagree on which of two with the same name counts. Valid until the
    /// tree goes; copies the text.
    [[nodiscard]] std::optional<simdjson::dom::object> parse_object(std::string_view text);
    /// Whether the text is one JSON value of any kind.
    [[nodiscard]] bool parse_any(std::string_view text);

    [[nodiscard]] simdjson::dom::element root() const { return parser_.doc.root(); }

private:
    simdjson::dom::parser parser_;
};

/// Whether no two members have the same name.
[[nodiscard]] bool has_unique_names(const simdjson::dom::object& object);

/// The member called `name`, if there is one.
[[nodiscard]] inline std::optional<simdjson::dom::element> member(
    const simdjson::dom::object& object, std::string_view name) {
    simdjson::dom::element element;
    if (object.at_key(name).get(element) != simdjson::SUCCESS) return std::nullopt;
    return element;
}

/// The text that `element` is, if it is one.
[[nodiscard]] inline std::optional<std::string_view> text_of(
    const simdjson::dom::element& element) {
    std::string_view text;
    if (element.get(text) != simdjson::SUCCESS) return std::nullopt;
    return text;
}

}  // namespace ringcast::auth
