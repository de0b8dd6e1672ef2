#pragma once
// One run of the simulator: a network, shards with an echo endpoint, and clients, all drawn from
// one seed; then every checker. A run that breaks no rule returns what it exercised; else it throws
// Violation.
//
// The shards are turned one at a time in random order. One of them today; the seam for more is
// `shards_count`.

#include <array>
#include <cstdint>
#include <optional>

#include "sim/faults.hpp"
#include "sim/script.hpp"
#include "sim/ws_peer.hpp"

namespace ringcast::sim {

struct WorldOptions {
    std::uint64_t seed = 0;
    std::optional<std::uint64_t> walk;  ///< Calm, but for this decision.
    Break broken = Break::none;
    bool prints_trace = false;
};

/// What one run, or many, went through.
struct Tally {
    std::uint64_t runs = 0;
    std::uint64_t turns = 0;
    std::uint64_t clients = 0;
    std::uint64_t echoes = 0;
    std::uint64_t handshakes = 0;
    std::uint64_t refusals = 0;
    std::uint64_t protocol_errors = 0;
    std::uint64_t timeouts = 0;
    std::uint64_t suspensions = 0;
    std::uint64_t shortfalls = 0;
    std::uint64_t early_flushes = 0;
    std::uint64_t decisions = 0;
    std::uint64_t early_shutdowns = 0;
    std::uint64_t late_admissions = 0;
    Faults::Counts faults{};
    std::array<std::uint64_t, behaviours_count> behaviours{};
    std::uint64_t trace_hash = 0;   ///< The sum of all traces'.
    std::uint64_t walk_struck = 0;  ///< Runs in which the decision of a walk was reached.

    void add(const Tally& other);
};

[[nodiscard]] Tally run_world(const WorldOptions& options);

}  // namespace ringcast::sim
