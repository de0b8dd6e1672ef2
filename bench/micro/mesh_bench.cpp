// What a publication costs on its way over the mesh: a request from one shard to the topic's home
// and a delivery back. First on one thread: the instructions alone, everything in the cache (a lane
// by itself is in lane_bench.cpp); `home` is the shard itself or the other one. Then with a thread
// for each shard, neither of which sleeps: a batch of one, of which one is under way at a time,
// says how long a hop takes; large ones say how much the mesh carries. A batch is what one turn
// makes visible at once. 1 KiB travels in the record, 16 KiB as a counted block.

#include <benchmark/benchmark.h>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <vector>

#include "shard/mesh.hpp"

namespace {

using namespace ringcast;
using shard::Mesh;
using shard::MeshPort;
using shard::Record;
using shard::RecordKind;

constexpr std::string_view topic = "scores/final";

void end_turn(MeshPort& port) {
    port.make_visible();
    port.give_back();
}

/// What a home does: each request of `source` becomes a delivery back to it.
void serve_home(MeshPort& home, std::uint32_t source, std::uint64_t& offset) {
    (void)home.take();
    for (Record record; home.front_request(source, record); home.pop_request(source)) {
        if (!home.has_delivery_room(source)) std::abort();
        record.kind = RecordKind::publication;
        record.number = ++offset;
        home.deliver(source, record);
    }
}

std::uint64_t take_deliveries(MeshPort& port, std::uint32_t home) {
    (void)port.take();
    std::uint64_t count = 0;
    for (Record record; port.front_delivery(home, record); port.pop_delivery(home)) {
        benchmark::DoNotOptimize(record.payload.data());
        if (record.block != nullptr) record.block->release();
        ++count;
    }
    return count;
}

void publish_and_deliver(benchmark::State& state, std::uint32_t home_index) {
    const auto payload_bytes = static_cast<std::size_t>(state.range(0));
    const std::int64_t batch = state.range(1);
    Mesh mesh{2};
    MeshPort port{mesh, 0}, other{mesh, 1};
    MeshPort& home = home_index == 0 ? port : other;
    const std::vector<std::byte> payload(payload_bytes, std::byte{'x'});
    std::uint64_t offset = 0, delivered = 0;
    for (auto _ : state) {
        for (std::int64_t i = 0; i < batch; ++i) {
            if (!port.publish(home_index, topic, PublicationKind::text, payload)) std::abort();
        }
        end_turn(port);
        serve_home(home, 0, offset);
        end_turn(home);
        delivered += take_deliveries(port, home_index);
        end_turn(port);
    }
    if (delivered != offset || offset != static_cast<std::uint64_t>(state.iterations() * batch))
        state.SkipWithError("a publication was lost");
    state.SetItemsProcessed(state.iterations() * batch);
}

/// Real time of a batch, from the shard that publishes to a home on another thread and back.
void two_threads(benchmark::State& state) {
    const auto payload_bytes = static_cast<std::size_t>(state.range(0));
    const std::int64_t batch = state.range(1);
    Mesh mesh{2};
    std::jthread home_thread{[&mesh](const std::stop_token& stop) {
        MeshPort home{mesh, 1};
        std::uint64_t offset = 0;
        while (!stop.stop_requested()) {
            serve_home(home, 0, offset);
            end_turn(home);
        }
    }};
    MeshPort port{mesh, 0};
    const std::vector<std::byte> payload(payload_bytes, std::byte{'x'});
    for (auto _ : state) {
        for (std::int64_t i = 0; i < batch; ++i) {
            if (!port.publish(1, topic, PublicationKind::text, payload)) std::abort();
        }
        end_turn(port);
        for (std::int64_t delivered = 0; delivered < batch; end_turn(port))
            delivered += static_cast<std::int64_t>(take_deliveries(port, 1));
    }
    if (batch == 1) {
        const auto hops = static_cast<double>(2 * state.iterations());
        state.counters["hop"] =
            benchmark::Counter(hops, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
    }
    state.SetItemsProcessed(state.iterations() * batch);
}

void arguments(benchmark::internal::Benchmark* run) {
    run->ArgNames({"payload", "batch"});
    for (const std::int64_t payload : {64, 1 << 10, 16 << 10}) {
        for (const std::int64_t batch : {1, 16}) run->Args({payload, batch});
    }
}

BENCHMARK_CAPTURE(publish_and_deliver, home_here, 0)->Apply(arguments);
BENCHMARK_CAPTURE(publish_and_deliver, home_there, 1)->Apply(arguments);
BENCHMARK(two_threads)
    ->ArgNames({"payload", "batch"})
    ->Args({64, 1})
    ->Args({64, 16})
    ->Args({64, 128})
    ->Args({1 << 10, 128})
    ->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
