// Topics at the end of a server: what was accepted before goes out before the Close, and nothing is
// waited for for ever.

#include <cstdint>
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "unit/shard/shards_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;
using namespace std::chrono_literals;

namespace {

/// A Server's shards, which are told to end one after the other.
struct EndKit : ShardsKit {
    explicit EndKit(const ShardsSetup& setup = {.shards = 3}) : ShardsKit{setup} {}

    void begin_shutdown() {
        for (std::uint32_t i = 0; i < shards(); ++i)
            shard(i).begin_shutdown(CloseCode::service_restart);
    }
    /// Those clients answer the Close, and everything ends.
    void expect_end(const std::vector<ShardClient>& clients) {
        for (const ShardClient client : clients) send(client, test::close_frame(1012));
        settle();
        for (const ShardClient client : clients) ring(client.shard).finish_recv(client.fd, 0);
        turn(40);
        CHECK(has_finished());
    }
};

const std::string closed = "close:1012:server is shutting down";

}  // namespace

TEST_CASE("everything that was accepted before the end is delivered before the Close") {
    for (const std::uint32_t shards : {1u, 2u, 3u}) {
        for (std::uint32_t home = 0; home < shards; ++home) {
            CAPTURE(shards);
            CAPTURE(home);
            ShardsSetup setup{.shards = shards};
            setup.settings.topics.deliveries_per_turn = 7;
            setup.settings.topics.requests_per_turn = 5;
            EndKit kit{setup};
            const std::string topic = kit.topic_of(home);
            std::vector<ShardClient> clients;
            for (std::uint32_t i = 0; i < shards; ++i) {
                clients.push_back(kit.subscriber(i, topic));
                clients.push_back(kit.publisher(i, topic));
            }
            // The messages, and in the same turn the end.
            const ShardClient publisher = clients.back();
            for (int i = 0; i < 100; ++i) kit.publish(publisher, std::to_string(i));
            for (std::uint32_t i = 0; i < shards; ++i) {
                auto note = std::make_unique<Note>();
                note->kind = Note::Kind::shutdown;
                note->code = CloseCode::service_restart;
                CHECK(kit.mesh.inbox(i).post(std::move(note)));
            }
            kit.turn(400);
            for (const ShardClient client : clients)
                CHECK(kit.received(client) == numbers(100) + " " + closed);
            kit.expect_end(clients);
        }
    }
}

TEST_CASE("shards that learn of the end at different times still lose nothing") {
    for (std::uint32_t first = 0; first < 3; ++first) {
        CAPTURE(first);
        EndKit kit;
        const std::string topic = kit.topic_of(1);
        std::vector<ShardClient> clients;
        for (std::uint32_t i = 0; i < 3; ++i) {
            clients.push_back(kit.publisher(i, topic));
            kit.socket(clients.back()).holds_cancel = true;  // More comes than is looked at.
        }
        int number = 0;
        for (std::uint32_t step = 0; step < 3; ++step) {
            kit.shard((first + step) % 3).begin_shutdown(CloseCode::service_restart);
            for (std::uint32_t i = 0; i < 3; ++i) {
                const bool is_ending = (i + 3 - first) % 3 <= step;
                kit.publish(clients[i], (is_ending ? "late" : "") + std::to_string(number++));
            }
            kit.turn(3);
        }
        kit.turn(20);
        const std::string received = kit.received(clients[0]);
        CHECK(received.ends_with(closed));
        CHECK(received.find("late") == std::string::npos);
        CHECK(std::ranges::count(received, ' ') == 3 + 3);  // Three publications and the Close.
        for (std::uint32_t i = 1; i < 3; ++i) CHECK(kit.received(clients[i]) == received);
        kit.expect_end(clients);
    }
}

TEST_CASE(
    "what other threads have published before the end is delivered, what comes after is not") {
    EndKit kit;
    const std::string topic = kit.topic_of(2);
    const ShardClient subscriber = kit.subscriber(0, topic);
    PublisherLane* const lane = kit.make_lane(1);
    const auto publish = [&](std::string_view payload) {
        return lane->publish(topic, PublicationKind::text, bytes_of(payload));
    };
    kit.turn();
    for (int i = 0; i < 600; ++i) CHECK(publish(std::to_string(i)) == PublishStatus::accepted);
    kit.begin_shutdown();
    kit.turn(20);
    CHECK(publish("late") == PublishStatus::closed);
    PublisherLane* const late = kit.make_lane(1);
    kit.turn();
    CHECK(late->publish(topic, PublicationKind::text, {}) == PublishStatus::closed);
    CHECK(kit.received(subscriber) == numbers(600) + " " + closed);
    kit.expect_end({subscriber});
    for (PublisherLane* const each : {lane, late}) {
        each->abandon();
        each->release();
    }
}

TEST_CASE("large publications are delivered before the end, too") {
    ShardsSetup setup{.shards = 2, .mesh_bytes = 256 << 10};
    setup.limits.send_queue_bytes_max = 16 << 20;
    EndKit kit{setup};
    const std::string topic = kit.topic_of(0);
    const ShardClient publisher = kit.publisher(1, topic);
    const ShardClient subscriber = kit.subscriber(1, topic);
    for (int i = 0; i < 20; ++i) kit.publish(publisher, std::string(30'000, 'x'));
    kit.turn_one(1);
    const auto accepted = kit.metrics(1).publications;
    CHECK(accepted > 1);
    CHECK(accepted < 20);  // The rest waits for memory, and is never accepted.
    kit.begin_shutdown();
    kit.turn(20);
    for (const ShardClient client : {publisher, subscriber}) {
        const auto frames = kit.frames(client);
        REQUIRE(frames.size() == accepted + 1);
        CHECK(frames.back().close_code() == 1012);
    }
    kit.expect_end({publisher, subscriber});
}

TEST_CASE("once the end has begun nothing is published and nobody subscribes any more") {
    EndKit kit{{.shards = 2}};
    const std::string here = kit.topic_of(0), there = kit.topic_of(1);
    SlotId id;
    kit.scripted(0).opened = [&](Session& session) { id = session.id(); };
    const ShardClient handled = kit.open(0, "/echo");
    const ShardClient subscriber = kit.subscriber(0, here);
    kit.freeze(1);
    const ShardClient waiting = kit.connect(0, "/topics/" + there);
    kit.turn();
    kit.shard(0).begin_shutdown(CloseCode::service_restart);
    kit.turn();
    CHECK(kit.response(waiting) == 503);
    CHECK(kit.last_response.body == "server is shutting down\n");
    auto session = kit.shard(0).find(id);
    REQUIRE(session.has_value());
    CHECK(session->publish(here, PublicationKind::text, bytes_of("x")) == PublishStatus::closed);
    CHECK(session->subscribe(here) == SubscribeStatus::closed);
    kit.thaw(1);
    kit.shard(1).begin_shutdown(CloseCode::service_restart);
    kit.settle();
    CHECK(kit.received(subscriber) == closed);
    kit.ring(0).finish_recv(waiting.fd, 0);
    kit.expect_end({handled, subscriber});
}

TEST_CASE("a shard that hangs holds up the end of the others no longer than so long") {
    ShardsSetup setup{.shards = 3};
    setup.settings.topics.flush_timeout = 2s;
    EndKit kit{setup};
    const std::string topic = kit.topic_of(0);
    const ShardClient publisher = kit.publisher(1, topic);
    const ShardClient subscriber = kit.subscriber(0, topic);
    kit.freeze(2);
    kit.publish(publisher, "last");
    kit.begin_shutdown();
    kit.turn(20);
    CHECK(kit.received(publisher) == "");  // Read in the turn in which the end had begun already.
    CHECK(kit.received(subscriber) == "");
    CHECK(kit.waits(0));
    CHECK(kit.ring(0).last_wait().until <= kit.ring(0).now() + 2s);
    kit.pass(2s);
    kit.turn(4);
    CHECK(kit.received(publisher) == closed);
    CHECK(kit.received(subscriber) == closed);
    for (const ShardClient client : {publisher, subscriber}) {
        kit.send(client, test::close_frame(1012));
        kit.settle();
        kit.ring(client.shard).finish_recv(client.fd, 0);
    }
    kit.turn(10);
    CHECK(kit.shard(0).finished());
    CHECK(kit.shard(1).finished());
    CHECK_FALSE(kit.shard(2).finished());
    kit.thaw(2);
    kit.turn(10);
    kit.pass(2s);
    kit.turn(4);
    CHECK(kit.shard(2).finished());
}

TEST_CASE("who is cut waits for no shard that hangs") {
    EndKit kit{{.shards = 2}};
    const ShardClient subscriber = kit.subscriber(0, kit.topic_of(1));
    kit.freeze(1);
    kit.begin_shutdown();
    kit.turn(20);
    CHECK_FALSE(kit.shard(0).finished());
    kit.shard(0).terminate_all();
    kit.turn(10);
    CHECK(kit.shard(0).finished());
    CHECK(kit.received(subscriber) == "");
}

TEST_CASE("a subscriber that does not read gets what it was owed, and then the Close") {
    EndKit kit{{.shards = 2}};
    const std::string topic = kit.topic_of(1);
    const ShardClient publisher = kit.publisher(0, topic);
    const ShardClient slow = kit.subscriber(0, topic);
    kit.socket(slow).room = 0;
    for (int i = 0; i < 10; ++i) kit.publish(publisher, std::to_string(i));
    kit.turn_one(0);
    kit.begin_shutdown();
    kit.turn(20);
    CHECK(kit.received(publisher) == numbers(10) + " " + closed);
    CHECK(kit.received(slow) == "");
    kit.ring(0).give_room(slow.fd, test::FakeRing::unlimited);
    kit.settle();
    CHECK(kit.received(slow) == numbers(10) + " " + closed);
    kit.expect_end({publisher, slow});
}

namespace {

/// The states in which everything is cut.
struct CutKit : EndKit {
    static ShardsSetup setup() {
        ShardsSetup setup{.shards = 2, .mesh_bytes = 64 << 10};
        setup.settings.topics.deliveries_per_turn = 3;
        return setup;
    }
    CutKit() : EndKit{setup()} {
        for (std::uint32_t i = 0; i < 6; ++i) clients.push_back(subscriber(i % 2, topic));
        socket(clients[0]).room = 0;
    }

    void deliver_large_and_small() {
        for (int i = 0; i < 5; ++i) {
            publish(publisher, "small");
            publish(publisher, std::string(10'000, 'x'));
        }
    }
    void let_publisher_and_newcomer_wait() {
        freeze(1);
        for (int i = 0; i < 100; ++i) publish(publisher, std::string(200, 'x'));
        (void)connect(0, "/topics/" + topic_of(1, 1));
    }
    void let_an_end_wait() {
        publish(publisher, "x");
        turn();
        freeze(1);
        shard(0).begin_shutdown(CloseCode::going_away);
    }
    void leave_a_shard_behind() {
        freeze(0);
        const ShardClient other = ShardsKit::publisher(1, topic);
        for (int i = 0; socket(other).recv && i < 200; ++i) {
            publish(other, std::string(200, 'x'));
            turn();
        }
        CHECK_FALSE(socket(other).recv.has_value());
        ring(1).advance(2s);
    }

    const std::string topic = topic_of(1);
    const ShardClient publisher = ShardsKit::publisher(0, topic);
    std::vector<ShardClient> clients;
};

}  // namespace

TEST_CASE("everything may be cut at any time") {
    // In each state a few turns earlier or later; the kit checks that all has come home.
    const auto cut_after = [](void (CutKit::*prepare)()) {
        for (int turns = 0; turns < 8; ++turns) {
            CAPTURE(turns);
            CutKit kit;
            (kit.*prepare)();
            kit.turn(turns);
            for (std::uint32_t i = 0; i < 2; ++i) kit.shard(i).terminate_all();
            kit.turn(turns);
        }
    };
    SUBCASE("in the middle of deliveries, large and small") {
        cut_after(&CutKit::deliver_large_and_small);
    }
    SUBCASE("while a publisher and a newcomer wait for a shard that hangs") {
        cut_after(&CutKit::let_publisher_and_newcomer_wait);
    }
    SUBCASE("while an end waits for a shard that hangs") {
        cut_after(&CutKit::let_an_end_wait);
    }
    SUBCASE("after a shard was left behind") {
        cut_after(&CutKit::leave_a_shard_behind);
    }
}
