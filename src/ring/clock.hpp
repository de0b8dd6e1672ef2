#pragma once
// The only clock of the library: CLOCK_MONOTONIC, read by a ring when a turn begins and when it
// ends (and before a timed wait).

#include <ctime>

#include "base/time.hpp"

namespace ringcast::ring {

[[nodiscard]] inline Instant read_clock() noexcept {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);  // Cannot fail for this clock.
    return Instant{std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec}};
}

/// A wait is never longer than this, whatever was asked for: an empty turn a day harms nobody, and
/// the sum with the present time cannot overflow in the kernel.
inline constexpr Duration wait_max = std::chrono::hours{24};

/// How long to wait from now on until `until`: zero if that has passed, at most `wait_max`.
[[nodiscard]] inline Duration remaining_wait(Instant until) noexcept {
    if (until == instant_never) return wait_max;
    const Instant now = read_clock();
    if (until <= now) return Duration::zero();
    return until - now < wait_max ? until - now : wait_max;
}

}  // namespace ringcast::ring
