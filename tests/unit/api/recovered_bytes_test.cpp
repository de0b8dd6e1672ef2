// Clients that have missed more bytes than their send queue has room for, on shards that are turned
// by hand: what they are told, and that they get there.

#include <chrono>
#include <cstddef>
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "unit/api/centrifuge_kit.hpp"

using namespace ringcast;
using namespace std::chrono_literals;

namespace {

/// Topics that keep 300 publications of 60 KiB, and clients whose queues take `queue_bytes_max`.
class LargeHistoryKit : public CentrifugeKit {
public:
    static constexpr std::size_t publication_bytes = 60 << 10;
    static constexpr std::uint32_t kept_count = 300;

    explicit LargeHistoryKit(std::uint64_t queue_bytes_max)
        : CentrifugeKit{{.anonymous = TopicAccess::publish, .ping_interval = 0s},
                        with_queue(queue_bytes_max)} {}

    static shard::ShardsSetup with_queue(std::uint64_t bytes_max) {
        shard::ShardsSetup setup;
        setup.limits.send_queue_bytes_max = bytes_max;
        setup.settings.topics.home.stream.count_max = kept_count;
        return setup;
    }
    void publish_more(const std::string& topic, std::uint32_t count,
                      PublicationKind kind = PublicationKind::text) {
        const std::string payload(publication_bytes, 'x');
        for (std::uint32_t i = 0; i < count; ++i) {
            CHECK(shard(1).publish(topic, kind, shard::bytes_of(payload)) ==
                  PublishStatus::accepted);
            settle();
        }
    }
    /// A client that has connected, and whose socket takes `room` more from then on.
    shard::ShardClient come_slowly(std::uint64_t room = 0) {
        const shard::ShardClient client = come_with(0, R"({"sub":"7"})");
        (void)heard(client);
        socket(client).room = room;
        return client;
    }
    /// It takes what waits, a piece a turn.
    void read_on(shard::ShardClient client) {
        for (int i = 0; i < 400; ++i) {
            ring(client.shard).give_room(client.fd, 16 << 10);
            turn();
        }
    }
    static std::string recover(int id, const std::string& topic, std::uint64_t offset) {
        return R"({"id":)" + std::to_string(id) + R"(,"subscribe":{"channel":")" + topic +
               R"(","recover":true,"offset":)" + std::to_string(offset) + "}}";
    }
    /// "recovered 12", with the publications; what else was heard stands behind.
    static std::string told(const std::string& reply) {
        std::size_t count = 0;
        for (std::size_t at = 0; (at = reply.find(R"("data":)", at)) != std::string::npos; ++at)
            ++count;
        const bool is_recovered = reply.find(R"("recovered":true)") != std::string::npos;
        const std::size_t close = reply.find("close:");
        return (is_recovered ? "recovered " : "lost ") + std::to_string(count) +
               (close == std::string::npos ? "" : " " + reply.substr(close));
    }
};

}  // namespace

TEST_CASE("who has missed more bytes than one reply may have is told so, and stays") {
    LargeHistoryKit kit{1 << 20};
    for (const std::uint32_t home : {0u, 1u}) {
        const std::string topic = kit.topic_of(home);
        kit.publish_more(topic, LargeHistoryKit::kept_count);
        const auto told_behind = [&](std::uint64_t offset) {
            const auto client = kit.come_slowly();
            kit.say(client, LargeHistoryKit::recover(2, topic, offset));
            kit.settle();
            kit.read_on(client);
            const std::string reply = kit.heard(client);
            kit.say(client, R"({"id":3,"ping":{}})");
            kit.settle();
            CHECK(kit.heard(client) == R"({"id":3,"ping":{}})");
            return LargeHistoryKit::told(reply);
        };
        CHECK(told_behind(0) == "lost 0");
        CHECK(told_behind(287) == "lost 0");
        CHECK(told_behind(288) == "recovered 12");
    }
}

TEST_CASE("all that may be recovered is one message, however little a queue takes") {
    for (const PublicationKind kind : {PublicationKind::text, PublicationKind::binary}) {
        LargeHistoryKit kit{64 << 10};
        const std::string topic = kit.topic_of(1);
        kit.publish_more(topic, 12, kind);
        const auto client = kit.come_slowly();
        kit.say(client, LargeHistoryKit::recover(2, topic, 0));
        kit.settle();
        kit.read_on(client);
        CHECK(LargeHistoryKit::told(kit.heard(client)) == "recovered 12");
        kit.publish_more(topic, 1, kind);
        CHECK(LargeHistoryKit::told(kit.heard(client)) == "lost 1");  // No reply, but a push.
    }
}

TEST_CASE("who comes back to many topics is told of one after the other, as it reads") {
    LargeHistoryKit kit{1 << 20};
    std::string commands;
    constexpr int topics = 6;
    for (int i = 0; i < topics; ++i) {
        const std::string topic = kit.topic_of(i % 2 == 0 ? 0 : 1, i / 2);
        kit.publish_more(topic, 12);
        commands += LargeHistoryKit::recover(i + 2, topic, 0) + "\n";
    }
    const auto client = kit.come_slowly();
    kit.say(client, commands);
    kit.turn(40);
    const std::uint64_t one_reply = 12 * (LargeHistoryKit::publication_bytes + 100);
    CHECK(kit.shard(0).pool().bytes_in_use() < 2 * one_reply);
    kit.read_on(client);
    kit.read_on(client);
    const std::string heard = kit.heard(client);
    CHECK(LargeHistoryKit::told(heard) == "recovered " + std::to_string(12 * topics));
}

TEST_CASE("who is overrun while it reads what it has missed comes back, and has missed less") {
    LargeHistoryKit kit{256 << 10};
    const std::string topic = kit.topic_of(1);
    constexpr std::uint64_t missed = 12, live = 3;
    kit.publish_more(topic, missed);
    const auto client = kit.come_slowly();
    kit.say(client, LargeHistoryKit::recover(2, topic, 0));
    kit.settle();
    kit.publish_more(topic, live);
    kit.read_on(client);
    CHECK(LargeHistoryKit::told(kit.heard(client)) == "recovered 12 close:3008:slow");
    kit.leave(client);
    const auto back = kit.come_slowly();
    kit.say(back, LargeHistoryKit::recover(2, topic, missed));
    kit.settle();
    kit.read_on(back);
    CHECK(LargeHistoryKit::told(kit.heard(back)) == "recovered 3");
}
