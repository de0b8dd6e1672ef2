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

}  // namespace

TEST_CASE("a key is known with its offset, in its stream, for as long as the window") {
    PublishKeys keys{1, {.keys_max = 10, .window = 5min}};
    CHECK_FALSE(keys.find(1, "order", begin));
    keys.remember(1, "order", 41, begin);
    CHECK(keys.find(1, "order", begin) == 41);
    CHECK(keys.find(1, "order", begin + 5min - 1ns) == 41);
    CHECK_FALSE(keys.find(2, "order", begin));
    CHECK_FALSE(keys.find(1, "orde", begin));
    CHECK_FALSE(keys.find(1, "order", begin + 5min));
    // The same key anew, while the old entry is there still.
    keys.remember(2, "other", 7, begin + 1min);
    keys.remember(1, "order", 50, begin + 5min);
    CHECK(keys.find(1, "order", begin + 5min) == 50);
    CHECK(keys.find(2, "other", begin + 5min) == 7);
}

TEST_CASE("keys have from 1 to 64 bytes") {
    const std::string longest(64, 'k');
    CHECK_FALSE(PublishKeys::is_valid(""));
    CHECK_FALSE(PublishKeys::is_valid(longest + "k"));
    CHECK(PublishKeys::is_valid("k"));
    CHECK(PublishKeys::is_valid(longest));
    PublishKeys keys{1, {}};
    keys.remember(1, longest, 3, begin);
    CHECK(keys.find(1, longest, begin) == 3);
    CHECK_FALSE(keys.find(1, longest.substr(1), begin));
}

TEST_CASE("keys expire in the order of their time, so many at once as asked") {
    PublishKeys keys{1, {.keys_max = 10, .window = 10s}};
    for (std::uint64_t i = 0; i < 5; ++i)
        keys.remember(1, "k" + std::to_string(i), i, begin + std::chrono::seconds{i});
    keys.expire(begin + 9s, 100);
    CHECK(keys.size() == 5);
    keys.expire(begin + 12s, 2);
    CHECK(keys.size() == 3);
    keys.expire(begin + 12s, 100);
    CHECK(keys.size() == 2);
    keys.expire(begin + 1h, 100);
    CHECK(keys.size() == 0);
    CHECK(keys.evicted() == 0);
    keys.remember(1, "k", 9, begin + 1h);
    CHECK(keys.find(1, "k", begin + 1h) == 9);
}

TEST_CASE("where there are too many keys, the oldest goes before its time, and is counted") {
    PublishKeys keys{1, {.keys_max = 2, .window = 10s}};
    keys.remember(1, "a", 1, begin);
    keys.remember(1, "b", 2, begin);
    CHECK(keys.evicted() == 0);
    keys.remember(1, "c", 3, begin);
    CHECK(keys.evicted() == 1);
    CHECK_FALSE(keys.find(1, "a", begin));
    CHECK(keys.find(1, "b", begin) == 2);
    CHECK(keys.find(1, "c", begin) == 3);
    keys.remember(1, "d", 4, begin + 10s);
    CHECK(keys.evicted() == 1);
    CHECK(keys.size() == 1);
}

TEST_CASE("whatever is published again, and when, keys are as naive ones") {
    struct Naive {
        std::uint64_t stream;
        std::string key;
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
            const std::uint64_t stream = prng.below(3);
            const std::string key = "key" + std::to_string(prng.below(12));
            // Quiet and busy times, so that keys run out of time as well as out of room.
            if (step / 500 % 2 == 0 || prng.chance(1, 10))
                now += std::chrono::seconds{prng.below(5)};
            if (prng.chance(1, 10)) keys.expire(now, prng.below(3));
            std::optional<std::uint64_t> expected;
            for (const Naive& each : naive) {
                if (each.stream == stream && each.key == key && each.until > now)
                    expected = each.offset;
            }
            REQUIRE(keys.find(stream, key, now) == expected);
            if (expected) continue;
            // Those that are over and still there make room without being counted.
            while (!naive.empty() && naive.front().until <= now) naive.pop_front();
            if (naive.size() == keys_max) {
                naive.pop_front();
                ++evicted;
            }
            naive.push_back({stream, key, step, now + 40s});
            keys.remember(stream, key, step, now);
            REQUIRE(keys.evicted() == evicted);
            REQUIRE(keys.size() >= naive.size());
        }
        CHECK(evicted > 0);
    }
}
