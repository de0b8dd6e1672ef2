#include "base/doorbell.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <doctest/doctest.h>
#include <semaphore>
#include <thread>

using ringcast::Doorbell;

TEST_CASE("the owner takes every bit once") {
    Doorbell doorbell;
    CHECK(doorbell.take() == 0);
    CHECK_FALSE(doorbell.ring(0b0001));
    CHECK_FALSE(doorbell.ring(0b0100));
    CHECK_FALSE(doorbell.ring(0b0001));
    CHECK_FALSE(doorbell.ring(std::uint64_t{1} << 63));
    CHECK(doorbell.take() == (std::uint64_t{1} << 63 | 0b0101));
    CHECK(doorbell.take() == 0);
}

TEST_CASE("only the first who rings a sleeping owner has to wake it") {
    Doorbell doorbell;
    REQUIRE(doorbell.try_sleep());
    CHECK(doorbell.ring(1));
    CHECK_FALSE(doorbell.ring(1));
    CHECK_FALSE(doorbell.ring(2));
    doorbell.get_up();
    CHECK_FALSE(doorbell.ring(4));
    CHECK(doorbell.take() == 7);
    REQUIRE(doorbell.try_sleep());
    CHECK(doorbell.ring(8));
}

TEST_CASE("an owner that has something to take does not go to sleep, and nobody wakes it") {
    Doorbell doorbell;
    CHECK_FALSE(doorbell.ring(2));
    CHECK_FALSE(doorbell.try_sleep());
    CHECK_FALSE(doorbell.ring(4));
    CHECK(doorbell.take() == 6);
    CHECK(doorbell.try_sleep());
}

TEST_CASE("nobody wakes an owner whose wait ended by itself") {
    Doorbell doorbell;
    REQUIRE(doorbell.try_sleep());
    doorbell.get_up();
    CHECK_FALSE(doorbell.ring(1));
    CHECK(doorbell.take() == 1);
}

TEST_CASE("an owner on another thread sleeps and misses nothing that its sources made visible") {
    constexpr std::uint64_t count = 30'000;
    struct Source {
        std::uint64_t written = 0;  // Not atomic: ring() and take() make it visible.
        std::binary_semaphore read{1};
    };
    std::array<Source, 2> sources;
    Doorbell doorbell;
    std::counting_semaphore<> wake{0};
    const auto ring_on = [&](std::size_t index) {
        for (std::uint64_t number = 1; number <= count; ++number) {
            sources[index].read.acquire();
            sources[index].written = number;
            if (doorbell.ring(std::uint64_t{1} << index)) wake.release();
        }
    };
    std::thread first{ring_on, 0}, second{ring_on, 1};
    std::array<std::uint64_t, 2> seen{};
    bool correct = true;
    while (seen[0] + seen[1] < 2 * count) {
        const std::uint64_t bits = doorbell.take();
        for (std::size_t index = 0; index < sources.size(); ++index) {
            if ((bits >> index & 1) == 0) continue;
            correct = correct && sources[index].written == ++seen[index];
            sources[index].read.release();
        }
        if (bits != 0 || !doorbell.try_sleep()) continue;
        wake.acquire();
        doorbell.get_up();
    }
    first.join();
    second.join();
    CHECK(correct);
    CHECK(doorbell.take() == 0);
}
