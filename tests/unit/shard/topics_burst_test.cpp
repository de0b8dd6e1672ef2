// Many publications of a topic at once: what a subscriber gets of them in one go.

#include <cstdint>
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "unit/shard/shards_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;

namespace {

void publish(ShardsKit& kit, const std::string& topic, std::string_view payload) {
    CHECK(kit.shard(0).publish(topic, PublicationKind::text, bytes_of(payload)) ==
          PublishStatus::accepted);
}

}  // namespace

TEST_CASE("each subscriber is sent a burst at once, however little of the fan-out fits a turn") {
    ShardsSetup setup{.shards = 1};
    setup.settings.topics.deliveries_per_turn = 6;
    ShardsKit kit{setup};
    const std::string topic = kit.topic_of(0);
    std::vector<ShardClient> subscribers;
    for (int i = 0; i < 5; ++i) subscribers.push_back(kit.subscriber(0, topic));
    std::vector<std::uint32_t> sends;
    for (const ShardClient client : subscribers) sends.push_back(kit.socket(client).quiet_sends);
    for (int i = 0; i < 6; ++i) publish(kit, topic, std::to_string(i));
    kit.settle();
    for (std::size_t i = 0; i < subscribers.size(); ++i) {
        CHECK(kit.received(subscribers[i]) == numbers(6));
        CHECK(kit.socket(subscribers[i]).quiet_sends == sends[i] + 1);
    }
}

TEST_CASE("who takes a little all the time is not closed because a burst had to wait for others") {
    constexpr std::uint32_t crowd = 20, publications = 40;
    ShardsSetup setup{.shards = 1};
    setup.limits.send_queue_bytes_max = 4000;
    setup.settings.topics.deliveries_per_turn = crowd;
    ShardsKit kit{setup};
    const std::string topic = kit.topic_of(0);
    std::vector<ShardClient> subscribers;
    for (std::uint32_t i = 0; i < crowd; ++i) subscribers.push_back(kit.subscriber(0, topic));
    for (const ShardClient client : subscribers) kit.socket(client).room = 0;
    std::string published;
    for (std::uint32_t i = 0; i < publications; ++i) {
        const std::string payload = std::to_string(i) + std::string(396, '.');
        published += (i == 0 ? "" : " ") + payload;
        publish(kit, topic, payload);
    }
    // A publication for each of them is a turn's work, and as much as each takes in one.
    for (std::uint32_t turn = 0; turn < 2 * publications; ++turn) {
        for (const ShardClient client : subscribers) kit.ring(0).give_room(client.fd, 402);
        kit.turn();
    }
    CHECK(kit.metrics(0).slow_consumers_closed == 0);
    for (const ShardClient client : subscribers) CHECK(kit.received(client) == published);
}
