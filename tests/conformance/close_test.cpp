// The closing handshake (RFC 6455 sections 5.5.1, 7.1 and 7.4): the suite's group 7, and who closes
// what when, which no suite checks.

#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "conformance/conformance_kit.hpp"

using namespace ringcast;
using namespace ringcast::conformance;
using test::close_frame;
using test::continuation_frame;
using test::ping_frame;
using test::text_frame;

namespace {

std::string close_frame_with(std::string payload) {
    return encode(ClientFrame{.opcode = test::opcode_close, .payload = std::move(payload)});
}

/// Closes with the code and reason that it is told: `4000 because`.
struct Closer {
    void on_message(Session<>& session, Message message) {
        const std::string text{message.payload};
        session.send("closing");
        session.close(static_cast<CloseCode>(std::stoi(text)), text.substr(text.find(' ') + 1));
        CHECK(session.send("too late") == SendStatus::closed);
    }
};

struct ClosingServer {
    explicit ClosingServer(const Settings& with = sockets::settings()) : server{with} {
        server.mount<Closer>("/echo");
        REQUIRE(server.start().has_value());
        url = server.addresses().at(0);
    }
    [[nodiscard]] Client told(const std::string& what) const {
        Client client = connect(url);
        client.open();
        client.write(text_frame(what));
        CHECK(client.message() == "closing");
        return client;
    }
    Server server;
    std::string url;
};

}  // namespace

TEST_CASE("7.1: nothing counts after a Close") {
    judge_all({
        {"7.1.1 message, Close",
         {text_frame("Hello"), close_frame(1000)},
         {text_message("Hello")},
         1000},
        {"7.1.2 two Closes", {close_frame(1000), close_frame(1001)}, {}, 1000},
        {"7.1.3 ping after it", {close_frame(1000), ping_frame()}, {}, 1000},
        {"7.1.4 text after it", {close_frame(1000), text_frame("not this")}, {}, 1000},
        {"7.1.5 inside a message",
         {text_frame("fragment1", false), close_frame(1000), continuation_frame("fragment2", true)},
         {},
         1000},
        {"a violation after it", {close_frame(1000), "\xff\xff\xff\xff"}, {}, 1000},
    });
}

TEST_CASE("7.1.6: 256 KiB, a Close and a ping behind it") {
    Settings with = sockets::settings();
    with.message_bytes_max = 256_KiB;
    const EchoServer server{with};
    const std::string large = text_payload(256_KiB, 1);
    const Row row{
        "7.1.6", {text_frame(large), close_frame(1000), ping_frame()}, {text_message(large)}, 1000};
    for (const Chopping chopping : {Chopping::whole, Chopping::frames})
        judge(server, row, chopping);
}

TEST_CASE("7.3: payloads of 0 to 126 octets") {
    const std::string reason(123, '*');
    judge_all({
        {"7.3.1 none", {close_frame_with("")}, {}, no_code},
        {"7.3.2 one octet", {close_frame_with("a")}, {}, protocol_error},
        {"7.3.3 code", {close_frame(1000)}, {}, 1000},
        {"7.3.4 code and reason", {close_frame(1000, "Hello World!")}, {}, 1000},
        {"7.3.5 longest reason", {close_frame(1000, reason)}, {}, 1000},
        {"7.3.6 reason too long", {close_frame(1000, reason + "*")}, {}, protocol_error},
    });
}

TEST_CASE("7.5: a reason has to be UTF-8, and whole") {
    judge_all({
        {"7.5.1",
         {close_frame(1000,
                      "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80"
                      "edited")},
         {},
         invalid_payload},
        {"cut", {close_frame(1000, "abc\xe2\x82")}, {}, invalid_payload},
        {"code wrong, too", {close_frame(999, "\xff")}, {}, protocol_error},
        {"valid", {close_frame(1000, "\xe2\x82\xac\xf0\x9f\x98\x80")}, {}, 1000},
    });
}

TEST_CASE("7.7, 7.9, 7.13: each code there is comes back, or is refused") {
    const EchoServer server;
    for (int code = 0; code <= 65'535; code = code == 5001 ? 65'535 : code + 1) {
        const bool is_valid = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
                              (code >= 3000 && code <= 4999);
        // Around every edge; and between, a sample.
        const bool is_near_an_edge = code < 20 || (code >= 980 && code < 1120) || code % 500 < 2 ||
                                     code % 500 == 499 || code % 97 == 0 || code > 4990;
        if (!is_near_an_edge) continue;
        CAPTURE(code);
        Client client = opened(server);
        client.write(close_frame(static_cast<std::uint16_t>(code), "bye") + ping_frame());
        CHECK(client.close_code() == (is_valid ? code : protocol_error));
        client.expect_end();
    }
}

TEST_CASE("our Close has the client's code, and no reason of its own") {
    const EchoServer server;
    Client client = opened(server);
    client.write(close_frame(4321, "bye"));
    CHECK(client.frame().payload == test::close_payload(4321));
    client.expect_end();
}

TEST_CASE("a failing Close tells what was wrong, in UTF-8 that fits") {
    const EchoServer server;
    for (const std::string& frame : {encode(ClientFrame{.opcode = 3}), text_frame("\xff"),
                                     encode(ClientFrame{.announced_bytes = 1 << 30})}) {
        Client client = opened(server);
        client.write(frame);
        const std::string payload = client.frame().payload;
        CHECK(payload.size() > 2);
        CHECK(payload.size() <= 125);
        client.expect_end();
    }
}

TEST_CASE("a client that ends its stream without a Close still gets what it is owed") {
    const EchoServer server;
    for (const bool inside_a_message : {false, true}) {
        Client client = opened(server);
        const std::string payload = binary_payload(60'000);
        client.write(test::binary_frame(payload));
        if (inside_a_message) client.write(text_frame("begun", false));
        client.shut_sending();
        check_same(client.message(test::opcode_binary), payload);
        client.expect_end();
    }
}

TEST_CASE("a client that sends its Close and ends its stream at once is answered") {
    const EchoServer server;
    Client client = opened(server);
    client.write(text_frame("last") + close_frame(4000));
    client.shut_sending();
    CHECK(client.message() == "last");
    CHECK(client.close_code() == 4000);
    client.expect_end();
}

TEST_CASE("a handler closes with a code and a reason, behind what it has sent") {
    const ClosingServer server;
    for (const int code : {1000, 1001, 1008, 1011, 1012, 1013, 1014, 3000, 4999}) {
        CAPTURE(code);
        Client client = server.told(std::to_string(code) + " because \xe2\x82\xac");
        const ServerFrame close = client.frame();
        CHECK(int{close.opcode} == int{test::opcode_close});
        CHECK(close.payload ==
              test::close_payload(static_cast<std::uint16_t>(code), "because \xe2\x82\xac"));
        // The server waits for ours, and looks at nothing else meanwhile.
        client.write(text_frame("ignored") + ping_frame() + close_frame(1000));
        client.expect_end();
    }
}

TEST_CASE("codes that only a program may see are not on the wire") {
    const ClosingServer server;
    for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000}) {
        CAPTURE(code);
        Client client = server.told(std::to_string(code) + " because");
        CHECK(client.frame().payload == "");
        client.write(test::close_frame_without_code());
        client.expect_end();
    }
}

TEST_CASE("reasons are cut to 123 octets, between characters") {
    const ClosingServer server;
    std::string reason = "ab";
    for (int i = 0; i < 50; ++i) reason += "\xe2\x82\xac";
    Client client = server.told("4000 " + reason);
    CHECK(client.frame().payload == test::close_payload(4000, reason.substr(0, 2 + 40 * 3)));
    client.write(close_frame(4000));
    client.expect_end();
}

TEST_CASE("a client that does not answer our Close is left after close_timeout") {
    Settings with = sockets::settings();
    with.close_timeout = std::chrono::milliseconds{50};
    const ClosingServer server{with};
    Client client = server.told("4000 because");
    CHECK(client.close_code() == 4000);
    client.expect_left();
}

TEST_CASE("a client that fails and does not end its stream is left after close_timeout") {
    Settings with = sockets::settings();
    with.close_timeout = std::chrono::milliseconds{50};
    const EchoServer server{with};
    for (const std::string& frame : {encode(ClientFrame{.opcode = 3}), close_frame(1000)}) {
        Client client = opened(server);
        client.write(frame);
        CHECK(client.close_code() >= 1000);
        await([&] { return server.server.stats().connections == 0; });
    }
}

TEST_CASE("a violation after our Close ends the stream without a second one") {
    const ClosingServer server;
    for (const std::string& frame :
         {encode(ClientFrame{.opcode = 3}), text_frame("\xff"), close_frame(999)}) {
        Client client = server.told("4000 because");
        CHECK(client.close_code() == 4000);
        client.write(frame);
        client.expect_end();
    }
}
