#pragma once
// The connections of a crowd that speaks the Centrifuge protocol, in JSON: sends what is said on
// them, one send at a time each, hands out every reply, and answers pings of either kind.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "error.hpp"
#include "io.hpp"
#include "replies.hpp"

namespace ringcast::bench {

class Sessions {
public:
    /// Takes a reply of session `index` that is no ping.
    using Take = std::function<Expected<void>(std::uint32_t index, const Reply& reply)>;

    /// `count` sessions, the first of which `io`, which must outlive this, knows as `first_index`.
    Sessions(Io& io, std::uint32_t count, std::uint32_t first_index);

    /// Session `index` begins; its connection is open.
    void begin(std::uint32_t index);
    /// Sends `commands`, one in a line, as a message; as soon as nothing else is being sent.
    void say(std::uint32_t index, std::string_view commands);
    /// Asks for a Pong of WebSocket, behind all that the server has still to say.
    void ask_for_pong(std::uint32_t index);
    /// Cuts session `index` off when what it is sending has gone; from now on it takes nothing.
    /// Only while it takes a reply: a socket that is read from would not be closed.
    void cut_off(std::uint32_t index);

    /// Takes an event of an open connection. Fails if it is none that a server may cause, and if
    /// `take` does.
    [[nodiscard]] Expected<void> handle(const Event& event, const Take& take);

    /// Pongs of all sessions so far.
    [[nodiscard]] std::uint32_t pongs() const noexcept { return pongs_; }
    /// Whether its connection is there no more.
    [[nodiscard]] bool is_closed(std::uint32_t index) const noexcept {
        return sessions_[index].is_closed;
    }

private:
    struct Session {
        SessionState state;
        std::vector<std::byte> outbox;      ///< To be sent.
        std::vector<std::byte> in_flight;   ///< Being sent.
        std::span<const std::byte> unsent;  ///< The rest of it.
        bool is_cut_off = false;
        bool is_closed = false;
    };

    [[nodiscard]] Expected<void> take_received(std::uint32_t index, const Event& event,
                                               const Take& take);
    [[nodiscard]] Expected<void> take_sent(std::uint32_t index, const Event& event);
    void send_next(std::uint32_t index);

    Io& io_;
    std::uint32_t first_index_;
    std::vector<Session> sessions_;
    ReplyReader reader_;
    std::uint32_t pongs_ = 0;
};

}  // namespace ringcast::bench
