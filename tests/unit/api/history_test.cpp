// Raw clients that come later, or come back, over real sockets.

#include <cstdint>
#include <doctest/doctest.h>
#include <string>
#include <thread>

#include "unit/api/server_kit.hpp"

using namespace ringcast;

namespace {

Settings keeping(Io io, std::uint32_t count) {
    Settings settings = quiet(io, 2);
    settings.history_size = count;
    return settings;
}

/// A client at /topics/a with that query.
SocketClient at(const std::string& url, const std::string& query) {
    SocketClient client{url};
    client.open({.target = "/topics/a?" + query});
    return client;
}
int status_of(const std::string& url, const std::string& query) {
    SocketClient client{url};
    client.send(encode(test::UpgradeRequest{.target = "/topics/a?" + query}));
    return client.response().status;
}
std::string epoch_in(const std::string& text) {
    const std::string key = R"({"epoch":")";
    REQUIRE(text.starts_with(key));
    return text.substr(key.size(), 8);
}

}  // namespace

TEST_CASE("a raw client gets what it has missed, then what is published") {
    on_each_io([](Io io) {
        Server server{keeping(io, 10)};
        server.mount_topics("/topics", {.anonymous = TopicAccess::publish});
        const std::string url = started(server);
        SocketClient writer = at(url, "last=0");
        const std::string first = writer.message();
        const std::string epoch = epoch_in(first);
        CHECK(first == R"({"epoch":")" + epoch + R"(","offset":0})");
        for (const char* text : {"one", "two", "three"}) {
            writer.send(test::text_frame(text));
            CHECK(writer.message() == text);
        }
        const auto position = [&](int offset, const char* rest) {
            return R"({"epoch":")" + epoch + R"(","offset":)" + std::to_string(offset) + rest + "}";
        };
        SocketClient back = at(url, "offset=1&epoch=" + epoch);
        CHECK(back.message() == position(1, R"(,"recovered":true)"));
        CHECK(back.message() == "two");
        CHECK(back.message() == "three");
        SocketClient late = at(url, "last=1");
        CHECK(late.message() == position(2, ""));
        CHECK(late.message() == "three");
        SocketClient lost = at(url, "offset=1&epoch=elsewhen");
        CHECK(lost.message() == position(3, R"(,"recovered":false)"));
        SocketClient any = at(url, "offset=2");
        CHECK(any.message() == position(2, R"(,"recovered":true)"));
        CHECK(any.message() == "three");
        SocketClient plain = at(url, "");
        writer.send(test::binary_frame("four"));
        for (SocketClient* client : {&writer, &back, &late, &lost, &any, &plain})
            CHECK(client->message(test::opcode_binary) == "four");
        SocketClient again = at(url, "offset=3&epoch=" + epoch);
        CHECK(again.message() == position(3, R"(,"recovered":true)"));
        CHECK(again.message(test::opcode_binary) == "four");
    });
}

TEST_CASE("what makes no sense in the query is refused") {
    Server server{keeping(Io::automatic, 10)};
    server.mount_topics("/topics", {.anonymous = TopicAccess::publish});
    const std::string url = started(server);
    for (const char* query :
         {"offset=", "offset=-1", "offset=1x", "offset=99999999999999999999", "offset=1&last=1",
          "epoch=abcdefgh", "last=", "last=x", "last=-1", "last=4294967296"}) {
        CAPTURE(query);
        CHECK(status_of(url, query) == 400);
    }
    for (const char* query : {"offset=0", "last=4294967295", "offset=18446744073709551615&epoch="})
        CHECK(status_of(url, query) == 101);
}

TEST_CASE("a client that has missed more than it has room for gets a part, and comes again") {
    Settings settings = keeping(Io::automatic, 100);
    settings.send_queue_bytes_max = 64_KiB;
    settings.message_bytes_max = 32_KiB;
    Server server{settings};
    server.mount_topics("/topics", {.anonymous = TopicAccess::publish});
    const std::string url = started(server);
    Publisher publisher = server.make_publisher();
    for (int i = 0; i < 40; ++i) {
        const std::string payload = std::to_string(i) + std::string(10'000, '.');
        while (publisher.publish("a", payload) == PublishStatus::full) std::this_thread::yield();
    }
    int got = 0;
    for (int visits = 0; got < 40; ++visits) {
        REQUIRE(visits < 40);
        SocketClient client = at(url, "offset=" + std::to_string(got));
        REQUIRE(client.message().find(R"("recovered":true)") != std::string::npos);
        const int before = got;
        while (got < 40) {
            const auto frame = client.frame();
            if (frame.opcode == test::opcode_close) {
                CHECK(frame.close_code() == 1013);
                break;
            }
            CHECK(frame.payload.starts_with(std::to_string(got) + "."));
            ++got;
        }
        CHECK(got > before);
    }
}
