// How TLS connections end: close_notify on either side, streams cut off, failures.

#include <cerrno>
#include <doctest/doctest.h>
#include <string>

#include "unit/shard/secure_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;

namespace {

std::uint64_t failures(const ShardKit& kit, tls::Reason reason) {
    return kit.shard.metrics().tls_failures[tls_failure_index(reason)];
}

}  // namespace

TEST_CASE("a session that closes says so in both protocols, then ends its stream") {
    for (const bool is_behind : {false, true}) {
        CAPTURE(is_behind);
        SecureKit kit;
        const int fd = kit.open_tls();
        kit.tls(fd).send(test::text_frame("owed") + test::close_frame(1000));
        if (is_behind) {
            kit.ring.socket(fd).room = 7;
            kit.deliver_output(fd);
            kit.turn(4);
            CHECK_FALSE(kit.ring.socket(fd).sending_shut);
            kit.take_input(fd);
            CHECK_FALSE(kit.tls(fd).has_peer_closed());
            kit.ring.give_room(fd, test::FakeRing::unlimited);
        }
        kit.exchange(fd);
        kit.turn();
        const auto frames = kit.take_tls_frames(fd);
        REQUIRE(frames.size() == 2);
        CHECK(frames[1].close_code() == 1000);
        CHECK(kit.tls(fd).has_peer_closed());
        CHECK(kit.ring.socket(fd).sending_shut);
        CHECK(kit.endpoint->endings.at(0).code == CloseCode::normal);
        CHECK_FALSE(kit.ring.socket(fd).closed);

        SUBCASE("the client's end comes with a close_notify") {
            kit.tls(fd).close();
            kit.deliver_output(fd);
            kit.turn();
        }
        SUBCASE("the client's end comes without one") {}
        kit.ring.finish_recv(fd, 0);
        kit.turn(3);
        CHECK(kit.ring.socket(fd).closed);
    }
}

TEST_CASE("a stream that ends without a Close ends the session as abnormal") {
    SecureKit kit;
    const int fd = kit.open_tls();
    kit.tls(fd).send(test::text_frame("owed"));

    SUBCASE("by a close_notify: what is owed is sent, and ours") {
        kit.tls(fd).close();
        kit.exchange(fd);
        CHECK(kit.take_tls_frames(fd).at(0).payload == "owed");
        CHECK(kit.tls(fd).has_peer_closed());
        CHECK(kit.endpoint->endings.at(0).reason == "connection ended without a Close frame");
    }
    SUBCASE("cut off: the same, and the reason says so") {
        kit.deliver_output(fd);
        kit.ring.finish_recv(fd, 0);
        kit.turn(3);
        kit.take_input(fd);
        CHECK(kit.take_tls_frames(fd).at(0).payload == "owed");
        CHECK(kit.endpoint->endings.at(0).reason == "connection was cut off: no close_notify");
    }
    SUBCASE("by a reset") {
        kit.deliver_output(fd);
        kit.ring.finish_recv(fd, -ECONNRESET);
    }
    kit.turn(4);
    REQUIRE(kit.endpoint->endings.size() == 1);
    CHECK(kit.endpoint->endings[0].code == CloseCode::abnormal);
    CHECK(kit.ring.socket(fd).closed);
}

TEST_CASE(
    "a connection that breaks while ciphertext waits behind a send is closed when that is home") {
    SecureKit kit;
    const int fd = kit.open_tls();
    test::FakeRing::Socket& socket = kit.ring.socket(fd);
    socket.room = 3;
    socket.holds_shutdown = true;
    kit.tls(fd).send(test::text_frame("owed"));
    kit.deliver_output(fd);
    kit.turn(2);
    kit.ring.deliver(fd, std::string(100, '\x17'));  // The alert waits behind the echo.
    kit.turn();
    kit.ring.finish_recv(fd, -ECONNRESET);
    kit.turn(2);
    CHECK(socket.both_shut);
    CHECK_FALSE(socket.closed);
    kit.ring.give_room(fd, test::FakeRing::unlimited);
    kit.turn(2);
    CHECK(socket.closed);
    CHECK(kit.shard.connections() == 0);
    CHECK(kit.shard.metrics().queue_bytes == 0);
}

TEST_CASE("a close_notify that comes while output waits does not cost the client any of it") {
    SecureKit kit;
    const int fd = kit.open_tls();
    kit.ring.socket(fd).room = 3;
    kit.tls(fd).send(test::binary_frame(std::string(60'000, 'x')));
    kit.tls(fd).close();
    kit.deliver_output(fd);
    kit.turn(4);
    CHECK_FALSE(kit.ring.socket(fd).both_shut);
    kit.ring.give_room(fd, test::FakeRing::unlimited);
    kit.turn(4);
    kit.take_input(fd);
    CHECK(kit.take_tls_frames(fd).at(0).payload.size() == 60'000);
    CHECK(kit.tls(fd).has_peer_closed());
    CHECK(kit.ring.socket(fd).closed);
}

TEST_CASE("a plain request to a TLS listener is told so in plain text") {
    SecureKit kit;
    const int fd = kit.connect();
    kit.send(fd, encode(test::UpgradeRequest{}));
    const auto response = kit.take_response(fd);
    CHECK(response.status == 400);
    CHECK(response.body.find("TLS") != std::string::npos);
    CHECK(kit.unread_bytes(fd) == 0);
    kit.turn(2);
    CHECK(kit.ring.socket(fd).sending_shut);
    CHECK(failures(kit, tls::Reason::plain_http) == 1);
    kit.ring.finish_recv(fd, 0);
    kit.turn(2);
    CHECK(kit.ring.socket(fd).closed);
}

TEST_CASE("what is no TLS at all gets no answer") {
    SecureKit kit;
    const int fd = kit.connect();
    kit.send(fd, std::string("\x00\x01nonsense", 10));
    kit.turn(2);
    CHECK(kit.ring.socket(fd).output.empty());
    CHECK(kit.ring.socket(fd).sending_shut);
    CHECK(failures(kit, tls::Reason::not_tls) == 1);
}

TEST_CASE("a handshake that fails is told by an alert, counted, and the end") {
    SecureKit kit;
    const int fd = kit.connect({.version_min = TLS1_1_VERSION, .version_max = TLS1_1_VERSION});
    kit.exchange(fd);
    kit.turn(2);
    CHECK(kit.tls(fd).error() != "");
    CHECK(kit.ring.socket(fd).sending_shut);
    CHECK(failures(kit, tls::Reason::unsupported_version) == 1);
    CHECK(kit.shard.metrics().tls_handshakes == 0);
}

TEST_CASE("a forged record ends the session, and what waits is told to nobody") {
    SecureKit kit;
    const int fd = kit.open_tls();
    kit.ring.socket(fd).room = 100;
    kit.tls(fd).send(test::binary_frame(std::string(60'000, 'x')));
    kit.deliver_output(fd);
    kit.turn(2);
    CHECK(kit.shard.metrics().queue_bytes > 0);
    kit.tls(fd).send(test::text_frame("forged"));
    std::string record = kit.tls(fd).take_output();
    record.back() = static_cast<char>(record.back() ^ 1);
    kit.send(fd, record);
    CHECK(kit.shard.metrics().queue_bytes == 0);
    CHECK(failures(kit, tls::Reason::bad_record) == 1);
    REQUIRE(kit.endpoint->endings.size() == 1);
    CHECK(kit.endpoint->endings[0].code == CloseCode::abnormal);
    CHECK(kit.endpoint->messages_count == 1);
    kit.ring.give_room(fd, test::FakeRing::unlimited);
    kit.turn(3);
    kit.take_input(fd);
    CHECK(kit.tls(fd).error() != "");
    CHECK(kit.ring.socket(fd).sending_shut);
}

TEST_CASE("a shutdown closes TLS sessions in order, and cuts handshakes") {
    SecureKit kit;
    const int silent = kit.connect();
    const int half = kit.connect();
    kit.ring.deliver(half, kit.tls(half).take_output().substr(0, 100));
    const int requesting = kit.connect();
    kit.exchange(requesting);
    const int open = kit.open_tls();
    const int late = kit.ring.add_connection();
    kit.shard.begin_shutdown(CloseCode::service_restart);
    kit.ring.complete_accept(SecureKit::tls_listener, late);
    kit.turn(4);
    for (const int fd : {silent, half, late}) CHECK(kit.ring.socket(fd).closed);
    kit.exchange(requesting);
    CHECK(kit.take_tls_response(requesting).status == 503);
    CHECK(kit.tls(requesting).has_peer_closed());
    kit.exchange(open);
    CHECK(kit.take_tls_frames(open).at(0).close_code() == 1012);
    CHECK_FALSE(kit.tls(open).has_peer_closed());
    kit.say(open, test::close_frame(1012));
    CHECK(kit.tls(open).has_peer_closed());
    for (const int fd : {requesting, open}) kit.ring.finish_recv(fd, 0);
    kit.turn(4);
    CHECK(kit.shard.finished());
}

TEST_CASE("a TLS connection may break at any moment of its output") {
    SecureKit kit;
    const int fd = kit.open_tls();
    kit.tls(fd).send(test::binary_frame(std::string(50'000, 'x')));

    SUBCASE("in a quiet send") {
        kit.ring.socket(fd).send_error = EPIPE;
        kit.deliver_output(fd);
    }
    SUBCASE("in an ordinary one") {
        kit.ring.socket(fd).room = 10;
        kit.deliver_output(fd);
        kit.turn(3);
        kit.ring.fail_send(fd, ECONNRESET);
    }
    SUBCASE("while both directions are under way") {
        kit.ring.socket(fd).room = 10;
        kit.ring.socket(fd).holds_shutdown = true;
        kit.deliver_output(fd);
        kit.turn(3);
        kit.ring.finish_recv(fd, -ECONNRESET);
        kit.turn(2);
        kit.ring.fail_send(fd, EPIPE);
    }
    kit.turn(4);
    CHECK(kit.ring.socket(fd).closed);
    CHECK(kit.endpoint->endings.size() == 1);
    CHECK(kit.shard.metrics().queue_bytes == 0);
}

TEST_CASE("connections over the maximum are closed at accept, and counted") {
    Settings settings;
    settings.connections_max = 1;
    SecureKit kit{{}, settings};
    kit.open_tls();
    const int refused = kit.ring.add_connection();
    kit.ring.complete_accept(SecureKit::tls_listener, refused);
    kit.turn(2);
    CHECK(kit.ring.socket(refused).closed);
    CHECK(kit.shard.metrics().accepts_refused == 1);
}
