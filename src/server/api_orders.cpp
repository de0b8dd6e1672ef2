// What the server API does to sessions, on all shards, and to what topics keep.

#include <algorithm>
#include <limits>
#include <utility>

#include "api/centrifuge_publications.hpp"
#include "api/session_orders.hpp"
#include "api/topic_rules.hpp"
#include "auth/base64.hpp"
#include "base/assert.hpp"
#include "dialect/centrifuge/codes.hpp"
#include "server/api_call.hpp"
#include "server/process_figures.hpp"
#include "shard/shard.hpp"

namespace ringcast::server {

namespace {

namespace api = dialect::centrifuge::server_api;
using dialect::centrifuge::DisconnectCode;
using dialect::centrifuge::ErrorCode;

/// What a Close has room for (RFC 6455 section 5.5), beside its code.
constexpr std::size_t reason_bytes_max = 123;
/// Codes of applications' own, and of the protocol: the others are not theirs to give.
constexpr std::uint32_t code_min = 3000, code_max = 4999;

ringcast::api::SessionFilter filter_of(const auto& request) {
    return {.user = std::string{request.user},
            .client = std::string{request.client},
            .session = std::string{request.session},
            .whitelist = {}};
}

/// Sessions of nobody in particular are only found by their ids.
bool names_somebody(const auto& request) noexcept {
    return !request.user.empty() || !request.client.empty() || !request.session.empty();
}

std::int64_t unix_now(const shard::Shard& shard) noexcept {
    const auto clock = shard.settings().wall_clock;
    return clock != nullptr ? clock() : static_cast<std::int64_t>(unix_seconds());
}

}  // namespace

/// Has all shards do it.
bool ApiCall::order(shard::HttpExchange& exchange, const ringcast::api::SessionOrder& order) {
    const std::uint32_t shards = exchange.shard().topics().shards();
    for (std::uint32_t i = 0; i < shards; ++i) {
        exchange.shard().run_on(i, [order, back = shard::WayBack{exchange}](shard::Shard& there) {
            ringcast::api::carry_out(there, order,
                                     [back](shard::Shard& here) { send_back(back, here, Done{}); });
        });
    }
    return await(shards);
}

bool ApiCall::serve(shard::HttpExchange& exchange, const api::DisconnectRequest& request) {
    if (progress_.has_asked) return finish({api::DisconnectResult{}});
    constexpr DisconnectCode usual = DisconnectCode::force_disconnect;
    ringcast::api::DisconnectOrder how{.code = static_cast<CloseCode>(usual),
                                       .reason = std::string{reason_of(usual)}};
    if (request.has_disconnect) {
        how.code = static_cast<CloseCode>(request.disconnect.code);
        how.reason = request.disconnect.reason;
    }
    const bool is_code = !request.has_disconnect || (request.disconnect.code >= code_min &&
                                                     request.disconnect.code <= code_max);
    if (!names_somebody(request) || !is_code || how.reason.size() > reason_bytes_max)
        return refuse(ErrorCode::bad_request);
    ringcast::api::SessionOrder what{.whose = filter_of(request), .what = std::move(how)};
    what.whose.whitelist.assign(request.whitelist.begin(), request.whitelist.end());
    return order(exchange, what);
}

bool ApiCall::serve(shard::HttpExchange& exchange, const api::UnsubscribeRequest& request) {
    if (progress_.has_asked) return finish({api::UnsubscribeResult{}});
    if (!names_somebody(request)) return refuse(ErrorCode::bad_request);
    if (!request.channel.empty()) {
        if (const auto error = fault_of(exchange, request.channel)) return refuse(*error);
    }
    ringcast::api::UnsubscribeOrder how{.channel = std::string{request.channel}};
    return order(exchange, {.whose = filter_of(request), .what = std::move(how)});
}

bool ApiCall::serve(shard::HttpExchange& exchange, const api::SubscribeRequest& request) {
    if (progress_.has_asked) return finish({api::SubscribeResult{}});
    if (!names_somebody(request)) return refuse(ErrorCode::bad_request);
    if (const auto error = fault_of(exchange, request.channel)) return refuse(*error);
    const bool asks_for_more = request.expire_at != 0 || !request.info.bytes.empty() ||
                               !request.b64info.empty() || request.has_override;
    if (asks_for_more) return refuse(ErrorCode::not_available);
    ringcast::api::SubscribeOrder how{
        .channel = std::string{request.channel},
        .data = {.kind = request.data.kind, .bytes = std::string{request.data.bytes}},
        .since = {}};
    if (!request.b64data.empty()) {
        auto octets = auth::decode_base64(request.b64data, auth::Base64::standard);
        if (!octets) return refuse(ErrorCode::bad_request);
        how.data = {.kind = PublicationKind::binary, .bytes = *std::move(octets)};
    }
    if (request.has_recover_since) {
        how.since = hub::Position{.offset = request.recover_since.offset,
                                  .epoch = hub::Epoch::of(request.recover_since.epoch)};
    }
    return order(exchange, {.whose = filter_of(request), .what = std::move(how)});
}

bool ApiCall::serve(shard::HttpExchange& exchange, const api::RefreshRequest& request) {
    if (progress_.has_asked) return finish({api::RefreshResult{}});
    if (!names_somebody(request)) return refuse(ErrorCode::bad_request);
    if (!request.info.bytes.empty()) return refuse(ErrorCode::not_available);
    ringcast::api::RefreshOrder how{.is_expired = request.expired, .ttl = {}};
    if (request.expire_at > 0) {
        const std::int64_t left = request.expire_at - unix_now(exchange.shard());
        how.is_expired |= left <= 0;
        constexpr std::int64_t max = std::numeric_limits<std::int32_t>::max();
        how.ttl = static_cast<std::uint32_t>(std::clamp<std::int64_t>(left, 0, max));
    }
    return order(exchange, {.whose = filter_of(request), .what = how});
}

bool ApiCall::serve(shard::HttpExchange& exchange, const api::HistoryRemoveRequest& request) {
    if (progress_.has_asked) return finish({api::HistoryRemoveResult{}});
    if (const auto error = fault_of(exchange, request.channel)) return refuse(*error);
    shard::Shard& here = exchange.shard();
    here.run_on(here.home_of(request.channel),
                [back = shard::WayBack{exchange},
                 topic = std::string{request.channel}](shard::Shard& home) {
                    home.forget_history(topic);
                    send_back(back, home, Done{});
                });
    return await(1);
}

void ApiCall::take(Done) {
    count_answer();
}

}  // namespace ringcast::server
