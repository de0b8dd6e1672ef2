#pragma once
// When publications are due in an open loop: at a fixed pace, whatever the server does, round robin
// over some publishers. Their latency counts from here, so a server that holds the generator up
// cannot hide it.

#include <chrono>
#include <cstdint>

#include "io.hpp"

namespace ringcast::bench {

class Schedule {
public:
    /// Publication `k` of the schedule is due `k * interval_seconds` after `start`, and belongs to
    /// publisher `first_publisher + k % publisher_count`.
    Schedule(double interval_seconds, std::uint32_t first_publisher, std::uint32_t publisher_count)
        : interval_(interval_seconds * 1e9),
          first_publisher_(first_publisher),
          publisher_count_(publisher_count) {}

    void start(Clock::time_point time) noexcept { start_ = time; }

    /// When the next publication that take() has not returned is due.
    [[nodiscard]] Clock::time_point next_due() const noexcept { return due(taken_); }
    /// Takes the next publication; returns its publisher.
    std::uint32_t take() noexcept {
        return first_publisher_ + static_cast<std::uint32_t>(taken_++ % publisher_count_);
    }
    /// When publication `sequence` of `publisher` is due.
    [[nodiscard]] Clock::time_point time_of(std::uint32_t publisher,
                                            std::uint64_t sequence) const noexcept {
        return due(sequence * publisher_count_ + (publisher - first_publisher_));
    }

private:
    [[nodiscard]] Clock::time_point due(std::uint64_t count) const noexcept {
        return start_ +
               std::chrono::duration_cast<Clock::duration>(interval_ * static_cast<double>(count));
    }

    std::chrono::duration<double, std::nano> interval_;
    std::uint32_t first_publisher_;
    std::uint32_t publisher_count_;
    Clock::time_point start_;
    std::uint64_t taken_ = 0;
};

}  // namespace ringcast::bench
