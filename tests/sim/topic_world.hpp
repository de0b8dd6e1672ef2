#pragma once
// One run of the simulator with topics: shards of one server on one mesh, and clients that publish,
// join and leave, all drawn from one seed; then every checker. A run that breaks no rule returns
// what it exercised; else it throws Violation.
//
// Each shard runs until it waits. It goes on only if its own ring has something for it: bytes, a
// wake-up, a deadline. So a wake-up that nobody sent, or that was lost, leaves it asleep.

#include <cstdint>
#include <optional>

#include "sim/tally.hpp"
#include "sim/topic_break.hpp"

namespace ringcast::sim {

struct TopicWorldOptions {
    std::uint64_t seed = 0;
    std::optional<std::uint64_t> walk;  ///< Calm, but for this decision.
    TopicBreak broken = TopicBreak::none;
    bool prints_trace = false;
};

[[nodiscard]] Tally run_topic_world(const TopicWorldOptions& options);

}  // namespace ringcast::sim
