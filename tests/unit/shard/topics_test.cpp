// Publish and subscribe over several shards: who gets what, in which order, and from when on.

#include "shard/topics.hpp"

#include <cstdint>
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "unit/shard/shards_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;
using namespace std::chrono_literals;

TEST_CASE("whatever shard publishes, subscribes and is the home, every publication arrives once") {
    for (const std::uint32_t shards : {1u, 2u, 4u}) {
        CAPTURE(shards);
        for (std::uint32_t home = 0; home < shards; ++home) {
            ShardsKit kit{{.shards = shards}};
            const std::string topic = kit.topic_of(home);
            std::vector<ShardClient> subscribers;
            for (std::uint32_t i = 0; i < shards; ++i) {
                subscribers.push_back(kit.subscriber(i, topic));
                subscribers.push_back(kit.subscriber(i, topic));
            }
            for (std::uint32_t i = 0; i < shards; ++i) {
                const ShardClient publisher = kit.publisher(i, topic);
                kit.publish(publisher, "one");
                kit.send(publisher, test::text_frame("two") + test::binary_frame("three"));
                kit.settle();
                CHECK(kit.received(publisher) == "one two three");  // Its own, in the same order.
                for (const ShardClient subscriber : subscribers) {
                    const auto frames = kit.frames(subscriber);
                    REQUIRE(frames.size() == 3);
                    CHECK(frames[0] == test::ServerFrame{test::opcode_text, true, "one"});
                    CHECK(frames[1] == test::ServerFrame{test::opcode_text, true, "two"});
                    CHECK(frames[2] == test::ServerFrame{test::opcode_binary, true, "three"});
                }
                kit.socket(publisher).output.clear();
                kit.ring(publisher.shard).finish_recv(publisher.fd, 0);
                kit.settle();
            }
        }
    }
}

TEST_CASE("a topic has one order for all, and each publisher's own order is kept in it") {
    ShardsKit kit{{.shards = 4}};
    const std::string topic = kit.topic_of(2);
    std::vector<ShardClient> clients;
    for (std::uint32_t i = 0; i < 4; ++i) clients.push_back(kit.publisher(i, topic));
    for (int round = 0; round < 50; ++round) {
        for (std::uint32_t i = 0; i < 4; ++i)
            kit.publish(clients[i], std::to_string(i) + "." + std::to_string(round));
        if (round % 3 == 0) kit.turn();
        if (round % 7 == 0) kit.turn_one(static_cast<std::uint32_t>(round) % 4);
    }
    kit.settle();
    const std::string order = kit.received(clients[0]);
    for (std::uint32_t i = 1; i < 4; ++i) CHECK(kit.received(clients[i]) == order);
    for (std::uint32_t i = 0; i < 4; ++i) {
        std::size_t at = 0;
        for (int round = 0; round < 50; ++round) {
            const std::string wanted = std::to_string(i) + "." + std::to_string(round);
            at = (" " + order + " ").find(" " + wanted + " ", at);
            REQUIRE_MESSAGE(at != std::string::npos, wanted);
        }
    }
}

TEST_CASE("what a shard publishes to itself costs no turn but the one that sends it") {
    ShardsKit kit{{.shards = 1}};
    const std::string topic = kit.topic_of(0);
    const ShardClient client = kit.publisher(0, topic);
    kit.publish(client, "one");
    kit.turn();
    CHECK(kit.waits(0));
    kit.turn();
    CHECK(kit.waits(0));
    CHECK(kit.received(client) == "one");
}

TEST_CASE("topics do not mix, whatever their homes") {
    ShardsKit kit{{.shards = 2}};
    std::vector<std::string> names;
    std::vector<ShardClient> subscribers, publishers;
    for (int i = 0; i < 4; ++i) {
        names.push_back(kit.topic_of(static_cast<std::uint32_t>(i) % 2, i / 2));
        subscribers.push_back(kit.subscriber(static_cast<std::uint32_t>(i / 2), names.back()));
        publishers.push_back(kit.publisher(0, names.back()));
    }
    for (int i = 0; i < 4; ++i)
        kit.publish(publishers[static_cast<std::size_t>(i)], names[static_cast<std::size_t>(i)]);
    kit.settle();
    for (std::size_t i = 0; i < 4; ++i) CHECK(kit.received(subscribers[i]) == names[i]);
}

TEST_CASE("the 101 waits until the topic's home has confirmed, and is no later than that") {
    ShardsKit kit{{.shards = 2}};
    const std::string topic = kit.topic_of(1);
    kit.freeze(1);
    const ShardClient early =
        kit.connect(0, "/topics/" + topic + "?publish", test::text_frame("sent before the 101"));
    kit.turn(10);
    CHECK(kit.response(early) == 0);
    CHECK(kit.topics(0).opened_count == 0);
    kit.thaw(1);
    kit.turn(3);
    CHECK(kit.response(early) == 101);
    kit.settle();
    CHECK(kit.received(early) == "sent before the 101");
    // The shard knows already: nobody has to be asked.
    kit.freeze(1);
    const ShardClient late = kit.connect(0, "/topics/" + topic);
    kit.turn(2);
    CHECK(kit.response(late) == 101);
}

TEST_CASE("what was published before a subscription is not for it, what comes after is") {
    ShardsKit kit{{.shards = 2}};
    const std::string topic = kit.topic_of(1);
    const ShardClient publisher = kit.publisher(1, topic);
    kit.publish(publisher, "before");
    kit.settle();
    const ShardClient subscriber = kit.connect(0, "/topics/" + topic);
    // From here on one publication in each turn, while the subscription is under way.
    std::string published;
    for (int i = 0; i < 12; ++i) {
        published += " " + std::to_string(i);
        kit.publish(publisher, std::to_string(i));
        kit.turn();
    }
    kit.settle();
    REQUIRE(kit.response(subscriber) == 101);
    // A tail of what was published: no gap, nothing twice.
    const std::string received = " " + kit.received(subscriber);
    CHECK(received.size() > 4);
    CHECK(published.ends_with(received));
}

TEST_CASE("publications that nobody has subscribed to are counted and forgotten") {
    ShardsKit kit{{.shards = 2}};
    kit.scripted(0).received = [&](Session& session, Message message) {
        CHECK(session.publish(kit.topic_of(1), PublicationKind::text, message.bytes()) ==
              PublishStatus::accepted);
    };
    const ShardClient client = kit.open(0, "/echo");
    kit.publish(client, "x");
    kit.publish(client, std::string(60'000, 'y'));
    kit.settle();
    CHECK(kit.metrics(0).publications == 2);
    CHECK(kit.metrics(1).publications_unheard == 2);
    CHECK(kit.metrics(1).fan_outs == 0);
}

TEST_CASE("a shard that has no subscriber left gets no publications") {
    ShardsKit kit{{.shards = 2}};
    const std::string topic = kit.topic_of(1);
    const ShardClient publisher = kit.publisher(1, topic);
    const ShardClient subscriber = kit.subscriber(0, topic);
    kit.publish(publisher, "x");
    kit.settle();
    CHECK(kit.metrics(0).fan_outs == 1);
    kit.send(subscriber, test::close_frame(1000));
    kit.settle();
    CHECK(kit.received(subscriber) == "x close:1000:");
    kit.publish(publisher, "y");
    kit.settle();
    CHECK(kit.metrics(0).fan_outs == 1);
    CHECK(kit.received(publisher) == "x y");
    kit.pass(1s);  // The gauges are as of a tick.
    CHECK(kit.metrics(0).topics == 0);
    CHECK(kit.metrics(0).subscriptions == 0);
    CHECK(kit.metrics(1).topics == 1);
    CHECK(kit.metrics(1).home_topics == 1);
}

TEST_CASE("a session of a handler subscribes, publishes and unsubscribes as it likes") {
    ShardsKit kit{{.shards = 2}};
    const std::string here = kit.topic_of(0), there = kit.topic_of(1);
    std::string said;
    kit.scripted(0).received = [&](Session& session, Message message) {
        const std::string topic = message.payload.substr(1) == "here" ? here : there;
        switch (message.payload[0]) {
            case '+': said += std::to_string(static_cast<int>(session.subscribe(topic))); break;
            case '-': said += session.unsubscribe(topic) ? "y" : "n"; break;
            default:
                CHECK(session.publish(topic, PublicationKind::text, message.bytes()) ==
                      PublishStatus::accepted);
        }
    };
    const ShardClient client = kit.open(0, "/echo");
    const ShardClient witness = kit.subscriber(1, there);
    const auto say = [&](const char* what) {
        kit.publish(client, what);
        kit.settle();
    };
    say("!there");
    CHECK(kit.received(client) == "");
    say("+there");
    say("!there");
    CHECK(kit.received(client) == "!there");
    say("+there");
    say("+here");
    say("!here");
    say("!there");
    CHECK(kit.received(client) == "!here !there");
    say("-there");
    say("-there");
    say("!there");
    say("!here");
    CHECK(kit.received(client) == "!here");
    say("-here");
    say("!here");
    CHECK(kit.received(client) == "");
    using enum SubscribeStatus;
    const auto code = [](SubscribeStatus status) {
        return std::to_string(static_cast<int>(status));
    };
    CHECK(said == code(accepted) + code(already) + code(accepted) + "yny");
    CHECK(kit.received(witness) == "!there !there !there !there");
}

TEST_CASE("a session hears what it publishes after it has subscribed, even in the same call") {
    for (const std::uint32_t home : {0u, 1u}) {
        CAPTURE(home);
        ShardsKit kit{{.shards = 2}};
        const std::string topic = kit.topic_of(home);
        const auto say = [&](Session& session, std::string_view text) {
            CHECK(session.publish(topic, PublicationKind::text, bytes_of(text)) ==
                  PublishStatus::accepted);
        };
        kit.scripted(0).received = [&](Session& session, Message) {
            say(session, "before");
            CHECK(session.subscribe(topic) == SubscribeStatus::accepted);
            say(session, "here I am");
            CHECK(session.unsubscribe(topic));
            say(session, "between");
            CHECK(session.subscribe(topic) == SubscribeStatus::accepted);
            say(session, "here I am again");
        };
        const ShardClient client = kit.open(0, "/echo");
        const ShardClient witness = kit.subscriber(1, topic);
        kit.publish(client, "go");
        kit.settle();
        CHECK(kit.received(client) == "here I am again");
        CHECK(kit.received(witness) == "before here I am between here I am again");
    }
}

TEST_CASE("it hears that also when the topic's last subscriber left in the middle of a fan-out") {
    ShardsSetup setup{.shards = 1};
    setup.settings.topics.deliveries_per_turn = 1;
    ShardsKit kit{setup};
    const std::string topic = kit.topic_of(0);
    const ShardClient last = kit.subscriber(0, topic), client = kit.open(0, "/echo");
    for (int i = 0; i < 20; ++i)
        CHECK(kit.shard(0).publish(topic, PublicationKind::text, bytes_of("old")) ==
              PublishStatus::accepted);
    kit.turn(3);
    kit.send(last, test::close_frame(1000));
    kit.turn();  // The home is told; the topic is forgotten once its deliveries have run out.
    kit.scripted(0).received = [&](Session& session, Message) {
        CHECK(session.subscribe(topic) == SubscribeStatus::accepted);
        CHECK(session.publish(topic, PublicationKind::text, bytes_of("own")) ==
              PublishStatus::accepted);
    };
    kit.publish(client, "go");
    kit.settle();
    CHECK(kit.received(client) == "own");
}

TEST_CASE("a shard publishes in the name of no session, also while one ends") {
    ShardsKit kit{{.shards = 2, .mesh_bytes = 64 << 10}};
    const std::string topic = kit.topic_of(1);
    const ShardClient subscriber = kit.subscriber(1, topic);
    const auto publish = [&](Shard& shard, std::string_view payload) {
        return shard.publish(topic, PublicationKind::text, bytes_of(payload));
    };
    kit.scripted(0).closed = [&](Session& session) {
        CHECK(session.publish(topic, PublicationKind::text, {}) == PublishStatus::closed);
        CHECK(publish(session.shard(), "gone") == PublishStatus::accepted);
    };
    const ShardClient client = kit.open(0, "/echo");
    kit.ring(0).finish_recv(client.fd, 0);
    kit.settle();
    CHECK(kit.received(subscriber) == "gone");
    // Where there is no room nobody waits.
    kit.freeze(1);
    int accepted = 0;
    while (publish(kit.shard(0), std::string(200, '.')) == PublishStatus::accepted) ++accepted;
    CHECK(accepted > 10);
    CHECK(publish(kit.shard(0), std::string(200, '.')) == PublishStatus::full);
    CHECK(kit.metrics(0).mesh_suspensions == 0);
    kit.thaw(1);
    kit.turn(20);
    CHECK(kit.frames(subscriber).size() == static_cast<std::size_t>(accepted));
    kit.shard(0).begin_shutdown(CloseCode::going_away);
    CHECK(publish(kit.shard(0), "x") == PublishStatus::closed);
}

TEST_CASE("a session that closes subscribes and publishes no more") {
    ShardsKit kit{{.shards = 1}};
    std::vector<SubscribeStatus> subscribed;
    std::vector<PublishStatus> published;
    const auto try_both = [&](Session& session) {
        subscribed.push_back(session.subscribe("a"));
        published.push_back(session.publish("a", PublicationKind::text, {}));
    };
    kit.scripted(0).received = [&](Session& session, Message) {
        session.close(CloseCode::normal);
        try_both(session);
    };
    kit.scripted(0).closed = try_both;
    const ShardClient client = kit.open(0, "/echo");
    kit.publish(client, "x");
    kit.settle();
    kit.send(client, test::close_frame(1000));
    kit.settle();
    CHECK(subscribed == std::vector{SubscribeStatus::closed, SubscribeStatus::closed});
    CHECK(published == std::vector{PublishStatus::closed, PublishStatus::closed});
    CHECK(kit.received(client) == "close:1000:");
}

TEST_CASE("a client that goes while the home is asked leaves nothing behind") {
    ShardsKit kit{{.shards = 2}};
    const std::string topic = kit.topic_of(1);
    kit.freeze(1);
    const ShardClient client = kit.accept(0);
    kit.socket(client).holds_cancel = true;  // What comes while its input waits is still seen.
    kit.send(client, ShardsKit::request("/topics/" + topic));
    kit.turn(2);
    SUBCASE("its stream ends") {
        kit.ring(0).finish_recv(client.fd, 0);
    }
    SUBCASE("its connection breaks") {
        kit.ring(0).finish_recv(client.fd, -ECONNRESET);
    }
    SUBCASE("everything is cut") {
        kit.shard(0).terminate_all();
    }
    kit.turn(4);
    kit.thaw(1);
    kit.settle();
    CHECK(kit.response(client) == 0);
    CHECK(kit.topics(0).opened_count == 0);
    kit.pass(1s);
    CHECK(kit.metrics(0).topics == 0);
}

TEST_CASE("a home that never answers costs the client a 503 when its handshake is over time") {
    ShardsSetup setup{.shards = 2};
    setup.settings.handshake_timeout = 10s;
    ShardsKit kit{setup};
    const std::string topic = kit.topic_of(1);
    kit.freeze(1);
    const ShardClient client = kit.connect(0, "/topics/" + topic);
    kit.turn(2);
    kit.pass(10s);
    CHECK(kit.response(client) == 503);
    kit.thaw(1);
    kit.settle();
    kit.pass(1s);
    CHECK(kit.metrics(0).topics == 0);
    CHECK(kit.metrics(0).subscriptions == 0);
}

TEST_CASE("with too many topics a client is refused, and told why") {
    ShardsSetup setup{.shards = 2};
    setup.settings.topics.home.topics_max = 1;
    ShardsKit kit{setup};
    const ShardClient first = kit.subscriber(0, kit.topic_of(1, 0));
    const ShardClient second = kit.connect(0, "/topics/" + kit.topic_of(1, 1));
    kit.settle();
    CHECK(kit.response(second) == 503);
    CHECK(kit.last_response.body == "there are too many topics\n");
    CHECK(kit.metrics(1).topics_refused == 1);
    // A session that is open already is closed, since it would wait for ever.
    kit.scripted(0).received = [&](Session& session, Message) {
        CHECK(session.subscribe(kit.topic_of(1, 1)) == SubscribeStatus::accepted);
    };
    const ShardClient handled = kit.open(0, "/echo");
    kit.publish(handled, "x");
    kit.settle();
    CHECK(kit.received(handled) == "close:1013:there are too many topics");
    // Where there is room, that of a topic which nobody wants any more, everybody is welcome.
    kit.ring(0).finish_recv(first.fd, 0);
    kit.settle();
    (void)kit.subscriber(0, kit.topic_of(1, 1));
}

TEST_CASE("with too many subscriptions a client is refused, and a session is told") {
    ShardsSetup setup{.shards = 2};
    setup.settings.topics.local = {.subscriptions_max = 2, .session_subscriptions_max = 1};
    ShardsKit kit{setup};
    std::vector<SubscribeStatus> statuses;
    kit.scripted(0).received = [&](Session& session, Message message) {
        statuses.push_back(session.subscribe(message.payload));
    };
    const ShardClient client = kit.open(0, "/echo");
    kit.publish(client, "a");
    kit.publish(client, "b");
    (void)kit.subscriber(0, "a");
    const ShardClient refused = kit.connect(0, "/topics/a");
    kit.settle();
    CHECK(kit.response(refused) == 503);
    CHECK(kit.last_response.body == "there are too many subscriptions\n");
    CHECK(statuses == std::vector{SubscribeStatus::accepted, SubscribeStatus::limit});
    (void)kit.subscriber(1, "a");  // The limit is a shard's.
}

TEST_CASE("publications of all sizes arrive, small ones in records, large ones in blocks") {
    for (const std::uint64_t mesh_bytes : {std::uint64_t{64 << 10}, Mesh::bytes_default}) {
        CAPTURE(mesh_bytes);
        SessionLimits limits;
        limits.message_bytes_max = 4 << 20;
        limits.send_queue_bytes_max = 64 << 20;
        ShardsKit kit{{.shards = 3, .limits = limits, .mesh_bytes = mesh_bytes}};
        const std::string topic = kit.topic_of(1);
        const ShardClient publisher = kit.publisher(0, topic);
        const std::vector<ShardClient> subscribers{
            publisher, kit.subscriber(0, topic), kit.subscriber(1, topic), kit.subscriber(2, topic),
            kit.subscriber(2, topic)};
        for (const std::size_t size : {0u, 1u, 125u, 126u, 511u, 512u, 513u, 700u, 800u, 4095u,
                                       4096u, 4097u, 65535u, 65536u, 1'000'000u, 4'000'000u}) {
            CAPTURE(size);
            std::string payload(size, '\0');
            for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<char>('a' + i * 7 % 23);
            kit.publish(publisher, payload);
            kit.send(publisher, test::binary_frame(payload));
            kit.settle();
            for (const ShardClient subscriber : subscribers) {
                const auto frames = kit.frames(subscriber);
                REQUIRE(frames.size() == 2);
                REQUIRE(frames[0] == test::ServerFrame{test::opcode_text, true, payload});
                REQUIRE(frames[1] == test::ServerFrame{test::opcode_binary, true, payload});
            }
        }
        for (std::uint32_t i = 0; i < 3; ++i) CHECK(kit.shard(i).pool().blocks_in_use() == 0);
    }
}

TEST_CASE("a publication is encoded once per shard, whatever the number of its subscribers") {
    constexpr int subscribers = 100;
    ShardsKit kit{{.shards = 2}};
    const std::string topic = kit.topic_of(0);
    const ShardClient publisher = kit.publisher(0, topic);
    std::vector<ShardClient> clients;
    for (int i = 0; i < subscribers; ++i) clients.push_back(kit.subscriber(1, topic));
    // None of them takes anything: the frame is kept for all, in one block.
    for (const ShardClient client : clients) kit.socket(client).room = 0;
    const std::string payload(10'000, 'x');
    const auto fan_outs = kit.metrics(1).fan_outs;
    kit.publish(publisher, payload);
    kit.settle();
    CHECK(kit.metrics(1).fan_outs == fan_outs + 1);
    CHECK(kit.metrics(1).deliveries == subscribers);
    CHECK(kit.shard(1).pool().blocks_in_use() == 1);
    CHECK(kit.shard(1).metrics().queue_bytes > subscribers * payload.size());
    for (const ShardClient client : clients)
        kit.ring(1).give_room(client.fd, test::FakeRing::unlimited);
    kit.settle();
    for (const ShardClient client : clients) CHECK(kit.received(client) == payload);
    CHECK(kit.shard(1).pool().blocks_in_use() == 0);
    // One that goes on takes it from the same memory as the others.
    kit.publish(publisher, payload);
    kit.settle();
    for (const ShardClient client : clients)
        CHECK(kit.socket(client).pieces[0].data == kit.socket(clients[0]).pieces[0].data);
}

TEST_CASE("with one delivery a turn everybody still gets everything in order") {
    ShardsSetup setup{.shards = 2};
    setup.settings.topics.deliveries_per_turn = 1;
    setup.settings.topics.deliveries_quantum = 1;
    setup.settings.topics.requests_per_turn = 1;
    setup.settings.topics.items_max = 3;
    ShardsKit kit{setup};
    const std::string topic = kit.topic_of(1);
    std::vector<ShardClient> clients;
    for (std::uint32_t i = 0; i < 6; ++i) clients.push_back(kit.publisher(i % 2, topic));
    for (int i = 0; i < 20; ++i) kit.publish(clients[0], std::to_string(i));
    std::vector<std::string> received(clients.size());
    for (int turns = 0; turns < 400; ++turns) {
        kit.turn();
        for (std::size_t i = 0; i < clients.size(); ++i) {
            const std::string more = kit.received(clients[i]);
            if (!more.empty()) received[i] += (received[i].empty() ? "" : " ") + more;
        }
    }
    for (const std::string& each : received) CHECK(each == numbers(20));
}

TEST_CASE("other threads' publications keep their order, and a lane ends when it is abandoned") {
    ShardsKit kit{{.shards = 2}};
    const std::string here = kit.topic_of(0), there = kit.topic_of(1);
    const ShardClient subscriber = kit.subscriber(1, there);
    const ShardClient other = kit.subscriber(0, here);
    PublisherLane* const lane = kit.make_lane(0);
    const auto publish = [&](const std::string& topic, std::string_view payload) {
        return lane->publish(topic, PublicationKind::text, bytes_of(payload));
    };
    // More than a shard takes from one lane in a turn.
    for (int i = 0; i < 300; ++i) {
        CHECK(publish(there, std::to_string(i)) == PublishStatus::accepted);
        CHECK(publish(here, std::to_string(i)) == PublishStatus::accepted);
    }
    kit.settle();
    CHECK(kit.received(subscriber) == numbers(300));
    CHECK(kit.received(other) == numbers(300));
    CHECK(kit.metrics(0).publications == 600);
    CHECK(publish(there, "last") == PublishStatus::accepted);
    lane->abandon();
    lane->release();
    kit.settle();
    kit.pass(1s);  // The tick lets go of it; LeakSanitizer sees whether it does.
    CHECK(kit.received(subscriber) == "last");
}

TEST_CASE("a lane whose topic's home hangs waits, and goes on where it stopped") {
    ShardsKit kit{{.shards = 2, .mesh_bytes = 64 << 10}};
    const std::string here = kit.topic_of(0), there = kit.topic_of(1);
    const ShardClient subscriber = kit.subscriber(1, there);
    const ShardClient other = kit.subscriber(0, here);
    PublisherLane* const lane = kit.make_lane(0, 1 << 12);
    kit.freeze(1);
    const auto publish = [&](const std::string& topic, int number) {
        return lane->publish(topic, PublicationKind::text,
                             bytes_of(std::to_string(number) + std::string(200, '.')));
    };
    int accepted = 0;
    for (int i = 0; i < 100; ++i) {
        if (publish(there, accepted) == PublishStatus::accepted) ++accepted;
        kit.turn();
    }
    CHECK(publish(there, accepted) == PublishStatus::full);
    CHECK(kit.waits(0));  // It does not spin.
    kit.thaw(1);
    kit.turn(20);
    const auto frames = kit.frames(subscriber);
    REQUIRE(frames.size() == static_cast<std::size_t>(accepted));
    for (int i = 0; i < accepted; ++i) {
        CHECK(frames[static_cast<std::size_t>(i)].payload ==
              std::to_string(i) + std::string(200, '.'));
    }
    CHECK(publish(here, 0) == PublishStatus::accepted);
    kit.settle();
    CHECK(kit.frames(other).size() == 1);
    lane->abandon();
    lane->release();
}

TEST_CASE("a session hears what it publishes behind a subscription that had no room at first") {
    ShardsKit kit{{.shards = 2, .mesh_bytes = 64 << 10}};
    const std::string full = kit.topic_of(1);
    const std::string mine = kit.topic_of(1, 1);
    std::vector<PublishStatus> statuses;
    kit.scripted(0).received = [&](Session& session, Message message) {
        const auto publish = [&](const std::string& topic) {
            return session.publish(topic, PublicationKind::text, message.bytes());
        };
        if (message.payload == "fill") {
            while (publish(full) == PublishStatus::accepted) {
            }
            return;
        }
        if (message.payload == "enter") CHECK(session.subscribe(mine) == SubscribeStatus::accepted);
        statuses.push_back(publish(mine));
    };
    const ShardClient filler = kit.open(0, "/echo");
    const ShardClient client = kit.open(0, "/echo");
    kit.freeze(1);
    kit.publish(filler, "fill");
    kit.turn();
    kit.send(client, test::text_frame("enter") + test::text_frame("later"));
    kit.turn();
    CHECK(statuses == std::vector{PublishStatus::full});
    kit.thaw(1);
    kit.settle();
    CHECK(statuses == std::vector{PublishStatus::full, PublishStatus::accepted});
    CHECK(kit.received(client) == "later");
}
