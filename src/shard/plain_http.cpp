// Plain HTTP: from a request that asks for no upgrade to its endpoint and the answer. One request
// per connection.

#include <utility>

#include "shard/shard.hpp"

namespace ringcast::shard {

namespace {

constexpr std::uint16_t code_of(http::Status status) noexcept {
    return static_cast<std::uint16_t>(status);
}

bool allows(HttpMethods methods, http::Method method) noexcept {
    switch (methods) {
        case HttpMethods::get_and_head:
            return method == http::Method::get || method == http::Method::head;
        case HttpMethods::post: return method == http::Method::post;
    }
    return false;
}

std::string_view allow_field(HttpMethods methods) noexcept {
    switch (methods) {
        case HttpMethods::get_and_head: return "Allow: GET, HEAD\r\n";
        case HttpMethods::post: return "Allow: POST\r\n";
    }
    return {};
}

http::Response response_to(const http::BodyFailure& failure) noexcept {
    return {.status = code_of(failure.status), .body = to_string(failure.reason)};
}

constexpr http::BodyFailure no_memory{http::Status::service_unavailable,
                                      http::BodyReason::out_of_memory};

}  // namespace

/// `input` is what has come behind the head.
void Shard::on_plain_request(Connection& connection, const Router::HttpMatch& match,
                             const http::Request& request, std::span<std::byte>& input) {
    const HttpEndpoint& endpoint = *match.endpoint;
    if (!allows(endpoint.methods(), request.method)) {
        return answer(connection, request.method,
                      {.status = code_of(http::Status::method_not_allowed),
                       .fields = allow_field(endpoint.methods()),
                       .body = "this path does not take that method\n"});
    }
    const http::BodyLimits limits = body_limits(endpoint);
    if (const auto failure = http::check_body(request, limits))
        return answer(connection, request.method, response_to(*failure));
    if (request.content_length <= input.size()) {
        const auto body = input.first(static_cast<std::size_t>(request.content_length));
        input = input.subspan(body.size());
        return call(connection, match, request, body);
    }
    auto body = http::BodyParser::begin(request, pool_, limits);
    if (!body) return answer(connection, request.method, response_to(no_memory));
    if (http::expects_continue(request))
        enqueue_raw(connection, std::as_bytes(std::span{http::continue_response}));
    connection.parser = *std::move(body);  // From here on `request` may be gone.
}

/// More of a body. The handshake timer, which runs since the accept, bounds how long it may take.
void Shard::feed_body(Connection& connection, std::span<std::byte>& input) {
    const http::BodyLimits limits{.pool_bytes_max = settings_.pool_bytes_max};
    auto& parser = std::get<http::BodyParser>(connection.parser);
    const http::BodyParser::Result result = parser.next(input, request_, pool_, limits);
    switch (result.found) {
        case http::BodyParser::Found::need_more: return;
        case http::BodyParser::Found::request: {
            const http::Request& request = request_.request;
            const Router::HttpMatch match = router_of(connection).match_http(request.path);
            return call(connection, match, request, result.body);
        }
        case http::BodyParser::Found::failure:
            return answer(connection, http::Method::post, response_to(no_memory));
    }
}

http::BodyLimits Shard::body_limits(const HttpEndpoint& endpoint) const noexcept {
    return {.body_bytes_max = endpoint.body_bytes_max(),
            .pool_bytes_max = settings_.pool_bytes_max};
}

/// The request is complete: ask the endpoint. What it says is charged to the memory for messages,
/// or many clients that leave a page unread would take any amount together; the few that come
/// through an admin listener are told even then.
void Shard::call(Connection& connection, const Router::HttpMatch& match,
                 const http::Request& request, std::span<const std::byte> body) {
    const HttpAnswer said = match.endpoint->on_request(*this, request, match.parameters, body);
    const bool has_room = connection.access == Access::admin ||
                          pool_.bytes_in_use() + said.body.size() <= settings_.pool_bytes_max;
    if (has_room) {
        answer(connection, request.method,
               {.status = said.status,
                .fields = said.fields,
                .content_type = said.content_type,
                .body = said.body});
    } else {
        answer(connection, request.method,
               {.status = code_of(http::Status::service_unavailable),
                .body = "no memory for more answers\n"});
    }
}

/// The answer to a plain request, after which nothing more is read. The body goes by itself: it may
/// be large, and scratch_ keeps what it has grown to.
void Shard::answer(Connection& connection, http::Method method, http::Response response) {
    ++metrics_.http_requests;
    response.body_policy = http::Response::Body::omit;
    scratch_.clear();
    http::write_response(scratch_, response);
    enqueue_raw(connection, std::as_bytes(std::span{scratch_}));
    const bool has_content = method != http::Method::head &&
                             response.status != code_of(http::Status::no_content) &&
                             !response.body.empty();
    if (has_content) enqueue_raw(connection, std::as_bytes(std::span{response.body}));
    connection.parser.emplace<http::RequestParser>();  // Gives the request's memory back.
    drain(connection);
}

}  // namespace ringcast::shard
