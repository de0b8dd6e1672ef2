#pragma once
// Server-Sent Events (WHATWG HTML section 9.2), in which plain HTTP clients are sent a topic: each
// publication is one event.
//
//   id: k3VxQ_9a:41        where the stream is behind it, if publications are kept
//   event: binary          only of octets, which stand there in base64
//   data: first line
//   data: second line
//                          an empty line ends the event
//
// Text is split at its line ends, whichever they are; to the client all of them are LF.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/publication.hpp"

namespace ringcast::dialect::event_stream {

inline constexpr std::string_view content_type = "text/event-stream; charset=utf-8";
/// A line that clients ignore.
inline constexpr std::string_view comment = ":\n\n";

struct Event {
    std::string_view name{};   ///< Empty: `message`, as EventSource calls it.
    std::string_view epoch{};  ///< Of the id; empty: there is none, and the client keeps its last.
    std::uint64_t offset = 0;
    PublicationKind kind = PublicationKind::text;  ///< binary has a name of its own.
    std::string_view data;
};

/// Bytes of one event.
[[nodiscard]] std::size_t encoded_bytes(const Event& event) noexcept;
/// Writes it to `target`, which has encoded_bytes(event) bytes.
void encode(std::span<std::byte> target, const Event& event) noexcept;
void append(std::string& text, const Event& event);

/// Where a client was, by the id of the last event that it has seen (`Last-Event-ID`).
struct LastEvent {
    std::string_view epoch;
    std::uint64_t offset;
};
/// Nothing if it is no id of ours.
[[nodiscard]] std::optional<LastEvent> read_id(std::string_view id) noexcept;

}  // namespace ringcast::dialect::event_stream
