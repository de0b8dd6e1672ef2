#include "sim/delivery_rounds.hpp"

#include <algorithm>
#include <utility>

#include "sim/rules.hpp"

namespace ringcast::sim {

namespace {

constexpr std::uint64_t record_bytes_min = 32;
constexpr std::uint64_t requests_with_room = 4, deliveries_between_looks = 16;

constexpr std::uint64_t rounded_up(std::uint64_t value, std::uint64_t unit) noexcept {
    return (value + unit - 1) / unit;
}

}  // namespace

DeliveryRounds::DeliveryRounds(const TopicScenario& scenario, const TopicBook& book,
                               std::uint32_t witness, std::uint32_t connection,
                               std::size_t other_topics)
    : scenario_{scenario},
      book_{book},
      witness_{witness},
      connection_{connection},
      other_topics_{other_topics} {
    const auto& all = book.publications();
    const auto first = std::ranges::find(all, witness, &TopicBook::Publication::publisher);
    next_ = static_cast<std::uint32_t>(first - all.begin());
}

void DeliveryRounds::on_turns(hub::ShardSet turned, hub::ShardSet asleep, std::uint64_t requests) {
    turned_ |= turned;
    const hub::ShardSet all = hub::set_of(scenario_.shards_count) - 1;
    if (((turned_ | asleep) & all) == all) {
        ++round_;
        turned_ = 0;
    }
    if (!take_accepted()) return;
    accepted_in_ = round_;
    bound_ = bound(requests);
}

/// True once for each.
bool DeliveryRounds::take_accepted() noexcept {
    const auto& publications = book_.publications();
    if (next_ == publications.size() || publications[next_].publisher != witness_ ||
        publications[next_].accepted == 0)
        return false;
    ++next_;
    return true;
}

std::uint64_t DeliveryRounds::bound(std::uint64_t requests) const noexcept {
    const shard::TopicSettings& settings = scenario_.settings.topics;
    const std::uint64_t before =
        std::min(requests, scenario_.mesh_queue_bytes() / record_bytes_min);
    const std::uint64_t taken =
        std::min<std::uint64_t>(settings.requests_per_turn, requests_with_room);
    const std::uint64_t delivered =
        scenario_.compression.offers.empty()
            ? settings.deliveries_per_turn
            : std::min<std::uint64_t>(settings.deliveries_per_turn, deliveries_between_looks);
    const std::uint64_t topics =
        scenario_.topics.size() + scenario_.ground.targets.size() + other_topics_;
    return 3 + scenario_.shards_count * rounded_up(before + 1, taken) +
           rounded_up(topics * settings.deliveries_quantum, delivered);
}

void DeliveryRounds::on_sending(std::uint32_t connection, bool is_quiet) {
    if (connection != connection_) return;
    // In the turn that has accepted it, if output is handed over before the end of that.
    if (take_accepted()) accepted_in_ = round_;
    if (!accepted_in_) return;
    const std::uint64_t rounds = round_ - *std::exchange(accepted_in_, std::nullopt);
    if (!is_quiet || scenario_.is_memory_scarce) return;
    ++counted_;
    rounds_max_ = std::max(rounds_max_, rounds);
    check_bound(Rule::latency_bounded, "rounds before a publication was handed over", rounds,
                bound_);
}

}  // namespace ringcast::sim
