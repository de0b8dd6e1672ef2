#pragma once
// Clients of the Centrifuge protocol in the world with topics: they share the topics with all
// others, come back and recover. In most runs there are none.

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/centrifuge_conversation.hpp"
#include "sim/centrifuge_peer.hpp"
#include "sim/centrifuge_visit.hpp"
#include "sim/network.hpp"
#include "sim/tally.hpp"
#include "sim/topic_book.hpp"
#include "sim/topic_break.hpp"
#include "sim/topic_scenario.hpp"

namespace ringcast::sim {

class CentrifugeCrowd {
public:
    /// `book` has all other visitors already.
    CentrifugeCrowd(const TopicScenario& scenario, TopicBook& book, TopicBreak broken,
                    Instant start);

    /// Null: nobody comes.
    [[nodiscard]] CentrifugeStage* stage() noexcept { return visits_.empty() ? nullptr : &stage_; }
    /// Connects those who are to come, and later those who come back.
    void arrange(Network& network, const std::vector<int>& listeners);
    /// When the application has its next order; never, if it has none.
    [[nodiscard]] Instant next_order() const noexcept;
    /// Those that are due, to all shards.
    template <class Hosts>
    void give_orders(Instant now, const Hosts& hosts) {
        while (next_order() <= now) {
            CentrifugeOrder& order = stage_.orders[orders_given_++];
            if (order.is_for_present) order.visit = present_from(order.visit);
            if (order.is_for_user) order.others = visits_of(stage_.users[order.visit]);
            order.given = stage_.book.on_asked();
            order.since = since_of(order);
            order.shards_missing = static_cast<std::uint32_t>(hosts.size());
            for (const auto& host : hosts) {
                host->carry_out(
                    order_of(order, stage_.users[order.visit], scenario_), [this, &order] {
                        order.is_carried_out = --order.shards_missing == 0 && !stage_.is_ending;
                    });
            }
        }
    }
    void begin_shutdown(Instant now) noexcept {
        stage_.is_ending = true;
        stage_.ending_at = now;
    }
    [[nodiscard]] bool is_waiting() const;
    [[nodiscard]] bool is_done() const;
    /// ", waiting: client 3" and so on.
    [[nodiscard]] std::string what_is_left() const;

    /// All is quiet, and no network has failed: `listed(topic)` is what its home lists. Throws
    /// Violation.
    template <class Listed>
    void check_presence(Listed&& listed) const {
        if (visits_.empty()) return;
        for (std::uint32_t topic = 0; topic < stage_.scenario.shared_topics_count; ++topic)
            check_presence(topic, listed(stage_.scenario.topics[topic]));
    }
    /// All is over. Throws Violation. `was_cut_short`: the shutdown came in the middle.
    void check_ends(bool was_cut_short) const;
    void add_to(Tally& tally) const;

private:
    [[nodiscard]] std::set<std::uint32_t> visits_of(std::uint32_t user) const;
    [[nodiscard]] std::uint32_t present_from(std::uint32_t visit) const;
    [[nodiscard]] std::optional<TopicBook::Standing> since_of(const CentrifugeOrder& order) const;
    void check_presence(std::uint32_t topic, const GuestSet& visits) const;
    void check_end(std::uint32_t visit, bool was_cut_short) const;

    const TopicScenario& scenario_;
    Prng prng_;
    CentrifugeStage stage_;
    CentrifugeCounts counts_;
    std::size_t orders_given_ = 0;
    std::vector<CentrifugeVisit> visits_;
    std::vector<std::unique_ptr<CentrifugePeer>> peers_;
    std::vector<bool> is_arranged_, is_late_;  // By visit: it is to come; after the shutdown.
};

}  // namespace ringcast::sim
