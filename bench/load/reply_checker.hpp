#pragma once
// Checks what an echo server sends back, byte for byte, as it arrives in pieces of any size. The
// usual case, a whole reply in one frame, is one memcmp; everything else the protocol allows
// (fragments, pings in between) goes through a small state machine (RFC 6455 sections 5.2 to 5.5).

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "error.hpp"
#include "messages.hpp"
#include "ws/frame.hpp"

namespace ringcast::bench {

/// How much of a reply is compared: `length` means opcode and length, for when the comparison of
/// large payloads would cost the client more than the server.
enum class Verify : std::uint8_t { full, length };

/// Where one connection is in its stream of replies.
struct ReplyState {
    std::uint64_t replies = 0;       ///< Complete ones, since the connection opened.
    std::size_t expected_index = 0;  ///< In the cycle of Messages: which reply is due.
    std::uint64_t message_offset =
        0;  ///< Payload bytes of that reply seen so far, over all its fragments.
    std::uint64_t frame_bytes_left = 0;
    ws::Opcode frame_opcode = ws::Opcode::continuation;
    bool frame_fin = false;
    bool in_frame = false;    ///< The header is complete, the payload is not.
    bool in_message = false;  ///< Between the fragments of a reply.
    std::uint8_t header_size = 0;
    std::uint8_t control_size = 0;
    std::array<std::byte, ws::server_header_bytes_max> header{};
    std::array<std::byte, ws::control_payload_bytes_max> control{};
};

class ReplyChecker {
public:
    ReplyChecker(const Messages& messages, Verify verify) : messages_(messages), verify_(verify) {}

    /// Consumes all of `bytes` and returns how many replies they completed. Answers to pings are
    /// appended to `pongs` as masked frames. Fails with what is wrong and where, also on a Close
    /// frame: nothing asked for one.
    [[nodiscard]] Expected<std::size_t> consume(ReplyState& state, std::span<const std::byte> bytes,
                                                std::vector<std::byte>& pongs) const;

private:
    [[nodiscard]] bool starts_with_reply(const ReplyState& state,
                                         std::span<const std::byte> bytes) const;
    [[nodiscard]] Expected<std::size_t> read_header(ReplyState& state,
                                                    std::span<const std::byte> bytes) const;
    [[nodiscard]] Expected<void> begin_frame(ReplyState& state) const;
    [[nodiscard]] Expected<std::size_t> read_payload(ReplyState& state,
                                                     std::span<const std::byte> bytes) const;
    [[nodiscard]] Expected<std::size_t> end_frame(ReplyState& state,
                                                  std::vector<std::byte>& pongs) const;
    void complete_reply(ReplyState& state) const;

    const Messages& messages_;
    Verify verify_;
};

}  // namespace ringcast::bench
