// Publications as the difference to the one before: whoever applies what it is sent to what it has
// ends up with what was published, whatever it missed, and however it came and went.

#include <chrono>
#include <cstdint>
#include <deque>
#include <doctest/doctest.h>
#include <span>
#include <string>
#include <vector>

#include "base/prng.hpp"
#include "unit/shard/delta_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;
using namespace std::chrono_literals;

namespace {

std::string quote(int price) {
    return R"({"symbol":"ACME","currency":"EUR","price":)" + std::to_string(price) +
           R"(,"market":"somewhere"})";
}

}  // namespace

TEST_CASE("who takes deltas is sent the first publication whole, and what differs from then on") {
    for (const Format format : {Format::json, Format::protobuf}) {
        DeltaKit kit;
        DeltaClient& client = kit.subscribed(1, format);
        for (int i = 0; i < 5; ++i) {
            kit.publish(quote(100 + i));
            kit.settle();
        }
        client.read(kit.published);
        CHECK(client.wholes == 1);
        CHECK(client.deltas == 4);
        CHECK(client.has_last(kit.published));
        CHECK(kit.metrics(1).deltas_sent == 4);
        CHECK(kit.metrics(1).delta_bytes_saved > 4 * 20);
        // One that has nothing in common with the one before goes whole.
        kit.publish("[]");
        kit.settle();
        client.read(kit.published);
        CHECK(client.wholes == 2);
        CHECK(client.has_last(kit.published));
        CHECK(kit.metrics(1).deltas_sent == 4);
    }
}

TEST_CASE("deltas are of the JSON that a client has, whatever the kind of a publication") {
    DeltaKit kit;
    DeltaClient& json = kit.subscribed(0, Format::json);
    DeltaClient& protobuf = kit.subscribed(1, Format::protobuf);
    const std::string words = "the quick \"brown\" fox\njumps over the l\u00e4zy dog and the ";
    kit.publish(words + "fence", PublicationKind::text);
    kit.publish(words + "f\u00eance", PublicationKind::text);
    kit.publish("\"" + std::string(60, 'x') + "\"", PublicationKind::json);
    kit.publish(std::string(60, 'x') + "\xff\xfe", PublicationKind::binary);
    kit.publish(std::string(60, 'x') + "\xff\xfd", PublicationKind::binary);
    kit.publish("", PublicationKind::binary);
    kit.publish("[1,\n2]", PublicationKind::json);
    kit.settle();
    for (DeltaClient* const client : {&json, &protobuf}) {
        client->read(kit.published);
        CHECK(client->has_last(kit.published));
        CHECK(client->next == kit.published.size());
        CHECK(client->deltas >= 2);
    }
}

TEST_CASE("a delta is made once for each format, and costs nobody else anything") {
    DeltaKit kit;
    const ShardClient raw = kit.subscriber(1, kit.topic);
    for (int i = 0; i < 3; ++i) kit.subscribed(1, Format::json);
    kit.publish(quote(1));
    kit.publish(quote(2));
    kit.settle();
    CHECK(kit.received(raw) == quote(1) + " " + quote(2));
    for (DeltaClient& client : kit.clients) {
        client.read(kit.published);
        CHECK(client.deltas == 1);
        client.say("-" + kit.topic);
    }
    kit.settle();
    // Nobody takes any now, and nothing is kept.
    CHECK(kit.shard(1).pool().blocks_in_use() == 0);
    DeltaClient& late = kit.subscribed(1, Format::json);
    kit.publish(quote(3));
    kit.settle();
    late.read(kit.published);
    CHECK(late.wholes == 1);
}

TEST_CASE("who was skipped by `latest` is sent a whole one before the next delta") {
    SessionLimits limits;
    limits.send_queue_bytes_max = 1000;
    limits.slow_consumer = SlowConsumer::latest;
    DeltaKit kit{limits};
    DeltaClient& slow = kit.subscribed(1, Format::json);
    DeltaClient& quick = kit.subscribed(1, Format::json);
    const std::string padding(300, '.');
    const auto publish = [&](int i) {
        kit.publish("[" + std::to_string(i) + ",\"" + padding + std::to_string(i) + "\"]");
        kit.settle();
    };
    slow.block();
    for (int i = 0; i < 20; ++i) publish(i);
    CHECK(kit.metrics(1).deliveries_conflated > 0);
    slow.give_room(test::FakeRing::unlimited);
    kit.settle();
    slow.read(kit.published);
    CHECK(slow.has_last(kit.published));
    CHECK(slow.wholes == 2);
    publish(20);
    publish(21);
    for (DeltaClient* const client : {&slow, &quick}) {
        client->read(kit.published);
        CHECK(client->has_last(kit.published));
    }
    CHECK(slow.wholes == 3);
    CHECK(quick.wholes == 1);
}

TEST_CASE("what deltas are made to has a budget, beyond which the oldest is let go") {
    // Of the eighth that is meant for that, two take all.
    DeltaKit kit{{}, {.pool_bytes_max = 8 * 2 * 4096}};
    struct Stage {
        std::string topic;
        DeltaClient& client;
        Published published;
    };
    std::vector<Stage> stages;
    for (int i = 0; i < 3; ++i) {
        const std::string topic = kit.topic_of(0, i);
        DeltaClient& client = kit.come(1, Format::json);
        client.say(topic);
        stages.push_back({topic, client, {}});
    }
    kit.settle();
    const auto is_delta = [&](std::size_t i) {
        Stage& stage = stages[i];
        const std::string payload =
            "\"" + std::string(3000, '.') + std::to_string(stage.published.size()) + "\"";
        REQUIRE(kit.shard(0).publish(stage.topic, PublicationKind::json,
                                     std::as_bytes(std::span{payload})) == PublishStatus::accepted);
        stage.published.emplace_back(payload, PublicationKind::json);
        kit.settle();
        const std::size_t before = stage.client.deltas;
        stage.client.read(stage.published);
        CHECK(stage.client.has_last(stage.published));
        return stage.client.deltas > before;
    };
    for (std::size_t i = 0; i < 3; ++i) CHECK_FALSE(is_delta(i));
    CHECK(kit.shard(1).pool().bytes_in_use() == 2 * 4096);
    kit.pass(1s);
    CHECK(kit.metrics(1).delta_base_bytes == 2 * 4096);
    CHECK(is_delta(1));
    CHECK(is_delta(2));
    CHECK_FALSE(is_delta(0));  // It was the oldest of three ...
    CHECK_FALSE(is_delta(1));  // ... and so is this now.
    CHECK(is_delta(0));
}

TEST_CASE("a fan-out goes in small parts only while deltas are made in it") {
    std::string order;
    DeltaKit kit;
    const std::string topics[] = {kit.topic_of(0, 1), kit.topic_of(0, 2)};
    ScriptedEndpoint& endpoint = kit.scripted(1);
    const auto takes_deltas = endpoint.received;
    endpoint.received = [](Session& session, Message message) {
        session.hold_publications();
        (void)session.subscribe(message.payload);
    };
    endpoint.held = [&](Session& session, std::string_view) {
        order += session.newest_topic() == topics[0] ? 'a' : 'b';
    };
    for (const std::string& topic : topics) {
        for (int i = 0; i < 20; ++i) kit.come(1, Format::json).say(topic);
    }
    kit.settle();
    endpoint.received = takes_deltas;
    DeltaClient& taker = kit.subscribed(1, Format::json);
    const auto order_beside = [&](int price) {
        order.clear();
        kit.publish(quote(price));
        for (const std::string& topic : topics) {
            CHECK(kit.shard(0).publish(topic, PublicationKind::json, {}) ==
                  PublishStatus::accepted);
        }
        kit.settle();
        return order;
    };
    const std::string whole = std::string(20, 'a') + std::string(20, 'b');
    CHECK(order_beside(1) == whole);
    // The first part has the delta, too; what is left then is no more work than it was.
    CHECK(order_beside(2) == std::string(14, 'a') + std::string(20, 'b') + std::string(6, 'a'));
    taker.read(kit.published);
    CHECK(taker.deltas == 1);
}

TEST_CASE("without memory to keep the publication before, all go whole") {
    DeltaKit kit{{}, {.pool_bytes_max = 1}};
    DeltaClient& client = kit.subscribed(0, Format::json);
    for (int i = 0; i < 3; ++i) {
        kit.publish(quote(i));
        kit.settle();
    }
    client.read(kit.published);
    CHECK(client.wholes == 3);
    CHECK(client.has_last(kit.published));
}

namespace {

/// A publication that differs from the last one here and there.
std::string mutated(Prng& prng, const std::string& last, std::size_t number) {
    constexpr std::string_view letters = "abcdefghij \"\\\n";
    std::string body = last.substr(last.find('|') + 1);
    if (body.size() < 40 || prng.chance(1, 10)) {
        body.clear();
        for (std::size_t size = prng.below(400); body.size() < size;)
            body += letters[prng.below(letters.size())];
    } else {
        for (std::size_t edits = prng.below(4); edits > 0; --edits)
            body[prng.below(body.size())] = letters[prng.below(letters.size())];
        if (prng.chance(1, 3)) body.insert(prng.below(body.size()), "\u20ac");
    }
    // Edits may break characters.
    std::erase_if(body, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
    if (prng.chance(1, 3)) body += "\u20ac";
    return std::to_string(number) + "|" + body;
}

/// What the model has seen, over all seeds.
struct Seen {
    std::uint64_t wholes = 0, deltas = 0, conflated = 0, closed = 0, compressed = 0;
};

void run_model(std::uint64_t seed, Seen& seen) {
    CAPTURE(seed);
    Prng prng{seed};
    SessionLimits limits;
    limits.send_queue_bytes_max = 1200;
    limits.slow_consumer = prng.chance(1, 4) ? SlowConsumer::close : SlowConsumer::latest;
    Settings settings;
    settings.compression.mode = Compression::shared;
    settings.compression.threshold_bytes = 64;
    settings.topics.deliveries_per_turn = 1 + static_cast<std::uint32_t>(prng.below(6));
    settings.topics.deliveries_quantum = 1 + static_cast<std::uint32_t>(prng.below(3));
    if (prng.chance(1, 3)) settings.topics.delivery_window = std::chrono::milliseconds{1};
    DeltaKit kit{limits, settings};
    std::deque<DeltaClient>& clients = kit.clients;
    std::string last;
    const auto come = [&] {
        kit.come(static_cast<std::uint32_t>(prng.below(2)),
                 prng.chance(1, 2) ? Format::json : Format::protobuf,
                 prng.chance(1, 3) ? "permessage-deflate" : "")
            .say(kit.topic);
    };
    for (int i = 0; i < 4; ++i) come();
    for (int step = 0; step < 300; ++step) {
        DeltaClient& client = clients[prng.below(clients.size())];
        switch (prng.below(10)) {
            case 0: client.block(); break;
            case 1: client.give_room(prng.below(2000)); break;
            case 2: client.give_room(test::FakeRing::unlimited); break;
            case 3:
                // What it has stays: so does the client of the protocol.
                client.say("-" + kit.topic);
                if (prng.chance(2, 3)) client.say(kit.topic);
                break;
            case 4: client.say(kit.topic); break;
            case 5:
                if (clients.size() < 8) come();
                break;
            default: {
                last = mutated(prng, last, kit.published.size());
                const auto kind =
                    prng.chance(1, 8) ? PublicationKind::binary : PublicationKind::text;
                if (prng.chance(3, 4)) {
                    std::string text;
                    dialect::centrifuge::append_json(
                        text, {.bytes = last, .kind = PublicationKind::text});
                    kit.publish(text);
                } else {
                    kit.publish(last, kind);
                }
            }
        }
        kit.turn(static_cast<int>(prng.below(4)));
        if (settings.topics.delivery_window > Duration{0} && prng.chance(1, 2))
            kit.pass(std::chrono::microseconds{700});
        if (prng.chance(1, 2)) client.read(kit.published);
    }
    // Once all can read, those that are subscribed have the last one.
    for (DeltaClient& client : clients) client.give_room(test::FakeRing::unlimited);
    kit.turn(200);
    kit.pass(std::chrono::milliseconds{2});
    kit.turn(200);
    for (DeltaClient& client : clients) {
        client.read(kit.published);
        client.say(kit.topic);
    }
    kit.turn(50);
    kit.publish("\"the end\"");
    kit.turn(50);
    kit.pass(std::chrono::milliseconds{2});
    kit.turn(50);
    for (DeltaClient& client : clients) {
        client.read(kit.published);
        if (!client.has_ended) CHECK(client.has_last(kit.published));
        seen.wholes += client.wholes;
        seen.deltas += client.deltas;
    }
    for (std::uint32_t i = 0; i < kit.shards(); ++i) {
        seen.conflated += kit.metrics(i).deliveries_conflated;
        seen.closed += kit.metrics(i).slow_consumers_closed;
        seen.compressed += kit.metrics(i).messages_compressed;
    }
}

}  // namespace

TEST_CASE("whatever clients miss and however they come and go, each delta is to what they have") {
    Seen seen;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) run_model(seed, seen);
    CAPTURE(seen.wholes);
    CAPTURE(seen.deltas);
    CAPTURE(seen.conflated);
    CAPTURE(seen.closed);
    CAPTURE(seen.compressed);
    CHECK(seen.wholes > 1000);
    CHECK(seen.deltas > 10'000);
    CHECK(seen.conflated > 1000);
    CHECK(seen.closed > 20);
    CHECK(seen.compressed > 1000);
}
