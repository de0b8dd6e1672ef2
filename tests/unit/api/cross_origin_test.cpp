// What a page of another origin may read of the answers to its plain requests, whoever gives them:
// endpoints, or their shard in their stead. Over shards that are turned by hand.

#include <chrono>
#include <doctest/doctest.h>
#include <string>
#include <string_view>

#include "api/centrifuge_streams.hpp"
#include "api/topic_endpoint.hpp"
#include "api/topic_streams.hpp"
#include "unit/api/centrifuge_kit.hpp"

using namespace ringcast;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view page_origin = "https://example.org";

shard::ShardsSetup open_to_pages(shard::ShardsSetup setup) {
    setup.settings.allowed_origins = {shard::OriginPattern::parse(page_origin).value()};
    setup.limits.message_bytes_max = 1000;
    setup.mount = [limits = setup.limits](shard::Router& router) {
        const auto mount = [&](const char* path, auto endpoint) {
            router.mount(shard::PathPattern::parse(path).value(), std::move(endpoint));
        };
        auto topics = std::make_unique<api::TopicEndpoint>(
            limits, TopicsPolicy{.anonymous = TopicAccess::publish});
        mount("/raw/{topic...}", std::make_unique<api::TopicStreams>(*topics));
        mount("/raw/{topic...}", std::move(topics));
        auto sessions = std::make_unique<api::CentrifugeEndpoint>(
            limits, CentrifugePolicy{.anonymous = TopicAccess::publish},
            [](std::span<std::byte>) {}, "", "");
        using Kind = api::CentrifugeStreams::Kind;
        mount("/streams/http_stream",
              std::make_unique<api::CentrifugeStreams>(*sessions, Kind::http_stream));
        mount("/streams/sse", std::make_unique<api::CentrifugeStreams>(*sessions, Kind::sse));
        mount("/streams/websocket", std::move(sessions));
        mount("/emulation",
              std::make_unique<api::CentrifugeEmulation>("", limits.message_bytes_max));
    };
    return setup;
}

/// Requests of three: a page that may connect, one that may not, and who is no page.
class PagesKit : public CentrifugeKit {
public:
    explicit PagesKit(shard::ShardsSetup setup = {})
        : CentrifugeKit{{}, open_to_pages(std::move(setup))} {}

    shard::ShardClient ask(const std::string& line, const std::string& rest,
                           std::string_view origin = page_origin) {
        const shard::ShardClient client = accept(0);
        const std::string field = origin.empty() ? "" : "Origin: " + std::string{origin} + "\r\n";
        send(client, line + " HTTP/1.1\r\nHost: a\r\n" + field + rest);
        settle();
        return client;
    }
    /// Whom the answer that has come names as its reader.
    std::string reader(shard::ShardClient client, int status) {
        CHECK(response(client) == status);
        const std::string named = last_response.field("access-control-allow-origin").value_or("");
        CHECK(last_response.field("access-control-allow-credentials").has_value() != named.empty());
        CHECK((last_response.field("vary") == "Origin") != named.empty());
        return named;
    }
    void check(const std::string& line, const std::string& rest, int status) {
        CAPTURE(line);
        CAPTURE(rest);
        CHECK(reader(ask(line, rest), status) == page_origin);
        CHECK(reader(ask(line, rest, ""), status) == "");
        const auto other = ask(line, rest, "https://evil.test");
        CHECK(response(other) >= 400);
        CHECK_FALSE(last_response.field("access-control-allow-origin").has_value());
    }
};

}  // namespace

TEST_CASE("a page may read what is wrong with its request, be it that nobody looks at it") {
    PagesKit kit;
    const std::string chunked = "Transfer-Encoding: chunked\r\n\r\n",
                      short_body = "Content-Length: 1\r\n\r\nx";
    for (const std::string line :
         {"POST /emulation", "POST /streams/http_stream", "POST /streams/sse", "POST /raw/a"}) {
        kit.check(line, "Content-Length: 1001\r\n\r\n", 413);
        kit.check(line, chunked + "400\r\n" + std::string(1001, 'x'), 413);
        kit.check(line, chunked + "?\r\n", 400);
        kit.check(line, "\r\n", 411);
        kit.check(line, "Expect: x\r\n" + short_body, 417);
    }
    kit.check("GET /emulation", "\r\n", 405);
    kit.check("PUT /raw/a", short_body, 405);
    kit.check("POST /emulation", short_body, 400);
    kit.check("POST /emulation", "Content-Length: 2\r\n\r\n{}", 404);
    kit.check("GET /streams/sse", "\r\n", 400);
    kit.check("GET /raw/a", "\r\n", 426);
    kit.check("GET /raw/a?epoch=x", "Accept: text/event-stream\r\n\r\n", 400);
    kit.check("POST /raw/a", "Content-Type: image/png\r\n" + short_body, 415);
}

TEST_CASE("a page may read that its request, or the answer, took too long") {
    PagesKit kit{{.mesh_bytes = 64 << 10}};
    const auto slow = kit.ask("POST /emulation", "Content-Length: 2\r\n\r\n{");
    kit.pass(11s);
    CHECK(kit.reader(slow, 408) == page_origin);
    const std::string topic = kit.topic_of(1);
    kit.freeze(1);
    for (const std::size_t size : {1000U, 0U}) {
        const std::string payload(size, 'x');
        while (kit.shard(0).publish(topic, PublicationKind::text, as_bytes(payload)) ==
               PublishStatus::accepted) {
        }
    }
    const auto held = kit.ask("POST /raw/" + topic, "Content-Length: 1\r\n\r\nx");
    const auto pending = kit.ask("GET /raw/" + topic, "Accept: text/event-stream\r\n\r\n");
    kit.pass(61s);
    CHECK(kit.reader(held, 503) == page_origin);
    CHECK(kit.reader(pending, 503) == page_origin);
    const auto late = kit.ask("POST /raw/" + topic, "Content-Length: 1\r\n\r\nx");
    kit.shard(0).begin_shutdown(CloseCode::going_away);
    kit.settle();
    CHECK(kit.reader(late, 503) == page_origin);
}

TEST_CASE("a page may read that there is no memory for what it sends") {
    shard::ShardsSetup setup;
    setup.settings.pool_bytes_max = 0;
    PagesKit kit{std::move(setup)};
    kit.check("POST /emulation", "Content-Length: 2\r\n\r\n{", 503);
    kit.check("POST /emulation", "Content-Length: 2\r\n\r\n{}", 503);
}

TEST_CASE("what one request of a connection says of its page says nothing of the next one's") {
    PagesKit kit;
    const auto client = kit.ask("POST /emulation", "Content-Length: 2\r\n\r\n{}");
    CHECK(kit.reader(client, 404) == page_origin);
    kit.send(client, "POST /emulation HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}");
    kit.settle();
    CHECK(kit.reader(client, 404) == "");
    kit.send(client, "?\r\n\r\n");
    kit.settle();
    CHECK(kit.reader(client, 400) == "");
}
