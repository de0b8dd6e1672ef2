#pragma once
// The dialect of plain WebSocket clients: the path names the topic, each message is one
// publication. Publications are whole frames (RFC 6455 section 5.6): json and text are text, binary
// is binary.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/publication.hpp"
#include "ringcast/message.hpp"
#include "ws/frame.hpp"

namespace ringcast::dialect::raw {

[[nodiscard]] constexpr ws::Opcode opcode_of(PublicationKind kind) noexcept {
    return kind == PublicationKind::binary ? ws::Opcode::binary : ws::Opcode::text;
}

/// What a client's message is as a publication.
[[nodiscard]] constexpr PublicationKind kind_of(MessageKind kind) noexcept {
    return kind == MessageKind::binary ? PublicationKind::binary : PublicationKind::text;
}

/// And the other way round.
[[nodiscard]] constexpr MessageKind message_kind_of(PublicationKind kind) noexcept {
    return kind == PublicationKind::binary ? MessageKind::binary : MessageKind::text;
}

/// What may be published as text: UTF-8.
[[nodiscard]] bool is_text(std::span<const std::byte> payload) noexcept;

/// Bytes of the frame of a publication.
[[nodiscard]] constexpr std::size_t frame_bytes(std::size_t payload_bytes) noexcept {
    return ws::server_header_bytes(payload_bytes) + payload_bytes;
}

/// Writes that frame to `frame`, which has frame_bytes(payload.size()) bytes.
void write_frame(std::span<std::byte> frame, PublicationKind kind,
                 std::span<const std::byte> payload) noexcept;

/// The text that tells a client with `?gaps=1` how many publications it missed: {"skipped":n}
[[nodiscard]] std::string skipped_text(std::uint64_t count);

/// The text that tells a client where it is before anything else, if its URL asks for that: each
/// publication behind it is one further. {"epoch":"k3VxQ_9a","offset":41}; and of one that comes
/// back, `recovered`: whether nothing is missing in front of that.
[[nodiscard]] std::string position_text(std::string_view epoch, std::uint64_t offset,
                                        std::optional<bool> recovered);

/// The text that tells a client without a Close frame why its stream ends: {"code":1013,
/// "reason":"too slow"}
[[nodiscard]] std::string close_text(std::uint16_t code, std::string_view reason);

}  // namespace ringcast::dialect::raw
