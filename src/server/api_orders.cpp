// What the server API does to sessions, on all shards, and to what topics keep.

#include <algorithm>
#include <expected>
#include <limits>
#include <optional>
#include <utility>

#include "api/centrifuge_publications.hpp"
#include "api/session_orders.hpp"
#include "api/topic_rules.hpp"
#include "auth/base64.hpp"
#include "auth/claims.hpp"
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

/// Until that time, in seconds since 1970; 0 if it is over.
std::uint32_t seconds_until(const shard::HttpExchange& exchange, std::int64_t time) noexcept {
    const auto clock = exchange.shard().settings().wall_clock;
    const std::int64_t now = clock != nullptr ? clock() : static_cast<std::int64_t>(unix_seconds());
    constexpr std::int64_t max = std::numeric_limits<std::int32_t>::max();
    return static_cast<std::uint32_t>(std::clamp(time, now, now + max) - now);
}

/// As of a token: the one in base64 counts if there are both. No value: none at all, or null; the
/// error is that it is no base64, or too long.
std::expected<std::optional<auth::Payload>, ErrorCode> read_payload(
    const dialect::centrifuge::Payload& plain, std::string_view base64, std::size_t bytes_max) {
    std::optional<auth::Payload> payload;
    if (!base64.empty()) {
        auto octets = auth::decode_base64(base64, auth::Base64::standard);
        if (!octets) return std::unexpected{ErrorCode::bad_request};
        payload = {.kind = PublicationKind::binary, .bytes = *std::move(octets)};
    } else if (!plain.bytes.empty() && plain.bytes != "null") {
        payload = {.kind = plain.kind, .bytes = std::string{plain.bytes}};
    }
    if (payload && payload->bytes.size() > bytes_max)
        return std::unexpected{ErrorCode::bad_request};
    return payload;
}

auth::Overrides overrides_of(const api::SubscribeOverride& said) noexcept {
    const auto value_of = [](bool is_said, const api::BoolValue& value) {
        return is_said ? std::optional{value.value} : std::nullopt;
    };
    return {
        .presence = value_of(said.has_presence, said.presence),
        .join_leave = value_of(said.has_join_leave, said.join_leave),
        .force_push_join_leave =
            value_of(said.has_force_push_join_leave, said.force_push_join_leave),
        .force_positioning = value_of(said.has_force_positioning, said.force_positioning),
        .force_recovery = value_of(said.has_force_recovery, said.force_recovery),
    };
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
    auto info = read_payload(request.info, request.b64info, auth::info_bytes_max);
    auto data = read_payload(request.data, request.b64data, text_.size());
    if (!info || !data) return refuse(ErrorCode::bad_request);
    ringcast::api::SubscribeOrder how{
        .channel = std::string{request.channel},
        .options = {.info = *std::move(info), .data = *std::move(data), .overrides = {}},
        .ttl = {},
        .since = {}};
    if (request.has_override) how.options.overrides = overrides_of(request.override_);
    if (request.expire_at != 0) {
        how.ttl = seconds_until(exchange, request.expire_at);
        if (how.ttl == 0) return refuse(ErrorCode::expired);
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
    auto info = read_payload(request.info, {}, auth::info_bytes_max);
    if (!info) return refuse(ErrorCode::bad_request);
    ringcast::api::RefreshOrder how{
        .is_expired = request.expired, .ttl = {}, .info = *std::move(info)};
    if (request.expire_at > 0) {
        how.ttl = seconds_until(exchange, request.expire_at);
        how.is_expired |= how.ttl == 0;
    }
    return order(exchange, {.whose = filter_of(request), .what = std::move(how)});
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
