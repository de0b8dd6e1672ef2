#include "ws/handshake.hpp"

#include <doctest/doctest.h>
#include <memory>
#include <string>
#include <vector>

#include "http/request_parser.hpp"
#include "support/ws_client.hpp"

namespace ringcast::ws {

namespace {

using test::UpgradeRequest;

/// A request head parsed from text; the views live as long as this.
class ParsedHead {
public:
    explicit ParsedHead(std::string text) : text_{std::move(text)} {
        std::span<std::byte> input = std::as_writable_bytes(std::span{text_});
        const auto result = parser_.next(input, *storage_, pool_, {});
        REQUIRE(result.found == http::RequestParser::Found::request);
    }
    [[nodiscard]] const http::Request& request() const { return storage_->request; }

private:
    std::string text_;
    BufferPool pool_;
    http::RequestParser parser_;
    std::unique_ptr<http::RequestStorage> storage_ = std::make_unique<http::RequestStorage>();
};

struct BadHandshake {
    UpgradeRequest request;
    int status;
    HandshakeReason reason;
};

std::string numbered_subprotocols(std::size_t count) {
    std::string list = "p0";
    for (std::size_t i = 1; i < count; ++i) list += ",p" + std::to_string(i);
    return list;
}

std::vector<std::string> subprotocols_of(const http::Request& request) {
    std::vector<std::string> subprotocols;
    for_each_subprotocol(request, [&subprotocols](std::string_view subprotocol) {
        subprotocols.emplace_back(subprotocol);
        return true;
    });
    return subprotocols;
}

}  // namespace

TEST_CASE("each violated rule of RFC 6455 section 4.2.1 has its status and reason") {
    using enum HandshakeReason;
    const std::vector<BadHandshake> handshakes = {
        {{.upgrade = ""}, 426, not_an_upgrade},
        {{.upgrade = "h2c"}, 426, not_an_upgrade},
        {{.upgrade = "websockets"}, 426, not_an_upgrade},
        {{.upgrade = "websocket/13"}, 426, not_an_upgrade},
        {{.upgrade = "", .connection = "keep-alive", .key = "", .version = ""},
         426,
         not_an_upgrade},
        {{.method = "POST"}, 405, method_not_get},
        {{.method = "get"}, 405, method_not_get},
        {{.method = "HEAD", .upgrade = ""}, 426, not_an_upgrade},
        {{.method = "HEAD"}, 405, method_not_get},
        {{.http_version = "HTTP/1.0"}, 426, version_too_low},
        {{.connection = ""}, 400, connection_lacks_upgrade},
        {{.connection = "keep-alive"}, 400, connection_lacks_upgrade},
        {{.connection = "Upgraded"}, 400, connection_lacks_upgrade},
        {{.key = ""}, 400, missing_key},
        {{.fields = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"}, 400, repeated_key},
        {{.key = "dGhlIHNhbXBsZSBub25jZQ="}, 400, malformed_key},
        {{.key = "dGhlIHNhbXBsZSBub25jZQ==="}, 400, malformed_key},
        {{.key = "dGhlIHNhbXBsZSBub25jZQAA"}, 400, malformed_key},
        {{.key = "dGhlIHNhbXBsZSBub25jZR=="}, 400, malformed_key},
        {{.key = "dGhlIHNhbXBsZSBub25j-_=="}, 400, malformed_key},
        {{.key = "dGhlIHNhbXBsZSBub25=ZQ=="}, 400, malformed_key},
        {{.key = "dGhlIHNhbXBsZSBu b25jZQ=="}, 400, malformed_key},
        {{.key = "dGhlIHNhbXBsZSBub25jZGUhIQ=="}, 400, malformed_key},
        {{.version = ""}, 400, missing_version},
        {{.fields = "Sec-WebSocket-Version: 13\r\n"}, 400, repeated_version},
        {{.version = "8"}, 426, unsupported_version},
        {{.version = "14"}, 426, unsupported_version},
        {{.version = "013"}, 426, unsupported_version},
        {{.version = "13, 8"}, 426, unsupported_version},
        {{.key = "", .version = "0"}, 426, unsupported_version},
        {{.fields = "Content-Length: 1\r\n"}, 400, has_body},
        {{.fields = "Transfer-Encoding: chunked\r\n"}, 400, has_body},
        {{.subprotocols = "a b"}, 400, malformed_subprotocol},
        {{.subprotocols = "a, b, a"}, 400, malformed_subprotocol},
        {{.subprotocols = "a", .fields = "Sec-WebSocket-Protocol: a\r\n"},
         400,
         malformed_subprotocol},
        {{.subprotocols = "\"a\""}, 400, malformed_subprotocol},
        {{.subprotocols = ","}, 400, malformed_subprotocol},
        {{.fields = "Sec-WebSocket-Protocol:\r\n"}, 400, malformed_subprotocol},
        {{.subprotocols = numbered_subprotocols(subprotocols_max + 1)}, 400, malformed_subprotocol},
    };
    for (const BadHandshake& bad : handshakes) {
        const std::string head = encode(bad.request);
        CAPTURE(head);
        const ParsedHead parsed{head};
        const auto handshake = read_handshake(parsed.request());
        REQUIRE_FALSE(handshake.has_value());
        CHECK(to_string(handshake.error().reason) == to_string(bad.reason));
        CHECK(static_cast<int>(handshake.error().status) == bad.status);
    }
}

TEST_CASE("legal variations of an opening handshake are accepted") {
    const std::vector<UpgradeRequest> requests = {
        {},
        {.upgrade = "WebSocket", .connection = "keep-alive, uPGRADE"},
        {.upgrade = "h2c, websocket"},
        {.connection = "keep-alive", .fields = "Connection: Upgrade\r\n"},
        {.key = "AAAAAAAAAAAAAAAAAAAAAA=="},
        {.key = "/+/+/+/+/+/+/+/+/+/+/w=="},
        {.origin = "https://example.com", .subprotocols = "chat, superchat"},
        {.subprotocols = "a,,b, A"},
        {.subprotocols = numbered_subprotocols(subprotocols_max)},
        {.fields = "Content-Length: 0\r\n"},
    };
    for (const UpgradeRequest& request : requests) {
        const std::string head = encode(request);
        CAPTURE(head);
        const ParsedHead parsed{head};
        const auto handshake = read_handshake(parsed.request());
        REQUIRE(handshake.has_value());
        CHECK(handshake->key == request.key);
    }
}

TEST_CASE("the key's last character has no bits beyond the sixteenth octet") {
    std::string accepted;
    for (int octet = 0x21; octet < 0x7f; ++octet) {
        const char last = static_cast<char>(octet);
        const std::string key = std::string(21, 'A') + last + "==";
        if (read_handshake(ParsedHead{encode(UpgradeRequest{.key = key})}.request()))
            accepted += last;
    }
    CHECK(accepted == "AQgw");
}

TEST_CASE("refusals carry the header lines that their status demands") {
    CHECK(response_fields(HandshakeReason::method_not_get) == "Allow: GET, HEAD, OPTIONS\r\n");
    CHECK(response_fields(HandshakeReason::not_an_upgrade).starts_with("Upgrade: websocket\r\n"));
    CHECK(response_fields(HandshakeReason::version_too_low).starts_with("Upgrade: websocket\r\n"));
    CHECK(response_fields(HandshakeReason::unsupported_version)
              .ends_with("Sec-WebSocket-Version: 13\r\n"));
    CHECK(response_fields(HandshakeReason::malformed_key).empty());
}

TEST_CASE(
    "subprotocols are seen in the client's order over all lines, until the caller has enough") {
    const ParsedHead parsed{encode(UpgradeRequest{
        .subprotocols = "c,  a\t, ,b", .fields = "Accept: x\r\nsec-websocket-protocol: d\r\n"})};
    CHECK(subprotocols_of(parsed.request()) == std::vector<std::string>{"c", "a", "b", "d"});
    int seen = 0;
    for_each_subprotocol(parsed.request(), [&seen](std::string_view) { return ++seen < 2; });
    CHECK(seen == 2);
}

TEST_CASE("the accept value is SHA-1 of key and GUID in base64") {
    const auto value_of = [](std::string_view key) {
        const auto value = accept_value(key);
        return std::string{value.data(), value.size()};
    };
    CHECK(value_of(test::sample_key) == test::sample_accept);
    CHECK(value_of("AAECAwQFBgcICQoLDA0ODw==") == "Bz3qJYTGdOe8gUSpLosEdiLKDrk=");
}

TEST_CASE("the 101 response upgrades, proves the key and names what was agreed") {
    std::string out;
    write_switching_protocols(out, test::sample_key, "chat", "X: y\r\n");
    out += "rest";
    test::ServerReader reader;
    reader.feed(out);
    const auto response = reader.next_response();
    REQUIRE(response.has_value());
    CHECK(response->status == 101);
    CHECK(response->field("upgrade") == "websocket");
    CHECK(response->field("connection") == "Upgrade");
    CHECK(response->field("sec-websocket-accept") == test::sample_accept);
    CHECK(response->field("sec-websocket-protocol") == "chat");
    CHECK(response->field("x") == "y");
    CHECK(reader.unread() == "rest");

    out.clear();
    write_switching_protocols(out, test::sample_key, {});
    CHECK(out.find("Sec-WebSocket-Protocol") == std::string::npos);
    CHECK(out.ends_with("\r\n\r\n"));
}

}  // namespace ringcast::ws
