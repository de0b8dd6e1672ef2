// Topics when something is full: a subscriber that does not read, a lane to a shard that hangs, the
// memory of a shard.

#include <cstdint>
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "unit/shard/shards_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;
using namespace std::chrono_literals;

namespace {

SessionLimits small_queue(SlowConsumer slow_consumer) {
    SessionLimits limits;
    limits.send_queue_bytes_max = 1000;
    limits.slow_consumer = slow_consumer;
    return limits;
}

constexpr std::uint64_t smallest_mesh = 64 << 10;  // Queues of 8 KiB for two shards.

/// Number `i` in 200 bytes; with its header 204.
std::string padded(int i) {
    std::string text = std::to_string(i);
    return text + std::string(200 - text.size(), '.');
}

/// The numbers of padded() payloads and everything else, as text.
std::string numbers_of(const std::vector<test::ServerFrame>& frames) {
    std::string text;
    for (const test::ServerFrame& frame : frames) {
        const bool is_close = frame.opcode == test::opcode_close;
        text += (text.empty() ? "" : " ") +
                (is_close ? "close:" + std::to_string(frame.close_code().value_or(0))
                          : frame.payload.substr(0, frame.payload.find('.')));
    }
    return text;
}

std::string range(int first, int last) {
    std::string text;
    for (int i = first; i <= last; ++i) text += (i == first ? "" : " ") + std::to_string(i);
    return text;
}

}  // namespace

TEST_CASE("by the policy close a subscriber that falls behind is closed, after what it was owed") {
    ShardsKit kit{{.shards = 2, .limits = small_queue(SlowConsumer::close)}};
    const std::string topic = kit.topic_of(0);
    const ShardClient publisher = kit.publisher(0, topic);
    const ShardClient slow = kit.subscriber(1, topic);
    const ShardClient quick = kit.subscriber(1, topic);
    kit.socket(slow).room = 0;
    for (int i = 0; i < 10; ++i) {
        kit.publish(publisher, padded(i));
        kit.settle();
    }
    CHECK(kit.metrics(1).slow_consumers_closed == 1);
    CHECK(kit.metrics(1).deliveries_dropped == 0);
    CHECK(numbers_of(kit.frames(quick)) == range(0, 9));
    kit.ring(1).give_room(slow.fd, test::FakeRing::unlimited);
    kit.settle();
    CHECK(numbers_of(kit.frames(slow)) == range(0, 3) + " close:1013");
    kit.send(slow, test::close_frame(1013));
    kit.settle();
    REQUIRE(kit.topics(1).endings.size() == 1);
    CHECK(kit.topics(1).endings[0].code == CloseCode::try_again_later);
}

TEST_CASE("by the policy drop a subscriber misses what has no room, and is told where") {
    for (const bool is_told : {false, true}) {
        CAPTURE(is_told);
        ShardsKit kit{{.shards = 2, .limits = small_queue(SlowConsumer::drop)}};
        const std::string topic = kit.topic_of(0);
        const ShardClient publisher = kit.publisher(0, topic);
        const ShardClient slow = kit.open(1, "/topics/" + topic + (is_told ? "?gaps" : ""));
        const ShardClient quick = kit.subscriber(1, topic);
        const std::string told = is_told ? " skipped " : "";
        kit.socket(slow).room = 0;
        const auto publish = [&](int first, int last) {
            for (int i = first; i <= last; ++i) {
                kit.publish(publisher, padded(i));
                kit.settle();
            }
        };
        publish(0, 9);
        CHECK(kit.metrics(1).deliveries_dropped == 6);
        // It catches up and is told at once, although nothing is published.
        kit.ring(1).give_room(slow.fd, test::FakeRing::unlimited);
        kit.settle();
        CHECK(numbers_of(kit.frames(slow)) == range(0, 3) + (is_told ? told + "6" : ""));
        publish(10, 11);
        CHECK(numbers_of(kit.frames(slow)) == range(10, 11));
        // It takes so much that there is room for another one, but has not caught up.
        kit.socket(slow).room = 0;
        publish(12, 17);
        kit.ring(1).give_room(slow.fd, 2 * 204);
        kit.settle();
        publish(18, 18);
        kit.ring(1).give_room(slow.fd, test::FakeRing::unlimited);
        kit.settle();
        CHECK(numbers_of(kit.frames(slow)) == range(12, 15) + (is_told ? told + "2 18" : " 18"));
        CHECK(kit.metrics(1).deliveries_dropped == 8);
        CHECK(kit.topics(1).skipped_count == 8);
        CHECK(kit.metrics(1).slow_consumers_closed == 0);
        CHECK(numbers_of(kit.frames(quick)) == range(0, 18));
    }
}

TEST_CASE("a publisher that reads all the time gets all it publishes, however much at a time") {
    for (const std::uint32_t home : {0u, 1u}) {
        CAPTURE(home);
        ShardsKit kit{{.shards = 2, .limits = small_queue(SlowConsumer::close)}};
        const ShardClient publisher = kit.publisher(0, kit.topic_of(home));
        std::string burst;
        for (int i = 0; i < 100; ++i) burst += test::text_frame(padded(i));
        kit.send(publisher, burst);
        kit.turn(300);
        CHECK(numbers_of(kit.frames(publisher)) == range(0, 99));
        CHECK(kit.metrics(0).slow_consumers_closed == 0);
        CHECK(kit.metrics(0).publish_windows_filled >= 20);
        // In the steps in which it reads, too.
        kit.socket(publisher).room = 0;
        kit.send(publisher, burst);
        for (int i = 0; i < 3000; ++i) {
            kit.ring(0).give_room(publisher.fd, 50);
            kit.turn();
        }
        kit.ring(0).give_room(publisher.fd, test::FakeRing::unlimited);
        kit.turn(8);
        CHECK(numbers_of(kit.frames(publisher)) == range(0, 99));
        CHECK(kit.metrics(0).slow_consumers_closed == 0);
    }
}

TEST_CASE("a publisher whose topic nobody here hears goes on when its home has taken all") {
    for (const std::uint32_t home : {0u, 1u}) {
        CAPTURE(home);
        ShardsKit kit{{.shards = 2, .limits = small_queue(SlowConsumer::close)}};
        const std::string topic = kit.topic_of(home);
        const ShardClient subscriber = kit.subscriber(1, topic);
        const ShardClient publisher = kit.open(0, "/echo");
        kit.scripted(0).received = [&](Session& session, Message message) {
            CHECK(session.publish(topic, PublicationKind::text, message.bytes()) ==
                  PublishStatus::accepted);
        };
        std::string burst;
        for (int i = 0; i < 20; ++i) burst += test::text_frame(padded(i));
        kit.send(publisher, burst);
        kit.turn(100);
        CHECK(numbers_of(kit.frames(subscriber)) == range(0, 19));
        CHECK(kit.metrics(0).publish_windows_filled == 10);
    }
}

TEST_CASE("nobody is slow whom the kernel has not been asked about") {
    ShardsKit kit{{.shards = 1, .limits = small_queue(SlowConsumer::close)}};
    PublisherLane* const lane = kit.make_lane(0);
    const ShardClient subscriber = kit.subscriber(0, "a");
    for (int i = 0; i < 50; ++i) {
        const std::string payload = padded(i);
        CHECK(lane->publish("a", PublicationKind::text, std::as_bytes(std::span{payload})) ==
              PublishStatus::accepted);
    }
    lane->release();
    kit.settle();
    CHECK(numbers_of(kit.frames(subscriber)) == range(0, 49));
    CHECK(kit.metrics(0).slow_consumers_closed == 0);
}

TEST_CASE("a publication larger than the whole queue is for those whose queue is empty") {
    ShardsKit kit{{.shards = 1, .limits = small_queue(SlowConsumer::drop)}};
    const ShardClient publisher = kit.publisher(0, "a");
    const ShardClient subscriber = kit.open(0, "/topics/a?gaps");
    kit.publish(publisher, std::string(5000, 'x'));
    kit.settle();
    CHECK(kit.received(subscriber).size() == 5000);
    kit.socket(subscriber).room = 0;
    kit.publish(publisher, "1");
    kit.settle();
    kit.publish(publisher, std::string(5000, 'x'));
    kit.settle();
    kit.ring(0).give_room(subscriber.fd, test::FakeRing::unlimited);
    kit.settle();
    CHECK(kit.received(subscriber) == "1 skipped 1");
    kit.publish(publisher, "2");
    kit.settle();
    CHECK(kit.received(subscriber) == "2");
    CHECK(kit.metrics(0).deliveries_dropped == 1);
}

TEST_CASE("who missed something is told also when the shard's memory is used up") {
    ShardsSetup setup{.shards = 1, .limits = small_queue(SlowConsumer::drop)};
    setup.settings.pool_bytes_max = 60'000;
    ShardsKit kit{setup};
    const ShardClient publisher = kit.publisher(0, "a");
    const ShardClient slow = kit.open(0, "/topics/a?gaps");
    kit.socket(slow).room = 0;
    const auto publish = [&](ShardClient from, const std::string& payload) {
        kit.publish(from, payload);
        kit.settle();
    };
    publish(publisher, "first" + std::string(700, '.'));
    publish(publisher, "second" + std::string(100, '.'));
    publish(publisher, padded(3));
    publish(publisher, padded(4));
    CHECK(kit.metrics(0).deliveries_dropped == 2);
    // Others use up the memory.
    const ShardClient other = kit.open(0, "/topics/b?publish");
    kit.socket(other).room = 0;
    publish(other, std::string(60'000, 'x'));
    CHECK(kit.shard(0).pool().bytes_in_use() > setup.settings.pool_bytes_max);
    kit.ring(0).give_room(slow.fd, 709);  // Below the low-water mark, and not empty.
    kit.settle();
    CHECK(kit.metrics(0).queue_bytes > 60'000);
    kit.ring(0).give_room(slow.fd, test::FakeRing::unlimited);
    kit.settle();
    CHECK(numbers_of(kit.frames(slow)) == "first second skipped 2");
}

TEST_CASE("who publishes to a home that hangs waits, loses nothing, and goes on by itself") {
    for (const bool is_endpoint : {true, false}) {
        CAPTURE(is_endpoint);
        ShardsKit kit{{.shards = 2, .mesh_bytes = smallest_mesh}};
        const std::string topic = kit.topic_of(1);
        const ShardClient subscriber = kit.subscriber(1, topic);
        std::vector<PublishStatus> statuses;
        kit.scripted(0).received = [&](Session& session, Message message) {
            statuses.push_back(session.publish(topic, PublicationKind::text, message.bytes()));
        };
        // The publisher is not subscribed itself when it is a handler's session: nothing that comes
        // for it wakes its shard.
        const ShardClient publisher = is_endpoint ? kit.publisher(0, topic) : kit.open(0, "/echo");
        kit.freeze(1);
        for (int i = 0; i < 100; ++i) kit.publish(publisher, padded(i));
        kit.turn(10);
        CHECK(kit.metrics(0).mesh_suspensions == 1);
        CHECK_FALSE(kit.socket(publisher).recv.has_value());
        const auto published = kit.metrics(0).publications;
        CHECK(published > 10);
        CHECK(published < 100);
        CHECK(kit.waits(0));
        // The home is back, and rings: nobody has to look after the other shard by chance.
        kit.thaw(1);
        for (int rounds = 0; rounds < 10; ++rounds) {
            kit.turn_one(1);
            const bool is_done = kit.metrics(0).publications == 100;
            kit.turn_one(0);
            if (!is_done) REQUIRE_FALSE(kit.waits(0));
        }
        kit.settle();
        CHECK(kit.metrics(0).publications == 100);
        CHECK(numbers_of(kit.frames(subscriber)) == range(0, 99));
        CHECK(kit.socket(publisher).recv.has_value());
        const auto& said = is_endpoint ? kit.topics(0).statuses : statuses;
        REQUIRE(said.size() == 100);
        for (const PublishStatus status : said) CHECK(status == PublishStatus::accepted);
    }
}

TEST_CASE("a session that publishes without an end in one call is told that there is no room") {
    ShardsKit kit{{.shards = 1, .mesh_bytes = smallest_mesh}};
    int accepted = 0, refused = 0;
    kit.scripted(0).received = [&](Session& session, Message) {
        for (int i = 0; i < 1000; ++i) {
            switch (session.publish("a", PublicationKind::text, bytes_of(padded(i)))) {
                case PublishStatus::accepted: ++accepted; break;
                case PublishStatus::full: ++refused; break;
                default: FAIL("neither");
            }
        }
    };
    const ShardClient client = kit.open(0, "/echo");
    kit.publish(client, "go");
    kit.publish(client, "go on");
    kit.turn(1);
    CHECK(accepted > 10);
    CHECK(refused == 1000 - accepted);
    CHECK(kit.scripted(0).messages_count == 1);
    // It goes on by itself, without anything from outside.
    for (int turns = 0; turns < 10 && kit.scripted(0).messages_count == 1; ++turns) {
        kit.turn();
        REQUIRE_FALSE(kit.waits(0));
    }
    CHECK(kit.scripted(0).messages_count == 2);
}

TEST_CASE("publishers that wait are served in the order in which they came to wait") {
    ShardsKit kit{{.shards = 2, .mesh_bytes = smallest_mesh}};
    const std::string topic = kit.topic_of(1);
    const ShardClient subscriber = kit.subscriber(1, topic);
    const ShardClient first = kit.publisher(0, topic), second = kit.publisher(0, topic);
    kit.freeze(1);
    for (int i = 0; i < 60; ++i) kit.publish(first, padded(i));
    kit.turn(2);
    for (int i = 100; i < 160; ++i) kit.publish(second, padded(i));
    kit.turn(2);
    CHECK(kit.metrics(0).mesh_suspensions == 2);
    kit.thaw(1);
    kit.turn(30);
    const std::string received = " " + numbers_of(kit.frames(subscriber)) + " ";
    for (int i = 0; i < 60; ++i) {
        CHECK(received.find(" " + std::to_string(i) + " ") != std::string::npos);
        CHECK(received.find(" " + std::to_string(100 + i) + " ") != std::string::npos);
    }
    CHECK(kit.metrics(0).publications == 120);
}

TEST_CASE("a publisher that is closed while the way to its home is full still finds its end") {
    ShardsKit kit{{.shards = 2, .mesh_bytes = smallest_mesh}};
    const std::string topic = kit.topic_of(1);
    const ShardClient waiting = kit.publisher(0, topic);
    const ShardClient closed = kit.publisher(0, topic);
    kit.freeze(1);
    for (int i = 0; i < 100; ++i) kit.publish(waiting, padded(i));
    kit.turn(3);
    kit.shard(0).find({.slot = 1, .generation = 1})->close(CloseCode::policy_violation, "enough");
    kit.turn(3);
    CHECK(numbers_of(kit.frames(closed)) == "close:1008");
    // Messages are dropped now; the Close behind them is what matters.
    kit.send(closed, test::text_frame("dropped") + test::close_frame(1008));
    kit.turn(3);
    REQUIRE(kit.topics(0).endings.size() == 1);
    CHECK(kit.topics(0).endings[0].code == CloseCode::policy_violation);
    kit.thaw(1);
}

TEST_CASE("a suspended publisher may be closed, break, or be cut") {
    ShardsKit kit{{.shards = 2, .mesh_bytes = smallest_mesh}};
    const std::string topic = kit.topic_of(1);
    const ShardClient publisher = kit.publisher(0, topic);
    kit.socket(publisher).holds_cancel = true;
    kit.freeze(1);
    for (int i = 0; i < 100; ++i) kit.publish(publisher, padded(i));
    kit.turn(3);
    REQUIRE(kit.metrics(0).mesh_suspensions == 1);
    SUBCASE("closed by the server") {
        kit.shard(0).find({.slot = 0, .generation = 1})->close(CloseCode::normal);
        kit.turn(3);
        kit.send(publisher, test::close_frame(1000));
    }
    SUBCASE("its connection breaks") {
        kit.ring(0).finish_recv(publisher.fd, -ECONNRESET);
    }
    SUBCASE("cut") {
        kit.shard(0).terminate_all();
    }
    kit.turn(3);
    CHECK(kit.topics(0).endings.size() == 1);
    CHECK(kit.metrics(0).held_bytes == 0);
    kit.thaw(1);
    kit.settle();
}

TEST_CASE("what is published or wished for behind the topics' part of a turn does not wait") {
    ShardsSetup setup{.shards = 2};
    ShardsKit kit{setup};
    const std::string topic = kit.topic_of(1);
    const ShardClient subscriber = kit.subscriber(1, topic);
    SlotId id;
    kit.scripted(0).opened = [&](Session& session) { id = session.id(); };
    const ShardClient client = kit.open(0, "/echo");
    kit.settle();
    int ticks = 0;
    kit.scripted(0).ticked = [&](Shard& shard) {
        if (++ticks > 1) return;
        SUBCASE("a publication") {
            CHECK(shard.find(id)->publish(topic, PublicationKind::text, bytes_of("tick")) ==
                  PublishStatus::accepted);
        }
        SUBCASE("a subscription") {
            CHECK(shard.find(id)->subscribe(topic) == SubscribeStatus::accepted);
        }
    };
    kit.ring(0).advance(1s);
    kit.turn_one(0);
    REQUIRE(ticks == 1);
    kit.turn_one(0);
    CHECK_FALSE(kit.waits(0));
    const bool has_published = kit.metrics(0).publications == 1;
    kit.turn_one(1, 2);
    kit.turn_one(0, 2);
    CHECK(kit.received(subscriber) == (has_published ? "tick" : ""));
    if (has_published) return;
    const ShardClient publisher = kit.publisher(1, topic);
    kit.publish(publisher, "heard");
    kit.settle();
    CHECK(kit.received(client) == "heard");
}

namespace {

/// Shard 1 of two hangs; shard 0 is the home of `topic`, to which sessions of both are subscribed.
struct StallKit : ShardsKit {
    static ShardsSetup setup() {
        ShardsSetup setup{.shards = 3, .mesh_bytes = 3 * smallest_mesh};
        setup.settings.topics.mesh_stall_timeout = 2s;
        // Nothing else happens by itself for a long time.
        setup.settings.tick_interval = 1h;
        setup.limits.ping_interval = setup.limits.idle_timeout = 0s;
        return setup;
    }
    explicit StallKit(const ShardsSetup& given = setup()) : ShardsKit{given} {}

    /// Publishes until the way to shard 1 is so full that the publisher waits; returns how many.
    int fill() {
        freeze(1);
        while (socket(publisher).recv) {
            publish(publisher, padded(next++));
            turn();
            REQUIRE(next < 1000);
        }
        return next;
    }
    const std::string topic = topic_of(0);
    const ShardClient publisher = ShardsKit::publisher(0, topic);
    const ShardClient there = subscriber(1, topic);
    const ShardClient elsewhere = subscriber(2, topic);
    int next = 0;
};

}  // namespace

TEST_CASE_FIXTURE(StallKit,
                  "a shard that hangs for a moment holds its topics up, and nothing is lost") {
    const int count = fill();
    CHECK(metrics(0).mesh_stalls == 0);
    CHECK(metrics(0).deliveries < static_cast<std::uint64_t>(count));  // It waits.
    pass(1s);
    thaw(1);
    turn(20);
    CHECK(metrics(0).mesh_stalls == 0);
    CHECK(metrics(0).mesh_records_dropped == 0);
    CHECK(numbers_of(frames(there)) == range(0, count - 1));
    CHECK(numbers_of(frames(elsewhere)) == range(0, count - 1));
    CHECK(numbers_of(frames(publisher)) == range(0, count - 1));
}

TEST_CASE_FIXTURE(StallKit,
                  "a shard that hangs for longer is left behind, and told when it is back") {
    const int count = fill();
    // The home looks again when the time is up, although nothing comes.
    turn();
    CHECK(waits(0));
    CHECK(ring(0).last_wait().until <= ring(0).now() + 2s);
    pass(2s);
    turn(20);
    CHECK(metrics(0).mesh_stalls == 1);
    CHECK(metrics(0).mesh_records_dropped > 0);
    // Everybody else has everything.
    CHECK(numbers_of(frames(publisher)) == range(0, count - 1));
    CHECK(numbers_of(frames(elsewhere)) == range(0, count - 1));
    publish(publisher, padded(next++));
    turn(4);
    CHECK(numbers_of(frames(elsewhere)) == std::to_string(count));

    thaw(1);
    turn(20);
    const std::string received = numbers_of(frames(there));
    CHECK(received.starts_with("0 1 2 3 "));
    CHECK(received.ends_with(" close:1013"));
    CHECK(received.find(" " + std::to_string(count)) == std::string::npos);
    CHECK(metrics(1).mesh_gaps == 1);
    CHECK(metrics(1).subscriptions_lost == 1);
    send(there, test::close_frame(1013));
    settle();
    REQUIRE(topics(1).endings.size() == 1);
    CHECK(topics(1).endings[0].code == CloseCode::try_again_later);

    // Whoever comes back gets what comes from then on.
    const ShardClient again = subscriber(1, topic);
    publish(publisher, padded(next++));
    settle();
    CHECK(numbers_of(frames(again)) == std::to_string(count + 1));
    CHECK(metrics(0).mesh_stalls == 1);
}

TEST_CASE_FIXTURE(StallKit, "shards that hang together are left behind together") {
    freeze(2);
    const int count = fill();
    turn();
    pass(2s);
    turn(20);
    CHECK(metrics(0).mesh_stalls == 2);
    CHECK(numbers_of(frames(publisher)) == range(0, count - 1));
    thaw(1);
    thaw(2);
    settle();
    CHECK(metrics(0).mesh_stalls == 2);
}

TEST_CASE_FIXTURE(StallKit, "large payloads for a shard that is left behind come home") {
    fill();
    pass(2s);
    turn(4);
    REQUIRE(metrics(0).mesh_stalls == 1);
    // Many times the memory that there is for payloads.
    const auto published = metrics(0).publications;
    std::string wire;
    for (int i = 0; i < 50; ++i) wire = test::binary_frame(std::string(30'000, 'x'));
    for (int i = 0; i < 50; ++i) {
        send(publisher, wire);
        turn(4);
    }
    CHECK(metrics(0).publications == published + 50);
    CHECK(frames(elsewhere).size() >= 50);
    thaw(1);
    settle();
}

TEST_CASE("a subscription whose reply was dropped is refused") {
    ShardsSetup setup = StallKit::setup();
    setup.settings.topics.items_max = 1;  // A turn takes one delivery, and the lane stays full.
    setup.settings.topics.deliveries_per_turn = 1;
    StallKit kit{setup};
    const std::string other = kit.topic_of(0, 1);
    kit.fill();
    kit.freeze(0);
    const ShardClient late = kit.connect(1, "/topics/" + other);
    kit.turn_one(1);  // The join is on its way.
    kit.thaw(0);
    kit.turn(10);
    CHECK(kit.metrics(0).mesh_stalls == 0);
    kit.pass(2s);
    kit.turn(10);
    CHECK(kit.metrics(0).mesh_stalls == 1);
    kit.thaw(1);
    kit.turn(200);
    CHECK(kit.response(late) == 503);
    CHECK(kit.last_response.body == "publications were lost\n");
    // The home has it in its table, and is told that nobody is left.
    kit.pass(1h);  // A tick.
    CHECK(kit.metrics(1).topics == 0);
    const ShardClient again = kit.subscriber(1, other);
    const ShardClient publisher = kit.open(2, "/topics/" + other + "?publish");
    kit.publish(publisher, "heard");
    kit.settle();
    CHECK(kit.received(again) == "heard");
}

TEST_CASE("a shard that wants no more while its lane is full is not waited for") {
    ShardsSetup setup = StallKit::setup();
    setup.settings.topics.items_max = 1;  // A turn takes one delivery, and the lane stays full.
    setup.settings.topics.deliveries_per_turn = 1;
    StallKit kit{setup};
    const std::string other = kit.topic_of(0, 1);
    (void)kit.subscriber(2, other);
    kit.fill();
    kit.freeze(0);
    kit.send(kit.there, test::close_frame(1000));
    kit.turn_one(1);
    kit.thaw(0);
    kit.turn(100);
    CHECK_FALSE(kit.socket(kit.publisher).recv == std::nullopt);
    kit.pass(1min);
    CHECK(kit.metrics(0).mesh_stalls == 0);
    // Now the home waits for another one, until that one's time is up, and does not spin.
    const ShardClient second = kit.open(0, "/topics/" + other + "?publish");
    kit.freeze(2);
    for (int i = 0; kit.socket(second).recv && i < 1000; ++i) {
        kit.publish(second, padded(0));
        kit.turn();
    }
    kit.turn(100);
    CHECK(kit.metrics(0).mesh_stalls == 0);
    CHECK(kit.waits(0));
}
