// From messages to bytes: pieces, queues, backlogs, and who is told what.

#include <cerrno>
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "unit/shard/shard_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;

namespace {

std::string letters(std::size_t size, unsigned seed = 0) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        text[i] = static_cast<char>('a' + (i * 7 + (i >> 8) + seed) % 26);
    return text;
}

bool lies_in(const std::byte* pointer, std::span<const std::byte> memory) {
    return pointer >= memory.data() && pointer < memory.data() + memory.size();
}

}  // namespace

TEST_CASE("a large message that lies in one slice is echoed from there, without a copy") {
    ShardKit kit;
    const int fd = kit.open();
    const std::string payload = letters(8000);
    std::string wire = test::text_frame("small") + test::binary_frame(payload);
    wire.resize(wire.size() + 64);  // Slack, as in a receive buffer.
    const std::span<std::byte> slice{reinterpret_cast<std::byte*>(wire.data()), wire.size() - 64};
    kit.ring.deliver_in(fd, slice);
    kit.turn(2);
    const auto& pieces = kit.ring.socket(fd).pieces;
    REQUIRE(pieces.size() == 2);
    CHECK_FALSE(lies_in(pieces[0].data, slice));
    // The server's header is four octets shorter and ends where the payload begins.
    CHECK(pieces[1].data == slice.data() + slice.size() - payload.size() - 4);
    CHECK(pieces[1].size == payload.size() + 4);
    const auto frames = kit.take_frames(fd);
    REQUIRE(frames.size() == 2);
    CHECK(frames[0].payload == "small");
    CHECK((frames[1].payload == payload));
}

TEST_CASE("a large message that came in pieces is echoed from its block, without a copy") {
    ShardKit kit;
    const int fd = kit.open();
    const std::byte* seen = nullptr;
    kit.endpoint->received = [&](Session& session, Message message) {
        seen = message.bytes().data();
        session.send(message);
    };
    const std::string payload = letters(60'000);
    const std::string wire = test::text_frame(payload);

    SUBCASE("at once") {
        kit.send(fd, wire.substr(0, 10'000));
        kit.send(fd, wire.substr(10'000));
        REQUIRE(kit.ring.socket(fd).pieces.size() == 1);
        CHECK(kit.ring.socket(fd).pieces[0].data == seen - 4);
    }
    SUBCASE("behind a backlog") {
        kit.ring.socket(fd).room = 0;
        kit.send(fd, test::text_frame("first"));
        kit.send(fd, wire.substr(0, 10'000));
        kit.send(fd, wire.substr(10'000));
        kit.ring.give_room(fd, 7);
        kit.turn(2);
        REQUIRE(kit.ring.socket(fd).send.has_value());
        CHECK(kit.ring.socket(fd).send->parts_count == 1);
        CHECK(static_cast<const ring::Part*>(kit.ring.socket(fd).send->data)[0].data == seen - 4);
        kit.ring.give_room(fd, test::FakeRing::unlimited);
        kit.turn(2);
        CHECK(kit.take_frames(fd).at(0).payload == "first");
        return;
    }
    CHECK((kit.take_frames(fd).at(0).payload == payload));
}

TEST_CASE("a message may be used after it was sent, and sent more than once") {
    ShardKit kit;
    for (const std::size_t size : {0u, 5u, 5000u, 30'000u}) {
        for (const bool in_pieces : {false, true}) {
            CAPTURE(size);
            CAPTURE(in_pieces);
            const std::string payload = letters(size);
            kit.endpoint->received = [&](Session& session, Message message) {
                CHECK(session.send(message) == SendStatus::accepted);
                CHECK((message.payload == payload));
                session.send(message);
                session.send(text(message.payload.substr(size / 2)));
                for (unsigned i = 0; i < 300; ++i) session.send(text(letters(17'000, i)));
                CHECK((message.payload == payload));
                session.send(message);
            };
            const int fd = kit.open();
            const std::string wire = test::binary_frame(payload);
            if (in_pieces) kit.send(fd, wire.substr(0, 3));
            kit.send(fd, in_pieces ? wire.substr(3) : wire);
            kit.turn(3);
            const auto frames = kit.take_frames(fd);
            // Beyond the limit of the send queue messages are dropped: 1 MiB by default.
            REQUIRE(frames.size() >= 3 + 57);
            CHECK((frames[0] == test::ServerFrame{test::opcode_binary, true, payload}));
            CHECK((frames[1] == frames[0]));
            CHECK((frames[2].payload == payload.substr(size / 2)));
            for (unsigned i = 0; i < 57; ++i) CHECK((frames[3 + i].payload == letters(17'000, i)));
        }
    }
}

TEST_CASE("more pieces than one send takes go out in order, through a backlog") {
    SessionLimits limits;
    limits.send_queue_bytes_max = 64 << 20;
    ShardKit kit{limits};
    constexpr unsigned count = 700;
    kit.endpoint->received = [&](Session& session, Message) {
        for (unsigned i = 0; i < count; ++i) session.send(text(letters(17'000, i)));
    };
    const int fd = kit.open();
    kit.send(fd, test::text_frame("go"));
    kit.turn(count);  // Each sends at least three frames of the backlog.
    const auto frames = kit.take_frames(fd);
    REQUIRE(frames.size() == count);
    for (unsigned i = 0; i < count; ++i) REQUIRE((frames[i].payload == letters(17'000, i)));
}

TEST_CASE("what a quiet send leaves comes before what is sent later, whatever fits each time") {
    for (const std::uint64_t step : {1u, 3u, 7u, 20u, 1000u}) {
        CAPTURE(step);
        ShardKit kit;
        const int fd = kit.open();
        kit.take_frames(fd);
        kit.ring.socket(fd).room = 5;
        std::vector<std::string> sent;
        for (unsigned i = 0; i < 20; ++i) {
            const std::string one = letters(100 + 13 * i, i), two = letters(6000 + i, i);
            kit.send(fd, test::text_frame(one) + test::text_frame(two));
            sent.push_back(one);
            sent.push_back(two);
            kit.ring.give_room(fd, step);
            kit.turn();
        }
        kit.ring.give_room(fd, test::FakeRing::unlimited);
        kit.turn(4);
        const auto frames = kit.take_frames(fd);
        REQUIRE(frames.size() == sent.size());
        for (std::size_t i = 0; i < sent.size(); ++i) CHECK((frames[i].payload == sent[i]));
        CHECK(kit.shard.metrics().queue_bytes == 0);
        // Quiet sends again.
        const auto quiet_sends = kit.ring.socket(fd).quiet_sends;
        kit.send(fd, test::text_frame("after"));
        CHECK(kit.ring.socket(fd).quiet_sends == quiet_sends + 1);
    }
}

TEST_CASE("large output leaves in the middle of a turn") {
    Settings settings;
    settings.early_flush_bytes = 10'000;
    ShardKit kit{{}, settings};
    const int first = kit.open();
    const int second = kit.open();
    const auto flushes = kit.ring.counters().early_flushes;
    std::string wire;
    for (unsigned i = 0; i < 6; ++i) wire += test::text_frame(letters(4096, i));

    SUBCASE("all of it is taken") {}
    SUBCASE("and what is not taken goes to a backlog") {
        kit.ring.socket(first).room = 6000;
    }
    kit.ring.deliver(first, wire);
    kit.ring.deliver(second, wire);
    kit.turn();
    CHECK(kit.ring.counters().early_flushes >= flushes + 2);
    kit.turn(2);
    kit.ring.give_room(first, test::FakeRing::unlimited);
    kit.turn(2);
    for (const int fd : {first, second}) {
        const auto frames = kit.take_frames(fd);
        REQUIRE(frames.size() == 6);
        for (unsigned i = 0; i < 6; ++i) CHECK((frames[i].payload == letters(4096, i)));
    }
}

TEST_CASE("a send that fails ends the session once, and the connection is closed") {
    Settings settings;
    settings.early_flush_bytes = 10'000;
    ShardKit kit{{}, settings};
    const int other = kit.open();
    const int fd = kit.open();
    kit.endpoint->closed = [](Session& session) {
        CHECK(session.send(text("x")) == SendStatus::closed);
    };

    SUBCASE("a quiet send") {
        kit.ring.socket(fd).send_error = EPIPE;
        kit.send(fd, test::text_frame("x"));
    }
    SUBCASE("a quiet send of an early flush, with more input in the same slice") {
        kit.ring.socket(fd).send_error = ECONNRESET;
        const std::string frame = test::text_frame(letters(6000));
        kit.send(fd, frame + frame + frame + frame);
        CHECK(kit.endpoint->messages_count == 2);
    }
    SUBCASE("a send of the backlog") {
        kit.ring.socket(fd).room = 0;
        kit.send(fd, test::text_frame("x"));
        kit.turn();
        kit.ring.fail_send(fd, ECONNRESET);
    }
    SUBCASE("with an errno that nobody expects") {
        kit.ring.socket(fd).send_error = ENOMEM;
        kit.send(fd, test::text_frame("x"));
        CHECK(kit.shard.metrics().unexpected_errors == 1);
    }
    kit.turn(4);
    CHECK(kit.ring.socket(fd).closed);
    REQUIRE(kit.endpoint->endings.size() == 1);
    CHECK(kit.endpoint->endings[0].code == CloseCode::abnormal);
    CHECK(kit.shard.metrics().queue_bytes == 0);
    kit.send(other, test::text_frame("unharmed"));
    CHECK(kit.take_frames(other).at(0).payload == "unharmed");
}

TEST_CASE("a session learns that it is behind, what is dropped, and once that it has caught up") {
    SessionLimits limits;
    limits.send_queue_bytes_max = 4096;
    ShardKit kit{limits};
    std::optional<SlotId> id;
    kit.endpoint->opened = [&](Session& session) { id = session.id(); };
    const int fd = kit.open();
    kit.take_frames(fd);
    kit.ring.socket(fd).room = 0;
    const std::string kilobyte = letters(1020);
    const auto send = [&] { return kit.shard.find(*id)->send(text(kilobyte)); };
    CHECK(send() == SendStatus::accepted);
    CHECK(send() == SendStatus::accepted);
    CHECK(send() == SendStatus::behind);
    CHECK(send() == SendStatus::behind);
    CHECK(send() == SendStatus::dropped);
    CHECK(kit.shard.find(*id)->queued_bytes() == 4096);
    CHECK(kit.shard.metrics().messages_dropped == 1);
    kit.turn(2);
    kit.ring.give_room(fd, 3000);
    kit.turn(2);
    CHECK(kit.endpoint->drains_count == 0);
    std::vector<SendStatus> sent_in_drain;
    kit.endpoint->drained = [&](Session& session) {
        CHECK(session.queued_bytes() == 0);
        sent_in_drain.push_back(session.send(text("again")));
    };
    kit.ring.give_room(fd, test::FakeRing::unlimited);
    kit.turn(4);
    CHECK(kit.endpoint->drains_count == 1);
    CHECK(sent_in_drain == std::vector{SendStatus::accepted});
    const auto frames = kit.take_frames(fd);
    REQUIRE(frames.size() == 5);
    CHECK(frames[4].payload == "again");
}

TEST_CASE("a turn does not wait when something has to follow its sends") {
    SessionLimits limits;
    limits.send_queue_bytes_max = 100;
    ShardKit kit{limits};
    const int fd = kit.open();
    kit.turn(2);
    REQUIRE(kit.ring.last_wait().until > kit.ring.now());

    SUBCASE("the end of the stream") {
        kit.ring.deliver(fd, test::close_frame(1000));
    }
    SUBCASE("the end of a refused request") {
        const int other = kit.accept();
        kit.turn();
        kit.ring.deliver(other, "nonsense\r\n\r\n");
    }
    SUBCASE("on_drain and the suspended input") {
        kit.ring.deliver(fd, test::text_frame(letters(60)) + test::text_frame("held"));
    }
    kit.turn();  // Handles the input.
    kit.turn();  // Sends, and nothing comes back.
    CHECK(kit.ring.last_wait().until <= kit.ring.now());
    kit.turn(3);
    CHECK(kit.ring.last_wait().until > kit.ring.now());
}

TEST_CASE("one message is always admitted to an empty queue") {
    SessionLimits limits;
    limits.send_queue_bytes_max = 1000;
    ShardKit kit{limits};
    kit.endpoint->received = [](Session&, Message) {};
    std::optional<SlotId> id;
    kit.endpoint->opened = [&](Session& session) { id = session.id(); };
    const int fd = kit.open();
    CHECK(kit.shard.find(*id)->queued_bytes() == 0);
    CHECK(kit.shard.find(*id)->send(text(letters(50'000))) == SendStatus::behind);
    CHECK(kit.shard.find(*id)->send(text("x")) == SendStatus::dropped);
    kit.turn(2);
    CHECK(kit.endpoint->drains_count == 1);
    CHECK(kit.take_frames(fd).size() == 1);
}

TEST_CASE("a message to another session is copied, whoever is being served") {
    ShardKit kit;
    std::vector<SlotId> ids;
    kit.endpoint->opened = [&](Session& session) { ids.push_back(session.id()); };
    kit.endpoint->received = [&](Session&, Message message) {
        for (const SlotId id : ids) kit.shard.find(id)->send(message);
    };
    const int one = kit.open();
    const int two = kit.open();
    for (const std::size_t size : {10u, 9000u}) {
        kit.send(two, test::text_frame(letters(size)));
        CHECK((kit.take_frames(one).at(0).payload == letters(size)));
        CHECK((kit.take_frames(two).at(0).payload == letters(size)));
    }
}

TEST_CASE("small messages that came in pieces do not keep their blocks while they wait") {
    SessionLimits limits;
    limits.send_queue_bytes_max = 1 << 20;
    ShardKit kit{limits};
    const int fd = kit.open();
    kit.ring.socket(fd).room = 0;
    const std::string frame = test::text_frame("12345678");
    for (int i = 0; i < 1000; ++i) {
        kit.send(fd, frame.substr(0, 9));
        kit.send(fd, frame.substr(9));
    }
    CHECK(kit.endpoint->messages_count == 1000);
    CHECK(kit.shard.pool().bytes_in_use() <= 64 << 10);
    kit.ring.give_room(fd, test::FakeRing::unlimited);
    kit.turn(4);
    CHECK(kit.take_frames(fd).size() == 1000);
}

TEST_CASE("echoes that come together cost one call of the ring, however many they are") {
    ShardKit kit;
    for (const std::size_t connections_count : {1u, 50u}) {
        CAPTURE(connections_count);
        std::vector<int> descriptors;
        for (std::size_t i = 0; i < connections_count; ++i) descriptors.push_back(kit.open());
        const auto turns_before = kit.ring.counters().turns;
        const auto flushes_before = kit.ring.counters().early_flushes;
        constexpr unsigned rounds = 100;
        for (unsigned round = 0; round < rounds; ++round) {
            for (const int fd : descriptors) kit.ring.deliver(fd, test::text_frame("hello"));
            kit.turn();
        }
        kit.turn();  // Hands the last echoes over.
        CHECK(kit.ring.counters().turns - turns_before == rounds + 1);
        CHECK(kit.ring.counters().early_flushes == flushes_before);
        for (const int fd : descriptors) CHECK(kit.take_frames(fd).size() == rounds);
    }
}

TEST_CASE("a message beyond every limit is dropped, not half sent") {
    ShardKit kit;
    SendStatus status = SendStatus::accepted;
    kit.endpoint->received = [&](Session& session, Message message) {
        // Never read: only its size is looked at.
        status = session.send(binary({message.payload.data(), message_bytes_ceiling + 1}));
    };
    const int fd = kit.open();
    kit.send(fd, test::text_frame("x"));
    CHECK(status == SendStatus::dropped);
    CHECK(kit.take_frames(fd).empty());
    CHECK(kit.shard.metrics().messages_dropped == 1);
}
