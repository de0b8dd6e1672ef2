#include "sim/topic_verdict.hpp"

#include <algorithm>
#include <string>

#include "sim/rules.hpp"

namespace ringcast::sim {

namespace {

/// What weather and slow turns may make of the time in which a shard gets nothing done.
constexpr Duration standstill_time_max = std::chrono::seconds{10};
constexpr std::string_view lost_reason = "publications were lost";

}  // namespace

void TopicVerdict::check() const {
    check_visits();
    check_stalls();
}

std::uint64_t TopicVerdict::total(Counter shard::Metrics::* count) const {
    std::uint64_t sum = 0;
    for (const auto& host : story_.hosts) sum += host->metrics().*count;
    return sum;
}

void TopicVerdict::check_stalls() const {
    const bool is_known = story_.scenario.may_stall() && !has(TopicBreak::hide_freeze);
    if (!is_known) {
        check_bound(Rule::stalled_only_when_frozen, "shards given up",
                    total(&shard::Metrics::mesh_stalls), 0);
    }
    const hub::ShardSet frozen = is_known ? hub::set_of(story_.scenario.freeze->shard) : 0;
    const bool is_told_from_weather =
        story_.scenario.settings.topics.mesh_stall_timeout > standstill_time_max;
    for (const auto& host : story_.hosts) {
        if (is_told_from_weather && (host->stalled() & ~frozen) != 0)
            throw Violation{Rule::stalled_only_when_frozen, "a shard was given up that ran"};
    }
    // A shard that has come back was told of its gap long ago, and is waited for.
    const bool is_frozen_at_end =
        is_known && story_.freeze_end + standstill_time_max > story_.shutdown_at;
    if (has_lost_publications() && !is_frozen_at_end)
        throw Violation{Rule::shutdown_delivers_all, "a shutdown gave up what was on its way"};
}

bool TopicVerdict::has_lost_publications() const {
    return std::ranges::any_of(story_.hosts,
                               [](const auto& host) { return host->has_lost_publications(); });
}

void TopicVerdict::check_visits() const {
    for (std::uint32_t i = 0; i < story_.peers.size(); ++i) {
        if (!story_.is_arranged[i] || story_.peers[i]->was_spoiled()) continue;
        check_response(i);
        if (story_.book.visitor(i).status == 101) check_close(i);
    }
}

void TopicVerdict::check_response(std::uint32_t visit) const {
    const int status = story_.book.visitor(visit).status;
    if (status == 101) return;
    const bool is_cut_short = story_.was_cut_short || story_.is_late[visit];
    if (is_cut_short && (status == 0 || status == 503)) return;
    // In the middle of a TLS handshake nothing can be said.
    if (status == 0 && story_.scenario.is_secure && story_.scenario.is_memory_scarce) return;
    const bool may_refuse = story_.scenario.has_small_limits || story_.scenario.is_memory_scarce ||
                            total(&shard::Metrics::mesh_stalls) > 0 || wakes_to_shutdown(visit);
    if (status == 503 && may_refuse && !has(TopicBreak::change_status)) return;
    throw Violation{Rule::handshake_answered, "visit " + std::to_string(visit) +
                                                  " was answered with " + std::to_string(status)};
}

/// Its shard stood still when it was told of the shutdown: those who came meanwhile, after all the
/// others had settled down, it hears of no earlier.
bool TopicVerdict::wakes_to_shutdown(std::uint32_t visit) const {
    const std::optional<Freeze>& freeze = story_.scenario.freeze;
    return freeze && freeze->shard == story_.book.visitor(visit).shard &&
           story_.freeze_end - freeze->duration <= story_.shutdown_at &&
           story_.shutdown_at < story_.freeze_end;
}

void TopicVerdict::check_close(std::uint32_t visit) const {
    const TopicPeer& peer = *story_.peers[visit];
    const TopicBook::Visitor& visitor = story_.book.visitor(visit);
    const auto fail = [&](const std::string& text) {
        throw Violation{Rule::close_as_scripted, "visit " + std::to_string(visit) + ": " + text +
                                                     ": " + std::to_string(visitor.close_code) +
                                                     " " + visitor.close_reason};
    };
    if (!visitor.has_closed) fail("no Close");
    if (peer.was_reset()) fail("ended by a reset");
    if (visitor.close_code == story_.scenario.shutdown_code) return;
    if (visitor.close_code == 1000) {
        if (peer.visit().stays()) fail("an answer to no Close");
        return;
    }
    if (visitor.close_code != 1013) fail("no reason for this Close");
    const std::string& reason = visitor.close_reason;
    const bool may_be_behind = story_.scenario.has_slow_readers ||
                               story_.scenario.publication_bytes_max > prompt_bytes_max;
    // For whom the newest is kept, it is not closed.
    const bool is_kept_for = story_.scenario.conflates() && peer.visit().kind == VisitKind::raw;
    const bool may_be_slow = (may_be_behind && !is_kept_for) || story_.scenario.is_memory_scarce ||
                             peer.visit().counts();
    const bool has_stalled = total(&shard::Metrics::mesh_stalls) > 0;
    const bool is_justified =
        (reason == "too slow" && may_be_slow) || (reason == lost_reason && has_stalled) ||
        (reason == "there are too many topics" && story_.scenario.has_small_limits) ||
        (reason.starts_with("no memory") && story_.scenario.is_memory_scarce);
    if (!is_justified) fail("no reason for this Close");
    if (reason == lost_reason && peer.visit().is_prompt() &&
        visitor.closed_at > story_.freeze_end + delivery_time_max)
        throw Violation{Rule::delivered_in_time,
                        "visit " + std::to_string(visit) + " was told too late of its loss"};
}

}  // namespace ringcast::sim
