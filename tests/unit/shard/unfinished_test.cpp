// Input that has begun and not ended: what it may take of the memory, and who has to go when that
// is used up.

#include "shard/unfinished.hpp"

#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "unit/shard/shard_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kib = 1 << 10;

Settings settings_with(std::uint64_t input_bytes_max) {
    Settings settings;
    settings.input_bytes_max = input_bytes_max;
    return settings;
}

/// Sends `bytes` in as many pieces, a turn or two for each.
void send_in_pieces(ShardKit& kit, int fd, const std::string& bytes, std::size_t pieces) {
    const std::size_t step = bytes.size() / pieces + 1;
    for (std::size_t at = 0; at < bytes.size(); at += step) kit.send(fd, bytes.substr(at, step));
}

/// True if that is all that was sent to it. (As a bool: nobody wants to read the payload.)
bool has_echo(ShardKit& kit, int fd, const std::string& message) {
    const auto frames = kit.take_frames(fd);
    return frames.size() == 1 && frames[0].payload == message;
}

}  // namespace

TEST_CASE("unfinished inputs are ordered by when they began to hold memory, or made progress") {
    UnfinishedInputs inputs;
    UnfinishedInputs::Entry a, b, c;
    const Instant start{1s};
    CHECK(inputs.oldest() == nullptr);
    inputs.note(a, 0, 0, start);  // The start of a header: it takes none.
    CHECK(a.is_unfinished());
    CHECK(inputs.oldest() == nullptr);
    inputs.note(b, 100, 4096, start + 1s);
    inputs.note(c, 100, 4096, start + 2s);
    inputs.note(a, 1, 4096, start + 3s);
    CHECK(a.unfinished_since() == start);
    CHECK(inputs.oldest() == &b);
    CHECK(inputs.memory_bytes() == 3 * 4096);

    SUBCASE("less than 64 KiB more is no progress, 64 KiB more is") {
        inputs.note(b, 100 + UnfinishedInputs::progress_bytes - 1, 128 * kib, start + 4s);
        CHECK(inputs.oldest() == &b);
        CHECK(b.unfinished_since() == start + 1s);
        inputs.note(b, 100 + UnfinishedInputs::progress_bytes, 128 * kib, start + 5s);
        CHECK(inputs.oldest() == &c);
        CHECK(b.unfinished_since() == start + 5s);
        CHECK(inputs.memory_bytes() == 2 * 4096 + 128 * kib);
    }
    SUBCASE("what is restarted stands behind all others") {
        inputs.restart(b, start + 4s);
        CHECK(inputs.oldest() == &c);
        CHECK(b.unfinished_since() == start + 4s);
    }
    SUBCASE("what is removed is not there, and may begin anew") {
        inputs.remove(b);
        CHECK_FALSE(b.is_unfinished());
        CHECK(inputs.oldest() == &c);
        inputs.remove(b);
        inputs.note(b, 1, 256, start + 4s);
        CHECK(inputs.memory_bytes() == 2 * 4096 + 256);
    }
    for (UnfinishedInputs::Entry* entry : {&a, &b, &c}) inputs.remove(*entry);
    CHECK(inputs.memory_bytes() == 0);
}

TEST_CASE("clients that finish what they begin are served while others hold what they hold") {
    constexpr std::uint64_t limit = 256 * kib;
    ShardKit kit{{}, settings_with(limit)};
    const std::string unfinished = test::binary_frame(std::string(64 * kib, 'h')).substr(0, 4300);
    std::vector<int> hogs;
    for (int i = 0; i < 40; ++i) {
        hogs.push_back(kit.open());
        kit.send(hogs.back(), unfinished);
        CHECK(kit.shard.metrics().input_bytes <= limit);
    }
    CHECK(kit.shard.metrics().inputs_given_up > 0);

    const std::string message(60'000, 'm');
    const int late = kit.accept();
    send_in_pieces(kit, late, encode(test::UpgradeRequest{}), 4);
    REQUIRE(kit.take_response(late).status == 101);
    for (int round = 0; round < 10; ++round) {
        send_in_pieces(kit, late, test::binary_frame(message), 3);
        CHECK(has_echo(kit, late, message));
        for (const int fd : hogs) {
            if (!kit.ring.socket(fd).closed) kit.send(fd, "h");  // They stay as long as they can.
        }
    }
    // Those that were there first had to go, and were told.
    CHECK(kit.take_close(hogs.front()) == 1013);
    CHECK(kit.take_frames(hogs.back()).empty());
}

TEST_CASE("half requests are input like any other, and the oldest of them is answered with 503") {
    ShardKit kit{{}, settings_with(8 * kib)};
    const std::string request = encode(test::UpgradeRequest{});
    std::vector<int> halves;
    for (int i = 0; i < 9; ++i) {
        halves.push_back(kit.accept());
        kit.send(halves.back(), request.substr(0, 20));
    }
    CHECK(kit.take_response(halves[0]).status == 503);
    CHECK(kit.shard.metrics().input_bytes == 8 * kib);
    kit.open();  // A whole one needs no memory.
    kit.send(halves[8], request.substr(20));
    CHECK(kit.take_response(halves[8]).status == 101);
    CHECK(kit.shard.metrics().input_bytes == 7 * kib);
}

TEST_CASE("what slow readers leave unread takes nothing from messages that come in pieces") {
    Settings settings;
    settings.pool_bytes_max = 1 << 20;
    settings.input_bytes_max = 512 * kib;
    ShardKit kit{{}, settings};
    for (int i = 0; i < 40; ++i) {
        const int fd = kit.open();
        kit.ring.socket(fd).room = 0;
        for (int j = 0; j < 3 && kit.ring.socket(fd).recv; ++j)
            kit.send(fd, test::binary_frame(std::string(30'000, 'h')));
    }
    CHECK(kit.shard.pool().bytes_in_use() > settings.pool_bytes_max);
    const int honest = kit.accept();
    send_in_pieces(kit, honest, encode(test::UpgradeRequest{}), 2);
    REQUIRE(kit.take_response(honest).status == 101);
    const std::string message(60'000, 'm');
    send_in_pieces(kit, honest, test::binary_frame(message), 3);
    CHECK(has_echo(kit, honest, message));
    CHECK(kit.shard.metrics().messages_dropped == 0);
}

TEST_CASE("a message that arrives steadily outlasts smaller ones that do not") {
    ShardKit kit{{.message_bytes_max = 1 << 20}, settings_with(1800 * kib)};
    const int steady = kit.open();
    const std::string message(1 << 20, 's');
    const std::string frame = test::binary_frame(message);
    std::vector<int> hogs;
    for (std::size_t at = 0; at < frame.size(); at += 64 * kib) {
        kit.send(steady, frame.substr(at, 64 * kib));
        for (int i = 0; i < 10; ++i) {
            hogs.push_back(kit.open());
            kit.send(hogs.back(), test::binary_frame(std::string(60'000, 'h')).substr(0, 30'000));
        }
    }
    CHECK(kit.shard.metrics().inputs_given_up > 0);
    CHECK(has_echo(kit, steady, message));
}

TEST_CASE("a session that begins nothing new holds nothing of its last message") {
    ShardKit kit;
    kit.endpoint->received = [](Session&, Message) {};
    const int fd = kit.open();
    send_in_pieces(kit, fd, test::binary_frame(std::string(60'000, 'm')), 3);
    send_in_pieces(kit, fd, test::ping_frame(std::string(100, 'p')), 3);
    CHECK(kit.endpoint->messages_count == 1);
    CHECK(kit.shard.pool().blocks_in_use() == 0);
    CHECK(kit.shard.metrics().input_bytes == 0);
}

TEST_CASE("whoever waits for an admission holds what it sent behind the request, and no more") {
    ShardKit kit;
    SlotId id;
    kit.endpoint->upgraded = [&](Upgrade& upgrade) {
        id = upgrade.session.id();
        return Verdict{.kind = Verdict::Kind::pending};
    };
    const int fd = kit.accept();
    send_in_pieces(kit, fd, encode(test::UpgradeRequest{}) + test::text_frame("early"), 2);
    CHECK(kit.shard.pool().blocks_in_use() == 1);
    CHECK(kit.shard.metrics().held_bytes == test::text_frame("early").size());
    CHECK(kit.shard.metrics().input_bytes == kit.shard.pool().bytes_in_use());
    kit.shard.resolve(id, Verdict{});
    kit.turn(2);
    CHECK(kit.take_response(fd).status == 101);
    CHECK(kit.take_frames(fd).at(0).payload == "early");
    CHECK(kit.shard.metrics().input_bytes == 0);
}

TEST_CASE("a failed session gives its unfinished message back at once") {
    ShardKit kit;
    const int fd = kit.open();
    kit.send(fd, test::binary_frame(std::string(60'000, 'm')).substr(0, 30'000));
    CHECK(kit.shard.pool().blocks_in_use() == 1);
    kit.ring.socket(fd).room = 0;
    kit.ring.finish_recv(fd, -ECONNRESET);
    kit.turn();
    CHECK(kit.shard.pool().blocks_in_use() == 0);
}
