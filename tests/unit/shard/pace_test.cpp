// What one client may take of a shard: in a second, by its rates, and in a turn, beside others.

#include <doctest/doctest.h>
#include <optional>
#include <string>

#include "unit/shard/secure_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;
using namespace std::chrono_literals;

namespace {

std::string messages(int count, std::string_view payload = "x") {
    std::string wire;
    for (int i = 0; i < count; ++i) wire += test::text_frame(payload);
    return wire;
}

SessionLimits with_message_rate(std::uint64_t rate, std::uint64_t burst) {
    SessionLimits limits;
    limits.message_rate = {.rate = rate, .burst = burst};
    return limits;
}

}  // namespace

TEST_CASE("a client that sends too many messages waits, and loses none") {
    ShardKit kit{with_message_rate(10, 5)};
    const int fd = kit.open();
    kit.send(fd, messages(7));
    CHECK(kit.endpoint->messages_count == 5);
    CHECK_FALSE(kit.ring.socket(fd).recv);
    CHECK(kit.shard.metrics().rate_suspensions == 1);
    CHECK(kit.shard.metrics().held_bytes > 0);
    kit.pass(50ms);
    CHECK(kit.endpoint->messages_count == 5);
    kit.pass(60ms);
    CHECK(kit.endpoint->messages_count == 6);
    kit.pass(110ms);
    CHECK(kit.endpoint->messages_count == 7);
    kit.pass(110ms);
    CHECK(kit.ring.socket(fd).recv);
    CHECK(kit.shard.metrics().held_bytes == 0);
    kit.pass(10s);
    kit.send(fd, messages(5));
    CHECK(kit.endpoint->messages_count == 12);
    CHECK(kit.take_frames(fd).size() == 12);
}

TEST_CASE("control frames count as messages") {
    ShardKit kit{with_message_rate(1, 3)};
    const int fd = kit.open();
    std::string wire;
    for (int i = 0; i < 10; ++i) wire += test::ping_frame("p");
    kit.send(fd, wire);
    CHECK(kit.take_frames(fd).size() == 3);
}

TEST_CASE("a client that sends too many bytes waits as long as they take to be due") {
    SessionLimits limits;
    limits.byte_rate = {.rate = 1000, .burst = 2000};
    ShardKit kit{limits};
    const int fd = kit.open();
    const std::string wire = messages(1, std::string(1500, 'a'));
    kit.send(fd, wire);
    CHECK(kit.endpoint->messages_count == 1);
    kit.send(fd, wire);
    CHECK(kit.endpoint->messages_count == 1);
    CHECK_FALSE(kit.ring.socket(fd).recv);
    kit.pass(900ms);
    CHECK(kit.endpoint->messages_count == 1);
    kit.pass(150ms);
    CHECK(kit.endpoint->messages_count == 2);
    CHECK(kit.ring.socket(fd).recv);
    CHECK(kit.shard.metrics().rate_suspensions == 1);
}

TEST_CASE("waiting for tokens is no idleness") {
    SessionLimits limits;
    limits.byte_rate = {.rate = 10, .burst = 100};
    limits.idle_timeout = 20s;
    limits.ping_interval = 5s;
    limits.message_timeout = 3s;
    ShardKit kit{limits};
    const int fd = kit.open();
    kit.send(fd, messages(1, std::string(700, 'a')) + test::text_frame("b").substr(0, 3));
    for (int i = 0; i < 60; ++i) kit.pass(1s);
    CHECK(kit.endpoint->endings.empty());
    CHECK(kit.endpoint->messages_count == 0);
    for (int i = 0; i < 4; ++i) kit.pass(1s);
    CHECK(kit.endpoint->messages_count == 1);
    kit.pass(4s);  // Of the rest of the message there is no sign.
    REQUIRE(kit.endpoint->endings.size() == 1);
    CHECK(kit.endpoint->endings[0].code == CloseCode::policy_violation);
}

TEST_CASE("a client that waits for tokens is pinged on, so that one who has gone is found") {
    SessionLimits limits;
    limits.byte_rate = {.rate = 10, .burst = 100};
    limits.idle_timeout = 20s;
    limits.ping_interval = 5s;
    ShardKit kit{limits};
    const int fd = kit.open();
    kit.send(fd, messages(1, std::string(700, 'a')));
    for (int i = 0; i < 12; ++i) kit.pass(1s);
    CHECK(kit.take_frames(fd).size() == 2);
    kit.ring.socket(fd).send_error = ETIMEDOUT;
    for (int i = 0; i < 5; ++i) kit.pass(1s);
    kit.turn(4);
    CHECK(kit.ring.socket(fd).closed);
}

TEST_CASE("a client that waits for tokens can be closed, can close and can break") {
    ShardKit kit{with_message_rate(1, 1)};
    std::optional<SlotId> id;
    kit.endpoint->opened = [&](Session& session) { id = session.id(); };
    SUBCASE("closed by the application") {
        const int fd = kit.open();
        kit.send(fd, messages(3) + test::close_frame(1000));
        kit.take_frames(fd);
        kit.shard.find(*id)->close(CloseCode::normal);
        kit.turn(3);
        CHECK(kit.take_close(fd) == 1000);
        CHECK(kit.endpoint->endings.size() == 1);
    }
    SUBCASE("its own Close comes in its turn") {
        const int fd = kit.open();
        kit.send(fd, messages(2) + test::close_frame(1000));
        CHECK(kit.endpoint->endings.empty());
        kit.pass(1100ms);
        kit.pass(1100ms);
        CHECK(kit.endpoint->messages_count == 2);
        CHECK(kit.endpoint->endings.size() == 1);
    }
    SUBCASE("broken") {
        const int fd = kit.open();
        kit.send(fd, messages(3));
        kit.ring.socket(fd).send_error = ECONNRESET;
        kit.shard.find(*id)->send("x", MessageKind::text);
        kit.turn(4);
        CHECK(kit.ring.socket(fd).closed);
    }
}

TEST_CASE("a flooder has its part of each turn, and an honest client is answered in the next") {
    constexpr std::size_t part = 100;
    constexpr std::size_t flood = 10'000;
    ShardKit kit{{}, {.work_per_turn = part}};
    std::optional<SlotId> flooder_id;
    std::size_t flooded = 0;
    kit.endpoint->opened = [&](Session& session) {
        if (!flooder_id) flooder_id = session.id();
    };
    kit.endpoint->received = [&](Session& session, Message message) {
        if (session.id() == *flooder_id) ++flooded;
        session.send(message);
    };
    const int flooder = kit.open();
    const int honest = kit.open();
    kit.ring.socket(flooder).keeps_output = false;
    kit.ring.deliver(flooder, messages(static_cast<int>(flood)));
    kit.turn();
    CHECK(flooded == part);
    std::size_t turns = 1;
    for (int i = 0; i < 20; ++i) {
        kit.ring.deliver(honest, test::text_frame("hello"));
        kit.turn();  // Its message comes, and is answered before the flooder goes on.
        kit.turn();  // The answer goes out.
        turns += 2;
        CHECK(kit.take_frames(honest).size() == 1);
        CHECK(flooded == part * turns);
    }
    for (; flooded < flood && turns < 200; ++turns) {
        kit.turn();
        CHECK(flooded == part * (turns + 1));
    }
    CHECK(flooded == flood);
    kit.turn(2);
    CHECK(kit.ring.socket(flooder).recv);
    CHECK(kit.shard.metrics().held_bytes == 0);
    CHECK(kit.shard.metrics().turn_suspensions == flood / part);
}

TEST_CASE("fragments without end, and without content, are a flood like any other") {
    constexpr int part = 100, flood = 10'000;
    ShardKit kit{{}, {.work_per_turn = part}};
    const int flooder = kit.open();
    const int honest = kit.open();
    std::string fragments = test::binary_frame("a", false);
    for (int i = 1; i < flood; ++i) fragments += test::continuation_frame("", false);
    kit.ring.deliver(flooder, fragments);
    kit.turn();
    CHECK(kit.shard.metrics().turn_suspensions == 1);
    kit.ring.deliver(honest, test::text_frame("hello"));
    kit.turn(2);
    CHECK(kit.take_frames(honest).size() == 1);
    CHECK(kit.shard.metrics().turn_suspensions == 3);
    kit.turn(flood / part);
    CHECK(kit.shard.metrics().turn_suspensions == (flood - 1) / part);
    kit.send(flooder, test::continuation_frame("b", true));
    REQUIRE(kit.take_frames(flooder).size() == 1);
}

TEST_CASE("who floods with fragments is as late with its message as anybody") {
    ShardKit kit{{}, {.work_per_turn = 10}};
    const int flooder = kit.open();
    kit.send(flooder, test::binary_frame("a", false));
    std::string fragments;
    for (int i = 0; i < 15; ++i) fragments += test::continuation_frame("", false);
    for (int i = 0; i < 40; ++i) {
        if (kit.ring.socket(flooder).recv) kit.ring.deliver(flooder, fragments);
        kit.pass(1s);
        kit.turn(2);
    }
    const auto frames = kit.take_frames(flooder);
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].close_code() == 1008);
    CHECK(kit.shard.metrics().turn_suspensions >= 29);
}

TEST_CASE("what a client sends in many pieces is one part of the turn, too") {
    ShardKit kit{{}, {.work_per_turn = 100}};
    const int fd = kit.open();
    kit.ring.socket(fd).holds_cancel = true;
    for (int i = 0; i < 10; ++i) kit.ring.deliver(fd, messages(60), i < 9);
    kit.turn();
    CHECK(kit.endpoint->messages_count == 100);
    for (int i = 2; i <= 6; ++i) {
        kit.turn();
        CHECK(kit.endpoint->messages_count == static_cast<std::size_t>(100 * i));
    }
    kit.turn(2);
    CHECK(kit.endpoint->messages_count == 600);
    CHECK(kit.ring.socket(fd).recv);
}

TEST_CASE("records of TLS take their part of the turn, however small they are") {
    SecureKit kit{{}, {.work_per_turn = 10}};
    const int fd = kit.open_tls();
    for (int i = 0; i < 35; ++i) kit.tls(fd).send(messages(1));
    kit.deliver_output(fd);
    for (std::size_t count = 10; count <= 30; count += 10) {
        kit.turn();
        CHECK(kit.endpoint->messages_count == count);
    }
    kit.turn(2);
    CHECK(kit.endpoint->messages_count == 35);
    CHECK(kit.ring.socket(fd).recv);
}

TEST_CASE("small records take their part of one turn, in however many pieces they come") {
    constexpr std::size_t count = 400, pieces = 16;
    SecureKit kit;
    const int fd = kit.open_tls();
    kit.ring.socket(fd).holds_cancel = true;
    for (const char octet : messages(count)) kit.tls(fd).send({&octet, 1});
    const std::string wire = kit.tls(fd).take_output();
    const std::size_t piece_bytes = wire.size() / pieces + 1;
    for (std::size_t at = 0; at < wire.size(); at += piece_bytes)
        kit.ring.deliver(fd, wire.substr(at, piece_bytes), at + piece_bytes < wire.size());
    kit.turn();
    // Of 7 records each: 8 reads of 64, and those that used up a piece.
    CHECK(kit.endpoint->messages_count > 8 * 64 / 7);
    CHECK(kit.endpoint->messages_count <= (8 + pieces) * 64 / 7);
    kit.turn(8);
    CHECK(kit.endpoint->messages_count == count);
    CHECK(kit.ring.socket(fd).recv);
    CHECK(kit.shard.metrics().held_bytes == 0);
}

TEST_CASE("the rates of a client count over TLS, too") {
    SessionLimits limits = with_message_rate(10, 5);
    limits.byte_rate = {.rate = 100'000, .burst = 100'000};
    SecureKit kit{limits};
    const int fd = kit.open_tls();
    kit.say(fd, messages(7));
    CHECK(kit.endpoint->messages_count == 5);
    CHECK(kit.shard.metrics().held_bytes > 0);
    kit.pass(1s);
    CHECK(kit.endpoint->messages_count == 7);
    CHECK(kit.shard.metrics().held_bytes == 0);
}

TEST_CASE("large messages take more of a turn than small ones") {
    SessionLimits limits;
    limits.message_bytes_max = 1 << 20;
    ShardKit kit{limits, {.work_per_turn = 100}};
    kit.endpoint->received = [](Session&, Message) {};
    const int fd = kit.open();
    kit.ring.deliver(fd, messages(10, std::string(200'000, 'a')));
    kit.turn();
    CHECK(kit.endpoint->messages_count == 3);  // 49 each.
    kit.turn();
    CHECK(kit.endpoint->messages_count == 6);
    kit.turn(3);
    CHECK(kit.endpoint->messages_count == 10);
}

TEST_CASE("a Close by the application ends a flood, and the rest of it is dropped in parts") {
    ShardKit kit{{}, {.work_per_turn = 10}};
    kit.endpoint->received = [](Session& session, Message) { session.close(CloseCode::normal); };
    const int fd = kit.open();
    kit.ring.deliver(fd, messages(95) + test::close_frame(1000));
    kit.turn();
    CHECK(kit.endpoint->messages_count == 1);
    for (int i = 0; i < 12; ++i) kit.turn();
    CHECK(kit.endpoint->messages_count == 1);
    CHECK(kit.shard.metrics().turn_suspensions == 9);
    CHECK(kit.ring.socket(fd).sending_shut);
}
