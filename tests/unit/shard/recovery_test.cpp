// Subscriptions with a position: what was missed comes first, then what is published, without a gap
// and without anything twice.

#include <cstdint>
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "unit/shard/shards_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;
using namespace std::chrono_literals;

namespace {

ShardsSetup keeping(std::uint32_t shards, std::uint32_t count_max = 100) {
    ShardsSetup setup{.shards = shards};
    setup.settings.topics.home.stream = {.count_max = count_max};
    return setup;
}

struct RecoveryKit : ShardsKit {
    using ShardsKit::ShardsKit;

    void publish_at(std::uint32_t index, const std::string& topic, std::string_view payload) {
        CHECK(shard(index).publish(topic, PublicationKind::text, bytes_of(payload)) ==
              PublishStatus::accepted);
    }
    /// Publishes the numbers from `first` to `last`, from all shards in turn, each in its own turn.
    void publish_numbers(const std::string& topic, int first, int last) {
        for (int i = first; i <= last; ++i) {
            publish_at(static_cast<std::uint32_t>(i) % shards(), topic, std::to_string(i));
            settle();
        }
    }
    std::string resumed(std::uint32_t index, const std::string& topic, const std::string& query) {
        return received(open(index, "/topics/" + topic + "?" + query));
    }
};

}  // namespace

TEST_CASE("whoever comes back gets what it has missed, wherever it and the topic's home are") {
    for (const std::uint32_t shards : {1u, 3u}) {
        for (std::uint32_t home = 0; home < shards; ++home) {
            CAPTURE(shards);
            CAPTURE(home);
            RecoveryKit kit{keeping(shards)};
            const std::string topic = kit.topic_of(home);
            kit.publish_numbers(topic, 1, 6);  // Nobody is subscribed; they are kept.
            for (std::uint32_t index = 0; index < shards; ++index) {
                CHECK(kit.resumed(index, topic, "since=0") == "recovered:6 1 2 3 4 5 6");
                CHECK(kit.resumed(index, topic, "since=4") == "recovered:6 5 6");
                CHECK(kit.resumed(index, topic, "since=6") == "recovered:6");
                CHECK(kit.resumed(index, topic, "since=7") == "missed:6");
                CHECK(kit.resumed(index, topic, "newest=0") == "at:6");
                CHECK(kit.resumed(index, topic, "newest=2") == "at:6 5 6");
                CHECK(kit.resumed(index, topic, "newest=9") == "at:6 1 2 3 4 5 6");
            }
            const ShardClient client = kit.open(0, "/topics/" + topic + "?since=5");
            kit.publish_numbers(topic, 7, 9);
            CHECK(kit.received(client) == "recovered:6 6 7 8 9");
        }
    }
}

TEST_CASE("what is kept no more cannot be recovered, and the position is told") {
    RecoveryKit kit{keeping(2, 3)};
    const std::string topic = kit.topic_of(1);
    kit.publish_numbers(topic, 1, 10);
    CHECK(kit.resumed(0, topic, "since=7") == "recovered:10 8 9 10");
    const ShardClient late = kit.open(0, "/topics/" + topic + "?since=6");
    kit.publish_numbers(topic, 11, 11);
    CHECK(kit.received(late) == "missed:10 11");
    CHECK(kit.metrics(0).recoveries == 1);
    CHECK(kit.metrics(0).recoveries_missed == 1);
    CHECK(kit.metrics(0).recovered_publications == 3);
    kit.pass(1s);
    CHECK(kit.metrics(1).history_publications == 3);
    CHECK(kit.metrics(1).history_bytes > 3 * 256);
    kit.pass(6min);  // The topic has a subscriber, so its numbers go on.
    CHECK(kit.resumed(0, topic, "since=10") == "missed:11");
    CHECK(kit.metrics(1).history_publications == 0);
}

TEST_CASE("more than a client may recover is not begun with") {
    ShardsSetup setup = keeping(2);
    setup.settings.topics.recovered_max = 4;
    RecoveryKit kit{setup};
    const std::string topic = kit.topic_of(1);
    kit.publish_numbers(topic, 1, 6);
    CHECK(kit.resumed(0, topic, "since=2") == "recovered:6 3 4 5 6");
    CHECK(kit.resumed(0, topic, "since=1") == "missed:6");
    CHECK(kit.resumed(0, topic, "newest=9") == "at:6 3 4 5 6");
}

TEST_CASE("without history whoever has missed nothing is told so") {
    RecoveryKit kit{{.shards = 2}};
    const std::string topic = kit.topic_of(1);
    const ShardClient stays = kit.subscriber(0, topic);
    kit.publish_numbers(topic, 1, 3);
    CHECK(kit.resumed(0, topic, "since=3") == "recovered:3");
    CHECK(kit.resumed(1, topic, "since=2") == "missed:3");
    CHECK(kit.resumed(1, topic, "newest=0") == "at:3");
    CHECK(kit.received(stays) == "1 2 3");
}

TEST_CASE("publications come while others are recovered: no gap, nothing twice") {
    for (const std::uint32_t per_turn : {1u, 3u, 256u}) {
        for (const std::uint32_t home : {0u, 1u}) {
            CAPTURE(per_turn);
            CAPTURE(home);
            ShardsSetup setup = keeping(2, 400);
            setup.settings.topics.recovered_per_turn = per_turn;
            RecoveryKit kit{setup};
            const std::string topic = kit.topic_of(home);
            const ShardClient live = kit.subscriber(0, topic);
            int published = 0;
            for (; published < 20; ++published)
                kit.publish_at(0, topic, std::to_string(published + 1));
            kit.settle();
            std::vector<ShardClient> clients;
            for (int since = 0; since < 10; ++since) {
                clients.push_back(
                    kit.connect(0, "/topics/" + topic + "?since=" + std::to_string(since * 2)));
            }
            for (int i = 0; i < 200; ++i) {
                if (i < 40) kit.publish_at(1, topic, std::to_string(++published));
                kit.turn();
            }
            kit.turn(800);
            std::string all;
            for (int i = 1; i <= published; ++i) all += (i == 1 ? "" : " ") + std::to_string(i);
            CHECK(kit.received(live) == all);
            for (std::size_t i = 0; i < clients.size(); ++i) {
                CAPTURE(i);
                REQUIRE(kit.response(clients[i]) == 101);
                const std::string got = kit.received(clients[i]);
                CHECK(got.starts_with("recovered:"));
                const std::string from = std::to_string(i * 2 + 1) + " ";
                const std::string expected = i == 0 ? all : all.substr(all.find(" " + from) + 1);
                CHECK(got.substr(got.find(' ') + 1) == expected);
            }
        }
    }
}

TEST_CASE("a crowd that comes back waits here, and holds up neither publications nor others") {
    ShardsSetup setup = keeping(1, 300);
    setup.settings.topics.recovered_per_turn = 64;
    RecoveryKit kit{setup};
    const std::string topic = kit.topic_of(0);
    const ShardClient live = kit.subscriber(0, topic);
    for (int i = 0; i < 300; ++i) kit.publish_at(0, topic, "x");
    kit.settle();
    (void)kit.frames(live);
    std::vector<ShardClient> clients;
    for (int i = 0; i < 100; ++i)
        clients.push_back(kit.connect(0, "/topics/" + topic + "?since=0"));
    kit.turn(2);
    // Each publication is there after the same two turns as ever.
    for (int i = 0; i < 10; ++i) {
        kit.publish_at(0, topic, "now" + std::to_string(i));
        kit.turn(2);
        CHECK(kit.received(live) == "now" + std::to_string(i));
    }
    kit.turn(1000);
    std::size_t answered = 0;
    for (const ShardClient client : clients) answered += kit.response(client) == 101 ? 1u : 0u;
    CHECK(answered == clients.size());
}

TEST_CASE("large publications are handed on as they are kept, without a copy") {
    RecoveryKit kit{keeping(2)};
    const std::string topic = kit.topic_of(1);
    const std::string large(20'000, 'l');
    kit.publish_at(0, topic, large);
    kit.publish_at(1, topic, large);
    kit.settle();
    const std::size_t before = kit.mesh.payload_bytes(0) + kit.mesh.payload_bytes(1);
    CHECK(before >= 40'000);
    CHECK(kit.resumed(0, topic, "since=0") == "recovered:2 " + large + " " + large);
    kit.settle();
    CHECK(kit.mesh.payload_bytes(0) + kit.mesh.payload_bytes(1) == before);
}

TEST_CASE("history of a topic is there for whoever asks") {
    RecoveryKit kit{keeping(2)};
    const std::string topic = kit.topic_of(1);
    kit.publish_numbers(topic, 1, 5);
    std::string told;
    kit.scripted(0).answered = [&](Session&, const HistoryAnswer& answer) {
        told += std::to_string(answer.tag) + ":" + std::string{answer.topic} + ":" +
                std::to_string(static_cast<int>(answer.outcome)) + ":" +
                std::to_string(answer.position.offset);
        for (const MissedPublication& one : answer.publications) {
            CHECK(std::to_string(one.offset) == text_of(one.payload()));
            told += " " + std::to_string(one.offset);
        }
        told += ";";
    };
    std::vector<HistoryQuery> queries{
        {.count_max = 2, .since = {}},
        {.order = hub::StreamQuery::Order::backward, .count_max = 2, .since = {}},
        {.count_max = 9, .since = hub::Position{3, {}}},
        {.count_max = 9, .since = hub::Position{3, hub::Epoch::of("12345678")}},
        {.count_max = 0, .since = {}}};
    kit.scripted(0).received = [&](Session& session, Message message) {
        for (std::size_t i = 0; i < queries.size(); ++i)
            CHECK(session.history(message.payload, queries[i], i));
    };
    const ShardClient client = kit.open(0, "/echo");
    kit.publish(client, topic);
    kit.settle();
    const std::string t = topic;
    CHECK(told == "0:" + t + ":0:5 1 2;1:" + t + ":0:5 5 4;2:" + t + ":0:5 4 5;3:" + t +
                      ":1:5;4:" + t + ":0:5;");
    CHECK(kit.metrics(0).history_answers == 5);
}

TEST_CASE("history of a topic that nobody knows is not available where nothing is kept") {
    RecoveryKit kit{{.shards = 2}};
    std::vector<HistoryAnswer::Outcome> told;
    kit.scripted(0).answered = [&](Session&, const HistoryAnswer& answer) {
        told.push_back(answer.outcome);
    };
    kit.scripted(0).received = [&](Session& session, Message message) {
        CHECK(session.history(message.payload, {.count_max = 9, .since = {}}));
    };
    const ShardClient client = kit.open(0, "/echo");
    kit.publish(client, kit.topic_of(1));
    kit.settle();
    CHECK(told == std::vector{HistoryAnswer::Outcome::unavailable});
}

TEST_CASE("a shard that stands still loses its answers, is told so, and may ask again") {
    ShardsSetup setup = keeping(2, 300);
    setup.mesh_bytes = 64 << 10;
    RecoveryKit kit{setup};
    const std::string topic = kit.topic_of(1);
    (void)kit.subscriber(0, topic);
    for (int i = 0; i < 100; ++i) {
        kit.publish_at(1, topic, std::string(500, 'x'));
        kit.turn(2);
    }
    std::vector<HistoryAnswer::Outcome> told;
    kit.scripted(0).answered = [&](Session& session, const HistoryAnswer& answer) {
        told.push_back(answer.outcome);
        if (answer.outcome == HistoryAnswer::Outcome::lost)
            CHECK(session.history(topic, {.count_max = 9, .since = {}}));
    };
    kit.scripted(0).received = [&](Session& session, Message) {
        CHECK(session.history(topic, {.count_max = 300, .since = {}}));
        CHECK(session.subscribe(topic, {.kind = SubscribeFrom::Kind::since}) ==
              SubscribeStatus::accepted);
    };
    std::string subscribed;
    kit.scripted(0).subscribed = [&](Session&, const Subscribed& answer) {
        subscribed += answer.outcome == Subscribed::Outcome::refused ? "refused" : "live";
    };
    const ShardClient client = kit.open(0, "/echo");
    kit.publish(client, "go");
    kit.turn_one(0, 2);
    kit.freeze(0);
    while (kit.shard(1).publish(topic, PublicationKind::text, bytes_of(std::string(500, 'y'))) ==
           PublishStatus::accepted)
        kit.turn();
    kit.pass(3s);
    kit.turn(2);
    CHECK(kit.metrics(1).mesh_stalls == 1);
    kit.thaw(0);
    kit.turn(30);
    CHECK(told == std::vector{HistoryAnswer::Outcome::lost, HistoryAnswer::Outcome::complete});
    CHECK(subscribed == "refused");
}
