// The delivery window: publications wait for others, and nothing else waits for them.

#include <cstdint>
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "unit/shard/shards_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;
using namespace std::chrono_literals;

namespace {

constexpr Duration window = 5ms;

ShardsSetup with_window(std::uint32_t shards = 1) {
    ShardsSetup setup{.shards = shards};
    setup.settings.topics.delivery_window = window;
    return setup;
}

struct WindowKit : ShardsKit {
    explicit WindowKit(const ShardsSetup& setup = with_window()) : ShardsKit{setup} {}

    /// In the name of no session.
    void publish_from(std::uint32_t index, const std::string& topic, std::string_view payload) {
        CHECK(shard(index).publish(topic, PublicationKind::text, bytes_of(payload)) ==
              PublishStatus::accepted);
    }
    /// Sends to the client so far.
    std::uint32_t sends(ShardClient client) { return socket(client).quiet_sends; }
    /// The shard sleeps, and will for so long if nothing comes.
    Duration sleep(std::uint32_t index) {
        REQUIRE(waits(index));
        return ring(index).last_wait().until - ring(index).now();
    }
};

}  // namespace

TEST_CASE("publications of one window reach each subscriber in one send, at its end") {
    WindowKit kit;
    const std::string topic = kit.topic_of(0);
    const ShardClient clients[] = {kit.subscriber(0, topic), kit.subscriber(0, topic)};
    const std::uint32_t sends_before[] = {kit.sends(clients[0]), kit.sends(clients[1])};
    kit.publish_from(0, topic, "0");
    kit.settle();
    CHECK(kit.sleep(0) == window);
    kit.pass(window - 1ms);
    kit.publish_from(0, topic, "1");
    kit.publish_from(0, topic, "2");
    kit.settle();
    CHECK(kit.sleep(0) == 1ms);  // It counts from the first one.
    for (const ShardClient client : clients) CHECK(kit.received(client) == "");
    kit.pass(1ms);
    for (int i = 0; i < 2; ++i) {
        CHECK(kit.received(clients[i]) == numbers(3));
        CHECK(kit.sends(clients[i]) == sends_before[i] + 1);
    }
    CHECK(kit.metrics(0).delivery_windows == 1);
    CHECK(kit.metrics(0).delivery_windows_cut == 0);
    CHECK(kit.metrics(0).fan_outs == 3);
    // The next one begins with the next publication.
    kit.pass(1ms);
    CHECK(kit.sleep(0) > window);
    kit.publish_from(0, topic, "3");
    kit.settle();
    CHECK(kit.sleep(0) == window);
    kit.pass(window);
    CHECK(kit.received(clients[0]) == "3");
}

TEST_CASE("without a window publications leave in the turn that takes them") {
    WindowKit kit{{.shards = 1}};
    const std::string topic = kit.topic_of(0);
    const ShardClient client = kit.subscriber(0, topic);
    kit.publish_from(0, topic, "0");
    kit.turn(2);
    CHECK(kit.received(client) == "0");
    CHECK(kit.metrics(0).delivery_windows + kit.metrics(0).delivery_windows_cut == 0);
}

TEST_CASE("whatever is no publication leaves at once") {
    WindowKit kit;
    const std::string topic = kit.topic_of(0);
    const ShardClient subscriber = kit.subscriber(0, topic), other = kit.open(0, "/echo");
    kit.scripted(0).received = [](Session& session, Message message) { session.send(message); };
    kit.publish_from(0, topic, "late");
    kit.settle();
    kit.send(subscriber, test::ping_frame("ping"));
    kit.publish(other, "echo");
    const ShardClient stranger = kit.connect(0, "/nowhere");
    kit.settle();
    CHECK(kit.received(subscriber) == "ping");
    CHECK(kit.received(other) == "echo");
    CHECK(kit.response(stranger) == 404);
    kit.pass(window);
    CHECK(kit.received(subscriber) == "late");
}

TEST_CASE("a 101 does not wait, and what is published behind it is for its session") {
    for (const std::uint32_t home : {0u, 1u}) {
        CAPTURE(home);
        WindowKit kit{with_window(2)};
        const std::string topic = kit.topic_of(home);
        const ShardClient early = kit.subscriber(0, topic);
        kit.publish_from(1, topic, "before");
        kit.settle();
        const ShardClient late = kit.open(0, "/topics/" + topic);  // Without any time passing.
        kit.publish_from(1, topic, "behind");
        kit.settle();
        CHECK(kit.received(early) + kit.received(late) == "");
        kit.pass(window);
        CHECK(kit.received(early) == "before behind");
        CHECK(kit.received(late) == "behind");
    }
}

TEST_CASE("a topic's order is one for all shards, each of which has its own window") {
    WindowKit kit{with_window(2)};
    const std::string topic = kit.topic_of(1);
    std::vector<ShardClient> clients;
    for (std::uint32_t i = 0; i < 4; ++i) clients.push_back(kit.publisher(i % 2, topic));
    for (int round = 0; round < 40; ++round) {
        for (std::size_t i = 0; i < clients.size(); ++i)
            kit.publish(clients[i], std::to_string(i) + "." + std::to_string(round));
        kit.turn_one(static_cast<std::uint32_t>(round) % 2);
        if (round % 3 == 0) kit.turn();
        if (round % 5 == 0) kit.ring(0).advance(window / 2);
        if (round % 7 == 0) kit.ring(1).advance(window / 3);
    }
    kit.settle();
    kit.pass(window);
    const std::string order = kit.received(clients[0]);
    for (const ShardClient client : clients)
        CHECK((client == clients[0] || kit.received(client) == order));
    CHECK(std::ranges::count(order, ' ') == 4 * 40 - 1);
    CHECK(kit.metrics(0).delivery_windows > 1);
    CHECK(kit.metrics(0).delivery_windows < 40);
}

TEST_CASE("a session that waits for what it has published ends the window") {
    ShardsSetup setup = with_window();
    setup.limits.send_queue_bytes_max = 4000;
    WindowKit kit{setup};
    const ShardClient publisher = kit.publisher(0, kit.topic_of(0));
    const std::string half(600, 'x');
    kit.publish(publisher, half);
    kit.settle();
    kit.pass(window);
    CHECK(kit.received(publisher) == half);
    kit.publish(publisher, half);  // And so its own window is full.
    kit.settle();
    CHECK(kit.metrics(0).publish_windows_filled == 1);
    CHECK(kit.received(publisher) == half);
    CHECK(kit.metrics(0).delivery_windows == 1);
    CHECK(kit.metrics(0).delivery_windows_cut == 1);
}

TEST_CASE("a window ends early when a quarter of a send queue waits") {
    ShardsSetup setup = with_window();
    setup.limits.send_queue_bytes_max = 4000;
    WindowKit kit{setup};
    const std::string topic = kit.topic_of(0), other = kit.topic_of(0, 1);
    const ShardClient client = kit.subscriber(0, topic), stranger = kit.subscriber(0, other);
    const std::string payload(300, 'x');
    for (int i = 0; i < 3; ++i) kit.publish_from(0, topic, payload);
    kit.settle();
    CHECK(kit.frames(client).empty());
    kit.publish_from(0, other, payload);
    kit.settle();
    CHECK(kit.frames(client).size() == 3);
    CHECK(kit.frames(stranger).size() == 1);
    CHECK(kit.metrics(0).delivery_windows_cut == 1);
}

TEST_CASE("a window ends early when there is no room for more publications") {
    ShardsSetup setup = with_window();
    SUBCASE("in number") {
        setup.settings.topics.items_max = 3;
    }
    SUBCASE("in memory") {
        setup.settings.pool_bytes_max = 3 * 256 - 1;
    }
    WindowKit kit{setup};
    const std::string topic = kit.topic_of(0);
    const ShardClient client = kit.subscriber(0, topic);
    for (const char* const payload : {"0", "1"}) kit.publish_from(0, topic, payload);
    kit.settle();
    CHECK(kit.received(client) == "");
    for (const char* const payload : {"2", "3"}) kit.publish_from(0, topic, payload);
    kit.settle();
    CHECK(kit.received(client) == numbers(3));  // The last one begins the next window.
    CHECK(kit.sleep(0) == window);
    kit.pass(window);
    CHECK(kit.received(client) == "3");
    CHECK(kit.metrics(0).delivery_windows_cut == 1);
}

TEST_CASE("what comes while a fan-out takes several turns waits for the next window") {
    constexpr std::size_t crowd = 20;
    ShardsSetup setup = with_window();
    setup.settings.topics.deliveries_per_turn = 4;
    WindowKit kit{setup};
    const std::string topic = kit.topic_of(0);
    std::vector<ShardClient> clients;
    for (std::size_t i = 0; i < crowd; ++i) clients.push_back(kit.subscriber(0, topic));
    std::vector<std::uint32_t> sends;
    for (const ShardClient client : clients) sends.push_back(kit.sends(client));
    kit.publish_from(0, topic, "0");
    kit.settle();
    kit.ring(0).advance(window);
    for (const char* const payload : {"1", "2", "3"}) {
        kit.turn();
        kit.publish_from(0, topic, payload);
    }
    kit.turn(40);
    for (const ShardClient client : clients) CHECK(kit.received(client) == "0");
    CHECK(kit.sleep(0) == window);
    kit.ring(0).advance(window);
    kit.turn(40);
    for (std::size_t i = 0; i < crowd; ++i) {
        CHECK(kit.received(clients[i]) == "1 2 3");
        CHECK(kit.sends(clients[i]) - sends[i] <= 3);  // A turn may end among what is for one.
    }
    CHECK(kit.metrics(0).delivery_windows == 2);
}

TEST_CASE("who missed something is told of it before the publications of a later window") {
    ShardsSetup setup = with_window();
    setup.limits.send_queue_bytes_max = 1000;
    setup.limits.slow_consumer = SlowConsumer::drop;
    WindowKit kit{setup};
    const std::string topic = kit.topic_of(0);
    const ShardClient slow = kit.open(0, "/topics/" + topic + "?gaps");
    kit.socket(slow).room = 0;
    const auto publish = [&](int number) {
        kit.publish_from(0, topic, std::to_string(number) + std::string(199, '.'));
        kit.settle();
        kit.pass(window);
    };
    for (int i = 0; i < 6; ++i) publish(i);
    CHECK(kit.metrics(0).deliveries_dropped == 2);
    // A publication waits while there is no room to tell yet, and then there is.
    kit.publish_from(0, topic, "6");
    kit.settle();
    kit.ring(0).give_room(slow.fd, test::FakeRing::unlimited);
    kit.settle();
    std::string told;
    for (const auto& frame : kit.frames(slow)) told += frame.payload.substr(0, 9) + "|";
    CHECK(told == "0........|1........|2........|3........|skipped 2|");
    kit.pass(window);
    CHECK(kit.received(slow) == "6");
}

TEST_CASE("a shutdown waits for no window") {
    for (const std::uint32_t shards : {1u, 2u}) {
        for (std::uint32_t home = 0; home < shards; ++home) {
            CAPTURE(shards);
            CAPTURE(home);
            ShardsSetup setup = with_window(shards);
            setup.settings.topics.deliveries_per_turn = 3;
            WindowKit kit{setup};
            const std::string topic = kit.topic_of(home);
            std::vector<ShardClient> clients;
            for (std::uint32_t i = 0; i < 8; ++i)
                clients.push_back(kit.subscriber(i % shards, topic));
            for (const char* const payload : {"0", "1"}) kit.publish_from(0, topic, payload);
            kit.settle();
            kit.publish_from(shards - 1, topic, "2");
            for (std::uint32_t i = 0; i < shards; ++i)
                kit.shard(i).begin_shutdown(CloseCode::service_restart);
            kit.turn(60);  // Without any time passing.
            for (const ShardClient client : clients)
                CHECK(kit.received(client) == "0 1 2 close:1012:server is shutting down");
        }
    }
}
