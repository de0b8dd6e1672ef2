#pragma once
// How the sessions of a shard are sent publications: those with an equal encoding share the bytes.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dialect/centrifuge/encoder.hpp"

namespace ringcast::shard {

enum class Encoding : std::uint8_t {
    // Of WebSocket sessions, one frame each:
    raw,                  ///< A message as it was published (dialect/raw.hpp).
    centrifuge_json,      ///< A push in a text message (dialect/centrifuge/encoder.hpp).
    centrifuge_protobuf,  ///< Likewise in a binary one.
    centrifuge_uni_json,  ///< A push that stands alone.
    // Of sessions whose messages are the content of an answer (session_stream.hpp), one chunk each:
    event_stream,           ///< An event (dialect/event_stream.hpp).
    centrifuge_lines,       ///< A push in a line of JSON.
    centrifuge_events,      ///< A push in an event.
    centrifuge_delimited,   ///< A push of Protobuf behind its length.
    centrifuge_uni_lines,   ///< As those two, but for the push, which stands alone.
    centrifuge_uni_events,  ///< "
};
inline constexpr std::size_t encodings_count = 10;

[[nodiscard]] constexpr bool is_streamed(Encoding encoding) noexcept {
    return encoding >= Encoding::event_stream;
}

/// How a client of the Centrifuge protocol is spoken to. `encoding` is one of its own.
[[nodiscard]] dialect::centrifuge::Wire wire_of(Encoding encoding) noexcept;

/// The content of an answer in that encoding, which is_streamed().
[[nodiscard]] std::string_view content_type_of(Encoding encoding) noexcept;

/// What an idle client is sent now and then, so that it and everybody on the way see that the
/// stream is alive. Empty where the protocol has pings of its own.
[[nodiscard]] std::string_view stream_ping_of(Encoding encoding) noexcept;

}  // namespace ringcast::shard
