#include "base/timer_wheel.hpp"

#include <algorithm>
#include <array>
#include <doctest/doctest.h>
#include <map>
#include <memory>
#include <vector>

#include "base/prng.hpp"

using namespace std::chrono_literals;
using ringcast::Duration;
using ringcast::Instant;
using ringcast::instant_never;
using ringcast::Prng;
using ringcast::Timer;
using ringcast::TimerWheel;

TEST_CASE("an empty wheel has nothing to wait for and nothing to pop") {
    TimerWheel wheel;
    CHECK(wheel.next_deadline() == instant_never);
    CHECK(wheel.pop_expired(Instant{1h}) == nullptr);
    CHECK(wheel.size() == 0);
}

TEST_CASE("a timer never fires early, and at most one tick late") {
    for (const Duration start : {Duration{0}, Duration{1}, Duration{1'000'000h}}) {
        for (const Duration delay : {Duration{1}, Duration{4ms}, Duration{5ms}, Duration{255ms},
                                     Duration{256ms}, Duration{257ms}, Duration{16s}, Duration{17s},
                                     Duration{20min}, Duration{19h}, Duration{400h}}) {
            TimerWheel wheel;
            REQUIRE(wheel.pop_expired(Instant{start}) == nullptr);
            Timer timer;
            const Instant deadline{start + delay};
            wheel.schedule(timer, deadline);
            CHECK(timer.is_scheduled());
            CAPTURE(start.count());
            CAPTURE(delay.count());
            CHECK(wheel.next_deadline() < deadline + 4ms);
            CHECK(wheel.pop_expired(deadline - 1ns) == nullptr);
            CHECK(wheel.pop_expired(deadline + 4ms) == &timer);
            CHECK_FALSE(timer.is_scheduled());
            CHECK(wheel.next_deadline() == instant_never);
        }
    }
}

TEST_CASE("a deadline in the past fires at the next pop") {
    TimerWheel wheel;
    CHECK(wheel.pop_expired(Instant{1h}) == nullptr);
    Timer timer;
    wheel.schedule(timer, Instant{1min});
    CHECK(wheel.next_deadline() <= Instant{1h});
    CHECK(wheel.pop_expired(Instant{1h}) == &timer);
    wheel.schedule(timer, Instant{-1h});
    CHECK(wheel.pop_expired(Instant{1h}) == &timer);
}

TEST_CASE("a cancelled timer does not fire, and cancelling twice is harmless") {
    TimerWheel wheel;
    std::array<Timer, 3> timers;
    for (Timer& timer : timers) wheel.schedule(timer, Instant{100ms});
    wheel.cancel(timers[1]);
    wheel.cancel(timers[1]);
    CHECK(wheel.size() == 2);
    CHECK(wheel.pop_expired(Instant{1s}) == timers.data());
    CHECK(wheel.pop_expired(Instant{1s}) == &timers[2]);
    CHECK(wheel.pop_expired(Instant{1s}) == nullptr);
    wheel.schedule(timers[0], Instant{2s});
    wheel.cancel(timers[0]);
    CHECK(wheel.next_deadline() == instant_never);
}

TEST_CASE("an expired timer that is not popped yet can still be cancelled or moved") {
    TimerWheel wheel;
    std::array<Timer, 3> timers;
    for (Timer& timer : timers) wheel.schedule(timer, Instant{100ms});
    CHECK(wheel.pop_expired(Instant{1s}) == timers.data());
    CHECK(wheel.next_deadline() <= Instant{1s});
    wheel.cancel(timers[1]);
    wheel.schedule(timers[2], Instant{3s});
    CHECK(wheel.pop_expired(Instant{1s}) == nullptr);
    CHECK(wheel.pop_expired(Instant{4s}) == &timers[2]);
}

TEST_CASE("scheduling an armed timer again moves it") {
    TimerWheel wheel;
    Timer timer;
    wheel.schedule(timer, Instant{10ms});
    wheel.schedule(timer, Instant{10min});
    CHECK(wheel.size() == 1);
    CHECK(wheel.pop_expired(Instant{9min}) == nullptr);
    wheel.schedule(timer, Instant{9min + 10ms});
    CHECK(wheel.pop_expired(Instant{9min + 20ms}) == &timer);
}

TEST_CASE("a deadline that never comes does not disturb the others") {
    TimerWheel wheel;
    Timer never;
    Timer soon;
    wheel.schedule(never, instant_never);
    wheel.schedule(soon, Instant{30h});
    CHECK(wheel.pop_expired(Instant{1'000'000h}) == &soon);
    CHECK(wheel.pop_expired(Instant{1'000'000h}) == nullptr);
    CHECK(wheel.next_deadline() > Instant{1'000'000h});
    wheel.cancel(never);
    CHECK(wheel.next_deadline() == instant_never);
}

TEST_CASE("a clock that jumps by centuries brings all timers home at once") {
    TimerWheel wheel;
    std::vector<std::unique_ptr<Timer>> timers;
    for (int hours = 0; hours < 1000; ++hours) {
        timers.push_back(std::make_unique<Timer>());
        wheel.schedule(*timers.back(), Instant{hours * 1h});
    }
    const Instant late{2'000'000h};
    for (int i = 0; i < 1000; ++i) REQUIRE(wheel.pop_expired(late) != nullptr);
    CHECK(wheel.pop_expired(late) == nullptr);
    CHECK(wheel.size() == 0);
}

TEST_CASE("a clock that goes back fires nothing early") {
    TimerWheel wheel;
    CHECK(wheel.pop_expired(Instant{10s}) == nullptr);
    Timer timer;
    wheel.schedule(timer, Instant{11s});
    CHECK(wheel.pop_expired(Instant{5s}) == nullptr);
    CHECK(wheel.pop_expired(Instant{11s + 4ms}) == &timer);
}

TEST_CASE("waiting for next_deadline finds every timer in time and wakes at most once per level") {
    Prng prng{3};
    for (int round = 0; round < 2000; ++round) {
        const Instant start{Duration{static_cast<std::int64_t>(prng.below(1ull << 50))}};
        TimerWheel wheel;
        REQUIRE(wheel.pop_expired(start) == nullptr);
        Timer timer;
        const Instant deadline =
            start + Duration{static_cast<std::int64_t>(prng.below(1ull << prng.below(50)))};
        wheel.schedule(timer, deadline);
        int wakeups = 1;
        Instant now = std::max(start, wheel.next_deadline());
        while (wheel.pop_expired(now) == nullptr) {
            REQUIRE(wheel.next_deadline() > now);
            now = wheel.next_deadline();
            ++wakeups;
        }
        REQUIRE(now >= deadline);
        REQUIRE(now < deadline + TimerWheel::tick_default);
        // Beyond the horizon there is one more each 18.6 hours: 2^50 ns are 312 hours.
        REQUIRE(wakeups <= 4 + 17);
    }
}

namespace {

/// The wheel against a sorted map of deadlines, under the same random operations.
void compare_with_map(std::uint64_t seed, Duration tick, std::uint64_t delay_bits,
                      std::uint64_t step_bits) {
    CAPTURE(seed);
    Prng prng{seed};
    TimerWheel wheel{tick};
    std::array<Timer, 200> timers;
    std::multimap<Instant, Timer*> model;
    const auto forget = [&](Timer& timer) {
        const auto [first, last] = model.equal_range(timer.deadline);
        for (auto entry = first; entry != last; ++entry) {
            if (entry->second != &timer) continue;
            model.erase(entry);
            return;
        }
    };
    const auto random_duration = [&](std::uint64_t bits) {
        return Duration{static_cast<std::int64_t>(prng.below(1ull << prng.below(bits)))};
    };
    Instant now{random_duration(55)};
    for (int step = 0; step < 20'000; ++step) {
        Timer& timer = timers[prng.below(timers.size())];
        const std::uint64_t choice = prng.below(10);
        if (choice < 5) {
            if (timer.is_scheduled()) forget(timer);
            const Instant deadline = now + random_duration(delay_bits) - random_duration(20);
            wheel.schedule(timer, deadline);
            model.emplace(deadline, &timer);
        } else if (choice < 7) {
            if (timer.is_scheduled()) forget(timer);
            wheel.cancel(timer);
        } else {
            now += random_duration(step_bits);
            const std::uint64_t bound = prng.chance(1, 4) ? prng.below(5) : timers.size() + 1;
            bool drained = false;
            for (std::uint64_t popped = 0; popped < bound && !drained; ++popped) {
                Timer* expired = wheel.pop_expired(now);
                drained = expired == nullptr;
                if (drained) continue;
                REQUIRE(expired->deadline <= now);
                REQUIRE_FALSE(expired->is_scheduled());
                forget(*expired);
            }
            if (drained && !model.empty()) {
                REQUIRE(model.begin()->first + tick > now);
                REQUIRE(wheel.next_deadline() > now);
            }
        }
        REQUIRE(wheel.size() == model.size());
        if (model.empty()) REQUIRE(wheel.next_deadline() == instant_never);
        if (model.empty()) continue;
        REQUIRE(wheel.next_deadline() <= std::max(now, model.begin()->first + tick));
    }
}

}  // namespace

TEST_CASE("random operations agree with a sorted map of deadlines") {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        compare_with_map(seed, 4ms, 34, 30);
        compare_with_map(seed, 4ms, 50, 48);
        compare_with_map(seed, 1ns, 30, 28);
        compare_with_map(seed, 7us, 40, 40);
    }
}
