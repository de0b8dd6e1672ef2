// Suspending and resuming input, and what comes in between: bytes, the end of the stream, errors.

#include <cerrno>
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "unit/shard/shard_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;
using namespace std::chrono_literals;

namespace {

SessionLimits small_queue() {
    SessionLimits limits;
    limits.send_queue_bytes_max = 1000;  // Suspended above 500, resumed at 250.
    return limits;
}

std::string numbered(int i) {
    return std::to_string(i) + std::string(98, '.');
}

/// A session that has been suspended because its client does not read: message 0 to 5 of `sent`
/// have been echoed to a full socket.
struct SuspendedKit : ShardKit {
    SuspendedKit() : ShardKit{small_queue()} {
        take_frames(fd);
        ring.socket(fd).room = 0;
        std::string wire;
        for (int i = 0; i < 6; ++i) wire += test::text_frame(numbered(i));
        send(fd, wire);
        turn();
        REQUIRE(shard.metrics().suspensions == 1);
    }
    void expect_echoes(int count) {
        const auto frames = take_frames(fd);
        REQUIRE(frames.size() >= static_cast<std::size_t>(count));
        for (int i = 0; i < count; ++i)
            CHECK(frames[static_cast<std::size_t>(i)].payload == numbered(i));
    }
    int fd = open();
};

}  // namespace

TEST_CASE_FIXTURE(SuspendedKit,
                  "a client that does not read is not read from, and nothing is lost") {
    CHECK_FALSE(ring.socket(fd).recv.has_value());
    CHECK(endpoint->messages_count == 5);
    CHECK(shard.metrics().held_bytes == test::text_frame(numbered(5)).size());
    ring.give_room(fd, 200);
    turn(2);
    CHECK_FALSE(ring.socket(fd).recv.has_value());
    ring.give_room(fd, test::FakeRing::unlimited);
    turn(2);
    CHECK(ring.socket(fd).recv.has_value());
    CHECK(endpoint->messages_count == 6);
    CHECK(shard.metrics().held_bytes == 0);
    turn(2);
    expect_echoes(6);
}

TEST_CASE("bytes that come while the cancel is under way are held, in order, until resume") {
    for (const bool resumes_first : {false, true}) {
        CAPTURE(resumes_first);
        ShardKit kit{small_queue()};
        const int fd = kit.open();
        kit.take_frames(fd);
        kit.ring.socket(fd).holds_cancel = true;
        kit.ring.socket(fd).room = 0;
        std::string wire;
        for (int i = 0; i < 40; ++i) wire += test::text_frame(numbered(i));
        for (std::size_t at = 0; at < wire.size(); at += 701)
            kit.ring.deliver(fd, std::string_view{wire}.substr(at, 701));
        kit.turn(2);
        CHECK(kit.ring.socket(fd).cancelled);
        CHECK(kit.endpoint->messages_count == 5);
        if (!resumes_first) kit.ring.finish_recv(fd, -ECANCELED);
        for (int i = 0; i < 40; ++i) {
            kit.turn(3);
            kit.ring.give_room(fd, 300);
        }
        kit.turn(3);
        if (resumes_first) kit.ring.finish_recv(fd, -ECANCELED);
        kit.turn(2);
        CHECK(kit.ring.socket(fd).recv.has_value());
        CHECK(kit.shard.metrics().suspensions > 3);
        const auto frames = kit.take_frames(fd);
        REQUIRE(frames.size() == 40);
        for (int i = 0; i < 40; ++i)
            CHECK(frames[static_cast<std::size_t>(i)].payload == numbered(i));
    }
}

TEST_CASE("the end of the stream waits for the bytes held before it") {
    ShardKit kit{small_queue()};
    const int fd = kit.open();
    kit.take_frames(fd);
    kit.ring.socket(fd).holds_cancel = true;
    kit.ring.socket(fd).room = 0;
    std::string wire;
    for (int i = 0; i < 20; ++i) wire += test::text_frame(numbered(i));

    SUBCASE("without a Close") {}
    SUBCASE("with a Close") {
        wire += test::close_frame(1000, "done");
    }
    const bool has_close =
        kit.endpoint->endings.empty() && wire.ends_with(test::close_frame(1000, "done"));
    kit.send(fd, wire);
    kit.ring.finish_recv(fd, 0);
    kit.turn(2);
    CHECK(kit.endpoint->endings.empty());
    kit.ring.give_room(fd, test::FakeRing::unlimited);
    kit.turn(20);
    CHECK(kit.endpoint->messages_count == 20);
    REQUIRE(kit.endpoint->endings.size() == 1);
    CHECK(kit.endpoint->endings[0].code == (has_close ? CloseCode::normal : CloseCode::abnormal));
    const auto frames = kit.take_frames(fd);
    CHECK(frames.size() == (has_close ? 21 : 20));
    CHECK(kit.ring.socket(fd).closed);
}

TEST_CASE_FIXTURE(SuspendedKit, "a suspended session whose connection breaks ends once") {
    SUBCASE("its send fails") {
        ring.fail_send(fd, ECONNRESET);
    }
    SUBCASE("its send fails, and so does what the shard cannot see any more") {
        ring.socket(fd).holds_shutdown = true;
        ring.fail_send(fd, EPIPE);
    }
    turn(4);
    CHECK(ring.socket(fd).closed);
    CHECK(endpoint->endings.size() == 1);
    CHECK(shard.metrics().held_bytes == 0);
    CHECK(shard.metrics().queue_bytes == 0);
}

TEST_CASE_FIXTURE(
    SuspendedKit,
    "a suspended session that closes reads on, drops messages and finds the peer's Close") {
    shard.begin_shutdown(CloseCode::service_restart);
    turn(3);
    REQUIRE(ring.socket(fd).recv.has_value());
    CHECK(endpoint->messages_count == 5);
    send(fd, test::text_frame("dropped") + test::ping_frame("unanswered") +
                 test::close_frame(1012, "ok"));
    REQUIRE(endpoint->endings.size() == 1);
    CHECK(endpoint->endings[0].code == CloseCode::service_restart);
    CHECK(endpoint->endings[0].reason == "ok");
    CHECK_FALSE(ring.socket(fd).sending_shut);
    ring.give_room(fd, test::FakeRing::unlimited);
    turn(3);
    CHECK(ring.socket(fd).sending_shut);
    const auto frames = take_frames(fd);
    REQUIRE(frames.size() == 6);
    CHECK(frames[5].close_code() == 1012);
}

TEST_CASE("a client that pings without reading is suspended like any other") {
    ShardKit kit{small_queue()};
    const int fd = kit.open();
    kit.take_frames(fd);
    kit.ring.socket(fd).room = 0;
    std::string pings;
    for (int i = 0; i < 1000; ++i) pings += test::ping_frame(numbered(i));
    kit.send(fd, pings);
    CHECK(kit.shard.metrics().queue_bytes < 700);
    kit.ring.give_room(fd, test::FakeRing::unlimited);
    kit.turn(500);
    const auto frames = kit.take_frames(fd);
    REQUIRE(frames.size() == 1000);
    for (int i = 0; i < 1000; ++i)
        CHECK(frames[static_cast<std::size_t>(i)].payload == numbered(i));
}

TEST_CASE("a receive that ended for want of buffers is armed again, and nothing is lost") {
    ShardKit kit;
    const int fd = kit.open();
    const std::string wire = test::text_frame("abcdef");
    kit.ring.deliver(fd, wire.substr(0, 4));
    kit.ring.finish_recv(fd, -ENOBUFS);
    kit.turn(2);
    REQUIRE(kit.ring.socket(fd).recv.has_value());
    kit.ring.deliver(fd, wire.substr(4, 3), false);  // A last slice: the receive has ended with it.
    kit.turn(2);
    REQUIRE(kit.ring.socket(fd).recv.has_value());
    kit.send(fd, wire.substr(7));
    CHECK(kit.take_frames(fd).at(0).payload == "abcdef");
}

TEST_CASE("exhausted receive buffers are counted, and told in one line a minute") {
    ShardKit kit;
    const int fd = kit.open();
    const auto events = [&] {
        std::vector<std::string> lines;
        for (LogRecord record; kit.log.pop(record);)
            lines.push_back(std::string{record.event} + " " +
                            std::to_string(record.fields[record.fields_count - 1].value));
        return lines;
    };
    const auto exhaust = [&] {
        kit.ring.finish_recv(fd, -ENOBUFS);
        kit.turn(2);
    };
    kit.turn(5);
    CHECK(events().empty());
    for (int i = 0; i < 20; ++i) exhaust();
    CHECK(kit.shard.metrics().buffers_exhausted == 20);
    CHECK(events() == std::vector<std::string>{"receive_buffers_exhausted 1"});
    for (int i = 0; i < 3; ++i) {
        kit.ring.advance(25s);
        kit.turn();
    }
    CHECK(events() == std::vector<std::string>{"log_suppressed 19"});
    exhaust();
    CHECK(events() == std::vector<std::string>{"receive_buffers_exhausted 1"});
    kit.send(fd, test::text_frame("still here"));
    CHECK(kit.take_frames(fd).back().payload == "still here");  // Behind a ping.
}

TEST_CASE("a receive error ends the session") {
    for (const int error : {ECONNRESET, ETIMEDOUT, EPIPE, EIO}) {
        ShardKit kit;
        const int fd = kit.open();
        kit.send(fd, test::text_frame("half a mess").substr(0, 8));
        kit.ring.finish_recv(fd, -error);
        kit.turn(3);
        CHECK(kit.ring.socket(fd).closed);
        REQUIRE(kit.endpoint->endings.size() == 1);
        CHECK(kit.endpoint->endings[0].code == CloseCode::abnormal);
        CHECK(kit.shard.metrics().unexpected_errors == (error == EIO ? 1 : 0));
    }
}

TEST_CASE("a client that ends its stream gets what it is owed, then the end of ours") {
    ShardKit kit;
    const int fd = kit.open();
    kit.take_frames(fd);
    kit.ring.socket(fd).room = 3;
    kit.ring.deliver(fd, test::text_frame("owed"));
    kit.ring.finish_recv(fd, 0);
    kit.turn(3);
    CHECK(kit.endpoint->endings.size() == 1);
    CHECK_FALSE(kit.ring.socket(fd).closed);
    kit.ring.give_room(fd, test::FakeRing::unlimited);
    kit.turn(4);
    CHECK(kit.take_frames(fd).at(0).payload == "owed");
    CHECK(kit.ring.socket(fd).closed);
}

TEST_CASE("clients that do not read share one ceiling for what waits, and each is served in turn") {
    Settings settings;
    settings.pool_bytes_max = 1 << 20;
    settings.input_bytes_max = 8 << 20;
    ShardKit kit{{}, settings};
    constexpr int clients_count = 40, messages_count = 10;
    const std::string message(10'000, 'm');
    std::string wire;
    for (int i = 0; i < messages_count; ++i) wire += test::text_frame(message);
    std::vector<int> clients;
    for (int i = 0; i < clients_count; ++i) {
        clients.push_back(kit.open());
        kit.ring.socket(clients.back()).room = 0;
    }
    for (const int fd : clients) kit.send(fd, test::text_frame("first"));
    for (const int fd : clients) kit.send(fd, wire);
    // Beyond the ceiling each has one message more, and what had been received already.
    const std::size_t held_max = 128 << 10;
    const std::size_t each_max = (16 << 10) + held_max;
    CHECK(kit.shard.metrics().queue_bytes <= (1 << 20) + clients_count * (16 << 10));
    CHECK(kit.shard.pool().bytes_in_use() <= (1 << 20) + clients_count * each_max);
    for (const int fd : clients) {
        kit.ring.give_room(fd, test::FakeRing::unlimited);
        kit.turn(2 * messages_count);
        CHECK(kit.take_frames(fd).size() == 1 + messages_count);
        CHECK(kit.ring.socket(fd).recv.has_value());
    }
    CHECK(kit.shard.metrics().held_bytes == 0);
}

TEST_CASE("while the memory is used up, those that take what they are sent lose nothing") {
    Settings settings;
    settings.pool_bytes_max = 100'000;
    ShardKit kit{{}, settings};
    std::vector<SlotId> ids;
    kit.endpoint->opened = [&](Session& session) { ids.push_back(session.id()); };
    const int slow = kit.open();
    const int reading = kit.open();
    kit.ring.socket(slow).room = 0;
    kit.send(slow, test::binary_frame(std::string(60'000, 's')));
    kit.ring.socket(reading).room = 0;
    kit.send(reading, test::binary_frame(std::string(60'000, 'r')));
    CHECK(kit.shard.pool().bytes_in_use() > settings.pool_bytes_max);
    kit.ring.give_room(reading, test::FakeRing::unlimited);
    kit.turn(4);
    kit.take_frames(reading);
    kit.send(slow, test::binary_frame(std::string(60'000, 's')));
    CHECK(kit.shard.pool().bytes_in_use() > settings.pool_bytes_max);

    std::size_t dropped = 0;
    kit.endpoint->ticked = [&](Shard& shard) {
        for (const SlotId id : ids) {
            for (int i = 0; i < 3; ++i) {
                if (shard.find(id)->send(text("news")) == SendStatus::dropped) ++dropped;
            }
        }
    };
    kit.ring.advance(settings.tick_interval + std::chrono::milliseconds{10});
    kit.turn(3);
    CHECK(dropped == 3);
    CHECK(kit.take_frames(reading).size() == 3);
}

TEST_CASE("what suspended sessions had sent has a ceiling, and the oldest of them pays") {
    Settings settings;
    settings.input_bytes_max = 200'000;
    ShardKit kit{{.send_queue_bytes_max = 1000}, settings};
    const int other = kit.open();
    const auto flood = [&] {
        const int fd = kit.open();
        kit.ring.socket(fd).room = 0;
        std::string wire = test::text_frame(std::string(900, 'a'));  // It is suspended by that.
        for (int i = 0; i < 100; ++i) wire += test::text_frame(std::string(1000, 'b'));
        kit.send(fd, wire);
        return fd;
    };
    const int first = flood();
    CHECK(kit.endpoint->endings.empty());
    const int second = flood();
    CHECK(kit.shard.metrics().input_bytes <= settings.input_bytes_max);
    REQUIRE(kit.endpoint->endings.size() == 1);
    CHECK(kit.endpoint->endings[0].code == CloseCode::try_again_later);
    kit.ring.give_room(first, test::FakeRing::unlimited);
    kit.ring.give_room(second, test::FakeRing::unlimited);
    kit.turn(300);
    CHECK(kit.take_frames(first).back().close_code() == 1013);
    CHECK(kit.take_frames(second).size() == 101);
    kit.send(other, test::text_frame("still here"));
    CHECK(kit.take_frames(other).at(0).payload == "still here");
    CHECK(kit.shard.metrics().held_bytes == 0);
}

TEST_CASE("input in front of an admission has the same ceiling, and then a 503") {
    Settings settings;
    settings.input_bytes_max = 1000;
    ShardKit kit{{}, settings};
    SlotId id;
    kit.endpoint->upgraded = [&](Upgrade& upgrade) {
        id = upgrade.session.id();
        return Verdict{.kind = Verdict::Kind::pending};
    };
    const int fd = kit.accept();
    kit.send(fd, encode(test::UpgradeRequest{}) + test::text_frame(std::string(2000, 'x')));
    CHECK(kit.take_response(fd).status == 503);
    CHECK(kit.shard.metrics().held_bytes == 0);
    kit.shard.resolve(id, Verdict{});  // Too late.
    kit.turn(2);
    CHECK(kit.endpoint->opened_count == 0);
}

TEST_CASE("what on_open sends suspends input like any other output") {
    ShardKit kit{{.send_queue_bytes_max = 1000}};
    kit.endpoint->opened = [](Session& session) { session.send(text(std::string(700, 'o'))); };
    const int fd = kit.accept();
    kit.ring.socket(fd).room = 0;
    std::string wire = encode(test::UpgradeRequest{});
    for (int i = 0; i < 3; ++i) wire += test::text_frame(std::string(400, 'e'));
    kit.send(fd, wire);
    CHECK(kit.endpoint->messages_count == 0);
    kit.ring.give_room(fd, test::FakeRing::unlimited);
    kit.turn(6);
    CHECK(kit.take_response(fd).status == 101);
    CHECK(kit.take_frames(fd).size() == 4);
    CHECK(kit.shard.metrics().messages_dropped == 0);
}

TEST_CASE("a queue smaller than the 101 still echoes what is pipelined behind the request") {
    ShardKit kit{{.send_queue_bytes_max = 1}};
    const int fd = kit.accept();
    kit.send(fd,
             encode(test::UpgradeRequest{}) + test::text_frame("one") + test::text_frame("two"));
    kit.turn(8);
    CHECK(kit.take_response(fd).status == 101);
    CHECK(kit.take_frames(fd).size() == 2);
    CHECK(kit.shard.metrics().messages_dropped == 0);
}

namespace {

/// Its messages are commands of one octet each, which are answered with 100 octets, as long as the
/// session takes more.
struct CommandsKit : ShardKit {
    explicit CommandsKit(const SessionLimits& limits = small_queue(), const Settings& settings = {})
        : ShardKit{limits, settings} {
        endpoint->received = [this](Session& session, Message message) {
            rest = message.payload;
            take(session);
        };
        endpoint->resumed = [this](Session& session) { take(session); };
        take_frames(fd);
    }
    void take(Session& session) {
        while (!rest.empty() && session.takes_more()) {
            session.count_work(work_per_command);
            const SendStatus status =
                session.send(rest.substr(0, 1) + std::string(99, '.'), MessageKind::text);
            CHECK(status <= SendStatus::behind);
            done += rest.front();
            rest.erase(0, 1);
        }
    }
    int fd = open();
    std::string rest, done;
    std::uint32_t work_per_command = 1;
};

}  // namespace

TEST_CASE_FIXTURE(CommandsKit, "the rest of a message waits until its client has read") {
    ring.socket(fd).room = 0;
    send(fd, test::text_frame("abcdefghijkl") + test::text_frame("mn"));
    CHECK(done == "abcde");
    ring.give_room(fd, 100);
    turn(2);
    CHECK(done == "abcde");
    ring.give_room(fd, test::FakeRing::unlimited);
    turn(6);
    CHECK(done == "abcdefghijklmn");
    CHECK(take_frames(fd).size() == 14);
}

TEST_CASE("the rest of a message waits for the next turn when it has had its share of this one") {
    CommandsKit kit{{}, {.work_per_turn = 1000}};
    kit.work_per_command = 300;
    kit.ring.deliver(kit.fd, test::text_frame("abcdefghij") + test::text_frame("kl"));
    kit.turn();
    CHECK(kit.done == "abcd");
    kit.turn();
    CHECK(kit.done == "abcdefgh");
    kit.turn(2);
    CHECK(kit.done == "abcdefghijkl");
}

TEST_CASE("what is answered later goes on where the message stopped") {
    CommandsKit kit;
    SlotId id;
    kit.endpoint->received = [&](Session& session, Message message) {
        kit.rest = message.payload;
        id = session.id();
        session.hold_input();
    };
    kit.ring.socket(kit.fd).room = 0;
    kit.send(kit.fd, test::text_frame("abcdefghij") + test::text_frame("k"));
    CHECK(kit.done.empty());
    auto session = kit.shard.find(id);
    REQUIRE(session);
    kit.take(*session);  // Its input is held by itself alone.
    CHECK(kit.done == "abcde");
    session->release_input();
    kit.turn(2);
    CHECK(kit.done == "abcde");
    kit.endpoint->received = {};
    kit.ring.give_room(kit.fd, test::FakeRing::unlimited);
    kit.turn(6);
    CHECK(kit.done == "abcdefghij");
    CHECK(kit.take_frames(kit.fd).size() == 11);
}
