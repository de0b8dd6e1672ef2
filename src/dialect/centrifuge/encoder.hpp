#pragma once
// Encodes what the server says to clients of the Centrifuge protocol, for every transport of it.
//
//   format    framing  one reply on the wire
//   json      message  {…}            LF between two that share a WebSocket message
//   json      line     {…} LF         a stream of HTTP
//   json      event    data: {…} LF LF    a stream of Server-Sent Events
//   protobuf  (any)    length (varint)  message
//
// A publication's push holds nothing of its receiver: one encoding per Wire serves all of them.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "dialect/centrifuge/reply.hpp"

namespace ringcast::dialect::centrifuge {

enum class Framing : std::uint8_t { message, line, event };

/// How a session's replies look. Sessions with an equal one can share encoded pushes.
struct Wire {
    Format format = Format::json;
    Framing framing = Framing::message;
    /// Pushes stand alone, outside of a reply; nothing else is sent but pings.
    bool is_unidirectional = false;

    bool operator==(const Wire&) const = default;
};

/// Bytes of one reply.
[[nodiscard]] std::size_t encoded_bytes(const Wire& wire, const Reply& reply);
/// Writes it to `target`, which has encoded_bytes(wire, reply) bytes.
void encode(std::span<std::byte> target, const Wire& wire, const Reply& reply);
/// Appends it to `message`, which holds nothing, or replies of the same wire.
void append(std::string& message, const Wire& wire, const Reply& reply);
/// Likewise, of replies that are encoded; none is possible, too.
void append_encoded(std::string& message, const Wire& wire, std::string_view replies);

/// What a stream of Server-Sent Events begins with.
inline constexpr std::string_view event_stream_opening = "\r\n";

}  // namespace ringcast::dialect::centrifuge
