// What the server API does to sessions and to what topics keep, over shards that are turned by
// hand.

#include <chrono>
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "api/session_orders.hpp"
#include "unit/server/server_api_kit.hpp"

using namespace ringcast;
using namespace ringcast::server;
using namespace std::chrono_literals;

namespace {

const CentrifugePolicy everybody{.anonymous = TopicAccess::publish, .ping_interval = 0s};
const std::string done = R"({"result":{}})";
const std::string seven = R"({"sub":"7"})", eight = R"({"sub":"8"})";

shard::ShardsSetup keeping(shard::ShardsSetup setup = {}) {
    setup.settings.topics.home.stream.count_max = 100;
    return setup;
}

/// The epoch in what was heard.
std::string epoch_in(const std::string& heard) {
    const std::string mark = R"("epoch":")";
    const std::size_t begin = heard.find(mark) + mark.size();
    return heard.substr(begin, heard.find('"', begin) - begin);
}

/// What `info` says of users.
std::string users_in(const std::string& said) {
    const std::size_t begin = said.find(R"("num_users":)");
    return said.substr(begin, said.find(',', begin) - begin);
}

}  // namespace

TEST_CASE("sessions of a user are disconnected, on all shards, and no others") {
    ApiKit kit{everybody, {.shards = 3}};
    const auto first = kit.come_with(0, seven), second = kit.come_with(2, seven);
    const auto other = kit.come_with(1, eight), nobody = kit.come_with(1, R"({"sub":""})");
    for (const auto client : {first, other, nobody, second}) (void)kit.heard(client);
    const std::string second_id = kit.last_client_id;
    CHECK(kit.said("disconnect", R"({"user":"7","whitelist":[")" + second_id + "\"]}") == done);
    CHECK(kit.heard(first) == "close:3503:force disconnect");
    CHECK(kit.heard(second) == "");
    CHECK(kit.said("disconnect", R"({"user":"7","client":"another"})") == done);
    CHECK(kit.heard(second) == "");
    CHECK(kit.said("disconnect", R"({"user":"7","client":")" + second_id +
                                     R"(","disconnect":{"code":4321,"reason":"go"}})") == done);
    CHECK(kit.heard(second) == "close:4321:go");
    CHECK(kit.said("disconnect", R"({"user":"9"})") == done);
    CHECK(kit.heard(other) == "");
    CHECK(kit.heard(nobody) == "");
}

TEST_CASE("users are counted on each shard, and nobody in particular is none") {
    ApiKit kit{everybody, {.shards = 2}};
    const auto users = [&] { return users_in(kit.said("info", "{}")); };
    CHECK(users() == R"("num_users":0)");
    const auto first = kit.come_with(0, seven), second = kit.come_with(0, seven);
    (void)kit.come_with(1, eight);
    (void)kit.come_with(1, R"({"sub":""})");
    CHECK(users() == R"("num_users":2)");
    kit.leave(first);
    CHECK(users() == R"("num_users":2)");
    kit.leave(second);
    CHECK(users() == R"("num_users":1)");
    // Whoever is on two shards.
    (void)kit.come_with(0, eight);
    CHECK(users() == R"("num_users":2)");
}

TEST_CASE("whoever is told that there is no connection is no user") {
    shard::ShardsSetup setup = keeping({.shards = 2});
    setup.settings.topics.home.presence.is_kept = true;
    setup.settings.topics.presence.topic_clients_max = 1;
    ApiKit kit{everybody, setup};
    const auto users = [&] { return users_in(kit.said("info", "{}")); };
    // At once.
    const auto refused = kit.come_with(0, R"({"sub":"7","channels":["ns:a"]})");
    CHECK(kit.heard(refused) == R"({"id":1,"error":{"code":102,"message":"unknown channel"}})");
    CHECK(users() == R"("num_users":0)");
    // And once the topic's home has said so; meanwhile orders find it.
    const std::string topic = kit.topic_of(1);
    const auto first = kit.come_with(0, R"({"sub":"7","channels":[")" + topic + "\"]}");
    kit.freeze(1);
    const auto crowd = kit.come_with(0, R"({"sub":"8","channels":[")" + topic + "\"]}");
    const int order = kit.send("subscribe", R"({"user":"8","channel":"a"})");
    kit.thaw(1);
    kit.turn(12);
    CHECK(kit.answer_to(order) == done);
    CHECK(kit.heard(crowd) == R"({"id":1,"error":{"code":106,"message":"limit exceeded"}})");
    CHECK(users() == R"("num_users":1)");
    for (const auto client : {refused, crowd, first}) kit.leave(client);
    CHECK(users() == R"("num_users":0)");
}

TEST_CASE("a session of nobody in particular is found by its client id") {
    ApiKit kit{everybody};
    const auto nobody = kit.come_with(1, R"({"sub":""})"), other = kit.come_with(1, seven);
    (void)kit.heard(nobody);
    const std::string id = kit.last_client_id;
    (void)kit.heard(other);
    const std::string id_of_somebody = kit.last_client_id;
    CHECK(kit.said("disconnect", R"({"client":")" + id_of_somebody + "\"}") == done);
    CHECK(kit.heard(other) == "");
    CHECK(kit.said("disconnect", R"({"client":")" + id + "\"}") == done);
    CHECK(kit.heard(nobody) == "close:3503:force disconnect");
}

TEST_CASE("a user of many sessions takes many turns, and all of them are reached") {
    ApiKit kit{everybody, {.shards = 1}};
    constexpr std::size_t count = 600;
    std::vector<shard::ShardClient> clients;
    for (std::size_t i = 0; i < count; ++i) clients.push_back(kit.come_with(0, seven));
    // Each leaves a place that another takes.
    for (const std::size_t i : {std::size_t{0}, std::size_t{300}, count - 1}) {
        kit.leave(clients[i]);
        clients[i] = kit.come_with(0, seven);
    }
    for (const auto client : clients) (void)kit.heard(client);
    const int request = kit.send("disconnect", R"({"user":"7"})");
    CHECK(!kit.response(request));
    kit.turn(8);
    CHECK(kit.response(request)->body == done);
    for (const auto client : clients) CHECK(kit.heard(client) == "close:3503:force disconnect");
}

TEST_CASE("a user is subscribed, and the answer says that it sees what is published from then on") {
    ApiKit kit{everybody, keeping()};
    const std::string topic = kit.topic_of(1);
    const std::string to = R"("channel":")" + topic + "\"";
    const auto client = kit.come_with(0, seven), subscribed = kit.come_with(0, seven);
    kit.say(subscribed, R"({"id":2,"subscribe":{)" + to + "}}");
    kit.settle();
    const std::string epoch = epoch_in(kit.heard(subscribed));
    CHECK(kit.said("publish", "{" + to + R"(,"data":1})").contains("result"));
    (void)kit.heard(subscribed);
    (void)kit.heard(client);
    kit.freeze(1);
    const int request = kit.send("subscribe", "{" + to + R"(,"user":"7","data":{"a":1}})");
    kit.turn(8);
    CHECK(!kit.response(request));
    kit.thaw(1);
    kit.turn(8);
    CHECK(kit.response(request)->body == done);
    CHECK(kit.heard(client) == R"({"push":{)" + to +
                                   R"(,"subscribe":{"recoverable":true,"epoch":")" + epoch +
                                   R"(","offset":1,"positioned":true,"data":{"a":1}}}})");
    CHECK(kit.heard(subscribed) == "");
    CHECK(kit.said("publish", "{" + to + R"(,"data":2})").contains("result"));
    const std::string push = R"({"push":{)" + to + R"(,"pub":{"data":2,"offset":2}}})";
    CHECK(kit.heard(client) == push);
    CHECK(kit.heard(subscribed) == push);
    // What a token did not permit no other one takes away.
    CHECK(kit.said("unsubscribe", "{" + to + R"(,"user":"7"})") == done);
    const std::string over =
        R"({"push":{)" + to + R"(,"unsubscribe":{"code":2000,"reason":"server unsubscribe"}}})";
    CHECK(kit.heard(client) == over);
    CHECK(kit.heard(subscribed) == over);
    CHECK(kit.said("publish", "{" + to + R"(,"data":3})").contains("result"));
    CHECK(kit.heard(client) == "");
    CHECK(kit.said("subscribe", "{" + to + R"(,"user":"7","recover_since":{"offset":1,"epoch":")" +
                                    epoch + "\"}}") == done);
    CHECK(kit.heard(client) == R"({"push":{)" + to +
                                   R"(,"subscribe":{"recoverable":true,"epoch":")" + epoch +
                                   R"(","offset":1,"positioned":true}}})" + "\n" + push + "\n" +
                                   R"({"push":{)" + to + R"(,"pub":{"data":3,"offset":3}}})");
}

TEST_CASE("a subscription that nobody waits for any more does not hold up the answer") {
    ApiKit kit{everybody};
    const std::string topic = kit.topic_of(1);
    const auto leaving = kit.come_with(0, seven), staying = kit.come_with(0, seven);
    (void)kit.heard(leaving);
    (void)kit.heard(staying);
    kit.freeze(1);
    const int request = kit.send("subscribe", R"({"user":"7","channel":")" + topic + "\"}");
    kit.turn(4);
    kit.leave(leaving);
    kit.thaw(1);
    kit.turn(8);
    CHECK(kit.response(request)->body == done);
    CHECK(kit.heard(staying) == R"({"push":{"channel":")" + topic + R"(","subscribe":{}}})");
    // Nor one that an order behind it ends.
    const std::string other = kit.topic_of(1, 1);
    kit.freeze(1);
    const int second = kit.send("subscribe", R"({"user":"7","channel":")" + other + "\"}");
    kit.turn(4);
    const int third = kit.send("unsubscribe", R"({"user":"7"})");
    kit.turn(4);
    kit.thaw(1);
    kit.turn(8);
    CHECK(kit.response(second)->body == done);
    CHECK(kit.response(third)->body == done);
    CHECK(kit.heard(staying) ==
          R"({"push":{"channel":")" + topic +
              R"(","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}})");
    CHECK(kit.shard(0).topics().subscriptions() == 0);
}

TEST_CASE("an order for a client whose subscriptions are on their way waits for them") {
    ApiKit kit{everybody};
    const std::string granted = kit.topic_of(1), more = kit.topic_of(0);
    kit.freeze(1);
    const auto client = kit.come_with(0, R"({"sub":"7","channels":[")" + granted + "\"]}");
    CHECK(kit.heard(client) == "");
    const std::string soon = std::to_string(CentrifugeKit::wall_now + 10);
    const int refreshed = kit.send("refresh", R"({"user":"7","expire_at":)" + soon + "}");
    const int subscribed = kit.send("subscribe", R"({"user":"7","channel":")" + more + "\"}");
    const int ended = kit.send("unsubscribe", R"({"user":"7","channel":")" + granted + "\"}");
    kit.turn(8);
    CHECK(kit.heard(client) == "");
    kit.thaw(1);
    kit.turn(20);
    for (const int request : {refreshed, subscribed, ended}) {
        REQUIRE(kit.response(request));
        CHECK(kit.response(request)->body == done);
    }
    // One after the other, as they came.
    CHECK(kit.heard(client) ==
          R"({"id":1,"connect":{"client":"ID","subs":{")" + granted + R"(":{}}}} )" +
              R"({"push":{"refresh":{"expires":true,"ttl":10}}} )" + R"({"push":{"channel":")" +
              granted + R"(","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}} )" +
              R"({"push":{"channel":")" + more + R"(","subscribe":{}}})");
    kit.pass(36s);
    CHECK(kit.heard(client) == "close:3005:connection expired");
}

TEST_CASE("nor does an order wait for a client that never gets there") {
    ApiKit kit{everybody};
    kit.freeze(1);
    const auto client = kit.come_with(0, R"({"sub":"7","channels":[")" + kit.topic_of(1) + "\"]}");
    const int refreshed = kit.send("refresh", R"({"user":"7"})");
    kit.turn(8);
    const int disconnected = kit.send("disconnect", R"({"user":"7"})");
    kit.turn(8);
    CHECK(kit.heard(client) == "close:3503:force disconnect");
    kit.leave(client);
    kit.thaw(1);
    kit.turn(20);
    for (const int request : {refreshed, disconnected}) {
        REQUIRE(kit.response(request));
        CHECK(kit.response(request)->body == done);
    }
}

TEST_CASE("who has as many subscriptions as there may be ends with one more") {
    CentrifugePolicy policy = everybody;
    policy.subscriptions_max = 1;
    ApiKit kit{policy};
    const auto client = kit.come_with(0, seven);
    CHECK(kit.said("subscribe", R"({"user":"7","channel":"a"})") == done);
    (void)kit.heard(client);
    CHECK(kit.said("subscribe", R"({"user":"7","channel":"b"})") == done);
    CHECK(kit.heard(client) == "close:3505:channel limit");
}

TEST_CASE("subscriptions that are on their way count, an order's and the client's own") {
    CentrifugePolicy policy = everybody;
    policy.subscriptions_max = 1;
    ApiKit kit{policy};
    const std::string far = kit.topic_of(1);
    const auto client = kit.come_with(0, seven), other = kit.come_with(0, eight);
    (void)kit.heard(client);
    (void)kit.heard(other);
    kit.freeze(1);
    kit.say(client, R"({"id":2,"subscribe":{"channel":")" + far + "\"}}");
    kit.turn(8);
    (void)kit.send("subscribe", R"({"user":"7","channel":"near"})");
    (void)kit.send("subscribe", R"({"user":"8","channel":")" + far + "\"}");
    kit.turn(8);
    CHECK(kit.heard(client) == "close:3505:channel limit");
    kit.say(other, R"({"id":2,"subscribe":{"channel":"near"}})");
    kit.say(other, R"({"id":3,"subscribe":{"channel":")" + far + "\"}}");
    kit.turn(8);
    CHECK(kit.heard(other) == R"({"id":2,"error":{"code":106,"message":"limit exceeded"}} )"
                              R"({"id":3,"error":{"code":105,"message":"already subscribed"}})");
    kit.thaw(1);
    kit.turn(20);
    CHECK(kit.heard(other) == R"({"push":{"channel":")" + far + R"(","subscribe":{}}})");
}

TEST_CASE("a connection is refreshed, or over") {
    ApiKit kit{everybody};
    const auto client = kit.come_with(1, seven);
    (void)kit.heard(client);
    const std::string soon = std::to_string(CentrifugeKit::wall_now + 10);
    CHECK(kit.said("refresh", R"({"user":"7","expire_at":)" + soon + "}") == done);
    CHECK(kit.heard(client) == R"({"push":{"refresh":{"expires":true,"ttl":10}}})");
    CHECK(kit.said("refresh", R"({"user":"7"})") == done);
    CHECK(kit.heard(client) == R"({"push":{"refresh":{}}})");
    kit.pass(60s);
    CHECK(kit.heard(client) == "");
    CHECK(kit.said("refresh", R"({"user":"7","expire_at":)" + soon + "}") == done);
    (void)kit.heard(client);
    kit.pass(36s);
    CHECK(kit.heard(client) == "close:3005:connection expired");
    const auto other = kit.come_with(0, seven);
    (void)kit.heard(other);
    CHECK(kit.said("refresh", R"({"user":"7","expired":true})") == done);
    CHECK(kit.heard(other) == "close:3005:connection expired");
}

TEST_CASE("an order says who a client is in a topic, for how long, and who sees it") {
    shard::ShardsSetup setup;
    setup.settings.topics.home.presence.is_kept = true;
    ApiKit kit{everybody, std::move(setup)};
    const std::string topic = kit.topic_of(1), to = R"("channel":")" + topic + "\"";
    const std::string publish = R"({"id":2,"publish":{)" + to + R"(,"data":1}})";
    const auto pushed = [&](const std::string& info) {
        return R"({"push":{)" + to + R"(,"pub":{"data":1,"info":{"user":"7","client":"ID")" + info +
               "}}}}";
    };
    const auto client = kit.come_with(0, seven);
    (void)kit.heard(client);
    const std::string in_a_minute = std::to_string(CentrifugeKit::wall_now + 60);
    CHECK(kit.said("subscribe", "{" + to +
                                    R"(,"user":"7","info":{"a":1},"b64info":"","expire_at":)" +
                                    in_a_minute + "}") == done);
    CHECK(kit.heard(client) == R"({"push":{)" + to + R"(,"subscribe":{}}})");
    CHECK(kit.said("presence", "{" + to + "}").contains(R"("chan_info":{"a":1})"));
    kit.say(client, publish);
    kit.settle();
    CHECK(kit.heard(client).contains(pushed(R"(,"chan_info":{"a":1})")));
    // The time that clients have beyond an end is nobody's here, and passes.
    kit.pass(84s);
    CHECK(kit.heard(client) == "");
    kit.pass(2s);
    CHECK(kit.heard(client) ==
          R"({"push":{)" + to +
              R"(,"unsubscribe":{"code":2501,"reason":"subscription expired"}}})");
    kit.settle();
    CHECK(kit.said("presence", "{" + to + "}") == R"({"result":{"presence":{}}})");
    // It is nobody in particular where it comes by itself.
    kit.say(client, R"({"id":3,"subscribe":{)" + to + "}}\n" + publish);
    kit.settle();
    CHECK(kit.heard(client).contains(pushed("")));
    CHECK(kit.said("unsubscribe", "{" + to + R"(,"user":"7"})") == done);
    // Hidden, and told of others; and announced to these.
    CHECK(kit.said("subscribe",
                   "{" + to +
                       R"(,"user":"7","b64info":"AQI=","override":{"presence":)"
                       R"({"value":false},"force_push_join_leave":{"value":true}}})") == done);
    const auto other = kit.come_with(1, eight);
    CHECK(kit.said("subscribe",
                   "{" + to + R"(,"user":"8","override":{"join_leave":{"value":true}}})") == done);
    CHECK(kit.said("presence_stats", "{" + to + "}") ==
          R"({"result":{"num_clients":1,"num_users":1}})");
    CHECK(kit.heard(client).ends_with(R"({"push":{)" + to +
                                      R"(,"join":{"info":{"user":"8","client":"ID"}}}})"));
    kit.say(client, publish);
    kit.settle();
    CHECK(kit.heard(client).contains(pushed(R"(,"chan_info":"AQI=")")));
    (void)kit.heard(other);
}

TEST_CASE("what an order says of a client permits it nothing else") {
    static const hub::TopicNamespaces spaces = [] {
        hub::TopicNamespaces all;
        CHECK(
            all.add("team", {.subscribe = TopicAudience::token, .publish = TopicAudience::token}));
        return all;
    }();
    shard::ShardsSetup setup;
    setup.settings.topics.home.namespaces = &spaces;
    ApiKit kit{everybody, std::move(setup)};
    const auto client = kit.come_with(0, seven);
    CHECK(kit.said("subscribe", R"({"channel":"team:a","user":"7","info":1})") == done);
    (void)kit.heard(client);
    kit.say(client, R"({"id":2,"publish":{"channel":"team:a","data":1}})");
    kit.settle();
    CHECK(kit.heard(client) == R"({"id":2,"error":{"code":103,"message":"permission denied"}})");
}

TEST_CASE("a refresh may say anew who a client is") {
    ApiKit kit{everybody};
    const auto client = kit.come_with(1, R"({"sub":"7","info":{"name":"before"}})");
    (void)kit.heard(client);
    CHECK(kit.said("refresh", R"({"user":"7","info":{"name":"after"}})") == done);
    kit.say(client, R"({"id":2,"subscribe":{"channel":"a"}}
{"id":3,"publish":{"channel":"a","data":1}})");
    kit.settle();
    CHECK(kit.heard(client).contains(
        R"("info":{"user":"7","client":"ID","conn_info":{"name":"after"}})"));
    CHECK(kit.said("refresh", R"({"user":"7"})") == done);
    kit.say(client, R"({"id":4,"publish":{"channel":"a","data":2}})");
    kit.settle();
    CHECK(kit.heard(client).contains(R"("conn_info":{"name":"after"})"));
}

TEST_CASE("orders that make no sense are refused, and nothing happens") {
    ApiKit kit{everybody};
    const auto client = kit.come_with(0, seven);
    (void)kit.heard(client);
    for (const char* const method : {"disconnect", "unsubscribe", "subscribe", "refresh"})
        CHECK(kit.said(method, R"({"channel":"a"})") == api_bad_request);
    CHECK(kit.said("disconnect", R"({"user":"7","disconnect":{"code":1000}})") == api_bad_request);
    CHECK(kit.said("disconnect", R"({"user":"7","disconnect":{"code":5000}})") == api_bad_request);
    CHECK(kit.said("disconnect", R"({"user":"7","disconnect":{"code":4000,"reason":")" +
                                     std::string(124, 'x') + "\"}}") == api_bad_request);
    CHECK(kit.said("subscribe", R"({"user":"7"})") == api_bad_request);
    CHECK(kit.said("subscribe", R"({"user":"7","channel":"ns:a"})") ==
          api_error(102, "unknown channel"));
    CHECK(kit.said("unsubscribe", R"({"user":"7","channel":"ns:a"})") ==
          api_error(102, "unknown channel"));
    CHECK(kit.said("subscribe", R"({"user":"7","channel":"a","b64data":"?"})") == api_bad_request);
    CHECK(kit.said("subscribe", R"({"user":"7","channel":"a","b64info":"?"})") == api_bad_request);
    CHECK(kit.said("subscribe", R"({"user":"7","channel":"a","expire_at":1})") ==
          api_error(110, "expired"));
    const std::string long_info = R"("info":")" + std::string(4 << 10, 'x') + "\"}";
    CHECK(kit.said("subscribe", R"({"user":"7","channel":"a",)" + long_info) == api_bad_request);
    CHECK(kit.said("refresh", R"({"user":"7",)" + long_info) == api_bad_request);
    CHECK(kit.heard(client) == "");
}

TEST_CASE("what a topic keeps is read, forward and backward, and removed") {
    ApiKit kit{everybody, keeping()};
    for (const std::uint32_t home : {0u, 1u}) {
        const std::string to = R"({"channel":")" + kit.topic_of(home) + "\"";
        for (const char* const data : {"1", "2", "3"})
            CHECK(kit.said("publish", to + R"(,"data":)" + data + "}").contains("result"));
        const std::string where = kit.said("history", to + "}");
        const std::string epoch = epoch_in(where);
        const auto answer = [&](const std::string& publications) {
            return R"({"result":{"publications":[)" + publications + R"(],"epoch":")" + epoch +
                   R"(","offset":3}})";
        };
        const std::string one = R"({"data":1,"offset":1})", two = R"({"data":2,"offset":2})",
                          three = R"({"data":3,"offset":3})";
        CHECK(where == answer(""));
        CHECK(kit.said("history", to + R"(,"limit":-1})") == answer(one + "," + two + "," + three));
        CHECK(kit.said("history", to + R"(,"limit":2,"reverse":true})") ==
              answer(three + "," + two));
        CHECK(kit.said("history", to + R"(,"limit":1,"since":{"offset":1,"epoch":")" + epoch +
                                      "\"}}") == answer(two));
        CHECK(kit.said("history", to + R"(,"limit":1,"since":{"offset":1,"epoch":"x"}})") ==
              api_error(112, "unrecoverable position"));
        CHECK(kit.said("batch", R"({"commands":[{"history_remove":)" + to + R"(}},{"history":)" +
                                    to + R"(,"limit":-1}}]})") ==
              R"({"replies":[{"history_remove":{}},{"history":{"publications":[],"epoch":")" +
                  epoch + R"(","offset":3}}]})");
    }
    for (const char* const method : {"history", "history_remove"}) {
        CHECK(kit.said(method, "{}") == api_bad_request);
        CHECK(kit.said(method, R"({"channel":"a:b"})") == api_error(102, "unknown channel"));
    }
    ApiKit forgetful{everybody};
    CHECK(forgetful.said("history", R"({"channel":"a"})") == api_not_available);
    CHECK(forgetful.said("history_remove", R"({"channel":"a"})") == done);
}
