// Deadlines, by a clock that the test moves; accepting and its failures.

#include <cerrno>
#include <doctest/doctest.h>
#include <string>

#include "unit/shard/shard_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;
using namespace std::chrono_literals;

namespace {

constexpr Duration tick = 10ms;  // Timers fire up to a tick of the wheel (4 ms) late.

/// Pings between 9 and 10 seconds of silence, the end after 40.
SessionLimits limits() {
    SessionLimits result;
    result.ping_interval = 10s;
    result.idle_timeout = 40s;
    return result;
}

std::size_t count_pings(const std::vector<test::ServerFrame>& frames) {
    std::size_t count = 0;
    for (const test::ServerFrame& frame : frames) {
        CHECK(frame.opcode == test::opcode_ping);
        ++count;
    }
    return count;
}

}  // namespace

TEST_CASE("a silent session is pinged once, and closed when it stays silent") {
    ShardKit kit{limits()};
    const int fd = kit.open();
    kit.pass(8990ms);
    CHECK(kit.take_frames(fd).empty());
    kit.pass(1010ms + tick);
    CHECK(count_pings(kit.take_frames(fd)) == 1);
    kit.pass(15s);
    kit.pass(14s);
    CHECK(kit.take_frames(fd).empty());
    CHECK(kit.endpoint->endings.empty());
    kit.pass(1s + tick);
    CHECK(kit.take_close(fd) == 1001);
    REQUIRE(kit.endpoint->endings.size() == 1);
    CHECK(kit.endpoint->endings[0].code == CloseCode::going_away);
    CHECK(kit.shard.metrics().timeouts == 1);
}

TEST_CASE("a session that answers pings is pinged after each interval of silence, for ever") {
    ShardKit kit{limits()};
    const int fd = kit.open();
    for (int round = 0; round < 30; ++round) {
        CAPTURE(round);
        kit.pass(10s + tick);
        CHECK(count_pings(kit.take_frames(fd)) == 1);
        kit.send(fd, test::pong_frame());
    }
    CHECK(kit.endpoint->endings.empty());
    CHECK(kit.endpoint->messages_count == 0);
}

TEST_CASE("a session that talks is neither pinged nor closed") {
    ShardKit kit{limits()};
    kit.endpoint->received = [](Session&, Message) {};
    const int fd = kit.open();
    for (int i = 0; i < 20; ++i) {
        kit.pass(8s);
        kit.send(fd, test::text_frame("x"));
    }
    CHECK(kit.take_frames(fd).empty());
    kit.pass(10s + tick);
    CHECK(count_pings(kit.take_frames(fd)) == 1);
}

TEST_CASE("a message that has begun has to end in time, whatever trickles in") {
    for (const bool is_pinged : {false, true}) {
        CAPTURE(is_pinged);
        SessionLimits with_timeout{.idle_timeout = 0s, .ping_interval = 0s, .message_timeout = 30s};
        if (is_pinged) with_timeout.ping_interval = 25s;
        ShardKit kit{with_timeout};
        const int fd = kit.open();
        const std::string frame = test::binary_frame(std::string(60'000, 'm'));

        SUBCASE("it ends: the next one has all the time again") {
            for (int i = 0; i < 5; ++i) {
                kit.send(fd, frame.substr(0, 3));
                kit.pass(29s);
                kit.send(fd, frame.substr(3));
            }
            CHECK(kit.endpoint->messages_count == 5);
            kit.pass(100s);
            CHECK(kit.endpoint->endings.empty());
        }
        SUBCASE("it does not") {
            for (std::size_t i = 0; i < 30; ++i) {
                CHECK(kit.endpoint->endings.empty());
                kit.send(fd, frame.substr(i, 1));
                kit.pass(1s);
            }
            kit.pass(tick);
            REQUIRE(kit.endpoint->endings.size() == 1);
            CHECK(kit.endpoint->endings[0].code == CloseCode::policy_violation);
            CHECK(kit.take_frames(fd).back().close_code() == 1008);
            CHECK(kit.shard.pool().blocks_in_use() == 0);
            CHECK(kit.shard.metrics().timeouts == 1);
        }
    }
}

TEST_CASE("a large message has its time for each 64 KiB") {
    ShardKit kit{{.message_bytes_max = 1 << 20, .message_timeout = 10s}};
    const int fd = kit.open();
    const std::string frame = test::binary_frame(std::string(1 << 20, 'm'));
    std::size_t at = 0;
    for (; at < 10 * (64 << 10); at += 64 << 10) {
        kit.send(fd, frame.substr(at, 64 << 10));
        kit.pass(9s);
    }
    CHECK(kit.endpoint->endings.empty());
    kit.send(fd, frame.substr(at, (64 << 10) - 1));
    kit.pass(1s + tick);
    CHECK(kit.take_frames(fd).back().close_code() == 1008);
}

TEST_CASE("the time of a message stands still while its session is suspended") {
    ShardKit kit{{.send_queue_bytes_max = 2000, .idle_timeout = 0s, .message_timeout = 10s}};
    const int fd = kit.open();
    kit.ring.socket(fd).room = 0;
    kit.send(fd, test::text_frame(std::string(1500, 'a')) + test::text_frame("half").substr(0, 8));
    kit.pass(100s);
    CHECK(kit.endpoint->endings.empty());
    kit.ring.give_room(fd, test::FakeRing::unlimited);
    kit.turn(4);
    kit.pass(9s);
    CHECK(kit.endpoint->endings.empty());
    kit.pass(1s + tick);
    CHECK(kit.take_frames(fd).back().close_code() == 1008);
}

TEST_CASE("zero gives a message all the time") {
    ShardKit kit{{.idle_timeout = 0s, .ping_interval = 0s, .message_timeout = 0s}};
    const int fd = kit.open();
    kit.send(fd, test::text_frame("half").substr(0, 8));
    kit.pass(10'000s);
    CHECK(kit.endpoint->endings.empty());
}

TEST_CASE("zero turns pings and the idle timeout off") {
    SessionLimits none;
    none.ping_interval = none.idle_timeout = 0s;
    ShardKit kit{none};
    const int fd = kit.open();
    kit.pass(1000h);
    CHECK(kit.take_frames(fd).empty());
    CHECK(kit.endpoint->endings.empty());
}

TEST_CASE("a suspended session is not pinged, but ends when its backlog makes no progress") {
    SessionLimits small = limits();
    small.send_queue_bytes_max = 400;
    ShardKit kit{small};
    const int fd = kit.open();
    kit.take_frames(fd);
    kit.ring.socket(fd).room = 0;
    kit.send(fd, test::text_frame(std::string(390, 'x')));
    REQUIRE(kit.shard.metrics().suspensions == 1);
    kit.pass(39s);
    kit.ring.give_room(fd, 1);

    SUBCASE("none at all") {
        kit.pass(1s + tick);
        REQUIRE(kit.endpoint->endings.size() == 1);
        CHECK(kit.endpoint->endings[0].code == CloseCode::abnormal);
        kit.turn(3);
        CHECK(kit.ring.socket(fd).closed);
    }
    SUBCASE("and when it does, silence is counted anew") {
        kit.ring.give_room(fd, test::FakeRing::unlimited);
        kit.turn(2);
        CHECK(kit.take_frames(fd).size() == 1);
        kit.pass(8s);
        CHECK(kit.take_frames(fd).empty());
        kit.pass(2s + tick);
        CHECK(count_pings(kit.take_frames(fd)) == 1);
    }
}

TEST_CASE("a peer that does not answer our Close is cut") {
    ShardKit kit;
    kit.endpoint->received = [](Session& session, Message) { session.close(CloseCode::normal); };
    const int fd = kit.open();
    kit.send(fd, test::text_frame("x"));
    kit.pass(Settings{}.close_timeout - tick);
    CHECK(kit.endpoint->endings.empty());
    kit.pass(2 * tick);
    kit.turn(3);
    CHECK(kit.endpoint->endings.at(0).code == CloseCode::abnormal);
    CHECK(kit.ring.socket(fd).closed);
}

TEST_CASE("a peer that does not end its stream after ours is cut") {
    ShardKit kit;
    const int fd = kit.open();
    kit.send(fd, test::close_frame(1000));
    kit.pass(Settings{}.close_timeout - tick);
    CHECK_FALSE(kit.ring.socket(fd).closed);
    kit.send(fd, "more and more");  // Buys no time.
    kit.pass(2 * tick);
    kit.turn(3);
    CHECK(kit.ring.socket(fd).closed);
    CHECK(kit.endpoint->endings.size() == 1);
    CHECK(kit.endpoint->endings[0].code == CloseCode::normal);
}

TEST_CASE("many timers of one moment are served over several turns, and none is lost") {
    Settings settings;
    settings.timers_per_turn = 3;
    ShardKit kit{{}, settings};
    std::vector<int> fds;
    for (int i = 0; i < 20; ++i) fds.push_back(kit.accept());
    kit.ring.advance(settings.handshake_timeout + tick);
    kit.turn(1);
    std::size_t closing = 0;
    for (const int fd : fds) closing += kit.ring.socket(fd).both_shut ? 1u : 0u;
    CHECK(closing == 0);  // Submitted with the next turn.
    kit.turn(20);
    for (const int fd : fds) CHECK(kit.ring.socket(fd).closed);
}

TEST_CASE("endpoints are called at each tick") {
    ShardKit kit;
    for (int i = 0; i < 5; ++i) kit.pass(Settings{}.tick_interval + tick);
    CHECK(kit.endpoint->ticks_count == 5);
}

TEST_CASE("an accept that fails is tried again later, without spinning") {
    ShardKit kit;
    kit.ring.complete_accept(ShardKit::listener, -EMFILE, false);
    kit.turn(3);
    CHECK_FALSE(kit.ring.is_accepting(ShardKit::listener));
    CHECK(kit.ring.last_wait().until > kit.ring.now());
    CHECK(kit.shard.metrics().accept_errors == 1);
    kit.pass(100ms + tick);
    CHECK(kit.ring.is_accepting(ShardKit::listener));
    kit.open();

    SUBCASE("not if the accept is still armed") {
        kit.ring.complete_accept(ShardKit::listener, -ECONNABORTED, true);
        kit.turn();
        CHECK(kit.ring.is_accepting(ShardKit::listener));
        kit.pass(1s);
        kit.open();
    }
    SUBCASE("not if a shutdown has begun meanwhile") {
        kit.ring.complete_accept(ShardKit::listener, -ENOMEM, false);
        kit.turn();
        kit.shard.begin_shutdown(CloseCode::going_away);
        kit.pass(1s);
        CHECK_FALSE(kit.ring.is_accepting(ShardKit::listener));
    }
    SUBCASE("at once if it only had to be armed again") {
        const int fd = kit.ring.add_connection();
        kit.ring.complete_accept(ShardKit::listener, fd, false);
        kit.turn(2);
        CHECK(kit.ring.is_accepting(ShardKit::listener));
    }
}

TEST_CASE("connections over the limit are closed at once, and there is room again when one goes") {
    Settings settings;
    settings.connections_max = 2;
    ShardKit kit{{}, settings};
    const int one = kit.open();
    kit.open();
    const int refused = kit.accept();
    kit.turn();
    CHECK(kit.ring.socket(refused).closed);
    CHECK(kit.shard.metrics().accepts_refused == 1);
    kit.ring.finish_recv(one, -ECONNRESET);
    kit.turn(3);
    kit.open();
}

TEST_CASE("a shutdown is not finished before the last refused connection is closed") {
    Settings settings;
    settings.connections_max = 0;
    ShardKit kit{{}, settings};
    const int refused = kit.ring.add_connection();
    kit.shard.begin_shutdown(CloseCode::going_away);
    kit.ring.complete_accept(ShardKit::listener, refused);
    kit.turn();
    CHECK_FALSE(kit.shard.finished());
    kit.turn(6);
    CHECK(kit.ring.socket(refused).closed);
    CHECK(kit.shard.finished());
}
