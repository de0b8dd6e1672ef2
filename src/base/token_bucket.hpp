#pragma once
// A limit on how often something may happen, with room for a burst.

#include <algorithm>
#include <cstdint>

#include "base/time.hpp"

namespace ringcast {

/// How many tokens come per second, and how many there are at most. A rate of 0: no limit.
struct TokenRate {
    std::uint64_t rate = 0;
    std::uint64_t burst = 0;  ///< 0: what comes in a second.

    [[nodiscard]] bool is_limited() const noexcept { return rate > 0; }
    [[nodiscard]] std::uint64_t burst_or_second() const noexcept {
        return burst == 0 ? rate : burst;
    }
    /// Until `count` tokens, at most 2^33, have come.
    [[nodiscard]] Duration time_of(std::uint64_t count) const noexcept {
        return Duration{static_cast<Duration::rep>(count * 1'000'000'000 / rate)};
    }
};

/// A token bucket as one time: when it is full again. Full at first.
class TokenBucket {
public:
    /// Takes `count` tokens, though there may be fewer. Returns when there is one again, which may
    /// be in the past.
    Instant take(std::uint64_t count, const TokenRate& rate, Instant now) noexcept {
        full_at_ = std::max(full_at_, now) + rate.time_of(count);
        return full_at_ - rate.time_of(rate.burst_or_second() - 1);
    }

private:
    Instant full_at_{};
};

}  // namespace ringcast
