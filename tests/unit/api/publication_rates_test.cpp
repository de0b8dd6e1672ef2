// How often a client may publish to a topic whose namespace says so, over shards that are turned by
// hand; and whom subscribers are told that it was.

#include <chrono>
#include <doctest/doctest.h>
#include <string>
#include <string_view>

#include "api/topic_endpoint.hpp"
#include "api/topic_streams.hpp"
#include "unit/api/centrifuge_kit.hpp"

using namespace ringcast;
using namespace std::chrono_literals;

namespace {

/// Two at once, and one a second, to topics of `slow`; what everybody wants to those of `open`.
shard::ShardsSetup limited(std::uint64_t mesh_bytes) {
    static const hub::TopicNamespaces spaces = [] {
        using enum TopicAudience;
        hub::TopicNamespaces all;
        CHECK(all.add("slow", {.subscribe = anyone, .publish = anyone, .rate = {1, 2}}));
        CHECK(all.add("open", {.subscribe = anyone, .publish = anyone}));
        return all;
    }();
    shard::ShardsSetup setup{.mesh_bytes = mesh_bytes};
    setup.settings.topics.home.namespaces = &spaces;
    setup.client_limits = {.has_publication_rates = true};
    setup.mount = [](shard::Router& router) {
        const auto pattern = shard::PathPattern::parse("/raw/{topic...}").value();
        auto topics = std::make_unique<api::TopicEndpoint>(shard::SessionLimits{}, TopicsPolicy{});
        auto streams = std::make_unique<api::TopicStreams>(*topics);
        router.mount(pattern, std::move(topics));
        router.mount(pattern, std::move(streams));
    };
    return setup;
}

class RatesKit : public CentrifugeKit {
public:
    explicit RatesKit(std::uint64_t mesh_bytes = shard::Mesh::bytes_default)
        : CentrifugeKit{{.ping_interval = 0s}, limited(mesh_bytes)} {
        for (std::uint32_t i = 0; i < shards(); ++i) {
            shard::TokenMaterial material = token_material();
            material.places.query = "token";
            shard(i).set_tokens(std::move(material));
        }
    }

    /// Publishes, and says what the answer is: the error's code, or 0.
    int published(shard::ShardClient client, const std::string& topic) {
        say(client, R"({"id":9,"publish":{"channel":")" + topic + R"(","data":1}})");
        settle();
        const std::string answer = heard(client);
        if (answer.contains(R"({"id":9,"publish":{}})")) return 0;
        CHECK(answer == R"({"id":9,"error":{"code":111,"message":"too many requests",)"
                        R"("temporary":true}})");
        return 111;
    }
    /// A topic of `slow` whose home is the second shard.
    std::string slow_elsewhere() {
        for (int i = 0;; ++i) {
            std::string name = "slow:" + std::to_string(i);
            if (shard(0).home_of(name) == 1) return name;
        }
    }
    /// The second shard hangs, and from the first one nothing more can be published there.
    void fill_way_to(const std::string& topic) {
        freeze(1);
        for (const std::size_t size : {1000U, 0U}) {
            const std::string payload(size, 'x');
            while (shard(0).publish(topic, PublicationKind::text, as_bytes(payload)) ==
                   PublishStatus::accepted) {
            }
        }
    }
    /// A client that posts, over a connection of its own.
    shard::ShardClient post(std::uint32_t index, const std::string& topic,
                            const std::string& claims = {}) {
        const shard::ShardClient client = accept(index);
        const std::string token =
            claims.empty() ? "" : "Authorization: Bearer " + signer().sign(claims) + "\r\n";
        send(client, "POST /raw/" + topic + " HTTP/1.1\r\nHost: a\r\n" + token +
                         "Content-Length: 1\r\n\r\nx");
        settle();
        return client;
    }
    test::ServerResponse posted(std::uint32_t index, const std::string& topic,
                                const std::string& claims = {}) {
        const shard::ShardClient client = post(index, topic, claims);
        REQUIRE(response(client) > 0);
        const test::ServerResponse answer = last_response;
        leave(client);
        return answer;
    }
};

const std::string seven = R"({"sub":"7"})", eight = R"({"sub":"8"})";

}  // namespace

TEST_CASE("a Centrifuge client is refused what is too much for a topic, and nothing else") {
    RatesKit kit;
    const auto client = kit.come_with(0, seven), other = kit.come_with(1, eight);
    (void)kit.heard(client);
    (void)kit.heard(other);
    const auto reader = kit.open(1, "/raw/slow:a");
    CHECK(kit.published(client, "slow:a") == 0);
    CHECK(kit.published(client, "slow:a") == 0);
    CHECK(kit.published(client, "slow:a") == 111);
    CHECK(kit.received(reader) == "1 1");
    CHECK(kit.metrics(0).publications_refused == 1);
    CHECK(kit.published(client, "slow:b") == 0);
    for (int i = 0; i < 5; ++i) CHECK(kit.published(client, "open:a") == 0);
    CHECK(kit.published(other, "slow:a") == 0);
    // The same user, wherever it comes from.
    const auto again = kit.come_with(1, seven);
    (void)kit.heard(again);
    CHECK(kit.published(again, "slow:a") == 111);
    kit.pass(1s);
    CHECK(kit.published(again, "slow:a") == 0);
    CHECK(kit.published(client, "slow:a") == 111);
}

TEST_CASE("of those whom nobody knows each session counts by itself") {
    RatesKit kit;
    const std::string nobody = R"({"sub":""})";
    const auto first = kit.come_with(0, nobody), second = kit.come_with(0, nobody);
    (void)kit.heard(first);
    (void)kit.heard(second);
    CHECK(kit.published(first, "slow:a") == 0);
    CHECK(kit.published(first, "slow:a") == 0);
    CHECK(kit.published(first, "slow:a") == 111);
    CHECK(kit.published(second, "slow:a") == 0);
}

TEST_CASE("what a raw client sends too often waits, and nothing is lost") {
    RatesKit kit;
    const auto writer = kit.open(0, "/raw/slow:a"), other = kit.open(0, "/raw/slow:a");
    const auto reader = kit.open(1, "/raw/slow:a"), free = kit.open(0, "/raw/open:a");
    for (const char* const text : {"1", "2", "3", "4"}) {
        kit.publish(writer, text);
        kit.publish(free, text);
    }
    kit.settle();
    CHECK(kit.received(free) == "1 2 3 4");
    CHECK(kit.received(reader) == "1 2");
    CHECK(kit.metrics(0).rate_suspensions == 1);
    kit.publish(other, "of another");
    kit.settle();
    CHECK(kit.received(reader) == "of another");
    kit.pass(1s);
    kit.settle();
    CHECK(kit.received(reader) == "3");
    kit.pass(1s);
    kit.settle();
    CHECK(kit.received(reader) == "4");
    CHECK(kit.metrics(0).publications_refused == 0);
}

TEST_CASE("the sessions of one user wait for each other") {
    RatesKit kit;
    const std::string target = "/raw/slow:a?token=" + kit.signer().sign(seven);
    const auto first = kit.open(0, target), second = kit.open(1, target);
    const auto reader = kit.open(1, "/raw/slow:a");
    kit.send(first, test::text_frame("1") + test::text_frame("2"));
    kit.settle();
    // One that the other session had sent before it knew; and then it knows.
    kit.send(second, test::text_frame("3") + test::text_frame("4"));
    kit.settle();
    CHECK(kit.received(reader) == "1 2 3");
    kit.pass(1s);
    kit.settle();
    CHECK(kit.received(reader) == "");
    kit.pass(1s);
    kit.settle();
    CHECK(kit.received(reader) == "4");
}

TEST_CASE("subscribers are told whose token came with what is posted, or sent as it is") {
    RatesKit kit;
    const auto reader = kit.come_with(1, eight);
    kit.say(reader, R"({"id":2,"subscribe":{"channel":"open:a"}})");
    kit.settle();
    (void)kit.heard(reader);
    const std::string claims = R"({"sub":"7","info":{"a":1}})";
    const auto pushed = [](const std::string& info) {
        return R"({"push":{"channel":"open:a","pub":{"data":"x")" + info + "}}}";
    };
    CHECK(kit.posted(0, "open:a", claims).status == 202);
    const std::string told = pushed(R"(,"info":{"user":"7","conn_info":{"a":1}})");
    CHECK(kit.heard(reader) == told);
    CHECK(kit.posted(0, "open:a").status == 202);
    CHECK(kit.posted(0, "open:a", R"({"sub":"","info":{"a":1}})").status == 202);
    CHECK(kit.heard(reader) == pushed("") + " " + pushed(""));
    const auto writer = kit.open(0, "/raw/open:a?token=" + kit.signer().sign(claims));
    kit.publish(writer, "x");
    kit.settle();
    CHECK(kit.heard(reader) == told);
}

TEST_CASE("what is posted too often is refused, by user or by address") {
    RatesKit kit;
    const auto reader = kit.open(1, "/raw/slow:a");
    CHECK(kit.posted(0, "slow:a").status == 202);
    CHECK(kit.posted(1, "slow:a").status == 202);
    const auto refused = kit.posted(0, "slow:a");
    CHECK(refused.status == 429);
    CHECK(refused.field("retry-after") == "1");
    CHECK(refused.body == "too many publications\n");
    CHECK(kit.posted(0, "open:a").status == 202);
    CHECK(kit.posted(0, "slow:a", seven).status == 202);
    CHECK(kit.posted(1, "slow:a", seven).status == 202);
    CHECK(kit.posted(0, "slow:a", seven).status == 429);
    CHECK(kit.posted(0, "slow:a", eight).status == 202);
    CHECK(kit.received(reader) == "x x x x x");
    kit.pass(1s);
    CHECK(kit.posted(0, "slow:a").status == 202);
    // The server's own.
    for (int i = 0; i < 5; ++i) {
        CHECK(kit.shard(0).publish("slow:a", PublicationKind::text, {}) == PublishStatus::accepted);
    }
}

TEST_CASE("a publication for which there is no room is none of those that a client may have") {
    RatesKit kit{64 << 10};
    const auto client = kit.come_with(0, seven);
    (void)kit.heard(client);
    const std::string topic = kit.slow_elsewhere();
    kit.fill_way_to(topic);
    CHECK(kit.published(client, topic) == 111);
    CHECK(kit.metrics(0).publications_refused == 0);
    kit.thaw(1);
    for (int i = 0; i < 20; ++i) kit.settle();
    CHECK(kit.published(client, topic) == 0);
    CHECK(kit.published(client, topic) == 0);
    CHECK(kit.published(client, topic) == 111);
}

TEST_CASE("nor is one that is posted, and gets no room before its client goes") {
    RatesKit kit{64 << 10};
    const std::string topic = kit.slow_elsewhere();
    kit.fill_way_to(topic);
    for (int i = 0; i < 2; ++i) {
        const auto leaving = kit.post(0, topic, seven);
        CHECK(kit.response(leaving) == 0);
        kit.leave(leaving);
    }
    // Of those that wait together as many go as may.
    const auto first = kit.post(0, topic, seven), second = kit.post(0, topic, seven),
               third = kit.post(0, topic, seven);
    kit.thaw(1);
    for (int i = 0; i < 20; ++i) kit.settle();
    CHECK(kit.response(first) == 202);
    CHECK(kit.response(second) == 202);
    CHECK(kit.response(third) == 429);
    kit.pass(1s);
    CHECK(kit.posted(0, topic, seven).status == 202);
}
