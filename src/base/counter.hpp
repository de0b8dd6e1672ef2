#pragma once
// A number that one thread writes and any thread reads.

#include <atomic>
#include <cstdint>

namespace ringcast {

/// Counts like a std::uint64_t. Only one thread may change it, at the cost of a plain number: no
/// instruction is locked. Copying it is reading it.
class Counter {
public:
    Counter() noexcept = default;
    Counter(std::uint64_t value) noexcept : value_{value} {}
    Counter(const Counter& other) noexcept : Counter{static_cast<std::uint64_t>(other)} {}
    Counter& operator=(const Counter& other) noexcept {
        return *this = static_cast<std::uint64_t>(other);
    }

    // relaxed: each number stands alone; nothing else is published through it.
    operator std::uint64_t() const noexcept { return value_.load(std::memory_order_relaxed); }
    Counter& operator=(std::uint64_t value) noexcept {
        value_.store(value, std::memory_order_relaxed);
        return *this;
    }
    Counter& operator+=(std::uint64_t more) noexcept { return *this = *this + more; }
    Counter& operator-=(std::uint64_t less) noexcept { return *this = *this - less; }
    Counter& operator++() noexcept { return *this += 1; }
    Counter& operator--() noexcept { return *this -= 1; }

private:
    std::atomic<std::uint64_t> value_{0};
};

}  // namespace ringcast
