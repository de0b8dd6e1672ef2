// Admin listeners: what is seen through them, their reserve of connections, and how long they stay.

#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "unit/shard/http_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;
using namespace std::chrono_literals;

TEST_CASE("clients never see what is for admins, nor the other way round") {
    HttpKit kit;
    CHECK(kit.ask(http_request("GET /metrics")).status == 404);
    CHECK(kit.ask(post_of("/publish/a", "x")).status == 404);
    CHECK(kit.ask(http_request("GET /"), HttpKit::admin_listener).status == 404);
    CHECK(kit.ask(encode(test::UpgradeRequest{}), HttpKit::admin_listener).status == 404);
    CHECK(kit.echo->opened_count == 0);
    CHECK(kit.ask(http_request("GET /metrics"), HttpKit::admin_listener).status == 200);
}

TEST_CASE("admins get in when there is no room for clients, and have a limit of their own") {
    Settings settings;
    settings.connections_max = 2;
    settings.admin_connections_max = 2;
    HttpKit kit{settings};
    for (int i = 0; i < 2; ++i) kit.accept();
    const int third = kit.accept();
    kit.turn();
    CHECK(kit.take_response(third).status == 503);
    CHECK(kit.ring.socket(third).closed);
    const int first = kit.accept(HttpKit::admin_listener);
    const int second = kit.accept(HttpKit::admin_listener);
    const int last = kit.accept(HttpKit::admin_listener);
    kit.turn();
    CHECK(kit.take_response(last).status == 503);
    CHECK(kit.ring.socket(last).closed);
    kit.send(first, http_request("GET /metrics"));
    CHECK(kit.take_response(first).status == 200);
    CHECK(kit.ends(first));
    CHECK(kit.ends(second));
    CHECK(kit.ask(http_request("GET /metrics"), HttpKit::admin_listener).status == 200);
    CHECK(kit.shard.metrics().accepts == 2);
    CHECK(kit.shard.metrics().accepts_refused == 1);
    CHECK(kit.shard.metrics().connections == 2);
}

TEST_CASE("admins take no room from clients") {
    Settings settings;
    settings.connections_max = 1;
    HttpKit kit{settings};
    for (int i = 0; i < 3; ++i) kit.accept(HttpKit::admin_listener);
    CHECK_FALSE(kit.ring.socket(kit.accept()).closed);
}

TEST_CASE("during a shutdown admins are served until they are ended, too") {
    HttpKit kit;
    const int client = kit.accept();
    kit.send(client, encode(test::UpgradeRequest{}));
    const int waiting = kit.accept(HttpKit::admin_listener);
    CHECK_FALSE(kit.shard.is_stopping());
    kit.shard.begin_shutdown(CloseCode::service_restart);
    kit.turn(4);
    CHECK(kit.shard.is_stopping());
    CHECK(kit.ring.is_listener_shut(HttpKit::listener));
    CHECK(kit.ring.is_accepting(HttpKit::admin_listener));

    // Who was there before, while a client drains, and when all clients have gone.
    const int before = kit.accept(HttpKit::admin_listener);
    CHECK(kit.ring.socket(waiting).output.empty());
    kit.send(waiting, http_request("GET /metrics"));
    CHECK(kit.take_response(waiting).status == 200);
    CHECK(kit.ask(http_request("GET /metrics"), HttpKit::admin_listener).status == 200);
    CHECK_FALSE(kit.shard.drained());
    kit.send(client, test::close_frame(1012));
    CHECK(kit.ends(client));
    CHECK(kit.shard.drained());
    kit.pass(1h);
    CHECK(kit.ask(http_request("GET /metrics"), HttpKit::admin_listener).status == 200);
    CHECK_FALSE(kit.shard.finished());

    const int late = kit.accept(HttpKit::admin_listener);
    kit.send(late, "GET /metr");
    kit.shard.end_admin();
    kit.turn(4);
    CHECK(kit.take_response(late).status == 503);
    CHECK(kit.ring.is_listener_shut(HttpKit::admin_listener));
    kit.pass(1h);  // Whoever does not go is cut by the close timeout.
    kit.turn(4);
    CHECK(kit.ring.socket(before).closed);
    CHECK(kit.shard.finished());
}

TEST_CASE("what the kernel has queued when the admin listeners end is told so") {
    HttpKit kit;
    kit.shard.end_admin();  // Not without a shutdown.
    kit.turn(2);
    CHECK(kit.ring.is_accepting(HttpKit::admin_listener));
    kit.shard.begin_shutdown(CloseCode::going_away);
    kit.turn(4);
    kit.shard.end_admin();
    const int fd = kit.ring.add_connection();
    kit.ring.complete_accept(HttpKit::admin_listener, fd);
    kit.turn(4);
    CHECK(kit.take_response(fd).status == 503);
}

TEST_CASE("closes are counted by code") {
    HttpKit kit;
    const auto count = [&](CloseCode code) {
        return kit.shard.metrics().closes[close_index(code)];
    };
    for (const int code : {1000, 1001, 1001, 3000, 3999, 4000, 4999, 4321}) {
        const int fd = kit.accept();
        kit.send(fd, encode(test::UpgradeRequest{}));
        kit.send(fd, test::close_frame(static_cast<std::uint16_t>(code)));
        CHECK(kit.ends(fd));
    }
    CHECK(count(CloseCode::normal) == 1);
    CHECK(count(CloseCode::going_away) == 2);
    CHECK(count(CloseCode{3500}) == 2);
    CHECK(count(CloseCode{4500}) == 3);
    CHECK(count(CloseCode::abnormal) == 0);
    const int fd = kit.accept();
    kit.send(fd, encode(test::UpgradeRequest{}));
    CHECK(kit.ends(fd));
    CHECK(count(CloseCode::abnormal) == 1);
    CHECK(kit.shard.metrics().sessions_closed == 9);
}
