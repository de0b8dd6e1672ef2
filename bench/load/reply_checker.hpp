#pragma once
// Checks what an echo server sends back, byte for byte, as it arrives in pieces of any size. The
// usual case, a whole reply in one frame, is one memcmp; everything else the protocol allows
// (fragments, pings in between) goes through a MessageReader.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "error.hpp"
#include "message_reader.hpp"
#include "messages.hpp"

namespace ringcast::bench {

/// How much of a reply is compared: `length` means opcode and length, for when the comparison of
/// large payloads would cost the client more than the server.
enum class Verify : std::uint8_t { full, length };

/// Where one connection is in its stream of replies.
struct ReplyState : StreamState {
    std::size_t expected_index = 0;  ///< In the cycle of Messages: which reply is due.
};

class ReplyChecker {
public:
    ReplyChecker(const Messages& messages, Verify verify)
        : messages_(messages),
          reader_({messages.opcode(), messages.payload_bytes(), messages.compression()}, "reply"),
          verify_(verify) {}

    /// Consumes all of `bytes` and returns how many replies they completed. Answers to pings are
    /// appended to `pongs` as masked frames. Fails with what is wrong and where, also on a Close
    /// frame: nothing asked for one.
    [[nodiscard]] Expected<std::size_t> consume(ReplyState& state, std::span<const std::byte> bytes,
                                                std::vector<std::byte>& pongs) const;

private:
    [[nodiscard]] bool starts_with_reply(const ReplyState& state,
                                         std::span<const std::byte> bytes) const;
    [[nodiscard]] Expected<void> check_payload(const ReplyState& state, const Piece& piece) const;
    void complete_reply(ReplyState& state) const;

    const Messages& messages_;
    MessageReader reader_;
    Verify verify_;
};

}  // namespace ringcast::bench
