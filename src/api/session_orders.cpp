#include "api/session_orders.hpp"

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include "api/centrifuge_client.hpp"
#include "api/centrifuge_endpoint.hpp"
#include "api/centrifuge_publications.hpp"
#include "api/centrifuge_rules.hpp"
#include "base/assert.hpp"
#include "shard/session.hpp"
#include "shard/shard.hpp"

namespace ringcast::api {

namespace centrifuge = dialect::centrifuge;

namespace {

/// What one order does in a turn: then others have theirs.
constexpr std::size_t sessions_per_turn = 256;

/// A session, as a key.
std::uint64_t key_of(SlotId id) noexcept {
    return std::uint64_t{id.slot} << 16 | id.generation;
}

/// Calls `visit(ApiEndpoint&)` for each of a shard.
template <class Visit>
void for_each_endpoint(const shard::Shard& shard, Visit&& visit) {
    shard.for_each_endpoint([&](shard::Endpoint& endpoint) {
        if (endpoint.class_tag() == &detail::type_tag<ApiEndpoint>)
            visit(static_cast<ApiEndpoint&>(endpoint));
    });
}

/// The one of that index; null behind the last.
ApiEndpoint* find_endpoint(const shard::Shard& shard, std::size_t index) {
    ApiEndpoint* found = nullptr;
    for_each_endpoint(shard, [&](ApiEndpoint& endpoint) {
        if (index-- == 0) found = &endpoint;
    });
    return found;
}

void carry_out_from(shard::Shard& shard, const SessionOrder& order, shard::Task done,
                    std::size_t index) {
    ApiEndpoint* const endpoint = find_endpoint(shard, index);
    if (endpoint == nullptr) return done(shard);
    endpoint->carry_out(shard, order, [order, done = std::move(done), index](shard::Shard& here) {
        carry_out_from(here, order, done, index + 1);
    });
}

}  // namespace

void carry_out(shard::Shard& shard, const SessionOrder& order, shard::Task done) {
    carry_out_from(shard, order, std::move(done), 0);
}

std::uint64_t user_count(const shard::Shard& shard) {
    std::uint64_t count = 0;
    for_each_endpoint(shard, [&](const ApiEndpoint& endpoint) { count += endpoint.user_count(); });
    return count;
}

void UserEndpoint::count_user(std::string_view user) {
    if (!user.empty()) ++users_[std::string{user}];
}

void UserEndpoint::discount_user(std::string_view user) {
    if (user.empty()) return;
    const auto found = users_.find(std::string{user});
    RC_ASSERT(found != users_.end());
    if (--found->second == 0) users_.erase(found);
}

void UserEndpoint::carry_out(shard::Shard& shard, const SessionOrder& order, shard::Task done) {
    const SessionFilter& whose = order.whose;
    const bool is_meant = std::holds_alternative<DisconnectOrder>(order.what) &&
                          users_.contains(whose.user) && whose.client.empty() &&
                          whose.session.empty();
    is_meant ? disconnect(shard, order, std::move(done), 0) : done(shard);
}

/// Those from that slot on: a part of them now, the rest in the next turns.
void UserEndpoint::disconnect(shard::Shard& shard, const SessionOrder& order, shard::Task done,
                              std::uint32_t next_slot) {
    const auto& how = std::get<DisconnectOrder>(order.what);
    const std::uint32_t end = std::min(shard.slots(), next_slot + slots_per_turn);
    for (; next_slot < end; ++next_slot) {
        auto session = shard.session_at(next_slot);
        if (session && &session->endpoint() == this && user_of(*session) == order.whose.user)
            session->close(how.code, how.reason);
    }
    if (end == shard.slots()) return done(shard);
    shard.run_on(shard.topics().shard(),
                 [this, order, done = std::move(done), end](shard::Shard& here) {
                     disconnect(here, order, done, end);
                 });
}

void CentrifugeEndpoint::note_user(const shard::Session& session, Client& client) {
    if (client.user.empty()) return;
    std::vector<SlotId>& sessions = users_[client.user];
    client.place = static_cast<std::uint32_t>(sessions.size());
    sessions.push_back(session.id());
}

/// The client is not connected, or no longer.
void CentrifugeEndpoint::forget_user(const shard::Session& session, Client& client) {
    if (std::exchange(client.id, {}).empty() || client.user.empty()) return;
    const auto user = users_.find(client.user);
    RC_ASSERT(user != users_.end());
    std::vector<SlotId>& sessions = user->second;
    RC_ASSERT(sessions[client.place] == session.id());
    sessions[client.place] = sessions.back();
    sessions.pop_back();
    if (sessions.empty()) {
        users_.erase(user);
    } else if (client.place < sessions.size()) {
        client_of(session.shard().find(sessions[client.place]).value()).place = client.place;
    }
}

void CentrifugeEndpoint::on_close(shard::Session& session, CloseCode, std::string_view) {
    Client& client = client_of(session);
    forget_user(session, client);
    if (works_.empty()) return;
    (void)stop_waiting(session, {});
    if (client.joining != nullptr) carry_out_postponed(session, client.joining->orders);
}

void CentrifugeEndpoint::carry_out(shard::Shard& shard, const SessionOrder& order,
                                   shard::Task done) {
    Work work{.order = order, .done = std::move(done)};
    if (order.whose.user.empty()) {
        work.slots_end = shard.slots();
    } else if (const auto user = users_.find(order.whose.user); user != users_.end()) {
        work.sessions = user->second;
    }
    works_.emplace(++last_work_, std::move(work));
    go_on(shard, last_work_);
}

/// A part of it; the rest in the next turns.
void CentrifugeEndpoint::go_on(shard::Shard& shard, std::uint64_t id) {
    Work& work = works_.at(id);
    const std::size_t end = std::min(work.next + sessions_per_turn, work.sessions.size());
    for (; work.next < end; ++work.next) {
        if (auto session = shard.find(work.sessions[work.next])) apply(*session, id);
    }
    const std::uint32_t slots_end = std::min(work.slots_end, work.next_slot + slots_per_turn);
    for (; work.next_slot < slots_end; ++work.next_slot) {
        auto session = shard.session_at(work.next_slot);
        if (session && &session->endpoint() == this) apply(*session, id);
    }
    if (work.next < work.sessions.size() || work.next_slot < work.slots_end) {
        return shard.run_on(shard.topics().shard(),
                            [this, id](shard::Shard& here) { go_on(here, id); });
    }
    work.is_begun = true;
    end_if_done(shard, id);
}

/// Whoever is told does not stand in the middle of a session's end.
void CentrifugeEndpoint::end_if_done(shard::Shard& shard, std::uint64_t id) {
    Work& work = works_.at(id);
    if (!work.is_begun || work.postponed_count > 0 || !work.waiting.empty()) return;
    shard.run_on(shard.topics().shard(), std::move(work.done));
    works_.erase(id);
}

void CentrifugeEndpoint::apply(shard::Session& session, std::uint64_t id) {
    Work& work = works_.at(id);
    Client& client = client_of(session);
    const SessionFilter& whose = work.order.whose;
    if (client.id.empty() || client.user != whose.user) return;
    if (!whose.client.empty() && client.id != whose.client) return;
    if (!whose.session.empty() && !are_equal(client.stream_id, whose.session)) return;
    if (std::ranges::find(whose.whitelist, client.id) != whose.whitelist.end()) return;
    if (const auto* const disconnect = std::get_if<DisconnectOrder>(&work.order.what)) {
        session.close(disconnect->code, disconnect->reason);
    } else if (client.joining != nullptr) {
        // There is nothing yet to refresh, or to end.
        client.joining->orders.push_back(id);
        ++work.postponed_count;
    } else if (const auto* const ending = std::get_if<UnsubscribeOrder>(&work.order.what)) {
        unsubscribe(session, client, ending->channel);
    } else if (const auto* const lasting = std::get_if<RefreshOrder>(&work.order.what)) {
        refresh(session, client, *lasting);
    } else if (impose(session, client, std::get<SubscribeOrder>(work.order.what))) {
        work.waiting.insert(key_of(session.id()));
    }
}

/// What has waited until the session is connected; where that has ended, it has waited for nothing.
void CentrifugeEndpoint::carry_out_postponed(const shard::Session& session,
                                             std::span<const std::uint64_t> orders) {
    for (const std::uint64_t id : orders) {
        if (auto open = session.shard().find(session.id())) apply(*open, id);
        --works_.at(id).postponed_count;
        end_if_done(session.shard(), id);
    }
}

void CentrifugeEndpoint::unsubscribe(shard::Session& session, Client& client,
                                     std::string_view channel) {
    std::vector<std::string> channels;
    client.session.for_each_subscription([&](std::string_view each, centrifuge::SubscribedBy) {
        if (channel.empty() || each == channel) channels.emplace_back(each);
    });
    for (const std::string& each : channels) {
        client.session.unsubscribe(each, centrifuge::UnsubscribeCode::server, out_);
        session.unsubscribe(each);
    }
    for (const std::string& each : stop_waiting(session, channel)) session.unsubscribe(each);
    flush(session, client);
}

void CentrifugeEndpoint::refresh(shard::Session& session, Client& client,
                                 const RefreshOrder& order) {
    if (order.info) {
        ClientInfo who = unpack_client(std::as_bytes(std::span{client.info}));
        const std::string info = packed(order.info);
        who.connection = info;
        client.info = pack(who);
    }
    if (order.is_expired) {
        client.session.close(centrifuge::DisconnectCode::expired, out_);
    } else {
        client.session.refresh(order.ttl.has_value(), order.ttl.value_or(0), session.shard().now(),
                               out_);
    }
    flush(session, client);
}

CentrifugeEndpoint::Admission CentrifugeEndpoint::admission_of(const SubscribeOrder& order) {
    return {.channel = order.channel,
            .info = packed(order.options.info),
            .overrides = order.options.overrides};
}

/// Of subscriptions, with those that are on their way, so that there is none left for another one:
/// `channel`.
bool CentrifugeEndpoint::is_full(const shard::Session& session, std::string_view channel) const {
    return session.subscription_count() >= policy_.subscriptions_max &&
           !session.is_subscribed(channel);
}

/// True if on_imposed() tells what came of it.
bool CentrifugeEndpoint::impose(shard::Session& session, Client& client,
                                const SubscribeOrder& order) {
    if (!client.session.is_connected() || client.session.is_subscribed(order.channel)) return false;
    centrifuge::SubscribeRequest how;
    if (order.since) {
        how.recover = true;
        how.offset = order.since->offset;
        how.epoch = order.since->epoch.text();
    }
    const Admission admission = admission_of(order);
    const SubscribeStatus status =
        is_full(session, order.channel)
            ? SubscribeStatus::limit
            : session.subscribe(order.channel, start_of(session, order.channel, how),
                                identity_in(session, client, order.channel, false, &admission));
    if (status == SubscribeStatus::limit) {
        client.session.close(centrifuge::DisconnectCode::channel_limit, out_);
        flush(session, client);
    }
    // `already`: on its way, because the client has asked for it or another order has.
    return status == SubscribeStatus::accepted;
}

/// The order that this session's subscription is on its way for; works_.end() if there is none.
CentrifugeEndpoint::Works::iterator CentrifugeEndpoint::find_work(const shard::Session& session,
                                                                  std::string_view channel) {
    return std::ranges::find_if(works_, [&](const auto& each) {
        const auto* const order = std::get_if<SubscribeOrder>(&each.second.order.what);
        return order != nullptr && (channel.empty() || order->channel == channel) &&
               each.second.waiting.contains(key_of(session.id()));
    });
}

/// For its subscription to `channel`, or to any if that is empty: those that are on their way.
std::vector<std::string> CentrifugeEndpoint::stop_waiting(const shard::Session& session,
                                                          std::string_view channel) {
    std::vector<std::string> channels;
    for (auto work = find_work(session, channel); work != works_.end();
         work = find_work(session, channel)) {
        channels.push_back(std::get<SubscribeOrder>(work->second.order.what).channel);
        work->second.waiting.erase(key_of(session.id()));
        end_if_done(session.shard(), work->first);
    }
    return channels;
}

/// False if it is none that was imposed.
bool CentrifugeEndpoint::on_imposed(shard::Session& session, Client& client,
                                    const shard::Subscribed& subscribed) {
    const auto work = find_work(session, subscribed.topic);
    if (work == works_.end()) return false;
    if (subscribed.outcome == shard::Subscribed::Outcome::live) {
        const auto& order = std::get<SubscribeOrder>(work->second.order.what);
        centrifuge::Subscribe what;
        set_position(what, subscribed.position);
        // The client counts on from it, with each publication.
        if (subscribed.recovered) what.offset = order.since->offset;
        if (const auto& data = order.options.data)
            what.data = {.bytes = data->bytes, .kind = data->kind};
        client.impose(admission_of(order));
        client.session.subscribe(subscribed.topic, what, order.ttl, session.shard().now(), out_);
        const Publications missed{subscribed.missed};
        for (const centrifuge::Publication& each : missed.all())
            client.session.push(subscribed.topic, each, out_);
        flush(session, client);
    }
    work->second.waiting.erase(key_of(session.id()));
    end_if_done(session.shard(), work->first);
    return true;
}

}  // namespace ringcast::api
