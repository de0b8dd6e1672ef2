#pragma once
// Plays a Script on a virtual connection and reports what comes back to a SessionChecker.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/break.hpp"
#include "sim/network.hpp"
#include "sim/script.hpp"
#include "sim/session_checker.hpp"
#include "support/deflate_client.hpp"
#include "support/ws_client.hpp"

namespace ringcast::sim {

class WsPeer final : public Peer {
public:
    WsPeer(Script script, const ServerLimits& limits, std::string name, Break broken);

    void run(Wire wire, Instant now) override;

    [[nodiscard]] bool is_done() const noexcept { return done_; }
    /// Nothing is left to do for this client until the server shuts down.
    [[nodiscard]] bool is_waiting_for_shutdown() const noexcept {
        return done_ || (script_.behaviour == Behaviour::lingerer &&
                         step_ == script_.steps.size() && checker_.has_response());
    }
    [[nodiscard]] const Script& script() const noexcept { return script_; }
    /// Throws if the server broke a promise. `circumstances`: but for the weather, which the client
    /// knows itself.
    void check(SessionChecker::Circumstances circumstances) const;
    /// The connection ended before the server said anything, and not because of the weather.
    [[nodiscard]] bool was_turned_away() const noexcept {
        return checker_.was_turned_away() && !was_severed_ && !script_.may_break;
    }
    [[nodiscard]] bool was_overloaded() const noexcept { return checker_.was_overloaded(); }
    /// Each time that it began to wait for echoes: what it had written.
    struct Wait {
        std::size_t echoes = 0;    ///< Messages.
        std::uint64_t octets = 0;  ///< On the wire.
    };
    [[nodiscard]] const std::vector<Wait>& waits() const noexcept { return waits_; }
    [[nodiscard]] bool was_late() const noexcept { return checker_.was_late(); }

private:
    void read(Wire wire, Instant now);
    void read_frames();
    void take_response(const test::ServerResponse& response);
    void inflate(test::ServerFrame& frame);
    void take(test::ServerFrame frame);
    void answer(const test::ServerFrame& frame);
    /// Starts steps until one has to wait.
    void play(Wire wire, Instant now);
    [[nodiscard]] std::string message_frames(const Step& step);
    /// True if the current step is over.
    bool play_step(Wire wire, Instant now);
    void end(Wire wire);
    void end_unanswered(Wire wire);

    Script script_;
    SessionChecker checker_;
    Break break_;
    test::ServerReader reader_;
    std::unique_ptr<test::DeflateClient> deflate_;  // If that was agreed on.
    std::size_t step_ = 0;
    bool step_begun_ = false;
    std::string output_;
    std::size_t written_ = 0;  // Of output_.
    std::vector<Wait> waits_;
    std::string answers_;  // Pongs and a Close; go out between two steps.
    Instant pause_until_{};
    Instant read_after_{};
    std::vector<test::ServerFrame> held_back_;  // By Break::swap_echoes.
    bool reads_ = true;
    bool has_sent_close_ = false;
    bool was_severed_ = false;
    bool done_ = false;
};

}  // namespace ringcast::sim
