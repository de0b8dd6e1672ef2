#include "shard/pacing.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using ringcast::Duration;
using ringcast::shard::Pacing;

TEST_CASE("only few completions with many sends make a turn gather") {
    struct {
        std::uint64_t completions, sends;
        Duration gather;  // Zero: wait for one completion.
    } const cases[] = {
        {0, 0, 0us},     {1, 1, 0us},      {100, 100, 0us},  {1, 63, 0us},      {1, 64, 256us},
        {0, 64, 256us},  {16, 64, 256us},  {17, 64, 0us},    {25, 100, 400us},  {26, 100, 0us},
        {1, 249, 996us}, {1, 250, 1000us}, {1, 251, 1000us}, {1, 100'000, 1ms}, {200, 799, 0us},
        {200, 800, 1ms}, {1'000, 10, 0us},
    };
    for (const auto& [completions, sends, gather] : cases) {
        CAPTURE(completions);
        CAPTURE(sends);
        Pacing pacing{4us, 1ms};
        const Pacing::Advice advice = pacing.next(completions, sends);
        CHECK(advice.gather == gather);
        CHECK(advice.count == (gather > 0us ? 64u : 1u));
    }
}

TEST_CASE("a gathering that brought nothing is tried again ever more rarely") {
    Pacing pacing{4us, 1ms};
    const auto turns_until_gathering = [&](std::uint64_t completions) {
        int turns = 1;
        while (pacing.next(completions, 100).count == 1) ++turns;
        return turns;
    };
    CHECK(turns_until_gathering(1) == 1);
    for (const int turns : {2, 4, 8, 16, 32, 64, 64, 64}) CHECK(turns_until_gathering(1) == turns);

    SUBCASE("one that brought something ends the back-off") {
        CHECK(turns_until_gathering(20) == 1);
        CHECK(turns_until_gathering(20) == 1);
        CHECK(turns_until_gathering(1) == 2);
    }
    SUBCASE("turns without fan-out neither wait nor count") {
        CHECK(pacing.next(1, 1).count == 1);  // Ends the gathering: nothing came.
        for (int i = 0; i < 100; ++i) CHECK(pacing.next(50, 50).count == 1);
        CHECK(turns_until_gathering(1) == 64);
    }
}
