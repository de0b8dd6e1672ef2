// Topics through the public API: who may do what under a mounted path, what sessions of handlers
// are told, and publishers of other threads.

#include <array>
#include <atomic>
#include <doctest/doctest.h>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "unit/api/server_kit.hpp"
#include "unit/api/undecided.hpp"

using namespace ringcast;
using namespace std::chrono_literals;

namespace {

/// The status and body of the answer to a request for `target`.
std::string answer(const std::string& url, const std::string& target) {
    SocketClient client{url};
    const auto response = client.request({.target = target});
    return std::to_string(response.status) + " " + response.body;
}

/// A client of a topic.
SocketClient subscribed(const std::string& url, const std::string& topic) {
    SocketClient client{url};
    client.open({.target = "/topics/" + topic});
    return client;
}

std::string code_of(SubscribeStatus status) {
    switch (status) {
        case SubscribeStatus::accepted: return "accepted";
        case SubscribeStatus::already: return "already";
        case SubscribeStatus::invalid_topic: return "invalid";
        case SubscribeStatus::limit: return "limit";
        case SubscribeStatus::closed: return "closed";
    }
    return "?";
}
std::string code_of(PublishStatus status) {
    switch (status) {
        case PublishStatus::accepted: return "accepted";
        case PublishStatus::full: return "full";
        case PublishStatus::invalid_topic: return "invalid";
        case PublishStatus::too_large: return "too large";
        case PublishStatus::closed: return "closed";
    }
    return "?";
}

/// Does what its messages say, and notes what it is told: `+topic`, `-topic`, `!topic payload`.
struct Operator {
    Journal& journal;

    void on_message(Session<>& session, Message message) {
        const std::string_view rest = message.payload.substr(1);
        switch (message.payload[0]) {
            case '+': return journal.note("+" + code_of(session.subscribe(rest)));
            case '-': return journal.note(session.unsubscribe(rest) ? "-yes" : "-no");
            case '!': {
                const std::size_t blank = rest.find(' ');
                journal.note(
                    "!" + code_of(session.publish(rest.substr(0, blank), rest.substr(blank + 1))));
                return;
            }
            case '.': session.send("done"); return;
            default:
                journal.note("!" +
                             code_of(session.publish("bytes", {message.payload, message.kind})));
        }
    }
    void on_close(Session<>& session, CloseCode) {
        journal.note("closing +" + code_of(session.subscribe("late")) + " !" +
                     code_of(session.publish("late", "x")) +
                     (session.unsubscribe("late") ? " -yes" : " -no"));
    }
};

/// Publishes in the name of its shard.
struct Town {
    void on_message(Session<>& session, Message message) {
        (void)session.shard().publish("square", message);
    }
    void on_close(Session<>& session, CloseCode) {
        CHECK(session.publish("square", "x") == PublishStatus::closed);
        CHECK(session.shard().publish("square", "goodbye") == PublishStatus::accepted);
        CHECK(session.shard().publish("ns:square", "x") == PublishStatus::invalid_topic);
    }
    void on_tick(Shard shard) { (void)shard.publish("clock", std::to_string(shard.index())); }
};

}  // namespace

TEST_CASE("what everybody may do under a mounted path is what its policy says") {
    on_each_io([](Io io) {
        Server server{quiet(io)};
        server.mount_topics("/nobody", {});
        server.mount_topics("/read", {.anonymous = TopicAccess::subscribe});
        server.mount_topics("/topics/", {.anonymous = TopicAccess::publish});
        const std::string url = started(server);
        CHECK(answer(url, "/nobody/a") == "403 you may not subscribe to this topic\n");
        SocketClient reader{url};
        reader.open({.target = "/read/a"});
        SocketClient writer = subscribed(url, "a");
        writer.send(test::text_frame("hello"));
        CHECK(writer.message() == "hello");
        CHECK(reader.message() == "hello");
        writer.send(test::binary_frame("bytes"));
        CHECK(writer.message(test::opcode_binary) == "bytes");
        CHECK(reader.message(test::opcode_binary) == "bytes");
        reader.send(test::text_frame("me too"));
        CHECK(reader.close_code() == 1008);
        reader.send(test::close_frame(1008));
        CHECK(reader.at_end());
        writer.send(test::text_frame("alone"));
        CHECK(writer.message() == "alone");
    });
}

TEST_CASE("the rest of the path is the topic, decoded once; names that are none are refused") {
    Server server{quiet()};
    server.mount_topics("/topics", {.anonymous = TopicAccess::publish});
    const std::string url = started(server);
    SocketClient plain = subscribed(url, "a/b%20c");
    SocketClient escaped = subscribed(url, "a%2Fb%20c?gaps=1&topic=z");
    SocketClient twice = subscribed(url, "a%252Fb%20c");
    plain.send(test::text_frame("one"));
    CHECK(plain.message() == "one");
    CHECK(escaped.message() == "one");
    twice.send(test::text_frame("two"));
    CHECK(twice.message() == "two");

    const std::string longest(255, 'x');
    (void)subscribed(url, longest);
    CHECK(answer(url, "/topics/x" + longest) == "400 the name of a topic has at most 255 bytes\n");
    CHECK(answer(url, "/topics/%ff") == "400 the name of a topic must be valid UTF-8\n");
    CHECK(answer(url, "/topics/a%0ab") ==
          "400 the name of a topic must have no control characters\n");
    CHECK(answer(url, "/topics/ns:a") ==
          "400 there is no such namespace: names of topics with ':' begin with one\n");
    for (const char* name : {"a:", "%24SYS", "$a", "%23"}) {
        CHECK(answer(url, std::string{"/topics/"} + name) ==
              "400 names of topics with ':' or beginning with '$' or '#' are reserved\n");
    }
    // No topic at all.
    CHECK(answer(url, "/topics/").substr(0, 3) == "404");
    CHECK(answer(url, "/topics").substr(0, 3) == "404");
    CHECK(answer(url, "/topics/%zz").substr(0, 3) == "400");
    CHECK(answer(url, "/topics/a?gaps=true") == "400 gaps is 0 or 1\n");
}

TEST_CASE("authorize decides about each client: access, refusal, or an exception, which refuses") {
    on_each_io([](Io io) {
        Server server{quiet(io, 2)};
        std::mutex mutex;
        std::vector<std::string> asked;
        server.mount_topics(
            "/topics",
            {.anonymous = TopicAccess::publish,  // Means nothing beside authorize.
             .authorize = [&](Upgrade& upgrade, std::string_view topic) -> Admission<TopicAccess> {
                 {
                     const std::lock_guard lock{mutex};
                     asked.emplace_back(topic);
                 }
                 CHECK(upgrade.param("topic") == topic);
                 const std::string who = upgrade.query("who").value_or("");
                 if (who == "reader") return TopicAccess::subscribe;
                 if (who == "writer") {
                     upgrade.select_subprotocol("v1");
                     upgrade.add_header("X-Role", "writer");
                     return TopicAccess::publish;
                 }
                 if (who == "stranger") return reject(401, "who?\n", {{"WWW-Authenticate", "B"}});
                 if (who == "bomb") throw std::runtime_error{"thrown by a test"};
                 if (who == "never") return pending;  // Without a ticket.
                 return TopicAccess::none;
             }});
        const std::string url = started(server);
        SocketClient writer{url};
        const auto response =
            writer.request({.target = "/topics/a?who=writer", .subprotocols = "v0, v1"});
        CHECK(response.status == 101);
        CHECK(response.field("sec-websocket-protocol") == "v1");
        CHECK(response.field("x-role") == "writer");
        SocketClient reader{url};
        reader.open({.target = "/topics/a?who=reader"});
        writer.send(test::text_frame("x"));
        CHECK(writer.message() == "x");
        CHECK(reader.message() == "x");
        reader.send(test::text_frame("y"));
        CHECK(reader.close_code() == 1008);
        reader.send(test::close_frame(1008));
        CHECK(reader.at_end());

        CHECK(answer(url, "/topics/a") == "403 you may not subscribe to this topic\n");
        SocketClient stranger{url};
        const auto refusal = stranger.request({.target = "/topics/a?who=stranger"});
        CHECK(refusal.status == 401);
        CHECK(refusal.body == "who?\n");
        CHECK(refusal.field("www-authenticate") == "B");
        CHECK(stranger.at_end());
        CHECK(answer(url, "/topics/a?who=bomb") == "500 internal error\n");
        CHECK(answer(url, "/topics/a?who=never") == "500 internal error\n");
        // A name that is none is not asked about.
        CHECK(answer(url, "/topics/ns:a?who=writer").substr(0, 3) == "400");
        writer.close();
        server.stop();
        server.wait();
        CHECK(server.stats().handler_exceptions == 1);
        CHECK(asked == std::vector<std::string>(6, "a"));
    });
}

TEST_CASE("authorize may take its time: a ticket decides, on any thread") {
    on_each_io([](Io io) {
        Server server{quiet(io, 2)};
        Undecided undecided;
        const auto take = [&](const std::string& who) { return undecided.take(who); };
        server.mount_topics("/topics", {.authorize = [&](Upgrade& upgrade, std::string_view) {
                                return undecided.keep(upgrade);
                            }});
        const std::string url = started(server);
        const auto knock = [&](const std::string& who) {
            SocketClient client{url};
            client.send(encode(test::UpgradeRequest{.target = "/topics/a?who=" + who}));
            return client;
        };
        SocketClient writer = knock("writer");
        writer.send(test::text_frame("sent before the 101"));
        SocketClient reader = knock("reader"), nobody = knock("nobody");
        SocketClient refused = knock("refused"), abandoned = knock("abandoned"),
                     gone = knock("gone");
        std::thread{[&] { take("reader").admit(TopicAccess::subscribe); }}.join();
        CHECK(reader.response().status == 101);
        take("writer").admit(TopicAccess::publish);
        CHECK(writer.response().status == 101);
        CHECK(writer.message() == "sent before the 101");
        CHECK(reader.message() == "sent before the 101");
        take("nobody").admit(TopicAccess::none);
        CHECK(nobody.response().status == 403);
        take("refused").reject(reject(402, "pay\n"));
        CHECK(refused.response().status == 402);
        {
            const auto dies_unused = take("abandoned");
        }
        CHECK(abandoned.response().status == 503);
        auto late = take("gone");
        gone.reset();
        late.admit(TopicAccess::publish);
        reader.send(test::text_frame("x"));
        CHECK(reader.close_code() == 1008);
        reader.send(test::close_frame(1008));
        CHECK(reader.at_end());
    });
}

TEST_CASE("sessions of handlers are told what became of their wishes") {
    on_each_io([](Io io) {
        Settings settings = quiet(io, 2);
        settings.subscriptions_max = 2;
        Server server{settings};
        Journal journal;
        server.mount<Operator>("/operate", {}, std::ref(journal));
        server.mount_topics("/topics", {.anonymous = TopicAccess::publish});
        const std::string url = started(server);
        SocketClient client{url};
        client.open({.target = "/operate"});
        SocketClient witness = subscribed(url, "a");
        const auto say = [&](const std::string& what) { client.send(test::text_frame(what)); };
        for (const std::string what :
             {"+a", "+a", "+b", "+c", "+ns:b", "+", "-b", "-b", "-ns:b", "+c", "!ns:b x", "!a 1"})
            say(what);
        CHECK(client.message() == "1");
        CHECK(witness.message() == "1");
        say("-a");
        say("!a 2");
        say("!c 3");
        CHECK(client.message() == "3");
        CHECK(witness.message() == "2");
        say(".");
        CHECK(client.message() == "done");
        // A handler publishes what it has just received, of either kind.
        SocketClient bytes = subscribed(url, "bytes");
        client.send(test::binary_frame("\x01\x02"));
        CHECK(bytes.message(test::opcode_binary) == "\x01\x02");
        client.close();
        journal.await("closing +closed !closed -no");
        CHECK(journal.text() ==
              "+accepted +already +accepted +limit +invalid +invalid -yes -no -no +accepted "
              "!invalid !accepted -yes !accepted !accepted !accepted "
              "closing +closed !closed -no");
    });
}

TEST_CASE("a handler publishes from on_tick and on_close in the name of its shard") {
    on_each_io([](Io io) {
        Settings settings = quiet(io, 2);
        settings.tick_interval = 1ms;
        Server server{settings};
        server.mount<Town>("/town");
        server.mount_topics("/topics", {.anonymous = TopicAccess::subscribe});
        const std::string url = started(server);
        SocketClient square = subscribed(url, "square");
        SocketClient client{url};
        client.open({.target = "/town"});
        client.send(test::text_frame("hello"));
        CHECK(square.message() == "hello");
        client.close();
        CHECK(square.message() == "goodbye");
        // Both shards tick.
        SocketClient clock = subscribed(url, "clock");
        for (const char* shard : {"0", "1", "0"}) {
            while (clock.message() != shard) continue;
        }
    });
}

TEST_CASE("a publisher publishes between start and stop, and may outlive the server") {
    std::optional<Publisher> kept;
    {
        Server server{quiet()};
        server.mount_topics("/topics", {.anonymous = TopicAccess::subscribe});
        Publisher early = server.make_publisher();
        CHECK(early.publish("a", "x") == PublishStatus::closed);
        const std::string url = started(server);
        CHECK(early.publish("a", "x") == PublishStatus::closed);  // It was made too early.
        SocketClient client = subscribed(url, "a");
        Publisher publisher = server.make_publisher();
        CHECK(publisher.publish("a", "text") == PublishStatus::accepted);
        CHECK(publisher.publish("a", binary("bytes")) == PublishStatus::accepted);
        CHECK(publisher.publish("nobody hears", "x") == PublishStatus::accepted);
        CHECK(publisher.publish("", "x") == PublishStatus::invalid_topic);
        CHECK(publisher.publish("ns:a", "x") == PublishStatus::invalid_topic);
        CHECK(publisher.publish("a", std::string(Publisher::message_bytes_max + 1, 'x')) ==
              PublishStatus::too_large);
        CHECK(publisher.publish("a", std::string(Publisher::message_bytes_max, 'x')) ==
              PublishStatus::accepted);
        CHECK(client.message() == "text");
        CHECK(client.message(test::opcode_binary) == "bytes");
        CHECK(client.message().size() == Publisher::message_bytes_max);

        Publisher moved{std::move(publisher)};
        CHECK(moved.publish("a", "moved") == PublishStatus::accepted);
        CHECK(publisher.publish("a", "x") == PublishStatus::closed);
        publisher = std::move(moved);
        CHECK(publisher.publish("a", "back") == PublishStatus::accepted);
        CHECK(client.message() == "moved");
        CHECK(client.message() == "back");
        kept.emplace(std::move(publisher));
        Publisher last = server.make_publisher();
        CHECK(last.publish("a", "before the end") == PublishStatus::accepted);
        server.stop();
        CHECK(client.message() == "before the end");
        client.close(1001);
        server.wait();
        CHECK(kept->publish("a", "x") == PublishStatus::closed);
        Publisher late = server.make_publisher();
        CHECK(late.publish("a", "x") == PublishStatus::closed);
    }
    CHECK(kept->publish("a", "x") == PublishStatus::closed);
}

TEST_CASE("publishers of several threads and clients of two shards see one order per topic") {
    on_each_io([](Io io) {
        constexpr int publishers = 4, publications = 500, clients = 8;
        Server server{quiet(io, 2)};
        server.mount_topics("/topics", {.anonymous = TopicAccess::publish});
        const std::string url = started(server);
        const std::array<std::string, 3> topics{"one", "two", "three"};
        std::vector<SocketClient> listeners;
        for (int i = 0; i < clients; ++i)
            listeners.push_back(subscribed(url, topics[static_cast<std::size_t>(i) % 3]));
        std::vector<std::thread> threads;
        for (int i = 0; i < publishers; ++i) {
            threads.emplace_back([&, i] {
                Publisher publisher = server.make_publisher();
                for (int number = 0; number < publications; ++number) {
                    const std::string payload = std::to_string(i) + ":" + std::to_string(number);
                    for (const std::string& topic : topics) {
                        while (publisher.publish(topic, payload) == PublishStatus::full)
                            std::this_thread::yield();
                    }
                }
            });
        }
        std::map<std::string, std::vector<std::string>> orders;
        for (int i = 0; i < clients; ++i) {
            std::vector<std::string> received;
            for (int count = 0; count < publishers * publications; ++count)
                received.push_back(listeners[static_cast<std::size_t>(i)].message());
            auto& order = orders[topics[static_cast<std::size_t>(i) % 3]];
            if (order.empty()) order = received;
            CHECK(received == order);
        }
        for (std::thread& thread : threads) thread.join();
        for (const auto& [topic, order] : orders) {
            std::array<int, publishers> next{};
            for (const std::string& payload : order) {
                const auto publisher = static_cast<std::size_t>(payload[0] - '0');
                REQUIRE(payload.substr(2) == std::to_string(next[publisher]++));
            }
            for (const int count : next) CHECK(count == publications);
        }
        for (SocketClient& listener : listeners) listener.close();
        server.stop();
        server.wait();
        CHECK(server.stats().publications == publishers * publications * 3);
        CHECK(server.stats().deliveries ==
              static_cast<std::uint64_t>(publishers * publications * clients));
    });
}

TEST_CASE("a client with gaps=1 is told what it missed by the policy drop; one without is not") {
    on_each_io([](Io io) {
        Settings settings = quiet(io, 2);
        settings.slow_consumer = SlowConsumer::drop;
        settings.send_queue_bytes_max = 256_KiB;
        Server server{settings};
        server.mount_topics("/topics", {.anonymous = TopicAccess::subscribe});
        const std::string url = started(server);
        SocketClient told{url, 4096}, untold{url, 4096};
        told.open({.target = "/topics/a?gaps=1"});
        untold.open({.target = "/topics/a?gaps=0"});
        Publisher publisher = server.make_publisher();
        constexpr std::uint64_t count = 400;
        for (std::uint64_t i = 0; i < count; ++i) {
            const std::string payload = std::to_string(i) + std::string(32 << 10, '.');
            while (publisher.publish("a", payload) == PublishStatus::full)
                std::this_thread::yield();
        }
        // Every number is delivered or told as missing, in its place.
        std::uint64_t next = 0, skipped = 0;
        while (next < count) {
            const std::string message = told.message();
            if (message.starts_with(R"({"skipped":)")) {
                const std::uint64_t missing = std::stoull(message.substr(11));
                CHECK(message == R"({"skipped":)" + std::to_string(missing) + "}");
                next += missing;
                skipped += missing;
            } else {
                REQUIRE(message.substr(0, message.find('.')) == std::to_string(next));
                ++next;
            }
        }
        CHECK(skipped > 0);
        std::uint64_t received = 0;
        while (publisher.publish("a", "last") == PublishStatus::full) std::this_thread::yield();
        for (std::string message = untold.message(); message != "last";
             message = untold.message()) {
            REQUIRE(message.size() > 32 << 10);
            ++received;
        }
        CHECK(received < count);
        CHECK(told.message() == "last");
        server.stop();
        told.close(1001);
        untold.close(1001);
        server.wait();
        CHECK(server.stats().deliveries_dropped == skipped + count - received);
    });
}

TEST_CASE("by the policy close a client that does not read ends with 1013") {
    on_each_io([](Io io) {
        Server server{quiet(io, 2)};
        server.mount_topics("/topics", {.anonymous = TopicAccess::subscribe},
                            {.send_queue_bytes_max = 256_KiB});
        const std::string url = started(server);
        SocketClient slow{url, 4096};
        slow.open({.target = "/topics/a"});
        SocketClient quick = subscribed(url, "a");
        Publisher publisher = server.make_publisher();
        const std::string payload(32 << 10, 'x');
        // Until what the kernel buffers and the queue are full; `quick` keeps pace.
        for (int i = 0; i < 1000; ++i) {
            REQUIRE(publisher.publish("a", payload) == PublishStatus::accepted);
            REQUIRE(quick.message() == payload);
        }
        for (;;) {
            const test::ServerFrame frame = slow.frame();
            if (frame.opcode == test::opcode_close) {
                CHECK(frame.close_code() == 1013);
                break;
            }
            REQUIRE(frame.payload == payload);
        }
        REQUIRE(publisher.publish("a", "still here") == PublishStatus::accepted);
        CHECK(quick.message() == "still here");
    });
}
