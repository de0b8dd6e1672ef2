#pragma once
// What the server of one run is set up with, drawn from the seed. Swarm mode here, too: each of the
// rarer features (several shards, small limits, an application that refuses, sends on its own
// account, or is terminated) is there in some runs only.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/prng.hpp"
#include "shard/settings.hpp"
#include "sim/compression.hpp"
#include "sim/echo_endpoint.hpp"
#include "sim/hostile.hpp"
#include "sim/script.hpp"

namespace ringcast::sim {

struct Scenario {
    ServerLimits limits;
    shard::Settings settings;
    shard::SessionLimits session_limits;
    ApplicationSettings application;
    DrawnCompression compression;
    bool is_secure = false;  ///< Clients speak TLS.
    HostileGround ground;
    std::vector<Hostile> hostiles;
    std::size_t shards_count = 1;
    /// The time of the shutdown is up after so many turns.
    std::optional<std::uint64_t> termination_turns;

    // Bounds that follow from it, for one shard.

    /// Output of one session.
    [[nodiscard]] std::uint64_t queue_bytes_max() const noexcept;
    /// Pooled blocks in use when `queued_bytes` of output wait.
    [[nodiscard]] std::uint64_t pool_bytes_max(std::uint64_t connections,
                                               std::uint64_t queued_bytes) const noexcept;
};

/// `limits`, `features` and `compression` are sources of their own, so that a new feature leaves
/// the rest of a seed as it was.
[[nodiscard]] Scenario draw_scenario(Prng& limits, Prng& features, const Prng& compression);

/// In one scenario of four. Draws hostile clients, and the deadlines that end them where there were
/// none.
void add_hostiles(Prng& prng, Scenario& scenario);

}  // namespace ringcast::sim
