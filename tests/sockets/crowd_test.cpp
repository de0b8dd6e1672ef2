// Many clients at once, and clients that write slowly, read slowly or vanish.

#include <doctest/doctest.h>
#include <string>
#include <sys/socket.h>
#include <vector>

#include "sockets/sockets_kit.hpp"

using namespace ringcast;
using namespace ringcast::sockets;

TEST_CASE("200 clients that pipeline get what is theirs") {
    constexpr std::uint32_t clients_count = 200, messages_count = 50;
    EchoServer server;
    std::vector<SocketClient> clients;
    for (std::uint32_t i = 0; i < clients_count; ++i) clients.push_back(server.client());
    const auto payload = [](std::uint32_t client, std::uint32_t message) {
        return binary_payload((client * 37 + message * 101) % (message % 10 == 0 ? 6000 : 300),
                              client * messages_count + message);
    };
    for (std::uint32_t i = 0; i < clients_count; ++i) {
        std::string wire = encode(test::UpgradeRequest{});
        for (std::uint32_t message = 0; message < messages_count; ++message)
            wire += test::binary_frame(payload(i, message));
        clients[i].send(wire);
    }
    for (std::uint32_t i = 0; i < clients_count; ++i) {
        REQUIRE(clients[i].response().status == 101);
        for (std::uint32_t message = 0; message < messages_count; ++message) {
            CAPTURE(message);
            check_same(clients[i].message(test::opcode_binary), payload(i, message));
        }
    }
    for (SocketClient& client : clients) client.close();
    server.server.stop();
    server.server.wait();
    const Stats stats = server.server.stats();
    CHECK(stats.messages_received == clients_count * messages_count);
    CHECK(stats.messages_sent == clients_count * messages_count);
    CHECK(stats.handshakes == clients_count);
    CHECK(stats.timeouts == 0);
}

TEST_CASE("clients may write octet by octet") {
    EchoServer server;
    SocketClient one = server.client(), two = server.client();
    const std::string wire = encode(test::UpgradeRequest{}) +
                             test::text_frame("l\xc3\xb6w \xf0\x9f\x90\x8c") +
                             test::text_frame("frag", false) + test::ping_frame("p") +
                             test::continuation_frame("ment", true) +
                             test::binary_frame(binary_payload(200)) + test::close_frame(1000, "x");
    for (std::size_t i = 0; i < wire.size(); ++i) {
        one.send(std::string_view{wire}.substr(i, 1));
        if (i >= 100) two.send(std::string_view{wire}.substr(i - 100, 1));
    }
    two.send_slowly(std::string_view{wire}.substr(wire.size() - 100));
    for (SocketClient* client : {&one, &two}) {
        CHECK(client->response().status == 101);
        CHECK(client->message() == "l\xc3\xb6w \xf0\x9f\x90\x8c");
        CHECK(client->message(test::opcode_pong) == "p");
        CHECK(client->message() == "fragment");
        check_same(client->message(test::opcode_binary), binary_payload(200));
        CHECK(client->close_code() == 1000);
        CHECK(client->at_end());
    }
}

TEST_CASE("a client that writes ahead of its reading loses nothing") {
    Settings with = settings();
    with.send_queue_bytes_max = 64_KiB;
    EchoServer server{with};
    // More than all socket buffers on the way can hold, so the server has to stop reading.
    for (const std::uint32_t size : {200u, 16'000u, 65'000u}) {
        CAPTURE(size);
        const std::uint32_t count = (size < 1000 ? 4'000'000u : 24'000'000u) / size;
        SocketClient client = server.opened(4096);
        std::string wire;
        for (std::uint32_t i = 0; i < count; ++i)
            wire += test::binary_frame(binary_payload(size, i));
        client.send_and_read_reluctantly(wire);
        for (std::uint32_t i = 0; i < count; ++i) {
            CAPTURE(i);
            check_same(client.message(test::opcode_binary), binary_payload(size, i));
        }
        client.close();
    }
    server.server.stop();
    server.server.wait();
    CHECK(server.server.stats().messages_dropped == 0);
    CHECK(server.server.stats().messages_sent == server.server.stats().messages_received);
}

TEST_CASE("clients that vanish at any octet harm nobody") {
    // A multishot receive may miss the reset of a client (rule 7 of the ring), then it goes at its
    // deadline.
    Settings with = settings();
    with.handshake_timeout = std::chrono::seconds{1};
    with.close_timeout = std::chrono::seconds{1};
    with.ping_interval = std::chrono::seconds{1};
    EchoServer server{with};
    SocketClient witness = server.opened();
    const std::string wire = encode(test::UpgradeRequest{}) + test::text_frame("first") +
                             test::text_frame("frag", false) + test::ping_frame("p") +
                             test::continuation_frame("ment", true) +
                             test::binary_frame(binary_payload(20'000)) +
                             test::close_frame(1000, "bye");
    std::uint32_t number = 0;
    for (std::size_t at = 0; at <= wire.size(); at += at < 800 ? 1 : 97) {
        CAPTURE(at);
        SocketClient client = server.client();
        client.send(std::string_view{wire}.substr(0, at));
        if (++number % 3 == 0) {
            client.shut_sending();
        } else if (number % 3 == 1) {
            client.reset();
        }
        if (number % 16 == 0) {
            witness.send(test::text_frame(std::to_string(at)));
            CHECK(witness.message() == std::to_string(at));
        }
    }
    // Each round trip gives the shards time; all others have to be gone in the end.
    while (server.server.stats().connections > 1) {
        witness.send(test::ping_frame());
        CHECK(witness.message(test::opcode_pong) == "");
    }
    witness.close();
    server.server.stop();
    server.server.wait();
    CHECK(server.server.stats().sessions == 0);
    if (way().io == Io::epoll) CHECK(server.server.stats().timeouts == 0);
}

TEST_CASE("clients that vanish with unread echoes harm nobody") {
    EchoServer server;
    SocketClient witness = server.opened();
    for (int i = 0; i < 50; ++i) {
        SocketClient client = server.opened(4096);
        std::string wire;
        for (std::uint32_t j = 0; j < 40; ++j)
            wire += test::binary_frame(binary_payload(10'000, j));
        client.send(wire);
        if (i % 2 == 0) client.reset();
        witness.send(test::text_frame("alive"));
        CHECK(witness.message() == "alive");
    }
    witness.close();
}

TEST_CASE("a client that ends its stream gets all its echoes before the server ends its own") {
    EchoServer server;
    for (const std::uint32_t count : {0u, 1u, 100u}) {
        SocketClient client = server.opened();
        for (std::uint32_t i = 0; i < count; ++i)
            client.send(test::binary_frame(binary_payload(3000, i)));
        client.shut_sending();
        for (std::uint32_t i = 0; i < count; ++i)
            check_same(client.message(test::opcode_binary), binary_payload(3000, i));
        CHECK(client.at_end());
    }
}
