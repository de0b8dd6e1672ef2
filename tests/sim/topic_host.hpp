#pragma once
// One shard of a simulated server with topics, on a stack of its own: it waits in its ring while
// the others run, as a thread would, and goes on only if something is due.

#include <cstdint>
#include <functional>

#include "shard/mesh.hpp"
#include "shard/shard.hpp"
#include "sim/centrifuge_conversation.hpp"
#include "sim/fiber.hpp"
#include "sim/hall.hpp"
#include "sim/network.hpp"
#include "sim/sim_ring.hpp"
#include "sim/tally.hpp"
#include "sim/topic_application.hpp"
#include "sim/topic_break.hpp"
#include "sim/topic_scenario.hpp"

namespace ringcast::sim {

class TopicHost {
public:
    /// `scenario`, `mesh` and `book` must outlive it; `settings` are its own, with the shard's
    /// index and seed.
    TopicHost(Network& network, Faults& faults, Prng& prng, const TopicScenario& scenario,
              const shard::Settings& settings, shard::Mesh& mesh, TopicBook& book,
              TopicBreak broken, HallBook* hall = nullptr, CentrifugeStage* centrifuge = nullptr);

    /// Goes on until it waits or has ended a turn; then every rule that holds between turns. Throws
    /// Violation.
    void resume();
    /// The first turn that has something to do from then on halts once it has read its clock: the
    /// shard goes on with that time, however long it is not resumed.
    void halt_from(Instant time) noexcept { halt_from_ = time; }
    [[nodiscard]] bool is_halted() const noexcept { return is_halted_; }
    /// False while it waits in vain: then nobody may let it go on.
    [[nodiscard]] bool is_due() const { return !is_waiting_ || ring_.is_due(); }
    /// Nobody has called it, either.
    [[nodiscard]] bool is_asleep() const { return !is_due() && !ring_.has_wake(); }
    [[nodiscard]] Instant sleeps_until() const noexcept { return ring_.sleeps_until(); }
    /// Tells the shard, as another thread would.
    void post(shard::Note::Kind kind);
    /// Likewise; then `done` is called.
    void carry_out(api::SessionOrder order, std::function<void()> done);
    /// Leaves the stack. Nothing is done any more.
    void stop();
    /// Nothing may be left. Throws Violation.
    void check_end() const;
    void add_to(Tally& tally) const;

    /// Who is in the topics that have their home here.
    [[nodiscard]] const hub::Presence& presence() const noexcept {
        return shard_.topics().presence();
    }
    [[nodiscard]] bool finished() const noexcept { return shard_.finished(); }
    /// Its ring is at rest, and neither as a home nor as a shard of subscribers it knows a topic,
    /// as of the last tick.
    [[nodiscard]] bool is_empty() const noexcept;
    [[nodiscard]] int listener() const noexcept { return listener_; }
    [[nodiscard]] std::uint64_t turns() const noexcept { return turns_; }
    [[nodiscard]] SimRing& ring() noexcept { return ring_; }
    [[nodiscard]] shard::Inbox& inbox() noexcept { return shard_.inbox(); }
    [[nodiscard]] std::uint64_t queued_bytes() const noexcept { return metrics().queue_bytes; }
    [[nodiscard]] const shard::Metrics& metrics() const noexcept { return shard_.metrics(); }
    /// Those that it has given up at some time.
    [[nodiscard]] hub::ShardSet stalled() const noexcept { return stalled_; }
    /// A shutdown could not deliver all that had been accepted.
    [[nodiscard]] bool has_lost_publications() const noexcept { return has_lost_publications_; }

private:
    [[nodiscard]] shard::Router make_router();
    void run();
    void halt();
    void read_log();
    void check_turn() const;
    [[nodiscard]] bool has(TopicBreak broken) const noexcept { return broken_ == broken; }

    const TopicScenario& scenario_;
    TopicBook& book_;
    TopicBreak broken_;
    HallBook* hall_;               // Null: there is none.
    CentrifugeStage* centrifuge_;  // Likewise.
    const std::uint32_t index_;
    shard::Mesh& mesh_;
    int listener_;
    SimRing ring_;
    shard::LogQueue log_;
    shard::Shard shard_;
    Fiber fiber_;
    std::uint64_t turns_ = 0;
    std::uint64_t deliveries_ = 0;  // Up to the last turn.
    std::uint64_t fan_outs_cut_ = 0;
    Instant halt_from_ = instant_never;
    hub::ShardSet stalled_ = 0;
    bool is_waiting_ = false;  // In its ring, in the middle of a turn.
    bool is_halted_ = false;   // In the middle of a turn, too, but behind the ring.
    bool is_stopping_ = false;
    bool has_lost_publications_ = false;
};

}  // namespace ringcast::sim
