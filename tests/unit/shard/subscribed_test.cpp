// What an endpoint is told of the subscriptions of its sessions: when they are live, refused, lost.

#include <cstdint>
#include <doctest/doctest.h>
#include <string>
#include <string_view>
#include <utility>

#include "unit/shard/shards_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;
using namespace std::chrono_literals;

namespace {

/// A session at /echo of shard 0 that does what messages say (`+topic`, `-topic`, else it
/// publishes `topic payload`) and is sent what its endpoint is told.
struct ToldSession {
    explicit ToldSession(const ShardsSetup& setup = {}) : kit{setup} {
        kit.scripted(0).received = [this](Session& session, Message message) {
            is_called = true;
            obey(session, message.payload);
            is_called = false;
        };
        kit.scripted(0).subscribed = [this](Session& session, const Subscribed& answer) {
            CHECK_FALSE(is_called);
            const bool is_live = answer.outcome == Subscribed::Outcome::live;
            say(session, (is_live ? "live:" : "refused:") + std::string{answer.topic} +
                             (answer.reason.empty() ? "" : ":" + std::string{answer.reason}));
            if (is_live && !then.empty()) obey(session, std::exchange(then, ""));
        };
        kit.scripted(0).subscription_lost = [this](Session& session, std::string_view topic,
                                                   std::string_view reason) {
            say(session, "lost:" + std::string{topic} + ":" + std::string{reason});
            if (!then.empty()) obey(session, std::exchange(then, ""));
        };
        client = kit.open(0, "/echo");
    }

    void obey(Session& session, std::string_view wish) {
        const std::string_view topic = wish.substr(1, wish.find(' ') - 1);
        if (wish[0] == '+') CHECK(session.subscribe(topic) == SubscribeStatus::accepted);
        if (wish[0] == '-') CHECK(session.unsubscribe(topic));
        if (wish[0] == '!') {
            const std::string_view payload = wish.substr(wish.find(' ') + 1);
            CHECK(session.publish(topic, PublicationKind::text, bytes_of(payload)) ==
                  PublishStatus::accepted);
        }
    }
    static void say(Session& session, const std::string& what) { session.send(text(what)); }
    std::string after(const std::string& wish) {
        kit.publish(client, wish);
        kit.settle();
        return kit.received(client);
    }

    ShardsKit kit;
    ShardClient client{};
    std::string then;  // What the session does when it is told next.
    bool is_called = false;
};

}  // namespace

TEST_CASE("an endpoint is told when a subscription is live, before its first publication") {
    for (const std::uint32_t home : {0u, 1u}) {
        CAPTURE(home);
        ToldSession told;
        const std::string topic = told.kit.topic_of(home);
        SUBCASE("the home has to confirm") {}
        SUBCASE("the home has confirmed before") {
            (void)told.kit.subscriber(0, topic);
        }
        told.kit.publish(told.client, "+" + topic);
        CHECK(told.after("!" + topic + " one") == "live:" + topic + " one");
        CHECK(told.after("!" + topic + " two") == "two");
        // Each subscription for itself.
        told.kit.publish(told.client, "-" + topic);
        CHECK(told.after("+" + topic) == "live:" + topic);
    }
}

TEST_CASE("nobody is told of a subscription that has ended before") {
    ToldSession told;
    const std::string topic = told.kit.topic_of(1), known = told.kit.topic_of(0);
    (void)told.kit.subscriber(0, known);
    told.kit.publish(told.client, "+" + topic);
    told.kit.publish(told.client, "+" + known);
    told.kit.publish(told.client, "-" + topic);
    CHECK(told.after("-" + known) == "");
    told.kit.publish(told.client, "+" + known);
    told.kit.publish(told.client, "-" + known);
    CHECK(told.after("+" + known) == "live:" + known);
}

TEST_CASE("whoever is told may subscribe, publish and unsubscribe at once") {
    ToldSession told;
    const std::string topic = told.kit.topic_of(1), known = told.kit.topic_of(0);
    (void)told.kit.subscriber(0, known);
    told.then = "+" + known;
    CHECK(told.after("+" + topic) == "live:" + topic + " live:" + known);
    told.kit.publish(told.client, "-" + known);
    told.then = "!" + known + " own";
    CHECK(told.after("+" + known) == "live:" + known + " own");
    told.kit.publish(told.client, "-" + known);
    told.then = "-" + known;
    CHECK(told.after("+" + known) == "live:" + known);
    CHECK(told.after("!" + known + " unheard") == "");
}

TEST_CASE("a refused subscription is over, and need not be the end of the session") {
    ShardsSetup setup;
    setup.settings.topics.home.topics_max = 1;
    ToldSession told{setup};
    const std::string topic = told.kit.topic_of(1, 0), other = told.kit.topic_of(1, 1);
    const ShardClient first = told.kit.subscriber(1, topic);
    CHECK(told.after("+" + other) == "refused:" + other + ":there are too many topics");
    CHECK(told.kit.metrics(0).subscriptions_lost == 1);
    CHECK(told.after("+" + topic) == "live:" + topic);
    told.kit.publish(told.client, "-" + topic);
    told.kit.ring(1).finish_recv(first.fd, 0);
    told.kit.settle();
    CHECK(told.after("+" + other) == "live:" + other);
}

TEST_CASE("a lost subscription is over, and the session may begin again") {
    ToldSession told{{.shards = 2, .mesh_bytes = 64 << 10}};
    ShardsKit& kit = told.kit;
    const std::string topic = kit.topic_of(1), known = kit.topic_of(0);
    CHECK(told.after("+" + topic) == "live:" + topic);
    CHECK(told.after("+" + known) == "live:" + known);
    const ShardClient raw = kit.subscriber(0, topic);
    const auto publish = [&](std::string_view payload) {
        return kit.shard(1).publish(topic, PublicationKind::text, bytes_of(payload));
    };
    kit.freeze(0);
    while (publish(std::string(500, 'x')) == PublishStatus::accepted) kit.turn();
    kit.pass(3s);  // The target has been full for too long.
    kit.turn(2);
    CHECK(kit.metrics(1).mesh_stalls == 1);
    kit.thaw(0);
    told.then = "+" + topic;
    kit.turn(20);
    const std::string heard = kit.received(told.client);
    CHECK(heard.find("lost:" + topic + ":publications were lost") != std::string::npos);
    CHECK(heard.ends_with("live:" + topic));
    CHECK(heard.find("lost:" + known) == std::string::npos);
    CHECK(kit.received(raw).ends_with("close:1013:publications were lost"));
    CHECK(publish("new") == PublishStatus::accepted);
    kit.settle();
    CHECK(kit.received(told.client) == "new");
    CHECK(kit.metrics(0).subscriptions_lost == 2);
}
