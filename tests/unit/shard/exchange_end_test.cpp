// The ways in which a held request or a stream ends without its endpoint's word.

#include <cerrno>
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "unit/shard/exchange_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;
using namespace std::chrono_literals;

TEST_CASE("a client that goes away is noticed, held or in a stream, and nothing is sent any more") {
    for (const bool is_stream : {false, true}) {
        for (const int result : {0, -ECONNRESET}) {
            CAPTURE(is_stream);
            CAPTURE(result);
            ExchangeKit kit;
            int destroyed = 0;
            kit.next = [&] {
                HttpAnswer answer = is_stream ? stream("x") : held();
                answer.state = counting_state(destroyed);
                return answer;
            };
            kit.page->ended = [&](HttpExchange& exchange, HttpEnd) {
                CHECK(destroyed == 0);
                CHECK(exchange.state() == &destroyed);
                CHECK(exchange.id() == kit.last);
                CHECK(exchange.write("x") == SendStatus::closed);
                CHECK_FALSE(exchange.answer({}));
                exchange.finish();
                exchange.abort();
            };
            const int fd = kit.accept();
            kit.send(fd, http_request("GET /") + (is_stream ? http_request("GET /") : ""));
            kit.ring.finish_recv(fd, result);
            kit.turn(3);
            CHECK(kit.page->ends == std::vector{HttpEnd::aborted});
            CHECK(destroyed == 1);
            CHECK(kit.ring.socket(fd).closed);
            CHECK_FALSE(kit.exchange().has_value());
            CHECK(kit.shard.metrics().http_aborts == 1);
            CHECK(kit.shard.metrics().held_bytes == 0);
        }
    }
}

TEST_CASE("a stream whose client cannot be reached any more is noticed when something is sent") {
    ExchangeKit kit;
    kit.next = [] { return stream(); };
    const int fd = kit.accept();
    kit.send(fd, http_request("GET /"));
    kit.ring.socket(fd).send_error = EPIPE;
    kit.exchange()->write("x");
    kit.turn(4);
    CHECK(kit.page->ends == std::vector{HttpEnd::aborted});
    CHECK(kit.ring.socket(fd).closed);
}

TEST_CASE("an endpoint may cut a stream, and hears nothing of it") {
    ExchangeKit kit;
    kit.next = [] { return stream("x"); };
    const int fd = kit.accept();
    kit.send(fd, http_request("GET /"));
    kit.exchange()->abort();
    kit.turn(3);
    CHECK(kit.ring.socket(fd).closed);
    CHECK(kit.page->ends.empty());
    CHECK(kit.take(fd).find("0\r\n\r\n") == std::string::npos);
}

TEST_CASE("an answer that does not come is 503 in time, unless the endpoint has something then") {
    Settings settings;
    settings.http.answer_timeout = 30s;
    ExchangeKit kit{settings};
    const int first = kit.accept();
    kit.send(first, http_request("GET /"));
    kit.pass(29s);
    CHECK(kit.ring.socket(first).output.empty());
    kit.pass(1s + 10ms);
    const auto response = kit.take_response(first);
    CHECK(response.status == 503);
    CHECK(response.field("connection") == "close");
    CHECK(kit.ends(first));

    kit.page->ended = [](HttpExchange& exchange, HttpEnd) { exchange.answer({.status = 204}); };
    const int second = kit.accept();
    kit.send(second, http_request("GET /"));
    kit.pass(30s + 10ms);
    CHECK(kit.take_response(second).status == 204);
    CHECK_FALSE(kit.ring.socket(second).sending_shut);

    kit.page->ended = [](HttpExchange& exchange, HttpEnd) { exchange.answer(stream("x")); };
    kit.send(second, http_request("GET /"));
    kit.pass(30s + 10ms);
    CHECK(kit.take_content(second) == "1\r\nx\r\n");
    CHECK(kit.exchange().has_value());
    CHECK(kit.page->ends == std::vector(3, HttpEnd::timed_out));
    kit.page->ended = nullptr;
    kit.ring.finish_recv(second, 0);
    kit.turn(3);
    CHECK(kit.page->ends.back() == HttpEnd::aborted);
}

TEST_CASE("a stream stays for as long as its client reads, and no longer") {
    ExchangeKit kit;
    kit.next = [] { return stream("x"); };
    const int fd = kit.accept();
    kit.send(fd, http_request("GET /"));
    kit.pass(1h);
    kit.ring.socket(fd).room = 0;
    CHECK(kit.exchange()->write("z") == SendStatus::accepted);
    kit.turn();
    for (int i = 0; i < 3; ++i) {
        kit.pass(50s);
        kit.ring.give_room(fd, 100);
        kit.turn();
        kit.ring.socket(fd).room = 0;
        CHECK(kit.exchange()->write("z") == SendStatus::accepted);
    }
    kit.pass(61s);
    CHECK_FALSE(kit.ring.socket(fd).closed);
    kit.pass(61s);
    kit.turn(2);
    CHECK(kit.ring.socket(fd).closed);
    CHECK(kit.page->ends == std::vector{HttpEnd::aborted});
}

TEST_CASE("a stream may go on for so long, and ends behind its endpoint's last word") {
    Settings settings;
    settings.http.answer_timeout = 30s;
    settings.http.stream_timeout = 100s;
    settings.http.idle_timeout = 40s;
    ExchangeKit kit{settings};
    const int fd = kit.accept();
    kit.send(fd, http_request("GET /"));
    kit.pass(20s);
    CHECK(kit.exchange()->answer(stream("x")));
    kit.pass(99s);
    CHECK(kit.exchange()->write("y") == SendStatus::accepted);
    kit.turn();
    kit.page->ended = [](HttpExchange& exchange, HttpEnd) { exchange.write("z"); };
    kit.pass(1s + 10ms);
    kit.turn(2);
    CHECK(kit.take_content(fd) == "1\r\nx\r\n1\r\ny\r\n1\r\nz\r\n0\r\n\r\n");
    CHECK(kit.page->ends == std::vector{HttpEnd::timed_out});
    CHECK_FALSE(kit.exchange().has_value());
    CHECK(kit.ring.socket(fd).sending_shut);
}

TEST_CASE("a shutdown ends what is held with 503, and streams behind the last word") {
    ExchangeKit kit;
    const int holding = kit.accept();
    kit.send(holding, http_request("GET /"));
    kit.next = [] { return stream("x"); };
    const int streaming = kit.accept();
    kit.send(streaming, http_request("GET /"));
    kit.next = held;
    const int answered = kit.accept();
    kit.send(answered, http_request("GET /"));
    kit.page->ended = [&](HttpExchange& exchange, HttpEnd reason) {
        CHECK(reason == HttpEnd::shutdown);
        exchange.write("bye");
        if (exchange.id() == kit.last) CHECK(exchange.answer({.body = "quickly"}));
    };
    kit.shard.begin_shutdown(CloseCode::going_away);
    kit.turn(3);
    CHECK(kit.take_response(holding).status == 503);
    CHECK(kit.take_content(streaming) == "1\r\nx\r\n3\r\nbye\r\n0\r\n\r\n");
    CHECK(kit.ring.socket(streaming).sending_shut);
    const auto quick = kit.take_response(answered);
    CHECK(quick.body == "quickly");
    CHECK(quick.field("connection") == "close");
    CHECK(kit.page->ends.size() == 3);
    kit.page->ended = nullptr;
}

TEST_CASE("exchanges of admins last until their listeners end") {
    HttpKit kit;
    kit.metrics->asked = [](HttpExchange&) { return stream("x"); };
    const int fd = kit.accept(HttpKit::admin_listener);
    kit.send(fd, http_request("GET /metrics"));
    kit.shard.begin_shutdown(CloseCode::going_away);
    kit.turn(3);
    CHECK(kit.metrics->ends.empty());
    kit.shard.end_admin();
    kit.turn(3);
    CHECK(kit.metrics->ends == std::vector{HttpEnd::shutdown});
    CHECK(kit.ring.socket(fd).output.ends_with("0\r\n\r\n"));
}

TEST_CASE("input behind a held request counts as unfinished, and is given up with it") {
    Settings settings;
    settings.input_bytes_max = 8000;
    settings.http.pipelined_bytes_max = 100'000;
    ExchangeKit kit{settings};
    const int fd = kit.accept();
    kit.send(fd, http_request("GET /"));
    kit.send(fd, std::string(9000, 'x'));
    kit.turn(3);
    CHECK(kit.page->ends == std::vector{HttpEnd::aborted});
    CHECK(kit.shard.metrics().inputs_given_up == 1);
}
