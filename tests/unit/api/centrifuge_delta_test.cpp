// Deltas between publications, as clients of the Centrifuge protocol ask for them and get them.

#include <doctest/doctest.h>
#include <string>

#include "unit/api/centrifuge_kit.hpp"

using namespace ringcast;

namespace {

const CentrifugePolicy anybody{.anonymous = TopicAccess::publish};

shard::ShardsSetup with_deltas(std::uint32_t history_size = 0) {
    shard::ShardsSetup setup;
    setup.settings.topics.home.delta = TopicDelta::fossil;
    setup.settings.topics.home.stream.count_max = history_size;
    return setup;
}

/// A client that is connected.
struct DeltaSubscriber {
    DeltaSubscriber(CentrifugeKit& used, std::uint32_t index) : kit{used}, client{kit.come(index)} {
        (void)ask(R"({"id":1,"connect":{}})");
    }
    std::string ask(const std::string& command) {
        kit.say(client, command);
        kit.settle();
        return kit.heard(client);
    }
    std::string subscribe(const std::string& topic, const std::string& fields) {
        return ask(R"({"id":2,"subscribe":{"channel":")" + topic + "\"" + fields + "}}");
    }

    CentrifugeKit& kit;
    const shard::ShardClient client;
};

void publish_json(CentrifugeKit& kit, const std::string& topic, std::string_view payload) {
    REQUIRE(kit.shard(0).publish(topic, PublicationKind::json, std::as_bytes(std::span{payload})) ==
            PublishStatus::accepted);
    kit.settle();
}

std::string publication(const std::string& topic, const std::string& content) {
    return R"({"push":{"channel":")" + topic + R"(","pub":{)" + content + "}}}";
}

const std::string as_fossil = R"(,"delta":"fossil")";

}  // namespace

TEST_CASE("deltas are granted to who asks for a kind that there is, where the settings say so") {
    CentrifugeKit kit{anybody, with_deltas()};
    const std::string topic = kit.topic_of(1);
    DeltaSubscriber taker{kit, 0}, other{kit, 0}, stranger{kit, 0};
    CHECK(taker.subscribe(topic, as_fossil) == R"({"id":2,"subscribe":{"delta":true}})");
    CHECK(other.subscribe(topic, "") == R"({"id":2,"subscribe":{}})");
    CHECK(stranger.subscribe(topic, R"(,"delta":"xdelta")") == R"({"id":2,"subscribe":{}})");
    publish_json(kit, topic, R"({"price":100,"sym":"ACME, Inc.","ts":1})");
    CHECK(kit.heard(taker.client) ==
          publication(topic, R"("data":"{\"price\":100,\"sym\":\"ACME, Inc.\",\"ts\":1}")"));
    const std::string plain =
        publication(topic, R"("data":{"price":100,"sym":"ACME, Inc.","ts":1})");
    CHECK(kit.heard(other.client) == plain);
    CHECK(kit.heard(stranger.client) == plain);
    publish_json(kit, topic, R"({"price":101,"sym":"ACME, Inc.","ts":1})");
    CHECK(kit.heard(taker.client).ends_with(R"(;","delta":true}}})"));
    CHECK(kit.metrics(0).deltas_sent == 1);
    // After another subscribe nothing is known of what the client has.
    (void)taker.ask(R"({"id":3,"unsubscribe":{"channel":")" + topic + "\"}}");
    CHECK(taker.subscribe(topic, as_fossil) == R"({"id":2,"subscribe":{"delta":true}})");
    publish_json(kit, topic, R"({"price":102,"sym":"ACME, Inc.","ts":1})");
    CHECK(kit.heard(taker.client) ==
          publication(topic, R"("data":"{\"price\":102,\"sym\":\"ACME, Inc.\",\"ts\":1}")"));
}

TEST_CASE("where the settings do not say so, or another namespace, there are no deltas") {
    CentrifugeKit kit{anybody};
    DeltaSubscriber client{kit, 0};
    CHECK(client.subscribe("a", as_fossil) == R"({"id":2,"subscribe":{}})");
    hub::TopicNamespaces namespaces;
    (void)namespaces.add("on", {.delta = TopicDelta::fossil, .subscribe = TopicAudience::anyone});
    (void)namespaces.add("off", {.subscribe = TopicAudience::anyone});
    shard::ShardsSetup setup = with_deltas();
    setup.settings.topics.home.namespaces = &namespaces;
    CentrifugeKit spaces{anybody, setup};
    DeltaSubscriber other{spaces, 0};
    CHECK(other.subscribe("on:a", as_fossil) == R"({"id":2,"subscribe":{"delta":true}})");
    CHECK(other.subscribe("off:a", as_fossil) == R"({"id":2,"subscribe":{}})");
    CHECK(other.subscribe("a", as_fossil) == R"({"id":2,"subscribe":{"delta":true}})");
}

TEST_CASE(
    "what is recovered is whole, in the form in which deltas may follow; a history is plain") {
    CentrifugeKit kit{anybody, with_deltas(10)};
    const std::string topic = kit.topic_of(0);
    publish_json(kit, topic, "[1]");
    REQUIRE(kit.shard(0).publish(topic, PublicationKind::text, std::as_bytes(std::span{"a", 1})) ==
            PublishStatus::accepted);
    DeltaSubscriber client{kit, 1};
    const std::string reply =
        client.subscribe(topic, as_fossil + R"(,"recover":true,"recoverable":true)");
    CHECK(reply.contains(
        R"("publications":[{"data":"[1]","offset":1},{"data":"\"a\"","offset":2}],)"));
    CHECK(reply.ends_with(R"("was_recovering":true,"delta":true}})"));
    CHECK(client.ask(R"({"id":3,"history":{"channel":")" + topic + R"(","limit":2}})")
              .contains(R"("publications":[{"data":[1],"offset":1},{"data":"a","offset":2}])"));
    publish_json(kit, topic, "[2]");
    CHECK(kit.heard(client.client) == publication(topic, R"("data":"[2]","offset":3)"));
}
