#include "api/centrifuge_joining.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <utility>

#include "api/centrifuge_client.hpp"
#include "api/centrifuge_publications.hpp"
#include "api/centrifuge_rules.hpp"
#include "base/assert.hpp"
#include "shard/session.hpp"
#include "shard/shard.hpp"

namespace ringcast::api {

namespace centrifuge = dialect::centrifuge;

/// Subscribes to what the token names. No answer: that comes when all of it is live.
std::optional<CentrifugeEndpoint::Answer> CentrifugeEndpoint::join(
    shard::Session& session, Client& client, const centrifuge::ConnectRequest& request,
    std::vector<auth::Grant> grants, const TimeToLive& ttl) {
    if (grants.size() > policy_.subscriptions_max) return centrifuge::DisconnectCode::channel_limit;
    for (const auth::Grant& grant : grants) {
        if (const auto fault = fault_of(session, grant.channel)) return *fault;
        if (!may(session, client, grant.channel, TopicAction::subscribe))
            return centrifuge::ErrorCode::permission_denied;
    }
    // There may be thousands. Of two of one name the first counts.
    const std::map<std::string_view, centrifuge::SubscribeRequest> asked{request.subs.begin(),
                                                                         request.subs.end()};
    auto joining = std::make_unique<Joining>();
    joining->ttl = ttl;
    joining->missing_count = grants.size();
    for (auth::Grant& grant : grants) {
        const auto found = asked.find(grant.channel);
        const auto how = found != asked.end() ? found->second : centrifuge::SubscribeRequest{};
        switch (session.subscribe(grant.channel, start_of(session, grant.channel, how),
                                  identity_in(session, client, grant.channel, how.join_leave,
                                              client.admission_to(grant.channel)))) {
            case SubscribeStatus::accepted: break;
            case SubscribeStatus::limit: return centrifuge::DisconnectCode::channel_limit;
            case SubscribeStatus::already:
            case SubscribeStatus::invalid_topic: RC_ASSERT(false && "checked before");
            case SubscribeStatus::closed: return centrifuge::DisconnectCode::shutdown;
        }
        joining->channels.push_back(
            {.name = std::move(grant.channel),
             .data = std::move(grant.options.data).value_or(auth::Payload{}),
             .recovered_from = how.offset});
    }
    client.joining = std::move(joining);
    session.hold_publications();
    return std::nullopt;
}

void CentrifugeEndpoint::on_joined(shard::Session& session, Client& client,
                                   const shard::Subscribed& subscribed) {
    if (subscribed.outcome == shard::Subscribed::Outcome::refused)
        return end_joining(session, client, centrifuge::ErrorCode::internal);  // As temporary.
    if (subscribed.outcome == shard::Subscribed::Outcome::crowded)
        return end_joining(session, client, centrifuge::ErrorCode::limit_exceeded);
    Joining& joining = *client.joining;
    const auto channel =
        std::ranges::lower_bound(joining.channels, subscribed.topic, {}, &Joining::Channel::name);
    RC_ASSERT(channel != joining.channels.end() && channel->name == subscribed.topic);
    channel->was_recovering = subscribed.was_recovering;
    channel->position = subscribed.position;
    std::uint64_t bytes = 0;
    for (const shard::MissedPublication& each : subscribed.missed)
        bytes += each.payload().size() + each.info().size();
    // What all of them have missed has to fit one message.
    channel->recovered =
        subscribed.recovered && joining.missed_bytes + bytes <= limits().send_queue_bytes_max;
    if (channel->recovered) {
        joining.missed_bytes += bytes;
        channel->missed.assign(subscribed.missed.begin(), subscribed.missed.end());
        for (const shard::MissedPublication& each : channel->missed) each.block->acquire(1);
    }
    if (--joining.missing_count == 0) finish_joining(session, client);
}

void CentrifugeEndpoint::on_held(shard::Session& session, std::string_view message) {
    Client& client = client_of(session);
    RC_ASSERT(client.joining != nullptr);
    Joining& joining = *client.joining;
    joining.is_overrun |= joining.pushes.size() + message.size() > limits().send_queue_bytes_max;
    if (!joining.is_overrun) client.session.pass_on(message, joining.pushes);
}

/// All are live: the reply, and behind it what came meanwhile.
void CentrifugeEndpoint::finish_joining(shard::Session& session, Client& client) {
    if (client.joining->is_overrun)
        return end_joining(session, client, centrifuge::DisconnectCode::insufficient_state);
    const std::unique_ptr<Joining> joining = std::move(client.joining);
    std::deque<Publications> missed;
    std::vector<std::pair<std::string_view, centrifuge::SubscribeResult>> subs;
    for (const Joining::Channel& channel : joining->channels) {
        missed.emplace_back(channel.missed);
        centrifuge::SubscribeResult& result =
            subs.emplace_back(channel.name, centrifuge::SubscribeResult{}).second;
        set_position(result, channel.position);
        if (channel.recovered) result.offset = channel.recovered_from;
        result.was_recovering = channel.was_recovering;
        result.recovered = channel.recovered;
        result.publications = missed.back().all();
        result.data = {.bytes = channel.data.bytes, .kind = channel.data.kind};
    }
    centrifuge::ConnectResult result = connect_result(client, joining->ttl);
    result.subs = subs;
    session.release_publications();
    answer(session, client, result, joining->pushes);
    carry_out_postponed(session, joining->orders);
}

/// The client is told that there is no connection.
void CentrifugeEndpoint::end_joining(shard::Session& session, Client& client, const Answer& why) {
    const std::unique_ptr<Joining> joining = std::move(client.joining);
    for (const Joining::Channel& channel : joining->channels) session.unsubscribe(channel.name);
    session.release_publications();
    forget_user(session, client);
    answer(session, client, why);
    carry_out_postponed(session, joining->orders);
}

/// What the connection's token permitted, and nothing else permits, ends with it.
void CentrifugeEndpoint::end_revoked(shard::Session& session, Client& client) {
    std::vector<std::string> revoked;
    client.session.for_each_subscription(
        [&](std::string_view channel, centrifuge::SubscribedBy by) {
            const bool is_kept = by == centrifuge::SubscribedBy::host ||
                                 may(session, client, channel, TopicAction::subscribe);
            if (!is_kept) revoked.emplace_back(channel);
        });
    for (const std::string& channel : revoked) {
        client.session.unsubscribe(channel, centrifuge::UnsubscribeCode::state_invalidated, out_);
        session.unsubscribe(channel);
    }
}

}  // namespace ringcast::api
