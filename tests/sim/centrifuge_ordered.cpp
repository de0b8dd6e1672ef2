// What orders of the application do to a client of the Centrifuge protocol.

#include <string>

#include "sim/centrifuge_conversation.hpp"

namespace ringcast::sim {

using Order = CentrifugeOrder::Kind;

namespace {

constexpr std::uint16_t closed_expired = 3005, closed_insufficient = 3010, closed_full = 3505;
/// By which an end may be late.
constexpr Duration end_slack = std::chrono::seconds{1};

}  // namespace

void CentrifugeConversation::take_imposed(std::uint32_t topic, const told::Imposed& what) {
    // As it is told, which.
    const auto order = std::ranges::find_if(stage_.orders, [&](const CentrifugeOrder& each) {
        return each.means(number_) && each.given != 0 && each.subscribes(topic) &&
               std::to_string(each.given) == what.data;
    });
    if (topic >= stage_.scenario.shared_topics_count || order == stage_.orders.end())
        fail(Rule::orders_carried_out, "was subscribed to what nobody has ordered");
    if (subscriptions_.contains(topic))
        fail(Rule::orders_carried_out, "was subscribed to what it is subscribed to");
    if (what.positioned != is_kept() || what.recoverable != is_kept() ||
        what.epoch.empty() == is_kept())
        fail(Rule::positions_true, "was told of a position where there is none, or of none");
    ++counts_.imposed;
    Subscription& subscription = subscriptions_[topic];
    subscription.is_imposed = true;
    subscription.begun = stage_.book.on_asked();
    subscription.company.begin();
    subscription.since = order->at;
    subscription.ends_from = order->end_after(order->at);
    subscription.ends_at = order->end_after(stage_.now);
    const auto resumed = is_kept() ? order->since : std::nullopt;
    stage_.book.on_confirmed_run(visitor(), topic, subscription.begun, resumed);
    if (!is_kept()) return;
    // It is told where it goes on from: at the place named, if nothing is missing behind that.
    std::optional<bool> recovered;
    if (resumed)
        recovered = resumed->place.epoch == what.epoch && resumed->place.offset == what.offset;
    if (recovered) ++(*recovered ? counts_.recovered : counts_.not_recovered);
    stage_.book.on_position(visitor(), topic, {.epoch = what.epoch, .offset = what.offset},
                            recovered, stage_.now, subscription.since);
}

void CentrifugeConversation::take_refresh(const told::Refresh& what) {
    const auto is_it = [&](const CentrifugeOrder& order) {
        return order.kind == Order::refresh && order.ttl.has_value() == what.expires &&
               order.ttl.value_or(0) == what.ttl;
    };
    if (!is_ordered(is_it)) fail(Rule::orders_carried_out, "was refreshed as nobody has ordered");
    ends_from_ = ends_at_ = instant_never;
    for (const CentrifugeOrder& order : stage_.orders) {
        if (!order.means(number_) || order.given == 0 || !is_it(order)) continue;
        ends_from_ = std::min(ends_from_, order.end_after(order.at));
        ends_at_ = order.end_after(stage_.now);
    }
}

/// The topics that it has may be too many by an order, or lost.
bool CentrifugeConversation::may_be_ordered(std::uint16_t code) const {
    return is_ordered([&](const CentrifugeOrder& order) {
        switch (order.kind) {
            case Order::disconnect: return order.code == code;
            case Order::refresh: return code == closed_expired && stage_.now >= ends_from_;
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
        if (order.means(number_) && order.is_carried_out && was_there) check_order(order);
    }
    if (!stage_.scenario.freeze) check_ends();
}

/// Of the session and of its subscriptions.
void CentrifugeConversation::check_ends() const {
    const auto is_past = [this](Instant end) { return end < stage_.ending_at - end_slack; };
    if (is_past(ends_at_)) fail(Rule::close_as_scripted, "is still there, and its time is up");
    for (const auto& [topic, subscription] : subscriptions_) {
        if (is_past(subscription.ends_at))
            fail(Rule::orders_carried_out, "is still subscribed, and its time is up");
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
    // It may have been there for another one, until the end of that.
    const auto has_expired = [&] {
        return is_ordered([&](const CentrifugeOrder& each) {
            return each.subscribes(order.topic) && stage_.now >= each.end_after(each.at);
        });
    };
    const bool may_fail = scenario.has_small_limits || scenario.may_stall() ||
                          scenario.is_memory_scarce || wish != wishes_.end() || has_expired() ||
                          is_ordered([&](const auto& each) { return each.ends(order.topic); });
    if (!may_fail) fail(Rule::orders_carried_out, "is not subscribed, and should be");
}

}  // namespace ringcast::sim
