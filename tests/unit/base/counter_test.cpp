#include "base/counter.hpp"

#include <cstdint>
#include <doctest/doctest.h>
#include <thread>

namespace ringcast {
namespace {

TEST_CASE("a counter counts like a number, and a copy stands still") {
    Counter counter{40};
    counter += 5;
    ++counter;
    --counter;
    counter -= 3;
    const Counter copy = counter;
    counter = 7;
    CHECK(copy == 42u);
    CHECK(counter == 7u);
    Counter other;
    CHECK(other == 0u);
    other = copy;
    CHECK(other == 42u);
}

TEST_CASE("another thread sees a counter grow, and never go back") {
    constexpr std::uint64_t end = 100'000;
    Counter counter;
    std::thread writer{[&] {
        while (counter < end) ++counter;
    }};
    bool has_gone_back = false;
    for (std::uint64_t before = 0; before < end;) {
        const std::uint64_t now = counter;
        has_gone_back |= now < before;
        before = now;
    }
    writer.join();
    CHECK_FALSE(has_gone_back);
    CHECK(counter == end);
}

}  // namespace
}  // namespace ringcast
