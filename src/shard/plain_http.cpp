// Plain HTTP: from a request that asks for no upgrade to its endpoint, the answer, and on to the
// next request of the connection (RFC 9112 section 9.3).

#include <algorithm>
#include <utility>

#include "base/bytes.hpp"
#include "shard/answers.hpp"
#include "shard/origin.hpp"
#include "shard/shard.hpp"

namespace ringcast::shard {

namespace {

bool allows(HttpMethods methods, http::Method method) noexcept {
    switch (method) {
        case http::Method::get:
        case http::Method::head: return includes(methods, HttpMethods::get_and_head);
        case http::Method::post: return includes(methods, HttpMethods::post);
        case http::Method::options: return includes(methods, HttpMethods::options);
        default: return false;
    }
}

/// RFC 9110 section 10.2.1.
std::string allow_field(HttpMethods methods) {
    std::string field = "Allow: ";
    if (includes(methods, HttpMethods::get_and_head)) field += "GET, HEAD, ";
    if (includes(methods, HttpMethods::post)) field += "POST, ";
    return field + "OPTIONS\r\n";
}

http::Response response_to(const http::BodyFailure& failure) noexcept {
    return {.status = code_of(failure.status), .body = to_string(failure.reason)};
}

constexpr http::BodyFailure no_memory{http::Status::service_unavailable,
                                      http::BodyReason::out_of_memory};

}  // namespace

/// Requests one after the other, as many as are one connection's share of a turn. An answer is
/// given before the next request is looked at, so they leave in order.
void Shard::feed_requests(Connection& connection, std::span<std::byte>& input) {
    const std::uint32_t share_end = connection.requests_count + settings_.http.requests_per_turn;
    while (!input.empty() && connection.phase == Phase::request && !connection.is_suspended() &&
           !connection.broken) {
        if (connection.requests_count >= share_end) {
            suspend(connection, Suspension::own_output);
            return attend(connection);
        }
        feed_request(connection, input);
        if (output_.bytes() >= settings_.early_flush_bytes) flush_early();
        if (connection.phase == Phase::request &&
            leaves_unread(connection, settings_.http.high_water_bytes()))
            suspend(connection, Suspension::own_output);
    }
}

void Shard::feed_request(Connection& connection, std::span<std::byte>& input) {
    if (std::holds_alternative<http::BodyParser>(connection.parser))
        return feed_body(connection, input);
    auto& parser = std::get<http::RequestParser>(connection.parser);
    const auto result = parser.next(input, request_, pool_, settings_.head);
    switch (result.found) {
        case http::RequestParser::Found::need_more: return;
        case http::RequestParser::Found::request:
            inputs_.remove(connection);
            if (connection.requests_count > 0) connection.opened_at = ring_.now();
            ++connection.requests_count;
            return on_request(connection, request_.request, input);
        case http::RequestParser::Found::failure:
            return refuse(connection,
                          {.status = code_of(result.status), .body = to_string(result.reason)});
    }
}

/// `input` is what has come behind the head.
void Shard::on_plain_request(Connection& connection, const Router::HttpMatch& match,
                             const http::Request& request, std::span<std::byte>& input) {
    const bool is_about_server = request.path == "*";  // RFC 9110 section 9.3.7.
    if (match.endpoint == nullptr && !is_about_server)
        return answer_unread(connection, request, nothing_here);
    if (match.endpoint != nullptr && match.endpoint->is_cross_origin())
        note_page(connection, request);
    const HttpMethods methods =
        is_about_server ? HttpMethods::get_and_head | HttpMethods::post : match.endpoint->methods();
    if (!allows(methods, request.method)) {
        const bool is_question = request.method == http::Method::options;
        const std::string allow = allow_field(methods);
        return answer_unread(connection, request,
                             {.status = code_of(is_question ? http::Status::no_content
                                                            : http::Status::method_not_allowed),
                              .fields = allow,
                              .body = is_question ? "" : "this path does not take that method\n"});
    }
    const http::BodyLimits limits = body_limits(*match.endpoint);
    if (const auto failure = http::check_body(request, limits))
        return answer(connection, closing_rules(request), response_to(*failure));
    if (!request.is_chunked && request.content_length <= input.size()) {
        const auto body = input.first(static_cast<std::size_t>(request.content_length));
        input = input.subspan(body.size());
        return call(connection, match, request, body);
    }
    auto body = http::BodyParser::begin(request, pool_, limits);
    if (!body) return answer(connection, closing_rules(request), response_to(no_memory));
    if (http::expects_continue(request) && input.empty())
        enqueue_raw(connection, as_bytes(http::continue_response));
    connection.parser = *std::move(body);  // From here on `request` may be gone.
    schedule_by(connection, ring_.now() + settings_.http.request_timeout);
}

/// More of a body.
void Shard::feed_body(Connection& connection, std::span<std::byte>& input) {
    const http::BodyLimits limits{.head_bytes_max = settings_.head.head_bytes_max,
                                  .pool_bytes_max = settings_.pool_bytes_max};
    auto& parser = std::get<http::BodyParser>(connection.parser);
    const http::BodyParser::Result result = parser.next(input, request_, pool_, limits);
    switch (result.found) {
        case http::BodyParser::Found::need_more: return;
        case http::BodyParser::Found::request: {
            const http::Request& request = request_.request;
            const Router::HttpMatch match = router_of(connection).match_http(request.path);
            inputs_.remove(connection);
            return call(connection, match, request, result.body);
        }
        case http::BodyParser::Found::failure:
            return answer(connection, closing_rules(connection), response_to(result.failure));
    }
}

http::BodyLimits Shard::body_limits(const HttpEndpoint& endpoint) const noexcept {
    return {.body_bytes_max = endpoint.body_bytes_max(),
            .head_bytes_max = settings_.head.head_bytes_max,
            .pool_bytes_max = settings_.pool_bytes_max};
}

http::ResponseRules Shard::closing_rules(const http::Request& request) noexcept {
    return {.is_to_head = request.method == http::Method::head,
            .takes_chunks = request.version_minor >= 1};
}

/// Of a request that may not have come as a whole.
http::ResponseRules Shard::closing_rules(const Connection& connection) noexcept {
    if (const auto* const head = std::get_if<http::RequestParser>(&connection.parser))
        return {.is_to_head = head->is_to_head()};
    if (const auto* const body = std::get_if<http::BodyParser>(&connection.parser))
        return {.is_to_head = body->is_to_head()};
    return {};
}

http::ResponseRules Shard::rules_for(const Connection& connection,
                                     const http::Request& request) const noexcept {
    http::ResponseRules rules = closing_rules(request);
    const bool is_last =
        is_ending(connection.access) || connection.requests_count >= settings_.http.requests_max;
    if (!is_last) rules.persistence = request.persistence();
    return rules;
}

/// The request is complete: ask the endpoint.
void Shard::call(Connection& connection, const Router::HttpMatch& match,
                 const http::Request& request, std::span<const std::byte> body) {
    const http::ResponseRules rules = rules_for(connection, request);
    HttpExchange exchange{*this, connection};
    HttpAnswer said = match.endpoint->on_request(exchange, request, match.parameters, body);
    switch (said.kind) {
        case HttpAnswer::Kind::whole: return answer_whole(connection, rules, said);
        case HttpAnswer::Kind::stream:
        case HttpAnswer::Kind::held:
            return begin_exchange(connection, *match.endpoint, rules, said);
        case HttpAnswer::Kind::session:
            return offer_session(connection, rules, std::move(*said.session));
    }
}

/// Charged to the memory for messages, or many clients that leave a page unread would take any
/// amount together; the few that come through an admin listener are told even then.
void Shard::answer_whole(Connection& connection, const http::ResponseRules& rules,
                         const HttpAnswer& said) {
    const bool has_memory = connection.access == Access::admin ||
                            pool_.bytes_in_use() + said.body.size() <= settings_.pool_bytes_max;
    if (has_memory) {
        answer(connection, rules,
               {.status = said.status,
                .fields = said.fields,
                .content_type = said.content_type,
                .body = said.body});
    } else {
        answer(connection, rules,
               {.status = code_of(http::Status::service_unavailable),
                .body = "no memory for more answers\n"});
    }
}

/// The answer to a request whose content, if it announces any, is not taken: then nobody can tell
/// where the next request would begin, and the connection closes.
void Shard::answer_unread(Connection& connection, const http::Request& request,
                          const http::Response& response) {
    const bool is_unread = request.has_body() || http::expects_continue(request);
    answer(connection, is_unread ? closing_rules(request) : rules_for(connection, request),
           response);
}

/// The body goes by itself: it may be large, and scratch_ keeps what it has grown to.
void Shard::answer(Connection& connection, const http::ResponseRules& rules,
                   const http::Response& response) {
    ++metrics_.http_requests;
    scratch_.clear();
    http::write_response_head(scratch_, completed(connection, response), rules);
    enqueue_raw(connection, as_bytes(scratch_));
    if (http::takes_content(response.status, rules) && !response.body.empty())
        enqueue_raw(connection, as_bytes(response.body));
    end_request(connection, rules.persistence);
}

/// Of which origin the page is that asks, if it may read the answer.
void Shard::note_page(Connection& connection, const http::Request& request) {
    if (request.field_count("Origin") == 0 ||
        !is_origin_allowed(request, settings_.allowed_origins))
        return;
    if (!connection.guest) connection.guest = std::make_unique<Guest>();
    connection.guest->cross_origin = cross_origin_fields(request);
}

/// With what goes with any answer to the request under way, whoever gives it. Valid until the next
/// second's.
http::Response Shard::completed(const Connection& connection,
                                const http::Response& response) noexcept {
    http::Response result = dated(response);
    if (connection.guest) result.cross_origin = connection.guest->cross_origin;
    return result;
}

/// Valid until the next second's.
http::Response Shard::dated(const http::Response& response) noexcept {
    http::Response result = response;
    if (settings_.wall_clock != nullptr) result.date = date_.at(settings_.wall_clock());
    return result;
}

/// The answer is on its way: on to the next request, or to the end.
void Shard::end_request(Connection& connection, http::Persistence persistence) {
    if (persistence == http::Persistence::close || is_ending(connection.access))
        return drain(connection);
    connection.parser.emplace<http::RequestParser>();  // Gives the request's memory back.
    connection.phase = Phase::request;
    connection.behind = false;
    if (connection.guest) connection.guest->cross_origin.clear();
    connection.opened_at = ring_.now();
    schedule_by(connection, request_deadline(connection));
    // What came meanwhile is looked at on its turn, not from within whoever has answered.
    if (connection.held_size > 0) suspend(connection, Suspension::own_output);
    if (connection.is_suspended()) attend(connection);
}

/// When the request under way has to have ended or made progress, or the next one to have begun.
Instant Shard::request_deadline(const Connection& connection) const noexcept {
    if (connection.requests_count == 0) return connection.opened_at + settings_.handshake_timeout;
    if (connection.is_unfinished() && !connection.is_suspended())
        return connection.unfinished_since() + settings_.http.request_timeout;
    return std::max(connection.opened_at, connection.active_at) + settings_.http.idle_timeout;
}

/// Lazy, as those of open sessions: mostly the timer comes before its time and is set anew.
void Shard::on_request_deadline(Connection& connection) {
    const Instant deadline = request_deadline(connection);
    if (ring_.now() < deadline) return timers_.schedule(connection, deadline);
    ++metrics_.timeouts;
    if (connection.is_suspended()) return terminate(connection);  // It does not read.
    if (connection.is_unfinished()) {
        return refuse(connection, {.status = code_of(http::Status::request_timeout),
                                   .body = "the request took too long\n"});
    }
    // A request that crosses this FIN may be sent again (RFC 9112 section 9.5); a reset might eat
    // the last answer.
    if (connection.requests_count > 0) return drain(connection);
    terminate(connection);
}

}  // namespace ringcast::shard
