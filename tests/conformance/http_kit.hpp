#pragma once
// A server of plain HTTP beside WebSockets, and its listeners: that for clients, and where nothing
// is encrypted one for administration, which is the one that takes POSTs.

#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "conformance/conformance_kit.hpp"
#include "support/hostile_requests.hpp"

namespace ringcast::conformance {

inline constexpr std::string_view page_content = "a page\n";

/// Clients find a page at `/metrics`, where an admin listener has its own, an echo at `/echo`, and
/// one that leaves the idle soon at `/hasty`.
class HttpServer {
public:
    explicit HttpServer(Settings with = sockets::settings()) : server{add_admin(std::move(with))} {
        server.mount<sockets::Echo>("/echo");
        server.mount<sockets::Echo>("/hasty", {.idle_timeout = std::chrono::milliseconds{300}});
        server.mount_page("/metrics", {.content = std::string{page_content}});
        server.mount_topics("/topics", {.anonymous = TopicAccess::subscribe});
        const auto result = server.start();
        REQUIRE_MESSAGE(result.has_value(), (result ? "" : result.error()));
        clients = server.addresses().at(0);
        listeners = {clients};
        if (sockets::way().certificate_file.empty())
            listeners.push_back(server.admin_addresses().at(0));
    }

    Server server;
    std::string clients;                 ///< Where they connect to.
    std::vector<std::string> listeners;  ///< All that this run is about.

private:
    static Settings add_admin(Settings with) {
        with.admin_listen = {"http://127.0.0.1:0"};
        with.admin_connections_max = 100;  // Of each shard, and all may come to one.
        return with;
    }
};

/// Everything is as ever.
inline void expect_alive(const HttpServer& server) {
    Client client = connect(server.clients);
    client.open();
    expect_echo(client);
}

/// The connection is in order, and takes requests: ends it.
inline void expect_next_answer(Client& client) {
    client.write(test::get("Connection: close\r\n"));
    CHECK(client.response().status == 200);
    client.expect_end();
}

}  // namespace ringcast::conformance
