#include "server/admin.hpp"

#include <memory>
#include <optional>
#include <utility>

#include "api/topic_rules.hpp"
#include "dialect/json.hpp"
#include "http/characters.hpp"
#include "server/prometheus.hpp"
#include "server/server_api.hpp"
#include "server/web_page.hpp"
#include "shard/shard.hpp"
#include "simd/utf8.hpp"

namespace ringcast::server {

namespace {

using shard::HttpAnswer;
using shard::HttpEndpoint;
using shard::HttpMethods;

/// Of a moment: nobody may keep it.
constexpr std::string_view no_store = "Cache-Control: no-store\r\n";

HttpAnswer plain(http::Status status, std::string_view text) {
    return {.status = static_cast<std::uint16_t>(status),
            .fields = std::string{no_store},
            .body = std::string{text}};
}

/// A GET endpoint made of a function.
class Report final : public HttpEndpoint {
public:
    using Function = std::function<HttpAnswer(shard::Shard& shard)>;
    explicit Report(Function function)
        : HttpEndpoint{HttpMethods::get_and_head}, function_{std::move(function)} {}

    HttpAnswer on_request(shard::HttpExchange& exchange, const http::Request& request,
                          std::span<const shard::PathParameter>,
                          std::span<const std::byte>) override {
        if (is_web_page_by_name(request)) {
            return plain(http::Status::forbidden,
                         "a browser has to come by address or as localhost\n");
        }
        return function_(exchange.shard());
    }

private:
    Function function_;
};

HttpAnswer live(shard::Shard&) {
    return plain(http::Status::ok, "ok\n");
}

HttpAnswer ready(shard::Shard& shard) {
    return shard.is_stopping() ? plain(http::Status::service_unavailable, "draining\n")
                               : plain(http::Status::ok, "ready\n");
}

/// What a Content-Type makes of a payload; nothing if it is of no use here. Parameters are not
/// looked at: text has to be UTF-8 whatever they say.
std::optional<PublicationKind> kind_of(std::optional<std::string_view> content_type) noexcept {
    if (!content_type) return PublicationKind::text;
    const std::string_view type = http::trimmed(content_type->substr(0, content_type->find(';')));
    if (http::equals_ignoring_case(type, "application/json")) return PublicationKind::json;
    if (http::equals_ignoring_case(type, "application/octet-stream"))
        return PublicationKind::binary;
    // What curl -d says when it is told nothing.
    if (http::equals_ignoring_case(type, "application/x-www-form-urlencoded"))
        return PublicationKind::text;
    constexpr std::string_view text = "text/";
    if (type.size() > text.size() && http::equals_ignoring_case(type.substr(0, text.size()), text))
        return PublicationKind::text;
    return std::nullopt;
}

HttpAnswer answer_to(PublishStatus status) {
    switch (status) {
        case PublishStatus::accepted: return plain(http::Status::accepted, "accepted\n");
        case PublishStatus::full:
            return plain(http::Status::service_unavailable, "no room for it now, try again\n");
        case PublishStatus::invalid_topic:
            return plain(http::Status::bad_request, "no topic can have that name\n");
        case PublishStatus::too_large:
            return plain(http::Status::content_too_large, "too large for a publication\n");
        case PublishStatus::closed:
            return plain(http::Status::service_unavailable, "the server is stopping\n");
    }
    return plain(http::Status::internal_server_error, "internal error\n");
}

std::string_view as_text(std::span<const std::byte> bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class Publish final : public HttpEndpoint {
public:
    Publish(PublishFunction publish, std::uint64_t payload_bytes_max)
        : HttpEndpoint{HttpMethods::post, payload_bytes_max}, publish_{std::move(publish)} {}

    HttpAnswer on_request(shard::HttpExchange& exchange, const http::Request& request,
                          std::span<const shard::PathParameter> parameters,
                          std::span<const std::byte> body) override {
        // Local tools send no Origin; a page in a browser of this machine always does, whichever
        // site it is from, and has no business here.
        if (request.field_count("Origin") > 0 || is_web_page_by_name(request))
            return plain(http::Status::forbidden, "this is for tools, not for web pages\n");
        if (request.field_count("Content-Encoding") > 0) {
            return plain(http::Status::unsupported_media_type,
                         "send the body as it is, without Content-Encoding\n");
        }
        const auto kind = kind_of(request.field("Content-Type"));
        if (!kind || request.field_count("Content-Type") > 1) {
            return plain(
                http::Status::unsupported_media_type,
                "send one Content-Type: application/json, text/* or application/octet-stream\n");
        }
        if (kind != PublicationKind::binary && !simd::is_utf8(body))
            return plain(http::Status::bad_request, "the body is not UTF-8\n");
        if (kind == PublicationKind::json && !dialect::is_json(as_text(body)))
            return plain(http::Status::bad_request, "the body is not JSON\n");
        const std::string& topic = parameters.front().value;
        const auto& namespaces = *exchange.shard().settings().topics.home.namespaces;
        const dialect::TopicNameFault fault = api::check_topic(namespaces, topic);
        if (fault != dialect::TopicNameFault::none)
            return plain(http::Status::bad_request, to_string(fault));
        return answer_to(publish_(exchange.shard(), topic, *kind, body));
    }

private:
    PublishFunction publish_;
};

void mount(shard::Router& router, std::string_view path, std::unique_ptr<HttpEndpoint> endpoint) {
    router.mount(shard::PathPattern::parse(path).value(), std::move(endpoint));
}

}  // namespace

shard::Router make_admin_router(const AdminServices& services) {
    shard::Router router;
    mount(router, "/live", std::make_unique<Report>(live));
    mount(router, "/ready", std::make_unique<Report>(ready));
    mount(router, "/metrics", std::make_unique<Report>([text = services.metrics_text](auto&) {
              HttpAnswer answer = plain(http::Status::ok, text());
              answer.content_type = prometheus_content_type;
              return answer;
          }));
    mount(router, "/publish/{topic...}",
          std::make_unique<Publish>(services.publish, services.payload_bytes_max));
    if (services.api_keys != nullptr) {
        mount(router, "/api/{method}",
              std::make_unique<ServerApi>(*services.api_keys, *services.api_node));
    }
    return router;
}

}  // namespace ringcast::server
