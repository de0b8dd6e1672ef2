#include "hub/home_topics.hpp"

#include <cstdint>
#include <doctest/doctest.h>
#include <map>
#include <string>
#include <vector>

#include "base/buffer_pool.hpp"
#include "base/bytes.hpp"
#include "base/prng.hpp"
#include "base/shared_payload.hpp"

using namespace ringcast;
using namespace ringcast::hub;
using namespace std::chrono_literals;

namespace {

constexpr Instant start{1h};

HomeTopics::Limits limits(std::uint32_t topics_max, Duration idle_timeout = 1min) {
    return {.topics_max = topics_max, .idle_timeout = idle_timeout};
}

/// The newest offset of `name`; none if it is not there.
std::int64_t offset_of(HomeTopics& topics, std::string_view name) {
    const HomeTopics::Topic* const topic = topics.find(name);
    return topic == nullptr ? -1 : static_cast<std::int64_t>(topic->stream().top());
}

}  // namespace

TEST_CASE("a topic knows the shards that want it, up to the last of 64") {
    HomeTopics topics{1, limits(10), Prng{1}};
    CHECK(topics.find("a") == nullptr);
    for (const std::uint32_t shard : {0u, 63u, 5u, 5u}) CHECK(topics.join("a", shard));
    REQUIRE(topics.find("a") != nullptr);
    CHECK(topics.find("a")->interest() == (set_of(0) | set_of(5) | set_of(63)));
    CHECK(topics.find("b") == nullptr);
    CHECK(topics.find("") == nullptr);
    topics.leave("a", 0, start);
    topics.leave("a", 7, start);  // Never wanted it.
    topics.leave("b", 5, start);  // Nobody wants that one.
    CHECK(topics.find("a")->interest() == (set_of(5) | set_of(63)));
    CHECK(topics.idle_count() == 0);
    topics.leave("a", 63, start);
    topics.leave("a", 5, start);
    CHECK(topics.find("a")->interest() == 0);
    CHECK(topics.idle_count() == 1);
    topics.leave("a", 5, start);
    CHECK(topics.idle_count() == 1);
}

TEST_CASE("publications are numbered from 1, each topic by itself") {
    HomeTopics topics{1, limits(10), Prng{1}};
    CHECK(topics.join("a", 0));
    CHECK(topics.join("b", 0));
    CHECK(topics.find("a")->stream().top() == 0);
    CHECK(topics.number(*topics.find("a")) == 1);
    CHECK(topics.number(*topics.find("a")) == 2);
    CHECK(topics.number(*topics.find("b")) == 1);
    CHECK(topics.find("a")->stream().top() == 2);
}

TEST_CASE("a topic that comes back before its time keeps its numbers, later it begins anew") {
    HomeTopics topics{1, limits(10, 10s), Prng{1}};
    CHECK(topics.join("a", 1));
    (void)topics.number(*topics.find("a"));
    topics.leave("a", 1, start);
    topics.evict_idle(start + 10s - 1ns, 100);
    CHECK(offset_of(topics, "a") == 1);
    CHECK(topics.join("a", 2));
    CHECK(topics.idle_count() == 0);
    CHECK(topics.find("a")->interest() == set_of(2));
    topics.evict_idle(start + 1h, 100);  // Not idle.
    CHECK(offset_of(topics, "a") == 1);
    topics.leave("a", 2, start + 1h);
    topics.evict_idle(start + 1h + 10s, 100);
    CHECK(topics.find("a") == nullptr);
    CHECK(topics.size() == 0);
    CHECK(topics.join("a", 1));
    CHECK(offset_of(topics, "a") == 0);
}

TEST_CASE("idle topics go in the order in which they became idle, so many at a time as asked") {
    HomeTopics topics{1, limits(10, 10s), Prng{1}};
    for (const char* name : {"a", "b", "c", "d"}) CHECK(topics.join(name, 0));
    Instant now = start;
    for (const char* name : {"c", "a", "d", "b"}) topics.leave(name, 0, now += 1s);
    CHECK(topics.join("d", 0));  // From the middle of the list, back at its end.
    topics.leave("d", 0, now += 1s);
    topics.evict_idle(now + 1h, 0);
    CHECK(topics.size() == 4);
    std::string order;
    while (topics.idle_count() > 0) {
        topics.evict_idle(now + 1h, 1);
        for (const char* name : {"a", "b", "c", "d"}) {
            if (topics.find(name) == nullptr && order.find(name) == std::string::npos)
                order += name;
        }
    }
    CHECK(order == "cabd");
    CHECK(topics.size() == 0);
}

TEST_CASE("only those whose time has come are evicted") {
    HomeTopics topics{1, limits(10, 10s), Prng{1}};
    for (const char* name : {"a", "b", "c"}) CHECK(topics.join(name, 0));
    topics.leave("a", 0, start);
    topics.leave("b", 0, start + 1s);
    topics.leave("c", 0, start + 2s);
    topics.evict_idle(start + 11s, 100);
    CHECK(topics.size() == 1);
    CHECK(topics.find("c") != nullptr);
}

TEST_CASE("in a full table the topic that has been idle for longest makes room") {
    HomeTopics topics{1, limits(3, 1h), Prng{1}};
    for (const char* name : {"a", "b", "c"}) CHECK(topics.join(name, 0));
    CHECK_FALSE(topics.join("d", 0));
    CHECK(topics.size() == 3);
    CHECK(topics.join("b", 1));  // Is there already.
    topics.leave("c", 0, start);
    topics.leave("a", 0, start);
    CHECK(topics.join("d", 0));
    CHECK(topics.size() == 3);
    CHECK(topics.find("c") == nullptr);
    CHECK(topics.find("a") != nullptr);
    CHECK(topics.join("e", 0));
    CHECK(topics.find("a") == nullptr);
    CHECK_FALSE(topics.join("f", 0));
    CHECK(topics.idle_count() == 0);
}

TEST_CASE("in a full table nobody who only listens or asks has a topic forget what it keeps") {
    HomeTopics::Limits few = limits(3, 1h);
    few.stream = {.count_max = 10, .age_max = 1min};
    BufferPool pool{1 << 20};
    PayloadReturn home;
    HomeTopics topics{1, few, Prng{1}};
    const auto publish = [&](std::string_view name) {
        HomeTopics::Topic* const topic =
            topics.find_or_keep(name, HomeTopics::Need::to_publish, start);
        REQUIRE(topic != nullptr);
        SharedPayload& payload =
            SharedPayload::make(pool, home, as_bytes(std::string_view{"x"}), {});
        (void)topics.append(*topic, payload, PublicationKind::text, start);
    };
    publish("a");
    publish("b");
    CHECK(topics.join("c", 0));
    CHECK_FALSE(topics.join("d", 0));
    CHECK(topics.find_or_keep("d", HomeTopics::Need::to_ask, start) == nullptr);
    CHECK(topics.history().evictions() == 0);
    topics.leave("c", 0, start);
    CHECK(topics.join("d", 0));
    CHECK(topics.find("c") == nullptr);

    publish("e");  // Who publishes has the oldest forgotten, and that is counted.
    CHECK(topics.find("a") == nullptr);
    CHECK(topics.find("b") != nullptr);
    CHECK(topics.history().evictions() == 1);
    topics.evict_idle(start + 2min, 10);  // All is too old now.
    CHECK(topics.history().evictions() == 1);
    CHECK(topics.join("f", 0));
    CHECK(topics.join("g", 0));
    CHECK(topics.find("b") == nullptr);
    CHECK(topics.find("e") == nullptr);
    CHECK_FALSE(topics.join("h", 0));
    home.free_all();
}

TEST_CASE("homes are shared out among the shards, and the seed decides where they are") {
    constexpr std::uint32_t shards = 4, names = 4000;
    std::vector<std::uint32_t> counts(shards);
    std::uint32_t moved = 0;
    for (std::uint32_t i = 0; i < names; ++i) {
        const std::string name = "topic/" + std::to_string(i);
        const std::uint32_t home = home_of(name, 17, shards);
        REQUIRE(home < shards);
        CHECK(home_of(name, 17, 1) == 0);
        ++counts[home];
        moved += home_of(name, 18, shards) != home ? 1u : 0u;
    }
    for (const std::uint32_t count : counts) CHECK(count > names / shards / 2);
    CHECK(moved > names / 2);
}

TEST_CASE("whatever is joined, left and evicted, the table is as a naive one") {
    struct Naive {
        ShardSet interest = 0;
        std::uint64_t offset = 0;
        Instant idle_since{};
        std::uint64_t idle_order = 0;
    };
    constexpr std::uint32_t topics_max = 12;
    constexpr Duration idle_timeout = 20s;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        Prng prng{seed};
        HomeTopics topics{seed, limits(topics_max, idle_timeout), Prng{1}};
        std::map<std::string, Naive> naive;
        std::uint64_t order = 0;
        Instant now = start;
        const auto oldest_idle = [&] {
            auto oldest = naive.end();
            for (auto place = naive.begin(); place != naive.end(); ++place) {
                if (place->second.interest != 0) continue;
                if (oldest == naive.end() || place->second.idle_order < oldest->second.idle_order)
                    oldest = place;
            }
            return oldest;
        };
        for (int step = 0; step < 3000; ++step) {
            const std::string name = "t" + std::to_string(prng.below(20));
            const auto shard = static_cast<std::uint32_t>(prng.below(3));
            now += std::chrono::seconds{prng.below(3)};
            switch (prng.below(4)) {
                case 0: {
                    bool fits = true;
                    if (!naive.contains(name) && naive.size() == topics_max) {
                        const auto oldest = oldest_idle();
                        fits = oldest != naive.end();
                        if (fits) naive.erase(oldest);
                    }
                    if (fits) naive[name].interest |= set_of(shard);
                    CHECK(topics.join(name, shard) == fits);
                    break;
                }
                case 1: {
                    topics.leave(name, shard, now);
                    const auto place = naive.find(name);
                    if (place == naive.end() || place->second.interest == 0) break;
                    place->second.interest &= ~set_of(shard);
                    if (place->second.interest != 0) break;
                    place->second.idle_since = now;
                    place->second.idle_order = ++order;
                    break;
                }
                case 2:
                    if (HomeTopics::Topic* const topic = topics.find(name))
                        CHECK(topics.number(*topic) == ++naive[name].offset);
                    break;
                case 3: {
                    std::uint64_t count = prng.below(3);
                    topics.evict_idle(now, count);
                    for (; count > 0; --count) {
                        const auto oldest = oldest_idle();
                        if (oldest == naive.end() || now - oldest->second.idle_since < idle_timeout)
                            break;
                        naive.erase(oldest);
                    }
                    break;
                }
            }
            REQUIRE(topics.size() == naive.size());
            for (int i = 0; i < 20; ++i) {
                const std::string each = "t" + std::to_string(i);
                const auto place = naive.find(each);
                const HomeTopics::Topic* const topic = topics.find(each);
                REQUIRE((topic != nullptr) == (place != naive.end()));
                if (topic == nullptr) continue;
                REQUIRE(topic->interest() == place->second.interest);
                REQUIRE(topic->stream().top() == place->second.offset);
            }
        }
    }
}

TEST_CASE("each topic keeps what its namespace says") {
    TopicNamespaces namespaces;
    REQUIRE(namespaces.add("kept", {.stream = {.count_max = 2}}));
    REQUIRE(namespaces.add("passing", {}));
    HomeTopics::Limits mixed = limits(10);
    mixed.stream.count_max = 5;
    mixed.namespaces = &namespaces;
    HomeTopics topics{1, mixed, Prng{1}};
    for (const char* name : {"kept:a", "passing:a", "a"}) CHECK(topics.join(name, 0));
    CHECK(topics.find("kept:a")->stream().keeps());
    CHECK(topics.find("a")->stream().keeps());
    CHECK_FALSE(topics.find("passing:a")->stream().keeps());
    CHECK(topics.find_or_keep("kept:b", HomeTopics::Need::to_publish, start) != nullptr);
    CHECK(topics.find_or_keep("passing:b", HomeTopics::Need::to_publish, start) == nullptr);
    CHECK(topics.find_or_keep("b", HomeTopics::Need::to_publish, start) != nullptr);
}
