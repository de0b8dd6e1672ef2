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

TEST_CASE("a URL is taken apart") {
    const auto url = parse_url("ws://127.0.0.5:9001/echo?x=1");
    REQUIRE(url.has_value());
    CHECK(url->authority == "127.0.0.5:9001");
    CHECK(url->path == "/echo?x=1");
    CHECK(url->address.port() == 9001);
    CHECK(url->address.host() == "127.0.0.5");
    CHECK(url->address.is_ipv4_loopback());
    CHECK(parse_url("ws://localhost:1")->path == "/");
    CHECK(parse_url("ws://10.0.0.1/")->address.port() == 80);
    CHECK_FALSE(parse_url("ws://10.0.0.1/")->address.is_ipv4_loopback());
    CHECK_FALSE(url->is_secure);
    CHECK(parse_url("wss://10.0.0.1/")->is_secure);
    CHECK(parse_url("wss://10.0.0.1/")->address.port() == 443);
    CHECK(parse_url("tcp://10.0.0.1:9001")->is_bare);
    CHECK(parse_url("tcp://10.0.0.1:9001")->address.port() == 9001);
    CHECK_FALSE(url->is_bare);
}

TEST_CASE("the host of a URL may be an IPv6 address in brackets, or a name") {
    const auto url = parse_url("ws://[fd00::12]:9001/echo");
    REQUIRE(url.has_value());
    CHECK(url->authority == "[fd00::12]:9001");
    CHECK(url->host == "fd00::12");
    CHECK(url->address.host() == "fd00::12");
    CHECK(url->address.port() == 9001);
    CHECK(parse_url("wss://[::1]")->address.port() == 443);
    CHECK(parse_url("ws://[::1]:9001?x=1/2")->address.port() == 9001);
    CHECK(parse_url("ws://[::1]:9001?x=1/2")->path == "/?x=1/2");
    CHECK(parse_url("ws://[::1]:9001")->path == "/");
    CHECK(parse_url("ws://localhost:1")->address.host() == "127.0.0.1");
    CHECK(parse_url("ws://localhost:1")->host == "localhost");
    const auto unknown = parse_url("ws://no-such-host.invalid/");  // RFC 6761 section 6.4.
    REQUIRE_FALSE(unknown.has_value());
    CHECK(unknown.error().message.starts_with("the host 'no-such-host.invalid' is not known: "));
}

TEST_CASE("a URL that is none is refused") {
    for (const char* text :
         {"", "https://127.0.0.1/", "wss:127.0.0.1/", "ws://[::1/", "ws://::1/", "ws://[::1]x:80/",
          "ws://[127.0.0.1]:80/", "ws://[]:80/", "ws://[::1]:/", "ws://127.0.0.1:0/",
          "ws://127.0.0.1:65536/", "ws://127.0.0.1:/", "ws://127.0.0.1:8x/", "ws://:80/"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_url(text).has_value());
    }
}

TEST_CASE("further fields stand in each request, and none that the handshake has by itself") {
    const std::vector<std::string> fields{"Authorization: Bearer abc", "X-Tag:"};
    Url url = *parse_url("ws://127.0.0.1:1/");
    url.fields = header_lines(fields).value();
    CHECK(upgrade_request(url, "/", Compression::off, "")
              .ends_with("\r\nAuthorization: Bearer abc\r\nX-Tag:\r\n\r\n"));
    for (const char* bad : {"", ":", "Name", ": value", "Na me: x", "Name : x", "A: b\r\nC: d",
                            "host: x", "Sec-WebSocket-Key: x"}) {
        CAPTURE(bad);
        CHECK_FALSE(header_lines(std::vector<std::string>{bad}));
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
    CHECK_FALSE(agrees("permessage-deflatexyz", Compression::dedicated));
    CHECK_FALSE(agrees("permessage-deflate", Compression::off));
    CHECK_FALSE(agrees("", Compression::shared));
    CHECK_FALSE(agrees("", Compression::dedicated));
}
