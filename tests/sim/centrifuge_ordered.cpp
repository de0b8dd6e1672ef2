// What orders of the application do to a client of the Centrifuge protocol.

#include <string>

#include "sim/centrifuge_conversation.hpp"

namespace ringcast::sim {

using Order = CentrifugeOrder::Kind;

namespace {

constexpr std::uint16_t closed_expired = 3005, closed_insufficient = 3010, closed_full = 3505;

}  // namespace

void CentrifugeConversation::take_imposed(std::uint32_t topic, const told::Imposed& what) {
    const auto is_it = [topic](const CentrifugeOrder& order) {
        return order.kind == Order::subscribe && order.topic == topic;
    };
    if (topic >= stage_.scenario.shared_topics_count || !is_ordered(is_it))
        fail(Rule::orders_carried_out, "was subscribed to what nobody has ordered");
    if (subscriptions_.contains(topic))
        fail(Rule::orders_carried_out, "was subscribed to what it is subscribed to");
    if (what.positioned != is_kept() || what.recoverable != is_kept() ||
        what.epoch.empty() == is_kept())
        fail(Rule::positions_true, "was told of a position where there is none, or of none");
    ++counts_.imposed;
    Subscription& subscription = subscriptions_[topic];
    subscription.begun = stage_.book.on_asked();
    subscription.company.begin();
    subscription.since = std::ranges::find_if(stage_.orders, [&](const auto& each) {
                             return each.visit == number_ && is_it(each);
                         })->at;
    stage_.book.on_confirmed_run(visitor(), topic, subscription.begun, std::nullopt);
    if (!is_kept()) return;
    stage_.book.on_position(visitor(), topic, {.epoch = what.epoch, .offset = what.offset},
                            std::nullopt, stage_.now, subscription.since);
}

void CentrifugeConversation::check_refresh(const told::Refresh& what) const {
    const bool is_due = is_ordered([&](const CentrifugeOrder& order) {
        return order.kind == Order::refresh && order.ttl.has_value() == what.expires &&
               order.ttl.value_or(0) == what.ttl;
    });
    if (!is_due) fail(Rule::orders_carried_out, "was refreshed as nobody has ordered");
}

/// The topics that it has may be too many by an order, or lost.
bool CentrifugeConversation::may_be_ordered(std::uint16_t code) const {
    return is_ordered([&](const CentrifugeOrder& order) {
        switch (order.kind) {
            case Order::disconnect: return order.code == code;
            case Order::refresh:
                return code == closed_expired && order.ttl &&
                       stage_.now >= order.at + std::chrono::seconds{*order.ttl};
            case Order::subscribe:
                return code == closed_full ||
                       (code == closed_insufficient && stage_.scenario.may_stall());
            case Order::unsubscribe:
            case Order::unsubscribe_all: return false;
        }
        return false;
    });
}

void CentrifugeConversation::check_orders() const {
    for (const CentrifugeOrder& order : stage_.orders) {
        const bool was_there = connected_ != 0 && connected_ < order.given;
        if (order.visit == number_ && order.is_carried_out && was_there) check_order(order);
    }
}

void CentrifugeConversation::check_order(const CentrifugeOrder& order) const {
    if (order.kind == Order::disconnect)
        fail(Rule::orders_carried_out, "is still there, and should not be");
    for (const auto& [topic, subscription] : subscriptions_) {
        if (order.ends(topic) && subscription.begun < order.given)
            fail(Rule::orders_carried_out, "is still subscribed, and should not be");
    }
    const TopicScenario& scenario = stage_.scenario;
    if (order.kind != Order::subscribe || subscriptions_.contains(order.topic)) return;
    // It has not wanted anything else itself, nor has anybody else.
    const auto wish = wishes_.find(order.topic);
    const bool may_fail = scenario.has_small_limits || scenario.may_stall() ||
                          scenario.is_memory_scarce || wish != wishes_.end() ||
                          is_ordered([&](const auto& each) { return each.ends(order.topic); });
    if (!may_fail) fail(Rule::orders_carried_out, "is not subscribed, and should be");
}

}  // namespace ringcast::sim
