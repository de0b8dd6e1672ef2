#include "api/topic_streams.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "api/cross_origin.hpp"
#include "api/posted_publication.hpp"
#include "base/bytes.hpp"
#include "shard/session.hpp"
#include "ws/handshake.hpp"

namespace ringcast::api {

namespace {

using shard::HttpAnswer;

constexpr std::string_view methods_served = "GET, HEAD, POST, OPTIONS";

/// EventSource says so; a client that takes anything gets told of the WebSocket that is here.
bool wants_events(const http::Request& request) noexcept {
    return std::ranges::any_of(request.fields, [](const http::Field& field) {
        return http::equals_ignoring_case(field.name, "Accept") &&
               field.value.contains("text/event-stream");
    });
}

/// As an opening handshake without its fields is.
HttpAnswer no_handshake(const http::Request& request) {
    const auto handshake = ws::read_handshake(request);
    if (handshake) return short_answer(http::Status::bad_request, "");
    return {.status = code_of(handshake.error().status),
            .fields = std::string{ws::response_fields(handshake.error().reason)},
            .body = std::string{to_string(handshake.error().reason)}};
}

/// Of publications; `wait`: until one more is taken.
HttpAnswer too_many(Duration wait) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
    return short_answer(http::Status::too_many_requests, "too many publications\n",
                        "Retry-After: " + std::to_string(seconds) + "\r\n");
}

}  // namespace

/// A publication that cannot go at once.
struct TopicStreams::Posted {
    std::string payload;
    PublicationKind kind;
    shard::Verdict verdict;  ///< Pending, or what has come of it.
};

HttpAnswer TopicStreams::on_request(shard::HttpExchange& exchange, const http::Request& request,
                                    std::span<const shard::PathParameter> parameters,
                                    std::span<const std::byte> body) {
    const bool is_post = request.method == http::Method::post;
    const bool is_question = request.method == http::Method::options;
    if (!is_post && !is_question && !wants_events(request)) return no_handshake(request);
    if (!exchange.shard().admits_origin(request)) return origin_refusal();
    if (is_question) return preflight_answer(request, methods_served);
    shard::Session session = exchange.as_session();
    shard::Upgrade upgrade{.request = request, .parameters = parameters, .session = session};
    return is_post ? publish(exchange, upgrade, body) : stream(upgrade);
}

HttpAnswer TopicStreams::stream(shard::Upgrade& upgrade) {
    HttpAnswer answer{.kind = HttpAnswer::Kind::session};
    const std::string fields = "Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n";
    answer.session = std::make_unique<shard::SessionOffer>(
        shard::SessionOffer{topics_, topics_.on_event_stream(upgrade, fields)});
    return answer;
}

/// Whoever may publish through a session may do so, by the same rules.
HttpAnswer TopicStreams::publish(shard::HttpExchange& exchange, shard::Upgrade& upgrade,
                                 std::span<const std::byte> body) {
    if (!exchange.take_tokens(topics_.limits(), body.size()))
        return too_many(std::chrono::seconds{1});
    auto kind = posted_kind(upgrade.request, body);
    if (!kind) return std::move(kind.error());
    Posted posted{
        .payload = std::string{as_text(body)}, .kind = *kind, .verdict = topics_.on_post(upgrade)};
    HttpAnswer answer = publish(exchange, posted);
    if (answer.kind == HttpAnswer::Kind::held) {
        answer.state = {new Posted{std::move(posted)},
                        [](void* state) noexcept { delete static_cast<Posted*>(state); }};
    }
    return answer;
}

/// The answer; `held` if there is no verdict yet, or no room: then on_room() tries again.
HttpAnswer TopicStreams::publish(shard::HttpExchange& exchange, Posted& posted) {
    const shard::Verdict& verdict = posted.verdict;
    switch (verdict.kind) {
        case shard::Verdict::Kind::pending: return {.kind = HttpAnswer::Kind::held};
        case shard::Verdict::Kind::refuse: return answer_of(std::move(posted.verdict));
        case shard::Verdict::Kind::admit: break;
    }
    // Room comes first, or whoever goes before there is any would have spent a token on nothing.
    if (!exchange.shard().has_room_for(verdict.topic)) {
        exchange.await_room(verdict.topic);
        return {.kind = HttpAnswer::Kind::held};
    }
    if (const Duration wait = TopicEndpoint::take_publication(exchange, verdict); wait > Duration{})
        return too_many(wait);
    return answer_of(exchange.shard().publish(verdict.topic, posted.kind, as_bytes(posted.payload),
                                              as_bytes(TopicEndpoint::info_in(verdict))));
}

void TopicStreams::on_late_verdict(shard::HttpExchange& exchange, shard::Verdict verdict) {
    auto& posted = *static_cast<Posted*>(exchange.state());
    if (posted.verdict.kind != shard::Verdict::Kind::pending) return;  // Decided long ago.
    posted.verdict = topics_.on_late_verdict(std::move(verdict), std::move(posted.verdict));
    HttpAnswer answer = publish(exchange, posted);
    if (answer.kind != HttpAnswer::Kind::held) exchange.answer(std::move(answer));
}

void TopicStreams::on_room(shard::HttpExchange& exchange) {
    auto& posted = *static_cast<Posted*>(exchange.state());
    HttpAnswer answer = publish(exchange, posted);
    if (answer.kind != HttpAnswer::Kind::held) exchange.answer(std::move(answer));
}

}  // namespace ringcast::api
