#include "sim/centrifuge_conversation.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace ringcast::sim {

using Say = CentrifugeAction::Kind;

namespace {

/// Of the digest, as numbers: errors ...
constexpr std::uint32_t internal = 100, unknown_channel = 102, permission_denied = 103,
                        method_not_found = 104, already_subscribed = 105, limit_exceeded = 106,
                        bad_request = 107, not_available = 108, too_many_requests = 111,
                        unrecoverable_position = 112;
/// ... and the end of a subscription: by an order, or as publications were lost, or in time.
constexpr std::uint32_t ended_by_server = 2000, insufficient_state = 2500, expired = 2501,
                        revoked = 2502;

}  // namespace

void CentrifugeConversation::fail(Rule rule, const std::string& text) const {
    throw Violation{rule, "client " + std::to_string(number_) + ": " + text};
}

const Company* CentrifugeConversation::company(std::uint32_t topic) const {
    const auto found = subscriptions_.find(topic);
    const bool hears = found != subscriptions_.end() && found->second.hears_others;
    return hears ? &found->second.company : nullptr;
}

void CentrifugeConversation::take(std::string_view message) {
    const auto replies =
        visit_.is_protobuf ? told::read_protobuf(message) : told::read_json(message);
    if (!replies) fail(Rule::frames_well_formed, "was told what is no reply");
    for (const told::Reply& reply : *replies) {
        std::optional<std::uint64_t> asked_offset;
        if (!asked_.empty() && asked_.front().from && !asked_.front().from->is_made_up)
            asked_offset = asked_.front().from->place.offset;
        for (const told::Reply& each : damage_.done_to(reply, asked_offset)) accept(each);
    }
}

void CentrifugeConversation::accept(const told::Reply& reply) {
    if (reply.push) return take_push(*reply.push);
    if (!reply.is_ping()) return take_answer(reply);
    const bool is_due = is_connected_ && !visit_.has_ping_frames &&
                        stage_.scenario.centrifuge->ping_interval.count() > 0;
    if (!is_due) fail(Rule::commands_answered, "a ping that was not agreed on");
    ++pings_;
    ++counts_.pings;
}

void CentrifugeConversation::take_answer(const told::Reply& reply) {
    if (asked_.empty() || asked_.front().id != reply.id) {
        fail(Rule::commands_answered,
             "an answer to command " + std::to_string(reply.id) + ", it has waited for that to " +
                 (asked_.empty() ? "none" : std::to_string(asked_.front().id)));
    }
    const Asked asked = std::move(asked_.front());
    asked_.pop_front();
    ++counts_.replies;
    if (asked.disconnect != 0)
        fail(Rule::commands_answered, "an answer to what the server should close for");
    if (reply.error) return take_error(asked, reply.error->code);
    if (due_error(asked) != 0 && !is_late(asked))
        fail(Rule::commands_answered, "no error " + std::to_string(due_error(asked)));
    const auto take_result = [this](const auto& result, auto&& use) {
        if (!result) fail(Rule::commands_answered, "an answer to another command");
        use(*result);
    };
    switch (asked.action.kind) {
        case Say::connect:
            return take_result(reply.connect, [&](const auto& told) { on_connected(asked, told); });
        case Say::subscribe:
            return take_result(reply.subscribe,
                               [&](const auto& told) { on_subscribed(asked, told); });
        case Say::unsubscribe:
            return take_result(reply.unsubscribe, [&](const auto&) { on_unsubscribed(asked); });
        case Say::publish:
            return take_result(reply.publish, [&](const auto&) {
                stage_.book.on_answered(asked.action.number, true);
            });
        case Say::history:
            return take_result(reply.history, [&](const auto& told) { on_history(asked, told); });
        case Say::presence:
            return take_result(reply.presence, [&](const auto& told) { on_presence(asked, told); });
        case Say::presence_stats:
            return take_result(reply.presence_stats,
                               [&](const auto& told) { on_presence_stats(asked, told); });
        case Say::renew:
            return take_result(reply.refresh, [&](const auto& told) { on_renewed(asked, told); });
        case Say::ping: return take_result(reply.ping, [](const auto&) {});
        default: fail(Rule::commands_answered, "an answer instead of an error");
    }
}

/// That the answer has to be; 0: none has to.
std::uint32_t CentrifugeConversation::due_error(const Asked& asked) const {
    const bool is_subscribed = subscriptions_.contains(asked.action.topic);
    switch (asked.action.kind) {
        case Say::subscribe:
            if (is_subscribed) return already_subscribed;
            [[fallthrough]];
        case Say::subscribe_unknown:
            if (is_full()) return limit_exceeded;
            if (asked.action.kind == Say::subscribe_unknown) return unknown_channel;
            return access_to(asked.action.topic) >= TopicAccess::subscribe ? 0 : permission_denied;
        case Say::publish:
            return access_to(asked.action.topic) >= TopicAccess::publish ? 0 : permission_denied;
        case Say::history:
            if (!is_kept()) return not_available;
            return is_subscribed ? 0 : permission_denied;
        case Say::presence:
        case Say::presence_stats:
            if (!presence().is_kept) return not_available;
            return is_subscribed ? 0 : permission_denied;
        case Say::rpc: return not_available;
        case Say::unknown: return method_not_found;
        case Say::subscribe_long:
        case Say::publish_nothing: return bad_request;
        case Say::sub_refresh: return permission_denied;
        default: return 0;
    }
}

bool CentrifugeConversation::is_full() const {
    return subscriptions_.size() >= stage_.scenario.centrifuge->subscriptions_max;
}

/// With what orders have under way.
bool CentrifugeConversation::may_be_full() const {
    std::size_t count = subscriptions_.size();
    for (std::uint32_t topic = 0; topic < stage_.scenario.shared_topics_count; ++topic) {
        const bool is_coming = !subscriptions_.contains(topic) &&
                               is_ordered([&](const auto& each) { return each.subscribes(topic); });
        count += is_coming ? 1 : 0;
    }
    return count >= stage_.scenario.centrifuge->subscriptions_max;
}

/// What it asks for was lost after the server had begun to answer.
bool CentrifugeConversation::is_late(const Asked& asked) const {
    return asked.was_lost && due_error(asked) == permission_denied;
}

void CentrifugeConversation::take_error(const Asked& asked, std::uint32_t code) {
    ++counts_.errors;
    const std::uint32_t due = due_error(asked);
    const bool may_fail_otherwise = (due == 0 || is_late(asked)) && may_fail(asked, code);
    if (code != due && !may_fail_otherwise) {
        fail(Rule::commands_answered, "error " + std::to_string(code) + ", due was " +
                                          (due == 0 ? "none" : std::to_string(due)));
    }
    if (asked.action.kind == Say::subscribe)
        stage_.hall.on_refused(guest(asked.action.topic), stage_.now);
    if (asked.action.kind == Say::publish) stage_.book.on_answered(asked.action.number, false);
    if (asked.action.kind != Say::connect) return;
    // Nor is anything that it says behind that.
    is_refused_ = is_doomed_ = true;
    leave();
}

/// By what is full, lost or forgotten.
bool CentrifugeConversation::may_fail(const Asked& asked, std::uint32_t code) const {
    const TopicScenario& scenario = stage_.scenario;
    const bool is_question = asked.action.kind == Say::history ||
                             asked.action.kind == Say::presence ||
                             asked.action.kind == Say::presence_stats;
    if (asked.action.kind == Say::connect || asked.action.kind == Say::renew)
        return may_be_refused(asked, code);
    switch (code) {
        case internal:
            if (is_question) return scenario.may_stall();
            return asked.action.kind == Say::subscribe &&
                   (scenario.has_small_limits || scenario.may_stall());
        case limit_exceeded:
            return asked.action.kind == Say::subscribe &&
                   (scenario.has_small_limits || may_be_full());
        case already_subscribed:
            // It is on its way there.
            return asked.action.kind == Say::subscribe && is_ordered([&](const auto& each) {
                       return each.subscribes(asked.action.topic);
                   });
        case too_many_requests:
            return asked.action.kind == Say::publish || (is_question && stage_.is_ending);
        case unrecoverable_position:
            if (asked.action.kind == Say::subscribe && !asked.action.rejects_gap) return false;
            return asked.from && (asked.from->is_made_up ||
                                  !is_surely_kept(asked.action.topic, asked.from->since));
        default: return false;
    }
}

void CentrifugeConversation::on_connected(const Asked& asked, const told::Connect& result) {
    const CentrifugePolicy& policy = *stage_.scenario.centrifuge;
    is_connected_ = true;
    connected_ = stage_.book.on_asked();
    const bool pings = policy.ping_interval.count() > 0 && !visit_.has_ping_frames;
    if (result.pong != pings || (result.ping != 0) != pings)
        fail(Rule::commands_answered, "was told of other pings");
    if (visit_of(result.client) != number_)
        fail(Rule::commands_answered, "was told that it is somebody else");
    on_joined(asked, result);
}

void CentrifugeConversation::on_subscribed(const Asked& asked, const told::Subscribe& result) {
    const std::uint32_t topic = asked.action.topic;
    const bool is_recovering = asked.from && is_kept();
    if (result.was_recovering != is_recovering || (result.recovered && !is_recovering))
        fail(Rule::recovered_if_kept, "was told of what it has not asked for");
    const bool is_positioned = !result.epoch.empty();
    if (is_positioned != is_kept() || result.positioned != is_kept() ||
        result.recoverable != is_kept() || (!is_positioned && result.offset != 0))
        fail(Rule::positions_true, "was told of a position where there is none, or of none");
    if (asked.action.rejects_gap && is_recovering && !result.recovered)
        fail(Rule::recovered_if_kept, "has a gap that it rejects");
    if (!result.recovered && !result.publications.empty())
        fail(Rule::recovered_if_kept, "has recovered something, but not all");
    Subscription& subscription = subscriptions_[topic];
    subscription.begun = stage_.book.on_asked();
    subscription.takes_deltas = asked.action.takes_deltas &&
                                stage_.scenario.settings.topics.home.delta == TopicDelta::fossil;
    if (result.delta != subscription.takes_deltas)
        fail(Rule::commands_answered, "was told of other deltas");
    subscription.hears_others =
        presence().is_announced && (asked.action.hears_others || presence().is_forced);
    subscription.company.begin();
    subscription.since = asked.at;
    stage_.hall.on_live(guest(topic));
    const auto resumed = is_recovering ? asked.from : std::nullopt;
    stage_.book.on_confirmed_run(visitor(), topic, asked.order, resumed);
    if (is_positioned) {
        TopicBook::Place place{.epoch = result.epoch, .offset = result.offset};
        // Where the newest one is enough it stands for those before it.
        const bool is_newest_enough = stage_.scenario.settings.topics.home.stream.is_newest_enough;
        if (is_newest_enough && !result.publications.empty())
            place.offset = result.publications.front().offset - 1;
        const auto recovered = is_recovering ? std::optional{result.recovered} : std::nullopt;
        stage_.book.on_position(visitor(), topic, place, recovered, stage_.now, asked.at);
    }
    if (is_recovering) ++(result.recovered ? counts_.recovered : counts_.not_recovered);
    for (const told::Publication& each : result.publications) take_publication(topic, each);
}

void CentrifugeConversation::on_unsubscribed(const Asked& asked) {
    const std::uint32_t topic = asked.action.topic;
    stage_.hall.on_left(guest(topic), stage_.now);
    if (!subscriptions_.contains(topic)) return;
    end_subscription(topic);
}

void CentrifugeConversation::end_subscription(std::uint32_t topic) {
    stage_.book.on_run_end(visitor(), topic);
    subscriptions_.erase(topic);
}

void CentrifugeConversation::on_presence(const Asked& asked, const told::Presence& result) {
    ++counts_.presences;
    std::vector<std::uint32_t> guests;
    for (const auto& [id, client] : result.presence) {
        if (client.client != id) fail(Rule::presence_true, "a client is listed as another one");
        guests.push_back(stage_.guest_of(visit_of(client), asked.action.topic));
    }
    stage_.hall.on_list(guest(asked.action.topic), asked.tag, guests);
    const auto subscription = subscriptions_.find(asked.action.topic);
    if (subscription != subscriptions_.end())
        subscription->second.company.learn({guests.begin(), guests.end()});
}

/// Without tokens all of them are nobody in particular, which is one user.
void CentrifugeConversation::on_presence_stats(const Asked& asked,
                                               const told::PresenceStats& result) {
    ++counts_.presences;
    stage_.hall.on_count(guest(asked.action.topic), asked.tag, result.num_clients);
    const std::uint32_t most = stage_.scenario.has_tokens ? result.num_clients : 1;
    if (result.num_users > most || (result.num_users == 0) != (result.num_clients == 0))
        fail(Rule::presence_true, "was told of " + std::to_string(result.num_users) + " users");
}

void CentrifugeConversation::take_push(const told::Push& push) {
    if (push.refresh) return take_refresh(*push.refresh);
    const auto found = std::ranges::find(stage_.scenario.topics, push.channel);
    const auto topic = static_cast<std::uint32_t>(found - stage_.scenario.topics.begin());
    if (push.subscribe) return take_imposed(topic, *push.subscribe);
    if (!subscriptions_.contains(topic))
        fail(Rule::publications_exact, "hears of a topic that it is not subscribed to");
    if (push.pub) {
        ++subscriptions_[topic].heard;
        return take_publication(topic, *push.pub);
    }
    if (push.join) return take_event(topic, push.join->info, true);
    if (push.leave) return take_event(topic, push.leave->info, false);
    if (!push.unsubscribe) fail(Rule::frames_well_formed, "a push of nothing");
    ++counts_.unsubscribed;
    const bool is_lost =
        push.unsubscribe->code == insufficient_state && stage_.scenario.may_stall();
    const bool is_ordered_to = push.unsubscribe->code == ended_by_server &&
                               is_ordered([&](const auto& each) { return each.ends(topic); });
    const bool is_over =
        push.unsubscribe->code == expired && stage_.now >= subscriptions_[topic].ends_from;
    const bool is_without_right = push.unsubscribe->code == revoked && is_revoked(topic);
    if (!is_lost && !is_ordered_to && !is_over && !is_without_right)
        fail(Rule::close_as_scripted, "no reason for the end of its subscription");
    stage_.hall.on_lost(guest(topic), stage_.now);
    end_subscription(topic);
    if (!asked_.empty() && asked_.front().action.topic == topic) asked_.front().was_lost = true;
}

void CentrifugeConversation::take_event(std::uint32_t topic, const told::Client& client,
                                        bool is_join) {
    ++counts_.events;
    Subscription& subscription = subscriptions_[topic];
    if (!subscription.hears_others)
        fail(Rule::presence_true, "hears of others and has not asked for that");
    const std::uint32_t other = stage_.guest_of(visit_of(client), topic);
    const std::string fault = subscription.company.hear(guest(topic), other, is_join);
    if (!fault.empty()) fail(Rule::presence_true, fault);
}

/// The ids that the server draws here begin with the number of the visit.
std::uint32_t CentrifugeConversation::visit_of(const std::string& client) const {
    std::uint32_t visit = UINT32_MAX;
    constexpr int hexadecimal = 16;
    constexpr std::size_t digits = 8;
    if (client.size() == 36)
        std::from_chars(client.data(), client.data() + digits, visit, hexadecimal);
    if (visit >= stage_.hall.size() / stage_.scenario.shared_topics_count)
        fail(Rule::presence_true, "was told of a client that there is not: " + client);
    return visit;
}

}  // namespace ringcast::sim
