// Who is at the other end: connections over the maximum, limits on one client, proxies.

#include <doctest/doctest.h>
#include <string>

#include "support/proxy_header.hpp"
#include "unit/shard/secure_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;
using namespace std::chrono_literals;

namespace {

ring::Address address(std::string_view text) {
    return ring::Address::of(parse_ip_endpoint(text).value());
}

TrustedProxies proxies(std::initializer_list<std::string_view> texts) {
    TrustedProxies result;
    for (const std::string_view text : texts) REQUIRE(result.add(text));
    return result;
}

std::string request(std::string fields = {}) {
    return test::encode(test::UpgradeRequest{.fields = std::move(fields)});
}

/// A shard with limits on clients of its own, and connections from any address.
struct GuestKit : ShardKit {
    explicit GuestKit(const ClientLimits::Options& options = {}, const Settings& settings = {})
        : ShardKit{{}, settings, std::make_unique<ClientLimits>(options)} {
        endpoint->upgraded = [this](Upgrade& upgrade) {
            seen = upgrade.session.peer_address().to_string();
            return Verdict{};
        };
    }
    int accept_from(std::string_view peer) {
        const int fd = ring.add_connection();
        ring.socket(fd).peer = address(peer);
        ring.complete_accept(listener, fd);
        turn(3);  // Who is refused is told in the second, and closed in the third.
        return fd;
    }
    /// The status that an upgrade from there is answered with, and its connection.
    int open_from(std::string_view peer, const test::UpgradeRequest& request = {}) {
        last = accept_from(peer);
        if (!ring.socket(last).closed) send(last, test::encode(request));
        return take_response(last).status;
    }
    void end(int fd) {
        ring.finish_recv(fd, -ECONNRESET);
        turn(3);
        CHECK(ring.socket(fd).closed);
    }
    int last = 0;
    std::string seen;
};

}  // namespace

TEST_CASE("a connection over the maximum is told to come later, and gets no memory") {
    GuestKit kit{{}, {.connections_max = 1}};
    CHECK(kit.open_from("192.0.2.1") == 101);
    const int fd = kit.accept_from("192.0.2.2");
    const auto response = kit.take_response(fd);
    CHECK(response.status == 503);
    CHECK(response.field("retry-after") == "5");
    CHECK(kit.ring.socket(fd).closed);
    CHECK(kit.shard.connections() == 1);
    CHECK(kit.shard.metrics().accepts_refused == 1);
    SUBCASE("even where the answer does not go") {
        const int full = kit.ring.add_connection();
        kit.ring.socket(full).room = 10;
        kit.ring.complete_accept(ShardKit::listener, full);
        const int broken = kit.ring.add_connection();
        kit.ring.socket(broken).send_error = ECONNRESET;
        kit.ring.complete_accept(ShardKit::listener, broken);
        kit.turn(3);
        CHECK(kit.ring.socket(full).closed);
        CHECK(kit.ring.socket(broken).closed);
        CHECK(kit.shard.metrics().accepts_refused == 3);
        CHECK(kit.shard.metrics().unexpected_errors == 0);
    }
    SUBCASE("and a shutdown waits for it") {
        const int late = kit.ring.add_connection();
        kit.ring.complete_accept(ShardKit::listener, late);
        kit.shard.begin_shutdown(CloseCode::going_away);
    }
}

TEST_CASE("who is refused without memory is told when, too") {
    static http::UnixSeconds now;
    now = 784'111'777;
    GuestKit kit{{}, {.connections_max = 1, .wall_clock = []() noexcept { return now++; }}};
    CHECK(kit.open_from("192.0.2.1") == 101);
    // In one turn all get the same text, whatever the clock says meanwhile.
    const int fds[] = {kit.ring.add_connection(), kit.ring.add_connection()};
    for (const int fd : fds) kit.ring.complete_accept(ShardKit::listener, fd);
    kit.turn(3);
    for (const int fd : fds)
        CHECK(kit.take_response(fd).field("date") == "Sun, 06 Nov 1994 08:49:37 GMT");
    kit.accept_from("192.0.2.2");
    CHECK(kit.ring.socket(kit.accept_from("192.0.2.2")).closed);
    CHECK(kit.take_response(kit.accept_from("192.0.2.2")).field("date") ==
          "Sun, 06 Nov 1994 08:49:40 GMT");
}

TEST_CASE("one client has so many connections, until they have gone") {
    GuestKit kit{{.connections_per_client_max = 2}};
    CHECK(kit.open_from("192.0.2.1:1") == 101);
    CHECK(kit.open_from("192.0.2.1:2") == 101);
    const int second = kit.last;
    CHECK(kit.open_from("192.0.2.1:3") == 429);
    CHECK(kit.ring.socket(kit.last).closed);
    CHECK(kit.open_from("192.0.2.2:1") == 101);
    CHECK(kit.shard.metrics().clients_too_many == 1);
    kit.end(second);
    CHECK(kit.open_from("192.0.2.1:4") == 101);
    CHECK(kit.open_from("192.0.2.1:5") == 429);
    // One that never becomes a session counts as long as it is there.
    const int silent = kit.accept_from("192.0.2.3:1");
    CHECK(kit.open_from("192.0.2.3:2") == 101);
    CHECK(kit.open_from("192.0.2.3:3") == 429);
    kit.end(silent);
    CHECK(kit.open_from("192.0.2.3:4") == 101);
}

TEST_CASE("over TLS a client that has enough is closed without a word, and counted") {
    GuestKit kit{{.connections_per_client_max = 1}};
    kit.shard.set_tls(material_of(first_certificate()));
    kit.shard.listen(SecureKit::tls_listener, Transport::tls);
    kit.turn();
    CHECK(kit.open_from("192.0.2.1:1") == 101);
    const int fd = kit.ring.add_connection();
    kit.ring.socket(fd).peer = address("192.0.2.1:2");
    kit.ring.complete_accept(SecureKit::tls_listener, fd);
    kit.turn(3);
    CHECK(kit.ring.socket(fd).closed);
    CHECK(kit.ring.socket(fd).output == "");
    CHECK(kit.shard.metrics().clients_too_many == 1);
}

TEST_CASE("one client connects so often") {
    GuestKit kit{{.handshakes_per_client = 1, .burst_seconds = 2}};
    CHECK(kit.open_from("[2001:db8::1]:1") == 101);
    CHECK(kit.open_from("[2001:db8::2]:1") == 101);
    CHECK(kit.open_from("[2001:db8::3]:1") == 429);
    CHECK(kit.open_from("[2001:db8:0:1::3]:1") == 101);
    CHECK(kit.shard.metrics().clients_too_often == 1);
    kit.pass(1001ms);
    CHECK(kit.open_from("[2001:db8::3]:1") == 101);
    CHECK(kit.open_from("[2001:db8::3]:1") == 429);
}

TEST_CASE("trusted proxies have no limits of their own") {
    GuestKit kit{{.connections_per_client_max = 1},
                 {.trusted_proxies = proxies({"10.0.0.0/8", "unix"})}};
    for (int i = 0; i < 5; ++i) CHECK(kit.open_from("10.1.2.3:1") == 101);
    for (int i = 0; i < 2; ++i) {
        const int fd = kit.ring.add_connection();
        kit.ring.socket(fd).peer = ring::Address{.family = ring::Address::Family::unix_path};
        kit.ring.complete_accept(ShardKit::listener, fd);
        kit.turn(2);
        kit.send(fd, request());
        CHECK(kit.take_response(fd).status == 101);
    }
    CHECK(kit.open_from("192.0.2.1:1") == 101);
    CHECK(kit.open_from("192.0.2.1:1") == 429);
}

TEST_CASE("a trusted proxy tells whose request it is, and that client has the limits") {
    GuestKit kit{{.connections_per_client_max = 1}, {.trusted_proxies = proxies({"10.0.0.0/8"})}};
    const auto open = [&](const char* peer, std::string fields) {
        return kit.open_from(peer, {.fields = std::move(fields)});
    };
    CHECK(open("10.0.0.1:9", "X-Forwarded-For: 203.0.113.9, 192.0.2.1, 10.0.0.2\r\n") == 101);
    CHECK(kit.seen == "192.0.2.1");
    const int first = kit.last;
    CHECK(open("10.0.0.1:9", "X-Forwarded-For: 192.0.2.1\r\n") == 429);
    CHECK(open("10.0.0.1:9", "X-Forwarded-For: [2001:db8::7]:51234\r\n") == 101);
    CHECK(kit.seen == "[2001:db8::7]:51234");
    kit.end(first);
    CHECK(open("10.0.0.1:9", "X-Forwarded-For: 192.0.2.1\r\n") == 101);
    // All of them proxies: the one that is furthest.
    CHECK(open("10.0.0.1:9", "X-Forwarded-For: 10.0.0.3, 10.0.0.2\r\n") == 101);
    CHECK(kit.seen == "10.0.0.3");
    // Nobody knows: the last one of whom somebody did.
    CHECK(open("10.0.0.1:9", "X-Forwarded-For: unknown, 10.0.0.2\r\n") == 101);
    CHECK(kit.seen == "10.0.0.2");
    CHECK(open("10.0.0.1:9", "X-Forwarded-For: unknown\r\n") == 101);
    CHECK(kit.seen == "10.0.0.1:9");
    CHECK(open("10.0.0.1:9", "Forwarded: for=192.0.2.5\r\n") == 101);
    CHECK(kit.seen == "10.0.0.1:9");
    // Who is not trusted says what it likes.
    CHECK(open("192.0.2.77:9", "X-Forwarded-For: 203.0.113.1\r\n") == 101);
    CHECK(kit.seen == "192.0.2.77:9");
    CHECK(open("192.0.2.77:9", "X-Forwarded-For: 203.0.113.2\r\n") == 429);
}

TEST_CASE("plain requests that a proxy brings are no connections of their clients") {
    GuestKit kit{{.connections_per_client_max = 1, .handshakes_per_client = 1},
                 {.trusted_proxies = proxies({"10.0.0.0/8"})}};
    const auto get = [](const std::string& client) {
        return "GET /page HTTP/1.1\r\nHost: a\r\n" +
               (client.empty() ? "" : "X-Forwarded-For: " + client + "\r\n") + "\r\n";
    };
    const int fd = kit.accept_from("10.0.0.1:9");
    for (int i = 0; i < 50; ++i) {
        kit.send(fd, get("192.0.2." + std::to_string(i % 2)));
        CHECK(kit.take_response(fd).status == 200);
    }
    const int other = kit.accept_from("10.0.0.1:10");
    kit.send(other, get("192.0.2.1"));
    CHECK(kit.take_response(other).status == 200);
    CHECK(kit.open_from("10.0.0.1:11", {.fields = "X-Forwarded-For: 192.0.2.1\r\n"}) == 101);
    CHECK(kit.open_from("10.0.0.1:12", {.fields = "X-Forwarded-For: 192.0.2.1\r\n"}) == 429);
}

TEST_CASE("Forwarded is read instead where the settings say so, and refused if nobody can") {
    GuestKit kit{{},
                 {.trusted_proxies = proxies({"10.0.0.0/8"}),
                  .forwarded_field = http::ForwardedField::forwarded}};
    const auto open = [&](const char* peer, std::string fields) {
        return kit.open_from(peer, {.fields = std::move(fields)});
    };
    CHECK(open("10.0.0.1:9",
               "Forwarded: for=\"[2001:db8::7]:80\", for=10.0.0.2\r\n"
               "X-Forwarded-For: 192.0.2.1\r\n") == 101);
    CHECK(kit.seen == "[2001:db8::7]:80");
    CHECK(open("10.0.0.1:9", "Forwarded: for=\"192.0.2.1\r\n") == 400);
    CHECK(open("192.0.2.9:9", "Forwarded: for=\"192.0.2.1\r\n") == 101);
    CHECK(kit.seen == "192.0.2.9:9");
}

TEST_CASE("behind PROXY headers the source is the client, whatever the pieces") {
    GuestKit kit{
        {.connections_per_client_max = 1},
        {.trusted_proxies = proxies({"10.0.0.0/8"}), .proxy_protocol = ProxyProtocol::required}};
    const std::string line = "PROXY TCP4 192.0.2.1 198.51.100.1 51234 443\r\n";
    int fd = kit.accept_from("10.0.0.1:9");
    kit.send(fd, line + request());
    CHECK(kit.take_response(fd).status == 101);
    CHECK(kit.seen == "192.0.2.1:51234");
    const int first = fd;
    fd = kit.accept_from("10.0.0.1:10");
    kit.send(fd, line);
    CHECK(kit.take_response(fd).status == 429);
    kit.end(first);
    fd = kit.accept_from("10.0.0.1:11");
    for (const char c : line + request()) kit.send(fd, {&c, 1});
    CHECK(kit.take_response(fd).status == 101);
    CHECK(kit.seen == "192.0.2.1:51234");
    // The proxy's own, for example to see whether we live.
    fd = kit.accept_from("10.0.0.1:12");
    kit.send(fd, test::binary_proxy_header(0x20, 0, "") + request());
    CHECK(kit.take_response(fd).status == 101);
    CHECK(kit.seen == "10.0.0.1:12");
    // A proxy behind the proxy, of requests.
    fd = kit.accept_from("10.0.0.1:13");
    kit.send(fd, "PROXY TCP4 10.0.0.2 198.51.100.1 1 443\r\n" +
                     request("X-Forwarded-For: 203.0.113.5\r\n"));
    CHECK(kit.take_response(fd).status == 101);
    CHECK(kit.seen == "203.0.113.5");
    fd = kit.accept_from("10.0.0.1:14");
    kit.send(fd, "PROXY TCP4 192.0.2.2 198.51.100.1 1 443\r\n" +
                     request("X-Forwarded-For: 203.0.113.6\r\n"));
    CHECK(kit.take_response(fd).status == 101);
    CHECK(kit.seen == "192.0.2.2:1");
}

TEST_CASE("a PROXY header comes before TLS, whatever the pieces") {
    SecureKit kit{
        {},
        {.trusted_proxies = proxies({"0.0.0.0/32"}), .proxy_protocol = ProxyProtocol::required}};
    std::string seen;
    kit.endpoint->upgraded = [&](Upgrade& upgrade) {
        seen = upgrade.session.peer_address().to_string();
        return Verdict{};
    };
    for (const std::size_t cut : {1u, 20u, 10'000u}) {
        const int fd = kit.connect();
        const std::string wire =
            "PROXY TCP4 192.0.2.1 198.51.100.1 51234 443\r\n" + kit.tls(fd).take_output();
        for (std::size_t at = 0; at < wire.size(); at += cut) kit.send(fd, wire.substr(at, cut));
        kit.take_input(fd);
        kit.exchange(fd);
        REQUIRE(kit.tls(fd).is_open());
        seen.clear();
        kit.say(fd, request());
        CHECK(kit.take_tls_response(fd).status == 101);
        CHECK(seen == "192.0.2.1:51234");
    }
    const int bare = kit.connect();
    kit.send(bare, kit.tls(bare).take_output());
    kit.turn(2);
    CHECK(kit.ring.socket(bare).closed);
    CHECK(kit.ring.socket(bare).output.empty());
}

TEST_CASE("where PROXY headers are required nothing else gets in") {
    GuestKit kit{
        {},
        {.trusted_proxies = proxies({"10.0.0.0/8"}), .proxy_protocol = ProxyProtocol::required}};
    const int stranger = kit.accept_from("192.0.2.1:9");
    CHECK(kit.ring.socket(stranger).closed);
    CHECK(kit.ring.socket(stranger).output.empty());
    CHECK(kit.shard.metrics().proxies_untrusted == 1);
    const int without = kit.accept_from("10.0.0.1:9");
    kit.send(without, request());
    kit.turn(2);
    CHECK(kit.ring.socket(without).closed);
    CHECK(kit.ring.socket(without).output.empty());
    CHECK(kit.shard.metrics().proxy_headers_malformed == 1);
    // More that has come by the same turn is nobody's.
    const int talkative = kit.accept_from("10.0.0.1:11");
    for (int i = 0; i < 3; ++i) kit.ring.deliver(talkative, request());
    kit.turn(3);
    CHECK(kit.ring.socket(talkative).closed);
    CHECK(kit.shard.metrics().proxy_headers_malformed == 2);
    const int silent = kit.accept_from("10.0.0.1:10");
    kit.send(silent, "PROXY TCP4 192.0.");
    kit.pass(11s);
    kit.turn(2);
    CHECK(kit.ring.socket(silent).closed);
    CHECK(kit.ring.socket(silent).output.empty());
    CHECK(kit.endpoint->opened_count == 0);
}
