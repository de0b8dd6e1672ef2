#include "shard/backlog.hpp"

#include <cstring>
#include <doctest/doctest.h>
#include <string>
#include <string_view>

#include "base/prng.hpp"
#include "unit/shard/mesh_kit.hpp"

using namespace ringcast;
using shard::Backlog;
using shard::bytes_of;

namespace {

std::string joined(std::span<const ring::Part> parts) {
    std::string text;
    for (const ring::Part& part : parts) {
        REQUIRE(part.size > 0);
        text.append(reinterpret_cast<const char*>(part.data), part.size);
    }
    return text;
}

std::string pattern(std::size_t size, unsigned seed) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        text[i] = static_cast<char>(i * 31 + (i >> 8) * 7 + seed);
    return text;
}

}  // namespace

TEST_CASE("a backlog gives back what was appended, in order, whatever part of it is sent") {
    BufferPool pool;
    Prng prng{7};
    for (int round = 0; round < 50; ++round) {
        Backlog backlog;
        std::string expected, sent;
        while (sent.size() < 300'000) {
            for (std::uint64_t i = prng.below(4); i > 0; --i) {
                const auto text = pattern(1 + prng.below(20'000), static_cast<unsigned>(i));
                expected += text;
                if (prng.below(2) == 0) {
                    backlog.append(bytes_of(text), pool);
                } else {
                    Block block = pool.get(text.size() + 10);
                    std::memcpy(block.data() + 10, text.data(), text.size());
                    const std::byte* const data = block.data() + 10;
                    backlog.append(std::move(block), data, text.size());
                }
            }
            REQUIRE(backlog.bytes() == expected.size() - sent.size());
            CHECK(backlog.empty() == (backlog.bytes() == 0));
            if (backlog.empty()) continue;
            const auto parts = backlog.gather();
            const std::string gathered = joined(parts);
            REQUIRE(gathered.size() == backlog.gathered_bytes());
            REQUIRE(parts.size() <= Backlog::parts_max);
            // More may come while the parts are on their way; they must stay as they are.
            expected += "meanwhile";
            backlog.append(bytes_of("meanwhile"), pool);
            REQUIRE(joined(parts) == gathered);
            const auto taken = prng.below(gathered.size() + 1);
            sent.append(gathered, 0, taken);
            backlog.consume(taken);
        }
        CHECK(expected.starts_with(sent));
    }
    CHECK(pool.blocks_in_use() == 0);
}

TEST_CASE("small pieces share a block, and a moved block is not copied") {
    BufferPool pool;
    Backlog backlog;
    for (int i = 0; i < 1000; ++i) backlog.append(bytes_of("0123456789"), pool);
    CHECK(pool.blocks_in_use() == 1);
    Block block = pool.get(100);
    const std::byte* const data = block.data();
    backlog.append(std::move(block), data, 100);
    const auto parts = backlog.gather();
    REQUIRE(parts.size() == 2);
    CHECK(parts[0].size == 10'000);
    CHECK(parts[1].data == data);
    backlog.consume(10'000);
    CHECK(pool.blocks_in_use() == 1);
    CHECK(backlog.bytes() == 100);
}

TEST_CASE("a gathering that failed is given back whole") {
    BufferPool pool;
    Backlog backlog;
    backlog.append(bytes_of("abc"), pool);
    CHECK(joined(backlog.gather()) == "abc");
    backlog.consume(0);
    CHECK(joined(backlog.gather()) == "abc");
    backlog.consume(2);
    CHECK(joined(backlog.gather()) == "c");
}
