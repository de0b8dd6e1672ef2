#pragma once
// Spans of time.

#include <chrono>
#include <cstdint>

#include "io.hpp"

namespace ringcast::bench {

/// From `begin` until just before `end`; unless told otherwise, never.
struct Interval {
    Clock::time_point begin = Clock::time_point::max();
    Clock::time_point end = Clock::time_point::max();

    [[nodiscard]] bool contains(Clock::time_point time) const noexcept {
        return begin <= time && time < end;
    }
};

/// As histograms take it.
[[nodiscard]] inline std::uint64_t nanoseconds_between(Clock::time_point begin,
                                                       Clock::time_point end) noexcept {
    return static_cast<std::uint64_t>(std::chrono::nanoseconds(end - begin).count());
}

[[nodiscard]] inline double seconds_between(Clock::time_point begin,
                                            Clock::time_point end) noexcept {
    return std::chrono::duration<double>(end - begin).count();
}

[[nodiscard]] inline std::chrono::nanoseconds nanoseconds_of(double seconds) noexcept {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
        std::chrono::duration<double>(seconds));
}

}  // namespace ringcast::bench
