// The closing handshake from both sides, and the end of the server.

#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "sockets/sockets_kit.hpp"

using namespace ringcast;
using namespace ringcast::sockets;

TEST_CASE("each code that a client may send comes back") {
    EchoServer server;
    for (const int code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
                           3000, 3999, 4000, 4999}) {
        CAPTURE(code);
        SocketClient client = server.opened();
        client.send(test::text_frame("last") +
                    test::close_frame(static_cast<std::uint16_t>(code), std::string(123, 'r')));
        CHECK(client.message() == "last");
        CHECK(client.close_code() == code);
        CHECK(client.at_end());
    }
    SocketClient silent = server.opened();
    silent.send(test::close_frame_without_code());
    CHECK(silent.frame() == test::ServerFrame{test::opcode_close, true, ""});
    CHECK(silent.at_end());
}

TEST_CASE("a stop tells everybody, after everything that was sent before") {
    for (const CloseCode code : {CloseCode::going_away, CloseCode::service_restart}) {
        EchoServer server;
        std::vector<SocketClient> clients;
        for (int i = 0; i < 30; ++i) clients.push_back(server.opened(4096));
        for (SocketClient& client : clients) {
            std::string wire;
            for (std::uint32_t i = 0; i < 40; ++i)
                wire += test::binary_frame(binary_payload(5000, i));
            client.send(wire);
            check_same(client.message(test::opcode_binary), binary_payload(5000, 0));
        }
        SocketClient idle = server.opened();
        SocketClient half = server.client();
        half.send("GET /echo HTTP/1.1\r\n");
        idle.send(test::ping_frame());
        CHECK(idle.message(test::opcode_pong) == "");

        server.server.stop(code);
        for (SocketClient& client : clients) {
            std::uint32_t echoes = 1;
            test::ServerFrame frame = client.frame();
            for (; frame.opcode == test::opcode_binary; frame = client.frame())
                check_same(frame.payload, binary_payload(5000, echoes++));
            CHECK(echoes <= 40);
            CHECK(frame.close_code() == static_cast<std::uint16_t>(code));
            client.send(test::close_frame(static_cast<std::uint16_t>(code)));
            CHECK(client.at_end());
        }
        CHECK(idle.close_code() == static_cast<int>(code));
        idle.send(test::close_frame(1000));
        CHECK(idle.at_end());
        CHECK(half.response().status == 503);
        CHECK(half.at_end());
        server.server.wait();
        CHECK(server.server.stats().sessions == 0);
        CHECK(server.server.stats().timeouts == 0);
    }
}

TEST_CASE("a client that crosses our Close with its own is not answered twice") {
    EchoServer server;
    SocketClient client = server.opened();
    client.send(test::text_frame("one"));
    CHECK(client.message() == "one");
    server.server.stop();
    client.send(test::close_frame(1000));
    const int code = client.close_code();
    CHECK((code == 1001 || code == 1000));  // Whoever came first.
    CHECK(client.at_end());
}
