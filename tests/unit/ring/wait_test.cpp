// Waiting: wakers, signals, deadlines and gathering.

#include <atomic>
#include <csignal>
#include <thread>

#include "ring/clock.hpp"
#include "unit/ring/ring_kit.hpp"

namespace ringcast::ring {
namespace {

TEST_CASE("a waker ends a wait from another thread") {
    on_each_ring([](const Variant& variant) {
        auto ring = make(variant);
        for (int round = 0; round < 20; ++round) {
            std::thread other{[waker = ring->waker()] { waker.wake(); }};
            bool woken = false;
            while (!woken)
                for (const Completion& completion : ring->turn({}))
                    woken |= completion.token.opcode == Opcode::wake;
            other.join();
        }
        CHECK(ring->turn({.until = ring->now()}).empty());
        CHECK(ring->idle());
    });
}

TEST_CASE("wakes before a turn are not lost, and several may become one") {
    on_each_ring([](const Variant& variant) {
        auto ring = make(variant);
        for (int i = 0; i < 1000; ++i) ring->waker().wake();
        const auto completions = ring->turn({});
        REQUIRE(completions.size() == 1);
        CHECK(completions.front().token.opcode == Opcode::wake);
        ring->waker().wake();
        CHECK(ring->turn({}).size() == 1);
        CHECK(ring->turn({.until = ring->now()}).empty());
    });
}

TEST_CASE("a turn waits for its deadline with nothing to report") {
    on_each_ring([](const Variant& variant) {
        auto ring = make(variant);
        const Instant start = ring->now();
        CHECK(ring->turn({.until = start - std::chrono::hours{1}}).empty());
        CHECK(ring->turn({.until = instant_never, .count = 0}).empty());
        // More than one turn only if something interrupts the wait, such as the end of another ring
        // of this thread.
        const Instant until = start + std::chrono::milliseconds{3};
        int turns = 0;
        while (ring->now() < until) {
            CHECK(ring->turn({.until = until}).empty());
            ++turns;
        }
        CHECK(turns < 20);
    });
}

TEST_CASE("what passes between two turns counts as work, what passes in them does not") {
    on_each_ring([](const Variant& variant) {
        auto ring = make(variant);
        const Instant start = ring->now();
        (void)ring->turn({.until = start});
        const Duration before = ring->counters().busy;
        const Instant worked_until = read_clock() + std::chrono::milliseconds{2};
        while (read_clock() < worked_until) {
        }
        (void)ring->turn({.until = ring->now()});
        const Duration work = ring->counters().busy - before;
        CHECK(work >= std::chrono::milliseconds{2});

        CHECK(ring->counters().busy <= ring->now() - start);

        // A preempted thread works long, too: one round of many is enough to tell.
        bool has_waited_without_working = false;
        for (int round = 0; round < 100 && !has_waited_without_working; ++round) {
            const Instant from = ring->now();
            const Duration busy = ring->counters().busy;
            (void)ring->turn({.until = from + std::chrono::milliseconds{3}});
            const Duration total = ring->now() - from;
            has_waited_without_working =
                total >= std::chrono::milliseconds{3} && ring->counters().busy - busy < total / 2;
        }
        CHECK(has_waited_without_working);
    });
}

TEST_CASE("a signal ends a wait and loses nothing") {
    on_each_ring([](const Variant& variant) {
        auto ring = make(variant);
        Pair pair = connected_pair(*ring);
        ring->recv(token_of(pair.server), pair.server);
        struct sigaction action{}, before{};
        static volatile std::sig_atomic_t signals = 0;
        signals = 0;
        action.sa_handler = [](int) { signals = signals + 1; };
        REQUIRE(sigaction(SIGUSR1, &action, &before) == 0);
        std::atomic<bool> seen{false};
        std::thread other{[&, self = pthread_self()] {
            while (!seen.load()) {
                pthread_kill(self, SIGUSR1);
                std::this_thread::yield();
            }
        }};
        while (signals == 0) CHECK(ring->turn({}).empty());  // Waits for ever unless interrupted.
        seen.store(true);
        other.join();
        REQUIRE(sigaction(SIGUSR1, &before, nullptr) == 0);
        write_all(pair.client, "after");
        std::string received;
        turn_until(
            *ring, [&] { return !received.empty(); },
            [&](const Completion& completion) { received += text_of(completion); });
        CHECK(received == "after");
    });
}

TEST_CASE("a ring that gathers waits for several completions, but not for ever") {
    on_each_ring([](const Variant& variant) {
        auto ring = make(variant);
        CHECK(ring->gathers() == (variant.backend == Backend::uring && variant.features.min_wait));
        if (!ring->gathers()) return;
        std::vector<Pair> pairs;
        std::vector<int> descriptors;
        for (int i = 0; i < 8; ++i) {
            pairs.push_back(connected_pair(*ring));
            descriptors.push_back(pairs.back().server);
            ring->recv(token_of(descriptors.back()), descriptors.back());
        }
        CHECK(ring->turn({.until = ring->now()}).empty());
        // One after the other from another thread: only together do they end the wait.
        std::thread writer{[&] {
            for (const Pair& pair : pairs) (void)::send(pair.client.get(), "x", 1, 0);
        }};
        const auto gathered = ring->turn({.count = 8, .gather = std::chrono::seconds{10}});
        writer.join();
        CHECK(gathered.size() == 8);
        if (!variant.features.multishot_recv)
            for (const int fd : descriptors) ring->recv(token_of(fd), fd);
        // One is enough once the gathering is over; and it is over even if there is none yet.
        write_all(pairs[0].client, "y");
        CHECK(ring->turn({.count = 8, .gather = std::chrono::milliseconds{1}}).size() == 1);
        std::thread waker{[waker = ring->waker()] { waker.wake(); }};
        CHECK(ring->turn({.count = 8, .gather = std::chrono::microseconds{1}}).size() == 1);
        waker.join();
        // A deadline before the end of the gathering counts.
        const Instant until = ring->now() + std::chrono::milliseconds{2};
        CHECK(ring->turn({.until = until, .count = 8, .gather = std::chrono::hours{1}}).empty());
    });
}

TEST_CASE("io_uring: one turn takes all that has come, however many it is from") {
    on_each_ring([](const Variant& variant) {
        if (variant.backend == Backend::epoll) return;  // A turn takes a portion, in order.
        auto ring = make(variant, {.buffers_count = 256, .buffer_bytes = 4096});
        std::vector<Pair> pairs;
        for (int i = 0; i < 150; ++i) {
            pairs.push_back(connected_pair(*ring));
            ring->recv(token_of(pairs.back().server), pairs.back().server);
        }
        CHECK(ring->turn({.until = ring->now()}).empty());
        for (const Pair& pair : pairs) write_all(pair.client, "x");
        CHECK(ring->turn({.until = ring->now()}).size() == pairs.size());
    });
}

}  // namespace
}  // namespace ringcast::ring
