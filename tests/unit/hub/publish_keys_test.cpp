#include "hub/publish_keys.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <doctest/doctest.h>
#include <string>

#include "base/prng.hpp"

using namespace ringcast;
using namespace ringcast::hub;
using namespace std::chrono_literals;

namespace {

constexpr Instant begin{1h};

Position at(std::uint64_t offset) {
    return {offset, Epoch::of("k3VxQ_9a")};
}

}  // namespace

TEST_CASE("a key is known with its position, for its topic, for as long as the window") {
    PublishKeys keys{1, {.keys_max = 10, .window = 5min}};
    CHECK_FALSE(keys.find("a", "order", begin));
    keys.remember("a", "order", at(41), begin);
    CHECK(keys.find("a", "order", begin) == at(41));
    CHECK(keys.find("a", "order", begin + 5min - 1ns) == at(41));
    CHECK_FALSE(keys.find("b", "order", begin));
    CHECK_FALSE(keys.find("a", "orde", begin));
    CHECK_FALSE(keys.find("ao", "rder", begin));
    CHECK_FALSE(keys.find("a", "order", begin + 5min));
    // The same key anew, while the old entry is there still.
    keys.remember("b", "other", {}, begin + 1min);
    keys.remember("a", "order", at(50), begin + 5min);
    CHECK(keys.find("a", "order", begin + 5min) == at(50));
    CHECK(keys.find("b", "other", begin + 5min) == Position{});
}

TEST_CASE("keys have from 1 to 255 bytes") {
    const std::string longest(255, 'k');
    CHECK_FALSE(PublishKeys::is_valid(""));
    CHECK_FALSE(PublishKeys::is_valid(longest + "k"));
    CHECK(PublishKeys::is_valid("k"));
    CHECK(PublishKeys::is_valid(longest));
    PublishKeys keys{1, {}};
    keys.remember(longest, longest, at(3), begin);
    CHECK(keys.find(longest, longest, begin) == at(3));
    CHECK_FALSE(keys.find(longest, longest.substr(1), begin));
}

TEST_CASE("keys expire in the order of their time, so many at once as asked") {
    PublishKeys keys{1, {.keys_max = 10, .window = 10s}};
    for (std::uint64_t i = 0; i < 5; ++i)
        keys.remember("a", "k" + std::to_string(i), at(i), begin + std::chrono::seconds{i});
    keys.expire(begin + 9s, 100);
    CHECK(keys.size() == 5);
    keys.expire(begin + 12s, 2);
    CHECK(keys.size() == 3);
    keys.expire(begin + 12s, 100);
    CHECK(keys.size() == 2);
    keys.expire(begin + 1h, 100);
    CHECK(keys.size() == 0);
    CHECK(keys.evictions() == 0);
    keys.remember("a", "k", at(9), begin + 1h);
    CHECK(keys.find("a", "k", begin + 1h) == at(9));
}

TEST_CASE("where there are too many keys, the oldest goes before its time, and is counted") {
    PublishKeys keys{1, {.keys_max = 2, .window = 10s}};
    keys.remember("a", "a", at(1), begin);
    keys.remember("a", "b", at(2), begin);
    CHECK(keys.evictions() == 0);
    keys.remember("a", "c", at(3), begin);
    CHECK(keys.evictions() == 1);
    CHECK_FALSE(keys.find("a", "a", begin));
    CHECK(keys.find("a", "b", begin) == at(2));
    CHECK(keys.find("a", "c", begin) == at(3));
    keys.remember("a", "d", at(4), begin + 10s);
    CHECK(keys.evictions() == 1);
    CHECK(keys.size() == 1);
}

TEST_CASE("whatever is published again, and when, keys are as naive ones") {
    struct Naive {
        std::string topic, key;
        std::uint64_t offset;
        Instant until;
    };
    constexpr std::size_t keys_max = 30;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        Prng prng{seed};
        PublishKeys keys{seed, {.keys_max = keys_max, .window = 40s}};
        std::deque<Naive> naive;
        std::uint64_t evicted = 0;
        Instant now = begin;
        for (std::uint64_t step = 0; step < 4000; ++step) {
            const std::string topic(1 + prng.below(3), 't');
            const std::string key = "key" + std::to_string(prng.below(12));
            // Quiet and busy times, so that keys run out of time as well as out of room.
            if (step / 500 % 2 == 0 || prng.chance(1, 10))
                now += std::chrono::seconds{prng.below(5)};
            if (prng.chance(1, 10)) keys.expire(now, prng.below(3));
            std::optional<Position> expected;
            for (const Naive& each : naive) {
                if (each.topic == topic && each.key == key && each.until > now)
                    expected = at(each.offset);
            }
            REQUIRE(keys.find(topic, key, now) == expected);
            if (expected) continue;
            // Those that are over and still there make room without being counted.
            while (!naive.empty() && naive.front().until <= now) naive.pop_front();
            if (naive.size() == keys_max) {
                naive.pop_front();
                ++evicted;
            }
            naive.push_back({topic, key, step, now + 40s});
            keys.remember(topic, key, at(step), now);
            REQUIRE(keys.evictions() == evicted);
            REQUIRE(keys.size() >= naive.size());
        }
        CHECK(evicted > 0);
    }
}
