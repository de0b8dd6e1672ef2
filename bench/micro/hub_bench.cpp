// What the hub's tables cost for a publication, without mesh, frames and sockets: the home finds
// its topic among many and numbers the publication; a shard finds its subscribers, and the cursor
// visits each. Topics are taken in random order, so that with many of them the tables are not in
// the cache. Joining and leaving is what a connection costs that comes for one topic, and for its
// list of members; a key is what an idempotent publication costs besides; conflating is what a
// publication costs for one subscriber that is behind.

#include <benchmark/benchmark.h>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/prng.hpp"
#include "hub/conflation.hpp"
#include "hub/fanout.hpp"
#include "hub/home_topics.hpp"
#include "hub/local_topics.hpp"
#include "hub/presence.hpp"
#include "hub/publish_keys.hpp"

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
                                    [&](const hub::Subscriber& subscriber, std::uint64_t item) {
                                        sum += item + subscriber.session.slot;
                                    });
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

ClientInfo client(std::uint64_t number, std::string_view user) {
    ClientInfo client{.id = {},
                      .user = user,
                      .connection = R"({"name":"somebody","color":"#336699"})",
                      .channel = {}};
    std::memcpy(client.id.data(), &number, sizeof number);
    return client;
}

/// One of many members leaves and another joins, in topics of up to 1,000.
void presence_leave_and_join(benchmark::State& state) {
    const auto members = static_cast<std::uint64_t>(state.range(0));
    const std::vector<std::string> names = topic_names((members + 999) / 1000);
    hub::Presence presence{seed, {.topic_clients_max = 1'000'000}};
    std::vector<std::uint64_t> numbers;
    const auto put = [&](std::uint64_t number, std::uint64_t place) {
        const std::string user = "user-" + std::to_string(place);
        return presence.put(names[place % names.size()], {client(number, user), {}}) ==
               hub::Presence::Outcome::joined;
    };
    for (std::uint64_t i = 0; i < members; ++i) {
        if (!put(i, i)) return state.SkipWithError("presence is full");
        numbers.push_back(i);
    }
    state.counters["bytes_per_member"] =
        static_cast<double>(presence.bytes()) / static_cast<double>(members);
    Prng prng{1};
    std::uint64_t next = members;
    for (auto _ : state) {
        const std::uint64_t place = prng.below(members);
        presence.remove(names[place % names.size()], client(numbers[place], "").id);
        if (!put(numbers[place] = next++, place)) return state.SkipWithError("presence is full");
    }
}
BENCHMARK(presence_leave_and_join)->ArgName("members")->Arg(100)->Arg(10'000)->Arg(1'000'000);

/// A member of a list of so many.
void presence_list(benchmark::State& state) {
    hub::Presence presence{seed, {.topic_clients_max = 1'000'000}};
    for (std::int64_t i = 0; i < state.range(0); ++i)
        (void)presence.put("a", {client(static_cast<std::uint64_t>(i), "user"), {}});
    std::size_t told = 0, bytes = 0;
    for (auto _ : state) {
        presence.for_each("a", [&](const ClientInfo& each) {
            ++told;
            bytes += each.user.size() + each.connection.size();
        });
    }
    benchmark::DoNotOptimize(bytes);
    state.SetItemsProcessed(static_cast<std::int64_t>(told));
}
BENCHMARK(presence_list)->ArgName("members")->Arg(256)->Arg(100'000);

/// A new key, when as many are remembered as may be.
void publish_key(benchmark::State& state) {
    const auto keys_max = static_cast<std::uint32_t>(state.range(0));
    hub::PublishKeys keys{seed, {.keys_max = keys_max}};
    std::uint64_t number = 0;
    const auto publish = [&] {
        const std::string key = "5f0c9f2e-77d1-4d0f-9a5e-" + std::to_string(++number);
        const std::string topic = "orders/" + std::to_string(number % 100);
        if (!keys.find(topic, key, Instant{}))
            keys.remember(topic, key, {.offset = number, .epoch = {}}, Instant{});
    };
    for (std::uint32_t i = 0; i < keys_max; ++i) publish();
    for (auto _ : state) publish();
    if (keys.evictions() != static_cast<std::uint64_t>(state.iterations()))
        state.SkipWithError("a key was taken for another");
}
BENCHMARK(publish_key)->ArgName("keys")->Arg(1'000)->Arg(100'000);

/// Publications for subscribers that are behind, each with so many topics; one turn is taken for
/// each four.
void conflate(benchmark::State& state) {
    struct Item {
        std::uint64_t offset;
        [[nodiscard]] static std::string_view key() noexcept { return {}; }
    };
    const auto sessions = static_cast<std::uint32_t>(state.range(0)), topics = 10u;
    hub::Conflation<Item> conflation{seed, {.items_max = 1'000'000}};
    std::vector<hub::Conflated> behind(sessions);
    Prng prng{1};
    std::uint64_t skipped = 0, given = 0, offset = 0;
    for (auto _ : state) {
        const auto number = static_cast<std::uint32_t>(prng.below(sessions));
        const auto subscription = number * topics + static_cast<std::uint32_t>(prng.below(topics));
        (void)conflation.keep(behind[number], subscription, {++offset});
        if (offset % 4 == 0) {
            conflation.take(behind[number], [&](std::uint32_t, std::uint64_t count, const Item&) {
                skipped += count;
                ++given;
            });
        }
    }
    for (hub::Conflated& session : behind) {
        while (conflation.take(session, [&](std::uint32_t, std::uint64_t count, const Item&) {
            skipped += count;
            ++given;
        })) {
        }
    }
    if (skipped + given != offset) state.SkipWithError("a publication is missing");
}
BENCHMARK(conflate)->ArgName("subscribers")->Arg(1)->Arg(10'000);

}  // namespace

BENCHMARK_MAIN();
