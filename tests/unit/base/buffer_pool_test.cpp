#include "base/buffer_pool.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <doctest/doctest.h>
#include <utility>
#include <vector>

#include "base/prng.hpp"

using ringcast::Block;
using ringcast::BufferPool;

TEST_CASE("a block has at least the asked capacity, in power-of-two classes") {
    BufferPool pool;
    for (std::size_t bytes : {0u, 1u, 255u, 256u, 257u, 4096u, 4097u, 131'072u, 1'000'000u}) {
        const Block block = pool.get(bytes);
        CAPTURE(bytes);
        CHECK(block.capacity() >= bytes);
        CHECK(block.capacity() >= 256);
        CHECK((block.capacity() & (block.capacity() - 1)) == 0);
        CHECK((block.capacity() == 256 || block.capacity() / 2 < bytes));
        CHECK(reinterpret_cast<std::uintptr_t>(block.data()) % 64 == 0);
    }
}

TEST_CASE("front, capacity and slack of a block may all be written") {
    BufferPool pool;
    for (std::size_t bytes : {256u, 65'536u, 262'144u}) {
        Block first = pool.get(bytes);
        std::memset(first.data() - Block::front_bytes, 0xaa,
                    Block::front_bytes + bytes + Block::slack_bytes);
        CHECK(first.capacity() == bytes);
        first.reset();
        CHECK(pool.get(bytes).capacity() == bytes);
    }
}

TEST_CASE("the block given back last is handed out first, and nothing is allocated for it") {
    BufferPool pool;
    Block first = pool.get(1000);
    Block second = pool.get(1000);
    const std::byte* first_data = first.data();
    const std::byte* second_data = second.data();
    CHECK(pool.allocations() == 2);
    second.reset();
    first.reset();
    CHECK(pool.bytes_retained() == 2048);
    first = pool.get(700);
    second = pool.get(1024);
    CHECK(first.data() == first_data);
    CHECK(second.data() == second_data);
    CHECK(pool.allocations() == 2);
    CHECK(pool.bytes_retained() == 0);
}

TEST_CASE("no more free bytes are kept than the retain limit allows") {
    BufferPool pool{1024};
    std::vector<Block> blocks;
    for (int i = 0; i < 5; ++i) blocks.push_back(pool.get(512));
    CHECK(pool.bytes_in_use() == 2560);
    CHECK(pool.blocks_in_use() == 5);
    blocks.clear();
    CHECK(pool.bytes_in_use() == 0);
    CHECK(pool.blocks_in_use() == 0);
    CHECK(pool.bytes_retained() == 1024);
    pool.get(2048).reset();
    CHECK(pool.bytes_retained() == 1024);
    pool.trim();
    CHECK(pool.bytes_retained() == 0);
}

TEST_CASE("growing keeps the first bytes, and the block itself if it is large enough") {
    BufferPool pool;
    Block block = pool.get(256);
    std::memcpy(block.data(), "ringcast", 8);
    const std::byte* data = block.data();
    block = pool.grow(std::move(block), 8, 256);
    CHECK(block.data() == data);
    block = pool.grow(std::move(block), 8, 300'000);
    CHECK(block.capacity() == 524'288);
    CHECK(std::memcmp(block.data(), "ringcast", 8) == 0);
    CHECK(pool.blocks_in_use() == 1);
    block = pool.grow(Block{}, 0, 10);
    CHECK(block.capacity() == 256);
}

TEST_CASE("moving a block moves its ownership") {
    BufferPool pool;
    Block first = pool.get(10);
    Block second = std::move(first);
    CHECK_FALSE(first);
    CHECK(first.capacity() == 0);
    CHECK(second);
    second = pool.get(10);
    CHECK(pool.blocks_in_use() == 1);
    Block& alias = second;
    second = std::move(alias);
    CHECK(second);
    second.reset();
    second.reset();
    CHECK(pool.blocks_in_use() == 0);
}

TEST_CASE("blocks never overlap, whatever is taken and given back") {
    ringcast::Prng prng{1};
    BufferPool pool{64u << 10};
    struct Held {
        Block block;
        std::byte mark;
        std::size_t bytes;
    };
    std::vector<Held> held;
    std::size_t expected_bytes = 0;
    for (int step = 0; step < 20'000; ++step) {
        if (held.size() < 50 && prng.chance(1, 2)) {
            const std::size_t bytes = prng.below(std::uint64_t{1} << prng.below(17));
            Block block = pool.get(bytes);
            const auto mark = static_cast<std::byte>(step);
            std::memset(block.data(), static_cast<int>(mark), bytes);
            expected_bytes += block.capacity();
            held.push_back({std::move(block), mark, bytes});
        } else if (!held.empty()) {
            std::swap(held[prng.below(held.size())], held.back());
            const Held& last = held.back();
            REQUIRE(std::all_of(last.block.data(), last.block.data() + last.bytes,
                                [&](std::byte byte) { return byte == last.mark; }));
            expected_bytes -= last.block.capacity();
            held.pop_back();
        }
        REQUIRE(pool.bytes_in_use() == expected_bytes);
        REQUIRE(pool.bytes_retained() <= (64u << 10));
    }
}
