#pragma once
// Deadlines of a shard: handshake, idle, ping and close timeouts, hundreds of thousands of them,
// nearly all of which are moved or cancelled before they fire. One wheel per shard.
//
// Four wheels of 64 slots, each slot of a wheel as wide as the whole wheel below it. With ticks of
// 4 ms:
//
//   level 0   64 x   4 ms   =  256 ms     a slot is one tick: when it comes, its timers are due
//   level 1   64 x 256 ms   =  16.4 s     when a slot comes, its timers move down
//   level 2   64 x  16.4 s  =  17.5 min
//   level 3   64 x 17.5 min =  18.6 h
//   far       one list for all later ones, gone through once per turn of level 3
//
// Read the tick numbers as digits of base 64: a timer stands on the level of the highest digit in
// which its expiry differs from the current tick. So everything on a level comes before everything
// above it, a level's next slot is its lowest occupied bit, and a jump of the clock costs only as
// much as there are timers to move.

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/assert.hpp"
#include "base/time.hpp"

namespace ringcast {

/// A deadline as a member or base of what it is for; the wheel only links it and owns nothing. It
/// must not move or die while it is scheduled. 24 bytes.
struct Timer {
    Timer() = default;
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

    [[nodiscard]] bool is_scheduled() const noexcept { return next != nullptr; }

    Timer* next = nullptr;
    Timer* previous = nullptr;
    Instant deadline;
};
static_assert(sizeof(Timer) == 24);

/// Schedules and cancels in constant time. A timer never fires before its deadline, and at the
/// latest one tick after it (given that the wheel is asked). Timers of the same tick, and those
/// that a jump of the clock brings home together, fire in no particular order.
class TimerWheel {
public:
    static constexpr Duration tick_default = std::chrono::milliseconds{4};

    explicit TimerWheel(Duration tick = tick_default) noexcept;
    TimerWheel(const TimerWheel&) = delete;
    TimerWheel& operator=(const TimerWheel&) = delete;

    /// Arms `timer`, or moves it if it is armed already. A deadline in the past fires at the next
    /// pop.
    void schedule(Timer& timer, Instant deadline) noexcept;
    /// Disarms `timer`. Does nothing if it is not armed.
    void cancel(Timer& timer) noexcept;

    /// The next timer whose time has come at `now`, disarmed; null if there is none (left). Call it
    /// in a loop with a bound of the caller's; what stays behind is found by the next call. The
    /// timer may be armed again at once. A `now` earlier than that of a former call counts as that
    /// one.
    [[nodiscard]] Timer* pop_expired(Instant now) noexcept;

    /// How long a wait may be: at this Instant, and not before, pop_expired may have something to
    /// do; it may find only timers to move down, at most once per level. instant_never if nothing
    /// is scheduled. A past Instant if timers are left to be popped.
    [[nodiscard]] Instant next_deadline() const noexcept;

    /// Armed timers.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    static constexpr std::size_t level_count = 4, slot_bits = 6, slot_count = 1u << slot_bits;
    static constexpr std::size_t horizon_bits = level_count * slot_bits;
    /// The lists behind the wheels' slots.
    static constexpr std::size_t due_list = level_count * slot_count, far_list = due_list + 1;

    struct Event {
        std::uint64_t tick;
        std::size_t list;
    };

    [[nodiscard]] std::uint64_t expiry_of(Instant deadline) const noexcept;
    [[nodiscard]] bool is_empty(std::size_t list) const noexcept;
    [[nodiscard]] Event next_event() const noexcept;
    void link(Timer& timer) noexcept;
    void unlink(Timer& timer) noexcept;
    void advance(std::uint64_t target) noexcept;
    void redistribute(std::size_t list) noexcept;

    Duration tick_;
    std::uint64_t current_ =
        0;  // All timers that expire at this tick or before it are in the due list.
    std::size_t size_ = 0;
    std::array<std::uint64_t, level_count> occupied_{};  // A bit per slot that is not empty.
    std::array<Timer, far_list + 1> lists_;              // Heads of circular lists.
};

}  // namespace ringcast
