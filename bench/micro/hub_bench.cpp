// What the hub's tables cost for a publication, without mesh, frames and sockets: the home finds
// its topic among many and numbers the publication; a shard finds its subscribers, and the cursor
// visits each. Topics are taken in random order, so that with many of them the tables are not in
// the cache. Joining and leaving is what a connection costs that comes for one topic.

#include <benchmark/benchmark.h>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/prng.hpp"
#include "hub/fanout.hpp"
#include "hub/home_topics.hpp"
#include "hub/local_topics.hpp"

namespace {

using namespace ringcast;
using hub::Fanout;
using hub::HomeTopics;
using hub::LocalTopic;
using hub::LocalTopics;
using hub::SessionTopics;

constexpr std::uint64_t seed = 7;

std::vector<std::string> topic_names(std::size_t count) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < count; ++i) names.push_back("scores/game-" + std::to_string(i));
    return names;
}

/// Joins are confirmed at once, as by a home that has room.
void settle(LocalTopics& local) {
    std::vector<const LocalTopic*> joined;
    local.settle([&](const LocalTopic& topic) { return joined.push_back(&topic), true; },
                 [](const LocalTopic&) { return true; });
    for (const LocalTopic* const topic : joined)
        local.confirm(topic->name(), topic->join_number(), [](SlotId, SlotId) {});
}

void home_publish(benchmark::State& state) {
    const std::vector<std::string> names = topic_names(static_cast<std::size_t>(state.range(0)));
    HomeTopics home{seed, {}, Prng{seed}};
    for (const std::string& name : names) {
        if (!home.join(name, 0)) return state.SkipWithError("too many topics");
    }
    Prng prng{1};
    for (auto _ : state) {
        HomeTopics::Topic* const topic = home.find(names[prng.below(names.size())]);
        benchmark::DoNotOptimize(home.number(*topic));
    }
}
BENCHMARK(home_publish)->ArgName("topics")->Arg(1)->Arg(1'000)->Arg(100'000);

void fan_out(benchmark::State& state) {
    const std::vector<std::string> names = topic_names(static_cast<std::size_t>(state.range(0)));
    const auto subscribers = static_cast<std::uint32_t>(state.range(1));
    LocalTopics local{seed, 1, {}};
    std::vector<SessionTopics> sessions(names.size() * subscribers);
    for (std::uint32_t i = 0; i < sessions.size(); ++i)
        (void)local.subscribe({.slot = i, .generation = 1}, sessions[i], names[i % names.size()]);
    settle(local);
    Fanout<std::uint64_t> fanout{{.items_max = 1024, .batch_bytes_max = 256 << 10}};
    Prng prng{1};
    std::uint64_t delivered = 0, sum = 0;
    for (auto _ : state) {
        fanout.add(*local.find(names[prng.below(names.size())]), 1, 64);
        while (!fanout.is_idle()) {
            delivered += fanout.run(local, 1024, 256,
                                    [&](SlotId id, std::uint64_t item) { sum += item + id.slot; });
        }
    }
    benchmark::DoNotOptimize(sum);
    if (delivered != static_cast<std::uint64_t>(state.iterations()) * subscribers)
        state.SkipWithError("a delivery is missing");
    state.SetItemsProcessed(static_cast<std::int64_t>(delivered));
}
BENCHMARK(fan_out)
    ->ArgNames({"topics", "subscribers"})
    ->Args({1, 2})
    ->Args({1, 1'000})
    ->Args({1, 100'000})
    ->Args({1, 1'000'000})
    ->Args({100'000, 2});

void subscribe_and_leave(benchmark::State& state) {
    const std::vector<std::string> names = topic_names(static_cast<std::size_t>(state.range(0)));
    LocalTopics local{seed, 1, {}};
    Prng prng{1};
    SessionTopics session;
    for (auto _ : state) {
        (void)local.subscribe({.slot = 0, .generation = 1}, session,
                              names[prng.below(names.size())]);
        settle(local);
        local.unsubscribe_all(session);
        settle(local);
    }
}
BENCHMARK(subscribe_and_leave)->ArgName("topics")->Arg(1)->Arg(100'000);

}  // namespace

BENCHMARK_MAIN();
