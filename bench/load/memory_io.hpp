#pragma once
// For tests: an Io without a kernel. It notes what a crowd does with each connection and makes the
// events that a test wants to come of that.

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

#include "crowd.hpp"
#include "io.hpp"

namespace ringcast::bench {

class MemoryIo final : public Io {
public:
    using Bytes = std::vector<std::byte>;

    /// What the client has done with a connection.
    struct Connection {
        Bytes sent;
        std::uint32_t sends = 0;
        bool is_receiving = false;
        bool receives_many = false;
        bool is_closed = false;
    };

    void open(std::uint32_t index, int fd, const SocketAddress&,
              std::string_view request) override {
        ::close(fd);
        connections[index] = {};
        connections[index].is_receiving = true;
        append(index, std::as_bytes(std::span(request)));
    }
    void receive_once(std::uint32_t index) override { arm(index, false); }
    void receive_many(std::uint32_t index) override { arm(index, true); }
    void send(std::uint32_t index, std::span<const std::byte> bytes) override {
        append(index, bytes);
        events_.push_back({.operation = Operation::send,
                           .more = false,
                           .index = index,
                           .result = static_cast<std::int32_t>(bytes.size()),
                           .bytes = {}});
    }
    void send_quiet(std::uint32_t index, std::span<const std::byte> bytes) override {
        append(index, bytes);
    }
    void close(std::uint32_t index) override { connections[index].is_closed = true; }
    Expected<std::span<const Event>> turn(std::chrono::nanoseconds) override {
        return std::span<const Event>{};
    }

    /// Lets the server accept the upgrade of connection `index`.
    void accept(std::uint32_t index) {
        constexpr std::string_view response =
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
        const auto bytes = std::as_bytes(std::span(response));
        connections[index].sent.clear();
        deliver(index, Bytes(bytes.begin(), bytes.end()));
    }
    /// Lets connection `index` receive `bytes`.
    void deliver(std::uint32_t index, Bytes bytes) {
        arrived_.push_back(std::move(bytes));
        const auto size = static_cast<std::int32_t>(arrived_.back().size());
        end_receive(index, size, arrived_.back());
    }
    /// Lets the server close connection `index`, or the receive fail with -`result`.
    void end(std::uint32_t index, std::int32_t result = 0) { end_receive(index, result, {}); }

    /// Lets `crowd` act, and then hands it all events that there are.
    [[nodiscard]] Expected<void> turn_of(Crowd& crowd, Clock::time_point now) {
        if (auto acted = crowd.act(now); !acted) return acted;
        const std::vector<Event> events = std::exchange(events_, {});
        for (const Event& event : events) {
            if (auto handled = crowd.handle(event, now); !handled) return handled;
        }
        return crowd.check(now);
    }

    std::map<std::uint32_t, Connection> connections;

private:
    void arm(std::uint32_t index, bool many) {
        connections[index].is_receiving = true;
        connections[index].receives_many = many;
    }
    void append(std::uint32_t index, std::span<const std::byte> bytes) {
        Connection& connection = connections[index];
        connection.sent.insert(connection.sent.end(), bytes.begin(), bytes.end());
        ++connection.sends;
    }
    void end_receive(std::uint32_t index, std::int32_t result, std::span<const std::byte> bytes) {
        Connection& connection = connections[index];
        connection.is_receiving = connection.receives_many && result > 0;
        events_.push_back({.operation = Operation::receive,
                           .more = connection.is_receiving,
                           .index = index,
                           .result = result,
                           .bytes = bytes});
    }

    std::vector<Event> events_;
    std::deque<Bytes> arrived_;
};

}  // namespace ringcast::bench
