#pragma once
// One simulated server process, as it were: a shard, what it stands on, and what must hold of it
// after each turn and at the end.

#include <cstdint>

#include "shard/shard.hpp"
#include "sim/break.hpp"
#include "sim/echo_endpoint.hpp"
#include "sim/network.hpp"
#include "sim/scenario.hpp"
#include "sim/sim_ring.hpp"
#include "sim/tally.hpp"

namespace ringcast::sim {

class Host {
public:
    /// `scenario` must outlive it; `settings` are its own, with the shard's index and seed.
    Host(Network& network, Faults& faults, Prng& prng, const Scenario& scenario,
         const shard::Settings& settings, Break broken);

    /// One turn of the shard, then every rule that holds between turns. Throws Violation.
    void turn();
    /// The application makes up its mind about one late admission, on another thread as it were.
    void decide_one();
    void begin_shutdown();
    /// Tells the shard, as another thread would, that the time of its shutdown is up.
    void terminate();
    /// Two more turns, after which nothing may be left. Throws Violation.
    void check_end();
    void add_to(Tally& tally) const;

    [[nodiscard]] bool finished() const noexcept { return shard_.finished(); }
    [[nodiscard]] bool has_pending() const noexcept { return !ledger_.pending.empty(); }
    [[nodiscard]] int listener() const noexcept { return listener_; }
    [[nodiscard]] SimRing& ring() noexcept { return ring_; }
    [[nodiscard]] const EchoLedger& ledger() const noexcept { return ledger_; }
    /// From now on turns are shared out by the rules of TurnBook.
    void keep_turns() noexcept;
    [[nodiscard]] TurnBook& turn_book() noexcept { return turn_book_; }
    [[nodiscard]] const shard::Metrics& metrics() const noexcept { return shard_.metrics(); }

private:
    [[nodiscard]] shard::Router make_router(std::uint64_t seed);
    void check_turn() const;
    void check_admissions() const;
    [[nodiscard]] bool has(Break broken) const noexcept { return broken_ == broken; }

    const Scenario& scenario_;
    Break broken_;
    int listener_;
    EchoLedger ledger_;
    TurnBook turn_book_;
    EchoEndpoint* endpoint_ = nullptr;
    SimRing ring_;
    shard::LogQueue log_;
    shard::Shard shard_;
    bool is_termination_posted_ = false, terminated_ = false;
    std::uint64_t late_verdicts_ = 0, sessions_cut_ = 0;
};

}  // namespace ringcast::sim
