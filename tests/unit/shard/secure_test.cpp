// TLS connections: handshakes, records of any cut, output that waits, and many at once.

#include <doctest/doctest.h>
#include <random>
#include <string>
#include <vector>

#include "unit/shard/secure_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;

namespace {

constexpr int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

test::TlsClientOptions only(int version) {
    return {.version_min = version, .version_max = version};
}

/// Text in which no two places look alike.
std::string varied_text(std::size_t size) {
    std::string text;
    while (text.size() < size) text += std::to_string(text.size()) + ',';
    text.resize(size);
    return text;
}

}  // namespace

TEST_CASE("a TLS listener serves what a plain one serves, beside it") {
    for (const int version : versions) {
        CAPTURE(version);
        SecureKit kit;
        const int plain = kit.open();
        const int fd = kit.open_tls(only(version));
        kit.say(fd, test::text_frame("hello") + test::ping_frame("p"));
        kit.send(plain, test::text_frame("plain"));
        const auto frames = kit.take_tls_frames(fd);
        REQUIRE(frames.size() == 2);
        CHECK(frames[0].payload == "hello");
        CHECK(frames[1] == test::ServerFrame{test::opcode_pong, true, "p"});
        CHECK(kit.take_frames(plain).at(0).payload == "plain");
        CHECK(kit.shard.metrics().tls_handshakes == 1);
        CHECK(kit.shard.metrics().tls_resumptions == 0);
        CHECK(kit.shard.metrics().queue_bytes == 0);
        CHECK(kit.shard.metrics().quiet_shortfalls == 0);
    }
}

TEST_CASE("a client may come back with its session") {
    SecureKit kit;
    const int fd = kit.open_tls();
    const int again = kit.open_tls({.session = kit.tls(fd).session()});
    kit.say(again, test::text_frame("again"));
    CHECK(kit.take_tls_frames(again).at(0).payload == "again");
    CHECK(kit.shard.metrics().tls_handshakes == 1);
    CHECK(kit.shard.metrics().tls_resumptions == 1);
}

TEST_CASE("wherever the client's stream is split, the same is said") {
    for (const int version : versions) {
        std::size_t bytes = 0;
        SecureKit kit;
        const auto talk = [&](std::size_t split) {
            const int fd = kit.connect(only(version));
            kit.split_at(fd, split);
            kit.exchange(fd);
            kit.say(fd, encode(test::UpgradeRequest{}) + test::text_frame("one"));
            kit.say(fd, test::text_frame("two") + test::close_frame(1000));
            CHECK(kit.take_tls_response(fd).status == 101);
            const auto frames = kit.take_tls_frames(fd);
            REQUIRE(frames.size() == 3);
            CHECK(frames[0].payload == "one");
            CHECK(frames[1].payload == "two");
            CHECK(frames[2].close_code() == 1000);
            CHECK(kit.tls(fd).has_peer_closed());
            CHECK(kit.tls(fd).error() == "");
            bytes = std::max(bytes, kit.delivered_bytes(fd));
            kit.ring.finish_recv(fd, 0);
            kit.turn(3);
            CHECK(kit.ring.socket(fd).closed);
        };
        talk(SIZE_MAX);
        for (std::size_t split = 1; split < bytes; ++split) {
            CAPTURE(split);
            talk(split);
        }
    }
}

TEST_CASE("a client's stream may come octet by octet") {
    SecureKit kit;
    const int fd = kit.connect();
    kit.exchange(fd, 1);
    kit.say(fd, encode(test::UpgradeRequest{}), 1);
    kit.say(fd, test::text_frame(varied_text(300)), 1);
    CHECK(kit.take_tls_response(fd).status == 101);
    CHECK(kit.take_tls_frames(fd).at(0).payload == varied_text(300));
}

TEST_CASE("large messages come back whole, whatever the kernel takes of them") {
    SessionLimits limits;
    limits.message_bytes_max = 2 << 20;
    limits.send_queue_bytes_max = 8 << 20;
    const std::string message = varied_text(1'000'000);
    for (const std::uint64_t room :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{100'000}, test::FakeRing::unlimited}) {
        CAPTURE(room);
        SecureKit kit{limits};
        const int fd = kit.open_tls();
        kit.ring.socket(fd).room = room;
        kit.tls(fd).send(test::binary_frame(message) + test::text_frame("behind"));
        kit.deliver_output(fd);
        kit.turn(3);
        if (room == 0) {
            // What waits is counted as plaintext, however much of it is encrypted already.
            CHECK(kit.shard.metrics().queue_bytes == 10 + message.size() + 2 + 6);
        }
        int turns = 0;
        for (; turns < 200 && kit.shard.metrics().queue_bytes > 0; ++turns) {
            kit.ring.give_room(fd, 30'000);
            kit.turn(1);
        }
        CHECK(turns < 200);
        kit.take_input(fd);
        const auto frames = kit.take_tls_frames(fd);
        REQUIRE(frames.size() == 2);
        CHECK(frames[0].payload == message);
        CHECK(frames[1].payload == "behind");
        CHECK(kit.shard.pool().blocks_in_use() == 0);
    }
}

TEST_CASE("a client that does not read is not read from, and what it has sent is served later") {
    SessionLimits limits;
    limits.send_queue_bytes_max = 1000;
    SecureKit kit{limits};
    const int fd = kit.open_tls();
    kit.ring.socket(fd).holds_cancel = true;
    kit.ring.socket(fd).room = 0;
    std::string wire;
    for (int i = 0; i < 40; ++i) wire += test::text_frame(std::to_string(i) + std::string(98, '.'));
    kit.tls(fd).send(wire);
    kit.deliver_output(fd);
    kit.turn(2);
    CHECK(kit.ring.socket(fd).cancelled);
    CHECK(kit.endpoint->messages_count == 5);
    CHECK(kit.shard.metrics().held_bytes > 3000);
    bool is_closed = false;

    SUBCASE("all of it") {}
    SUBCASE("and the end behind it is noticed at once") {
        kit.tls(fd).send(test::text_frame("last"));
        kit.tls(fd).close();
        kit.deliver_output(fd);
        kit.turn(2);
        is_closed = true;
    }
    kit.ring.finish_recv(fd, -ECANCELED);
    CHECK(kit.endpoint->endings.empty());
    for (int i = 0; i < 100; ++i) {
        kit.ring.give_room(fd, 300);
        kit.turn(2);
    }
    kit.take_input(fd);
    const auto frames = kit.take_tls_frames(fd);
    REQUIRE(frames.size() == (is_closed ? 41 : 40));
    for (int i = 0; i < 40; ++i)
        CHECK(frames[static_cast<std::size_t>(i)].payload.starts_with(std::to_string(i) + '.'));
    CHECK(kit.endpoint->endings.size() == (is_closed ? 1 : 0));
    CHECK(kit.tls(fd).has_peer_closed() == is_closed);
    CHECK(kit.shard.metrics().held_bytes == 0);
}

TEST_CASE("more than fits the arena of a turn is sent in portions, to each its own") {
    SessionLimits limits;
    limits.message_bytes_max = 1 << 20;
    SecureKit kit{limits};
    std::vector<int> clients;
    for (int i = 0; i < 12; ++i) clients.push_back(kit.open_tls());
    const int plain = kit.open();
    std::map<int, std::string> sent;
    for (const int fd : clients) {
        sent[fd] = std::to_string(fd) + varied_text(100'000);
        kit.tls(fd).send(test::binary_frame(sent[fd]));
        if (fd % 3 == 0) kit.ring.socket(fd).room = 5'000;
        kit.deliver_output(fd);
    }
    kit.ring.deliver(plain, test::binary_frame(std::string(50'000, 'p')));
    kit.turn(3);
    CHECK(kit.take_frames(plain).at(0).payload == std::string(50'000, 'p'));
    for (const int fd : clients) {
        kit.ring.give_room(fd, test::FakeRing::unlimited);
        kit.turn(3);
        kit.take_input(fd);
        const auto frames = kit.take_tls_frames(fd);
        REQUIRE(frames.size() == 1);
        CHECK(frames[0].payload == sent[fd]);
    }
    CHECK(kit.shard.metrics().queue_bytes == 0);
}

TEST_CASE("what is sent before and behind the answer to a key update keeps its order") {
    SecureKit kit;
    const int fd = kit.open_tls(only(TLS1_3_VERSION));
    for (const std::uint64_t room : {test::FakeRing::unlimited, std::uint64_t{10}}) {
        kit.ring.socket(fd).room = room;
        std::string expected;
        for (int i = 0; i < 20; ++i) {
            kit.tls(fd).send(test::text_frame(std::to_string(i)));
            if (i % 5 == 0) kit.tls(fd).send_key_update();
            if (i % 2 == 0) kit.deliver_output(fd);
            if (i % 4 == 0) kit.turn();
        }
        kit.turn(2);
        kit.ring.give_room(fd, test::FakeRing::unlimited);
        kit.exchange(fd);
        const auto frames = kit.take_tls_frames(fd);
        REQUIRE(frames.size() == 20);
        for (std::size_t i = 0; i < 20; ++i) CHECK(frames[i].payload == std::to_string(i));
    }
}

TEST_CASE("whatever is sent, cut and taken in whatever pieces, each message comes back in order") {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        std::mt19937 random{seed};
        const auto below = [&](std::uint32_t bound) {
            return static_cast<std::uint32_t>(random()) % bound;
        };
        SessionLimits limits;
        limits.send_queue_bytes_max = 1 << (10 + below(12));
        limits.message_bytes_max = 1 << 20;
        SecureKit kit{limits};
        std::vector<std::string> sent;
        const int fd = kit.open_tls(only(versions[below(2)]));
        kit.ring.socket(fd).room = 0;
        std::string wire;
        for (int i = 0; i < 60; ++i) {
            const std::uint32_t size = below(10) == 0 ? below(300'000) : below(2'000);
            sent.push_back(std::to_string(i) + varied_text(size));
            kit.tls(fd).send(test::binary_frame(sent.back()));
            if (below(8) == 0) kit.tls(fd).send(test::ping_frame());
            wire += kit.tls(fd).take_output();
        }
        int turns = 0;
        const auto is_done = [&] {
            return wire.empty() && kit.endpoint->messages_count == sent.size() &&
                   kit.shard.metrics().queue_bytes == 0;
        };
        for (; turns < 20'000 && !is_done(); ++turns) {
            if (!wire.empty() && kit.ring.socket(fd).recv && below(2) == 0) {
                const std::size_t size = std::min<std::size_t>(wire.size(), 1 + below(30'000));
                kit.ring.deliver(fd, wire.substr(0, size));
                wire.erase(0, size);
            }
            if (below(3) == 0) kit.ring.give_room(fd, below(60'000));
            kit.turn();
        }
        CHECK(turns < 20'000);
        kit.take_input(fd);
        std::vector<std::string> received;
        for (auto& frame : kit.take_tls_frames(fd))
            if (frame.opcode == test::opcode_binary) received.push_back(std::move(frame.payload));
        CHECK(received == sent);
        CHECK(kit.shard.metrics().messages_dropped == 0);
    }
}

// Handshakes in portions.

TEST_CASE("a turn answers so many handshakes, in order, and open connections beside them") {
    Settings settings;
    settings.tls_handshakes_per_turn = 3;
    SecureKit kit{{}, settings};
    const int open = kit.open_tls();
    std::vector<int> clients;
    for (int i = 0; i < 10; ++i) clients.push_back(kit.connect());
    const auto answered = [&] {
        std::size_t count = 0;
        while (count < clients.size() && !kit.ring.socket(clients[count]).output.empty()) ++count;
        for (std::size_t i = count; i < clients.size(); ++i)
            CHECK(kit.ring.socket(clients[i]).output.empty());
        return count;
    };
    for (const int fd : clients) kit.deliver_output(fd);
    kit.tls(open).send(test::text_frame("meanwhile"));
    kit.deliver_output(open);
    kit.turn(2);
    kit.take_input(open);
    CHECK(kit.take_tls_frames(open).at(0).payload == "meanwhile");
    CHECK(answered() == 3);
    CHECK(kit.shard.metrics().tls_handshakes_deferred == 7);
    CHECK(kit.ring.last_wait().until <= kit.ring.now());
    kit.turn();
    CHECK(answered() == 6);
    CHECK(kit.shard.metrics().input_bytes > 0);
    kit.turn(3);
    CHECK(answered() == 10);
    CHECK(kit.shard.metrics().input_bytes == 0);  // What waited has been dealt with.
    for (const int fd : clients) {
        kit.take_input(fd);
        kit.exchange(fd);
        CHECK(kit.tls(fd).is_open());
        kit.say(fd, encode(test::UpgradeRequest{}));
        CHECK(kit.take_tls_response(fd).status == 101);
    }
    CHECK(kit.shard.metrics().held_bytes == 0);
}

TEST_CASE("records of an octet each are decrypted in portions, whatever comes behind them") {
    SecureKit kit;
    const int flooder = kit.open_tls();
    const int honest = kit.open_tls();
    const std::string flood = test::binary_frame(std::string(5000, 'a'));
    for (const char octet : flood) kit.tls(flooder).send({&octet, 1});
    kit.deliver_output(flooder);
    kit.turn();
    CHECK(kit.shard.metrics().turn_suspensions == 1);
    CHECK(kit.shard.metrics().held_bytes > 5000);
    // To be read behind them, before which the receive ends.
    kit.tls(flooder).send(test::text_frame("last"));
    kit.deliver_output(flooder);
    for (int i = 0; i < 3; ++i) {
        kit.say(honest, test::text_frame("hello"));
        CHECK(kit.take_tls_frames(honest).size() == 1);
    }
    SUBCASE("and then all is answered in order") {
        kit.turn(30);
        kit.exchange(flooder);
        const auto frames = kit.take_tls_frames(flooder);
        REQUIRE(frames.size() == 2);
        CHECK(frames[0].payload == std::string(5000, 'a'));
        CHECK(frames[1].payload == "last");
        CHECK(kit.shard.metrics().held_bytes == 0);
    }
    SUBCASE("even if the end comes meanwhile") {
        kit.ring.finish_recv(flooder, 0);
        kit.turn(40);
        kit.take_input(flooder);
        CHECK(kit.take_tls_frames(flooder).size() == 2);
    }
    SUBCASE("unless the connection breaks") {
        kit.ring.finish_recv(flooder, -ECONNRESET);
        kit.turn(4);
        CHECK(kit.ring.socket(flooder).closed);
    }
    SUBCASE("or the shard ends") {
        kit.shard.begin_shutdown(CloseCode::going_away);
        kit.turn(4);
    }
}

TEST_CASE("a handshake that waits may get more to read, or end") {
    Settings settings;
    settings.tls_handshakes_per_turn = 1;
    SecureKit kit{{}, settings};
    std::vector<int> clients;
    for (int i = 0; i < 4; ++i) clients.push_back(kit.connect());
    const int last = clients.back();
    kit.ring.socket(last).holds_cancel = true;
    std::string hello = kit.tls(last).take_output();
    for (const int fd : clients) kit.deliver_output(fd);

    SUBCASE("more") {
        kit.ring.deliver(last, std::string_view{hello}.substr(0, 10));
        kit.ring.deliver(last, std::string_view{hello}.substr(10, 20));
        kit.turn(2);
        kit.ring.deliver(last, std::string_view{hello}.substr(30));
        kit.ring.finish_recv(last, -ECANCELED);
        kit.turn(6);
        kit.take_input(last);
        kit.exchange(last);
        CHECK(kit.tls(last).is_open());
    }
    SUBCASE("the end of the stream") {
        kit.ring.deliver(last, hello);
        kit.turn();
        kit.ring.finish_recv(last, 0);
        kit.turn(8);
        CHECK(kit.ring.socket(last).closed);
    }
    SUBCASE("a reset") {
        kit.ring.deliver(last, hello);
        kit.turn();
        kit.ring.finish_recv(last, -ECONNRESET);
        kit.turn(8);
        CHECK(kit.ring.socket(last).closed);
    }
    for (const int fd : clients) {
        if (kit.ring.socket(fd).closed) continue;
        kit.take_input(fd);
        kit.exchange(fd);
        CHECK(kit.tls(fd).is_open());
    }
    CHECK(kit.shard.metrics().held_bytes == 0);
}

TEST_CASE("the time for the opening handshake includes that of TLS") {
    Settings settings;
    settings.handshake_timeout = std::chrono::seconds{3};
    SecureKit kit{{}, settings};
    const int silent = kit.connect();
    const int half = kit.connect();
    kit.ring.deliver(half, kit.tls(half).take_output().substr(0, 50));
    const int open = kit.connect();
    kit.exchange(open);
    kit.pass(std::chrono::seconds{2});
    CHECK_FALSE(kit.ring.socket(silent).both_shut);
    kit.pass(std::chrono::seconds{1} + std::chrono::milliseconds{10});
    kit.turn(3);
    for (const int fd : {silent, half, open}) CHECK(kit.ring.socket(fd).closed);
    CHECK(kit.shard.metrics().timeouts == 3);
}

TEST_CASE("new certificates are for new connections, and come as a note") {
    SecureKit kit;
    const test::Certified second = test::issue({.names = "DNS:b.example", .days = 90});
    const int before = kit.open_tls();
    CHECK(kit.tls(before).sees(first_certificate()));
    const std::uint64_t expires_at = kit.shard.metrics().tls_certificate_expires_at;
    auto note = std::make_unique<Note>();
    note->kind = Note::Kind::tls;
    note->tls = std::make_unique<TlsMaterial>(material_of(second));
    REQUIRE(kit.shard.inbox().post(std::move(note)));
    kit.turn();
    const int after = kit.open_tls();
    CHECK(kit.tls(after).sees(second));
    CHECK(kit.shard.metrics().tls_certificate_expires_at > expires_at);
    kit.say(before, test::text_frame("still here"));
    CHECK(kit.take_tls_frames(before).at(0).payload == "still here");
}
