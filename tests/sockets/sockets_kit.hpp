#pragma once
// What the socket tests share: an echo server with two shards on the way under test, and payloads.

#include <algorithm>
#include <doctest/doctest.h>
#include <string>
#include <string_view>
#include <vector>

#include "ringcast/ringcast.hpp"
#include "support/socket_client.hpp"

namespace ringcast::sockets {

using test::SocketClient;

/// How the server talks to the kernel in this run.
struct Way {
    Io io = Io::epoll;
    std::string features = "all";
    DirectDescriptors direct_descriptors = DirectDescriptors::off;
    std::string certificate_file;  // Empty: servers listen at ws://, else at wss://.
};
inline Way& way() {
    static Way chosen;
    return chosen;
}

inline Settings settings() {
    Settings result;
    result.port = 0;
    result.shards = 2;
    result.pinning = Pinning::off;
    result.io = way().io;
    result.uring_features = way().features;
    result.direct_descriptors = way().direct_descriptors;
    result.log_level = LogLevel::error;
    if (!way().certificate_file.empty()) {
        result.listen = {"wss://127.0.0.1:0"};
        result.tls.certificates = {{.certificate_file = way().certificate_file}};
    }
    return result;
}

struct Echo {
    void on_message(Session<>& session, Message message) { session.send(message); }
};

class EchoServer {
public:
    explicit EchoServer(const Settings& with = settings()) : server{with} {
        server.mount<Echo>("/echo");
        const auto result = server.start();
        REQUIRE_MESSAGE(result.has_value(), (result ? "" : result.error()));
        url = server.addresses().at(0);
    }
    [[nodiscard]] SocketClient client(int receive_buffer_bytes = 0) const {
        return SocketClient{url, receive_buffer_bytes};
    }
    [[nodiscard]] SocketClient opened(int receive_buffer_bytes = 0) const {
        SocketClient result{url, receive_buffer_bytes};
        result.open();
        return result;
    }
    Server server;
    std::string url;
};

/// `size` octets without a short period.
inline std::string binary_payload(std::size_t size, std::uint32_t seed = 1) {
    std::string payload(size, '\0');
    std::uint32_t x = seed * 2654435761u + 12345;
    for (char& octet : payload) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        octet = static_cast<char>(x);
    }
    return payload;
}

/// `size` octets of UTF-8 with characters of one to four octets.
inline std::string text_payload(std::size_t size, std::uint32_t seed = 1) {
    constexpr std::string_view alphabet = "a\xc3\xa4z\xe2\x82\xac.\xf0\x9f\x98\x80";
    constexpr std::string_view characters[] = {"a", "\xc3\xa4",        "z", "\xe2\x82\xac",
                                               ".", "\xf0\x9f\x98\x80"};
    static_assert(alphabet.size() == 12);
    std::string payload;
    payload.reserve(size);
    for (std::uint32_t x = seed; payload.size() < size; x = x * 1664525 + 1013904223) {
        const std::string_view character = characters[(x >> 16) % 6];
        payload += payload.size() + character.size() <= size ? character : "#";
    }
    return payload;
}

/// Says where two payloads differ without printing them.
inline void check_same(std::string_view received, std::string_view expected) {
    CHECK(received.size() == expected.size());
    const auto [at, other] = std::ranges::mismatch(received, expected);
    const auto position = at - received.begin();
    const bool is_same = received == expected;
    CHECK_MESSAGE(is_same, "first difference at octet " << position);
}

}  // namespace ringcast::sockets
