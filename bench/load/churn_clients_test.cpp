#include "churn_clients.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "echo_conversation.hpp"
#include "fanout_load.hpp"
#include "follow_conversation.hpp"
#include "memory_io.hpp"
#include "publication.hpp"

namespace {

using namespace ringcast;
using namespace ringcast::bench;
using std::chrono::milliseconds;

using Bytes = std::vector<std::byte>;

constexpr Clock::time_point start{std::chrono::seconds(1000)};

Bytes close_frame(unsigned code) {
    return {std::byte{0x88}, std::byte{2}, std::byte(code >> 8U), std::byte(code & 0xffU)};
}

/// Some connections, and the server that they come to.
class Fixture {
public:
    explicit Fixture(std::uint32_t messages_per_life, ChurnPlan plan = {})
        : echo(messages, messages_per_life, plan.connections),
          clients(io, opener, echo, plan, milliseconds(500)) {
        clients.start(start);
        clients.measure({Clock::time_point::min(), Clock::time_point::max()});
    }

    /// Empty if all is well, else what is wrong.
    std::string turn(int time = 0) {
        const auto turned = io.turn_of(clients, start + milliseconds(time));
        return turned ? "" : turned.error().message;
    }
    void reply(std::uint32_t index, std::size_t message) {
        const auto reply = messages.reply(message % messages.cycle_count());
        io.deliver(index, Bytes(reply.begin(), reply.end()));
    }
    /// How many bytes of messages connection `index` has sent since it was accepted.
    [[nodiscard]] std::size_t sent(std::uint32_t index) {
        return io.connections[index].sent.size();
    }
    [[nodiscard]] bool is_closed(std::uint32_t index) { return io.connections[index].is_closed; }

    MemoryIo io;
    Url url = *parse_url("ws://127.0.0.1:8080/echo");
    Sources sources = *Sources::create({}, url);
    Opener opener{io, url, sources};
    Messages messages{ws::Opcode::binary, 20, 1};
    EchoConversation echo;
    ChurnClients clients;
};

constexpr std::size_t message_bytes = 26;  // 2 of header, 4 of mask key, 20 of payload.

}  // namespace

TEST_CASE("a life connects, exchanges its messages one by one, and closes cleanly") {
    Fixture fixture(2);
    CHECK(fixture.turn() == "");
    fixture.io.accept(0);
    CHECK(fixture.turn(1) == "");
    CHECK(fixture.sent(0) == message_bytes);
    fixture.reply(0, 0);
    CHECK(fixture.turn(2) == "");
    CHECK(fixture.sent(0) == 2 * message_bytes);
    fixture.reply(0, 1);
    CHECK(fixture.turn(3) == "");
    REQUIRE(fixture.sent(0) == 2 * message_bytes + 8);
    CHECK(fixture.io.connections[0].sent[2 * message_bytes] == std::byte{0x88});
    fixture.io.deliver(0, close_frame(1000));
    CHECK(fixture.turn(4) == "");
    CHECK_FALSE(fixture.is_closed(0));
    fixture.io.end(0);
    CHECK(fixture.clients.count() == 0);
    fixture.clients.stop(start);
    CHECK_FALSE(fixture.clients.is_finished());
    CHECK(fixture.turn(5) == "");
    CHECK(fixture.is_closed(0));
    CHECK(fixture.clients.count() == 1);
    CHECK(fixture.clients.is_finished());
    CHECK(fixture.clients.handshakes().max() == 1'000'000);
    CHECK(fixture.clients.lives().max() == 5'000'000);
}

TEST_CASE("lives end abruptly when everything is answered, or something is not") {
    struct Case {
        Ending ending;
        std::size_t sent_bytes;  // Of the last message, which the second one is.
    };
    for (const Case expected :
         {Case{Ending::fin, message_bytes}, Case{Ending::reset, message_bytes},
          Case{Ending::reset_unanswered, message_bytes}, Case{Ending::reset_in_message, 13}}) {
        Fixture fixture(2, {.endings = {expected.ending}});
        CHECK(fixture.turn() == "");
        fixture.io.accept(0);
        CHECK(fixture.turn() == "");
        fixture.reply(0, 0);
        CHECK(fixture.turn() == "");
        const bool is_answered = expected.ending == Ending::fin || expected.ending == Ending::reset;
        if (is_answered) fixture.reply(0, 1);
        CHECK(fixture.sent(0) == message_bytes + expected.sent_bytes);
        fixture.clients.stop(start);
        CHECK(fixture.turn() == "");
        CHECK(fixture.is_closed(0));
        CHECK_FALSE(fixture.io.connections[0].is_receiving);  // Or it would stay open.
        CHECK(fixture.clients.count() == 1);
    }
}

TEST_CASE("ends are mixed as asked for, the abrupt ones evenly over their kinds") {
    for (const int percent : {0, 1, 33, 50, 100}) {
        const auto endings = mixed_endings(percent / 100.0, 1);
        CHECK(endings.size() == 100);
        CHECK(std::ranges::count(endings, Ending::close_frame) == 100 - percent);
        const auto resets = std::ranges::count(endings, Ending::reset);
        const auto halves = std::ranges::count(endings, Ending::reset_in_message);
        CHECK(resets - halves <= 1);
        CHECK(resets - halves >= 0);
    }
    const auto without_messages = mixed_endings(1, 0);
    CHECK(std::ranges::count(without_messages, Ending::reset) == 50);
    CHECK(std::ranges::count(without_messages, Ending::fin) == 50);
}

TEST_CASE("another life takes the place of one that ended, with other messages") {
    Fixture fixture(1, {.connections = 2, .endings = {Ending::fin}});
    CHECK(fixture.turn() == "");
    fixture.io.accept(0);
    fixture.io.accept(1);
    CHECK(fixture.turn() == "");
    fixture.reply(0, 0);
    CHECK(fixture.turn() == "");
    CHECK(fixture.clients.count() == 1);
    CHECK(fixture.turn() == "");
    CHECK_FALSE(fixture.is_closed(0));
    fixture.io.accept(0);
    CHECK(fixture.turn() == "");
    fixture.reply(0, 1);  // Life 1's, but this is life 2.
    CHECK(fixture.turn().starts_with("life 2, after 0 of 1 replies: reply 0: the payload"));
}

TEST_CASE("with a rate lives are due, and those that find no room begin late") {
    Fixture fixture(0, {.rate = 100, .endings = {Ending::fin}});
    CHECK(fixture.clients.next_due(start + milliseconds(50)) == start);
    CHECK(fixture.turn() == "");
    CHECK(fixture.clients.next_due(start + milliseconds(50)) == start + milliseconds(50));
    fixture.io.accept(0);
    CHECK(fixture.turn(25) == "");
    CHECK(fixture.clients.next_due(start + milliseconds(50)) == start + milliseconds(10));
    CHECK(fixture.turn(25) == "");
    fixture.io.accept(0);
    CHECK(fixture.turn(26) == "");
    CHECK(fixture.clients.count() == 2);
    CHECK(fixture.clients.handshakes().quantile(0.5) / 1'000'000 == 16);  // It was due at 10 ms.
}

TEST_CASE("lives that were due and never found room count with the time that they had waited") {
    Fixture fixture(0, {.rate = 100, .endings = {Ending::fin}});
    fixture.clients.measure({start + milliseconds(10), start + milliseconds(40)});
    CHECK(fixture.turn() == "");
    fixture.io.accept(0);
    CHECK(fixture.turn(15) == "");
    CHECK(fixture.turn(15) == "");  // The life that was due at 10 ms begins.
    fixture.io.accept(0);
    fixture.clients.stop(start + milliseconds(55));
    CHECK(fixture.turn(55) == "");
    CHECK(fixture.clients.is_finished());
    CHECK(fixture.clients.count() == 2);
    CHECK(fixture.clients.unbegun() == 2);  // Those of 20 and 30 ms; others are not measured.
    CHECK(fixture.clients.lateness().count() == 1);
    CHECK(fixture.clients.lateness().max() == 5'000'000);
    for (const Histogram* latency : {&fixture.clients.handshakes(), &fixture.clients.lives()}) {
        CHECK(latency->count() == 3);
        CHECK(latency->quantile(0) / 1'000'000 == 25);
        CHECK(latency->max() == 45'000'000);
    }
}

TEST_CASE("whatever a server must not do ends the run") {
    const auto outcome = [](std::uint32_t messages_per_life, auto&& act) {
        Fixture fixture(messages_per_life);
        CHECK(fixture.turn() == "");
        fixture.io.accept(0);
        CHECK(fixture.turn() == "");
        act(fixture);
        return fixture.turn(1);
    };
    CHECK(outcome(1, [](Fixture& fixture) { fixture.io.end(0); }) ==
          "life 0, after 0 of 1 replies: the server closed the connection");
    CHECK(outcome(1, [](Fixture& fixture) { fixture.io.end(0, -ECONNRESET); }) ==
          "life 0, after 0 of 1 replies: cannot receive: Connection reset by peer");
    CHECK(outcome(1, [](Fixture& fixture) { fixture.io.deliver(0, close_frame(1001)); }) ==
          "life 0, after 0 of 1 replies: the server sent a Close frame, code 1001, reason ''");
    CHECK(outcome(2,
                  [](Fixture& fixture) {
                      Bytes twice;
                      for (const std::size_t message : {0U, 1U}) {
                          const auto reply = fixture.messages.reply(message);
                          twice.insert(twice.end(), reply.begin(), reply.end());
                      }
                      fixture.io.deliver(0, twice);
                  }) ==
          "life 0, after 2 of 2 replies: the server sent more replies than there were "
          "messages");
    // With no messages the Close frame has been sent by now.
    CHECK(outcome(0, [](Fixture& fixture) { fixture.io.end(0); }) ==
          "life 0, after 0 of 0 replies: the server closed the connection without answering "
          "the Close frame");
    CHECK(outcome(0, [](Fixture& fixture) { fixture.io.deliver(0, close_frame(1011)); }) ==
          "life 0, after 0 of 0 replies: the server sent a Close frame with code 1011");
    CHECK(outcome(0, [](Fixture& fixture) {
              Bytes bytes = close_frame(1000);
              const auto reply = fixture.messages.reply(0);
              bytes.insert(bytes.end(), reply.begin(), reply.end());
              fixture.io.deliver(0, bytes);
          }) == "life 0, after 0 of 0 replies: the server sent a frame behind its Close frame");
}

TEST_CASE("a server that lets lives wait is given up") {
    Fixture fixture(1, {.connections = 3});
    CHECK(fixture.turn() == "");
    fixture.io.accept(1);
    CHECK(fixture.turn(100) == "");
    CHECK(fixture.turn(100) == "");  // Its message has gone.
    CHECK(fixture.turn(599) == "");
    CHECK(fixture.turn(601) == "nothing happened for 0.5 s, and life 0 waits, opening");
}

namespace {

/// One connection that reads 100 bytes per second of a topic where something was published.
class SlowFixture {
public:
    SlowFixture()
        : conversation(load, {ws::Opcode::binary, 64}, 0, 1),
          clients(io, opener, conversation,
                  {.name = "slow",
                   .endings = {Ending::close_frame},
                   .bytes_per_second = 132,
                   .may_fall_behind = true},
                  milliseconds(500)) {
        load.start(start);
        clients.start(start);
        CHECK(turn() == "");
        io.accept(0);
        CHECK(turn() == "");
        Bytes frames;
        for (int i = 0; i < 3; ++i) {
            load.take_ready(start + milliseconds(2000)).clear();
            load.publish_owed(0, start, frames);
        }
    }

    std::string turn(int time = 0) {
        const auto turned = io.turn_of(clients, start + milliseconds(time));
        return turned ? "" : turned.error().message;
    }
    void deliver(std::uint64_t sequence) {
        Bytes frame(66);
        frame[0] = std::byte{0x82};
        frame[1] = std::byte{64};
        write_publication({0, sequence}, std::span(frame).subspan(2));
        io.deliver(0, frame);
    }
    [[nodiscard]] MemoryIo::Connection& connection() { return io.connections[0]; }

    MemoryIo io;
    Url url = *parse_url("ws://127.0.0.1:8080/topics");
    Sources sources = *Sources::create({}, url);
    Opener opener{io, url, sources};
    FanoutLoad load{{.subscribers = 0, .publishers = 1, .rate = 1}};
    FollowConversation conversation;
    ChurnClients clients;
};

}  // namespace

TEST_CASE("a slow reader pauses for as long as what it read should have taken") {
    SlowFixture fixture;
    CHECK(fixture.turn() == "");
    CHECK(fixture.connection().is_receiving);
    fixture.deliver(0);
    CHECK(fixture.turn(100) == "");
    CHECK_FALSE(fixture.connection().is_receiving);
    CHECK(fixture.clients.next_due(start + milliseconds(9999)) == start + milliseconds(600));
    CHECK(fixture.turn(599) == "");
    CHECK_FALSE(fixture.connection().is_receiving);
    CHECK(fixture.turn(600) == "");
    CHECK(fixture.connection().is_receiving);
}

TEST_CASE("at the end a slow reader reads the rest at once, and leaves when it has everything") {
    SlowFixture fixture;
    CHECK(fixture.turn() == "");
    fixture.deliver(0);
    CHECK(fixture.turn(100) == "");
    fixture.clients.stop(start + milliseconds(100));
    CHECK(fixture.connection().is_receiving);
    fixture.deliver(1);
    CHECK(fixture.turn(101) == "");
    CHECK(fixture.connection().is_receiving);
    CHECK(fixture.connection().sent.empty());
    fixture.deliver(2);
    CHECK(fixture.turn(102) == "");
    CHECK(fixture.connection().sent.size() == 8);  // A Close frame.
    CHECK(fixture.turn(103) == "");
    fixture.io.deliver(0, close_frame(1000));
    CHECK(fixture.turn(104) == "");
    fixture.io.end(0);
    CHECK(fixture.turn(105) == "");
    CHECK(fixture.clients.is_finished());
    CHECK(fixture.clients.fallen_behind() == 0);
}

TEST_CASE("a slow reader may be told that it has fallen behind, or be cut, and then begins anew") {
    for (const unsigned code : {1013U, 1001U, 0U}) {
        SlowFixture fixture;
        CHECK(fixture.turn() == "");
        if (code != 0) {
            fixture.io.deliver(0, close_frame(code));
        } else {
            fixture.io.end(0, -ECONNRESET);
        }
        CHECK(fixture.turn(1) == "");
        CHECK(fixture.connection().is_closed);
        CHECK(fixture.clients.fallen_behind() == 1);
        CHECK(fixture.turn(2) == "");
        CHECK_FALSE(fixture.connection().is_closed);
    }
}

TEST_CASE("a slow reader that has everything may not be cut, nor sent away for other reasons") {
    SlowFixture complete;
    CHECK(complete.turn() == "");
    for (const std::uint64_t sequence : {0U, 1U, 2U}) {
        complete.deliver(sequence);
        CHECK(complete.turn(static_cast<int>(1000 * sequence)) == "");
        CHECK(complete.turn(static_cast<int>(1000 * sequence + 500)) == "");
    }
    complete.io.end(0);
    CHECK(complete.turn(4000) ==
          "life 0, after 3 deliveries on bench-0, with 0 still to come: the server closed the "
          "connection");
    SlowFixture other;
    CHECK(other.turn() == "");
    other.io.deliver(0, close_frame(1011));
    CHECK(other.turn(1) ==
          "life 0, after 0 deliveries on bench-0, with 3 still to come: the server sent a Close "
          "frame with code 1011");
}

TEST_CASE("a delivery that does not come is missed at the end") {
    SlowFixture fixture;
    CHECK(fixture.turn() == "");
    fixture.deliver(0);
    CHECK(fixture.turn(100) == "");
    fixture.clients.stop(start + milliseconds(100));
    fixture.deliver(1);
    CHECK(fixture.turn(101) == "");
    CHECK(fixture.turn(600) == "");
    CHECK(fixture.turn(601) ==
          "nothing happened for 0.5 s, and life 0 waits, after 2 deliveries on bench-0, with 1 "
          "still to come");
}
