#include "base/shared_frame.hpp"

#include <algorithm>
#include <cstring>
#include <doctest/doctest.h>
#include <utility>
#include <vector>

using namespace ringcast;

TEST_CASE("a shared frame lives as long as one reference does, in one block") {
    BufferPool pool;
    {
        SharedFrame none;
        CHECK_FALSE(none);
        SharedFrame frame{pool, 5};
        CHECK(frame);
        CHECK(frame.size() == 5);
        std::memcpy(frame.bytes().data(), "hello", 5);
        CHECK(pool.blocks_in_use() == 1);
        std::vector<SharedFrame> references(1000, frame);
        CHECK(pool.blocks_in_use() == 1);
        for (const SharedFrame& reference : references)
            REQUIRE(reference.bytes().data() == frame.bytes().data());
        frame = SharedFrame{};
        CHECK_FALSE(frame);
        references.erase(references.begin() + 1, references.end());
        CHECK(pool.blocks_in_use() == 1);
        CHECK(std::memcmp(references[0].bytes().data(), "hello", 5) == 0);
        references.clear();
        CHECK(pool.blocks_in_use() == 0);
    }
    CHECK(pool.blocks_in_use() == 0);
}

TEST_CASE("references move and are assigned, also to themselves") {
    BufferPool pool;
    SharedFrame one{pool, 1};
    SharedFrame two{pool, 2};
    CHECK(pool.blocks_in_use() == 2);
    SharedFrame moved{std::move(one)};
    CHECK(moved.size() == 1);
    CHECK(pool.blocks_in_use() == 2);
    const SharedFrame& same = moved;
    moved = same;
    CHECK(moved.size() == 1);
    moved = two;
    CHECK(pool.blocks_in_use() == 1);
    CHECK(moved.size() == 2);
    two = std::move(moved);
    CHECK(pool.blocks_in_use() == 1);
    two = SharedFrame{};
    CHECK(pool.blocks_in_use() == 0);
}

TEST_CASE("frames of any size have their place") {
    BufferPool pool;
    for (const std::size_t size : {0u, 1u, 200u, 256u, 65546u, 3'000'000u}) {
        SharedFrame frame{pool, size};
        REQUIRE(frame.bytes().size() == size);
        std::ranges::fill(frame.bytes(), std::byte{1});
        CHECK(pool.blocks_in_use() == 1);
    }
    CHECK(pool.blocks_in_use() == 0);
}
