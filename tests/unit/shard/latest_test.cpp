// The policy `latest`: what a subscriber that is behind gets instead of all that it has missed.

#include <cstdint>
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/publication_info.hpp"
#include "unit/shard/shards_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;

namespace {

/// A queue for four publications.
SessionLimits newest_only() {
    SessionLimits limits;
    limits.send_queue_bytes_max = 1000;
    limits.slow_consumer = SlowConsumer::latest;
    return limits;
}

/// `name` in 200 bytes.
std::string filled(const std::string& name) {
    return name + std::string(200 - name.size(), '.');
}

struct LatestKit : ShardsKit {
    explicit LatestKit(const Settings& settings = {})
        : ShardsKit{{.shards = 2, .limits = newest_only(), .settings = settings}} {}

    /// What a client was sent, without what fills it up.
    std::string seen(ShardClient client) {
        std::string text;
        for (const test::ServerFrame& frame : frames(client)) {
            if (!text.empty()) text += ' ';
            text += frame.opcode == test::opcode_close
                        ? "close:" + std::to_string(frame.close_code().value_or(0))
                        : frame.payload.substr(0, frame.payload.find('.'));
        }
        return text;
    }
    void publish_all(ShardClient publisher, const std::string& prefix, int first, int last) {
        for (int i = first; i <= last; ++i) {
            publish(publisher, filled(prefix + std::to_string(i)));
            settle();
        }
    }
    void let_read(ShardClient client) {
        ring(client.shard).give_room(client.fd, test::FakeRing::unlimited);
        settle();
    }
};

/// A client that is subscribed to several topics.
ShardClient subscriber_of(LatestKit& kit, const std::vector<std::string>& topics) {
    kit.scripted(1).received = [topics](Session& session, Message) {
        for (const std::string& topic : topics)
            CHECK(session.subscribe(topic) == SubscribeStatus::accepted);
    };
    const ShardClient client = kit.open(1, "/echo");
    kit.send(client, test::text_frame("subscribe"));
    kit.settle();
    return client;
}

}  // namespace

TEST_CASE_FIXTURE(LatestKit, "who is behind gets the newest once it has caught up, and is told") {
    const std::string topic = topic_of(0);
    const ShardClient writer = publisher(0, topic);
    const ShardClient slow = open(1, "/topics/" + topic + "?gaps");
    const ShardClient quick = subscriber(1, topic);
    socket(slow).room = 0;
    publish_all(writer, "", 0, 9);
    CHECK(metrics(1).deliveries_conflated == 5);
    let_read(slow);
    CHECK(seen(slow) == "0 1 2 3 skipped 5 9");
    // Nothing is kept for it now.
    publish_all(writer, "", 10, 11);
    CHECK(seen(slow) == "10 11");
    CHECK(seen(quick) == "0 1 2 3 4 5 6 7 8 9 10 11");
    CHECK(metrics(1).slow_consumers_closed == 0);
    CHECK(metrics(1).deliveries_dropped == 0);
    CHECK(topics(1).skipped_count == 5);
}

TEST_CASE_FIXTURE(LatestKit, "while something waits, nothing of its topic overtakes it") {
    const std::string topic = topic_of(1);
    const ShardClient writer = publisher(0, topic);
    const ShardClient slow = open(1, "/topics/" + topic + "?gaps");
    socket(slow).room = 0;
    publish_all(writer, "", 0, 5);
    // There is room for more, but it has not caught up.
    ring(1).give_room(slow.fd, 2 * 204);
    settle();
    publish_all(writer, "", 6, 6);
    CHECK(seen(slow) == "0 1");
    let_read(slow);
    CHECK(seen(slow) == "2 3 skipped 2 6");
}

TEST_CASE_FIXTURE(LatestKit, "each topic keeps its newest, in the order in which they became due") {
    const std::vector<std::string> names{topic_of(0), topic_of(1), topic_of(0, 1)};
    const ShardClient slow = subscriber_of(*this, names);
    std::vector<ShardClient> writers;
    for (const std::string& name : names) writers.push_back(publisher(0, name));
    socket(slow).room = 0;
    publish_all(writers[0], "a", 0, 4);  // a4 waits.
    publish_all(writers[1], "b", 0, 2);
    publish_all(writers[0], "a", 5, 5);
    publish_all(writers[2], "c", 0, 0);
    let_read(slow);
    CHECK(seen(slow) == "a0 a1 a2 a3 a5 b2 c0");
    CHECK(metrics(1).deliveries_conflated == 3);
}

TEST_CASE_FIXTURE(LatestKit, "what waits goes with its subscription, or with the session") {
    const std::vector<std::string> names{topic_of(0), topic_of(1)};
    const ShardClient slow = subscriber_of(*this, names);
    scripted(1).received = [&](Session& session, Message message) {
        if (message.payload == "leave") CHECK(session.unsubscribe(names[0]));
    };
    const ShardClient first = publisher(0, names[0]), second = publisher(0, names[1]);
    socket(slow).room = 0;
    publish_all(first, "a", 0, 5);
    publish_all(second, "b", 0, 1);
    SUBCASE("one of two") {
        send(slow, test::text_frame("leave"));
        settle();
        let_read(slow);
        CHECK(seen(slow) == "a0 a1 a2 a3 b1");
    }
    SUBCASE("all, by its Close") {
        send(slow, test::close_frame(1000));
        settle();
        CHECK(metrics(1).deliveries_dropped == 4);
        let_read(slow);
        CHECK(seen(slow) == "a0 a1 a2 a3 close:1000");
    }
    SUBCASE("all, by ours") {
        shard(1).begin_shutdown(CloseCode::going_away);
        shard(0).begin_shutdown(CloseCode::going_away);
        settle();
        let_read(slow);
        CHECK(seen(slow) == "a0 a1 a2 a3 close:1001");
    }
}

TEST_CASE_FIXTURE(LatestKit, "whoever leaves what it is not in takes nothing from others") {
    const std::vector<std::string> names{topic_of(0), topic_of(1)};
    const ShardClient other = subscriber_of(*this, {names[0]});
    const ShardClient slow = subscriber_of(*this, {names[1]});
    scripted(1).received = [&](Session& session, Message) {
        CHECK(!session.unsubscribe(names[0]));
    };
    const ShardClient first = publisher(0, names[0]), second = publisher(0, names[1]);
    socket(other).room = socket(slow).room = 0;
    publish_all(first, "a", 0, 5);
    publish_all(second, "b", 0, 5);
    send(slow, test::text_frame("leave"));
    settle();
    let_read(other);
    let_read(slow);
    CHECK(seen(other) == "a0 a1 a2 a3 a5");
    CHECK(seen(slow) == "b0 b1 b2 b3 b5");
}

TEST_CASE_FIXTURE(LatestKit, "a Centrifuge client finds the number as a tag") {
    scripted(1).upgraded = [](Upgrade&) {
        Verdict verdict;
        verdict.encoding = Encoding::centrifuge_json;
        return verdict;
    };
    const std::string topic = topic_of(0);
    const ShardClient slow = subscriber_of(*this, {topic});
    const ShardClient writer = publisher(0, topic);
    socket(slow).room = 0;
    publish_all(writer, "", 0, 9);
    let_read(slow);
    const auto pushes = frames(slow);
    REQUIRE(pushes.size() == 5);
    CHECK(pushes[3].payload.find("skipped") == std::string::npos);
    CHECK(pushes[4].payload == R"({"push":{"channel":")" + topic + R"(","pub":{"data":")" +
                                   filled("9") + R"(","tags":{"skipped":"5"}}}})");
    publish_all(writer, "", 10, 10);
    CHECK(frames(slow).at(0).payload.find("skipped") == std::string::npos);
}

TEST_CASE_FIXTURE(LatestKit, "publications with a key replace only those of the same") {
    const std::string topic = topic_of(0);
    const ShardClient slow = open(1, "/topics/" + topic + "?gaps");
    const ShardClient quick = subscriber(1, topic);
    const auto publish_key = [&](const std::string& name, std::string_view key) {
        const Tag tags[] = {{"key", key}, {"other", name}};
        const std::string info = key.empty() ? std::string{} : pack(tags);
        const std::string payload = filled(name);
        CHECK(shard(0).publish(topic, PublicationKind::text, as_bytes(payload), as_bytes(info)) ==
              PublishStatus::accepted);
        settle();
    };
    socket(slow).room = 0;
    for (int i = 0; i < 4; ++i) publish_key(std::to_string(i), "");
    for (const char* const each : {"a1", "b1", "a2", "c1", "b2", "a3"})
        publish_key(each, std::string_view{each, 1});
    publish_key("4", "");
    publish_key("5", "");
    publish_key("c2", "c");
    CHECK(metrics(1).deliveries_conflated == 5);
    let_read(slow);
    // In their order, so that offsets rise, and each time as many as are missing there.
    CHECK(seen(slow) == "0 1 2 3 skipped 4 b2 a3 skipped 1 5 c2");
    CHECK(seen(quick) == "0 1 2 3 a1 b1 a2 c1 b2 a3 4 5 c2");
}

TEST_CASE_FIXTURE(LatestKit, "the number of those that were skipped is no tag of the publisher") {
    scripted(1).upgraded = [](Upgrade&) {
        Verdict verdict;
        verdict.encoding = Encoding::centrifuge_json;
        return verdict;
    };
    const std::string topic = topic_of(0);
    const ShardClient slow = subscriber_of(*this, {topic});
    socket(slow).room = 0;
    const Tag tags[] = {{"key", "k"}, {"a", "b"}};
    const std::string info = pack(tags);
    for (int i = 0; i < 10; ++i) {
        const std::string payload = filled(std::to_string(i));
        CHECK(shard(0).publish(topic, PublicationKind::text, as_bytes(payload), as_bytes(info)) ==
              PublishStatus::accepted);
        settle();
    }
    let_read(slow);
    const auto pushes = frames(slow);
    REQUIRE(pushes.size() > 1);
    CHECK(pushes[0].payload.ends_with(R"("tags":{"key":"k","a":"b"}}}})"));
    CHECK(pushes.back().payload.contains(R"("tags":{"key":"k","a":"b","skipped":")"));
}

TEST_CASE("where the shard has no memory left, who is behind is closed, as by the policy close") {
    LatestKit kit{{.pool_bytes_max = 4 << 10}};
    const std::string topic = kit.topic_of(0);
    const ShardClient writer = kit.publisher(0, topic);
    const ShardClient slow = kit.subscriber(1, topic);
    kit.socket(slow).room = 0;
    kit.publish_all(writer, "", 0, 9);
    CHECK(kit.metrics(1).slow_consumers_closed == 1);
    kit.let_read(slow);
    CHECK(kit.seen(slow).ends_with("close:1013"));
}
