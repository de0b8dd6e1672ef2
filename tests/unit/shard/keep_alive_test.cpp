// Several requests on one connection: which answers end it, pipelining, its limits and deadlines.

#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "unit/shard/http_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;
using namespace std::chrono_literals;

namespace {

/// All answers that have come on `fd`.
std::vector<test::ServerResponse> take_responses(HttpKit& kit, int fd) {
    test::ServerReader reader;
    reader.feed(std::exchange(kit.ring.socket(fd).output, {}));
    std::vector<test::ServerResponse> responses;
    while (auto response = reader.next_response()) responses.push_back(*std::move(response));
    CHECK(reader.error() == "");
    CHECK(reader.unread().empty());
    return responses;
}

std::string repeat(const std::string& text, int count) {
    std::string result;
    for (int i = 0; i < count; ++i) result += text;
    return result;
}

}  // namespace

TEST_CASE("HTTP/1.1 stays connected, and is told nothing about it") {
    HttpKit kit;
    const int fd = kit.accept(HttpKit::admin_listener);
    for (int i = 0; i < 3; ++i) {
        kit.send(fd, post_of("/publish/a", std::to_string(i)));
        const auto response = kit.take_response(fd);
        CHECK(response.body == "POST /publish/a topic=a " + std::to_string(i));
        CHECK_FALSE(response.field("connection").has_value());
    }
    CHECK_FALSE(kit.ring.socket(fd).sending_shut);
    CHECK(kit.shard.pool().blocks_in_use() == 0);
    CHECK(kit.shard.metrics().http_requests == 3);
    CHECK(kit.ends(fd));
}

TEST_CASE("HTTP/1.0 stays connected only if it asks to, and is told so") {
    HttpKit kit;
    const int fd = kit.accept();
    kit.send(fd, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    CHECK(kit.take_response(fd).field("connection") == "keep-alive");
    CHECK_FALSE(kit.ring.socket(fd).sending_shut);
    kit.send(fd, "GET / HTTP/1.0\r\n\r\n");
    CHECK(kit.take_response(fd).field("connection") == "close");
    kit.turn();
    CHECK(kit.ring.socket(fd).sending_shut);
}

TEST_CASE("pipelined requests are answered in order, however they are cut") {
    const std::string stream = http_request("GET /") + post_of("/publish/a", "first") +
                               http_request("GET /metrics") + post_of("/publish/b", "second") +
                               http_request("GET /metrics", "Connection: close\r\n") +
                               http_request("GET /metrics");
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        CAPTURE(cut);
        HttpKit kit;
        const int fd = kit.accept(HttpKit::admin_listener);
        if (cut > 0) kit.send(fd, stream.substr(0, cut));
        if (cut < stream.size()) kit.send(fd, stream.substr(cut));
        kit.turn();
        const auto responses = take_responses(kit, fd);
        REQUIRE(responses.size() == 5);
        CHECK(responses[0].status == 404);
        CHECK(responses[1].body == "POST /publish/a topic=a first");
        CHECK(responses[2].body == "GET /metrics ");
        CHECK(responses[3].body == "POST /publish/b topic=b second");
        CHECK(responses[4].field("connection") == "close");
        CHECK(kit.metrics->requests_count == 2);
        CHECK(kit.ring.socket(fd).sending_shut);
    }
}

TEST_CASE("after a request whose end is in doubt nothing more is read") {
    const char* const lines[] = {
        "GET / HTTP/1.1\r\n\r\n",                                     // 400
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",     // 413
        "GET /no HTTP/1.1\r\nHost: a\r\nContent-Length: 44\r\n\r\n",  // 404 with a body
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 44\r\n\r\n",   // 405 with a body
        "GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n",           // 417
        "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",  // 405 in place of 100
    };
    for (const char* const line : lines) {
        CAPTURE(line);
        HttpKit kit;
        const int fd = kit.accept();
        kit.send(fd, line + http_request("GET /"));
        const auto responses = take_responses(kit, fd);
        REQUIRE(responses.size() == 1);
        CHECK(responses[0].status >= 400);
        CHECK(responses[0].field("connection") == "close");
        CHECK(kit.page->requests_count == 0);
    }
}

TEST_CASE("what is refused without a body in doubt leaves the connection as it was") {
    HttpKit kit;
    const int fd = kit.accept();
    kit.send(fd, http_request("GET /nothing") + http_request("DELETE /") + http_request("GET /"));
    const auto responses = take_responses(kit, fd);
    REQUIRE(responses.size() == 3);
    CHECK(responses[0].status == 404);
    CHECK(responses[1].status == 405);
    CHECK(responses[2].status == 200);
}

TEST_CASE("a session may open after plain requests, with what was sent right behind it") {
    HttpKit kit;
    const int fd = kit.accept();
    kit.send(fd, http_request("GET /") + http_request("GET /echo") +
                     encode(test::UpgradeRequest{}) + test::text_frame("hello"));
    test::ServerReader reader;
    reader.feed(kit.ring.socket(fd).output);
    CHECK(reader.next_response()->status == 200);
    CHECK(reader.next_response()->status == 200);
    CHECK(reader.next_response()->status == 101);
    CHECK(reader.next_frame()->payload == "hello");
    CHECK(reader.error() == "");
    kit.pass(15s);  // The deadlines are those of the session now.
    CHECK_FALSE(kit.ring.socket(fd).sending_shut);
    kit.send(fd, test::close_frame(1000));
    CHECK(kit.ends(fd));
}

TEST_CASE("a late verdict has the time of an opening handshake, counted from its request") {
    HttpKit kit;
    kit.echo->upgraded = [](Upgrade&) { return Verdict{.kind = Verdict::Kind::pending}; };
    const int fd = kit.accept();
    kit.send(fd, http_request("GET /"));
    CHECK(kit.take_response(fd).status == 200);
    kit.pass(50s);
    kit.send(fd, encode(test::UpgradeRequest{}));
    kit.pass(9s);
    CHECK(kit.ring.socket(fd).output.empty());
    kit.pass(1s + 10ms);
    CHECK(kit.take_response(fd).status == 503);
}

TEST_CASE("the last request that a connection may make is told so") {
    Settings settings;
    settings.http.requests_max = 3;
    HttpKit kit{settings};
    const int fd = kit.accept();
    kit.send(fd, repeat(http_request("GET /"), 5));
    const auto responses = take_responses(kit, fd);
    REQUIRE(responses.size() == 3);
    CHECK_FALSE(responses[1].field("connection").has_value());
    CHECK(responses[2].field("connection") == "close");
}

TEST_CASE("a connection with many requests lets the others have their turn") {
    Settings settings;
    settings.http.requests_per_turn = 4;
    HttpKit kit{settings};
    const int busy = kit.accept();
    const int other = kit.accept();
    kit.ring.deliver(busy, repeat(http_request("GET /"), 100));
    std::size_t before_other = 0;
    kit.page->answered = [&] {
        if (kit.ring.socket(other).output.empty()) ++before_other;
        return HttpAnswer{.body = "x"};
    };
    kit.turn();
    kit.ring.deliver(other, http_request("GET /"));
    kit.turn(2);
    CHECK(kit.take_response(other).status == 200);
    CHECK(before_other <= 20);
    kit.turn(40);
    CHECK(take_responses(kit, busy).size() == 100);
    CHECK(kit.page->requests_count == 101);
    kit.send(busy, http_request("GET /"));
    CHECK(kit.take_response(busy).status == 200);
}

TEST_CASE("whoever does not read its answers is not heard until it does") {
    HttpKit kit;
    kit.page->answered = [] { return HttpAnswer{.body = std::string(100'000, 'x')}; };
    const int fd = kit.accept();
    kit.ring.socket(fd).room = 1000;
    kit.send(fd, repeat(http_request("GET /"), 16));
    kit.turn(4);
    CHECK(kit.page->requests_count <= 7);
    CHECK(kit.shard.metrics().suspensions == 1);
    CHECK(kit.shard.metrics().held_bytes > 0);
    kit.ring.give_room(fd, test::FakeRing::unlimited);
    kit.turn(100);
    CHECK(take_responses(kit, fd).size() == 16);
    CHECK(kit.shard.metrics().held_bytes == 0);

    const int dead = kit.accept();
    kit.ring.socket(dead).room = 0;
    kit.send(dead, repeat(http_request("GET /"), 16));
    kit.pass(61s);
    kit.turn(2);
    CHECK(kit.ring.socket(dead).closed);
    CHECK(kit.shard.metrics().held_bytes == 0);
}

TEST_CASE("many large answers in one turn fit into one connection's output") {
    Settings settings;
    settings.http.requests_per_turn = 1000;
    settings.http.send_queue_bytes_max = 1 << 30;
    settings.early_flush_bytes = 1 << 28;
    HttpKit kit{settings};
    kit.page->answered = [] { return HttpAnswer{.body = std::string(20'000, 'x')}; };
    const int fd = kit.accept();
    kit.send(fd, repeat(http_request("GET /"), 400));
    kit.turn(400);
    CHECK(take_responses(kit, fd).size() == 400);
}

TEST_CASE("a connection without a request goes after a while, without a word") {
    HttpKit kit;
    const int fd = kit.accept();
    kit.pass(9s);
    kit.send(fd, http_request("GET /"));
    CHECK(kit.take_response(fd).status == 200);
    kit.pass(59s);
    CHECK_FALSE(kit.ring.socket(fd).sending_shut);
    kit.send(fd, http_request("GET /"));
    CHECK(kit.take_response(fd).status == 200);
    kit.pass(59s);
    CHECK_FALSE(kit.ring.socket(fd).sending_shut);
    kit.pass(1s + 10ms);
    CHECK(kit.ring.socket(fd).sending_shut);
    CHECK(kit.ring.socket(fd).output.empty());
    CHECK(kit.ends(fd));
    CHECK(kit.shard.metrics().timeouts == 1);
}

TEST_CASE("a later request that does not come to its end is answered with 408") {
    HttpKit kit;
    const int fd = kit.accept();
    kit.send(fd, http_request("GET /"));
    CHECK(kit.take_response(fd).status == 200);
    kit.pass(30s);
    kit.send(fd, "GET /");
    kit.pass(9s);
    kit.send(fd, " ");  // A slow drip does not buy time.
    CHECK_FALSE(kit.ring.socket(fd).sending_shut);
    kit.pass(1s + 10ms);
    CHECK(kit.take_response(fd).status == 408);
    CHECK(kit.ends(fd));
}

TEST_CASE("a body has its time anew with every 64 KiB of it") {
    HttpKit kit;
    const int fd = kit.accept(HttpKit::admin_listener);
    const std::string request = post_of("/publish/a", std::string(100'000, 'x'));
    kit.send(fd, request.substr(0, 100));
    kit.pass(9s);
    kit.send(fd, request.substr(100, 70'000));
    kit.pass(9s);
    kit.send(fd, request.substr(70'100));
    CHECK(kit.take_response(fd).status == 200);
}

TEST_CASE("a shutdown ends quietly who waits for nothing, and says so to who does") {
    HttpKit kit;
    const int quiet = kit.accept();
    kit.send(quiet, http_request("GET /"));
    CHECK(kit.take_response(quiet).status == 200);
    const int busy = kit.accept();
    kit.send(busy, http_request("GET /") + "GET /");
    CHECK(take_responses(kit, busy).size() == 1);
    kit.shard.begin_shutdown(CloseCode::going_away);
    kit.turn(2);
    CHECK(kit.ring.socket(quiet).output.empty());
    CHECK(kit.ring.socket(quiet).sending_shut);
    CHECK(kit.take_response(busy).status == 503);
}

TEST_CASE("the client's end does not take the answers from it") {
    HttpKit kit;
    kit.page->answered = [] { return HttpAnswer{.body = std::string(100'000, 'x')}; };
    const int fd = kit.accept();
    kit.ring.socket(fd).room = 1000;
    kit.send(fd, repeat(http_request("GET /"), 4));
    kit.ring.finish_recv(fd, 0);
    kit.turn(2);
    kit.ring.give_room(fd, test::FakeRing::unlimited);
    kit.turn(100);
    CHECK(take_responses(kit, fd).size() == 4);
    CHECK(kit.ring.socket(fd).closed);
}
