#pragma once
// One run of the simulator: a network, shards with an echo endpoint, and clients, all drawn from
// one seed; then every checker. A run that breaks no rule returns what it exercised; else it throws
// Violation.
//
// The shards are turned one at a time in random order.

#include <cstdint>
#include <optional>

#include "sim/break.hpp"
#include "sim/tally.hpp"

namespace ringcast::sim {

struct WorldOptions {
    std::uint64_t seed = 0;
    std::optional<std::uint64_t> walk;  ///< Calm, but for this decision.
    Break broken = Break::none;
    bool prints_trace = false;
};

[[nodiscard]] Tally run_world(const WorldOptions& options);

}  // namespace ringcast::sim
