#pragma once
// How long the publications of an honest client take that come back to it, beside hostile ones, in
// rounds: a round is over when each shard has had a turn, unless it sleeps and nobody has called
// it. The client, a witness, has a topic of its own and publishes one after the other.
//
//   accepted by its shard                               visible at the latest in its next turn   1
//   taken by the home, behind what its shard had asked for before               n (a + 1) / r
//   taken by its shard, whose fan-out has room for all                                           1
//   delivered: the other topics may have had their quantum before                        t q / d
//   handed to the ring                                                                           1
//
//   n  shards, one of which goes first in each turn of a home
//   a  requests before it: never more than its shard may ever have made, nor than the queue holds.
//      For each subscription that may be a join, a leave, an inquiry and an exit, and another
//      inquiry for each question of who is there
//   r  requests_per_turn, at most four: so many always have room in queues that are emptied
//   t  topics    q  deliveries_quantum    d  deliveries_per_turn, at most 16 where there is
//                                            compression
//
// The number of hostile clients is in none of this. Where memory is scarce, fan-outs have no room
// for all, and nothing is counted. Weather is left out as in turn_book.hpp.

#include <cstdint>
#include <optional>

#include "hub/home_topics.hpp"
#include "sim/sim_ring.hpp"
#include "sim/topic_book.hpp"
#include "sim/topic_scenario.hpp"

namespace ringcast::sim {

class DeliveryRounds final : public RingObserver {
public:
    /// Of the visit `witness`, whose connection is the network's number `connection`.
    /// `other_topics`: beside those of the scenario.
    DeliveryRounds(const TopicScenario& scenario, const TopicBook& book, std::uint32_t witness,
                   std::uint32_t connection, std::size_t other_topics);

    /// That come of so many.
    [[nodiscard]] static std::uint64_t requests_max(std::uint64_t publications,
                                                    std::uint64_t subscribes,
                                                    std::uint64_t questions) noexcept {
        return publications + 4 * subscribes + questions;
    }
    /// After a turn of anybody: `turned` have had one, `asleep` need none. `requests`: that the
    /// witness's shard may have made up to now.
    void on_turns(hub::ShardSet turned, hub::ShardSet asleep, std::uint64_t requests);
    void on_received(std::uint32_t, std::span<const std::byte>) override {}
    /// Throws Violation.
    void on_sending(std::uint32_t connection, bool is_quiet) override;
    /// It has come.
    void on_seen() noexcept { accepted_in_.reset(); }

    [[nodiscard]] std::uint64_t counted() const noexcept { return counted_; }
    [[nodiscard]] std::uint64_t rounds_max() const noexcept { return rounds_max_; }

private:
    [[nodiscard]] bool take_accepted() noexcept;
    [[nodiscard]] std::uint64_t bound(std::uint64_t requests) const noexcept;

    const TopicScenario& scenario_;
    const TopicBook& book_;
    const std::uint32_t witness_, connection_;
    const std::size_t other_topics_;
    hub::ShardSet turned_ = 0;
    std::uint64_t round_ = 0;
    std::uint32_t next_;  // The publication that it is to publish next.
    std::optional<std::uint64_t> accepted_in_;
    std::uint64_t bound_ = 0;  // Of that one.
    std::uint64_t counted_ = 0, rounds_max_ = 0;
};

}  // namespace ringcast::sim
