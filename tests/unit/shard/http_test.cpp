// Plain HTTP beside WebSocket: which of the two answers, bodies, and what is refused.

#include <cerrno>
#include <doctest/doctest.h>
#include <string>

#include "unit/shard/http_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;
using namespace std::chrono_literals;

TEST_CASE("a plain request that is the last is answered, and then the connection ends in order") {
    HttpKit kit;
    const int fd = kit.accept();
    kit.send(fd, http_request("GET /", "Connection: close\r\n"));
    const auto response = kit.take_response(fd);
    CHECK(response.status == 200);
    CHECK(response.body == "GET / ");
    CHECK(response.field("connection") == "close");
    CHECK(response.field("content-type") == "text/plain; charset=utf-8");
    kit.turn();
    CHECK(kit.ring.socket(fd).sending_shut);
    CHECK_FALSE(kit.ring.socket(fd).closed);
    kit.send(fd, http_request("GET /"));  // Nobody reads that.
    CHECK(kit.page->requests_count == 1);
    CHECK(kit.ends(fd));
    CHECK(kit.shard.metrics().http_requests == 1);
    CHECK(kit.shard.metrics().handshakes_refused == 0);
}

TEST_CASE("an answer says when it was made, where there is a clock") {
    CHECK(HttpKit{}.ask(http_request("GET /")).field("date") == std::nullopt);
    HttpKit kit{{.wall_clock = []() noexcept -> http::UnixSeconds { return 784'111'777; }}};
    const std::string date = "Sun, 06 Nov 1994 08:49:37 GMT";
    for (const std::string& request :
         {http_request("GET /"), http_request("GET /nothing"), http_request("OPTIONS /"),
          http_request("BREW /"), post_of("/publish/a", "x"), std::string{"\r\nx\r\n\r\n"},
          encode(test::UpgradeRequest{.version = "8"}), encode(test::UpgradeRequest{.key = "x"})}) {
        CAPTURE(request);
        CHECK(kit.ask(request).field("date") == date);
    }
    CHECK(kit.ask(encode(test::UpgradeRequest{})).field("date") == std::nullopt);
}

TEST_CASE("HEAD is GET without the body") {
    HttpKit kit;
    const auto response = kit.ask(http_request("HEAD /"));
    CHECK(response.status == 200);
    CHECK(response.field("content-length") == "7");
    CHECK(response.body == "");
}

TEST_CASE("no answer to HEAD has a body, however early it is refused") {
    const Settings settings{
        .head = {.head_bytes_max = 512, .target_bytes_max = 128, .fields_max = 8}};
    const std::string long_text(600, 'a');
    std::string many_fields;
    for (int i = 0; i < 8; ++i) many_fields += "X: y\r\n";
    const struct {
        int status;
        std::string request;
    } cases[] = {
        {400, http_request("HEAD /", "Transfer-Encoding: chunked\r\n", "zz\r\n")},
        {413, http_request("HEAD /", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n")},
        {413, http_request("HEAD /", "Content-Length: 5\r\n", "hello")},
        {417, http_request("HEAD /", "Expect: a miracle\r\n")},
        {400, http_request("HEAD /", "no field\r\n")},
        {400, http_request("\r\nHEAD /", "no field\r\n")},
        {400, "HEAD /\n"},
        {400, "HEAD nowhere HTTP/1.1\r\nHost: a\r\n\r\n"},
        {505, "HEAD / HTTP/3.0\r\nHost: a\r\n\r\n"},
        {414, http_request("HEAD /" + long_text)},
        {431, http_request("HEAD /", "X: " + long_text + "\r\n")},
        {431, http_request("HEAD /", many_fields)},
        {404, http_request("HEAD /nowhere")},
        {408, "HEAD / HTTP/1.1\r\nHost:"},
        {408, http_request("HEAD /", "Transfer-Encoding: chunked\r\n", "5")},
    };
    for (const auto& each : cases) {
        CAPTURE(each.request);
        for (const std::size_t piece_bytes : {std::size_t{1}, std::size_t{1000}}) {
            CAPTURE(piece_bytes);
            HttpKit kit{settings};
            const int fd = kit.accept();
            for (std::size_t at = 0; at < each.request.size(); at += piece_bytes)
                kit.ring.deliver(fd, std::string_view{each.request}.substr(at, piece_bytes));
            kit.turn(3);
            if (each.status == 408) kit.pass(settings.handshake_timeout);
            const auto response = kit.take_response(fd, true);
            CHECK(response.status == each.status);
            CHECK(response.field("content-length") != "0");
        }
    }
}

TEST_CASE("a HEAD under way at a shutdown is answered without a body") {
    HttpKit kit;
    const int fd = kit.accept();
    kit.send(fd, "HEAD / HT");
    kit.shard.begin_shutdown(CloseCode::going_away);
    kit.turn(2);
    CHECK(kit.take_response(fd, true).status == 503);
}

TEST_CASE("what only begins like HEAD is answered with a body") {
    for (const std::string request : {"HEADER / HTTP/1.1\r\n\r\n", "HEAD\n",
                                      "GET / HTTP/3.0\r\n\r\n", "head / HTTP/3.0\r\n\r\n"}) {
        CAPTURE(request);
        HttpKit kit;
        const int fd = kit.accept();
        kit.send(fd, request);
        CHECK(kit.take_response(fd).body != "");
    }
}

TEST_CASE("where page and WebSocket share a path, a request for an upgrade goes to the session") {
    HttpKit kit;
    CHECK(kit.ask(http_request("GET /echo")).body == "GET /echo ");
    CHECK(kit.ask(http_request("GET /echo", "Upgrade: h2c\r\n")).status == 200);
    CHECK(kit.ask(encode(test::UpgradeRequest{})).status == 101);
    CHECK(kit.echo->opened_count == 1);
    // Once it asks for an upgrade, it has to be a proper one.
    CHECK(kit.ask(encode(test::UpgradeRequest{.key = "short"})).status == 400);
    CHECK(kit.ask(encode(test::UpgradeRequest{.method = "POST"})).status == 405);
}

TEST_CASE("where there is only a page, the wish for an upgrade is ignored") {
    HttpKit kit;
    CHECK(kit.ask(encode(test::UpgradeRequest{.target = "/"})).status == 200);
}

TEST_CASE("what is refused has its status, and the method that would do") {
    struct {
        std::string request;
        int from;
        int status;
        const char* allow;
    } const cases[] = {
        {http_request("GET /nothing"), HttpKit::listener, 404, ""},
        {post_of("/", "x"), HttpKit::listener, 405, "GET, HEAD, OPTIONS"},
        {http_request("DELETE /"), HttpKit::listener, 405, "GET, HEAD, OPTIONS"},
        {http_request("BREW /"), HttpKit::listener, 405, "GET, HEAD, OPTIONS"},
        {http_request("GET /publish/a"), HttpKit::admin_listener, 405, "POST, OPTIONS"},
        {http_request("HEAD /publish/a"), HttpKit::admin_listener, 405, "POST, OPTIONS"},
        {http_request("POST /publish/a"), HttpKit::admin_listener, 411, ""},
        {http_request("POST /publish/a", "Transfer-Encoding: chunked\r\n", "x\r\n"),
         HttpKit::admin_listener, 400, ""},
        {http_request("POST /publish/a", "Transfer-Encoding: chunked\r\n", "186a1\r\n"),
         HttpKit::admin_listener, 413, ""},
        {http_request("GET /metrics", "Transfer-Encoding: chunked\r\n", "1\r\n"),
         HttpKit::admin_listener, 413, ""},
        {http_request("POST /publish/a", "Transfer-Encoding: gzip\r\n"), HttpKit::admin_listener,
         501, ""},
        {http_request("POST /publish/a", "Content-Length: 100001\r\n"), HttpKit::admin_listener,
         413, ""},
        {http_request("POST /publish/a", "Content-Length: 1\r\nExpect: tea\r\n"),
         HttpKit::admin_listener, 417, ""},
        {http_request("GET /metrics", "Content-Length: 1\r\n"), HttpKit::admin_listener, 413, ""},
        {http_request("POST /publish/%zz", "Content-Length: 1\r\n"), HttpKit::admin_listener, 400,
         ""},
        {http_request("POST /publish/a%00b", "Content-Length: 1\r\n"), HttpKit::admin_listener, 400,
         ""},
    };
    HttpKit kit;
    for (const auto& [request, from, status, allow] : cases) {
        CAPTURE(request);
        const auto response = kit.ask(request, from);
        CHECK(response.status == status);
        CHECK(response.field("allow").value_or("") == allow);
    }
    CHECK(kit.page->requests_count + kit.publish->requests_count + kit.metrics->requests_count ==
          0);
}

TEST_CASE("OPTIONS says which methods there are, and the connection stays") {
    HttpKit kit;
    const int fd = kit.accept(HttpKit::admin_listener);
    struct {
        const char* target;
        const char* allow;
    } const cases[] = {{"/metrics", "GET, HEAD, OPTIONS"},
                       {"/publish/a", "POST, OPTIONS"},
                       {"*", "GET, HEAD, POST, OPTIONS"}};
    for (const auto& [target, allow] : cases) {
        CAPTURE(target);
        kit.send(fd, http_request("OPTIONS " + std::string{target}));
        const auto response = kit.take_response(fd);
        CHECK(response.status == 204);
        CHECK(response.field("allow") == allow);
        CHECK_FALSE(response.field("content-length").has_value());
    }
    kit.send(fd, http_request("OPTIONS /nothing"));
    CHECK(kit.take_response(fd).status == 404);
    CHECK_FALSE(kit.ring.socket(fd).sending_shut);
}

TEST_CASE("chunks become one body, however they are cut, and the next request follows") {
    const std::string chunked =
        http_request("POST /publish/a", "Transfer-Encoding: chunked\r\n",
                     "3\r\nabc\r\n00A;x=\"\\\"\";y\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n");
    const std::string stream = chunked + post_of("/publish/b", "next");
    for (std::size_t cut = 0; cut < stream.size(); ++cut) {
        CAPTURE(cut);
        HttpKit kit;
        const int fd = kit.accept(HttpKit::admin_listener);
        if (cut > 0) kit.send(fd, stream.substr(0, cut));
        kit.send(fd, stream.substr(cut));
        test::ServerReader reader;
        reader.feed(kit.ring.socket(fd).output);
        CHECK(reader.next_response()->body == "POST /publish/a topic=a abc0123456789");
        CHECK(reader.next_response()->body == "POST /publish/b topic=b next");
        CHECK(reader.unread().empty());
    }
}

TEST_CASE("trailer fields count as part of the head") {
    const auto status_with = [](std::uint32_t head_bytes_max, std::size_t trailer_bytes) {
        HttpKit kit{{.head = {.head_bytes_max = head_bytes_max}}};
        const std::string request =
            http_request("POST /publish/a", "Transfer-Encoding: chunked\r\n",
                         "0\r\nX: " + std::string(trailer_bytes, 'x') + "\r\n\r\n");
        return kit.ask(request, HttpKit::admin_listener).status;
    };
    CHECK(status_with(1000, 500) == 200);
    CHECK(status_with(1000, 1000) == 431);
    CHECK(status_with(16 << 10, 10'000) == 200);
}

TEST_CASE("a body is the same in one piece with its head, apart from it, and octet by octet") {
    HttpKit kit;
    const std::string body = "{\"price\":42}";
    const std::string request = post_of("/publish/stocks/acme", body);
    const std::string expected = "POST /publish/stocks/acme topic=stocks/acme " + body;
    CHECK(kit.ask(request + "GET / HTTP/1.1\r\n", HttpKit::admin_listener).body == expected);

    const int apart = kit.accept(HttpKit::admin_listener);
    kit.send(apart, request.substr(0, request.size() - body.size()));
    CHECK(kit.ring.socket(apart).output.empty());
    kit.send(apart, body);
    CHECK(kit.take_response(apart).body == expected);

    const int slow = kit.accept(HttpKit::admin_listener);
    for (const char octet : request) kit.ring.deliver(slow, {&octet, 1});
    kit.turn(2);
    CHECK(kit.take_response(slow).body == expected);
    CHECK(kit.ends(slow));
    CHECK(kit.publish->requests_count == 3);
}

TEST_CASE("a client that waits for 100 is told to go on, or why not") {
    HttpKit kit;
    const std::string lines = "Content-Length: 5\r\nExpect: 100-continue\r\n";
    const int fd = kit.accept(HttpKit::admin_listener);
    kit.send(fd, http_request("POST /publish/a", lines));
    CHECK(std::exchange(kit.ring.socket(fd).output, {}) == "HTTP/1.1 100 Continue\r\n\r\n");
    kit.send(fd, "hello");
    CHECK(kit.take_response(fd).body == "POST /publish/a topic=a hello");

    const int chunks = kit.accept(HttpKit::admin_listener);
    kit.send(chunks, http_request("POST /publish/a",
                                  "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n"));
    CHECK(std::exchange(kit.ring.socket(chunks).output, {}) == "HTTP/1.1 100 Continue\r\n\r\n");
    kit.send(chunks, "5\r\nhello\r\n0\r\n\r\n");
    CHECK(kit.take_response(chunks).body == "POST /publish/a topic=a hello");

    // No 100 for what is there already, nor before a refusal.
    CHECK(
        kit.ask(http_request("POST /publish/a", lines, "hello"), HttpKit::admin_listener).status ==
        200);
    CHECK(kit.ask(http_request("POST /", lines)).status == 405);
    CHECK(kit.ask(http_request("POST /publish/a",
                               "Content-Length: 100001\r\nExpect: 100-continue\r\n"),
                  HttpKit::admin_listener)
              .status == 413);
}

TEST_CASE("the answer waits behind a 100 that the client has not read") {
    HttpKit kit;
    const int fd = kit.accept(HttpKit::admin_listener);
    kit.ring.socket(fd).room = 3;
    kit.send(fd, http_request("POST /publish/a", "Content-Length: 5\r\nExpect: 100-continue\r\n"));
    CHECK(kit.ring.socket(fd).output == "HTT");
    kit.send(fd, "hello");
    CHECK(kit.publish->requests_count == 1);
    kit.ring.give_room(fd, test::FakeRing::unlimited);
    kit.turn(4);
    std::string& output = kit.ring.socket(fd).output;
    CHECK(output.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"));
    CHECK(output.ends_with("hello"));
}

TEST_CASE("a large answer arrives whole, whatever the client's pace") {
    HttpKit kit;
    std::string text;
    for (int i = 0; i < 400'000; ++i) text += std::to_string(i) + "\n";
    kit.metrics->answered = [&] { return HttpAnswer{.body = text}; };
    CHECK(kit.ask(http_request("GET /metrics"), HttpKit::admin_listener).body == text);

    const int slow = kit.accept(HttpKit::admin_listener);
    kit.ring.socket(slow).room = 1000;
    kit.send(slow, http_request("GET /metrics"));
    for (std::size_t sent = 0; sent < text.size(); sent += 100'000) {
        kit.pass(3s);  // Less than close_timeout each: slow is not dead.
        kit.ring.give_room(slow, 100'000);
        kit.turn(2);
    }
    kit.ring.give_room(slow, test::FakeRing::unlimited);
    kit.turn(100);
    CHECK(kit.take_response(slow).body == text);
    CHECK(kit.ends(slow));
}

TEST_CASE("answers that clients leave unread take no more than the memory for messages") {
    Settings settings;
    settings.pool_bytes_max = 1 << 20;
    HttpKit kit{settings};
    kit.page->answered = [] { return HttpAnswer{.body = std::string(400'000, 'x')}; };
    kit.metrics->answered = kit.page->answered;
    for (int i = 0; i < 2; ++i) {
        const int fd = kit.accept();
        kit.ring.socket(fd).room = 0;
        kit.send(fd, http_request("GET /"));
    }
    CHECK(kit.ask(http_request("GET /")).status == 503);
    CHECK(kit.ask(http_request("GET /metrics"), HttpKit::admin_listener).status == 200);
}

TEST_CASE("bodies under way take no more than the memory for messages") {
    Settings settings;
    settings.pool_bytes_max = 100'000;
    HttpKit kit{settings};
    const std::string request = post_of("/publish/a", std::string(60'000, 'x'));
    const int first = kit.accept(HttpKit::admin_listener);
    const int second = kit.accept(HttpKit::admin_listener);
    kit.send(first, request.substr(0, 50'000));
    kit.send(second, request.substr(0, 100));
    kit.send(second, request.substr(100, 49'900));
    CHECK(kit.take_response(second).status == 503);
    CHECK(kit.shard.pool().bytes_in_use() <= settings.pool_bytes_max);
    kit.send(first, request.substr(50'000));
    CHECK(kit.take_response(first).status == 200);
}

TEST_CASE("a body that does not come is answered with 408 in time") {
    HttpKit kit;
    const std::string request = post_of("/publish/a", "hello");
    const int fd = kit.accept(HttpKit::admin_listener);
    kit.send(fd, request.substr(0, request.size() - 5));
    kit.pass(5s);
    kit.send(fd, "hell");  // A slow drip does not buy time.
    kit.pass(5s + 10ms);
    CHECK(kit.take_response(fd).status == 408);
    CHECK(kit.ends(fd));
    CHECK(kit.publish->requests_count == 0);
}

TEST_CASE("a client that goes away before its body has come is forgotten") {
    HttpKit kit;
    const std::string request = post_of("/publish/a", "hello");
    for (const int result : {0, -ECONNRESET}) {
        const int fd = kit.accept(HttpKit::admin_listener);
        kit.send(fd, request.substr(0, request.size() - 1));
        kit.ring.finish_recv(fd, result);
        kit.turn(3);
        CHECK(kit.ring.socket(fd).closed);
    }
    CHECK(kit.publish->requests_count == 0);
    CHECK(kit.shard.pool().blocks_in_use() == 0);
}

TEST_CASE("a shutdown answers what is under way with 503") {
    HttpKit kit;
    const int fd = kit.accept();
    kit.send(fd, "GET / HTTP/1.1\r\n");
    kit.shard.begin_shutdown(CloseCode::going_away);
    kit.turn();
    CHECK(kit.take_response(fd).status == 503);
}
