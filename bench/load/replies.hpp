#pragma once
// Takes what a server of the Centrifuge protocol says, in JSON, apart into replies, of any size and
// several in a message, for clients that look into them. (Those of a fan-out compare bytes instead:
// packet_reader.hpp.)

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "error.hpp"
#include "message_reader.hpp"

namespace ringcast::bench {

/// One publication, live or recovered.
struct ReplyPublication {
    std::string_view data;  ///< The text of a string.
    std::uint64_t offset = 0;
};

/// Views are valid until the next reply is read.
struct Reply {
    enum class Kind : std::uint8_t { ping, error, connect, subscribe, publish, publication, other };

    Kind kind = Kind::other;
    std::uint64_t id = 0;
    std::string_view text;     ///< All of it.
    std::string_view channel;  ///< Of a live publication.
    std::span<const ReplyPublication> publications;

    /// Of `subscribe`.
    std::string_view epoch;
    std::uint64_t offset = 0;
    bool was_recovering = false;
    bool recovered = false;
};

/// "'{"error":...}'", and not much of it.
[[nodiscard]] std::string quote(const Reply& reply);

/// Where one connection is in its stream of replies.
struct SessionState : StreamState {
    std::vector<std::byte> message;  ///< What has come of a message in pieces.
    std::string_view unread;         ///< The rest of a message; valid until `bytes` are gone.
};

class ReplyReader {
public:
    ReplyReader();
    ~ReplyReader();

    /// The next reply; consumes what it takes of `bytes` and moves that span on. Nothing: all is
    /// read. Answers to WebSocket's pings are appended to `pongs` as masked frames.
    [[nodiscard]] Expected<std::optional<Reply>> next(SessionState& state,
                                                      std::span<const std::byte>& bytes,
                                                      std::vector<std::byte>& pongs);

private:
    struct Parser;

    [[nodiscard]] Expected<void> next_message(SessionState& state,
                                              std::span<const std::byte>& bytes,
                                              std::vector<std::byte>& pongs);
    [[nodiscard]] Expected<Reply> parse(std::string_view text);

    MessageReader messages_;
    std::unique_ptr<Parser> parser_;
    std::vector<std::byte> message_;  ///< The last one that came in pieces.
    std::vector<ReplyPublication> publications_;
};

}  // namespace ringcast::bench
