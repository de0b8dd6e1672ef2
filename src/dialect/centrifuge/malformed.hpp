#pragma once
// What is wrong with bytes that a client sent. To the client all of it is
// DisconnectCode::bad_request; the reason is for logs and tests.

#include <cstdint>
#include <string_view>

namespace ringcast::dialect::centrifuge {

enum class Malformed : std::uint8_t {
    none,
    empty_message,      ///< No command at all.
    not_utf8,           ///< JSON, or a text field of Protobuf.
    not_json,           ///< Or nested deeper than json_depth_max.
    not_protobuf,       ///< A length, tag, varint or wire type that cannot be.
    wrong_type,         ///< A known field with a value of another type.
    out_of_range,       ///< A number that its field does not hold.
    repeated_field,     ///< A known field twice in one object.
    several_methods,    ///< More than one request in one command.
    missing_id,         ///< A request that needs a reply, without an id.
    too_many_commands,  ///< More than commands_per_message_max.
    too_many_entries,   ///< A map with more than map_entries_max, or a list.
};

/// A few words for logs. Static storage.
[[nodiscard]] std::string_view to_string(Malformed fault) noexcept;

}  // namespace ringcast::dialect::centrifuge
