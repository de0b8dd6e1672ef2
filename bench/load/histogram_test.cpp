#include "histogram.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <doctest/doctest.h>
#include <limits>
#include <vector>

using ringcast::bench::Histogram;

TEST_CASE("an empty histogram answers zero") {
    const Histogram histogram;
    CHECK(histogram.count() == 0);
    CHECK(histogram.max() == 0);
    CHECK(histogram.quantile(0.5) == 0);
    CHECK(histogram.quantile(1.0) == 0);
}

TEST_CASE("values below 128 are exact") {
    Histogram histogram;
    for (std::uint64_t value = 0; value < 128; ++value) histogram.record(value);
    CHECK(histogram.count() == 128);
    for (std::uint64_t rank = 1; rank <= 128; ++rank) {
        CHECK(histogram.quantile(static_cast<double>(rank) / 128.0) == rank - 1);
    }
}

TEST_CASE(
    "a single value of any magnitude is every quantile, and exact because it is the maximum") {
    for (unsigned bit = 0; bit < 64; ++bit) {
        for (const std::uint64_t value : {std::uint64_t{1} << bit, (std::uint64_t{1} << bit) - 1,
                                          (std::uint64_t{1} << bit) + 1}) {
            Histogram histogram;
            histogram.record(value);
            CHECK(histogram.quantile(0.0) == value);
            CHECK(histogram.quantile(0.5) == value);
            CHECK(histogram.quantile(1.0) == value);
            CHECK(histogram.max() == value);
        }
    }
}

TEST_CASE("a value is known to within one percent, and never understated") {
    for (unsigned bit = 0; bit < 63; ++bit) {
        for (std::uint64_t offset = 0; offset < 200; ++offset) {
            const std::uint64_t value =
                (std::uint64_t{1} << bit) + offset * ((std::uint64_t{1} << bit) / 97);
            Histogram histogram;
            histogram.record(value);
            histogram.record(std::numeric_limits<std::uint64_t>::max());
            const std::uint64_t answer = histogram.quantile(0.5);
            CHECK(answer >= value);
            CHECK(answer - value <= value / 100);
        }
    }
}

TEST_CASE("quantiles agree with a sorted list to within one percent") {
    std::vector<std::uint64_t> values;
    Histogram histogram;
    std::uint64_t state = 88172645463325252ULL;
    for (int i = 0; i < 20000; ++i) {
        state ^= state << 13U;
        state ^= state >> 7U;
        state ^= state << 17U;
        const std::uint64_t value = state >> (state % 50);
        values.push_back(value);
        histogram.record(value);
    }
    std::sort(values.begin(), values.end());
    for (const double fraction : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
        const auto rank =
            static_cast<std::size_t>(std::ceil(fraction * static_cast<double>(values.size())));
        const std::uint64_t expected = values[rank - 1];
        const std::uint64_t answer = histogram.quantile(fraction);
        CHECK(answer >= expected);
        CHECK(answer - expected <= expected / 100);
    }
    CHECK(histogram.max() == values.back());
}

TEST_CASE("a fraction outside 0 to 1 is clamped") {
    Histogram histogram;
    histogram.record(3);
    histogram.record(9);
    CHECK(histogram.quantile(-1.0) == 3);
    CHECK(histogram.quantile(7.0) == 9);
}
