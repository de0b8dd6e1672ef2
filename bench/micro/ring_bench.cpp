// What a loop turn costs before it does anything: the clock, and a turn that neither waits nor
// carries an operation, on each ring. The clock is read twice a turn, at its begin and at its end.

#include <benchmark/benchmark.h>
#include <memory>
#include <utility>

#include "ring/clock.hpp"
#include "ring/make_ring.hpp"

namespace {

using namespace ringcast::ring;

void clock_read(benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(read_clock());
}

void empty_turn(benchmark::State& state, Backend backend) {
    auto ring = make_ring(backend, {});
    if (!ring) {
        state.SkipWithError("this kernel does not have it");
        return;
    }
    for (auto _ : state)
        benchmark::DoNotOptimize((*ring)->turn({.until = (*ring)->now(), .count = 0}).data());
}

BENCHMARK(clock_read);
BENCHMARK_CAPTURE(empty_turn, uring, Backend::uring);
BENCHMARK_CAPTURE(empty_turn, epoll, Backend::epoll);

}  // namespace

BENCHMARK_MAIN();
