// Plain HTTP on connections that stay (RFC 9112 sections 6, 7 and 9): it never matters how the
// octets came, each request ends where it says, and who is slow is left.

#include <doctest/doctest.h>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/http_kit.hpp"

using namespace ringcast;
using namespace ringcast::conformance;
using namespace std::literals;
using test::get;
using test::post;
using test::ServerResponse;

namespace {

const std::string chunked = "Transfer-Encoding: chunked\r\n";

/// Cuts `wire`, which asks for two answers, in two at every octet, and then into single octets. A
/// request in front of it says by its answer that the first part has been read.
void check_cuts(const std::string& listener, const std::string& wire, int first, int second) {
    Client client = connect(listener);
    for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
        CAPTURE(cut);
        client.write(get("") + wire.substr(0, cut));
        CHECK(client.response().status == 200);
        client.write(wire.substr(cut));
        CHECK(client.response().status == first);
        CHECK(client.response().status == second);
    }
    client.write_in_pieces(wire, 1);
    CHECK(client.response().status == first);
    CHECK(client.response().status == second);
    expect_next_answer(client);
}

/// With requests only: sessions and handshakes, which say that all is as ever, have their time.
Settings impatient() {
    Settings with = sockets::settings();
    with.http_request_timeout = with.http_idle_timeout = std::chrono::milliseconds{300};
    return with;
}

}  // namespace

TEST_CASE("a POST and a request behind it, cut in two at every octet and in single octets") {
    const HttpServer server;
    if (server.listeners.size() == 1) return;  // Nobody takes POSTs.
    const std::string content = "seventeen octets.";
    const struct {
        std::string request, content;
    } posts[] = {
        {post("Content-Length: 17\r\n", content), content},
        {post("content-length:\t0017 \r\n", content), content},
        {post("Content-Length: 0\r\n"), ""},
        {post(chunked, "11\r\n" + content + "\r\n0\r\n\r\n"), content},
        {post(chunked,
              "1\r\ns\r\n00f ; a=b;c = \"\\\"0\"\r\neventeen octets\r\n1\r\n.\r\n000\r\n"
              "X: y\r\nContent-Length: 3\r\n\r\n"),
         content},
        {post(chunked, "0\r\n\r\n"), ""},
    };
    Client subscriber = connect(server.clients);
    subscriber.open({.target = "/topics/a"});
    for (const auto& each : posts) {
        CAPTURE(each.request);
        const std::string wire = each.request + get("X: y\r\n");
        check_cuts(server.listeners.back(), wire, 202, 200);
        for (std::size_t i = 0; i < wire.size() + 2; ++i)
            CHECK(subscriber.message() == each.content);
    }
    subscriber.close();
}

TEST_CASE("a request with an empty chunked body and one behind it, cut at every octet") {
    const HttpServer server;
    for (const std::string& listener : server.listeners) {
        CAPTURE(listener);
        for (const std::string& body : {"0\r\n\r\n"s, "00;a=\"b\"\r\nX: y\r\nZ:\r\n\r\n"s}) {
            check_cuts(listener, get(chunked) + body + get("X: y\r\n"), 200, 200);
            check_cuts(listener, get(chunked) + body + "GET /none HTTP/1.1\r\nHost: a\r\n\r\n", 200,
                       404);
        }
    }
}

TEST_CASE("what a request may look like") {
    const HttpServer server;
    const std::string line = "GET /metrics HTTP/1.1\r\n";
    const std::string requests[] = {
        get(""),
        "\r\n" + get(""),
        "\r\n\r\n" + get(""),
        "GET http://a:80/metrics HTTP/1.1\r\nHost: b\r\n\r\n",
        "GET /%6detrics?a=%20&b HTTP/1.1\r\nHost: a\r\n\r\n",
        line + "host:a\r\n\r\n",
        line + "HOST: [::1]:80\r\n\r\n",
        line + "Host: \t a.example:65535\t \r\n\r\n",
        get("Empty:\r\nBlank: \t\r\nColons: a:b:\r\nTabs: a\tb\r\n"),
        get("Octets: \x80\xff\xc3\xa9\r\n"),
        get("!#$%&'*+-.^_`|~0aZ: every character of a token\r\n"),
        get("Content-Length: 0\r\n"),
        get("Content-Length: 00000000000000000000000000000000\r\n"),
        get("Connection: keep-alive\r\n"),
        get("Connection: , ,X\r\nConnection: keep-alive,\r\n"),
        get("Transfer-Encodings: gzip\r\nX-Content-Length: 5\r\n"),
        get("Expect: 100-continue\r\n"),
    };
    for (const std::string& request : requests) {
        CAPTURE(request);
        for (const std::string& listener : server.listeners) {
            for (const Chopping chopping : {Chopping::whole, Chopping::octets}) {
                Client client = connect(listener);
                write_chopped(client, {request}, chopping);
                const ServerResponse response = client.response();
                CHECK(response.status == 200);
                if (says_close(response)) {
                    client.expect_end();
                } else {
                    expect_next_answer(client);
                }
            }
        }
    }
}

TEST_CASE("pipelined requests are answered in order, and an upgrade behind them opens") {
    const HttpServer server;
    Client client = connect(server.clients);
    std::string wire;
    for (int i = 0; i < 100; ++i)
        wire += get("") + "HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n" +
                "GET /none HTTP/1.1\r\nHost: a\r\n\r\n";
    client.write(wire + encode(test::UpgradeRequest{}) + test::text_frame("first"));
    for (int i = 0; i < 100; ++i) {
        CHECK(client.response().body == page_content);
        CHECK(client.response(true).field("content-length") == std::to_string(page_content.size()));
        CHECK(client.response().status == 404);
    }
    client.opened();
    CHECK(client.message() == "first");
    expect_echo(client);
}

TEST_CASE("a truncated body is waited for, and answered with 408 when its time is over") {
    const HttpServer server{impatient()};
    for (const std::string& listener : server.listeners) {
        std::vector<Client> clients;
        const auto send = [&](const std::string& octets) {
            clients.push_back(connect(listener));
            clients.back().write(octets);
        };
        for (const char* body : {"", "0", "0\r", "0\r\n", "0\r\n\r", "0;", "0;a=\"", "0\r\nX",
                                 "0\r\nX:", "0\r\nX: y\r", "0\r\nX: y\r\n", "0\r\nX: y\r\n\r"})
            send(get(chunked) + body);
        if (listener != server.clients) {
            for (const char* body :
                 {"5", "5\r", "5\r\n", "5\r\nhell", "5\r\nhello", "5\r\nhello\r", "5\r\nhello\r\n"})
                send(post(chunked, body));
            send(post("Content-Length: 5\r\n", ""));
            send(post("Content-Length: 5\r\n", "hell"));
        }
        for (Client& client : clients) {
            CHECK(client.response().status == 408);
            client.expect_end();
        }
    }
    CHECK(server.server.stats().publications == 0);
    expect_alive(server);
}

TEST_CASE("a body that comes too slowly has no more time than others, and nobody waits for it") {
    const HttpServer server{impatient()};
    for (const std::string& listener : server.listeners) {
        std::vector<std::string> beginnings{get(chunked) + "0\r\nX: "};
        if (listener != server.clients) beginnings.push_back(post("Content-Length: 50000\r\n"));
        for (const std::string& beginning : beginnings) {
            Client slow = connect(listener);
            slow.write(beginning);
            while (!slow.gets_something_within(std::chrono::milliseconds{5})) slow.write("a");
            CHECK(slow.response().status == 408);
            slow.expect_end();
            expect_alive(server);
        }
    }
}

TEST_CASE("who asks and does not read is left, and nobody waits for it") {
    Settings with = impatient();
    with.http_requests_max = 65'535;  // Or the connection ends in order before.
    const HttpServer server{with};
    const auto check_left = [&](Client deaf, const std::string& wire) {
        const std::uint64_t timeouts = server.server.stats().timeouts;
        // Until there is no room anywhere; far beyond what a kernel has.
        for (int i = 0; i < 1000 && deaf.write_without_reading(wire) == wire.size(); ++i)
            expect_alive(server);
        await([&] { return server.server.stats().timeouts > timeouts; });
        expect_alive(server);
    };
    std::string requests, messages;
    for (int i = 0; i < 2000; ++i) requests += get("");
    for (int i = 0; i < 8; ++i) messages += test::binary_frame(binary_payload(60'000));
    for (const std::string& listener : server.listeners) check_left(connect(listener), requests);
    Client session = connect(server.clients);
    session.open({.target = "/hasty"});
    check_left(std::move(session), messages);
}
