#include "base/timer_wheel.hpp"

#include <bit>

namespace ringcast {

TimerWheel::TimerWheel(Duration tick) noexcept : tick_{tick} {
    RC_ASSERT(tick > Duration::zero());
    for (Timer& head : lists_) head.next = head.previous = &head;
}

void TimerWheel::schedule(Timer& timer, Instant deadline) noexcept {
    cancel(timer);
    timer.deadline = deadline;
    link(timer);
    ++size_;
}

void TimerWheel::cancel(Timer& timer) noexcept {
    if (!timer.is_scheduled()) return;
    unlink(timer);
    --size_;
}

Timer* TimerWheel::pop_expired(Instant now) noexcept {
    const Duration elapsed = now.time_since_epoch();
    const std::uint64_t target =
        elapsed <= Duration::zero() ? 0 : static_cast<std::uint64_t>(elapsed / tick_);
    if (is_empty(due_list)) advance(target);
    if (is_empty(due_list)) return nullptr;
    Timer& timer = *lists_[due_list].next;
    RC_ASSERT(expiry_of(timer.deadline) <= current_);
    cancel(timer);
    return &timer;
}

Instant TimerWheel::next_deadline() const noexcept {
    if (size_ == 0) return instant_never;
    const std::uint64_t tick = is_empty(due_list) ? next_event().tick : current_;
    const std::uint64_t tick_max = static_cast<std::uint64_t>(Duration::max() / tick_);
    return tick > tick_max ? instant_never : Instant{tick_ * static_cast<Duration::rep>(tick)};
}

/// The first tick that is not before `deadline`.
std::uint64_t TimerWheel::expiry_of(Instant deadline) const noexcept {
    const Duration elapsed = deadline.time_since_epoch();
    if (elapsed <= Duration::zero()) return 0;
    const bool inexact = elapsed % tick_ != Duration::zero();
    return static_cast<std::uint64_t>(elapsed / tick_) + (inexact ? 1 : 0);
}

bool TimerWheel::is_empty(std::size_t list) const noexcept {
    return lists_[list].next == &lists_[list];
}

/// The next tick at which timers fire or move down, and the list they are in. Needs at least one
/// timer that is not due.
TimerWheel::Event TimerWheel::next_event() const noexcept {
    for (std::size_t level = 0; level < level_count; ++level) {
        if (occupied_[level] == 0) continue;
        const auto slot = static_cast<std::size_t>(std::countr_zero(occupied_[level]));
        const std::size_t shift = level * slot_bits;
        const std::uint64_t above = current_ >> (shift + slot_bits) << slot_bits;
        return {.tick = (above | slot) << shift, .list = level * slot_count + slot};
    }
    return {.tick = ((current_ >> horizon_bits) + 1) << horizon_bits, .list = far_list};
}

void TimerWheel::link(Timer& timer) noexcept {
    const std::uint64_t expiry = expiry_of(timer.deadline);
    std::size_t list = due_list;
    if (expiry > current_) {
        const auto highest_bit = static_cast<std::size_t>(std::bit_width(expiry ^ current_)) - 1;
        const std::size_t level = highest_bit / slot_bits;
        if (level < level_count) {
            const std::uint64_t slot = (expiry >> (level * slot_bits)) % slot_count;
            occupied_[level] |= std::uint64_t{1} << slot;
            list = level * slot_count + slot;
        } else {
            list = far_list;
        }
    }
    Timer& head = lists_[list];
    timer.next = &head;
    timer.previous = head.previous;
    timer.previous->next = &timer;
    head.previous = &timer;
}

void TimerWheel::unlink(Timer& timer) noexcept {
    timer.previous->next = timer.next;
    timer.next->previous = timer.previous;
    if (timer.next == timer.previous) {
        // Two equal neighbours are one and the same: the head. The list is empty now, so its bit
        // goes.
        const auto list = static_cast<std::size_t>(timer.next - lists_.data());
        if (list < due_list) {
            occupied_[list / slot_count] &= ~(std::uint64_t{1} << (list % slot_count));
        }
    }
    timer.next = timer.previous = nullptr;
}

/// Moves the current tick to `target`, or to the first tick before it at which timers are due. Each
/// step empties one list, and a timer is moved at most once per level, however far the jump.
void TimerWheel::advance(std::uint64_t target) noexcept {
    while (current_ < target) {
        if (size_ == 0) {
            current_ = target;
            return;
        }
        const Event event = next_event();
        if (event.tick > target) {
            current_ = target;
            return;
        }
        // The far list comes last, so that there is nothing else to pass on the way to the target.
        current_ = event.list == far_list ? target : event.tick;
        redistribute(event.list);
        if (!is_empty(due_list)) return;
    }
}

/// Links each timer of `list` anew, as seen from the current tick.
void TimerWheel::redistribute(std::size_t list) noexcept {
    Timer& head = lists_[list];
    Timer* timer = head.next;
    head.next = head.previous = &head;
    if (list < due_list) occupied_[list / slot_count] &= ~(std::uint64_t{1} << (list % slot_count));
    while (timer != &head) {
        Timer* following = timer->next;
        link(*timer);
        timer = following;
    }
}

}  // namespace ringcast
