// The admin router over a shard that is turned by hand.

#include "server/admin.hpp"

#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "shard/shard.hpp"
#include "support/fake_ring.hpp"
#include "support/ws_client.hpp"

using namespace ringcast;
using namespace ringcast::server;

namespace {

struct Published {
    std::string topic;
    PublicationKind kind;
    std::string payload;
};

class AdminKit {
public:
    AdminKit() {
        const auto publish = [this](shard::Shard&, std::string_view topic, PublicationKind kind,
                                    std::span<const std::byte> payload) {
            published.push_back(
                {std::string{topic}, kind,
                 std::string{reinterpret_cast<const char*>(payload.data()), payload.size()}});
            return status;
        };
        const int fds[] = {listener};
        shard.listen_admin(fds, make_admin_router({.metrics_text = [] { return "figures\n"; },
                                                   .publish = publish,
                                                   .payload_bytes_max = 100}));
        shard.turn();
    }
    ~AdminKit() {
        shard.begin_shutdown(CloseCode::going_away);
        shard.terminate_all();
        for (int turns = 0; turns < 10 && !shard.finished(); ++turns) shard.turn();
        CHECK(shard.finished());
    }

    test::ServerResponse ask(const std::string& request) {
        const int fd = ring.add_connection();
        ring.complete_accept(listener, fd);
        shard.turn();
        shard.turn();
        ring.deliver(fd, request);
        shard.turn();
        shard.turn();
        test::ServerReader reader;
        reader.feed(ring.socket(fd).output);
        const auto response = reader.next_response(request.starts_with("HEAD"));
        REQUIRE(response);
        ring.finish_recv(fd, 0);
        for (int i = 0; i < 3; ++i) shard.turn();
        return *response;
    }
    test::ServerResponse get(const std::string& path) {
        return ask("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    /// `type` may be empty: then there is no Content-Type.
    test::ServerResponse post(const std::string& path, const std::string& type,
                              const std::string& body, const std::string& lines = {}) {
        const std::string type_line = type.empty() ? "" : "Content-Type: " + type + "\r\n";
        return ask("POST " + path + " HTTP/1.1\r\nHost: a\r\n" + type_line + lines +
                   "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    }

    static constexpr int listener = 3;
    std::vector<Published> published;
    PublishStatus status = PublishStatus::accepted;
    test::FakeRing ring;
    shard::LogQueue log{0, shard::LogLevel::error};
    shard::Shard shard{ring, {}, {}, log};
};

}  // namespace

TEST_CASE("a shard that turns is live, and ready until it is stopped") {
    AdminKit kit;
    CHECK(kit.get("/live").status == 200);
    CHECK(kit.get("/live").body == "ok\n");
    CHECK(kit.get("/ready").status == 200);
    kit.shard.begin_shutdown(CloseCode::service_restart);
    CHECK(kit.get("/live").status == 200);
    CHECK(kit.get("/ready").status == 503);
    CHECK(kit.get("/ready").body == "draining\n");
    CHECK(kit.get("/ready").field("cache-control") == "no-store");
}

TEST_CASE("metrics come with the type that Prometheus asks for") {
    AdminKit kit;
    const auto response = kit.get("/metrics");
    CHECK(response.status == 200);
    CHECK(response.field("content-type") == "text/plain; version=0.0.4; charset=utf-8");
    CHECK(response.body == "figures\n");
    const auto head = kit.ask("HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(head.field("content-length") == "8");
}

TEST_CASE("the Content-Type decides what a publication is") {
    struct {
        const char* type;
        PublicationKind kind;
    } const cases[] = {
        {"", PublicationKind::text},
        {"text/plain", PublicationKind::text},
        {"Text/CSV; charset=utf-8", PublicationKind::text},
        {"application/x-www-form-urlencoded", PublicationKind::text},
        {"application/json", PublicationKind::json},
        {"application/JSON ;charset=utf-8", PublicationKind::json},
        {"application/octet-stream", PublicationKind::binary},
    };
    AdminKit kit;
    for (const auto& [type, kind] : cases) {
        CAPTURE(type);
        CHECK(kit.post("/publish/a", type, "{}").status == 202);
        REQUIRE(kit.published.size() == 1);
        CHECK(kit.published[0].kind == kind);
        kit.published.clear();
    }
    for (const char* const type : {"image/png", "application/xml", "text", "json"}) {
        CAPTURE(type);
        CHECK(kit.post("/publish/a", type, "{}").status == 415);
    }
    CHECK(kit.published.empty());
}

TEST_CASE("the rest of the path is the topic, decoded once") {
    AdminKit kit;
    CHECK(kit.post("/publish/stocks/%41CME%252F?ignored", "", "1").status == 202);
    REQUIRE(kit.published.size() == 1);
    CHECK(kit.published[0].topic == "stocks/ACME%2F");
    CHECK(kit.published[0].payload == "1");
    CHECK(kit.post("/publish/", "", "1").status == 404);
    CHECK(kit.post("/publish", "", "1").status == 404);
}

TEST_CASE("text and JSON must be UTF-8, binary may be anything") {
    AdminKit kit;
    CHECK(kit.post("/publish/a", "text/plain", "\xff").status == 400);
    CHECK(kit.post("/publish/a", "application/json", "\"\xff\"").status == 400);
    CHECK(kit.published.empty());
    CHECK(kit.post("/publish/a", "application/octet-stream", "\xff").status == 202);
    CHECK(kit.post("/publish/a", "text/plain", "\xc3\xa4").status == 202);
    CHECK(kit.post("/publish/a", "text/plain", "").status == 202);
}

TEST_CASE("what becomes of a publication is the status of the answer") {
    AdminKit kit;
    const std::pair<PublishStatus, int> cases[] = {{PublishStatus::accepted, 202},
                                                   {PublishStatus::invalid_topic, 400},
                                                   {PublishStatus::too_large, 413},
                                                   {PublishStatus::full, 503},
                                                   {PublishStatus::closed, 503}};
    for (const auto& [status, code] : cases) {
        kit.status = status;
        CHECK(kit.post("/publish/a", "", "x").status == code);
    }
}

TEST_CASE("what cannot be the name of a topic, or is not the JSON it is said to be, is refused") {
    AdminKit kit;
    for (const char* const topic : {"a:b", "$a", "%23a", "%01", "%ff"}) {
        CAPTURE(topic);
        CHECK(kit.post("/publish/" + std::string{topic}, "", "x").status == 400);
    }
    CHECK(kit.post("/publish/" + std::string(256, 'a'), "", "x").status == 400);
    for (const char* const body : {"", "{", "{} {}", "nonsense"}) {
        CAPTURE(body);
        CHECK(kit.post("/publish/a", "application/json", body).status == 400);
        CHECK(kit.post("/publish/b", "text/plain", body).status == 202);
    }
    for (const Published& published : kit.published) CHECK(published.topic == "b");
}

TEST_CASE("a publication has a limit, and does not come from a web page") {
    AdminKit kit;
    CHECK(kit.post("/publish/a", "", std::string(100, 'x')).status == 202);
    CHECK(kit.post("/publish/a", "", std::string(101, 'x')).status == 413);
    CHECK(kit.post("/publish/a", "", "x", "Origin: http://a\r\n").status == 403);
    CHECK(kit.post("/publish/a", "", "x", "Origin: null\r\n").status == 403);
    CHECK(kit.get("/publish/a").status == 405);
    CHECK(kit.published.size() == 1);
}

TEST_CASE("a browser reads by address or as localhost, and tools by any name") {
    AdminKit kit;
    const auto check = [&](const std::string& host, const std::string& line, int status) {
        CAPTURE(host);
        CAPTURE(line);
        for (const std::string path : {"/live", "/ready", "/metrics"}) {
            const std::string head = "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n";
            CHECK(kit.ask(head + line + "\r\n").status == status);
        }
    };
    const char* const own[] = {"localhost",   "LOCALHOST:9090", "localhost.",    "a.localhost:1",
                               "127.0.0.1",   "127.0.0.1:9090", "10.1.2.3",      "[::1]",
                               "[::1]:9090",  "2130706433",     "0x7f000001:90", "127.0.0.1.",
                               "192.0.2.1:1", "[2001:db8::1]",  "127.0.0.0x1:80"};
    const char* const foreign[] = {
        "evil.example", "evil.example:9090",  "EVIL.example.", "localhost.evil.org",
        "mylocalhost",  "127.0.0.1.evil.org", "ringcast"};
    const char* const browser[] = {"Origin: http://evil.example:9090\r\n",
                                   "Origin: null\r\n",
                                   "sec-fetch-site: same-origin\r\n",
                                   "Sec-Fetch-Mode: cors\r\n",
                                   "Accept-Language: en\r\n",
                                   "Accept-Language:\r\n"};
    // As Prometheus, curl and the probes of Kubernetes send them.
    const char* const tools[] = {
        "", "User-Agent: Prometheus/2.42.0\r\nAccept: text/plain;q=0.5\r\n",
        "Accept-Encoding: gzip\r\nX-Prometheus-Scrape-Timeout-Seconds: 10\r\n",
        "User-Agent: curl/7.88.1\r\nAccept: */*\r\n",
        "User-Agent: kube-probe/1.30\r\nConnection: close\r\n"};
    for (const char* const host : own) {
        for (const char* const line : browser) check(host, line, 200);
        for (const char* const line : tools) check(host, line, 200);
    }
    for (const char* const host : foreign) {
        for (const char* const line : browser) check(host, line, 403);
        for (const char* const line : tools) check(host, line, 200);
    }
}
