#include "sim/tally.hpp"

#include <algorithm>

namespace ringcast::sim {

void Tally::add(const Tally& other) {
    for (const auto& each : tally_counts) this->*each.count += other.*each.count;
    for (const auto& each : topic_tally_counts) topics.*each.count += other.topics.*each.count;
    runs += other.runs;
    decisions += other.decisions;
    trace_hash += other.trace_hash;
    walk_struck += other.walk_struck;
    for (std::size_t i = 0; i < faults.size(); ++i) faults[i] += other.faults[i];
    turns_waited = std::max(turns_waited, other.turns_waited);
    for (std::size_t i = 0; i < hostiles.size(); ++i) hostiles[i] += other.hostiles[i];
    for (std::size_t i = 0; i < behaviours.size(); ++i) behaviours[i] += other.behaviours[i];
}

}  // namespace ringcast::sim
