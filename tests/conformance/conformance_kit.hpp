#pragma once
// What the conformance tests share: how to connect in this run, and rows of what is sent and what
// has to come back.

#include <chrono>
#include <cstdlib>
#include <doctest/doctest.h>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "conformance/client.hpp"
#include "conformance/tls_wire.hpp"
#include "sockets/sockets_kit.hpp"

namespace ringcast::conformance {

using sockets::binary_payload;
using sockets::check_same;
using sockets::EchoServer;
using sockets::text_payload;
using test::ClientFrame;
using test::ServerFrame;

/// Close codes of RFC 6455 section 7.4.1 as they travel; 1005 stands for a Close without one.
inline constexpr int protocol_error = 1002, no_code = 1005, invalid_payload = 1007, too_big = 1009;

/// To what Server::addresses() says.
inline Client connect(std::string_view url) {
    if (url.starts_with("wss:")) return Client{std::make_unique<TlsWire>(url)};
    return Client{std::make_unique<PlainWire>(url)};
}
inline Client connect(const EchoServer& server) {
    return connect(server.url);
}
/// With the opening handshake behind it.
inline Client opened(const EchoServer& server) {
    Client client = connect(server);
    client.open();
    return client;
}

/// The connection is open and in order; ends it.
inline void expect_echo(Client& client) {
    client.write(test::text_frame("hello"));
    CHECK(client.message() == "hello");
    client.close();
}

/// All fields called `name` as one list (RFC 9110 section 5.3).
inline std::string list_of(const test::ServerResponse& response, std::string_view name) {
    std::string list;
    for (const auto& [field_name, value] : response.fields) {
        if (field_name == name) list += (list.empty() ? "" : ", ") + value;
    }
    return list;
}

inline bool says_close(const test::ServerResponse& response) {
    return list_of(response, "connection").contains("close");
}

/// None of them gets anything, not even its end, for as long as the suites pause: a second.
inline void expect_silence(const std::vector<Client>& clients) {
    std::chrono::milliseconds pause{1000};
    for (const Client& client : clients) {
        CHECK_FALSE(client.gets_something_within(pause));
        pause = pause.zero();
    }
}

/// Until `is_so()`, which another thread sees to.
template <class Condition>
void await(Condition&& is_so) {
    const auto deadline = std::chrono::steady_clock::now() + test::patience;
    while (!is_so()) {
        REQUIRE_MESSAGE(std::chrono::steady_clock::now() < deadline, "the server took too long");
        std::this_thread::yield();
    }
}

/// How many echoes a row of a thousand has in this run: CONFORMANCE_ECHOES, or what is `usual`.
inline std::size_t echoes(std::size_t usual) {
    const char* const text = std::getenv("CONFORMANCE_ECHOES");
    return text == nullptr ? usual : std::stoul(text);
}

inline ServerFrame text_message(std::string payload) {
    return {.opcode = test::opcode_text, .payload = std::move(payload)};
}
inline ServerFrame binary_message(std::string payload) {
    return {.opcode = test::opcode_binary, .payload = std::move(payload)};
}
inline ServerFrame pong(std::string payload = {}) {
    return {.opcode = test::opcode_pong, .payload = std::move(payload)};
}

/// What is written at once: everything, one frame, one octet.
enum class Chopping : std::uint8_t { whole, frames, octets };
inline constexpr Chopping choppings[] = {Chopping::whole, Chopping::frames, Chopping::octets};

inline void write_chopped(Client& client, const std::vector<std::string>& pieces,
                          Chopping chopping) {
    std::string all;
    for (const std::string& piece : pieces) {
        if (chopping == Chopping::frames) client.write(piece);
        if (chopping == Chopping::octets) client.write_in_pieces(piece, 1);
        if (chopping == Chopping::whole) all += piece;
    }
    client.write(all);
}

inline constexpr int stays_open = 0;

/// One case of a conformance suite.
struct Row {
    std::string name;
    std::vector<std::string> frames;    ///< As they are on the wire.
    std::vector<ServerFrame> expected;  ///< Exactly these, in this order.
    /// Then the server's Close with this code, unasked or as its answer, and the end of its stream;
    /// 1005 for a Close without a code. `stays_open`: the connection is in order; we close it.
    int close = stays_open;
};

inline void judge(const EchoServer& server, const Row& row, Chopping chopping) {
    CAPTURE(row.name);
    const int chopped = static_cast<int>(chopping);
    CAPTURE(chopped);
    Client client = opened(server);
    write_chopped(client, row.frames, chopping);
    for (const ServerFrame& expected : row.expected) {
        const ServerFrame received = client.frame();
        REQUIRE(int{received.opcode} == int{expected.opcode});
        CHECK(received.fin);
        check_same(received.payload, expected.payload);
    }
    if (row.close == stays_open) {
        client.close();
    } else {
        REQUIRE(client.close_code() == row.close);
        client.expect_end();
    }
}

/// Each row in every chopping; what is long, not in single octets.
inline void judge_all(const std::vector<Row>& rows) {
    const EchoServer server;
    for (const Row& row : rows) {
        std::size_t bytes = 0;
        for (const std::string& frame : row.frames) bytes += frame.size();
        for (const Chopping chopping : choppings) {
            if (chopping == Chopping::octets && bytes > 1000) continue;
            judge(server, row, chopping);
        }
    }
}

}  // namespace ringcast::conformance
