// The server as a whole: listeners, start and stop, what it counts.

#include <atomic>
#include <doctest/doctest.h>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "unit/api/server_kit.hpp"

using namespace ringcast;
using namespace std::chrono_literals;

namespace {

struct Echo {
    void on_message(Session<>& session, Message message) { session.send(message); }
};

/// Answers with its shard, and with how many messages this instance has seen.
struct PerShard {
    int messages_count = 0;
    void on_message(Session<>& session, Message) {
        session.send(std::to_string(session.shard().index()) + ":" +
                     std::to_string(++messages_count));
    }
};

struct Stopper {
    std::function<void()> stop;
    void on_message(Session<>& session, Message message) {
        session.send(message);
        stop();
    }
};

struct Ticking {
    Journal& journal;
    int ticks = 0;
    void on_message(Session<>&, Message) {}
    void on_tick(Shard shard) {
        if (++ticks == 3) journal.note("tick:" + std::to_string(shard.index()));
    }
};

struct Constructed {
    explicit Constructed(const std::function<void()>& construct) { construct(); }
    void on_message(Session<>&, Message) {}
};

void expect_echo(const std::string& url) {
    SocketClient client{url};
    client.open();
    client.send(test::text_frame("over " + url));
    CHECK(client.message() == "over " + url);
    client.close();
}

std::string error_of(Settings settings) {
    Server server{std::move(settings)};
    server.mount<Echo>("/echo");
    const auto result = server.start();
    return result ? "" : result.error();
}

}  // namespace

TEST_CASE("settings that make no sense are refused by start() with their name") {
    const auto error_of = [](Settings settings) {
        settings.port = 0;
        Server server{settings};
        const auto started = server.start();
        return started ? std::string{} : started.error();
    };
    CHECK(error_of({.delivery_window = -1ns}).starts_with("delivery_window:"));
    CHECK(error_of({.delivery_window = 1001ms}).starts_with("delivery_window:"));
    CHECK(error_of({.handshake_timeout = 0s}).starts_with("handshake_timeout:"));
    CHECK(error_of({.idle_timeout = -1s}).starts_with("idle_timeout:"));
    CHECK(
        error_of({.close_timeout = std::chrono::nanoseconds::max()}).starts_with("close_timeout:"));
    CHECK(error_of({.tick_interval = 0s}).starts_with("tick_interval:"));
    CHECK(error_of({.shards = 65}).starts_with("shards:"));
    CHECK(error_of({.admin_connections_max = 0}).starts_with("admin_connections_max:"));
    CHECK(error_of({.admin_connections_max = 65'536}).starts_with("admin_connections_max:"));
    CHECK(error_of({.connections_per_ip_max = 1 << 24}).starts_with("connections_per_ip_max:"));
    CHECK(error_of({.handshakes_per_ip = 10'001}).starts_with("handshakes_per_ip:"));
    CHECK(error_of({.message_rate = 1'000'001}).starts_with("message_rate:"));
    CHECK(error_of({.byte_rate = std::uint64_t{5} << 30}).starts_with("byte_rate:"));
    CHECK(error_of({.byte_rate = 1023}).starts_with("byte_rate:"));
    CHECK(error_of({.trusted_proxies = {"10.0.0.0/8", "10/8"}}).starts_with("trusted_proxies:"));
    CHECK(error_of({.proxy_protocol = ProxyProtocol::required}).starts_with("proxy_protocol:"));
    CHECK(error_of({.tcp_user_timeout = -1s}).starts_with("tcp_user_timeout:"));
    CHECK(error_of({.header_bytes_max = 0}).starts_with("header_bytes_max:"));
    CHECK(error_of({.target_bytes_max = 0}).starts_with("target_bytes_max:"));
    CHECK(error_of({.header_fields_max = 257}).starts_with("header_fields_max:"));
    CHECK(
        error_of({.message_bytes_max = std::uint64_t{2} << 30}).starts_with("message_bytes_max:"));
    CHECK(error_of({.message_bytes_max = 1 << 20, .message_memory_max = (4 << 20) - 1})
              .starts_with("message_memory_max:"));
    CHECK(error_of({.message_bytes_max = 1 << 20, .message_memory_max = 4 << 20}).empty());
    CHECK(error_of({.message_memory_max = (2 << 20) - 1}).starts_with("message_memory_max:"));
    CHECK(error_of({.buffers_count = 2, .message_memory_max = 512 << 10}).empty());
    CHECK(error_of({.idle_timeout = 0s, .ping_interval = 0s}).empty());
    CHECK(error_of({.buffers_count = 3}).starts_with("buffers_count:"));
    CHECK(error_of({.buffer_bytes = 100}).starts_with("buffer_bytes:"));
    CHECK(error_of({.ring_submissions = 1}).empty());
    CHECK(error_of({.ring_submissions = 5}).starts_with("ring_submissions:"));
    CHECK(error_of({.ring_completions = 1 << 17}).starts_with("ring_completions:"));
    CHECK(
        error_of({.buffers_count = 32'768, .buffer_bytes = 4 << 20}).starts_with("buffers_count:"));
}

TEST_CASE("what a path sets for itself is checked like the settings, and named with the path") {
    const auto error_of = [](const RouteOptions& options) {
        Server server{quiet()};
        server.mount<Echo>("/echo", options);
        const auto started = server.start();
        return started ? std::string{} : started.error();
    };
    CHECK(error_of({.message_bytes_max = 0}).starts_with("/echo: message_bytes_max:"));
    CHECK(error_of({.message_bytes_max = 65_MiB}).starts_with("/echo: message_memory_max:"));
    CHECK(error_of({.send_queue_bytes_max = 0}).starts_with("/echo: send_queue_bytes_max:"));
    CHECK(error_of({.idle_timeout = -1s}).starts_with("/echo: idle_timeout:"));
    CHECK(error_of({.message_bytes_max = 64_MiB, .ping_interval = 0s}).empty());
}

TEST_CASE("a server listens on IPv4, IPv6 and a Unix path at once, with several shards") {
    const std::string path = "/tmp/ringcast-api-test-" + std::to_string(getpid()) + ".sock";
    on_each_io([&](Io io) {
        Settings settings = quiet(io, 3);
        settings.listen = {"ws://127.0.0.1:0", "ws://[::1]:0", "unix:" + path};
        Server server{settings};
        server.mount<Echo>("/echo");
        started(server);
        const auto addresses = server.addresses();
        REQUIRE(addresses.size() == 3);
        CHECK(addresses[0].starts_with("ws://127.0.0.1:"));
        CHECK_FALSE(addresses[0].ends_with(":0"));
        CHECK(addresses[1].starts_with("ws://[::1]:"));
        CHECK(addresses[2] == "unix:" + path);
        CHECK(server.description().find("3 shards") != std::string::npos);
        for (int i = 0; i < 5; ++i) {
            for (const std::string& url : addresses) expect_echo(url);
        }
    });
    unlink(path.c_str());
}

TEST_CASE("each shard has its own handler, and connections are spread over them") {
    on_each_io([](Io io) {
        constexpr std::uint32_t shards = 4;
        Server server{quiet(io, shards)};
        server.mount<PerShard>("/echo");
        const std::string url = started(server);
        std::vector<int> seen(shards);
        std::vector<SocketClient> clients;
        for (int i = 0; i < 64; ++i) {
            SocketClient& client = clients.emplace_back(url).open();
            client.send(test::text_frame("?"));
            const std::string answer = client.message();
            const auto index = static_cast<std::size_t>(answer.at(0) - '0');
            REQUIRE(index < shards);
            CHECK(answer.substr(2) == std::to_string(++seen[index]));
        }
        // The kernel hashes addresses: that 64 of them miss one of four shards is as good as
        // impossible (4 * 0.75^64).
        for (const int count : seen) CHECK(count > 0);
    });
}

TEST_CASE("a port in use is refused, by this process or by any") {
    Server server{quiet()};
    server.mount<Echo>("/echo");
    const std::string url = started(server);
    Settings settings = quiet();
    settings.listen = {url};
    CHECK(error_of(settings).find(url.substr(5)) != std::string::npos);
    expect_echo(url);
}

TEST_CASE("what cannot work is one sentence") {
    const auto with = [](auto change) {
        Settings settings = quiet();
        change(settings);
        return error_of(settings);
    };
    CHECK(with([](Settings& s) { s.listen = {"tcp://1.2.3.4:5"}; }).find("tcp://1.2.3.4:5") !=
          std::string::npos);
    CHECK(with([](Settings& s) { s.listen = {"ws://203.0.113.1:1"}; }) != "");
    CHECK(with([](Settings& s) {
              s.compression_threshold = 0;
          }).starts_with("compression_threshold:"));
    CHECK(with([](Settings& s) { s.uring_features = "teleport"; }).find("teleport") !=
          std::string::npos);
    Server malformed{quiet()};
    malformed.mount<Echo>("/{a}{b}");
    const auto result = malformed.start();
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().find("/{a}{b}") != std::string::npos);
}

TEST_CASE("a handler whose constructor throws fails the start") {
    struct Broken {
        Broken() { throw std::runtime_error{"no database"}; }
        void on_message(Session<>&, Message) {}
    };
    on_each_io([](Io io) {
        Server server{quiet(io, 2)};
        server.mount<Broken>("/x");
        const auto result = server.start();
        REQUIRE_FALSE(result.has_value());
        CHECK(result.error().find("no database") != std::string::npos);
    });
}

TEST_CASE("after a start that failed there is nothing to wait for") {
    Server first{quiet()};
    Settings settings = quiet();
    settings.listen = {started(first)};
    Server second{settings};
    CHECK_FALSE(second.start().has_value());
    second.wait();
}

TEST_CASE("a handler may stop the server; all clients are told, and what was sent arrives") {
    on_each_io([](Io io) {
        Server server{quiet(io, 2)};
        server.mount<Stopper>("/stop", {}, std::function<void()>{[&server] { server.stop(); }});
        server.mount<Echo>("/echo");
        const std::string url = started(server);
        std::vector<SocketClient> others;
        for (int i = 0; i < 10; ++i) others.emplace_back(url).open();
        SocketClient client{url};
        client.open({.target = "/stop"});
        client.send(test::text_frame("last words"));
        CHECK(client.message() == "last words");
        others.push_back(std::move(client));
        for (SocketClient& other : others) {
            CHECK(other.close_code() == 1001);
            other.send(test::close_frame(1001));
            CHECK(other.at_end());
        }
        server.wait();
        CHECK(server.stats().connections == 0);
        CHECK(server.stats().sessions == 0);
    });
}

TEST_CASE("a server can be stopped before it was started, twice, and while nobody waits") {
    Server unstarted{quiet()};
    unstarted.stop();
    Server server{quiet()};
    server.mount<Echo>("/echo");
    started(server);
    CHECK_FALSE(server.start().has_value());
    server.stop(CloseCode::service_restart);
    server.stop(CloseCode::going_away);
}

TEST_CASE("a new server in the same process serves on the same port") {
    on_each_io([](Io io) {
        std::string url;
        for (int i = 0; i < 3; ++i) {
            Settings settings = quiet(io, 2);
            if (!url.empty()) settings.listen = {url};
            Server server{settings};
            server.mount<Echo>("/echo");
            url = started(server);
            expect_echo(url);
        }
    });
}

TEST_CASE("clients that do not answer are cut after shutdown_timeout") {
    on_each_io([](Io io) {
        Settings settings = quiet(io);
        settings.shutdown_timeout = 0ms;
        settings.close_timeout = 24h;
        Server server{settings};
        server.mount<Echo>("/echo");
        const std::string url = started(server);
        SocketClient silent{url};
        silent.open();
        SocketClient half{url};
        half.send("GET /echo");
        server.stop();
        server.wait();
        silent.read_to_end();
        half.read_to_end();
        CHECK(server.stats().connections == 0);
    });
}

TEST_CASE("the destructor cuts, too, whoever has not answered a stop()") {
    on_each_io([](Io io) {
        Settings settings = quiet(io);
        settings.shutdown_timeout = 0ms;
        settings.close_timeout = 24h;
        std::optional<Server> server{std::in_place, settings};
        server->mount<Echo>("/echo");
        SocketClient silent{started(*server)};
        silent.open();
        server->stop(CloseCode::service_restart);
        server->stop(CloseCode::going_away);
        CHECK(silent.close_code() == 1012);
        server.reset();
        CHECK(silent.at_end());
    });
}

TEST_CASE("on_tick comes on every shard") {
    on_each_io([](Io io) {
        Journal journal;
        Settings settings = quiet(io, 2);
        settings.tick_interval = 1ms;
        Server server{settings};
        server.mount<Ticking>("/tick", {}, std::ref(journal));
        started(server);
        journal.await("tick:0");
        journal.await("tick:1");
    });
}

TEST_CASE("the server counts what it did") {
    on_each_io([](Io io) {
        Server server{quiet(io, 2)};
        server.mount<Echo>("/echo", {.message_bytes_max = 100});
        const std::string url = started(server);
        for (int i = 0; i < 4; ++i) expect_echo(url);
        SocketClient{url}.request({.target = "/nothing"});
        SocketClient big{url};
        big.open();
        big.send(test::text_frame(std::string(101, 'x')));
        CHECK(big.close_code() == 1009);
        CHECK(big.at_end());
        server.stop();
        server.wait();
        const Stats stats = server.stats();
        CHECK(stats.accepts == 6);
        CHECK(stats.handshakes == 5);
        CHECK(stats.handshakes_refused == 1);
        CHECK(stats.messages_received == 4);
        CHECK(stats.messages_sent == 4);
        CHECK(stats.protocol_errors == 0);
        CHECK(stats.messages_too_big == 1);
        CHECK(stats.bytes_received > 0);
        CHECK(stats.bytes_sent > 0);
        CHECK(stats.ring_calls > 0);
        CHECK(stats.connections == 0);
    });
}

TEST_CASE("connections over connections_max are closed, and pages of other origins refused") {
    on_each_io([](Io io) {
        Settings settings = quiet(io);
        settings.connections_max = 2;
        Server server{settings};
        server.mount<Echo>("/echo");
        const std::string url = started(server);
        SocketClient one{url};
        CHECK(one.request({.origin = "http://elsewhere.example"}).status == 403);
        CHECK(one.at_end());
        SocketClient two{url};
        two.open({.host = "here:1", .origin = "http://here:1"});
        SocketClient three{url};
        three.send("GET");
        SocketClient four{url};
        four.send("GET");
        // Which of the two is over the limit depends on when the first has gone.
        three.shut_sending();
        three.read_to_end();
        four.shut_sending();
        four.read_to_end();
        two.close();
    });
}

TEST_CASE("pages of allowed origins may connect, and a pattern that is none is a mistake") {
    on_each_io([](Io io) {
        Settings settings = quiet(io);
        settings.allowed_origins = {"https://*.example.org", "http://localhost:*"};
        Server server{settings};
        server.mount<Echo>("/echo");
        const std::string url = started(server);
        SocketClient one{url};
        one.open({.origin = "https://app.example.org"});
        SocketClient two{url};
        two.open({.origin = "http://localhost:3000"});
        SocketClient three{url};
        CHECK(three.request({.origin = "https://example.org"}).status == 403);
        one.close();
        two.close();
    });
    Settings settings;
    settings.allowed_origins = {"https://example.org", "example.org"};
    Server server{settings};
    server.mount<Echo>("/echo");
    const auto result = server.start();
    REQUIRE_FALSE(result);
    CHECK(result.error().starts_with("allowed_origins: 'example.org'"));
}

TEST_CASE("a stop that comes before run() or during it is not lost") {
    on_each_io([](Io io) {
        Server early{quiet(io, 2)};
        early.mount<Echo>("/echo");
        early.stop();
        CHECK(early.run() == 0);
        CHECK(early.stats().connections == 0);

        Server server{quiet(io, 4)};
        server.mount<Echo>("/echo");
        std::thread stopper{[&] { server.stop(); }};
        CHECK(server.run() == 0);
        stopper.join();
    });
}

TEST_CASE("an exception out of on_started leaves run() when the server has ended") {
    on_each_io([](Io io) {
        Server server{quiet(io, 2)};
        server.mount<Echo>("/echo");
        std::optional<SocketClient> client;
        const auto fail = [&] {
            client.emplace(server.addresses().at(0)).open().close();
            throw std::runtime_error{"no time today"};
        };
        CHECK_THROWS_WITH(server.run(fail), "no time today");
        CHECK(server.stats().handshakes == 1);
        CHECK(server.stats().connections == 0);
        server.stop();  // Wakes nobody who is gone.

        Server next{quiet(io)};  // The signals are free again.
        CHECK(next.run([&] { next.stop(); }) == 0);
    });
}

TEST_CASE("a handler may ask and stop the server while other shards still start") {
    on_each_io([](Io io) {
        Server server{quiet(io, 4)};
        server.mount<Constructed>("/", {}, std::function<void()>{[&] {
                                      (void)server.stats();
                                      server.stop();
                                  }});
        CHECK(server.run() == 0);
    });
}

TEST_CASE("whatever a handler's constructor throws is why the server does not start") {
    Server server{quiet()};
    server.mount<Constructed>("/", {}, std::function<void()>{[] { throw 7; }});
    const auto result = server.start();
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error() == "a handler's constructor threw");
}
