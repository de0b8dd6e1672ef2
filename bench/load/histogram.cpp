#include "histogram.hpp"

#include <algorithm>
#include <cmath>

namespace ringcast::bench {

std::uint64_t Histogram::quantile(double fraction) const noexcept {
    if (count_ == 0) return 0;
    const double rank = std::ceil(std::clamp(fraction, 0.0, 1.0) * static_cast<double>(count_));
    const std::uint64_t wanted = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(rank));
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < bucket_count; ++bucket) {
        seen += counts_[bucket];
        if (seen >= wanted) return std::min(upper_bound_of(bucket), max_);
    }
    return max_;
}

}  // namespace ringcast::bench
