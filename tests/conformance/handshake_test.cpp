// The opening handshake (RFC 6455 section 4.2, RFC 9112): what is agreed to, what is refused and
// with what, and that it never matters how the octets came.

#include <doctest/doctest.h>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/conformance_kit.hpp"

using namespace ringcast;
using namespace ringcast::conformance;
using namespace std::literals;
using test::ServerResponse;
using test::UpgradeRequest;

namespace {

/// Answers "chosen" if it was offered, and else nothing.
struct Chooser {
    Admission<NoState> on_upgrade(Upgrade& upgrade) {
        upgrade.select_subprotocol("chosen");
        return NoState{};
    }
    void on_message(Session<>& session, Message message) { session.send(message); }
};

}  // namespace

TEST_CASE("the 101, field by field") {
    const EchoServer server;
    Client client = connect(server);
    const ServerResponse response = client.open();
    CHECK(response.status_line == "HTTP/1.1 101 Switching Protocols");
    CHECK(response.field("upgrade") == "websocket");
    CHECK(response.field("connection") == "Upgrade");
    CHECK(list_of(response, "sec-websocket-accept") == std::string{test::sample_accept});
    for (const char* name : {"sec-websocket-extensions", "sec-websocket-protocol", "content-length",
                             "transfer-encoding"}) {
        CAPTURE(name);
        CHECK(response.field(name) == std::nullopt);
    }
    expect_echo(client);
}

TEST_CASE("what a handshake may look like") {
    const EchoServer server;
    const struct {
        const char* name;
        UpgradeRequest request;
    } good[] = {
        {"Connection as a list", {.connection = "keep-alive, Upgrade"}},
        {"Connection as a list without blanks", {.connection = "keep-alive,Upgrade"}},
        {"Connection in lower case", {.connection = "upgrade"}},
        {"Connection with empty elements", {.connection = ", ,UPGRADE, "}},
        {"Connection in two lines",
         {.connection = "keep-alive", .fields = "Connection: Upgrade\r\n"}},
        {"Upgrade in capitals", {.upgrade = "WEBSOCKET"}},
        {"Upgrade as a list", {.upgrade = "h2c, websocket"}},
        {"Upgrade in two lines", {.upgrade = "h2c", .fields = "upgrade: WebSocket\r\n"}},
        {"names in other cases",
         {.key = "",
          .version = "",
          .fields = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nSEC-WEBSOCKET-VERSION:13\r\n"}},
        {"blanks around values", {.version = "", .fields = "Sec-WebSocket-Version: \t 13 \t\r\n"}},
        {"Host with port", {.host = "localhost:9001"}},
        {"Host in brackets", {.host = "[::1]:9001"}},
        {"query", {.target = "/echo?a=1&b=%20/%3f"}},
        {"empty query", {.target = "/echo?"}},
        {"percent-encoded path", {.target = "/%65cho"}},
        {"absolute target", {.target = "http://localhost/echo"}},
        {"same origin", {.host = "example.com:9001", .origin = "http://example.com:9001"}},
        {"same origin, port left out", {.host = "example.com", .origin = "http://example.com"}},
        {"same origin, other case", {.host = "EXAMPLE.com", .origin = "http://example.COM"}},
        {"an extension nobody knows", {.fields = "Sec-WebSocket-Extensions: foo; bar=1\r\n"}},
        {"an empty field", {.fields = "X-Empty:\r\n"}},
        {"an empty line before", {.method = "\r\nGET"}},
        {"a length of 0", {.fields = "Content-Length: 0\r\n"}},
        {"octets beyond ASCII in a value", {.fields = "X-Name: J\xc3\xbcrgen\r\n"}},
    };
    for (const auto& [name, request] : good) {
        for (const Chopping chopping : {Chopping::whole, Chopping::octets}) {
            CAPTURE(name);
            Client client = connect(server);
            write_chopped(client, {encode(request)}, chopping);
            client.opened();
            expect_echo(client);
        }
    }
}

TEST_CASE("what a handshake may not look like") {
    const struct {
        const char* name;
        UpgradeRequest request;
        int status;
        const char* field = "";  ///< That the answer must have, with this value.
        const char* value = "";
    } bad[] = {
        {"POST", {.method = "POST"}, 405, "allow", "GET, HEAD, OPTIONS"},
        {"PUT", {.method = "PUT"}, 405, "allow", "GET, HEAD, OPTIONS"},
        {"get", {.method = "get"}, 405, "allow", "GET, HEAD, OPTIONS"},
        {"HEAD", {.method = "HEAD"}, 405, "allow", "GET, HEAD, OPTIONS"},
        {"HEAD without Upgrade", {.method = "HEAD", .upgrade = ""}, 426, "upgrade", "websocket"},
        {"HTTP/1.0", {.http_version = "HTTP/1.0"}, 426, "upgrade", "websocket"},
        {"HTTP/9.9", {.http_version = "HTTP/9.9"}, 505},
        {"http/1.1", {.http_version = "http/1.1"}, 400},
        {"no Host", {.host = ""}, 400},
        {"two Hosts", {.fields = "Host: localhost\r\n"}, 400},
        {"a Host that is a list", {.host = "a, b"}, 400},
        {"a Host with a user", {.host = "me@localhost"}, 400},
        {"an empty Host", {.host = "", .fields = "Host:\r\n"}, 400},
        {"no Upgrade", {.upgrade = ""}, 426, "upgrade", "websocket"},
        {"another Upgrade", {.upgrade = "h2c"}, 426, "upgrade", "websocket"},
        {"an Upgrade that begins alike", {.upgrade = "websocketx"}, 426, "upgrade", "websocket"},
        {"no Connection", {.connection = ""}, 400},
        {"Connection: close", {.connection = "close"}, 400},
        {"Connection that begins alike", {.connection = "Upgraded, up-grade"}, 400},
        {"version 0", {.version = "0"}, 426, "sec-websocket-version", "13"},
        {"version 8", {.version = "8"}, 426, "sec-websocket-version", "13"},
        {"version 12", {.version = "12"}, 426, "sec-websocket-version", "13"},
        {"version 14", {.version = "14"}, 426, "sec-websocket-version", "13"},
        {"version 130", {.version = "130"}, 426, "sec-websocket-version", "13"},
        {"version 013", {.version = "013"}, 426, "sec-websocket-version", "13"},
        {"version 13, 8", {.version = "13, 8"}, 426, "sec-websocket-version", "13"},
        {"version x", {.version = "x"}, 426, "sec-websocket-version", "13"},
        {"no version", {.version = ""}, 400},
        {"two versions", {.fields = "Sec-WebSocket-Version: 13\r\n"}, 400},
        {"no key", {.key = ""}, 400},
        {"an empty key", {.key = "", .fields = "Sec-WebSocket-Key:\r\n"}, 400},
        {"a key of 15 octets", {.key = "dGhlIHNhbXBsZSBub25j"}, 400},
        {"a key of 17 octets", {.key = "dGhlIHNhbXBsZSBub25jZSE="}, 400},
        {"a key of 24 octets", {.key = "dGhlIHNhbXBsZSBub25jZTEyMzQ1Njc4"}, 400},
        {"a key without padding", {.key = "dGhlIHNhbXBsZSBub25jZQ"}, 400},
        {"a key in base64url", {.key = "dGhlIHNhbXBsZSBub25j-_=="}, 400},
        {"a key with a blank", {.key = "dGhlIHNhbXBs ZSBub25jZQ="}, 400},
        {"a key with stray bits", {.key = "dGhlIHNhbXBsZSBub25jZR=="}, 400},
        {"two keys", {.fields = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"}, 400},
        {"a body", {.fields = "Content-Length: 3\r\n"}, 400},
        {"a chunked body", {.fields = "Transfer-Encoding: chunked\r\n"}, 400},
        {"another origin", {.origin = "http://other.example"}, 403},
        {"another port's origin", {.host = "a.example:9001", .origin = "http://a.example"}, 403},
        {"an opaque origin", {.origin = "null"}, 403},
        {"two origins",
         {.host = "a.example",
          .origin = "http://a.example",
          .fields = "Origin: http://other.example\r\n"},
         403},
        {"an origin that begins alike",
         {.host = "a.example", .origin = "http://a.example.evil"},
         403},
        {"a subprotocol that is no token", {.subprotocols = "a b"}, 400},
        {"a subprotocol twice", {.subprotocols = "a, b, a"}, 400},
        {"a path nobody serves", {.target = "/other"}, 404},
        {"a longer path", {.target = "/echo/"}, 404},
        {"a shorter path", {.target = "/ech"}, 404},
        {"another case", {.target = "/Echo"}, 404},
    };
    const EchoServer server;
    for (const auto& [name, request, status, field, value] : bad) {
        for (const Chopping chopping : {Chopping::whole, Chopping::octets}) {
            CAPTURE(name);
            Client client = connect(server);
            write_chopped(client, {encode(request)}, chopping);
            const ServerResponse response = client.response(request.method == "HEAD");
            CHECK(response.status == status);
            CHECK(response.field("sec-websocket-accept") == std::nullopt);
            if (*field != '\0') CHECK(list_of(response, field) == value);
            if (status == 426) CHECK(list_of(response, "connection").contains("Upgrade"));
            if (says_close(response)) {
                client.expect_end();
            } else {  // Then the connection is as good as before.
                client.open();
                client.close();
            }
        }
    }
}

TEST_CASE("origins that are allowed beside one's own") {
    Settings with = sockets::settings();
    with.allowed_origins = {"https://app.example", "http://*.b.example:8080"};
    const EchoServer server{with};
    const struct {
        const char* origin;
        int status;
    } cases[] = {
        {"https://app.example", 101},      {"https://APP.example:443", 101},
        {"http://x.b.example:8080", 101},  {"http://localhost", 101},  // Its own.
        {"http://app.example", 403},       {"https://app.example:444", 403},
        {"https://app.example.evil", 403}, {"https://sub.app.example", 403},
        {"http://b.example:8080", 403},    {"http://x.y.b.example:8080", 403},
        {"http://x.b.example", 403},       {"null", 403},
    };
    for (const auto& [origin, status] : cases) {
        CAPTURE(origin);
        Client client = connect(server);
        client.write(encode(UpgradeRequest{.origin = origin}));
        CHECK(client.response().status == status);
        if (status == 101) expect_echo(client);
    }
}

TEST_CASE("a subprotocol is one that was offered, and the handler's choice") {
    Server server{sockets::settings()};
    server.mount<Chooser>("/echo");
    REQUIRE(server.start().has_value());
    const struct {
        const char* offered;
        const char* more;
        std::optional<std::string> chosen;
    } cases[] = {
        {"chosen", "", "chosen"},
        {"other, chosen", "", "chosen"},
        {"other ,\tchosen, third", "", "chosen"},
        {"other", "Sec-WebSocket-Protocol: chosen\r\n", "chosen"},
        {"other", "", std::nullopt},
        {"Chosen", "", std::nullopt},
        {"chosenx", "", std::nullopt},
        {"", "", std::nullopt},
    };
    for (const auto& [offered, more, chosen] : cases) {
        CAPTURE(offered);
        Client client = connect(server.addresses().at(0));
        const ServerResponse response = client.open({.subprotocols = offered, .fields = more});
        CHECK(response.field("sec-websocket-protocol") == chosen);
        expect_echo(client);
    }
}

TEST_CASE("frames in the same segment as the request, complete and not") {
    const EchoServer server;
    const std::string frames =
        test::ping_frame("first") + test::text_frame("one") + test::binary_frame("two");
    const std::string wire = encode(UpgradeRequest{}) + frames;
    const std::size_t request_bytes = wire.size() - frames.size();
    for (std::size_t cut = request_bytes; cut <= wire.size(); ++cut) {
        CAPTURE(cut);
        Client client = connect(server);
        client.write(wire.substr(0, cut));
        client.opened();  // So the rest comes later.
        client.write(wire.substr(cut));
        CHECK(client.message(test::opcode_pong) == "first");
        CHECK(client.message() == "one");
        CHECK(client.message(test::opcode_binary) == "two");
        client.close();
    }
    // A violation there is none of the handshake's.
    Client client = connect(server);
    client.write(encode(UpgradeRequest{}) + test::text_frame("one") +
                 encode(ClientFrame{.opcode = 3}));
    client.opened();
    CHECK(client.message() == "one");
    CHECK(client.close_code() == 1002);
    client.expect_end();
}

TEST_CASE("a request cut in two at every octet, and in single octets") {
    const EchoServer server;
    const std::string wire = encode(UpgradeRequest{.connection = "keep-alive, Upgrade",
                                                   .origin = "http://localhost",
                                                   .subprotocols = "a, b",
                                                   .fields = "X-Empty:\r\n"});
    for (std::size_t cut = 1; cut < wire.size(); ++cut) {
        CAPTURE(cut);
        Client client = connect(server);
        client.write(wire.substr(0, cut));
        client.write(wire.substr(cut));
        client.opened();
        client.close();
    }
    Client client = connect(server);
    client.write_in_pieces(wire, 1);
    client.opened();
    expect_echo(client);
}
