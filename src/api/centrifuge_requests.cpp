// What clients of the Centrifuge protocol ask for, and whether they may: connections,
// subscriptions, publications, histories, and the tokens that permit them.

#include <algorithm>
#include <chrono>
#include <expected>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "api/centrifuge_client.hpp"
#include "api/centrifuge_endpoint.hpp"
#include "api/centrifuge_rules.hpp"
#include "api/publication_rates.hpp"
#include "auth/reason.hpp"
#include "base/bytes.hpp"
#include "base/client_info.hpp"
#include "base/publication_info.hpp"
#include "shard/session.hpp"
#include "shard/shard.hpp"

namespace ringcast::api {

namespace centrifuge = dialect::centrifuge;

namespace {

/// What the check of a token takes, in short messages: a signature over an elliptic curve costs 50
/// to 100 us. So a client has a dozen of them checked in a turn.
constexpr std::uint32_t verification_work = 64;

/// 122 random bits as a UUID of version 4 (RFC 9562 section 5.4).
ClientId draw_client_id(const EntropySource& entropy) {
    ClientId id;
    entropy(id);
    id[6] = (id[6] & std::byte{0x0f}) | std::byte{0x40};
    id[8] = (id[8] & std::byte{0x3f}) | std::byte{0x80};
    return id;
}

const hub::TopicNamespaces& namespaces_of(const shard::Session& session) noexcept {
    return *session.shard().settings().topics.home.namespaces;
}

bool is_kept(const shard::Session& session, std::string_view channel) noexcept {
    return session.shard().settings().topics.home.stream_of(channel).count_max > 0;
}

TimeToLive ttl_of(const shard::Tokens& tokens, std::optional<std::chrono::sys_seconds> expires_at,
                  Instant now) {
    if (!expires_at) return {};
    const auto left =
        std::chrono::ceil<std::chrono::seconds>(tokens.end_of(*expires_at, now) - now);
    return {.expires = true,
            .seconds = static_cast<std::uint32_t>(std::max<std::int64_t>(left.count(), 1))};
}

/// What a client is told of its connection's token.
centrifuge::SessionAnswer answer_of(auth::Reason reason) {
    if (answer_to(reason) == auth::Answer::token_expired)
        return centrifuge::ErrorCode::token_expired;
    return centrifuge::DisconnectCode::invalid_token;
}

/// And of one for a subscription, which it may do without.
centrifuge::ErrorCode error_of(auth::Reason reason) {
    return answer_to(reason) == auth::Answer::token_expired
               ? centrifuge::ErrorCode::token_expired
               : centrifuge::ErrorCode::permission_denied;
}

}  // namespace

std::optional<centrifuge::ErrorCode> CentrifugeEndpoint::fault_of(const shard::Session& session,
                                                                  std::string_view channel) {
    return channel_fault(namespaces_of(session), channel);
}

/// Where a subscription begins: with its position, where there is one.
shard::SubscribeFrom CentrifugeEndpoint::start_of(const shard::Session& session,
                                                  std::string_view channel,
                                                  const centrifuge::SubscribeRequest& request) {
    if (!is_kept(session, channel)) return {};
    if (!request.recover) return shard::SubscribeFrom::position();
    return {.kind = shard::SubscribeFrom::Kind::since,
            .since = {.offset = request.offset, .epoch = hub::Epoch::of(request.epoch)}};
}

bool CentrifugeEndpoint::may(const shard::Session& session, const Client& client,
                             std::string_view channel, TopicAction action) const {
    const Instant now = session.shard().now();
    const auto names_it = [&](const Admission& each) {
        return each.channel == channel && now < each.until;
    };
    const bool has_token =
        client.grant_of(channel) != nullptr || std::ranges::any_of(client.admitted, names_it);
    const Identity who{.user = client.user, .has_token = has_token};
    const TopicAccess everybody = general_access(policy_.anonymous, policy_.users, who);
    return decide(namespaces_of(session), everybody, channel, who, action) == Denial::none;
}

centrifuge::ConnectResult CentrifugeEndpoint::connect_result(const Client& client,
                                                             const TimeToLive& ttl) const {
    centrifuge::ConnectResult result;
    result.client = client.id;
    result.version = version_;
    result.expires = ttl.expires;
    result.ttl = ttl.seconds;
    if (client.is_emulated()) {
        result.session = client.stream_id;
        result.node = node_;
    }
    return result;
}

/// What a connection's token names.
std::vector<CentrifugeEndpoint::Admission> CentrifugeEndpoint::admissions_of(
    std::span<const auth::Grant> grants) {
    std::vector<Admission> admissions;
    for (const auth::Grant& grant : grants) {
        admissions.push_back({.channel = grant.channel,
                              .info = packed(grant.options.info),
                              .overrides = grant.options.overrides});
    }
    return admissions;
}

std::optional<CentrifugeEndpoint::Answer> CentrifugeEndpoint::connect(
    shard::Session& session, Client& client, const centrifuge::ConnectRequest& request) {
    TimeToLive ttl;
    const std::unique_ptr<ShownToken> shown = std::move(client.shown);
    std::optional<auth::ConnectionClaims> claims;
    if (!request.token.empty()) {
        shard::Tokens* const tokens = session.shard().tokens();
        if (tokens == nullptr) return centrifuge::DisconnectCode::invalid_token;
        session.count_work(verification_work);
        auto verified = tokens->verify_connection(request.token);
        if (!verified) return answer_of(verified.error());
        ttl = ttl_of(*tokens, verified->expires_at, session.shard().now());
        claims = *std::move(verified);
    } else if (shown != nullptr) {
        // The client may have no way to renew it but to come back: it is not told that it expires.
        client.session.end_at(shown->ends_at);
        claims = std::move(shown->claims);
    } else if (policy_.anonymous == TopicAccess::none && !namespaces_of(session).has_open()) {
        return centrifuge::DisconnectCode::permission_denied;
    }
    std::string info;
    std::vector<auth::Grant> grants;
    if (claims) {
        client.user = std::move(claims->user);
        info = packed(claims->info);
        grants = std::move(claims->grants);
        client.granted = admissions_of(grants);
    }
    const ClientId id = draw_client_id(entropy_);
    const auto text = text_of(id);
    client.id.assign(text.data(), text.size());
    client.info =
        pack(ClientInfo{.id = id, .user = client.user, .connection = info, .channel = {}});
    if (client.is_emulated()) {
        client.stream_id = draw_stream_id(
            {.shard = session.shard().topics().shard(), .session = session.id()}, entropy_);
    }
    note_user(session, client);
    if (grants.empty()) return connect_result(client, ttl);
    auto refusal = join(session, client, request, std::move(grants), ttl);
    if (refusal) forget_user(session, client);
    return refusal;
}

/// With another token of the same user, which takes the place of the one before.
CentrifugeEndpoint::Answer CentrifugeEndpoint::refresh(shard::Session& session, Client& client,
                                                       const centrifuge::RefreshRequest& request) {
    shard::Tokens* const tokens = session.shard().tokens();
    if (tokens == nullptr) return centrifuge::DisconnectCode::invalid_token;
    session.count_work(verification_work);
    auto claims = tokens->verify_connection(request.token);
    if (!claims) return answer_of(claims.error());
    if (claims->user != client.user) return centrifuge::DisconnectCode::invalid_token;
    if (claims->grants.size() > policy_.subscriptions_max)
        return centrifuge::DisconnectCode::channel_limit;
    client.granted = admissions_of(claims->grants);
    end_revoked(session, client);
    const TimeToLive ttl = ttl_of(*tokens, claims->expires_at, session.shard().now());
    centrifuge::RefreshResult result;
    result.client = client.id;
    result.version = version_;
    result.expires = ttl.expires;
    result.ttl = ttl.seconds;
    return result;
}

CentrifugeEndpoint::Answer CentrifugeEndpoint::refresh(
    shard::Session& session, Client& client, const centrifuge::SubRefreshRequest& request) {
    const auto ttl = admit(session, client, request.channel, request.token);
    if (!ttl) return ttl.error();
    centrifuge::SubRefreshResult result;
    result.expires = ttl->expires;
    result.ttl = ttl->seconds;
    return result;
}

/// What a token that a client brings for one topic is good for.
std::expected<TimeToLive, centrifuge::ErrorCode> CentrifugeEndpoint::admit(shard::Session& session,
                                                                           Client& client,
                                                                           std::string_view channel,
                                                                           std::string_view token) {
    shard::Tokens* const tokens = session.shard().tokens();
    if (tokens == nullptr) return std::unexpected{centrifuge::ErrorCode::permission_denied};
    session.count_work(verification_work);
    const auto claims = tokens->verify_subscription(
        token, {.user = client.user, .channel = channel, .client = client.id});
    if (!claims) return std::unexpected{error_of(claims.error())};
    const Instant now = session.shard().now();
    std::erase_if(client.admitted,
                  [&](const auto& each) { return each.channel == channel || now >= each.until; });
    client.admitted.push_back(
        {.channel = std::string{channel},
         .until = claims->expires_at ? tokens->end_of(*claims->expires_at, now) : instant_never,
         .info = packed(claims->options.info),
         .overrides = claims->options.overrides});
    return ttl_of(*tokens, claims->expires_at, now);
}

/// No answer while the server stops: its end comes behind what was published before.
std::optional<CentrifugeEndpoint::Answer> CentrifugeEndpoint::subscribe(
    shard::Session& session, Client& client, const centrifuge::SubscribeRequest& request) {
    if (const auto fault = fault_of(session, request.channel)) return *fault;
    client.subscription_ttl = {};
    if (!request.token.empty()) {
        const auto ttl = admit(session, client, request.channel, request.token);
        if (!ttl) return ttl.error();
        client.subscription_ttl = *ttl;
    }
    if (!may(session, client, request.channel, TopicAction::subscribe))
        return centrifuge::ErrorCode::permission_denied;
    if (is_full(session, request.channel)) return centrifuge::ErrorCode::limit_exceeded;
    client.recovered_from = request.offset;
    client.rejects_unrecovered =
        (request.flag & centrifuge::subscribe_flag::reject_unrecovered) != 0;
    shard::SubscribeAs as = identity_in(session, client, request.channel, request.join_leave,
                                        client.admission_to(request.channel));
    as.takes_deltas = client.takes_deltas =
        request.delta == centrifuge::fossil_delta_name &&
        session.shard().settings().topics.home.delta_of(request.channel) == TopicDelta::fossil;
    switch (session.subscribe(request.channel, start_of(session, request.channel, request), as)) {
        case SubscribeStatus::accepted: return std::nullopt;
        case SubscribeStatus::already: return centrifuge::ErrorCode::already_subscribed;
        case SubscribeStatus::limit: return centrifuge::ErrorCode::limit_exceeded;
        case SubscribeStatus::invalid_topic: return centrifuge::ErrorCode::bad_request;
        case SubscribeStatus::closed: break;
    }
    return std::nullopt;
}

/// As subscribe().
std::optional<CentrifugeEndpoint::Answer> CentrifugeEndpoint::publish(
    shard::Session& session, const Client& client, const centrifuge::PublishRequest& request) {
    if (const auto fault = fault_of(session, request.channel)) return *fault;
    if (!may(session, client, request.channel, TopicAction::publish))
        return centrifuge::ErrorCode::permission_denied;
    if (const TokenRate* const rate = rate_of(session.shard(), request.channel)) {
        // Or a token would be spent on nothing.
        if (!session.has_room_for(request.channel)) return centrifuge::ErrorCode::too_many_requests;
        const std::uint64_t publisher = client.user.empty()
                                            ? publisher_of(session)
                                            : publisher_of(session.shard(), client.user);
        using Excess = shard::ClientLimits::Excess;
        if (!session.shard()
                 .take_publication(publisher, request.channel, *rate, Excess::refused)
                 .is_given)
            return centrifuge::ErrorCode::too_many_requests;
    }
    const std::string_view data = request.data.bytes;
    switch (session.publish(request.channel, centrifuge::kind_received(client.format, data),
                            as_bytes(data),
                            as_bytes(publication_info_in(client, request.channel)))) {
        case PublishStatus::accepted: return centrifuge::PublishResult{};
        case PublishStatus::full: return centrifuge::ErrorCode::too_many_requests;
        case PublishStatus::invalid_topic:
        case PublishStatus::too_large: return centrifuge::ErrorCode::bad_request;
        case PublishStatus::closed: break;
    }
    return std::nullopt;
}

/// What goes with a client's publications. What is said of it in a topic counts while it is
/// subscribed to that.
std::string_view CentrifugeEndpoint::publication_info_in(const Client& client,
                                                         std::string_view channel) {
    info_.assign(untagged).append(client.info);
    if (!client.session.is_subscribed(channel)) return info_;
    const Admission* const admission = client.admission_to(channel);
    return admission == nullptr ? info_ : info_.append(admission->info);
}

shard::SubscribeAs CentrifugeEndpoint::identity_in(const shard::Session& session,
                                                   const Client& client, std::string_view channel,
                                                   bool asks, const Admission* admission) {
    hub::PresencePolicy policy = session.shard().settings().topics.home.presence_of(channel);
    info_ = client.info;
    if (admission != nullptr) {
        const auth::Overrides& overrides = admission->overrides;
        policy.is_kept = overrides.presence.value_or(policy.is_kept);
        policy.is_announced = overrides.join_leave.value_or(policy.is_announced);
        policy.is_forced = overrides.force_push_join_leave.value_or(policy.is_forced);
        info_ += admission->info;
    }
    shard::SubscribeAs as{
        .seen = {.is_listed = policy.is_kept, .is_announced = policy.is_announced},
        .hears_others = policy.is_forced || asks};
    if (policy.is_kept || policy.is_announced) as.info = info_;
    return as;
}

std::optional<CentrifugeEndpoint::Answer> CentrifugeEndpoint::presence(
    shard::Session& session, const Client& client, std::string_view channel,
    shard::PresenceQuery query) const {
    if (const auto fault = fault_of(session, channel)) return *fault;
    if (!session.shard().settings().topics.home.presence_of(channel).is_kept)
        return centrifuge::ErrorCode::not_available;
    if (!client.session.is_subscribed(channel)) return centrifuge::ErrorCode::permission_denied;
    if (session.presence(channel, query, static_cast<std::uint64_t>(query))) return std::nullopt;
    return centrifuge::ErrorCode::too_many_requests;
}

std::optional<CentrifugeEndpoint::Answer> CentrifugeEndpoint::history(
    shard::Session& session, const Client& client,
    const centrifuge::HistoryRequest& request) const {
    if (const auto fault = fault_of(session, request.channel)) return *fault;
    if (!is_kept(session, request.channel)) return centrifuge::ErrorCode::not_available;
    if (!client.session.is_subscribed(request.channel))
        return centrifuge::ErrorCode::permission_denied;
    if (session.history(request.channel, history_query_of(request))) return std::nullopt;
    return centrifuge::ErrorCode::too_many_requests;
}

}  // namespace ringcast::api
