#include "base/token_bucket.hpp"

#include <doctest/doctest.h>

using namespace ringcast;
using namespace std::chrono_literals;

TEST_CASE("a bucket gives its burst at once, and then a token each time one comes") {
    constexpr TokenRate rate{.rate = 10, .burst = 3};
    constexpr Instant start{1h};
    TokenBucket bucket;
    CHECK(bucket.take(1, rate, start) <= start);
    CHECK(bucket.take(1, rate, start) <= start);
    CHECK(bucket.take(1, rate, start) == start + 100ms);
    CHECK(bucket.take(1, rate, start + 100ms) == start + 200ms);
    // More than there is: it takes as long as that much takes to come.
    CHECK(bucket.take(20, rate, start + 200ms) == start + 2200ms);
    // Full again, and no fuller.
    CHECK(bucket.take(2, rate, start + 1h) <= start + 1h);
    CHECK(bucket.take(1, rate, start + 1h) == start + 1h + 100ms);
}

TEST_CASE("without a burst of its own a bucket has what comes in a second") {
    constexpr TokenRate rate{.rate = 1000};
    constexpr Instant start{1h};
    TokenBucket bucket;
    CHECK(bucket.take(999, rate, start) <= start);
    CHECK(bucket.take(1, rate, start) == start + 1ms);
    CHECK_FALSE(TokenRate{}.is_limited());
}

TEST_CASE("the largest rates and bursts do not overflow") {
    constexpr std::uint64_t most = std::uint64_t{4} << 30;
    constexpr Instant now{24h * 365 * 10};
    TokenBucket slow;
    CHECK(slow.take(1 << 20, {.rate = 1, .burst = most}, now) < now);
    TokenBucket fast;
    CHECK(fast.take(1 << 20, {.rate = most, .burst = most}, now) < now);
    CHECK(fast.take(most, {.rate = most, .burst = most}, now) > now);
}
