// Subscriptions that tokens of the Centrifuge protocol make, and what ends them: in virtual time.

#include "api/centrifuge_joining.hpp"

#include <algorithm>
#include <chrono>
#include <doctest/doctest.h>
#include <string>

#include "unit/api/centrifuge_kit.hpp"

using namespace ringcast;
using namespace std::chrono_literals;

namespace {

const CentrifugePolicy tokens_only{.users = TopicAccess::none, .ping_interval = 0s};

shard::ShardsSetup with_history(shard::ShardsSetup setup = {}) {
    setup.settings.topics.home.stream.count_max = 100;
    return setup;
}

const std::string connected_begin = R"({"id":1,"connect":{"client":"ID")";

/// Claims of user 7 for these channels: names in quotes, with commas between.
std::string claims_for(const std::string& channels, const std::string& more = {}) {
    return R"({"sub":"7","channels":[)" + channels + "]" + more + "}";
}

std::string quoted(const std::string& text) {
    return "\"" + text + "\"";
}

/// Little room on the way from shard to shard.
shard::ShardsSetup losing() {
    shard::ShardsSetup setup = with_history();
    setup.mesh_bytes = 64 << 10;
    return setup;
}

/// More than there is room for, of a topic of the first shard, while the second does not look.
void lose_on_the_way(CentrifugeKit& kit, const std::string& topic) {
    kit.freeze(1);
    const std::string payload(1000, 'x');
    for (int i = 0; i < 200; ++i) {
        (void)kit.shard(0).publish(topic, PublicationKind::text, std::as_bytes(std::span{payload}));
        kit.turn();
    }
    kit.pass(3s);
    kit.settle();
    kit.thaw(1);
    for (int i = 0; i < 20; ++i) kit.settle();
    CHECK(kit.metrics(1).mesh_gaps == 1);
}

std::string invalidated(const std::string& channel) {
    return R"({"push":{"channel":")" + channel +
           R"(","unsubscribe":{"code":2502,"reason":"state invalidated"}}})";
}

}  // namespace

TEST_CASE("a client is subscribed to what its token names, as the connect reply says") {
    CentrifugeKit kit{tokens_only};
    const std::string here = kit.topic_of(0), there = kit.topic_of(1);
    const auto client =
        kit.come_with(0, R"({"sub":"7","subs":{")" + here + R"(":{"data":{"a":1}}},"channels":[")" +
                             there + "\"]}");
    const std::string with_data = quoted(here) + R"(:{"data":{"a":1}})",
                      without = quoted(there) + ":{}";
    CHECK(kit.heard(client) == connected_begin + R"(,"subs":{)" + std::min(with_data, without) +
                                   "," + std::max(with_data, without) + "}}}");
    kit.publish_to(here, "1", 1);
    kit.publish_to(there, "2", 1);
    CHECK(kit.heard(client) == R"({"push":{"channel":")" + here + R"(","pub":{"data":"1"}}} )" +
                                   R"({"push":{"channel":")" + there + R"(","pub":{"data":"2"}}})");
    kit.say(client, R"({"id":2,"subscribe":{"channel":")" + here + "\"}}");
    kit.settle();
    CHECK(kit.heard(client) == R"({"id":2,"error":{"code":105,"message":"already subscribed"}})");
}

TEST_CASE("the connect reply waits for all of them, and comes before what is published meanwhile") {
    CentrifugeKit kit{tokens_only, with_history()};
    const std::string here = kit.topic_of(0), there = kit.topic_of(1);
    const auto writer = kit.publisher(0, here);
    const auto client = kit.come(0);
    kit.freeze(1);
    kit.say(client, CentrifugeKit::connect(claims_for(quoted(here) + "," + quoted(there))) + "\n" +
                        R"({"id":2,"ping":{}})");
    kit.settle();
    kit.publish(writer, "1");
    kit.publish(writer, "2");
    kit.settle();
    CHECK(kit.heard(client) == "");
    kit.thaw(1);
    kit.settle();
    const std::string heard = kit.heard(client);
    const auto place = [&](const std::string& text) {
        CAPTURE(heard);
        CHECK(heard.contains(text));
        return heard.find(text);
    };
    CHECK(heard.starts_with(connected_begin + R"(,"subs":{")" + std::min(here, there) +
                            R"(":{"recoverable":true,"epoch":")"));
    CHECK(place(R"({"push":{"channel":")" + here + R"(","pub":{"data":"1","offset":1}}})") <
          place(R"({"push":{"channel":")" + here + R"(","pub":{"data":"2","offset":2}}})"));
    CHECK(place(R"("offset":2}}})") < place(R"({"id":2,"ping":{}})"));
    kit.publish(writer, "3");
    kit.settle();
    CHECK(kit.heard(client) ==
          R"({"push":{"channel":")" + here + R"(","pub":{"data":"3","offset":3}}})");
}

TEST_CASE("what is published meanwhile and is too much ends the connection") {
    shard::ShardsSetup setup = with_history();
    setup.limits.send_queue_bytes_max = 4 << 10;
    CentrifugeKit kit{tokens_only, setup};
    const std::string here = kit.topic_of(0), there = kit.topic_of(1);
    const auto client = kit.come(0);
    kit.freeze(1);
    kit.say(client, CentrifugeKit::connect(claims_for(quoted(here) + "," + quoted(there))));
    kit.settle();
    const std::string payload(1000, 'x');
    for (int i = 0; i < 5; ++i) {
        CHECK(kit.shard(0).publish(here, PublicationKind::text,
                                   std::as_bytes(std::span{payload})) == PublishStatus::accepted);
    }
    kit.settle();
    CHECK(kit.heard(client) == "");
    kit.thaw(1);
    kit.settle();
    CHECK(kit.heard(client) == "close:3010:insufficient state");
}

TEST_CASE("a client that comes back with its positions is handed what it has missed") {
    CentrifugeKit kit{tokens_only, with_history()};
    const std::string topic = kit.topic_of(1);
    const auto first = kit.come_with(0, claims_for(quoted(topic)));
    kit.publish_to(topic, "1");
    const std::string heard = kit.heard(first);
    const std::string mark = R"("epoch":")";
    const std::string epoch = heard.substr(
        heard.find(mark) + mark.size(),
        heard.find('"', heard.find(mark) + mark.size()) - heard.find(mark) - mark.size());
    kit.leave(first);
    kit.publish_to(topic, "2");
    kit.publish_to(topic, "3");
    const auto back = [&](const std::string& offset_and_epoch) {
        const auto client = kit.come(0);
        kit.say(client, CentrifugeKit::connect(claims_for(quoted(topic)),
                                               R"(,"subs":{")" + topic + R"(":{"recover":true,)" +
                                                   offset_and_epoch + "}}"));
        kit.settle();
        return kit.heard(client);
    };
    CHECK(back(R"("offset":1,"epoch":")" + epoch + "\"") ==
          connected_begin + R"(,"subs":{")" + topic + R"(":{"recoverable":true,"epoch":")" + epoch +
              R"(","publications":[{"data":"2","offset":2},{"data":"3","offset":3}],)"
              R"("recovered":true,"offset":1,"positioned":true,"was_recovering":true}}}})");
    CHECK(back(R"("offset":1,"epoch":"other")") ==
          connected_begin + R"(,"subs":{")" + topic + R"(":{"recoverable":true,"epoch":")" + epoch +
              R"(","offset":3,"positioned":true,"was_recovering":true}}}})");
}

TEST_CASE("a token that names what cannot be had opens no connection") {
    CentrifugePolicy policy = tokens_only;
    policy.subscriptions_max = 2;
    CentrifugeKit kit{policy};
    const auto answer = [&](const std::string& channels) {
        return kit.heard(kit.come_with(0, claims_for(channels)));
    };
    CHECK(answer(R"("ns:a")") == R"({"id":1,"error":{"code":102,"message":"unknown channel"}})");
    CHECK(answer(R"("a","b","c")") == "close:3505:channel limit");
    const auto full = kit.come_with(0, claims_for(R"("a","b")"));
    CHECK(kit.heard(full).starts_with(connected_begin));
    kit.say(full, R"({"id":2,"subscribe":{"channel":"c"}})");
    kit.settle();
    CHECK(kit.heard(full) == R"({"id":2,"error":{"code":106,"message":"limit exceeded"}})");
    CHECK(kit.shard(0).topics().subscriptions() == 2);
}

TEST_CASE("how many channels a token may name is for --subscriptions-max to say") {
    const auto claims_of = [](std::size_t count) {
        std::string channels;
        for (std::size_t i = 0; i < count; ++i)
            channels += (i == 0 ? "" : ",") + quoted(std::to_string(i));
        return claims_for(channels, R"(,"exp":1700000060)");
    };
    CentrifugeKit few{tokens_only};
    CHECK(few.heard(few.come_with(0, claims_of(129))) == "close:3505:channel limit");
    const auto refreshing = few.come_with(0, claims_of(128));
    CHECK(few.heard(refreshing).starts_with(connected_begin));
    few.say(refreshing, CentrifugeKit::with_token(2, "refresh", {}, claims_of(129)));
    few.settle();
    CHECK(few.heard(refreshing) == "close:3505:channel limit");

    CentrifugePolicy policy = tokens_only;
    policy.subscriptions_max = 1000;
    shard::ShardsSetup setup;
    setup.settings.topics.local.session_subscriptions_max = 1000;
    CentrifugeKit many{policy, setup};
    const auto client = many.come_with(0, claims_of(1000));
    for (int i = 0; i < 20; ++i) many.settle();
    const std::string reply = many.heard(client);
    CHECK(reply.starts_with(connected_begin));
    for (const char* channel : {"0", "500", "999"}) CHECK(reply.contains(quoted(channel) + ":{"));
    CHECK(many.shard(0).topics().subscriptions() == 1000);
}

TEST_CASE("a client may end what its token made, and not refresh it") {
    CentrifugeKit kit{tokens_only};
    const auto client = kit.come_with(0, claims_for(R"("a")"));
    (void)kit.heard(client);
    kit.say(client, CentrifugeKit::with_token(2, "sub_refresh", R"("channel":"a",)",
                                              R"({"sub":"7","channel":"a"})"));
    kit.settle();
    CHECK(kit.heard(client) == R"({"id":2,"error":{"code":103,"message":"permission denied"}})");
    kit.say(client, R"({"id":3,"unsubscribe":{"channel":"a"}})");
    kit.settle();
    CHECK(kit.heard(client) == R"({"id":3,"unsubscribe":{}})");
    kit.publish_to("a", "1");
    CHECK(kit.heard(client) == "");
    kit.say(client, R"({"id":4,"subscribe":{"channel":"a"}})");
    kit.settle();
    CHECK(kit.heard(client) == R"({"id":4,"subscribe":{}})");
}

TEST_CASE("a client whose subscriptions are on their way for long is not stale") {
    CentrifugeKit kit{tokens_only};
    const auto client = kit.come(0);
    kit.freeze(1);
    kit.say(client, CentrifugeKit::connect(
                        claims_for(quoted(kit.topic_of(0)) + "," + quoted(kit.topic_of(1)))));
    kit.settle();
    kit.pass(60s);
    CHECK(kit.heard(client) == "");
    kit.thaw(1);
    kit.settle();
    CHECK(kit.heard(client).starts_with(connected_begin));
}

TEST_CASE("whoever loses what its token subscribed it to comes back") {
    CentrifugeKit kit{tokens_only, losing()};
    const std::string topic = kit.topic_of(0);
    const auto client = kit.come_with(1, claims_for(quoted(topic)));
    CHECK(kit.heard(client).starts_with(connected_begin));
    lose_on_the_way(kit, topic);
    CHECK(kit.heard(client).ends_with("close:3010:insufficient state"));
}

TEST_CASE("whoever loses what it has subscribed to itself is told so, and does that anew") {
    CentrifugePolicy policy = tokens_only;
    policy.users = TopicAccess::subscribe;
    CentrifugeKit kit{policy, losing()};
    const std::string topic = kit.topic_of(0);
    const auto client = kit.come_with(1, R"({"sub":"7"})");
    const std::string subscribe =
        R"({"id":2,"subscribe":{"channel":")" + topic + R"(","positioned":true}})";
    kit.say(client, subscribe);
    kit.settle();
    CHECK(kit.heard(client).contains(R"({"id":2,"subscribe":{"recoverable":true,)"));
    lose_on_the_way(kit, topic);
    CHECK(kit.heard(client).ends_with(R"({"push":{"channel":")" + topic +
                                      R"(","unsubscribe":{"code":2500,)"
                                      R"("reason":"insufficient state"}}})"));
    kit.say(client, subscribe);
    kit.settle();
    CHECK(kit.heard(client).starts_with(R"({"id":2,"subscribe":{"recoverable":true,)"));
    kit.publish_to(topic, "1");
    CHECK(kit.heard(client).contains(R"("pub":{"data":"1","offset":)"));
}

TEST_CASE("a refresh takes what the token before had granted, and grants what the new one does") {
    CentrifugePolicy policy = tokens_only;
    policy.anonymous = TopicAccess::none;
    CentrifugeKit kit{policy};
    const std::string until = R"(,"exp":)" + std::to_string(CentrifugeKit::wall_now + 60);
    const auto client = kit.come_with(0, claims_for(R"("a","b","d")", until));
    CHECK(kit.heard(client).contains(R"("subs":{"a":{},"b":{},"d":{}})"));
    // That one has a permission of its own.
    kit.say(client, R"({"id":2,"unsubscribe":{"channel":"d"}})" + std::string{"\n"} +
                        CentrifugeKit::with_token(3, "subscribe", R"("channel":"d",)",
                                                  R"({"sub":"7","channel":"d"})"));
    kit.settle();
    (void)kit.heard(client);
    kit.say(client, CentrifugeKit::with_token(4, "refresh", {}, claims_for(R"("b","c")", until)));
    kit.settle();
    CHECK(kit.heard(client) == invalidated("a") +
                                   "\n"
                                   R"({"id":4,"refresh":{"client":"ID","expires":true,"ttl":60}})");
    for (const char* const topic : {"a", "b", "c", "d"}) kit.publish_to(topic, "1");
    CHECK(kit.heard(client) == R"({"push":{"channel":"b","pub":{"data":"1"}}} )"
                               R"({"push":{"channel":"d","pub":{"data":"1"}}})");
    kit.say(client, R"({"id":5,"subscribe":{"channel":"a"}}
{"id":6,"subscribe":{"channel":"c"}})");
    kit.settle();
    CHECK(kit.heard(client) == R"({"id":5,"error":{"code":103,"message":"permission denied"}} )"
                               R"({"id":6,"subscribe":{}})");
}

TEST_CASE("what a token says of a topic holds after a refresh that says it again") {
    shard::ShardsSetup setup;
    setup.settings.topics.home.presence.is_kept = true;
    CentrifugeKit kit{tokens_only, std::move(setup)};
    const std::string claims = R"({"sub":"7","exp":)" +
                               std::to_string(CentrifugeKit::wall_now + 60) +
                               R"(,"subs":{"a":{"override":{"presence":{"value":false}}},"b":{}}})";
    const auto client = kit.come_with(0, claims);
    const auto come_back = [&] {
        kit.say(client, R"({"id":2,"unsubscribe":{"channel":"a"}}
{"id":3,"subscribe":{"channel":"a"}}
{"id":4,"presence_stats":{"channel":"a"}}
{"id":5,"presence_stats":{"channel":"b"}})");
        kit.settle();
        const std::string heard = kit.heard(client);
        CAPTURE(heard);
        CHECK(heard.contains(R"({"id":3,"subscribe":{}})"));
        CHECK(heard.contains(R"({"id":4,"presence_stats":{}})"));
        CHECK(heard.contains(R"({"id":5,"presence_stats":{"num_clients":1,"num_users":1}})"));
    };
    come_back();
    kit.say(client, CentrifugeKit::with_token(6, "refresh", {}, claims));
    kit.settle();
    CHECK(kit.heard(client).contains(R"({"id":6,"refresh":{)"));
    come_back();
}

TEST_CASE("a subscription ends some time after its token, unless it is refreshed") {
    CentrifugeKit kit{tokens_only};
    const auto client = kit.come_with(0, R"({"sub":"7"})");
    (void)kit.heard(client);
    const auto token_for = [](const std::string& channel, int seconds) {
        return R"({"sub":"7","channel":")" + channel + R"(","exp":)" +
               std::to_string(CentrifugeKit::wall_now + seconds) + "}";
    };
    for (const char* const channel : {"a", "b"}) {
        kit.say(client, CentrifugeKit::with_token(2, "subscribe",
                                                  R"("channel":")" + std::string{channel} + "\",",
                                                  token_for(channel, 10)));
        kit.settle();
        CHECK(kit.heard(client) == R"({"id":2,"subscribe":{"expires":true,"ttl":10}})");
    }
    kit.pass(9s);
    kit.say(client,
            CentrifugeKit::with_token(3, "sub_refresh", R"("channel":"b",)", token_for("b", 60)));
    kit.settle();
    CHECK(kit.heard(client) == R"({"id":3,"sub_refresh":{"expires":true,"ttl":60}})");
    kit.pass(25s);
    CHECK(kit.heard(client) == "");
    kit.pass(2s);
    CHECK(kit.heard(client) == R"({"push":{"channel":"a","unsubscribe":{"code":2501,)"
                               R"("reason":"subscription expired"}}})");
    kit.publish_to("a", "1");
    kit.publish_to("b", "1");
    CHECK(kit.heard(client) == R"({"push":{"channel":"b","pub":{"data":"1"}}})");
    // The token that has ended permits nothing any more.
    kit.say(client, R"({"id":4,"subscribe":{"channel":"a"}})");
    kit.settle();
    CHECK(kit.heard(client) == R"({"id":4,"error":{"code":103,"message":"permission denied"}})");
    kit.pass(60s);
    CHECK(kit.heard(client) == R"({"push":{"channel":"b","unsubscribe":{"code":2501,)"
                               R"("reason":"subscription expired"}}})");
}

TEST_CASE("clients of a server that stops are told so in the words of their protocol") {
    CentrifugeKit kit{tokens_only};
    const auto client = kit.come_with(0, R"({"sub":"7"})");
    (void)kit.heard(client);
    const auto raw = kit.subscriber(0, "a");
    for (std::uint32_t i = 0; i < kit.shards(); ++i)
        kit.shard(i).begin_shutdown(CloseCode::service_restart);
    kit.settle();
    CHECK(kit.heard(client) == "close:3001:shutdown");
    CHECK(kit.received(raw) == "close:1012:server is shutting down");
}

TEST_CASE("a client that asks for it is pinged by frames") {
    CentrifugePolicy policy = tokens_only;
    policy.ping_interval = 5s;
    CentrifugeKit kit{policy};
    const auto client = kit.come(0, "?cf_ws_frame_ping_pong=true");
    kit.say(client, CentrifugeKit::connect(R"({"sub":"7"})"));
    kit.settle();
    CHECK(kit.heard(client) == connected_begin + "}}");
    kit.pass(5s);
    const auto frames = kit.frames(client);
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].opcode == test::opcode_ping);
}
