#include "sim/centrifuge_orders.hpp"

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>

#include "sim/pick.hpp"

namespace ringcast::sim {

namespace {

/// Sets its source apart; see topic_scenario.cpp.
constexpr std::uint64_t orders_salt = 77;

}  // namespace

std::vector<CentrifugeOrder> draw_orders(const TopicScenario& scenario, std::uint32_t visits_count,
                                         Instant start) {
    using Kind = CentrifugeOrder::Kind;
    using From = CentrifugeAction::From;
    std::vector<CentrifugeOrder> orders;
    if (!scenario.has_orders || visits_count == 0) return orders;
    Prng prng{scenario.settings.topics.seed ^ orders_salt};
    for (std::uint64_t left = 1 + prng.below(24); left > 0; --left) {
        CentrifugeOrder& order = orders.emplace_back();
        order.kind = pick<Kind>(
            prng, {Kind::subscribe, Kind::subscribe, Kind::subscribe, Kind::unsubscribe,
                   Kind::unsubscribe, Kind::unsubscribe_all, Kind::refresh, Kind::disconnect});
        order.visit = static_cast<std::uint32_t>(prng.below(visits_count));
        order.is_for_present = prng.chance(3, 4);
        order.topic = static_cast<std::uint32_t>(prng.below(scenario.shared_topics_count));
        order.code = pick<std::uint16_t>(prng, {3503, 3000, 4100});
        if (prng.chance(1, 4)) order.ttl = static_cast<std::uint32_t>(prng.below(3));
        order.from = pick<From>(prng, {From::nowhere, From::last, From::earlier, From::earlier,
                                       From::other_epoch, From::too_far});
        // Most when there has been time for a connection.
        const auto later = pick<int>(prng, {0, 50, 200, 2000});
        order.at = start + scenario.draw_duration(prng) + scenario.draw_duration(prng) +
                   std::chrono::milliseconds{later};
        order.is_for_user = scenario.has_tokens && prng.chance(1, 3);
        const bool is_end = order.ends(order.topic);
        if (!is_end || prng.chance(1, 4)) continue;
        // And back again.
        CentrifugeOrder next = order;
        next.kind = Kind::subscribe;
        next.from = pick<From>(prng, {From::last, From::earlier});
        next.ttl.reset();
        if (prng.chance(1, 2)) next.at += scenario.draw_duration(prng) / 8;
        orders.push_back(next);
    }
    std::vector<CentrifugeOrder> sorted;
    for (CentrifugeOrder& each : orders) {
        const auto place = std::ranges::upper_bound(sorted, each.at, {}, &CentrifugeOrder::at);
        sorted.insert(place, std::move(each));
    }
    return sorted;
}

/// The ids that the simulated server draws say whose visit it is.
api::SessionOrder order_of(const CentrifugeOrder& order, std::uint32_t user,
                           const TopicScenario& scenario) {
    using Kind = CentrifugeOrder::Kind;
    char id[37];
    (void)std::snprintf(id, sizeof id, "%08x-0000-4000-8000-000000000000", order.visit);
    api::SessionOrder said{.whose = {.user = name_of_user(user)}, .what = api::UnsubscribeOrder{}};
    if (order.others.empty()) said.whose.client = id;
    const std::string& channel = scenario.topics[order.topic];
    switch (order.kind) {
        case Kind::subscribe: {
            api::SubscribeOrder what{.channel = channel, .ttl = order.ttl};
            // So that its client knows which one it was.
            what.options.data = auth::Payload{.bytes = std::to_string(order.given)};
            if (order.since) {
                const TopicBook::Place& place = order.since->place;
                what.since.emplace(place.offset, hub::Epoch::of(place.epoch));
            }
            said.what = std::move(what);
            break;
        }
        case Kind::unsubscribe: said.what = api::UnsubscribeOrder{.channel = channel}; break;
        case Kind::unsubscribe_all: break;
        case Kind::refresh: said.what = api::RefreshOrder{.ttl = order.ttl}; break;
        case Kind::disconnect:
            said.what = api::DisconnectOrder{static_cast<CloseCode>(order.code), "ordered"};
            break;
    }
    return said;
}

}  // namespace ringcast::sim
