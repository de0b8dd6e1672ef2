// What clients must not do, and what they get for it: an HTTP status, or a close code after all
// that is owed. The server lives.

#include <doctest/doctest.h>
#include <string>
#include <string_view>
#include <vector>

#include "sockets/sockets_kit.hpp"

using namespace ringcast;
using namespace ringcast::sockets;
using test::ClientFrame;
using test::UpgradeRequest;

namespace {

void expect_alive(const EchoServer& server) {
    SocketClient client = server.opened();
    client.send(test::text_frame("alive"));
    CHECK(client.message() == "alive");
    client.close();
}

/// All Connection fields as one list (RFC 9110 section 5.3).
std::string connection_of(const test::ServerResponse& response) {
    std::string list;
    for (const auto& [name, value] : response.fields) {
        if (name == "connection") list += (list.empty() ? "" : ", ") + value;
    }
    return list;
}

}  // namespace

TEST_CASE("a malformed handshake gets its status, whole or octet by octet") {
    struct {
        std::string what;
        std::string request;
        int status;
        const char* field = "";  // That the answer must have, with this value.
        const char* value = "";
    } const cases[] = {
        {"no path of ours", encode(UpgradeRequest{.target = "/other"}), 404},
        {"a longer path", encode(UpgradeRequest{.target = "/echo/"}), 404},
        {"a dotted path", encode(UpgradeRequest{.target = "/x/../echo"}), 404},
        {"POST", encode(UpgradeRequest{.method = "POST"}), 405, "allow", "GET, HEAD, OPTIONS"},
        {"HEAD", encode(UpgradeRequest{.method = "HEAD"}), 405, "allow", "GET, HEAD, OPTIONS"},
        {"unknown method", encode(UpgradeRequest{.method = "BREW"}), 405, "allow",
         "GET, HEAD, OPTIONS"},
        {"method too long", std::string(40, 'A') + " / HTTP/1.1\r\n\r\n", 501},
        {"no method", "{} / HTTP/1.1\r\n\r\n", 400},
        {"TLS", "\x16\x03\x01\x02\x01\x01", 400},
        {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        {"HTTP/1.0", encode(UpgradeRequest{.http_version = "HTTP/1.0"}), 426},
        {"HTTP/3.0", encode(UpgradeRequest{.http_version = "HTTP/3.0"}), 505},
        {"no version", "GET /echo\r\n\r\n", 400},
        {"target too long", encode(UpgradeRequest{.target = "/" + std::string(9000, 'a')}), 414},
        {"head too large",
         encode(UpgradeRequest{.fields = "A: " + std::string(17'000, 'a') + "\r\n"}), 431},
        {"no upgrade", encode(UpgradeRequest{.upgrade = ""}), 426, "upgrade", "websocket"},
        {"another upgrade", encode(UpgradeRequest{.upgrade = "h2c"}), 426, "upgrade", "websocket"},
        {"no Connection: Upgrade", encode(UpgradeRequest{.connection = "close"}), 400},
        {"no key", encode(UpgradeRequest{.key = ""}), 400},
        {"short key", encode(UpgradeRequest{.key = "dGhlIHNhbXBsZQ=="}), 400},
        {"no base64", encode(UpgradeRequest{.key = "dGhlIHNhbXBsZSBub25jZQ=!"}), 400},
        {"two keys",
         encode(UpgradeRequest{.fields = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"}), 400},
        {"no version of WebSocket", encode(UpgradeRequest{.version = ""}), 400},
        {"an old version", encode(UpgradeRequest{.version = "8"}), 426, "sec-websocket-version",
         "13"},
        {"a future version", encode(UpgradeRequest{.version = "14"}), 426, "sec-websocket-version",
         "13"},
        {"a body", encode(UpgradeRequest{.fields = "Content-Length: 3\r\n"}) + "abc", 400},
        {"no host", encode(UpgradeRequest{.host = ""}), 400},
        {"two hosts", encode(UpgradeRequest{.fields = "Host: other\r\n"}), 400},
        {"a malformed subprotocol", encode(UpgradeRequest{.subprotocols = "a b"}), 400},
        {"another origin", encode(UpgradeRequest{.origin = "http://other.example"}), 403},
        {"a bare LF", "GET /echo HTTP/1.1\nHost: x\n\n", 400},
        {"blank before the colon", encode(UpgradeRequest{.fields = "A : b\r\n"}), 400},
        {"folding", encode(UpgradeRequest{.fields = "A: b\r\n c\r\n"}), 400},
        {"an octet 0", encode(UpgradeRequest{.fields = std::string{"A: \0\r\n", 6}}), 400},
    };
    EchoServer server;
    for (const auto& [what, request, status, field, value] : cases) {
        for (const bool is_slow : {false, true}) {
            if (is_slow && request.size() > 1000) continue;
            CAPTURE(what);
            CAPTURE(is_slow);
            SocketClient client = server.client();
            is_slow ? client.send_slowly(request) : client.send(request);
            const auto response = client.response(request.starts_with("HEAD"));
            CHECK(response.status == status);
            CHECK(connection_of(response) == (status == 426 ? "close, Upgrade" : "close"));
            if (*field != '\0') CHECK(response.field(field) == std::string{value});
            CHECK(client.at_end());
        }
    }
    expect_alive(server);
}

TEST_CASE("a malformed frame gets its close code after every echo owed, whole or octet by octet") {
    struct {
        std::string what;
        std::string frames;
        int code;
    } const cases[] = {
        {"RSV1", encode(ClientFrame{.payload = "x", .reserved_bits = 4}), 1002},
        {"RSV2", encode(ClientFrame{.payload = "x", .reserved_bits = 2}), 1002},
        {"RSV3 in a control frame",
         encode(ClientFrame{.opcode = test::opcode_ping, .reserved_bits = 1}), 1002},
        {"opcode 3", encode(ClientFrame{.opcode = 3}), 1002},
        {"opcode 7", encode(ClientFrame{.opcode = 7}), 1002},
        {"opcode 11", encode(ClientFrame{.opcode = 11}), 1002},
        {"opcode 15", encode(ClientFrame{.opcode = 15}), 1002},
        {"not masked", encode(ClientFrame{.payload = "x", .key = {}}), 1002},
        {"length 5 in two octets",
         encode(ClientFrame{.payload = "hello", .length = ClientFrame::Length::two_octets}), 1002},
        {"length 300 in eight octets",
         encode(ClientFrame{.payload = std::string(300, 'x'),
                            .length = ClientFrame::Length::eight_octets}),
         1002},
        {"top bit of the length",
         encode(ClientFrame{.length = ClientFrame::Length::eight_octets,
                            .announced_bytes = 1ull << 63}),
         1002},
        {"ping in fragments", encode(ClientFrame{.opcode = test::opcode_ping, .fin = false}), 1002},
        {"ping of 126 octets",
         encode(ClientFrame{.opcode = test::opcode_ping, .payload = std::string(126, 'x')}), 1002},
        {"continuation of nothing", test::continuation_frame("x", true), 1002},
        {"continuation after the end",
         test::text_frame("a", false) + test::continuation_frame("b", true) +
             test::continuation_frame("c", true),
         1002},
        {"a message inside another", test::text_frame("a", false) + test::binary_frame("b"), 1002},
        {"Close of one octet", encode(ClientFrame{.opcode = test::opcode_close, .payload = "x"}),
         1002},
        {"Close 0", test::close_frame(0), 1002},
        {"Close 999", test::close_frame(999), 1002},
        {"Close 1004", test::close_frame(1004), 1002},
        {"Close 1005", test::close_frame(1005), 1002},
        {"Close 1006", test::close_frame(1006), 1002},
        {"Close 1015", test::close_frame(1015), 1002},
        {"Close 1016", test::close_frame(1016), 1002},
        {"Close 2999", test::close_frame(2999), 1002},
        {"Close 5000", test::close_frame(5000), 1002},
        {"Close with bad text", test::close_frame(1000, "\xff"), 1007},
        {"bad UTF-8", test::text_frame("\xc3\x28"), 1007},
        {"overlong", test::text_frame("\xc0\xaf"), 1007},
        {"surrogate", test::text_frame("\xed\xa0\x80"), 1007},
        {"beyond Unicode", test::text_frame("\xf4\x90\x80\x80"), 1007},
        {"a cut character", test::text_frame("abc\xe2\x82"), 1007},
        {"a character cut over fragments, then broken",
         test::text_frame("\xe2", false) + test::continuation_frame("\x82", false) +
             test::continuation_frame("x", false),
         1007},
        // At once, long before the frame is complete:
        {"bad UTF-8 at the start of a long frame",
         encode(ClientFrame{.payload = "\xff", .announced_bytes = 60'000}), 1007},
        {"too big, known from the header",
         encode(ClientFrame{.opcode = test::opcode_binary, .announced_bytes = (64 << 10) + 1}),
         1009},
        {"gigantic",
         encode(ClientFrame{.opcode = test::opcode_binary, .announced_bytes = (1ull << 63) - 1}),
         1009},
        {"too big in fragments",
         test::binary_frame(std::string(65'000, 'x'), false) +
             encode(ClientFrame{.opcode = test::opcode_continuation, .announced_bytes = 600}),
         1009},
    };
    EchoServer server;
    std::uint64_t violations = 0, too_big = 0;
    for (const auto& [what, frames, code] : cases) {
        for (const bool is_slow : {false, true}) {
            if (is_slow && frames.size() > 1000) continue;
            CAPTURE(what);
            CAPTURE(is_slow);
            SocketClient client = server.opened();
            const std::string wire =
                test::text_frame("owed") + test::binary_frame(binary_payload(500)) + frames;
            is_slow ? client.send_slowly(wire) : client.send(wire);
            CHECK(client.message() == "owed");
            check_same(client.message(test::opcode_binary), binary_payload(500));
            if (what == "continuation after the end") CHECK(client.message() == "ab");
            CHECK(client.close_code() == code);
            // What still comes is read and dropped, so that no reset destroys our Close.
            client.send(test::text_frame("after"));
            CHECK(client.at_end());
            ++(code == 1009 ? too_big : violations);
        }
    }
    expect_alive(server);
    server.server.stop();
    server.server.wait();
    CHECK(server.server.stats().protocol_errors == violations);
    CHECK(server.server.stats().messages_too_big == too_big);
}
