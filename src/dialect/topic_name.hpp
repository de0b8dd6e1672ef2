#pragma once
// What may be the name of a topic.

#include <cstdint>
#include <string_view>

namespace ringcast::dialect {

/// What is wrong with a name.
enum class TopicNameFault : std::uint8_t {
    none,
    empty,
    too_long,           ///< More than topic_bytes_max bytes.
    not_utf8,           ///< RFC 3629.
    control_character,  ///< U+0000 to U+001F, U+007F to U+009F.
    reserved,           ///< It contains `:`, or begins with `$` or `#`: kept for namespaces.
    unknown_namespace,  ///< It is in one that there is not.
};

/// Never unknown_namespace: it knows of none.
[[nodiscard]] TopicNameFault check_topic_name(std::string_view name) noexcept;

/// One sentence for people; empty for none. Static storage.
[[nodiscard]] std::string_view to_string(TopicNameFault fault) noexcept;

}  // namespace ringcast::dialect
