// What a handler's session is told of publications that the policy drop has dropped.

#include <cstdint>
#include <doctest/doctest.h>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "unit/api/server_kit.hpp"

using namespace ringcast;

namespace {

/// Subscribes to the topic that it is sent. What it publishes itself comes back once it is live.
struct Listener {
    Journal& journal;

    void on_message(Session<>& session, Message message) {
        session.subscribe(message.payload);
        session.publish(message.payload, "subscribed");
    }
    void on_skipped(Session<>& session, std::uint64_t count) {
        journal.note("skipped " + std::to_string(count));
        session.send("skipped " + std::to_string(count));
        on_skip(session);
    }
    void on_drain(Session<>&) { journal.note("drain"); }
    void on_close(Session<>&, CloseCode) { journal.note("close"); }

    void (*on_skip)(Session<>& session);
};

/// Without the hook: nobody is told, nothing else differs.
struct Deaf {
    void on_message(Session<>& session, Message message) {
        session.subscribe(message.payload);
        session.publish(message.payload, "subscribed");
    }
};

struct SlowClient {
    explicit SlowClient(const std::string& url, const std::string& target) : client{url, 4096} {
        client.open({.target = target});
        client.send(test::text_frame("a"));
        REQUIRE(client.message() == "subscribed");
    }
    SocketClient client;
};

Settings dropping(Io io) {
    Settings settings = quiet(io, 2);
    settings.slow_consumer = SlowConsumer::drop;
    settings.send_queue_bytes_max = 256_KiB;
    return settings;
}

void publish(Publisher& publisher, const std::string& payload) {
    while (publisher.publish("a", payload) == PublishStatus::full) std::this_thread::yield();
}

/// Publishes numbers until the server has dropped some for a client that does not read; says how
/// many it were.
std::uint64_t publish_until_dropped(Server& server, Publisher& publisher) {
    std::uint64_t count = 0;
    while (server.stats().deliveries_dropped == 0) {
        publish(publisher, std::to_string(count) + std::string(32 << 10, '.'));
        ++count;
    }
    return count;
}

std::uint64_t sum_of_skipped(const std::vector<std::string>& entries) {
    std::uint64_t sum = 0;
    for (const std::string& entry : entries) {
        if (entry.starts_with("skipped ")) sum += std::stoull(entry.substr(8));
    }
    return sum;
}

constexpr auto do_nothing = [](Session<>&) {};

}  // namespace

TEST_CASE("a handler is told what its session has missed, before it is told to go on") {
    on_each_io([](Io io) {
        Journal journal;
        Server server{dropping(io)};
        server.mount<Listener>("/listen", {}, std::ref(journal), do_nothing);
        const std::string url = started(server);
        SlowClient slow{url, "/listen"};
        Publisher publisher = server.make_publisher();
        const std::uint64_t count = publish_until_dropped(server, publisher);
        std::uint64_t received = 0, skipped = 0;
        while (received + skipped < count) {
            const std::string message = slow.client.message();
            if (message.starts_with("skipped ")) {
                skipped += std::stoull(message.substr(8));
            } else {
                // Those in between are missing, the others keep their order.
                CHECK(std::stoull(message) >= received);
                ++received;
            }
        }
        CHECK(received + skipped == count);
        CHECK(skipped > 0);
        journal.await("drain");
        const std::vector<std::string> entries = journal.entries();
        for (std::size_t i = 0; i < entries.size(); ++i) {
            if (entries[i].starts_with("skipped ")) CHECK(entries.at(i + 1) == "drain");
        }
        server.stop();
        slow.client.close(1001);
        server.wait();
        CHECK(server.stats().deliveries_dropped == skipped);
        CHECK(sum_of_skipped(journal.entries()) == skipped);
    });
}

TEST_CASE("what a handler was not told yet it is told when the session ends") {
    on_each_io([](Io io) {
        Journal journal;
        Server server{dropping(io)};
        server.mount<Listener>("/listen", {}, std::ref(journal), do_nothing);
        const std::string url = started(server);
        SlowClient slow{url, "/listen"};
        Publisher publisher = server.make_publisher();
        publish_until_dropped(server, publisher);
        slow.client.reset();
        journal.await("close");
        server.stop();
        server.wait();
        CHECK(sum_of_skipped(journal.entries()) == server.stats().deliveries_dropped);
        CHECK(journal.entries().back() == "close");
    });
}

TEST_CASE("a session may end in on_skipped, and hears nothing more then") {
    constexpr auto close = [](Session<>& session) { session.close(CloseCode{4000}); };
    constexpr auto fail = [](Session<>&) { throw std::runtime_error{"thrown by a test"}; };
    struct {
        void (*end)(Session<>&);
        std::uint16_t code;
    } const cases[] = {{close, 4000}, {fail, 1011}};
    for (const auto& [end, code] : cases) {
        CAPTURE(code);
        on_each_io([&](Io io) {
            Journal journal;
            Server server{dropping(io)};
            server.mount<Listener>("/listen", {}, std::ref(journal), end);
            const std::string url = started(server);
            SlowClient slow{url, "/listen"};
            Publisher publisher = server.make_publisher();
            publish_until_dropped(server, publisher);
            test::ServerFrame frame = slow.client.frame();
            std::string before;
            for (; frame.opcode != test::opcode_close; frame = slow.client.frame())
                before = frame.payload;
            CHECK(frame.close_code() == code);
            CHECK(before.starts_with("skipped "));
            slow.client.send(test::close_frame(code));
            journal.await("close");
            const std::vector<std::string> entries = journal.entries();
            REQUIRE(entries.size() >= 2);
            CHECK(entries.at(entries.size() - 2).starts_with("skipped "));
            CHECK(entries.back() == "close");
        });
    }
}

TEST_CASE("a handler without on_skipped is told nothing of it") {
    on_each_io([](Io io) {
        Server server{dropping(io)};
        server.mount<Deaf>("/deaf");
        const std::string url = started(server);
        SlowClient slow{url, "/deaf"};
        Publisher publisher = server.make_publisher();
        publish_until_dropped(server, publisher);
        slow.client.reset();
        server.stop();
        server.wait();
        CHECK(server.stats().handler_exceptions == 0);
    });
}
