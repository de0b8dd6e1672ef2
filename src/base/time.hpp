#pragma once
// Time as the shards see it. There is no clock here: an Instant comes from Ring::now(), read once
// per loop turn, so that the simulator can hand out any time it likes.

#include <chrono>

namespace ringcast {

using Duration = std::chrono::nanoseconds;

/// The monotonic time line of one ring. Has no now() on purpose.
struct RingClock {
    using duration = Duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<RingClock, Duration>;
    static constexpr bool is_steady = true;
};

using Instant = RingClock::time_point;

/// Later than every deadline.
inline constexpr Instant instant_never = Instant::max();

}  // namespace ringcast
