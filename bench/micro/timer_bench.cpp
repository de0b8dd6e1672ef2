// The timer wheel under a shard's load: each connection's deadline is moved again and again and
// hardly ever fires. Beside it the usual alternative, a sorted map of deadlines.

#include <benchmark/benchmark.h>
#include <chrono>
#include <cstddef>
#include <map>
#include <vector>

#include "base/prng.hpp"
#include "base/timer_wheel.hpp"

namespace {

using namespace std::chrono_literals;
using ringcast::Duration;
using ringcast::Instant;
using ringcast::Prng;
using ringcast::Timer;
using ringcast::TimerWheel;

constexpr std::int64_t timer_counts[] = {1'000, 100'000, 500'000};

std::size_t count_of(const benchmark::State& state) {
    return static_cast<std::size_t>(state.range(0));
}

Duration random_delay(Prng& prng) {
    return 25s + Duration{1us} * static_cast<int>(prng.below(5'000'000));
}

/// Moves a random connection's idle deadline, as each message does.
void wheel_move(benchmark::State& state) {
    Prng prng{1};
    TimerWheel wheel;
    std::vector<Timer> timers(count_of(state));
    Instant now{1h};
    for (Timer& timer : timers) wheel.schedule(timer, now + random_delay(prng));
    for (auto _ : state) {
        now += 1us;
        wheel.schedule(timers[prng.below(timers.size())], now + random_delay(prng));
        benchmark::DoNotOptimize(wheel.pop_expired(now));
    }
}

void map_move(benchmark::State& state) {
    Prng prng{1};
    std::multimap<Instant, std::size_t> deadlines;
    std::vector<std::multimap<Instant, std::size_t>::iterator> timers(count_of(state));
    Instant now{1h};
    for (std::size_t i = 0; i < timers.size(); ++i) {
        timers[i] = deadlines.emplace(now + random_delay(prng), i);
    }
    for (auto _ : state) {
        now += 1us;
        const std::size_t i = prng.below(timers.size());
        deadlines.erase(timers[i]);
        timers[i] = deadlines.emplace(now + random_delay(prng), i);
        benchmark::DoNotOptimize(deadlines.begin()->first <= now);
    }
}

/// A timer's whole life: armed, moved down the levels, fired. Time per timer.
void wheel_fire(benchmark::State& state) {
    Prng prng{2};
    TimerWheel wheel;
    std::vector<Timer> timers(count_of(state));
    Instant now{1h};
    for (Timer& timer : timers) wheel.schedule(timer, now + random_delay(prng));
    for (auto _ : state) {
        Timer* expired = wheel.pop_expired(now);
        while (expired == nullptr) {
            now = wheel.next_deadline();
            expired = wheel.pop_expired(now);
        }
        wheel.schedule(*expired, now + random_delay(prng));
    }
}

void next_deadline(benchmark::State& state) {
    Prng prng{3};
    TimerWheel wheel;
    std::vector<Timer> timers(count_of(state));
    for (Timer& timer : timers) wheel.schedule(timer, Instant{1h} + random_delay(prng));
    for (auto _ : state) benchmark::DoNotOptimize(wheel.next_deadline());
}

void add(const char* name, void (*run)(benchmark::State&)) {
    auto* added = benchmark::RegisterBenchmark(name, run);
    for (const std::int64_t count : timer_counts) added->Arg(count);
}

}  // namespace

int main(int argc, char** argv) {
    add("wheel/move", wheel_move);
    add("map/move", map_move);
    add("wheel/fire", wheel_fire);
    add("wheel/next_deadline", next_deadline);
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
}
