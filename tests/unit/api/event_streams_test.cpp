// Topics over plain HTTP: streams of events, and publications that are posted.

#include <doctest/doctest.h>
#include <string>
#include <thread>

#include "support/stream_client.hpp"
#include "unit/api/server_kit.hpp"
#include "unit/api/undecided.hpp"

using namespace ringcast;
using test::ask_once;
using test::StreamClient;

namespace {

constexpr std::string_view events = "Accept: text/event-stream\r\n";

Settings remembering(Io io) {
    Settings settings = quiet(io, 2);
    settings.history_size = 10;
    return settings;
}

/// A client of that target whose answer has begun.
StreamClient listening(const std::string& url, const std::string& target,
                       const std::string& fields = {}) {
    StreamClient client{url};
    const auto response =
        client.request({.target = target, .fields = std::string{events} + fields});
    REQUIRE(response.status == 200);
    CHECK(response.field("content-type") == "text/event-stream; charset=utf-8");
    CHECK(response.field("cache-control") == "no-store");
    return client;
}

int post(const std::string& url, const std::string& body, const std::string& fields = {},
         const std::string& target = "/topics/a") {
    return ask_once(url, {.method = "POST", .target = target, .fields = fields, .body = body})
        .status;
}

std::string json_type = "Content-Type: application/json\r\n";
std::string octets_type = "Content-Type: application/octet-stream\r\n";

/// Of the first event of a stream.
std::string epoch_of(const std::string& event) {
    REQUIRE(event.starts_with("id: "));
    return event.substr(4, 8);
}

}  // namespace

TEST_CASE("a stream of events is resumed behind the last one that its client has seen") {
    on_each_io([](Io io) {
        Server server{remembering(io)};
        server.mount_topics("/topics", {.anonymous = TopicAccess::publish});
        const std::string url = started(server);
        StreamClient client = listening(url, "/topics/a");
        const std::string first = client.event();
        const std::string epoch = epoch_of(first);
        CHECK(first == "id: " + epoch + ":0\nevent: position\ndata: {\"epoch\":\"" + epoch +
                           "\",\"offset\":0}\n\n");
        CHECK(post(url, R"({"n":1})", json_type) == 202);
        CHECK(client.event() == "id: " + epoch + ":1\ndata: {\"n\":1}\n\n");
        SocketClient socket{url};
        socket.open({.target = "/topics/a"});
        socket.send(test::text_frame("two\nlines"));
        CHECK(client.event() == "id: " + epoch + ":2\ndata: two\ndata: lines\n\n");
        CHECK(post(url, std::string("\0\xff", 2), octets_type) == 202);
        CHECK(client.event() == "id: " + epoch + ":3\nevent: binary\ndata: AP8=\n\n");
        CHECK(socket.message() == "two\nlines");
        CHECK(socket.message(test::opcode_binary) == std::string("\0\xff", 2));

        const auto position = [&](int offset, const char* rest) {
            return "id: " + epoch + ":" + std::to_string(offset) +
                   "\nevent: position\ndata: {\"epoch\":\"" + epoch +
                   "\",\"offset\":" + std::to_string(offset) + rest + "}\n\n";
        };
        StreamClient back =
            listening(url, "/topics/a?last=1", "Last-Event-ID: " + epoch + ":1\r\n");
        CHECK(back.event() == position(1, ",\"recovered\":true"));
        CHECK(back.event() == "id: " + epoch + ":2\ndata: two\ndata: lines\n\n");
        CHECK(back.event() == "id: " + epoch + ":3\nevent: binary\ndata: AP8=\n\n");
        for (const std::string id : {"12345678:1", "nonsense", "12345678:999"}) {
            StreamClient lost = listening(url, "/topics/a", "Last-Event-ID: " + id + "\r\n");
            CHECK(lost.event() == position(3, ",\"recovered\":false"));
        }
        StreamClient since = listening(url, "/topics/a?offset=2&epoch=" + epoch);
        CHECK(since.event() == position(2, ",\"recovered\":true"));
        CHECK(since.event() == "id: " + epoch + ":3\nevent: binary\ndata: AP8=\n\n");
        StreamClient newest = listening(url, "/topics/a?last=2");
        CHECK(newest.event() == position(1, ""));
        CHECK(newest.event().starts_with("id: " + epoch + ":2\n"));

        server.stop();
        CHECK(client.rest().ends_with(
            "event: close\ndata: {\"code\":1001,\"reason\":\"server is shutting down\"}\n\n"));
        socket.close(1001);
    });
}

TEST_CASE("where nothing is kept events have no ids, and a stream begins without a word") {
    Server server{quiet()};
    server.mount_topics("/topics", {.anonymous = TopicAccess::publish});
    const std::string url = started(server);
    StreamClient client = listening(url, "/topics/a");
    CHECK(post(url, "") == 202);
    CHECK(client.event() == "data: \n\n");
    CHECK(post(url, "x", "Content-Type: text/plain\r\n") == 202);
    CHECK(client.event() == "data: x\n\n");
}

TEST_CASE("who may not, or asks for what is not there, is told so") {
    Settings settings = quiet();
    settings.message_bytes_max = 100;
    settings.message_rate = 0;
    Server server{settings};
    server.mount_topics("/nobody", {});
    server.mount_topics("/read", {.anonymous = TopicAccess::subscribe});
    server.mount_topics("/topics", {.anonymous = TopicAccess::publish}, {.message_rate = 2});
    server.mount_topics("/sockets",
                        {.anonymous = TopicAccess::publish, .plain_http = PlainHttp::off});
    const std::string url = started(server);
    const auto get = [&](const std::string& target, const std::string& fields) {
        return ask_once(url, {.target = target, .fields = fields}).status;
    };
    CHECK(get("/topics/a", "") == 426);
    CHECK(get("/topics/a", "Accept: */*\r\n") == 426);
    CHECK(get("/sockets/a", std::string{events}) == 426);
    CHECK(get("/nobody/a", std::string{events}) == 403);
    CHECK(get("/topics/a?last=x", std::string{events}) == 400);
    CHECK(get("/topics/ns:a", std::string{events}) == 400);
    CHECK(get("/topics/", std::string{events}) == 404);
    CHECK(post(url, "x", {}, "/nobody/a") == 403);
    CHECK(post(url, "x", {}, "/read/a") == 403);
    CHECK(post(url, "x", {}, "/sockets/a") != 202);
    CHECK(post(url, "x", {}, "/topics/$a") == 400);
    CHECK(post(url, std::string(101, 'x')) == 413);
    CHECK(post(url, "{", json_type) == 400);
    CHECK(post(url, "\xff") == 400);
    CHECK(post(url, "x", "Content-Type: image/png\r\n") == 415);
    CHECK(post(url, "x", "Content-Encoding: gzip\r\n") == 415);
    CHECK(ask_once(url, {.method = "PUT", .target = "/topics/a"}).status == 405);

    StreamClient often{url};
    std::map<int, int> answers;
    for (int i = 0; i < 20; ++i)
        ++answers[often.request({.method = "POST", .target = "/topics/a", .body = "x"}).status];
    CHECK(answers[202] >= 2);
    CHECK(answers[429] > 0);
    CHECK(answers[202] + answers[429] == 20);
}

TEST_CASE("pages of allowed origins may listen and publish, others not") {
    Settings settings = quiet();
    settings.allowed_origins = {"https://example.org"};
    Server server{settings};
    server.mount_topics("/topics", {.anonymous = TopicAccess::publish});
    const std::string url = started(server);
    const std::string ours = "Origin: https://example.org\r\n",
                      theirs = "Origin: https://evil.test\r\n";
    for (const bool is_post : {true, false}) {
        const auto send = [&](const std::string& fields) {
            return ask_once(url, {.method = is_post ? "POST" : "GET",
                                  .target = "/topics/a",
                                  .fields = fields + std::string{is_post ? "" : events},
                                  .body = "x"});
        };
        const auto answer = send(ours);
        CHECK(answer.status == (is_post ? 202 : 200));
        CHECK(answer.field("access-control-allow-origin") == "https://example.org");
        CHECK(answer.field("access-control-allow-credentials") == "true");
        CHECK(answer.field("vary") == "Origin");
        CHECK(send(theirs).status == 403);
        CHECK_FALSE(send(theirs).field("access-control-allow-origin").has_value());
        CHECK_FALSE(send({}).field("access-control-allow-origin").has_value());
    }
    const auto refused = ask_once(
        url,
        {.method = "POST", .target = "/topics/a", .fields = ours + "Content-Type: image/png\r\n"});
    CHECK(refused.status == 415);
    CHECK(refused.field("access-control-allow-origin") == "https://example.org");
    const auto preflight =
        ask_once(url, {.method = "OPTIONS",
                       .target = "/topics/a",
                       .fields = ours + "Access-Control-Request-Method: POST\r\n"
                                        "Access-Control-Request-Headers: x-a\r\n"});
    CHECK(preflight.status == 204);
    CHECK(preflight.field("access-control-allow-methods") == "GET, HEAD, POST, OPTIONS");
    CHECK(preflight.field("access-control-allow-headers") == "x-a");
    CHECK(preflight.field("access-control-max-age") == "300");
    CHECK(ask_once(url, {.method = "OPTIONS", .target = "/topics/a", .fields = theirs}).status ==
          403);
    const auto plain = ask_once(url, {.method = "OPTIONS", .target = "/topics/a"});
    CHECK(plain.status == 204);
    CHECK(plain.field("allow") == "GET, HEAD, POST, OPTIONS");
}

TEST_CASE("the application may take its time with streams and with what is posted") {
    on_each_io([](Io io) {
        Server server{quiet(io, 2)};
        Undecided undecided;
        server.mount_topics(
            "/topics",
            {.authorize = [&](Upgrade& upgrade, std::string_view topic) -> Admission<TopicAccess> {
                CHECK(topic == "a");
                if (upgrade.query("who") == "now") return TopicAccess::publish;
                return undecided.keep(upgrade);
            }});
        const std::string url = started(server);
        const auto take = [&](const std::string& who) { return undecided.take(who); };
        StreamClient reader{url}, writer{url}, other{url}, refused{url};
        reader.send({.target = "/topics/a?who=reader", .fields = std::string{events}});
        take("reader").admit(TopicAccess::subscribe);
        CHECK(reader.response().status == 200);
        writer.send({.method = "POST", .target = "/topics/a?who=writer", .body = "one"});
        take("writer").admit(TopicAccess::publish);
        CHECK(writer.response().status == 202);
        CHECK(reader.event() == "data: one\n\n");
        other.send({.method = "POST", .target = "/topics/a?who=other", .body = "no"});
        take("other").admit(TopicAccess::subscribe);
        CHECK(other.response().status == 403);
        refused.send({.target = "/topics/a?who=refused", .fields = std::string{events}});
        take("refused").reject(reject(402, "pay\n"));
        CHECK(refused.response().status == 402);
        CHECK(writer.request({.method = "POST", .target = "/topics/a?who=now", .body = "two"})
                  .status == 202);
        CHECK(reader.event() == "data: two\n\n");
    });
}
