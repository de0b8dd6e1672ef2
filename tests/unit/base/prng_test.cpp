#include "base/prng.hpp"

#include <array>
#include <doctest/doctest.h>

using ringcast::Prng;

TEST_CASE("the same seed gives the same numbers, on every machine") {
    Prng prng{0};
    // From the published reference code: splitmix64 from 0 as the state of xoshiro256**.
    CHECK(prng.next() == 0x99ec5f36cb75f2b4);
    CHECK(prng.next() == 0xbf6e1f784956452a);
    CHECK(prng.next() == 0x1a5f849d4933e6e0);
    Prng first{42};
    Prng second{42};
    Prng other{43};
    bool differs = false;
    for (int i = 0; i < 100; ++i) {
        const std::uint64_t number = first.next();
        REQUIRE(second.next() == number);
        differs = differs || other.next() != number;
    }
    CHECK(differs);
}

TEST_CASE("numbers below a bound stay below it and are spread evenly") {
    Prng prng{7};
    std::array<int, 10> histogram{};
    for (int i = 0; i < 100'000; ++i) ++histogram[prng.below(10)];
    for (const int count : histogram) {
        CHECK(count > 9'500);
        CHECK(count < 10'500);
    }
    for (int i = 0; i < 100; ++i) CHECK(prng.below(1) == 0);
    const std::uint64_t huge = 0xc000'0000'0000'0000;
    int upper_half = 0;
    for (int i = 0; i < 10'000; ++i) {
        const std::uint64_t number = prng.below(huge);
        REQUIRE(number < huge);
        if (number >= huge / 2) ++upper_half;
    }
    // A plain remainder would put two thirds of the numbers below a third of the range.
    CHECK(upper_half > 4'800);
    CHECK(upper_half < 5'200);
}

TEST_CASE("a chance comes true as often as it says") {
    Prng prng{8};
    int hits = 0;
    for (int i = 0; i < 100'000; ++i) hits += prng.chance(1, 4) ? 1 : 0;
    CHECK(hits > 24'000);
    CHECK(hits < 26'000);
    CHECK(prng.chance(1, 1));
    CHECK_FALSE(prng.chance(0, 5));
}
