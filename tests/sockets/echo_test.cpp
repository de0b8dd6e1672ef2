// Messages of many lengths and shapes come back octet by octet.

#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "sockets/sockets_kit.hpp"

using namespace ringcast;
using namespace ringcast::sockets;

namespace {

/// The message in one frame, or in three with pings before, between and after them.
std::string wire_of(std::uint8_t opcode, const std::string& payload, bool is_fragmented) {
    if (!is_fragmented) return encode(test::ClientFrame{.opcode = opcode, .payload = payload});
    const std::size_t first = payload.size() / 3, second = payload.size() / 2;
    return test::ping_frame("0") +
           encode(test::ClientFrame{
               .opcode = opcode, .payload = payload.substr(0, first), .fin = false}) +
           test::ping_frame("1") +
           test::continuation_frame(payload.substr(first, second - first), false) +
           test::ping_frame("2") + test::pong_frame("nobody asked") +
           test::continuation_frame(payload.substr(second), true) + test::ping_frame("3");
}

void expect_echo(SocketClient& client, std::size_t size, bool is_text, bool is_fragmented) {
    CAPTURE(size);
    CAPTURE(is_text);
    CAPTURE(is_fragmented);
    const std::uint8_t opcode = is_text ? test::opcode_text : test::opcode_binary;
    const std::string payload = is_text ? text_payload(size) : binary_payload(size);
    client.send_and_read(wire_of(opcode, payload, is_fragmented));
    if (is_fragmented) {
        for (const char* number : {"0", "1", "2"})
            CHECK(client.message(test::opcode_pong) == number);
    }
    check_same(client.message(opcode), payload);
    if (is_fragmented) CHECK(client.message(test::opcode_pong) == "3");
}

}  // namespace

TEST_CASE("messages of every length from 0 to 300 come back") {
    EchoServer server;
    SocketClient client = server.opened();
    for (std::size_t size = 0; size <= 300; ++size) {
        for (const bool is_text : {true, false}) {
            for (const bool is_fragmented : {true, false})
                expect_echo(client, size, is_text, is_fragmented);
        }
    }
    client.close();
}

TEST_CASE("messages of lengths around powers of two up to 16 MiB come back") {
    Settings with = settings();
    with.message_bytes_max = 32_MiB;
    EchoServer server{with};
    SocketClient client = server.opened();
    for (std::size_t power = 512; power <= 16_MiB; power *= 2) {
        for (const std::size_t size : {power - 1, power, power + 1}) {
            for (const bool is_text : {true, false}) {
                for (const bool is_fragmented : {true, false})
                    expect_echo(client, size, is_text, is_fragmented);
            }
        }
    }
    client.close();
}

TEST_CASE("a message comes back whatever mask it had, and wherever TCP cut it") {
    EchoServer server;
    SocketClient client = server.opened();
    const std::string payload = binary_payload(70);
    for (const test::ClientKey key :
         {test::ClientKey{0, 0, 0, 0}, {255, 255, 255, 255}, {1, 2, 3, 4}, {0x80, 0, 0, 1}}) {
        const std::string wire = encode(
            test::ClientFrame{.opcode = test::opcode_binary, .payload = payload, .key = key});
        for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
            client.send(std::string_view{wire}.substr(0, cut));
            client.send(std::string_view{wire}.substr(cut));
            check_same(client.message(test::opcode_binary), payload);
        }
    }
    client.close();
}

TEST_CASE("many frames in one piece are answered in order") {
    EchoServer server;
    SocketClient client = server.client();
    std::string wire = encode(test::UpgradeRequest{});  // The first of them with the request.
    for (std::size_t i = 0; i < 2000; ++i) {
        wire += i % 7 == 0 ? test::ping_frame(std::to_string(i))
                           : test::text_frame(std::to_string(i) + ":" + text_payload(i % 90));
    }
    client.send_and_read(wire);
    CHECK(client.response().status == 101);
    for (std::size_t i = 0; i < 2000; ++i) {
        if (i % 7 == 0) {
            REQUIRE(client.message(test::opcode_pong) == std::to_string(i));
        } else {
            REQUIRE(client.message() == std::to_string(i) + ":" + text_payload(i % 90));
        }
    }
    client.close();
}

TEST_CASE("tiny receive buffers and submission arrays change nothing but the speed") {
    Settings with = settings();
    with.message_bytes_max = 1_MiB;
    with.buffers_count = 2;
    with.buffer_bytes = 512;
    with.ring_submissions = 8;
    with.ring_completions = 16;
    EchoServer server{with};
    std::vector<SocketClient> clients;
    for (int i = 0; i < 20; ++i) clients.push_back(server.opened());
    for (const std::size_t size : {0u, 1u, 125u, 126u, 490u, 512u, 1000u, 5000u, 65535u, 65536u}) {
        for (const bool is_fragmented : {true, false}) {
            for (std::size_t i = 0; i < clients.size(); ++i) {
                clients[i].send_and_read(
                    wire_of(test::opcode_binary,
                            binary_payload(size, static_cast<std::uint32_t>(i)), is_fragmented));
            }
            for (std::size_t i = 0; i < clients.size(); ++i) {
                for (int ping = 0; is_fragmented && ping < 3; ++ping)
                    CHECK(clients[i].message(test::opcode_pong) == std::to_string(ping));
                check_same(clients[i].message(test::opcode_binary),
                           binary_payload(size, static_cast<std::uint32_t>(i)));
                if (is_fragmented) CHECK(clients[i].message(test::opcode_pong) == "3");
            }
        }
    }
    // Half-received messages of all clients at once must not starve anybody.
    for (SocketClient& client : clients)
        client.send(test::binary_frame(binary_payload(3000)).substr(0, 2000));
    SocketClient late = server.opened();
    expect_echo(late, 100'000, false, false);
    for (SocketClient& client : clients) {
        client.send(test::binary_frame(binary_payload(3000)).substr(2000));
        check_same(client.message(test::opcode_binary), binary_payload(3000));
        client.close();
    }
    late.close();
}
