// Requests that their endpoint holds or answers piece by piece: what is sent, in which order, and
// how much of it.

#include <doctest/doctest.h>
#include <string>

#include "unit/shard/exchange_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;
using namespace std::chrono_literals;

TEST_CASE("a held request is answered later, and then what was pipelined behind it") {
    ExchangeKit kit;
    int destroyed = 0;
    kit.next = [&] {
        return HttpAnswer{.kind = HttpAnswer::Kind::held, .state = counting_state(destroyed)};
    };
    const int fd = kit.accept();
    kit.send(fd, http_request("GET /") + http_request("GET /nothing"));
    kit.send(fd, http_request("GET /nothing"));
    kit.pass(30s);
    CHECK(kit.ring.socket(fd).output.empty());
    CHECK(kit.shard.metrics().held_bytes > 0);
    CHECK(kit.exchange()->state() == &destroyed);

    CHECK(kit.exchange()->answer({.body = "late"}));
    CHECK(destroyed == 1);
    CHECK_FALSE(kit.exchange().has_value());
    kit.turn(4);
    test::ServerReader reader;
    reader.feed(kit.take(fd));
    CHECK(reader.next_response()->body == "late");
    CHECK(reader.next_response()->status == 404);
    CHECK(reader.next_response()->status == 404);
    CHECK(kit.shard.metrics().held_bytes == 0);
    CHECK(kit.page->ends.empty());
    kit.send(fd, http_request("GET /"));
    CHECK(kit.exchange()->answer({.body = "again"}));
    kit.turn(2);
    CHECK(kit.take_response(fd).body == "again");
}

TEST_CASE("an exchange's name is not that of the next request on its connection") {
    ExchangeKit kit;
    const int fd = kit.accept();
    kit.send(fd, http_request("GET /"));
    const ExchangeId first = kit.last;
    CHECK(kit.exchange()->answer({.body = "1"}));
    CHECK_FALSE(kit.shard.find_exchange(first).has_value());
    kit.send(fd, http_request("GET /"));
    CHECK_FALSE(kit.shard.find_exchange(first).has_value());
    CHECK(kit.exchange().has_value());
    CHECK(kit.last.connection == first.connection);
}

TEST_CASE("a stream is sent chunk by chunk, and its end leaves the connection open") {
    ExchangeKit kit;
    kit.next = [] { return stream("hello"); };
    const int fd = kit.accept();
    kit.send(fd, http_request("GET /"));
    CHECK(kit.take(fd) ==
          "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
          "5\r\nhello\r\n");
    CHECK(kit.exchange()->write("one") == SendStatus::accepted);
    CHECK(kit.exchange()->write("") == SendStatus::accepted);
    kit.turn();
    CHECK(kit.take(fd) == "3\r\none\r\n");
    CHECK(kit.exchange()->write(std::string(20'000, 'x')) == SendStatus::accepted);
    kit.exchange()->finish();
    kit.turn();
    CHECK(kit.take(fd) == "4e20\r\n" + std::string(20'000, 'x') + "\r\n0\r\n\r\n");
    CHECK_FALSE(kit.exchange().has_value());
    kit.next = [] { return HttpAnswer{.body = "next"}; };
    kit.send(fd, http_request("GET /"));
    CHECK(kit.take_response(fd).body == "next");
    CHECK(kit.page->ends.empty());
    CHECK(kit.shard.metrics().http_requests == 2);
}

TEST_CASE("a held request may become a stream, with the state that it has") {
    ExchangeKit kit;
    int destroyed = 0;
    kit.next = [&] {
        return HttpAnswer{.kind = HttpAnswer::Kind::held, .state = counting_state(destroyed)};
    };
    const int fd = kit.accept();
    kit.send(fd, http_request("GET /"));
    CHECK(kit.exchange()->write("too early") == SendStatus::closed);
    CHECK(kit.exchange()->answer(stream()));
    CHECK_FALSE(kit.exchange()->answer({.body = "twice"}));
    CHECK(kit.exchange()->write("x") == SendStatus::accepted);
    CHECK(kit.exchange()->state() == &destroyed);
    kit.turn();
    CHECK(kit.take_content(fd) == "1\r\nx\r\n");
    kit.exchange()->finish();
    CHECK(destroyed == 1);
}

TEST_CASE("HTTP/1.0 has no chunks: the stream ends with the connection") {
    ExchangeKit kit;
    kit.next = [] { return stream("hello"); };
    const int fd = kit.accept();
    kit.send(fd, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    CHECK(kit.take(fd) ==
          "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\nhello");
    CHECK(kit.exchange()->write(" world") == SendStatus::accepted);
    kit.exchange()->finish();
    kit.turn(2);
    CHECK(kit.take(fd) == " world");
    CHECK(kit.ring.socket(fd).sending_shut);
}

TEST_CASE("to HEAD, and without content, a stream is over with its head") {
    ExchangeKit kit;
    kit.next = [] { return stream("hello"); };
    const int fd = kit.accept();
    kit.send(fd, http_request("HEAD /"));
    CHECK(kit.take_content(fd).empty());
    CHECK_FALSE(kit.exchange().has_value());
    kit.next = [] {
        return HttpAnswer{.kind = HttpAnswer::Kind::stream, .status = 204, .body = "x"};
    };
    kit.send(fd, http_request("GET /") + http_request("GET /nothing"));
    test::ServerReader reader;
    reader.feed(kit.take(fd));
    CHECK(reader.next_response()->status == 204);
    CHECK(reader.next_response()->status == 404);
}

TEST_CASE("a stream that its client does not read is behind, then full, and told when it is not") {
    Settings settings;
    settings.http.send_queue_bytes_max = 100'000;
    ExchangeKit kit{settings};
    kit.next = [] { return stream(); };
    const int fd = kit.accept();
    kit.ring.socket(fd).room = 10;
    kit.send(fd, http_request("GET /"));
    const std::string piece(20'000, 'x');
    const auto write = [&] { return kit.exchange()->write(piece); };
    CHECK(write() == SendStatus::accepted);
    CHECK(write() == SendStatus::accepted);
    kit.turn();
    CHECK(write() == SendStatus::behind);
    CHECK(write() == SendStatus::behind);
    CHECK(write() == SendStatus::dropped);
    CHECK(kit.shard.metrics().messages_dropped == 1);
    kit.turn(2);
    CHECK(kit.page->drains_count == 0);
    kit.ring.give_room(fd, 40'000);
    kit.turn(2);
    CHECK(kit.page->drains_count == 0);
    kit.page->drained = [&](HttpExchange& exchange) { exchange.finish(); };
    kit.ring.give_room(fd, test::FakeRing::unlimited);
    kit.turn(6);
    CHECK(kit.page->drains_count == 1);
    CHECK(kit.take_content(fd).ends_with("\r\n0\r\n\r\n"));
    CHECK_FALSE(kit.exchange().has_value());
}

TEST_CASE("what is pipelined behind a held request is kept up to a limit") {
    Settings settings;
    settings.http.pipelined_bytes_max = 1000;
    settings.http.requests_per_turn = 1000;
    ExchangeKit kit{settings};
    const int fd = kit.accept();
    kit.send(fd, http_request("GET /"));
    const std::string request = http_request("GET /nothing");
    std::size_t sent = 0;
    while (kit.ring.socket(fd).recv && sent < 1000) {
        kit.send(fd, request);
        ++sent;
    }
    CHECK(sent * request.size() > 1000);
    CHECK(sent * request.size() < 2000);
    CHECK(kit.exchange()->answer({.body = "x"}));
    kit.turn(4);
    CHECK(kit.ring.socket(fd).recv.has_value());
    test::ServerReader reader;
    reader.feed(kit.take(fd));
    CHECK(reader.next_response()->status == 200);
    for (std::size_t i = 0; i < sent; ++i) CHECK(reader.next_response()->status == 404);
    CHECK(reader.unread().empty());
    CHECK(kit.shard.metrics().held_bytes == 0);
}

TEST_CASE("a request that began behind a held one has all its time when that has been answered") {
    Settings settings;
    settings.http.answer_timeout = 100s;
    ExchangeKit kit{settings};
    const std::string next = http_request("GET /nothing");
    for (const bool is_completed : {true, false}) {
        const int fd = kit.accept();
        kit.send(fd, http_request("GET /") + next.substr(0, 10));
        kit.pass(90s);
        CHECK(kit.exchange()->answer({.body = "x"}));
        kit.turn(3);
        CHECK(kit.take_response(fd).body == "x");
        kit.pass(9s);
        if (is_completed) kit.send(fd, next.substr(10));
        kit.pass(1s + 10ms);
        CHECK(kit.take_response(fd).status == (is_completed ? 404 : 408));
    }
}
