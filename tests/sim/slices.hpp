#pragma once
// The receive buffers of a SimRing. Several slices share a buffer, as with the incremental buffers
// of io_uring. Made to find what a real kernel would forgive: when a slice's life ends its bytes
// are overwritten and (with AddressSanitizer) poisoned, and guard bytes behind each slice tell
// whether somebody wrote over its end.
//
//   buffer:  [ slice | guard | slice | guard | ... free ... | slack 64 B ]

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "base/prng.hpp"

namespace ringcast::sim {

class Slices {
public:
    Slices(std::size_t buffers_count, std::size_t buffer_bytes, std::uint64_t seed);
    ~Slices();
    Slices(const Slices&) = delete;
    Slices& operator=(const Slices&) = delete;

    /// At most `bytes`, alive until turn `turn` + 2 begins. Empty: all buffers are lent out.
    [[nodiscard]] std::span<std::byte> take(std::size_t bytes, std::uint64_t turn);
    /// Ends the life of slices handed out by turns before `turn` - 1. Throws Violation
    /// (slice_bounds).
    void begin_turn(std::uint64_t turn);

    /// True if `bytes` touches memory of the buffers.
    [[nodiscard]] bool touches(std::span<const std::byte> bytes) const noexcept;
    /// True if `bytes` lies inside slices that are alive.
    [[nodiscard]] bool is_alive(std::span<const std::byte> bytes) const noexcept;
    [[nodiscard]] std::size_t lent() const noexcept { return lent_.size(); }

private:
    static constexpr std::size_t slack_bytes = 64, guard_bytes_max = 8;
    static constexpr std::byte fresh{0xca}, expired{0xdd};
    struct Slice {
        std::span<std::byte> bytes;
        std::size_t guard_bytes;
        std::uint64_t turn;
        std::size_t buffer;
    };
    [[nodiscard]] std::byte* start_of(std::size_t buffer) {
        return memory_.data() + buffer * stride_;
    }
    [[nodiscard]] bool open_buffer();
    void end_life(const Slice& slice);

    Prng prng_;
    std::size_t buffer_bytes_, stride_;
    std::vector<std::byte> memory_;
    std::vector<std::size_t> slices_in_;  // Slices alive, by buffer.
    std::deque<Slice> lent_;              // Oldest first.
    std::size_t current_ = 0;             // The buffer being filled ...
    std::size_t used_ = 0;                // ... and how far.
};

}  // namespace ringcast::sim
