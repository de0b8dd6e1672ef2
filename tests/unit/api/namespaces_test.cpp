// Topics of namespaces through the public API, over sockets: whom they are for, what they keep, and
// what becomes of those that fall behind.

#include <doctest/doctest.h>
#include <string>
#include <string_view>
#include <thread>

#include "support/stream_client.hpp"
#include "unit/api/server_kit.hpp"

using namespace ringcast;

namespace {

Settings with_namespaces(Io io) {
    Settings settings = quiet(io, 2);
    using enum TopicAudience;
    settings.namespaces = {
        {.name = "open", .subscribe = anyone, .publish = anyone},
        {.name = "kept", .history_size = 2, .subscribe = anyone, .publish = anyone},
        {.name = "team"},
        {.name = "box", .subscribe = nobody, .publish = anyone, .rate = 50},
        {.name = "lossy", .subscribe = anyone, .slow_consumer = SlowConsumer::drop}};
    settings.send_queue_bytes_max = 256_KiB;
    return settings;
}

SocketClient client_of(const std::string& url, const std::string& topic,
                       int receive_buffer_bytes = 0) {
    SocketClient client{url, receive_buffer_bytes};
    client.open({.target = "/topics/" + topic});
    return client;
}

std::string refusal(const std::string& url, const std::string& topic) {
    SocketClient client{url};
    const auto response = client.request({.target = "/topics/" + topic});
    return std::to_string(response.status) + " " + response.body;
}

/// More than any socket takes for who does not read.
void flood(Publisher& publisher, std::string_view topic) {
    const std::string payload(32 << 10, 'x');
    for (int i = 0; i < 1000; ++i) {
        while (publisher.publish(topic, payload) == PublishStatus::full) std::this_thread::yield();
    }
}

/// The first frame that is no publication of flood().
test::ServerFrame after_flood(SocketClient& client) {
    for (;;) {
        test::ServerFrame frame = client.frame();
        if (frame.payload.size() != 32 << 10) return frame;
    }
}

}  // namespace

TEST_CASE("topics of a namespace are for whom that says, others for whom the path says") {
    on_each_io([](Io io) {
        Server server{with_namespaces(io)};
        server.mount_topics("/topics", {.anonymous = TopicAccess::subscribe});
        const std::string url = started(server);
        SocketClient reader = client_of(url, "open:a");
        SocketClient writer = client_of(url, "open:a");
        writer.send(test::text_frame("hello"));
        CHECK(reader.message() == "hello");
        SocketClient plain = client_of(url, "a");
        plain.send(test::text_frame("hello"));
        CHECK(plain.close_code() == 1008);
        const std::string forbidden = "403 you may not subscribe to this topic\n";
        CHECK(refusal(url, "team:a") == forbidden);
        CHECK(refusal(url, "$open:a") == forbidden);
        CHECK(refusal(url, "open:a%237") == forbidden);
        for (const char* name : {"other:a", "$other:a"})
            CHECK(refusal(url, name) ==
                  "400 there is no such namespace: names of topics with ':' begin with one\n");
        for (const char* name : {"open:", "$a", "%23a"}) {
            CHECK(refusal(url, name) ==
                  "400 names of topics with ':' or beginning with '$' or '#' are reserved\n");
        }
        Publisher publisher = server.make_publisher();
        CHECK(publisher.publish("other:a", "x") == PublishStatus::invalid_topic);
        CHECK(publisher.publish("open:a", "from the server") == PublishStatus::accepted);
        CHECK(reader.message() == "from the server");
    });
}

TEST_CASE("who may publish and not subscribe is subscribed to nothing") {
    on_each_io([](Io io) {
        Server server{with_namespaces(io)};
        server.mount_topics("/topics", {});
        server.mount_topics("/all",
                            {.authorize = [](Upgrade&, std::string_view) -> Admission<TopicAccess> {
                                return TopicAccess::publish;
                            }});
        const std::string url = started(server);
        SocketClient reader{url};
        reader.open({.target = "/all/box:a"});
        SocketClient writer = client_of(url, "box:a");
        writer.send(test::text_frame("1"));
        CHECK(reader.message() == "1");
        SocketClient other = client_of(url, "box:a?gaps=1");
        other.send(test::text_frame("2"));
        CHECK(reader.message() == "2");
        const test::PlainRequest posted{.method = "POST", .target = "/topics/box:a", .body = "3"};
        CHECK(test::ask_once(url, posted).status == 202);
        CHECK(reader.message() == "3");
        writer.send(test::text_frame("4"));
        CHECK(reader.message() == "4");
        writer.send(test::close_frame(1000));
        CHECK(writer.frame().close_code() == 1000);  // It has received nothing else.
        const std::string forbidden = "403 you may not subscribe to this topic\n";
        for (const char* wish : {"box:a?last=1", "box:a?offset=1", "team:a"})
            CHECK(refusal(url, wish) == forbidden);
        const auto stream = test::ask_once(
            url, {.target = "/topics/box:a", .fields = "Accept: text/event-stream\r\n"});
        CHECK(stream.status == 403);
        CHECK(stream.body == "you may not subscribe to this topic\n");
        for (const std::string topic : {"team:a", "lossy:a", "a"}) {
            const auto refused =
                test::ask_once(url, {.method = "POST", .target = "/topics/" + topic, .body = "x"});
            CHECK(refused.status == 403);
            CHECK(refused.body == "you may not publish to this topic\n");
        }
    });
}

TEST_CASE("each namespace keeps what it says") {
    on_each_io([](Io io) {
        Server server{with_namespaces(io)};
        server.mount_topics("/topics", {.anonymous = TopicAccess::publish});
        const std::string url = started(server);
        for (const std::string topic : {"kept:a", "open:a", "a"}) {
            CAPTURE(topic);
            SocketClient writer = client_of(url, topic);
            for (const char* text : {"1", "2", "3"}) {
                writer.send(test::text_frame(text));
                CHECK(writer.message() == text);
            }
            SocketClient late = client_of(url, topic + "?last=9");
            CHECK(
                late.message().ends_with(topic == "kept:a" ? R"("offset":1})" : R"("offset":3})"));
            if (topic == "kept:a") {
                CHECK(late.message() == "2");
                CHECK(late.message() == "3");
            }
            writer.send(test::text_frame("4"));
            CHECK(late.message() == "4");
        }
    });
}

TEST_CASE("a subscriber that falls behind has the fate that the namespace says") {
    on_each_io([](Io io) {
        Server server{with_namespaces(io)};
        server.mount_topics("/topics", {});
        server.mount_centrifuge("/connection", {.anonymous = TopicAccess::subscribe});
        const std::string url = started(server);
        SocketClient lossy = client_of(url, "lossy:a?gaps=1", 4096);
        SocketClient strict = client_of(url, "open:a?gaps=1", 4096);
        // Nothing in its protocol tells of a gap, so drop is close to it.
        SocketClient centrifuge{url, 4096};
        centrifuge.open({.target = "/connection/websocket"});
        centrifuge.send(test::text_frame(R"({"connect":{},"id":1})"));
        CHECK(centrifuge.message().starts_with(R"({"id":1,"connect":)"));
        centrifuge.send(test::text_frame(R"({"subscribe":{"channel":"lossy:a"},"id":2})"));
        CHECK(centrifuge.message() == R"({"id":2,"subscribe":{}})");
        Publisher publisher = server.make_publisher();
        flood(publisher, "lossy:a");
        flood(publisher, "open:a");
        CHECK(after_flood(lossy).payload.starts_with(R"({"skipped":)"));
        CHECK(after_flood(strict).close_code() == 1013);
        test::ServerFrame last = centrifuge.frame();
        while (last.opcode != test::opcode_close) last = centrifuge.frame();
        CHECK(last.close_code() == 3008);
        CHECK(last.payload.substr(2) == "slow");
    });
}

TEST_CASE("namespaces that cannot be are refused before the server starts") {
    const auto mistake = [](std::vector<TopicNamespace> namespaces) {
        Settings settings = quiet();
        settings.namespaces = std::move(namespaces);
        const auto checked = Server{settings}.check();
        return checked ? "" : checked.error();
    };
    CHECK(mistake({{.name = "a"}, {.name = "b"}}).empty());
    CHECK(mistake({{.name = "a"}, {.name = "a"}}) == "namespaces: 'a': is there twice");
    CHECK(mistake({{.name = "a:b"}}).starts_with("namespaces: 'a:b': a name has "));
    CHECK(mistake({{.name = ""}}).starts_with("namespaces: '': a name has "));
    CHECK(mistake({{.name = "a", .history_size = 1'000'001}}).contains("history_size"));
    CHECK(mistake({{.name = "a", .history_ttl = {}}}).contains("history_ttl"));
    CHECK(mistake({{.name = "a", .history_ttl = std::chrono::minutes{9}}}) ==
          "namespaces: 'a': history_ttl needs a history_size");
    CHECK(mistake({{.name = "a", .rate = 10'001}}).contains("rate is not between 0 and 10000"));
    CHECK(mistake({{.name = "a", .rate = 1, .burst = 10'001}}).contains("burst is not between"));
    CHECK(mistake({{.name = "a", .burst = 1}}).contains("burst needs a rate"));
    CHECK(mistake({{.name = "a", .history_mode = HistoryMode::cache}}).contains("history_size"));
}
