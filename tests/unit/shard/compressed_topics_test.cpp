// Publications for subscribers that have agreed on permessage-deflate: compressed once for each
// window, whatever else was agreed on.

#include <doctest/doctest.h>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "support/deflate_client.hpp"
#include "unit/shard/shards_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;

namespace {

ShardsSetup setup_with(Compression mode, std::uint32_t shards = 1) {
    ShardsSetup setup;
    setup.shards = shards;
    setup.settings.compression.mode = mode;
    return setup;
}

struct Subscriber {
    ShardClient client;
    std::unique_ptr<test::DeflateClient> deflate;
};

Subscriber subscribe(ShardsKit& kit, std::uint32_t shard, const std::string& topic,
                     std::string_view offer) {
    const ShardClient client = kit.accept(shard);
    kit.send(client, encode(test::UpgradeRequest{.target = "/topics/" + topic,
                                                 .fields = test::offer_line(offer)}));
    kit.settle();
    REQUIRE(kit.response(client) == 101);
    return {client, std::make_unique<test::DeflateClient>(kit.last_response)};
}

std::vector<std::string> messages(ShardsKit& kit, Subscriber& subscriber) {
    std::vector<std::string> messages;
    for (const auto& frame : kit.frames(subscriber.client))
        messages.push_back(subscriber.deflate->message(frame).value_or("no message"));
    return messages;
}

}  // namespace

TEST_CASE("a publication is compressed once for each window of its subscribers on a shard") {
    for (const auto mode : {Compression::shared, Compression::dedicated}) {
        ShardsKit kit{setup_with(mode, 2)};
        const ShardClient plain = kit.subscriber(0, "news"), publisher = kit.publisher(0, "news");
        std::vector<Subscriber> subscribers;
        for (const std::string_view offer :
             {"permessage-deflate", "permessage-deflate; client_max_window_bits",
              "permessage-deflate; server_no_context_takeover",
              "permessage-deflate; server_max_window_bits=15",
              "permessage-deflate; server_max_window_bits=12",
              "permessage-deflate; server_max_window_bits=12; client_no_context_takeover",
              "permessage-deflate; server_max_window_bits=9",
              "permessage-deflate; server_max_window_bits=8"}) {
            for (std::uint32_t shard = 0; shard < 2; ++shard)
                subscribers.push_back(subscribe(kit, shard, "news", offer));
        }
        const auto publish = [&](const std::string& payload) {
            kit.publish(publisher, payload);
            kit.settle();
            CHECK((kit.received(plain) == payload));
            for (Subscriber& subscriber : subscribers)
                CHECK((messages(kit, subscriber) == std::vector{payload}));
            kit.frames(publisher);
        };
        const auto deflated = [&](std::uint32_t shard) {
            return kit.metrics(shard).deflated_messages;
        };
        publish(test::json_like(20'000));  // 15, 12 and 9 bits.
        CHECK(deflated(0) == 3);
        CHECK(deflated(1) == 3);
        publish(test::json_like(3000, 2));  // All of it fits 12 bits.
        CHECK(deflated(0) == 5);
        publish(test::json_like(511));  // Below the threshold.
        CHECK(deflated(0) == 5);
        const std::uint64_t compressed = kit.metrics(0).messages_compressed;
        CHECK(compressed == 2 * 8);
        publish(test::noise(4000).append(1, 'x').replace(0, 4000, std::string(4000, 'n')));
        CHECK(deflated(0) == 7);
    }
}

TEST_CASE("what does not get smaller is tried once for each window and goes as it is") {
    ShardsKit kit{setup_with(Compression::dedicated)};
    const ShardClient publisher = kit.publisher(0, "news");
    std::vector<Subscriber> subscribers;
    for (int i = 0; i < 5; ++i)
        subscribers.push_back(subscribe(kit, 0, "news", "permessage-deflate"));
    const std::string noise = test::noise(3000);
    kit.send(publisher, test::binary_frame(noise));
    kit.settle();
    for (Subscriber& subscriber : subscribers) {
        const auto frames = kit.frames(subscriber.client);
        REQUIRE(frames.size() == 1);
        CHECK_FALSE(frames[0].is_compressed);
        CHECK((frames[0].payload == noise));
    }
    CHECK(kit.metrics(0).deflated_messages == 1);
    CHECK(kit.metrics(0).messages_compressed == 0);
}

TEST_CASE("publications and messages to one session alone do not spoil each other's context") {
    ShardsKit kit{setup_with(Compression::dedicated)};
    const ShardClient publisher = kit.publisher(0, "news");
    const ShardClient client = kit.accept(0);
    kit.send(client, encode(test::UpgradeRequest{.target = "/echo", .fields = test::offer_line()}));
    kit.settle();
    REQUIRE(kit.response(client) == 101);
    Subscriber subscriber{client, std::make_unique<test::DeflateClient>(kit.last_response)};
    kit.scripted(0).received = [](Session& session, Message message) {
        if (message.payload == "subscribe") {
            CHECK(session.subscribe("news") == SubscribeStatus::accepted);
        } else {
            session.send(message);
        }
    };
    kit.send(client, test::text_frame("subscribe"));
    kit.settle();
    // All alike, so that every context would be used.
    std::vector<std::string> expected;
    for (unsigned i = 0; i < 30; ++i) {
        const std::string message = test::json_like(2000 + i * 100, i % 2);
        if (i % 4 == 3) {
            kit.publish(publisher, message);
        } else {
            kit.send(client, subscriber.deflate->frame(message));
        }
        kit.settle();
        expected.push_back(message);
    }
    CHECK((messages(kit, subscriber) == expected));
    CHECK(kit.metrics(0).messages_compressed == expected.size());
}

TEST_CASE("compressing many publications is spread over turns") {
    ShardsKit kit{setup_with(Compression::shared)};
    const ShardClient publisher = kit.publisher(0, "news");
    std::vector<Subscriber> subscribers;
    for (int bits = 9; bits <= 15; ++bits) {
        subscribers.push_back(subscribe(
            kit, 0, "news", "permessage-deflate; server_max_window_bits=" + std::to_string(bits)));
    }
    std::string wire;
    std::vector<std::string> sent;
    for (unsigned i = 0; i < 10; ++i) {
        sent.push_back(test::json_like(20'000, i));
        wire += test::text_frame(sent.back());
    }
    kit.send(publisher, wire);
    std::uint64_t before = 0, most = 0;
    for (int turn = 0; turn < 40; ++turn) {
        kit.turn();
        const std::uint64_t after = kit.metrics(0).deflated_bytes_in;
        most = std::max(most, after - before);
        before = after;
    }
    // At four units of work an octet; and what was begun is finished.
    CHECK(most <= PermessageDeflate::work_per_turn / 4 + 16 * 20'000);
    CHECK(before == 10 * 7 * 20'000);
    for (Subscriber& subscriber : subscribers) CHECK((messages(kit, subscriber) == sent));
}
