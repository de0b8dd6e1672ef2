#pragma once
// Judges what a server sent to one client against the client's script: the answer to the handshake,
// each echo, each pong, the Close and the end. Knows no network, so that each rule can be seen
// failing on a made-up story.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "sim/rules.hpp"
#include "sim/script.hpp"
#include "support/ws_client.hpp"

namespace ringcast::sim {

class SessionChecker {
public:
    /// What keeps a server from its promises without being its fault.
    enum class Excuse : std::uint8_t {
        none,
        weather,      ///< The network broke the connection.
        shutdown,     ///< The server was told to stop while the client was busy.
        termination,  ///< The server was told to cut whoever is still there.
    };
    /// The server's side of the story.
    struct Circumstances {
        Excuse excuse = Excuse::none;
        int verdict = 0;            ///< The application's word, as a status; 0: it was not asked.
        std::uint64_t notices = 0;  ///< Messages that it has sent unasked.
    };
    /// `truncated`: without a close_notify, where there is TLS.
    enum class End : std::uint8_t { finished, truncated, reset };

    /// `script` must live as long as this.
    SessionChecker(const Script& script, const ServerLimits& limits, std::string name);

    // In the order of the wire; each throws Violation.

    void on_response(const test::ServerResponse& response);
    void on_frame(const test::ServerFrame& frame);
    /// The server's bytes cannot be read.
    void on_error(const std::string& error) const;
    /// The client saw the end of the stream; `unread` bytes before it are no whole response or
    /// frame.
    void on_end(End end, std::size_t unread);
    /// The client is done, whatever it saw.
    void finish(const Circumstances& circumstances) const;

    [[nodiscard]] bool has_response() const noexcept { return status_ != 0; }
    [[nodiscard]] bool is_open() const noexcept { return status_ == 101 && !closed_; }
    [[nodiscard]] bool has_closed() const noexcept { return closed_; }
    [[nodiscard]] bool may_be_turned_away() const noexcept { return limits_.may_turn_away; }
    /// The connection ended before the server said anything but that it is full, if that much came.
    [[nodiscard]] bool was_turned_away() const noexcept {
        return may_be_turned_away() && end_ && (status_ == 0 || is_told_full_);
    }
    /// The server has said that it cannot keep up.
    [[nodiscard]] bool was_overloaded() const noexcept;
    /// The server has lost its patience with a message.
    [[nodiscard]] bool was_late() const noexcept;
    [[nodiscard]] std::size_t echoes() const noexcept { return echoes_; }

private:
    [[noreturn]] void fail(Rule rule, const std::string& text) const;
    void on_message(const test::ServerFrame& frame);
    void on_echo(const Owed& message);
    void on_notice(const Owed& message);
    void on_pong(const test::ServerFrame& frame);
    void on_close(const test::ServerFrame& frame);
    void check_status(const Circumstances& circumstances) const;
    void check_notices(std::uint64_t sent) const;
    void check_complete() const;
    void check_close(Excuse excuse) const;
    void check_end() const;

    const Script& script_;
    ServerLimits limits_;
    std::string name_;
    int status_ = 0;
    bool is_told_full_ = false;
    std::size_t echoes_ = 0;
    std::uint64_t notices_ = 0;
    std::size_t pongs_ = 0;           // Pings answered, or passed over by an answer to a later one.
    std::optional<Owed> assembling_;  // A message in fragments.
    bool closed_ = false;
    std::uint16_t close_code_ = 0;
    std::optional<End> end_;
    std::size_t unread_ = 0;  // Bytes before the end that are nothing whole.
};

}  // namespace ringcast::sim
