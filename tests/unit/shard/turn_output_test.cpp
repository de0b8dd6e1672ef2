#include "shard/turn_output.hpp"

#include <cstring>
#include <doctest/doctest.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/fake_ring.hpp"

using namespace ringcast;
using shard::Backlog;
using shard::TurnOutput;

namespace {

/// A TurnOutput with what it needs, and the descriptors of two connections.
struct TestOutput {
    static constexpr std::size_t arena_bytes = 4096;
    BufferPool pool;
    TurnOutput output{arena_bytes};
    test::FakeRing ring;
    int fd = ring.add_connection();
    int other_fd = ring.add_connection();

    bool write(TurnOutput::Chain& chain, std::string_view text) {
        std::byte* const target = output.reserve(chain, text.size());
        if (target != nullptr) std::memcpy(target, text.data(), text.size());
        return target != nullptr;
    }
    const std::byte* append_block(TurnOutput::Chain& chain, std::string_view text) {
        Block block = pool.get(text.size());
        std::memcpy(block.data(), text.data(), text.size());
        const std::byte* const data = block.data();
        output.append(chain, std::move(block), data, text.size());
        return data;
    }
    std::string submit(const TurnOutput::Chain& chain) {
        output.submit(ring, {.slot = 1}, fd, chain);
        CHECK(ring.flush().empty());
        return std::exchange(ring.socket(fd).output, {});
    }
};

const std::byte* bytes_at(std::string_view text) {
    return reinterpret_cast<const std::byte*>(text.data());
}

}  // namespace

TEST_CASE_FIXTURE(TestOutput, "frames written side by side are one piece") {
    TurnOutput::Chain chain, other;
    CHECK(write(chain, "abc"));
    CHECK(write(chain, "def"));
    CHECK(chain.pieces == 1);
    CHECK(write(other, "123"));
    CHECK(write(chain, "ghi"));
    CHECK(chain.pieces == 2);
    CHECK(chain.bytes == 9);
    CHECK(output.bytes() == 12);
    output.submit(ring, {.slot = 1}, fd, chain);
    output.submit(ring, {.slot = 2}, other_fd, other);
    CHECK(ring.flush().empty());
    CHECK(ring.socket(fd).output == "abcdefghi");
    CHECK(ring.socket(other_fd).output == "123");
    CHECK(ring.socket(fd).quiet_sends == 1);
}

TEST_CASE_FIXTURE(TestOutput, "a chain mixes arena, block and receive buffer in order, uncopied") {
    TurnOutput::Chain chain;
    const std::string_view slice = "slice";
    CHECK(write(chain, "one "));
    const std::byte* const block = append_block(chain, "block ");
    output.append_slice(chain, bytes_at(slice), slice.size());
    CHECK(write(chain, " two"));
    CHECK(chain.pieces == 4);
    CHECK(submit(chain) == "one block slice two");
    const auto& pieces = ring.socket(fd).pieces;
    REQUIRE(pieces.size() == 4);
    CHECK(pieces[1].data == block);
    CHECK(pieces[2].data == bytes_at(slice));
}

TEST_CASE_FIXTURE(TestOutput, "an arena without room says so, and is empty again after a reset") {
    for (int round = 0; round < 3; ++round) {
        TurnOutput::Chain chain;
        CHECK(write(chain, std::string(arena_bytes - 10, 'x')));
        CHECK_FALSE(write(chain, std::string(11, 'y')));
        CHECK(chain.bytes == arena_bytes - 10);
        CHECK(write(chain, std::string(10, 'z')));
        CHECK_FALSE(write(chain, "1"));
        append_block(chain, "block");
        CHECK(pool.blocks_in_use() == 1);
        output.reset();
        CHECK(output.bytes() == 0);
        CHECK(pool.blocks_in_use() == 0);
    }
}

TEST_CASE_FIXTURE(TestOutput, "the rest of a chain moves to a backlog from every offset") {
    const std::string_view slice = "SLICE";
    const std::string whole = "abcBLOCKdefSLICEBLOCK2";
    for (std::size_t sent = 0; sent <= whole.size(); ++sent) {
        CAPTURE(sent);
        TurnOutput::Chain chain;
        write(chain, "abc");
        const std::byte* const first_block = append_block(chain, "BLOCK");
        write(chain, "def");
        output.append_slice(chain, bytes_at(slice), slice.size());
        append_block(chain, "BLOCK2");
        Backlog backlog;
        output.move_rest(chain, sent, backlog, pool);
        output.reset();
        CHECK(backlog.bytes() == whole.size() - sent);
        if (sent == whole.size()) continue;
        std::string rest;
        const auto parts = backlog.gather();
        for (const ring::Part& part : parts)
            rest.append(reinterpret_cast<const char*>(part.data), part.size);
        CHECK(rest == whole.substr(sent));
        if (sent >= 3 && sent < 8) CHECK(parts[0].data == first_block + (sent - 3));
        backlog.consume(backlog.gathered_bytes());
    }
    CHECK(pool.blocks_in_use() == 0);
}

TEST_CASE_FIXTURE(TestOutput, "many chains of many pieces keep their parts in place until reset") {
    std::vector<TurnOutput::Chain> chains(8);
    std::vector<int> fds;
    std::vector<std::string> expected(chains.size());
    for (std::size_t i = 0; i < chains.size(); ++i) fds.push_back(ring.add_connection());
    for (unsigned piece = 0; piece < TurnOutput::pieces_max; ++piece) {
        for (std::size_t i = 0; i < chains.size(); ++i) {
            const std::string text = std::to_string(piece) + ":" + std::to_string(i) + ";";
            append_block(chains[i], text);
            expected[i] += text;
        }
    }
    for (std::size_t i = 0; i < chains.size(); ++i)
        output.submit(ring, {.slot = static_cast<std::uint32_t>(i)}, fds[i], chains[i]);
    CHECK(ring.flush().empty());
    for (std::size_t i = 0; i < chains.size(); ++i)
        CHECK(ring.socket(fds[i]).output == expected[i]);
}
