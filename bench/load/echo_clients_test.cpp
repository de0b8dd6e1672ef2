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
constexpr std::array no_descriptors{-1, -1};

/// Two connections, and the server that answers them.
class Fixture {
public:
    explicit Fixture(std::uint32_t depth)
        : messages(ws::Opcode::binary, 20, depth),
          clients(io, messages, Verify::full, no_descriptors, depth, milliseconds(500)) {
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
    Fixture fixture(3);
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
    Fixture fixture(1);
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

TEST_CASE("a last reply that does not come is missed") {
    Fixture fixture(1);
    CHECK(fixture.turn(milliseconds(0)) == "");
    fixture.clients.stop(start);
    fixture.reply(0, 0);
    CHECK(fixture.turn(milliseconds(1)) == "");
    CHECK(fixture.turn(milliseconds(501)) ==
          "the server stopped answering: nothing for 0.5 s after 1 replies");
}

TEST_CASE("a reply that nobody asked for is noticed, even if it is the last thing that comes") {
    Fixture fixture(1);
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
