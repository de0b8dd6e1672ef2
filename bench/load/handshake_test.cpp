#include "handshake.hpp"

#include <arpa/inet.h>
#include <chrono>
#include <doctest/doctest.h>
#include <string>

#include "io.hpp"
#include "sources.hpp"
#include "url.hpp"

using namespace ringcast::bench;

namespace {

std::string response(const std::string& status, const std::string& headers) {
    return "HTTP/1.1 " + status + "\r\n" + headers + "\r\n";
}

const std::string good_headers =
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
    "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

}  // namespace

TEST_CASE("a URL is taken apart without looking anything up") {
    const auto url = parse_url("ws://127.0.0.5:9001/echo?x=1");
    REQUIRE(url.has_value());
    CHECK(url->authority == "127.0.0.5:9001");
    CHECK(url->path == "/echo?x=1");
    CHECK(ntohs(url->address.sin_port) == 9001);
    CHECK(ntohl(url->address.sin_addr.s_addr) == 0x7f000005);
    CHECK(url->is_loopback());
    CHECK(parse_url("ws://localhost:1")->path == "/");
    CHECK(ntohs(parse_url("ws://10.0.0.1/")->address.sin_port) == 80);
    CHECK_FALSE(parse_url("ws://10.0.0.1/")->is_loopback());
    CHECK_FALSE(url->is_secure);
    CHECK(parse_url("wss://10.0.0.1/")->is_secure);
    CHECK(ntohs(parse_url("wss://10.0.0.1/")->address.sin_port) == 443);
}

TEST_CASE("a URL that is not an IPv4 ws address is refused") {
    for (const char* text : {"", "http://127.0.0.1/", "wss:127.0.0.1/", "ws://example.org/",
                             "ws://[::1]:80/", "ws://127.0.0.1:0/", "ws://127.0.0.1:65536/",
                             "ws://127.0.0.1:/", "ws://127.0.0.1:8x/", "ws://:80/"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_url(text).has_value());
    }
}

TEST_CASE(
    "the right answer to the upgrade is accepted, whatever the case and space of its headers") {
    CHECK(check_upgrade_response(response("101 Switching Protocols", good_headers)).has_value());
    CHECK(
        check_upgrade_response(
            response("101 x",
                     "upgrade:WebSocket\r\nX: y\r\nCONNECTION:\t upgrade \r\nsec-websocket-accept: "
                     "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
            .has_value());
}

TEST_CASE("Upgrade may be one of several options of the connection, in one field or in several") {
    const auto accepts = [](const std::string& fields) {
        const std::string headers = "Upgrade: websocket\r\n" + fields +
                                    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
        return check_upgrade_response(response("101 x", headers)).has_value();
    };
    CHECK(accepts("Connection: keep-alive, Upgrade\r\n"));
    CHECK(accepts("Connection: uPGRADE ,keep-alive\r\n"));
    CHECK(accepts("Connection: keep-alive\r\nConnection: , upgrade\r\n"));
    CHECK_FALSE(accepts("Connection: keep-alive\r\n"));
    CHECK_FALSE(accepts("Connection: keep-alive, no-upgrade\r\n"));
    CHECK_FALSE(accepts("Connection: keep-alive Upgrade\r\n"));
}

TEST_CASE("any other answer to the upgrade is refused by name") {
    const std::string chosen =
        response("101 Switching Protocols", good_headers + "Sec-WebSocket-Protocol: chat\r\n");
    CHECK(check_upgrade_response(chosen, Compression::off, "chat").has_value());
    CHECK_FALSE(check_upgrade_response(chosen, Compression::off, "talk").has_value());
    CHECK_FALSE(check_upgrade_response(chosen).has_value());
    const auto refused = check_upgrade_response(response("404 Not Found", good_headers));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().message == "the server refused the upgrade: 'HTTP/1.1 404 Not Found'");
    CHECK_FALSE(check_upgrade_response("HTTP/1.0 101 x\r\n" + good_headers + "\r\n").has_value());
    for (const char* missing : {"Upgrade: websocket\r\n", "Connection: Upgrade\r\n",
                                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"}) {
        CAPTURE(missing);
        std::string headers = good_headers;
        headers.erase(headers.find(missing), std::string(missing).size());
        CHECK_FALSE(check_upgrade_response(response("101 x", headers)).has_value());
    }
    std::string wrong_accept = good_headers;
    wrong_accept[wrong_accept.size() - 4] = 'p';
    CHECK_FALSE(check_upgrade_response(response("101 x", wrong_accept)).has_value());
}

TEST_CASE("a socket that io_uring does not take is not called a server that does not answer") {
    const Url url = *parse_url("ws://127.0.0.1:1/");
    const auto io = Io::create(url, 1);
    if (!io) return;  // A container may forbid io_uring.
    Sources sources = *Sources::create({}, url);
    Opener opener(**io, url, sources);
    constexpr int no_socket = 1 << 20;
    (*io)->open(0, no_socket, url.address, "");
    const auto events = (*io)->turn(std::chrono::seconds(5));
    REQUIRE(events.has_value());
    REQUIRE_FALSE(events->empty());
    const auto opened = opener.advance(events->front(), 0);
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().message == "cannot hand a socket to io_uring: Bad file descriptor");
}

TEST_CASE("compression has to be agreed on exactly if it was offered") {
    const auto agrees = [](const std::string& extensions, Compression offered) {
        const std::string field =
            extensions.empty() ? "" : "Sec-WebSocket-Extensions: " + extensions + "\r\n";
        return check_upgrade_response(response("101 x", good_headers + field), offered).has_value();
    };
    CHECK(agrees("permessage-deflate", Compression::dedicated));
    CHECK(agrees("permessage-deflate; server_no_context_takeover", Compression::shared));
    CHECK_FALSE(agrees("permessage-deflate", Compression::shared));
    CHECK_FALSE(agrees("permessage-deflate", Compression::off));
    CHECK_FALSE(agrees("", Compression::shared));
    CHECK_FALSE(agrees("", Compression::dedicated));
}
