#include "server/admin.hpp"

#include <memory>
#include <utility>

#include "api/posted_publication.hpp"
#include "api/topic_rules.hpp"
#include "server/prometheus.hpp"
#include "server/server_api.hpp"
#include "server/web_page.hpp"
#include "shard/shard.hpp"

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
        auto kind = api::posted_kind(request, body);
        if (!kind) return std::move(kind.error());
        const std::string& topic = parameters.front().value;
        const auto& namespaces = *exchange.shard().settings().topics.home.namespaces;
        const dialect::TopicNameFault fault = api::check_topic(namespaces, topic);
        if (fault != dialect::TopicNameFault::none)
            return plain(http::Status::bad_request, to_string(fault));
        return api::answer_of(publish_(exchange.shard(), topic, *kind, body));
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
