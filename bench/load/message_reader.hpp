#pragma once
// Takes a server's stream of frames apart as it arrives in pieces of any size (RFC 6455 sections
// 5.2 to 5.5), where every message has the same kind and size: hands out payload for somebody else
// to compare, answers pings, and refuses whatever a server may not send.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "compression.hpp"
#include "error.hpp"
#include "ws/frame.hpp"

namespace ringcast::bench {

/// The payload of the ping that asks whether a server has said all that it had to say.
inline constexpr std::array end_question{std::byte{'e'}, std::byte{'n'}, std::byte{'d'}};

/// What all messages of a run have in common.
struct MessageShape {
    ws::Opcode opcode = ws::Opcode::binary;
    std::uint64_t payload_bytes = 0;             ///< Of each message, or of the publication in it.
    Compression compression = Compression::off;  ///< What the server may do to them.
    /// Between binary messages there may be notices in text, `{"skipped":17}`, that so many were
    /// left out.
    bool has_notices = false;
    /// Messages are of any size: somebody else tells what is in them (packet_reader.hpp).
    bool has_any_size = false;

    /// Bytes of the header in front of a message that comes as one frame.
    [[nodiscard]] std::size_t header_bytes() const noexcept {
        return ws::server_header_bytes(payload_bytes);
    }
    [[nodiscard]] std::size_t frame_bytes() const noexcept {
        return header_bytes() + payload_bytes;
    }
};

/// Where one connection is in its stream of messages.
struct StreamState {
    std::uint64_t messages = 0;        ///< Complete ones; counted by whoever checks them.
    std::uint64_t message_offset = 0;  ///< Payload bytes of the message under way seen so far.
    std::uint64_t data_bytes = 0;  ///< Payload of messages and notices so far, as far as read here.
    std::uint64_t frame_bytes_left = 0;
    std::size_t pong_bytes = 0;  ///< Answers to pings; set to 0 by whoever sends them.
    std::uint32_t pongs = 0;     ///< Answers to `end_question` so far.
    bool is_asked = false;       ///< It has been asked, and is not answered.
    ws::Opcode frame_opcode = ws::Opcode::continuation;
    bool frame_fin = false;
    bool in_frame = false;       ///< The header is complete, the payload is not.
    bool in_message = false;     ///< Between the fragments of a message.
    bool is_compressed = false;  ///< The message under way is; then it is gathered first.
    bool is_notice = false;      ///< The frame under way is; gathered in `control`.
    std::uint64_t skipped = 0;   ///< Messages left out, by the notices so far.
    bool may_close = false;      ///< A Close frame is no failure.
    std::optional<std::uint16_t> close_code;  ///< Of the Close frame, behind which nothing comes.
    std::uint8_t header_size = 0;
    std::uint8_t control_size = 0;
    std::array<std::byte, ws::server_header_bytes_max> header{};
    std::array<std::byte, ws::control_payload_bytes_max> control{};

    std::vector<std::byte> gathered;
    std::unique_ptr<MessageInflater> inflater;  ///< Where messages refer to earlier ones.

    /// Grows with what a server owes; not with pings, nor with frames that have nothing in them.
    [[nodiscard]] std::uint64_t progress() const noexcept { return messages + data_bytes + pongs; }
    /// True where a new message could begin.
    [[nodiscard]] bool is_between_messages() const noexcept {
        return header_size == 0 && !in_frame && !in_message && !close_code;
    }
};

/// Some payload of a message, perhaps none.
struct Piece {
    std::span<const std::byte> payload;
    std::uint64_t offset = 0;  ///< Of `payload` in its message, over all fragments.
    bool completes_message = false;
};

class MessageReader {
public:
    /// `noun` is what a message is called in errors ("reply"); it must outlive the reader.
    MessageReader(MessageShape shape, std::string_view noun);

    /// Consumes some of `bytes` and moves that span on; call it until the span is empty. Answers to
    /// pings are appended to `pongs` as masked frames. Fails with what is wrong and where, also on
    /// a Close frame unless one may come. A compressed message comes as one piece, which is
    /// valid until the next call.
    [[nodiscard]] Expected<Piece> next(StreamState& state, std::span<const std::byte>& bytes,
                                       std::vector<std::byte>& pongs) const;

    /// The last `count` bytes of the piece that next() has just returned, which ends where `bytes`
    /// begins, are for the next call. Not of a compressed message; its offsets are lost.
    static void put_back(StreamState& state, std::span<const std::byte>& bytes,
                         std::size_t count) noexcept;

private:
    [[nodiscard]] Expected<void> read_header(StreamState& state,
                                             std::span<const std::byte>& bytes) const;
    [[nodiscard]] Expected<void> begin_frame(StreamState& state) const;
    [[nodiscard]] Expected<void> begin_data(StreamState& state) const;
    [[nodiscard]] Expected<Piece> gather(StreamState& state, std::span<const std::byte> got) const;

    MessageShape shape_;
    std::string_view noun_;
    std::unique_ptr<MessageInflater> inflater_;  ///< Where messages stand alone.
};

/// Appends a message of one frame, or a control frame, to `frames`, masked, as a client sends it.
void append_frame(ws::Opcode opcode, std::span<const std::byte> payload,
                  std::vector<std::byte>& frames);

}  // namespace ringcast::bench
