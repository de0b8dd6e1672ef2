// The ways to the end: closing handshakes, failures, shutdown in each phase.

#include <cerrno>
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "unit/shard/shard_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;

TEST_CASE("a Close of the peer is answered with its code") {
    struct {
        std::string frame;
        CloseCode code;
        const char* reason;
        std::string answer;
    } const cases[] = {
        {test::close_frame(1000), CloseCode::normal, "", test::close_payload(1000)},
        {test::close_frame(1001, "bye"), CloseCode::going_away, "bye", test::close_payload(1001)},
        {test::close_frame(4999, "\xc3\xa4"), CloseCode{4999}, "\xc3\xa4",
         test::close_payload(4999)},
        {test::close_frame_without_code(), CloseCode::no_status, "", ""},
    };
    for (const auto& [frame, code, reason, answer] : cases) {
        ShardKit kit;
        const int fd = kit.open();
        kit.send(fd, test::text_frame("before") + frame + test::text_frame("after"));
        const auto frames = kit.take_frames(fd);
        REQUIRE(frames.size() == 2);
        CHECK(frames[0].payload == "before");
        CHECK(frames[1] == test::ServerFrame{test::opcode_close, true, answer});
        CHECK(kit.endpoint->messages_count == 1);
        REQUIRE(kit.endpoint->endings.size() == 1);
        CHECK(kit.endpoint->endings[0].code == code);
        CHECK(kit.endpoint->endings[0].reason == reason);
        kit.turn();
        CHECK(kit.ring.socket(fd).sending_shut);
        CHECK_FALSE(kit.ring.socket(fd).closed);
        kit.send(fd, "whatever still comes");
        kit.ring.finish_recv(fd, 0);
        kit.turn(3);
        CHECK(kit.ring.socket(fd).closed);
    }
}

TEST_CASE("a violation is answered with its code after everything owed, and told to the endpoint") {
    struct {
        std::string frame;
        int code;
    } const cases[] = {
        {encode(test::ClientFrame{.reserved_bits = 4}), 1002},
        {encode(test::ClientFrame{.opcode = 3}), 1002},
        {encode(test::ClientFrame{.payload = "x", .key = {}}), 1002},
        {test::continuation_frame("x", true), 1002},
        {test::text_frame("x", false) + test::text_frame("y"), 1002},
        {encode(test::ClientFrame{.opcode = test::opcode_ping, .fin = false}), 1002},
        {encode(test::ClientFrame{.opcode = test::opcode_close, .payload = "x"}), 1002},
        {test::close_frame(1005), 1002},
        {test::close_frame(1000, "\xff"), 1007},
        {test::text_frame("\xc0\xaf"), 1007},
        {encode(test::ClientFrame{.payload = "x", .announced_bytes = 70'000}), 1009},
    };
    for (const auto& [frame, code] : cases) {
        CAPTURE(code);
        ShardKit kit;
        const int fd = kit.open();
        kit.send(fd, test::text_frame("owed") + frame + test::text_frame("after"));
        const auto frames = kit.take_frames(fd);
        REQUIRE(frames.size() == 2);
        CHECK(frames[0].payload == "owed");
        CHECK(frames[1].close_code() == code);
        CHECK(kit.shard.metrics().protocol_errors == (code == 1009 ? 0 : 1));
        CHECK(kit.shard.metrics().messages_too_big == (code == 1009 ? 1 : 0));
        REQUIRE(kit.endpoint->endings.size() == 1);
        CHECK(kit.endpoint->endings[0].code == CloseCode{static_cast<std::uint16_t>(code)});
    }
}

TEST_CASE("on_close can neither send nor close any more, however the session ends") {
    ShardKit kit;
    std::optional<SlotId> id;
    kit.endpoint->opened = [&](Session& session) { id = session.id(); };
    kit.endpoint->closed = [&](Session& session) {
        CHECK(session.send(text("x")) == SendStatus::closed);
        session.close(CloseCode{4000}, "from on_close");
        CHECK_FALSE(kit.shard.find(*id).has_value());
    };
    const int fd = kit.open();
    std::vector<test::ServerFrame> expected{{test::opcode_close, true, test::close_payload(1000)}};

    SUBCASE("by the peer's Close") {
        kit.send(fd, test::close_frame(1000));
    }
    SUBCASE("by the end of the stream") {
        kit.ring.finish_recv(fd, 0);
        expected.clear();
    }
    SUBCASE("by a reset") {
        kit.ring.finish_recv(fd, -ECONNRESET);
        expected.clear();
    }
    SUBCASE("by a violation") {
        kit.send(fd, test::continuation_frame("", true));
        expected[0].payload = test::close_payload(1002, "continuation without a message");
    }
    kit.turn(4);
    CHECK(kit.take_frames(fd) == expected);
    CHECK(kit.endpoint->endings.size() == 1);
}

TEST_CASE("a session that closes waits for the peer's Close, and drops its messages meanwhile") {
    ShardKit kit;
    kit.endpoint->received = [](Session& session, Message message) {
        session.send(message);
        session.close(CloseCode{4001}, std::string(200, 'r'));
        session.close(CloseCode{4002});
        CHECK(session.send(message) == SendStatus::closed);
    };
    const int fd = kit.open();
    kit.send(fd, test::text_frame("one") + test::text_frame("two") + test::ping_frame());
    const auto frames = kit.take_frames(fd);
    REQUIRE(frames.size() == 2);
    CHECK(frames[0].payload == "one");
    CHECK(frames[1].payload == test::close_payload(4001, std::string(123, 'r')));
    CHECK(kit.endpoint->messages_count == 1);
    CHECK(kit.endpoint->endings.empty());
    CHECK_FALSE(kit.ring.socket(fd).sending_shut);

    SUBCASE("which comes") {
        kit.send(fd, test::close_frame(4001));
        CHECK(kit.endpoint->endings.at(0).code == CloseCode{4001});
    }
    SUBCASE("which does not come before the end of the stream") {
        kit.ring.finish_recv(fd, 0);
        kit.turn(3);
        CHECK(kit.endpoint->endings.at(0).code == CloseCode::abnormal);
    }
    SUBCASE("in place of which a violation comes") {
        kit.send(fd, test::continuation_frame("", true));
        CHECK(kit.endpoint->endings.at(0).code == CloseCode::protocol_error);
    }
    kit.turn();
    CHECK((kit.ring.socket(fd).sending_shut || kit.ring.socket(fd).closed));
    CHECK(kit.take_frames(fd).empty());
}

TEST_CASE("a Close goes out behind the backlog") {
    ShardKit kit;
    const int fd = kit.open();
    kit.take_frames(fd);
    kit.ring.socket(fd).room = 2;
    kit.send(fd, test::text_frame("one") + test::text_frame("two"));
    kit.send(fd, test::close_frame(1000));
    CHECK(kit.endpoint->endings.size() == 1);
    kit.ring.give_room(fd, test::FakeRing::unlimited);
    kit.turn(3);
    const auto frames = kit.take_frames(fd);
    REQUIRE(frames.size() == 3);
    CHECK(frames[1].payload == "two");
    CHECK(frames[2].close_code() == 1000);
    CHECK(kit.ring.socket(fd).sending_shut);
}

TEST_CASE("a shutdown takes what the kernel has queued, then ends the listener") {
    ShardKit kit;
    kit.turn(2);
    kit.shard.begin_shutdown(CloseCode::going_away);
    for (int i = 0; i < 3; ++i) {
        kit.ring.complete_accept(ShardKit::listener, kit.ring.add_connection());
        kit.turn();
        CHECK(kit.ring.is_accepting(ShardKit::listener));
    }
    kit.turn(4);
    CHECK_FALSE(kit.ring.is_accepting(ShardKit::listener));
    CHECK(kit.ring.is_listener_shut(ShardKit::listener));
    CHECK(kit.shard.metrics().accepts == 3);
    CHECK(kit.shard.metrics().handshakes_refused == 3);
}

TEST_CASE("a turn that brings only others leaves a shutdown accepting") {
    ShardKit kit;
    const int busy = kit.accept();
    kit.shard.begin_shutdown(CloseCode::going_away);
    for (int i = 0; i < 10; ++i) {
        kit.ring.deliver(busy, "x");
        kit.turn();
        REQUIRE(kit.ring.is_accepting(ShardKit::listener));
    }
    const int queued = kit.ring.add_connection();
    kit.ring.complete_accept(ShardKit::listener, queued);
    kit.turn(2);
    CHECK(kit.take_response(queued).status == 503);
    kit.turn(4);
    CHECK(kit.ring.is_listener_shut(ShardKit::listener));
}

TEST_CASE("a slow peer is not cut while it reads what was owed before the end") {
    Settings settings;
    settings.close_timeout = std::chrono::seconds{5};
    ShardKit kit{{}, settings};
    const int fd = kit.open();
    kit.take_frames(fd);
    kit.ring.socket(fd).room = 0;
    std::string input;
    for (int i = 0; i < 100; ++i) input += test::binary_frame(std::string(10'000, 'x'));
    kit.send(fd, input + test::close_frame(1000));
    for (int i = 0; i < 4; ++i) {
        kit.turn(2);
        kit.ring.advance(std::chrono::seconds{4});
        kit.ring.give_room(fd, 300 << 10);
        kit.turn(2);
        CHECK_FALSE(kit.ring.socket(fd).both_shut);
    }
    kit.turn(4);
    CHECK(kit.take_frames(fd).size() == 101);
}

TEST_CASE("the time for the peer's Close begins when ours has left, and it has read that slowly") {
    Settings settings;
    settings.close_timeout = std::chrono::seconds{5};
    ShardKit kit{{}, settings};
    const int fd = kit.open();
    kit.take_frames(fd);
    kit.ring.socket(fd).room = 0;
    std::string input;
    for (int i = 0; i < 50; ++i) input += test::binary_frame(std::string(10'000, 'x'));
    kit.send(fd, input);
    kit.shard.begin_shutdown(CloseCode::service_restart);
    kit.turn(2);
    std::vector<test::ServerFrame> frames;
    for (int i = 0; i < 8; ++i) {
        kit.ring.give_room(fd, 64 << 10);
        kit.pass(std::chrono::seconds{4});
        for (test::ServerFrame& frame : kit.take_frames(fd)) frames.push_back(std::move(frame));
        CHECK_FALSE(kit.ring.socket(fd).both_shut);
    }
    REQUIRE(frames.size() == 51);
    CHECK(frames.back().close_code() == 1012);

    SUBCASE("it answers in time") {
        kit.pass(std::chrono::seconds{4});
        kit.send(fd, test::close_frame(1012));
        CHECK(kit.ring.socket(fd).sending_shut);
    }
    SUBCASE("it does not answer") {
        kit.pass(std::chrono::seconds{5} + std::chrono::milliseconds{10});
        CHECK(kit.ring.socket(fd).both_shut);
        CHECK(kit.shard.metrics().timeouts == 1);
    }
}

TEST_CASE("a peer that takes what the kernel still has is not cut, and one that stops is") {
    Settings settings;
    settings.close_timeout = std::chrono::seconds{5};
    ShardKit kit{{}, settings};
    const int fd = kit.open();
    std::uint64_t& unacknowledged = kit.ring.socket(fd).unacknowledged_bytes;
    unacknowledged = 4 << 20;
    kit.shard.begin_shutdown(CloseCode::service_restart);
    kit.turn(2);
    for (; unacknowledged > 0; unacknowledged -= 1 << 20) {
        kit.pass(std::chrono::seconds{5} + std::chrono::milliseconds{10});
        CHECK_FALSE(kit.ring.socket(fd).both_shut);
        if (unacknowledged == 1 << 20) {
            kit.pass(std::chrono::seconds{5} + std::chrono::milliseconds{10});
            CHECK(kit.ring.socket(fd).both_shut);
        }
    }
}

TEST_CASE("a peer that reads nothing of what it is owed before a Close is cut in time") {
    Settings settings;
    settings.close_timeout = std::chrono::seconds{5};
    ShardKit kit{{}, settings};
    const int fd = kit.open();
    kit.ring.socket(fd).room = 0;
    kit.send(fd, test::binary_frame(std::string(10'000, 'x')));
    kit.shard.begin_shutdown(CloseCode::service_restart);
    kit.pass(std::chrono::seconds{5} + std::chrono::milliseconds{10});
    CHECK(kit.ring.socket(fd).both_shut);
}

TEST_CASE("a shutdown answers each phase, and is finished when everybody is gone") {
    ShardKit kit;
    const int idle = kit.accept();
    const int half = kit.accept();
    kit.send(half, "GET /echo HTTP/1.1\r\n");
    const int open = kit.open();
    const int closing = kit.open();
    kit.endpoint->received = [](Session& session, Message) { session.close(CloseCode::normal); };
    kit.send(closing, test::text_frame("x"));
    CHECK(kit.take_close(closing) == 1000);
    kit.endpoint->upgraded = [](Upgrade&) {
        Verdict verdict;
        verdict.kind = Verdict::Kind::pending;
        return verdict;
    };
    const int pending = kit.accept();
    kit.send(pending, encode(test::UpgradeRequest{}) + test::text_frame("held"));
    const int draining = kit.accept();
    kit.send(draining, "nonsense\r\n\r\n");
    CHECK(kit.take_response(draining).status == 400);

    kit.shard.begin_shutdown(CloseCode::service_restart);
    kit.shard.begin_shutdown(CloseCode::normal);  // The first word counts.
    kit.turn(3);
    CHECK_FALSE(kit.ring.is_accepting(ShardKit::listener));
    CHECK(kit.take_response(idle).status == 503);
    CHECK(kit.take_response(half).status == 503);
    CHECK(kit.take_response(pending).status == 503);
    CHECK(kit.take_close(open) == 1012);
    CHECK(kit.take_frames(closing).empty());
    CHECK_FALSE(kit.shard.finished());
    kit.send(open, test::close_frame(1012));
    kit.send(closing, test::close_frame(1000));
    for (const int fd : {idle, half, open, closing, pending, draining}) {
        CHECK_FALSE(kit.shard.finished());
        CHECK(kit.ring.socket(fd).sending_shut);
        kit.ring.finish_recv(fd, 0);
        kit.turn(3);
        CHECK(kit.ring.socket(fd).closed);
    }
    CHECK(kit.shard.finished());
}

TEST_CASE("a connection that was accepted just before the shutdown is refused") {
    ShardKit kit;
    const int late = kit.ring.add_connection();
    kit.shard.begin_shutdown(CloseCode::going_away);
    kit.ring.complete_accept(ShardKit::listener, late);
    kit.turn(2);
    CHECK(kit.take_response(late).status == 503);
    CHECK_FALSE(kit.shard.finished());
}

TEST_CASE("whatever is there can be cut at once") {
    ShardKit kit;
    kit.accept();
    const int open = kit.open();
    kit.ring.socket(open).room = 0;
    kit.send(open, test::text_frame("x"));
    const int held = kit.open();
    kit.ring.socket(held).holds_shutdown = true;
    kit.shard.begin_shutdown(CloseCode::going_away);
    kit.shard.terminate_all();
    kit.shard.terminate_all();
    kit.turn(3);
    CHECK(kit.endpoint->endings.size() == 2);
    CHECK(kit.shard.connections() == 1);
    CHECK_FALSE(kit.ring.socket(held).closed);
    // Bytes that still come are nobody's.
    kit.ring.deliver(held, test::text_frame("x"));
    kit.turn(2);

    SUBCASE("whose receive then ends in order") {
        kit.ring.finish_recv(held, 0);
    }
    SUBCASE("whose receive then fails") {
        kit.ring.finish_recv(held, -ECONNRESET);
    }
    SUBCASE("whose receive then runs out of buffers") {
        kit.ring.finish_recv(held, -ENOBUFS);
    }
    kit.turn(6);
    CHECK(kit.shard.finished());
    CHECK(kit.endpoint->messages_count == 1);
}

TEST_CASE("a handler may close other sessions and find none that has ended") {
    ShardKit kit;
    std::vector<SlotId> ids;
    kit.endpoint->opened = [&](Session& session) { ids.push_back(session.id()); };
    const int one = kit.open();
    const int two = kit.open();
    kit.endpoint->received = [&](Session&, Message) {
        for (const SlotId id : ids) {
            if (auto session = kit.shard.find(id)) session->close(CloseCode{4000}, "all of you");
        }
    };
    kit.send(one, test::text_frame("go"));
    CHECK(kit.take_close(one) == 4000);
    CHECK(kit.take_close(two) == 4000);
    kit.ring.finish_recv(two, -ECONNRESET);
    kit.turn(3);
    CHECK_FALSE(kit.shard.find(ids[1]).has_value());
    CHECK(kit.shard.find(ids[0]).has_value());
    CHECK(kit.shard.find(ids[0])->send(text("x")) == SendStatus::closed);
    CHECK_FALSE(kit.shard.find({.slot = 77, .generation = 1}).has_value());
    CHECK_FALSE(kit.shard.find({}).has_value());
}

TEST_CASE("a code that may not stand on the wire is left out of the Close") {
    // What on_close has told of one session is passed on to another: abnormal is among it.
    for (const int code : {0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535}) {
        CAPTURE(code);
        ShardKit kit;
        kit.endpoint->received = [&](Session& session, Message) {
            session.close(static_cast<CloseCode>(code), "passed on");
        };
        const int fd = kit.open();
        kit.send(fd, test::text_frame("go"));
        const auto frames = kit.take_frames(fd);
        REQUIRE(frames.size() == 1);
        CHECK(frames[0] == test::ServerFrame{test::opcode_close, true, ""});
    }
}

TEST_CASE("clients that come back at once do not keep a shutdown from ending") {
    ShardKit kit;
    kit.shard.begin_shutdown(CloseCode::service_restart);
    int turns = 0;
    while (turns < 200 && kit.ring.is_accepting(ShardKit::listener)) {
        kit.ring.complete_accept(ShardKit::listener, kit.ring.add_connection());
        kit.turn();
        ++turns;
    }
    CHECK(turns > 10);
    CHECK(turns < 200);
}
