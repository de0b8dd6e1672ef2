// What a record costs in the lanes between shards, SpscQueue and SpscBytes, 64 bytes each: on one
// thread (the instructions alone, everything in the cache), and handed from one thread to another
// (the cache lines between two cores). A batch is what becomes visible at once and is given back at
// once; SpscQueue knows no batches, each push and pop stands for itself.

#include <array>
#include <benchmark/benchmark.h>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <thread>

#include "base/doorbell.hpp"
#include "base/spsc_bytes.hpp"
#include "base/spsc_queue.hpp"

namespace {

using ringcast::Doorbell;
using ringcast::SpscBytes;
using ringcast::SpscQueue;

using Record = std::array<std::uint64_t, 8>;
constexpr std::size_t lane_bytes = 64u << 10;
constexpr std::uint64_t handed_over_count = 1'000'000;

/// The two lanes under one surface; `push` and `pop` handle one record, `flush` and `give_back` end
/// a batch.
struct QueueLane {
    SpscQueue<Record> queue{lane_bytes / sizeof(Record)};

    bool push(const Record& record) { return queue.try_push(record); }
    void flush() {}
    bool pop(std::uint64_t& sum) {
        const Record* record = queue.front();
        if (record == nullptr) return false;
        sum += record->front();
        queue.pop();
        return true;
    }
    void give_back() {}
};

struct BytesLane {
    SpscBytes queue{lane_bytes};

    bool push(const Record& record) {
        std::byte* bytes = queue.reserve(sizeof record);
        if (bytes == nullptr) return false;
        std::memcpy(bytes, record.data(), sizeof record);
        queue.commit();
        return true;
    }
    void flush() { queue.publish(); }
    bool pop(std::uint64_t& sum) {
        const auto bytes = queue.front();
        if (bytes.data() == nullptr) return false;
        std::uint64_t first;
        std::memcpy(&first, bytes.data(), sizeof first);
        sum += first;
        queue.pop();
        return true;
    }
    void give_back() { benchmark::DoNotOptimize(queue.release()); }
};

/// Time per record, `batch` in and then `batch` out.
template <class Lane>
void one_thread(benchmark::State& state) {
    const auto batch = static_cast<std::uint64_t>(state.range(0));
    Lane lane;
    Record record{};
    std::uint64_t sum = 0;
    for (auto _ : state) {
        for (std::uint64_t i = 0; i < batch; ++i) {
            ++record.front();
            benchmark::DoNotOptimize(lane.push(record));
        }
        lane.flush();
        for (std::uint64_t i = 0; i < batch; ++i) benchmark::DoNotOptimize(lane.pop(sum));
        lane.give_back();
    }
    benchmark::DoNotOptimize(sum);
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

template <class Lane>
void produce(Lane& lane, std::uint64_t count, std::uint64_t batch) {
    Record record{};
    for (std::uint64_t i = 1; i <= count; ++i) {
        ++record.front();
        while (!lane.push(record)) {
            lane.flush();
            std::this_thread::yield();
        }
        if (i % batch == 0) lane.flush();
    }
    lane.flush();
}

/// Real time per record, from one thread that only pushes to another one that only pops. An
/// iteration hands a million over.
template <class Lane>
void two_threads(benchmark::State& state) {
    const auto batch = static_cast<std::uint64_t>(state.range(0));
    std::uint64_t sum = 0;
    for (auto _ : state) {
        Lane lane;
        std::thread producer{[&] { produce(lane, handed_over_count, batch); }};
        for (std::uint64_t popped = 0; popped < handed_over_count;) {
            std::uint64_t taken = 0;
            while (taken < batch && lane.pop(sum)) ++taken;
            lane.give_back();
            if (taken == 0) std::this_thread::yield();
            popped += taken;
        }
        producer.join();
    }
    benchmark::DoNotOptimize(sum);
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(handed_over_count));
}

/// What an idle look and a ring of somebody awake cost on one thread.
void doorbell_take_nothing(benchmark::State& state) {
    Doorbell doorbell;
    for (auto _ : state) benchmark::DoNotOptimize(doorbell.take());
}

void doorbell_ring_and_take(benchmark::State& state) {
    Doorbell doorbell;
    for (auto _ : state) {
        benchmark::DoNotOptimize(doorbell.ring(1));
        benchmark::DoNotOptimize(doorbell.take());
    }
}

BENCHMARK(one_thread<QueueLane>)->Name("queue/one_thread")->Arg(1)->Arg(16);
BENCHMARK(one_thread<BytesLane>)->Name("bytes/one_thread")->Arg(1)->Arg(16);
BENCHMARK(two_threads<QueueLane>)
    ->Name("queue/two_threads")
    ->Arg(1)
    ->Arg(16)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(two_threads<BytesLane>)
    ->Name("bytes/two_threads")
    ->Arg(1)
    ->Arg(16)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(doorbell_take_nothing)->Name("doorbell/take_nothing");
BENCHMARK(doorbell_ring_and_take)->Name("doorbell/ring_and_take");

}  // namespace

BENCHMARK_MAIN();
