// Admin listeners and pages of a whole server, on each way to talk to the kernel.

#include <doctest/doctest.h>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include "unit/api/server_kit.hpp"

using namespace ringcast;
using namespace std::chrono_literals;

namespace {

struct WatchedEcho {
    void on_message(Session<>& session, Message message) { session.send(message); }
};

/// The answer to a plain GET, or to another method, over a connection of its own.
test::ServerResponse ask(const std::string& url, const std::string& path,
                         const std::string& method = "GET") {
    SocketClient client{url};
    client.send(method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    auto response = client.response(method == "HEAD");
    CHECK(client.at_end());
    return response;
}

Settings with_admin(Io io, const std::string& url, std::uint32_t shards = 1) {
    Settings settings = quiet(io, shards);
    settings.admin_listen = {url};
    return settings;
}

}  // namespace

TEST_CASE("an admin listener serves health and metrics, and nothing else does") {
    on_each_io([](Io io) {
        Server server{with_admin(io, "http://127.0.0.1:0", 2)};
        server.mount<WatchedEcho>("/echo");
        const std::string clients = started(server);
        REQUIRE(server.admin_addresses().size() == 1);
        const std::string admin = server.admin_addresses()[0];
        CHECK(admin.starts_with("http://127.0.0.1:"));
        CHECK(ask(admin, "/live").body == "ok\n");
        CHECK(ask(admin, "/ready").status == 200);
        CHECK(ask(admin, "/echo").status == 404);
        for (const char* const path : {"/live", "/ready", "/metrics", "/publish/a"}) {
            CAPTURE(path);
            CHECK(ask(clients, path).status == 404);
        }
        const std::string metrics = ask(admin, "/metrics").body;
        CHECK(metrics.find("ringcast_connections{shard=\"1\"} ") != std::string::npos);
        CHECK(metrics.find("ringcast_build_info{") != std::string::npos);
    });
}

TEST_CASE("all shards share an admin listener on a Unix path until the last has drained") {
    on_each_io([](Io io) {
        const std::string path = "/tmp/ringcast_admin_test_" + std::to_string(getpid());
        Settings settings = with_admin(io, "unix:" + path, 3);
        settings.close_timeout = 1h;
        settings.shutdown_timeout = 1h;
        Server server{settings};
        server.mount<WatchedEcho>("/echo");
        SocketClient client{started(server)};
        client.open();
        CHECK(server.admin_addresses() == std::vector<std::string>{"unix:" + path});
        CHECK(ask("unix:" + path, "/ready").status == 200);
        server.stop(CloseCode::service_restart);
        CHECK(client.close_code() == 1012);
        // One shard has a client that has not answered yet; the others have none.
        std::thread asking{[&] {
            for (int i = 0; i < 20; ++i) {
                CHECK(ask("unix:" + path, "/ready").status == 503);
                CHECK(ask("unix:" + path, "/live").status == 200);
            }
            client.send(test::close_frame(1012));
            CHECK(client.at_end());
        }};
        server.wait();
        asking.join();
        CHECK(access(path.c_str(), F_OK) != 0);
    });
}

TEST_CASE("what a local tool publishes reaches subscribers on every shard") {
    on_each_io([](Io io) {
        Server server{with_admin(io, "http://127.0.0.1:0", 2)};
        server.mount_topics("/topics", {.anonymous = TopicAccess::subscribe});
        const std::string url = started(server);
        std::vector<SocketClient> clients;
        for (int i = 0; i < 8; ++i)
            clients.emplace_back(url).open({.target = "/topics/stocks/acme"});
        for (const char* const body : {"{\"price\":42}", "[]"}) {
            SocketClient tool{server.admin_addresses()[0]};
            const std::string text{body};
            tool.send(
                "POST /publish/stocks/acme HTTP/1.1\r\nHost: a\r\nContent-Type: "
                "application/json\r\n"
                "Content-Length: " +
                std::to_string(text.size()) + "\r\n\r\n" + text);
            CHECK(tool.response().status == 202);
            for (SocketClient& client : clients) CHECK(client.message() == text);
        }
        CHECK(server.stats().publications == 2);
    });
}

TEST_CASE("admin connections are served when the clients have used up theirs") {
    on_each_io([](Io io) {
        Settings settings = with_admin(io, "http://[::1]:0");
        settings.connections_max = 1;
        Server server{settings};
        server.mount<WatchedEcho>("/echo");
        SocketClient client{started(server)};
        client.open();
        SocketClient second{server.addresses()[0]};
        second.read_to_end();
        const std::string metrics = ask(server.admin_addresses()[0], "/metrics").body;
        CHECK(metrics.find("ringcast_accepts_total{shard=\"0\",result=\"refused\"} 1\n") !=
              std::string::npos);
        CHECK(metrics.find("ringcast_connections{shard=\"0\"} 1\n") != std::string::npos);
        client.close();
    });
}

TEST_CASE("the admin listeners of a stopped server end behind the last client, without wait()") {
    on_each_io([](Io io) {
        Settings settings = with_admin(io, "http://127.0.0.1:0", 2);
        settings.close_timeout = settings.handshake_timeout = 1h;
        Server server{settings};
        server.mount<WatchedEcho>("/echo");
        SocketClient client{started(server)};
        client.open();
        SocketClient silent{server.admin_addresses()[0]};
        server.stop();
        CHECK(ask(server.admin_addresses()[0], "/ready").status == 503);
        client.close(1001);
        CHECK(silent.response().status == 503);
        CHECK(silent.at_end());
    });
}

TEST_CASE("a shutdown that takes too long cuts admin connections, too") {
    on_each_io([](Io io) {
        Settings settings = with_admin(io, "http://127.0.0.1:0");
        settings.close_timeout = 1h;
        settings.shutdown_timeout = 0s;
        Server server{settings};
        server.mount<WatchedEcho>("/echo");
        SocketClient client{started(server)};
        client.open();
        SocketClient admin{server.admin_addresses()[0]};
        server.stop();
        server.wait();
        client.read_to_end();
        admin.read_to_end();
    });
}

TEST_CASE("an admin listener that cannot be opened is an error with its address") {
    const auto error_of = [](const std::string& url) {
        Server server{with_admin(Io::epoll, url)};
        const auto started = server.start();
        return started ? std::string{} : started.error();
    };
    CHECK(error_of("ws://127.0.0.1:0") ==
          "'ws://127.0.0.1:0': expected http://address:port or unix:/path");
    CHECK(error_of("http://192.0.2.1:1").find("192.0.2.1:1") != std::string::npos);
}

TEST_CASE("a page and a handler share a path") {
    on_each_io([](Io io) {
        Server server{quiet(io)};
        server.mount<WatchedEcho>("/");
        server.mount_page("/", {.content = "<p>hello</p>", .headers = {{"X-Test", "yes"}}});
        const std::string url = started(server);
        const auto page = ask(url, "/");
        CHECK(page.status == 200);
        CHECK(page.body == "<p>hello</p>");
        CHECK(page.field("content-type") == "text/html; charset=utf-8");
        CHECK(page.field("x-test") == "yes");
        CHECK(ask(url, "/", "HEAD").field("content-length") == "12");
        CHECK(ask(url, "/", "DELETE").status == 405);
        SocketClient client{url};
        client.open({.target = "/"});
        client.send(test::text_frame("hi"));
        CHECK(client.message() == "hi");
        client.close();
    });
}

TEST_CASE("a page that HTTP does not allow, or whose path is none, is reported by start()") {
    const auto error_of = [](const std::string& path, const Page& page) {
        Server server{quiet()};
        server.mount_page(path, page);
        const auto started = server.start();
        return started ? std::string{} : started.error();
    };
    CHECK(error_of("/", {.headers = {{"a b", "c"}}}) == "page '/': header 'a b' is malformed");
    CHECK(error_of("/", {.headers = {{"a", "b\r\nc: d"}}}) == "page '/': header 'a' is malformed");
    CHECK(error_of("/", {.content_type = "\n"}).starts_with("page '/': content type"));
    CHECK(error_of("page", {}).find("'page'") != std::string::npos);
}
