#pragma once
// How long a turn waits: the adaptive rule, decided by output, not input. After a fan-out turn (few
// completions, many sends) the kernel is given time to bring many completions at once; if that
// brought nothing, the rule backs off. It counts and reads no clock, so the simulator replays it
// exactly.

#include <algorithm>
#include <cstdint>

#include "base/time.hpp"

namespace ringcast::shard {

class Pacing {
public:
    struct Advice {
        std::uint32_t count = 1;  ///< Completions to wait for.
        Duration gather{0};       ///< After this one is enough.
    };

    Pacing(Duration gather_per_send, Duration gather_max) noexcept
        : gather_per_send_{gather_per_send}, gather_max_{gather_max} {}

    /// `completions`: how many the last turn returned; `sends`: how many are about to be submitted.
    [[nodiscard]] Advice next(std::uint64_t completions, std::uint64_t sends) noexcept {
        if (waited_ && completions <= 1) {
            backoff_ = std::min<std::uint32_t>(2 * backoff_ + 1, backoff_max);
            skip_ = backoff_;
        } else if (waited_) {
            backoff_ = 0;
        }
        waited_ = false;
        if (sends < fan_out_sends_min || sends < 4 * completions) return {};
        if (skip_ > 0) {
            --skip_;
            return {};
        }
        waited_ = true;
        return {
            .count = gather_count,
            .gather = std::min(gather_per_send_ * static_cast<std::int64_t>(sends), gather_max_)};
    }

private:
    static constexpr std::uint32_t backoff_max = 63;
    static constexpr std::uint64_t fan_out_sends_min = 64;
    static constexpr std::uint32_t gather_count = 64;

    Duration gather_per_send_, gather_max_;
    std::uint32_t backoff_ = 0, skip_ = 0;
    bool waited_ = false;
};

}  // namespace ringcast::shard
