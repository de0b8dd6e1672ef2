// Many connections at once: each turn begins to read some of them, and serves everybody else.

#include <algorithm>
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "unit/shard/http_kit.hpp"
#include "unit/shard/shards_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;
using namespace std::chrono_literals;

namespace {

Settings with_newcomers(std::uint32_t per_turn) {
    Settings settings;
    settings.newcomers_per_turn = per_turn;
    return settings;
}

/// Clients that the listener brings in one go.
std::vector<int> come_at_once(test::FakeRing& ring, std::size_t count,
                              int listener = ShardKit::listener) {
    std::vector<int> fds;
    for (std::size_t i = 0; i < count; ++i) {
        fds.push_back(ring.add_connection());
        ring.complete_accept(listener, fds.back());
    }
    return fds;
}

/// How many of them are read, which are the first.
std::size_t count_read(test::FakeRing& ring, const std::vector<int>& fds) {
    const auto is_read = [&](int fd) { return ring.socket(fd).recv.has_value(); };
    const auto end = std::ranges::find_if_not(fds, is_read);
    CHECK(std::ranges::none_of(end, fds.end(), is_read));
    return static_cast<std::size_t>(end - fds.begin());
}

}  // namespace

TEST_CASE("a live delivery is not behind the handshakes of all who have come at once") {
    ShardsKit kit{{.shards = 1, .settings = with_newcomers(4)}};
    const std::string topic = kit.topic_of(0);
    const ShardClient subscriber = kit.subscriber(0, topic);
    const ShardClient publisher = kit.publisher(0, topic);
    const std::vector<int> fds = come_at_once(kit.ring(0), 10);
    std::size_t answered = 0;
    for (int turns = 0; answered < fds.size(); ++turns) {
        REQUIRE(turns < 10);
        // A client's request has been sent already when the shard begins to read.
        for (std::size_t i = answered; i < count_read(kit.ring(0), fds); ++i)
            kit.send({0, fds[i]}, ShardsKit::request("/topics/" + topic));
        kit.publish(publisher, std::to_string(turns));
        kit.turn(2);
        CHECK(kit.received(subscriber) == std::to_string(turns));
        const std::size_t before = answered;
        while (answered < fds.size() && kit.response({0, fds[answered]}) == 101) ++answered;
        CHECK(answered - before <= 2 * 4);
    }
}

TEST_CASE("a turn begins to read so many newcomers, in order, and does not wait meanwhile") {
    ShardKit kit{{}, with_newcomers(3)};
    const std::vector<int> fds = come_at_once(kit.ring, 10);
    for (const std::size_t read : {0u, 3u, 6u}) {
        kit.turn();
        CHECK(count_read(kit.ring, fds) == read);
    }
    // More come behind the one that waits.
    const std::vector<int> others = come_at_once(kit.ring, 3);
    kit.turn(2);
    CHECK(kit.ring.last_wait().until <= kit.ring.now());
    CHECK(count_read(kit.ring, fds) == 10);
    CHECK(count_read(kit.ring, others) == 2);
    kit.turn();
    CHECK(count_read(kit.ring, others) == 3);
    CHECK(kit.ring.last_wait().until > kit.ring.now());
    for (const int fd : fds) {
        kit.send(fd, encode(test::UpgradeRequest{}));
        CHECK(kit.take_response(fd).status == 101);
    }
}

TEST_CASE("who is not read yet is not late") {
    Settings settings = with_newcomers(1);
    settings.handshake_timeout = 10s;
    ShardKit kit{{}, settings};
    const std::vector<int> fds = come_at_once(kit.ring, 3);
    for (int i = 0; i < 3; ++i) {
        kit.turn();
        kit.ring.advance(4s);
    }
    // The first one has had 12 seconds, the second 8.
    kit.turn(3);
    CHECK(kit.ring.socket(fds[0]).closed);
    kit.send(fds[1], encode(test::UpgradeRequest{}));
    CHECK(kit.take_response(fds[1]).status == 101);
    kit.pass(5s);
    kit.send(fds[2], encode(test::UpgradeRequest{}));
    CHECK(kit.take_response(fds[2]).status == 101);
    CHECK(kit.shard.metrics().timeouts == 1);
}

TEST_CASE("newcomers that wait have their places, and are told of a shutdown") {
    Settings settings = with_newcomers(1);
    settings.connections_max = 4;
    ShardKit kit{{}, settings};
    const std::vector<int> fds = come_at_once(kit.ring, 5);
    kit.turn(2);
    CHECK(kit.take_response(fds[4]).status == 503);  // There is no room for a fifth.
    CHECK(kit.shard.metrics().connections == 4);
    SUBCASE("in order") {
        kit.shard.begin_shutdown(CloseCode::going_away);
        kit.turn(2);
        for (std::size_t i = 0; i < 4; ++i) {
            CHECK(kit.take_response(fds[i]).status == 503);
            kit.ring.finish_recv(fds[i], 0);
        }
        kit.turn(3);
    }
    SUBCASE("at once") {
        kit.shard.begin_shutdown(CloseCode::going_away);
        kit.shard.terminate_all();
        kit.turn(3);
    }
    CHECK(kit.shard.connections() == 0);
}

TEST_CASE("admins do not stand in the line of clients") {
    HttpKit kit{with_newcomers(1)};
    const std::vector<int> clients = come_at_once(kit.ring, 5, HttpKit::listener);
    const std::vector<int> admins = come_at_once(kit.ring, 2, HttpKit::admin_listener);
    kit.turn(2);
    CHECK(count_read(kit.ring, clients) == 1);
    CHECK(count_read(kit.ring, admins) == 2);
}
