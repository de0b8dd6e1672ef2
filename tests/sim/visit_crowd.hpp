#pragma once
// The usual clients of a run with topics, raw ones and those of rooms: they come, come back, and
// see publications in time.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/prng.hpp"
#include "sim/delivery_rounds.hpp"
#include "sim/network.hpp"
#include "sim/tally.hpp"
#include "sim/topic_book.hpp"
#include "sim/topic_break.hpp"
#include "sim/topic_peer.hpp"
#include "sim/topic_scenario.hpp"
#include "sim/topic_visit.hpp"

namespace ringcast::sim {

class VisitCrowd {
public:
    /// Draws who comes. All of them outlive it.
    VisitCrowd(Network& network, Prng& prng, const TopicScenario& scenario, TopicBook& book,
               TopicBreak broken);

    /// Connects those who follow nobody. Returns the connection of the last one.
    std::uint32_t connect(const std::vector<int>& listeners);
    /// Those who come back do so when they have gone.
    void arrange(const std::vector<int>& listeners, bool is_ending);
    /// What comes to the last one is told.
    void count_with(DeliveryRounds& rounds) noexcept { rounds_ = &rounds; }

    [[nodiscard]] bool is_waiting() const;
    [[nodiscard]] bool is_done() const;
    /// ", waiting: visit 3" and so on.
    [[nodiscard]] std::string what_is_left() const;
    /// What they did, and what the book has proven.
    void add_to(TopicTally& topics) const;

    [[nodiscard]] const std::vector<Visit>& visits() const noexcept { return visits_; }
    [[nodiscard]] const std::vector<std::unique_ptr<TopicPeer>>& peers() const noexcept {
        return peers_;
    }
    /// By visit: it was to come; after the shutdown had begun.
    [[nodiscard]] const std::vector<bool>& is_arranged() const noexcept { return is_arranged_; }
    [[nodiscard]] const std::vector<bool>& is_late() const noexcept { return is_late_; }

private:
    std::uint32_t connect(std::uint32_t visit, const std::vector<int>& listeners);
    void on_seen(std::uint32_t visit, std::uint32_t publication) const;

    Network& network_;
    Prng& prng_;
    const TopicScenario& scenario_;
    TopicBook& book_;
    const Instant start_;
    DeliveryRounds* rounds_ = nullptr;
    std::vector<Visit> visits_;
    std::vector<std::unique_ptr<TopicPeer>> peers_;
    std::vector<bool> is_arranged_, is_late_;
};

}  // namespace ringcast::sim
