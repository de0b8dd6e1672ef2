// Arming, cancelling, shutting down and closing.

#include <netinet/tcp.h>
#include <sys/resource.h>

#include "unit/ring/ring_kit.hpp"

namespace ringcast::ring {
namespace {

TEST_CASE("a cancelled recv ends with ECANCELED, and one armed later loses nothing") {
    on_each_ring([](const Variant& variant) {
        auto ring = make(variant);
        Pair pair = connected_pair(*ring);
        std::string received, written;
        bool armed = false;
        for (int round = 0; round < 50; ++round) {
            ring->recv(token_of(pair.server), pair.server);
            armed = true;
            // Sometimes the bytes come before the cancel, sometimes in its turn, sometimes after
            // it.
            const std::string text = pattern_text(1, written.size(), 100);
            const auto write = [&] {
                write_all(pair.client, text);
                written += text;
            };
            const auto take = [&](const Completion& completion) {
                REQUIRE(completion.token.opcode == Opcode::recv);
                armed = completion.has_more();
                if (completion.result == -ECANCELED)
                    CHECK(!armed);
                else
                    received += text_of(completion);
            };
            if (round % 3 == 0) write();
            for (const Completion& completion : ring->turn({.until = ring->now()}))
                take(completion);
            if (round % 3 == 1) write();
            ring->cancel(token_of(pair.server), pair.server);
            turn_until(*ring, [&] { return !armed; }, take);
            if (round % 3 == 2) write();
            CHECK(ring->turn({.until = ring->now()}).empty());  // Suspended: nothing arrives.
        }
        ring->recv(token_of(pair.server), pair.server);
        REQUIRE(::shutdown(pair.client.get(), SHUT_WR) == 0);
        bool ended = false;
        turn_until(
            *ring, [&] { return ended; },
            [&](const Completion& completion) {
                received += text_of(completion);
                ended = completion.result == 0;
                if (!ended && !completion.has_more())
                    ring->recv(token_of(pair.server), pair.server);
            });
        CHECK(received == written);
        close_all(*ring, {pair.server});
        check_idle(*ring);
    });
}

TEST_CASE("cancelling what is not armed does nothing, and another generation is not hit") {
    on_each_ring([](const Variant& variant) {
        auto ring = make(variant);
        Pair pair = connected_pair(*ring);
        ring->cancel(token_of(pair.server), pair.server);
        CHECK(ring->turn({.until = ring->now()}).empty());
        ring->recv(token_of(pair.server, 2), pair.server);
        ring->cancel(token_of(pair.server, 1), pair.server);
        CHECK(ring->turn({.until = ring->now()}).empty());
        CHECK(!ring->idle());
        ring->cancel(token_of(pair.server, 2), pair.server);
        bool ended = false;
        turn_until(
            *ring, [&] { return ended; },
            [&](const Completion& completion) {
                CHECK(completion.result == -ECANCELED);
                CHECK(completion.token.generation == 2);
                ended = true;
            });
        close_all(*ring, {pair.server});
        check_idle(*ring);
    });
}

TEST_CASE("accepting continues until it is cancelled") {
    on_each_ring([](const Variant& variant) {
        auto ring = make(variant);
        const Descriptor listener = listen_on_loopback();
        const auto arm = [&] { ring->accept(token_of(listener.get()), listener.get()); };
        std::vector<Descriptor> clients;
        std::vector<int> accepted;
        bool armed = true;
        bool stopping = false;
        const auto take = [&](const Completion& completion) {
            if (completion.result >= 0)
                accepted.push_back(completion.result);
            else
                CHECK(completion.result == -ECANCELED);
            armed = completion.has_more();
            if (!armed && !stopping) {
                arm();
                armed = true;
            }
        };
        arm();
        for (int i = 0; i < 100; ++i) clients.push_back(connect_to(listener));
        turn_until(*ring, [&] { return accepted.size() == 100; }, take);
        stopping = true;
        ring->cancel(token_of(listener.get()), listener.get(), Opcode::accept);
        turn_until(*ring, [&] { return !armed; }, take);
        const Descriptor late = connect_to(listener);
        CHECK(ring->turn({.until = ring->now()}).empty());  // It waits in the listener's queue.
        close_all(*ring, accepted);
        check_idle(*ring);
    });
}

TEST_CASE("accepted descriptors of the process are closed on exec, and inherit TCP_NODELAY") {
    on_each_ring([](const Variant& variant) {
        if (variant.direct_descriptors > 0) return;
        auto ring = make(variant);
        const Pair pair = connected_pair(*ring);
        CHECK((fcntl(pair.server, F_GETFD) & FD_CLOEXEC) != 0);
        int no_delay = 0;
        socklen_t size = sizeof no_delay;
        REQUIRE(getsockopt(pair.server, IPPROTO_TCP, TCP_NODELAY, &no_delay, &size) == 0);
        CHECK(no_delay != 0);
        close_all(*ring, {pair.server});
    });
}

TEST_CASE("the peer's address is known, and how much it has not acknowledged") {
    on_each_ring([](const Variant& variant) {
        auto ring = make(variant);
        const Pair pair = connected_pair(*ring);
        CHECK(ring->peer_address(pair.server) == local_address(pair.client.get()));
        CHECK(ring->peer_address(pair.server).ip_string() == "127.0.0.1");
        CHECK(ring->peer_address(-1).family == Address::Family::none);
        CHECK(ring->unacknowledged_bytes(pair.server) == 0);
        const std::string unread(64u << 20, 'x');  // More than both kernels take.
        ring->send_quiet(token_of(pair.server), pair.server, bytes_of(unread));
        CHECK(ring->flush().size() == 1);
        CHECK(ring->unacknowledged_bytes(pair.server) > 0);
        CHECK(ring->unacknowledged_bytes(-1) == 0);
        close_all(*ring, {pair.server});
        check_idle(*ring);
    });
}

TEST_CASE("a failed accept ends with the kernel's error and can be armed again") {
    on_each_ring([](const Variant& variant) {
        if (variant.direct_descriptors > 0) return;  // It would not fail.
        auto ring = make(variant);
        const Descriptor listener = listen_on_loopback();
        const Descriptor client = connect_to(listener);
        rlimit before{};
        REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
        const Descriptor lowest_free{dup(listener.get())};
        const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
        REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
        ring->accept(token_of(listener.get()), listener.get());
        std::int32_t result = 0;
        turn_until(
            *ring, [&] { return result != 0; },
            [&](const Completion& completion) {
                CHECK(!completion.has_more());
                result = completion.result;
            });
        REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
        CHECK(result == -EMFILE);
        ring->accept(token_of(listener.get()), listener.get());
        int fd = -1;
        turn_until(
            *ring, [&] { return fd >= 0; },
            [&](const Completion& completion) { fd = completion.result; });
        close_all(*ring, {fd});
    });
}

TEST_CASE("a shutdown for sending follows the sends before it, and reading goes on") {
    on_each_ring([](const Variant& variant) {
        auto ring = make(variant);
        Pair pair = connected_pair(*ring);
        ring->recv(token_of(pair.server), pair.server);
        ring->send_quiet(token_of(pair.server), pair.server, bytes_of("last words"));
        ring->shutdown(token_of(pair.server), pair.server, Shutdown::sending);
        CHECK(ring->turn({.until = ring->now()}).empty());
        bool ended = false;
        CHECK(read_some(pair.client, &ended) == "last words");
        CHECK(ended);
        write_all(pair.client, "answer");
        std::string received;
        turn_until(
            *ring, [&] { return !received.empty(); },
            [&](const Completion& completion) { received += text_of(completion); });
        CHECK(received == "answer");
    });
}

TEST_CASE("a shutdown is done before the turn waits") {
    on_each_ring([](const Variant& variant) {
        auto ring = make(variant);
        Pair pair = connected_pair(*ring);
        ring->recv(token_of(pair.server), pair.server);
        ring->shutdown(token_of(pair.server), pair.server, Shutdown::both);
        // Would wait for ever if the shutdown came only afterwards: it is what ends the recv.
        const auto completions = ring->turn({});
        REQUIRE(completions.size() == 1);
        const std::int32_t result = completions.front().result;
        CHECK((result == 0 || (variant.direct_descriptors > 0 && result == -ECANCELED)));
        CHECK(!completions.front().has_more());
        close_all(*ring, {pair.server});
        check_idle(*ring);
    });
}

TEST_CASE("a shutdown does not hit the next owner of a number that was closed in the same batch") {
    on_each_ring([](const Variant& variant) {
        auto ring = make(variant);
        const Descriptor listener = listen_on_loopback();
        Pair pair = connected_pair(*ring);
        const Descriptor client = connect_to(listener);
        ring->send_quiet(token_of(pair.server), pair.server, bytes_of("bye"));
        ring->shutdown(token_of(pair.server), pair.server, Shutdown::both);
        ring->close(token_of(pair.server), pair.server);
        ring->accept(token_of(listener.get()), listener.get());
        int fd = -1;
        turn_until(
            *ring, [&] { return fd >= 0; },
            [&](const Completion& completion) {
                if (completion.token.opcode == Opcode::accept) fd = completion.result;
            });
        CHECK(fd == pair.server);  // The kernel hands out the lowest number: the one just closed.
        ring->send_quiet(token_of(fd), fd, bytes_of("hello"));
        CHECK(ring->flush().empty());
        CHECK(read_some(client) == "hello");
        close_all(*ring, {fd});
    });
}

TEST_CASE("a descriptor number that comes back starts afresh") {
    on_each_ring([](const Variant& variant) {
        auto ring = make(variant);
        for (std::uint16_t generation = 1; generation < 20; ++generation) {
            const Pair pair = connected_pair(*ring);
            const int fd = pair.server;
            const Descriptor& client = pair.client;
            ring->recv(token_of(fd, generation), fd);
            write_all(client, "x");
            REQUIRE(::shutdown(client.get(), SHUT_WR) == 0);
            bool ended = false;
            turn_until(
                *ring, [&] { return ended; },
                [&](const Completion& completion) {
                    CHECK(completion.token.generation == generation);
                    ended = completion.result == 0;
                    if (!ended && !completion.has_more()) ring->recv(token_of(fd, generation), fd);
                });
            close_all(*ring, {fd});
        }
        check_idle(*ring);
    });
}

TEST_CASE("closing a bad descriptor says so") {
    on_each_ring([](const Variant& variant) {
        auto ring = make(variant);
        const Descriptor copy{dup(0)};
        const int bad = copy.get() + 100;
        ring->close(token_of(bad), bad);
        bool closed = false;
        turn_until(
            *ring, [&] { return closed; },
            [&](const Completion& completion) {
                CHECK(completion.result == -EBADF);
                closed = true;
            });
        check_idle(*ring);
    });
}

TEST_CASE("a dead connection that nobody listens to does not keep the ring busy") {
    on_each_ring([](const Variant& variant) {
        auto ring = make(variant);
        Pair pair = connected_pair(*ring);
        ring->recv(token_of(pair.server), pair.server);
        const linger abort{.l_onoff = 1, .l_linger = 0};
        REQUIRE(setsockopt(pair.client.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort) == 0);
        pair.client = Descriptor{};
        bool ended = false;
        turn_until(
            *ring, [&] { return ended; },
            [&](const Completion& completion) {
                CHECK(completion.result == -ECONNRESET);
                ended = true;
            });
        // A turn with nothing to do waits; few events are needed to find out that nobody listens.
        // Spinning would take ten thousand turns to reach the deadline; a kernel that wakes a
        // little early takes some, at the end.
        const Instant until = ring->now() + std::chrono::milliseconds{20};
        int turns = 0;
        while (ring->now() < until) {
            CHECK(ring->turn({.until = until}).empty());
            ++turns;
        }
        CHECK(turns < 500);
        close_all(*ring, {pair.server});
        check_idle(*ring);
    });
}

TEST_CASE("a ring can be thrown away with everything still armed") {
    on_each_ring([](const Variant& variant) {
        auto ring = make(variant);
        const Descriptor listener = listen_on_loopback();
        const Descriptor client = connect_to(listener);
        Pair pair = connected_pair(*ring);
        ring->accept(token_of(listener.get()), listener.get());
        ring->recv(token_of(pair.server), pair.server);
        write_all(pair.client, "never read");
        (void)ring->flush();
        CHECK(!ring->idle());
        ring.reset();
        pair.close_server();
    });
}

}  // namespace
}  // namespace ringcast::ring
