#include "echo_clients.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "memory_io.hpp"

namespace {

using namespace ringcast;
using namespace ringcast::bench;
using std::chrono::milliseconds;

using Bytes = std::vector<std::byte>;

constexpr Clock::time_point start{std::chrono::seconds(1000)};
constexpr Interval always{.begin = Clock::time_point::min(), .end = Clock::time_point::max()};
constexpr std::uint32_t connection_count = 2;

/// Two connections, and the server that answers them.
class Fixture {
public:
    explicit Fixture(EchoPace pace)
        : messages(ws::Opcode::binary, 20, pace.burst_max()),
          clients(io, messages, Verify::full, connection_count, pace, milliseconds(500)) {
        clients.start(start);
        clients.measure(always);
    }

    /// Lets connection `index` receive its replies `first` to `first + count - 1`.
    void reply(std::uint32_t index, std::size_t first, std::size_t count = 1) {
        Bytes bytes;
        for (std::size_t i = first; i < first + count; ++i) {
            const auto reply = messages.reply((index + i) % messages.cycle_count());
            bytes.insert(bytes.end(), reply.begin(), reply.end());
        }
        io.deliver(index, bytes);
    }
    void pong(std::uint32_t index) {
        io.deliver(index,
                   {std::byte{0x8a}, std::byte{3}, std::byte{'e'}, std::byte{'n'}, std::byte{'d'}});
    }
    /// Empty if all is well, else what is wrong.
    std::string turn(milliseconds time) {
        const auto turned = io.turn_of(clients, start + time);
        return turned ? "" : turned.error().message;
    }
    [[nodiscard]] std::size_t frames_sent(std::uint32_t index) {
        return io.connections[index].sent.size() / messages.requests(0, 1).size();
    }

    MemoryIo io;
    Messages messages;
    EchoClients clients;
};

}  // namespace

TEST_CASE("in a closed loop each reply lets one more message go") {
    Fixture fixture({.depth = 3});
    CHECK(fixture.turn(milliseconds(0)) == "");
    CHECK(fixture.frames_sent(0) == 3);
    CHECK(fixture.io.connections[0].sends == 1);
    fixture.reply(0, 0, 2);
    CHECK(fixture.turn(milliseconds(7)) == "");
    CHECK(fixture.turn(milliseconds(8)) == "");
    CHECK(fixture.frames_sent(0) == 5);
    CHECK(fixture.frames_sent(1) == 3);
    CHECK(fixture.clients.count() == 2);
    CHECK(fixture.clients.latency().count() == 2);
    CHECK(fixture.clients.latency().max() == 7'000'000);
}

TEST_CASE("a run of echo ends when every reply and a last pong have come") {
    Fixture fixture({.depth = 1});
    CHECK(fixture.turn(milliseconds(0)) == "");
    fixture.reply(0, 0);
    CHECK(fixture.turn(milliseconds(1)) == "");
    CHECK(fixture.turn(milliseconds(1)) == "");
    fixture.clients.stop(start + milliseconds(1));
    fixture.reply(0, 1);
    fixture.reply(1, 0);
    CHECK(fixture.turn(milliseconds(2)) == "");
    CHECK(fixture.turn(milliseconds(3)) == "");
    CHECK_FALSE(fixture.clients.is_finished());
    fixture.pong(0);
    fixture.pong(1);
    CHECK(fixture.turn(milliseconds(4)) == "");
    CHECK(fixture.clients.is_finished());
    CHECK(fixture.frames_sent(1) == 1);
}

TEST_CASE("each connection has to answer its own question, and pings are no answer") {
    Fixture fixture({});
    fixture.pong(1);  // Nobody has asked for that.
    CHECK(fixture.turn(milliseconds(0)) == "");
    fixture.clients.stop(start);
    fixture.pong(0);
    fixture.pong(0);
    CHECK(fixture.turn(milliseconds(1)) == "");
    CHECK_FALSE(fixture.clients.is_finished());
    for (const std::uint32_t index : {0U, 1U})
        fixture.io.deliver(index, {std::byte{0x89}, std::byte{0}});
    CHECK(fixture.turn(milliseconds(501)) ==
          "1 of 2 connections had no answer to a ping for 0.5 s");
}

TEST_CASE("a last reply that does not come is missed") {
    Fixture fixture({.depth = 1});
    CHECK(fixture.turn(milliseconds(0)) == "");
    fixture.clients.stop(start);
    fixture.reply(0, 0);
    CHECK(fixture.turn(milliseconds(1)) == "");
    CHECK(fixture.turn(milliseconds(501)) ==
          "the server stopped answering: nothing for 0.5 s after 1 replies");
}

TEST_CASE("a reply that nobody asked for is noticed, even if it is the last thing that comes") {
    Fixture fixture({.depth = 1});
    CHECK(fixture.turn(milliseconds(0)) == "");
    fixture.clients.stop(start);
    fixture.reply(0, 0);
    fixture.reply(1, 0);
    CHECK(fixture.turn(milliseconds(1)) == "");
    CHECK(fixture.turn(milliseconds(2)) == "");
    fixture.reply(1, 1);
    CHECK(fixture.turn(milliseconds(3)) ==
          "connection 1: the server sent more replies than there were messages");
}

TEST_CASE("with a rate, messages are due in turn, whatever the server does") {
    Fixture fixture({.rate = 100});
    CHECK(fixture.turn(milliseconds(0)) == "");
    CHECK(fixture.frames_sent(0) == 1);
    CHECK(fixture.frames_sent(1) == 0);
    CHECK(fixture.clients.next_due(start + milliseconds(500)) == start + milliseconds(10));
    CHECK(fixture.clients.next_due(start + milliseconds(5)) == start + milliseconds(5));
    CHECK(fixture.turn(milliseconds(9)) == "");
    CHECK(fixture.turn(milliseconds(45)) == "");
    CHECK(fixture.frames_sent(0) == 3);
    CHECK(fixture.frames_sent(1) == 2);
    CHECK(fixture.io.connections[0].sends == 2);
}

TEST_CASE("with a rate, latency counts from when a message was due, though it was sent later") {
    Fixture fixture({.rate = 100});
    fixture.clients.measure({start + milliseconds(20), start + milliseconds(30)});
    CHECK(fixture.turn(milliseconds(0)) == "");
    CHECK(fixture.turn(milliseconds(45)) == "");  // The generator was held up.
    CHECK(fixture.clients.lateness().count() == 1);
    CHECK(fixture.clients.lateness().max() == 25'000'000);
    fixture.reply(0, 0, 3);
    fixture.reply(1, 0, 2);
    CHECK(fixture.turn(milliseconds(46)) == "");
    CHECK(fixture.clients.count() == 5);
    CHECK(fixture.clients.latency().count() == 1);  // The others were due at other times.
    CHECK(fixture.clients.latency().max() == 26'000'000);
}

TEST_CASE("a server that stalls delays every message that was due meanwhile") {
    Fixture fixture({.rate = 1000});
    for (int time = 0; time < 200; ++time) CHECK(fixture.turn(milliseconds(time)) == "");
    fixture.reply(0, 0, 100);
    fixture.reply(1, 0, 100);
    CHECK(fixture.turn(milliseconds(200)) == "");
    CHECK(fixture.clients.latency().count() == 200);
    CHECK(fixture.clients.latency().quantile(0.5) / 1'000'000 == 100);
    CHECK(fixture.clients.latency().max() == 200'000'000);
}

TEST_CASE("what is due goes in bursts of bounded size, one on each connection and turn") {
    Fixture fixture({.rate = 1000});
    CHECK(fixture.turn(milliseconds(299)) == "");
    CHECK(fixture.frames_sent(0) == 64);
    CHECK(fixture.clients.next_due(start + milliseconds(500)) < start);
    CHECK(fixture.turn(milliseconds(299)) == "");
    CHECK(fixture.turn(milliseconds(299)) == "");
    CHECK(fixture.frames_sent(0) == 150);
    CHECK(fixture.io.connections[0].sends == 3);
    CHECK(fixture.clients.next_due(start + milliseconds(500)) == start + milliseconds(300));
}

TEST_CASE("what was due and never sent counts with the time that it had waited") {
    Fixture fixture({.rate = 1000});
    CHECK(fixture.turn(milliseconds(299)) == "");
    fixture.clients.stop(start + milliseconds(300));
    CHECK(fixture.clients.unsent() == 300 - 128);
    CHECK(fixture.clients.latency().count() == 300 - 128);
    CHECK(fixture.clients.latency().max() == 300'000'000 - 128'000'000);
    CHECK(fixture.turn(milliseconds(301)) == "");
    CHECK(fixture.frames_sent(0) == 64);
}
