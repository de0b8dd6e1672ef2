#pragma once
// What the server of one run with topics is set up with, and what happens to its shards, drawn from
// the seed. Swarm mode: each of the rarer circumstances is there in some runs only.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/prng.hpp"
#include "ringcast/centrifuge.hpp"
#include "shard/settings.hpp"
#include "sim/compression.hpp"
#include "sim/hostile.hpp"

namespace ringcast::sim {

/// A shard whose thread is not scheduled for a while.
struct Freeze {
    std::uint32_t shard = 0;
    Duration after{};  ///< From the start of the run.
    Duration duration{};
    /// In the middle of the first turn from then on. It takes the time for what it was before until
    /// that turn ends, as a thread does that has read its clock.
    bool is_midway = false;
};

struct TopicScenario {
    std::uint32_t shards_count = 1;
    std::uint64_t mesh_bytes = 0;
    shard::Settings settings;
    shard::SessionLimits session_limits;
    std::vector<std::string> topics;
    std::size_t visits_count = 1;
    /// Visits begin within so long, and pauses of clients are no longer.
    Duration activity_span{};
    std::size_t publication_bytes_max = 100;  ///< Of honest clients.
    std::uint32_t keys_count = 0;             ///< That publications of a topic may have.
    bool is_busy = false;                     ///< Clients publish a lot.
    std::optional<Freeze> freeze;
    std::uint16_t shutdown_code = 1012;
    Duration quiet_time{};  ///< Between the last that clients do and the shutdown.
    /// The server is stopped in the middle, after so many turns.
    std::optional<std::uint64_t> shutdown_after_turns;
    bool has_slow_readers = false;  ///< Else everybody reads at once what comes.
    bool has_small_limits = false;  ///< Topics and subscriptions may be refused.
    bool asks_positions = false;    ///< Clients count, and come back to where they were.
    bool is_memory_scarce = false;  ///< Sessions may end for want of memory.
    DrawnCompression compression;
    bool is_secure = false;  ///< Clients speak TLS.
    HostileGround ground;
    std::vector<Hostile> hostiles;
    /// Clients of that protocol come, too.
    std::optional<CentrifugePolicy> centrifuge;
    bool has_orders = false;              ///< The application has orders for them ...
    bool has_tokens = false;              ///< ... and says in tokens who they are.
    std::size_t shared_topics_count = 0;  ///< Those of `topics` that clients are drawn for.

    /// Whoever is behind misses something, and stays.
    [[nodiscard]] bool drops() const noexcept {
        return session_limits.slow_consumer != SlowConsumer::close;
    }
    /// Whoever is behind gets the newest of what it misses.
    [[nodiscard]] bool conflates() const noexcept {
        return session_limits.slow_consumer == SlowConsumer::latest;
    }
    /// So many publications of a topic are kept in any case, for so long.
    [[nodiscard]] std::uint64_t kept_min() const noexcept {
        const hub::HomeTopics::Limits& home = settings.topics.home;
        return std::min(home.stream.count_max, settings.topics.recovered_max);
    }
    /// Or fewer, or shorter: there may be no room, and a shard that stands still has a late clock.
    [[nodiscard]] bool may_forget() const noexcept {
        return has_small_limits || freeze || settings.topics.home.history_bytes_max < 64u << 20;
    }
    [[nodiscard]] Duration kept_for() const noexcept {
        const hub::HomeTopics::Limits& home = settings.topics.home;
        return std::min(home.idle_timeout, home.stream.age_max);
    }
    /// A shared topic; one of them is the one that most is about.
    [[nodiscard]] std::uint32_t draw_topic(Prng& prng) const {
        if (prng.chance(1, 2)) return 0;
        return static_cast<std::uint32_t>(prng.below(shared_topics_count));
    }
    /// Less than activity_span.
    [[nodiscard]] Duration draw_duration(Prng& prng) const {
        return Duration{static_cast<Duration::rep>(
            prng.below(static_cast<std::uint64_t>(activity_span.count())))};
    }
    /// The freeze lasts long enough for the others to declare the shard stalled.
    [[nodiscard]] bool may_stall() const noexcept {
        return freeze && freeze->duration >= settings.topics.mesh_stall_timeout;
    }
    [[nodiscard]] std::uint32_t home_of(std::size_t topic) const noexcept {
        return hub::home_of(topics[topic], settings.topics.seed, shards_count);
    }

    /// Of publications, by whomever.
    [[nodiscard]] std::uint64_t largest_bytes() const noexcept;
    /// A publication as it is sent to whoever takes it in the most octets.
    [[nodiscard]] std::uint64_t encoded_bytes_max() const noexcept;
    /// A message, be it several publications that were missed.
    [[nodiscard]] std::uint64_t message_bytes_max() const noexcept;
    /// Of one queue of the mesh.
    [[nodiscard]] std::uint64_t mesh_queue_bytes() const noexcept;

    // Bounds that follow from it, for one shard.

    /// Output of one session.
    [[nodiscard]] std::uint64_t queue_bytes_max() const noexcept;
    /// Pooled blocks in use when `queued_bytes` of output wait.
    [[nodiscard]] std::uint64_t pool_bytes_max(std::uint64_t connections,
                                               std::uint64_t queued_bytes) const noexcept;
    /// Blocks of large payloads that were made by it and are not back.
    [[nodiscard]] std::uint64_t payload_bytes_max() const noexcept;
};

/// Who may come beside the usual clients.
struct TopicGuests {
    /// In one scenario of four there are hostile clients, and a topic behind the shared ones for an
    /// honest client that is watched beside them.
    bool hostile = false;
    bool centrifuge = false;  ///< In some of the others ...
    // ... with these in all of those, rather than some.
    bool orders = false, tokens = false;
};

[[nodiscard]] TopicScenario draw_topic_scenario(Prng& prng, TopicGuests guests);

}  // namespace ringcast::sim
