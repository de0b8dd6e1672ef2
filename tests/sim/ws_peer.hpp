#pragma once
// Plays a Script on a virtual connection and reports what comes back to a SessionChecker.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "sim/network.hpp"
#include "sim/script.hpp"
#include "sim/session_checker.hpp"
#include "support/ws_client.hpp"

namespace ringcast::sim {

/// A fault of a server, made up between the wire and the checker, to see that the checker notices.
enum class Break : std::uint8_t {
    none,
    lose_echo,
    repeat_echo,
    swap_echoes,
    flip_octet,
    change_kind,
    flip_pong,
    change_code,
    lose_close,
    change_status,
    change_accept,
    mask_frame,
    stall,     ///< The client never sees the end.
    leak,      ///< A descriptor stays open.
    overfill,  ///< Queues seem larger than they may be.
};

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
    /// Throws if the server broke a promise. `shutting_down`: the server was told to stop before
    /// this client was done.
    void check(bool shutting_down) const;

private:
    void read(Wire wire, Instant now);
    void read_frames();
    void take(test::ServerFrame frame);
    void answer(const test::ServerFrame& frame);
    /// Starts steps until one has to wait.
    void play(Wire wire, Instant now);
    /// True if the current step is over.
    bool play_step(Wire wire, Instant now);
    void end(Wire wire);

    Script script_;
    SessionChecker checker_;
    Break break_;
    test::ServerReader reader_;
    std::size_t step_ = 0;
    bool step_begun_ = false;
    std::string output_;
    std::size_t written_ = 0;  // Of output_.
    std::string answers_;      // Pongs and a Close; go out between two steps.
    Instant pause_until_{};
    Instant read_after_{};
    std::vector<test::ServerFrame> held_back_;  // By Break::swap_echoes.
    bool reads_ = true;
    bool has_sent_close_ = false;
    bool was_severed_ = false;
    bool done_ = false;
};

}  // namespace ringcast::sim
