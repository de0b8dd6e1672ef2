#pragma once
// What a run with topics is judged by once it is over, besides what the TopicBook knows: how each
// visit was answered and how it ended, and which shards were given up.

#include <cstdint>
#include <memory>
#include <vector>

#include "base/counter.hpp"
#include "base/time.hpp"
#include "sim/topic_book.hpp"
#include "sim/topic_break.hpp"
#include "sim/topic_host.hpp"
#include "sim/topic_peer.hpp"
#include "sim/topic_scenario.hpp"

namespace ringcast::sim {

/// What weather, thin links and busy shards may add to the way of a publication ...
inline constexpr Duration delivery_time_max = std::chrono::seconds{45};
/// ... of no more than so many octets.
inline constexpr std::size_t prompt_bytes_max = 1500;

class TopicVerdict {
public:
    /// Outlives the verdict.
    struct Story {
        const TopicScenario& scenario;
        const TopicBook& book;
        const std::vector<std::unique_ptr<TopicHost>>& hosts;
        const std::vector<std::unique_ptr<TopicPeer>>& peers;  // By visit, as what follows.
        const std::vector<bool>& is_arranged;                  ///< It was to come ...
        const std::vector<bool>& is_late;                      ///< ... after the shutdown.
        Instant freeze_end;                                    ///< Of the scenario's freeze.
        Instant shutdown_at;
        bool was_cut_short;  ///< The shutdown came in the middle.
        TopicBreak broken;
    };

    explicit TopicVerdict(const Story& story) : story_{story} {}

    /// Throws Violation.
    void check() const;
    /// Of all shards.
    [[nodiscard]] std::uint64_t total(Counter shard::Metrics::* count) const;
    /// Some shutdown could not deliver all that had been accepted.
    [[nodiscard]] bool has_lost_publications() const;

private:
    void check_visits() const;
    void check_response(std::uint32_t visit) const;
    [[nodiscard]] bool wakes_to_shutdown(std::uint32_t visit) const;
    void check_close(std::uint32_t visit) const;
    void check_stalls() const;
    [[nodiscard]] bool has(TopicBreak broken) const noexcept { return story_.broken == broken; }

    Story story_;
};

}  // namespace ringcast::sim
