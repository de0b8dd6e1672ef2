#pragma once
// A log-linear histogram of durations in nanoseconds (the idea of HdrHistogram): 128 buckets for
// each power of two, so that every value is known to within 1/128 of itself (0.8 %), over the whole
// range of 64 bits, in 60 KB that never grow.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace ringcast::bench {

class Histogram {
public:
    /// Counts `value`, in nanoseconds, `times` times, at least once. Costs a few instructions;
    /// cannot fail.
    void record(std::uint64_t value, std::uint64_t times = 1) noexcept {
        counts_[bucket_of(value)] += times;
        count_ += times;
        if (value > max_) max_ = value;
    }

    /// The smallest bucket bound that at least `fraction` (0 to 1) of the values do not exceed;
    /// never more than max(). 0 if nothing was recorded.
    [[nodiscard]] std::uint64_t quantile(double fraction) const noexcept;

    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    [[nodiscard]] std::uint64_t max() const noexcept { return max_; }  ///< Exact.

private:
    static constexpr unsigned precision_bits = 7;
    static constexpr std::uint64_t linear_count = 1U << precision_bits;
    static constexpr std::size_t bucket_count = (64 - precision_bits + 1) * linear_count;

    /// Values below 128 have a bucket each. Above, a value is shifted right until 8 bits are left;
    /// its bucket is named by the shift and the lower 7 of these bits (the upper one is always
    /// set).
    static constexpr std::size_t bucket_of(std::uint64_t value) noexcept {
        if (value < linear_count) return value;
        const auto shift = static_cast<unsigned>(std::bit_width(value)) - precision_bits - 1;
        return (shift + 1) * linear_count + ((value >> shift) - linear_count);
    }

    /// The largest value that falls into `bucket`.
    static constexpr std::uint64_t upper_bound_of(std::size_t bucket) noexcept {
        if (bucket < linear_count) return bucket;
        const std::size_t shift = bucket / linear_count - 1;
        const std::uint64_t leading = bucket % linear_count + linear_count;
        return (leading << shift) + ((std::uint64_t{1} << shift) - 1);
    }

    std::array<std::uint64_t, bucket_count> counts_{};
    std::uint64_t count_ = 0;
    std::uint64_t max_ = 0;
};

}  // namespace ringcast::bench
