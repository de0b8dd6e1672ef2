#pragma once
// What applications put into messages: bytes that this dialect carries unread, and whom they are
// from.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/publication.hpp"

namespace ringcast::dialect::centrifuge {

/// How a session talks: text with JSON, or binary with Protobuf.
enum class Format : std::uint8_t { json, protobuf };

/// A field that the application fills. No bytes: the field is absent. In JSON messages json is
/// embedded as it is, text becomes a string, binary a string of base64; Protobuf has the bytes.
struct Payload {
    std::string_view bytes;
    PublicationKind kind = PublicationKind::json;
};

/// Of what kind a publication is that a client sent in `format`: JSON that was received as such is
/// known to be it; in Protobuf the sender says nothing, so what can be read as JSON is JSON.
[[nodiscard]] PublicationKind kind_received(Format format, std::string_view bytes) noexcept;

/// Appends the value that `payload` is in JSON messages.
void append_json(std::string& text, const Payload& payload);

}  // namespace ringcast::dialect::centrifuge
