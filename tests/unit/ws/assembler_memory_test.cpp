// Where payloads lie, what blocks cost, and who owns them.

#include <doctest/doctest.h>
#include <string>

#include "support/ws_client.hpp"
#include "ws/assembler.hpp"

namespace ringcast::ws {

namespace {

using Kind = Event::Kind;

constexpr AssemblerLimits memory_limits{.message_bytes_max = 64u << 20};

std::string frame(std::string payload, bool fin = true, std::uint8_t opcode = test::opcode_binary) {
    return test::encode(
        test::ClientFrame{.opcode = opcode, .payload = std::move(payload), .fin = fin});
}
std::string announce(std::uint64_t bytes, std::string payload = {}) {
    return test::encode(test::ClientFrame{
        .opcode = test::opcode_binary, .payload = std::move(payload), .announced_bytes = bytes});
}

/// An assembler with its pool, fed strings.
struct Fixture {
    BufferPool pool;
    Assembler assembler;
    AssemblerLimits limits = memory_limits;
    std::string octets;
    std::span<std::byte> input;

    void feed(std::string bytes) {
        octets = std::move(bytes);
        input = std::as_writable_bytes(std::span{octets});
    }
    /// What is found next, in as many calls as that takes.
    Event next() {
        for (;;) {
            const Event event = assembler.next(input, pool, limits);
            if (event.kind != Kind::need_more || input.empty()) return event;
        }
    }
    Event next(std::string bytes) {
        feed(std::move(bytes));
        return next();
    }
};

std::string as_string(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "whole messages and control frames in a slice use no block") {
    feed(frame("a") + frame(std::string(70000, 'b')) + frame("", true, 9) + frame("c", true, 10) +
         frame(test::close_payload(1000, "bye"), true, 8));
    for (const Kind kind : {Kind::message, Kind::message, Kind::ping, Kind::pong, Kind::close}) {
        const Event event = next();
        CHECK(event.kind == kind);
        CHECK(event.in_slice == (kind == Kind::message));
        if (kind == Kind::message) {
            const auto* const slice = reinterpret_cast<const std::byte*>(octets.data());
            CHECK(event.payload.data() >= slice + server_header_bytes(event.payload.size()) + 4);
            CHECK(event.payload.data() + event.payload.size() <= slice + octets.size());
        }
        CHECK_FALSE(assembler.is_partial());
    }
    CHECK(pool.allocations() == 0);
}

TEST_CASE_FIXTURE(Fixture, "an announced message reserves nothing before its payload comes") {
    CHECK(next(announce(60u << 20)).kind == Kind::need_more);
    CHECK(assembler.is_partial());
    CHECK(pool.blocks_in_use() == 0);
    CHECK(assembler.held_bytes() == 0);
    CHECK(next("x").kind == Kind::need_more);
    CHECK(assembler.held_bytes() == 1);
    CHECK(pool.bytes_in_use() == 4u << 10);
}

TEST_CASE_FIXTURE(
    Fixture,
    "a message gets its whole block as soon as a quarter of it is there, or 4 KiB hold it") {
    for (const std::size_t size : {300u, 4096u, 5000u, 65536u}) {
        const std::string octets_sent = frame(std::string(size, 'a'));
        const std::size_t first = 14 + size / 4;
        CHECK(next(octets_sent.substr(0, first)).kind == Kind::need_more);
        CHECK(pool.bytes_in_use() >= size);
        CHECK(pool.bytes_in_use() < 2 * size);
        const Event event = next(octets_sent.substr(first));
        CHECK(event.kind == Kind::message);
        CHECK_FALSE(event.in_slice);
        CHECK(as_string(event.payload) == std::string(size, 'a'));
    }
}

TEST_CASE_FIXTURE(
    Fixture,
    "a large message never holds more than four times what has arrived, rounded up, or 4 KiB") {
    const std::size_t size = 5u << 20;
    const std::string sent = frame(std::string(size, 'a'));
    Event event;
    for (std::size_t start = 0; start < sent.size(); start += 997) {
        event = next(sent.substr(start, 997));
        const std::uint64_t held = event.kind == Kind::message ? size : assembler.held_bytes();
        // The pool rounds up to a power of two.
        CHECK(pool.bytes_in_use() <= 2 * std::max<std::uint64_t>(4 * held, 4u << 10));
        CHECK(pool.blocks_in_use() == 1);
    }
    CHECK(event.kind == Kind::message);
    CHECK(event.payload.size() == size);
    CHECK(pool.allocations() <= 6);
}

TEST_CASE_FIXTURE(Fixture, "tiny fragments share one block that doubles") {
    CHECK(next(frame("x", false)).kind == Kind::need_more);
    const std::size_t fragments = 20000;
    for (std::size_t i = 0; i < fragments; ++i) {
        REQUIRE(next(test::continuation_frame("abcdefgh", false)).kind == Kind::need_more);
        CHECK(pool.blocks_in_use() == 1);
    }
    CHECK(assembler.held_bytes() == 1 + 8 * fragments);
    CHECK(pool.allocations() <= 12);
    CHECK(next(test::continuation_frame("", true)).payload.size() == 1 + 8 * fragments);
}

TEST_CASE_FIXTURE(Fixture, "a returned block lives until the next call") {
    (void)next(frame("a", false));
    const Event event = next(test::continuation_frame("b", true));
    CHECK(event.kind == Kind::message);
    CHECK_FALSE(assembler.is_partial());
    CHECK(assembler.held_bytes() == 0);
    CHECK(pool.blocks_in_use() == 1);
    CHECK(as_string(event.payload) == "ab");
    CHECK(next().kind == Kind::need_more);
    CHECK(pool.blocks_in_use() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a taken block is the caller's, and has the payload at its start") {
    (void)next(frame("a", false));
    const Event event = next(test::continuation_frame("b", true) + frame("c", false));
    const Block block = assembler.take_block();
    CHECK(block.data() == event.payload.data());
    CHECK(next().kind == Kind::need_more);
    CHECK(as_string({block.data(), 2}) == "ab");
    CHECK(pool.blocks_in_use() == 2);
    // Room for a server's header before it.
    std::byte* const start = write_header_before(block.data(), Opcode::binary, 2);
    CHECK(as_string({start, 4}) ==
          "\x82\x02"
          "ab");
}

TEST_CASE_FIXTURE(Fixture, "there is a block to take even if the payload is empty") {
    (void)next(frame("", false));
    CHECK(pool.blocks_in_use() == 0);
    const Event fragmented = next(test::continuation_frame("", true));
    CHECK(fragmented.kind == Kind::message);
    CHECK(static_cast<bool>(assembler.take_block()));
    const std::string sent = frame("");
    (void)next(sent.substr(0, 3));
    const Event split = next(sent.substr(3));
    CHECK(split.kind == Kind::message);
    CHECK_FALSE(split.in_slice);
    CHECK(static_cast<bool>(assembler.take_block()));
}

TEST_CASE_FIXTURE(
    Fixture, "a message with a split header and its payload whole in a slice is put into a block") {
    const std::string sent = frame("payload");
    (void)next(sent.substr(0, 5));
    CHECK(assembler.is_partial());
    const Event event = next(sent.substr(5));
    CHECK(event.kind == Kind::message);
    CHECK_FALSE(event.in_slice);
    CHECK(as_string(event.payload) == "payload");
}

TEST_CASE_FIXTURE(Fixture, "a control frame in pieces inside a message in pieces keeps both") {
    (void)next(frame("ab", false));
    const std::string ping = frame("0123456789", true, 9);
    (void)next(ping.substr(0, 9));
    CHECK(assembler.is_partial());
    (void)next(ping.substr(9, 4));
    CHECK(pool.blocks_in_use() == 2);
    const Event event = next(ping.substr(13));
    CHECK(event.kind == Kind::ping);
    CHECK(as_string(event.payload) == "0123456789");
    const Event message = next(test::continuation_frame("c", true));
    CHECK(as_string(message.payload) == "abc");
    CHECK(pool.blocks_in_use() == 1);
}

TEST_CASE_FIXTURE(Fixture, "what an assembler holds is what it says, and goes when it is told") {
    CHECK(assembler.memory_bytes() == 0);
    (void)next(frame("ab", false) + frame("0123456789", true, 9).substr(0, 9));
    CHECK(assembler.memory_bytes() == pool.bytes_in_use());
    CHECK(pool.blocks_in_use() == 2);
    assembler.release_returned();  // Both are still under way.
    CHECK(pool.blocks_in_use() == 2);
    CHECK(next(frame("0123456789", true, 9).substr(9)).kind == Kind::ping);
    assembler.release_returned();
    CHECK(pool.blocks_in_use() == 1);
    CHECK(as_string(next(test::continuation_frame("c", true)).payload) == "abc");
    CHECK(assembler.memory_bytes() == pool.bytes_in_use());
    assembler.release_returned();
    CHECK(assembler.memory_bytes() == 0);
    CHECK(pool.blocks_in_use() == 0);
}

TEST_CASE_FIXTURE(Fixture, "one call takes no more than one frame") {
    feed(frame("a", false) + test::continuation_frame("", false) + frame("", true, 9) +
         test::continuation_frame("b", true));
    for (const std::size_t size : {7u, 6u, 6u, 7u}) {
        const std::size_t before = input.size();
        (void)assembler.next(input, pool, limits);
        CHECK(before - input.size() == size);
    }
    CHECK(input.empty());
}

TEST_CASE("an assembler destroyed in the middle of everything gives its blocks back") {
    BufferPool pool;
    {
        Assembler assembler;
        std::string octets = frame("abc", false) + frame("0123456789", true, 9).substr(0, 10);
        std::span<std::byte> input = std::as_writable_bytes(std::span{octets});
        while (!input.empty())
            CHECK(assembler.next(input, pool, memory_limits).kind == Kind::need_more);
        CHECK(pool.blocks_in_use() == 2);
    }
    CHECK(pool.blocks_in_use() == 0);
}

}  // namespace ringcast::ws
