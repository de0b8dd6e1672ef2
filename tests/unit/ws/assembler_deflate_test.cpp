// Compressed messages among the others (RFC 7692): which frames may say so, what comes out, and
// what is wrong with what does not.

#include <doctest/doctest.h>
#include <random>
#include <string>
#include <vector>

#include "support/deflate_data.hpp"
#include "support/ws_client.hpp"
#include "support/ws_reference.hpp"
#include "ws/assembler.hpp"

namespace ringcast::ws {

namespace {

using Kind = Event::Kind;
using test::Agreed;
using test::ClientFrame;
using test::encode;
using test::json_like;
using test::noise;
using test::SeenEvent;
using test::ZlibSender;

constexpr std::uint8_t text = test::opcode_text, binary = test::opcode_binary;
constexpr AssemblerLimits deflate_limits{.message_bytes_max = 5000};

std::string compressed_frame(std::uint8_t opcode, std::string payload, bool fin = true) {
    return encode(ClientFrame{
        .opcode = opcode, .payload = std::move(payload), .fin = fin, .reserved_bits = 4});
}
/// A message of one frame with its own context.
std::string compressed(std::uint8_t opcode, std::string_view message) {
    return compressed_frame(opcode, ZlibSender{}.payload(message));
}

SeenEvent message(std::uint8_t opcode, std::string payload) {
    return {.kind = Kind::message,
            .payload = std::move(payload),
            .message_kind = opcode == text ? MessageKind::text : MessageKind::binary};
}
SeenEvent refused(Reason reason) {
    return {.kind = Kind::failure, .reason = reason};
}

/// The same events whole, octet by octet, and for every two-way split; and the reference agrees.
void check_inflated(const std::string& stream, const std::vector<SeenEvent>& expected,
                    Agreed agreed = Agreed::no_takeover) {
    CHECK(test::assembler_events(stream, {}, deflate_limits, agreed) == expected);
    std::vector<std::size_t> every_octet;
    for (std::size_t cut = 1; cut < stream.size(); ++cut) {
        every_octet.push_back(cut);
        if (test::assembler_events(stream, {cut}, deflate_limits, agreed) != expected)
            FAIL_CHECK("split at " << cut);
    }
    CHECK(test::assembler_events(stream, every_octet, deflate_limits, agreed) == expected);
    CHECK(test::reference_events(stream, deflate_limits.message_bytes_max, agreed) == expected);
}

}  // namespace

TEST_CASE("RSV1 may stand on the first frame of a message where it was agreed, nowhere else") {
    const std::string hello = ZlibSender{}.payload("Hello");
    check_inflated(compressed_frame(text, hello), {message(text, "Hello")});
    check_inflated(compressed_frame(binary, hello), {message(binary, "Hello")});
    check_inflated(compressed_frame(text, hello), {refused(Reason::reserved_bits)},
                   Agreed::nothing);
    for (const std::uint8_t opcode : {test::opcode_close, test::opcode_ping, test::opcode_pong,
                                      std::uint8_t{3}, std::uint8_t{11}}) {
        check_inflated(compressed_frame(opcode, ""), {refused(Reason::reserved_bits)});
        check_inflated(compressed_frame(text, hello, false) + compressed_frame(opcode, ""),
                       {refused(Reason::reserved_bits)});
    }
    check_inflated(compressed_frame(test::opcode_continuation, hello),
                   {refused(Reason::reserved_bits)});
    for (const bool fin : {false, true}) {
        check_inflated(compressed_frame(text, hello.substr(0, 3), false) +
                           compressed_frame(test::opcode_continuation, hello.substr(3), fin),
                       {refused(Reason::reserved_bits)});
        check_inflated(
            test::text_frame("Hel", false) + compressed_frame(test::opcode_continuation, "lo", fin),
            {refused(Reason::reserved_bits)});
    }
    for (std::uint8_t bits = 1; bits < 8; ++bits) {
        if (bits == rsv1) continue;
        check_inflated(encode(ClientFrame{.payload = hello, .reserved_bits = bits}),
                       {refused(Reason::reserved_bits)});
    }
}

TEST_CASE("compressed messages and others follow each other, in frames and fragments") {
    const std::string json = json_like(900);
    const std::string payload = ZlibSender{}.payload(json);
    const std::string fragments =
        compressed_frame(text, payload.substr(0, 1), false) + test::continuation_frame("", false) +
        test::ping_frame("p") + test::continuation_frame(payload.substr(1, 50), false) +
        test::continuation_frame(payload.substr(51), false) + test::continuation_frame("", true);
    check_inflated(test::text_frame("a") + fragments + test::binary_frame("\xff") +
                       compressed(binary, "\xfe") + test::text_frame("b", false) +
                       test::continuation_frame("c", true) + compressed(text, "d"),
                   {message(text, "a"),
                    {.kind = Kind::ping, .payload = "p"},
                    message(text, json),
                    message(binary, "\xff"),
                    message(binary, "\xfe"),
                    message(text, "bc"),
                    message(text, "d")});
}

TEST_CASE("an empty message may be compressed (RFC 7692 section 7.2.3.6)") {
    const std::string empty(1, '\0');
    check_inflated(compressed_frame(text, empty) + compressed_frame(binary, "", false) +
                       test::continuation_frame(empty, true) + compressed_frame(text, empty),
                   {message(text, ""), message(binary, ""), message(text, "")});
    check_inflated(compressed_frame(text, ""), {refused(Reason::deflate_cut_short)});
    check_inflated(compressed_frame(text, "", false) + test::continuation_frame("", true),
                   {refused(Reason::deflate_cut_short)});
}

TEST_CASE("the context is taken over, or not, as agreed (section 7.1.1)") {
    ZlibSender sender;
    std::string stream;
    std::vector<SeenEvent> expected;
    for (unsigned i = 0; i < 4; ++i) {
        const std::string json = json_like(100 + i);
        stream += compressed_frame(text, sender.payload(json)) + test::text_frame("between");
        expected.push_back(message(text, json));
        expected.push_back(message(text, "between"));
    }
    check_inflated(stream, expected, Agreed::takeover);
    check_inflated(stream, {expected[0], expected[1], refused(Reason::deflate_invalid)});
}

TEST_CASE("final blocks are read as any other (section 7.2.3.4)") {
    ZlibSender sender;
    const std::string stream = compressed_frame(text, sender.final_payload("one")) +
                               compressed_frame(text, sender.final_payload("two")) +
                               compressed_frame(text, sender.payload("three"));
    for (const Agreed agreed : {Agreed::no_takeover, Agreed::takeover})
        check_inflated(stream, {message(text, "one"), message(text, "two"), message(text, "three")},
                       agreed);
}

TEST_CASE("data that is invalid, cut short or followed by garbage fails with 1007") {
    const std::string payload = ZlibSender{}.payload(json_like(60));
    check_inflated(test::text_frame("a") + compressed_frame(text, "\x07") + test::ping_frame(),
                   {message(text, "a"), refused(Reason::deflate_invalid)});
    const std::string tail("\0\0\xff\xff", 4);
    check_inflated(compressed_frame(text, payload + tail + "\x07"),
                   {refused(Reason::deflate_invalid)});
    check_inflated(compressed_frame(text, payload + "garbage"), {refused(Reason::deflate_invalid)});
    check_inflated(compressed_frame(binary, payload.substr(0, payload.size() / 2)),
                   {refused(Reason::deflate_cut_short)});
    // At the octet where that is certain, in the middle of a frame.
    const std::string start = encode(ClientFrame{
        .payload = payload + tail + "\x07", .reserved_bits = 4, .announced_bytes = 1000});
    check_inflated(start, {refused(Reason::deflate_invalid)});
    check_inflated(start.substr(0, start.size() - 1), {});
    CHECK(close_code(Reason::deflate_invalid) == CloseCode::invalid_payload);
    CHECK(close_code(Reason::deflate_cut_short) == CloseCode::invalid_payload);
}

TEST_CASE("inflated text is checked as it comes out (RFC 6455 section 8.1)") {
    check_inflated(compressed(text, "\xed\xa0\x80"), {refused(Reason::text_not_utf8)});
    check_inflated(compressed(binary, "\xed\xa0\x80"), {message(binary, "\xed\xa0\x80")});
    check_inflated(compressed(text, "cut \xe2\x82"), {refused(Reason::text_not_utf8)});
    const std::string wrong = ZlibSender{}.payload("\xf4\x90 and more");
    check_inflated(compressed_frame(text, wrong, false), {refused(Reason::text_not_utf8)});
    // In two messages' worth of blocks: the first ends inside a character.
    ZlibSender sender;
    const std::string whole =
        sender.payload("\xf0\x9f") + std::string("\0\0\xff\xff", 4) + sender.payload("\x98\x80z");
    check_inflated(compressed_frame(text, whole), {message(text, "\xf0\x9f\x98\x80z")});
}

TEST_CASE("a message that inflates beyond the limit is too big, and no more of it comes out") {
    check_inflated(compressed(binary, std::string(5000, 'a')),
                   {message(binary, std::string(5000, 'a'))});
    check_inflated(compressed(binary, std::string(5001, 'a')), {refused(Reason::message_too_big)});
    check_inflated(compressed(text, std::string(64u << 20, 'a')),
                   {refused(Reason::message_too_big)});
    const std::string half = ZlibSender{}.payload(std::string(3000, 'b'));
    check_inflated(compressed_frame(text, half + std::string("\0\0\xff\xff", 4), false) +
                       test::continuation_frame(half, true),
                   {refused(Reason::message_too_big)});
    CHECK(close_code(Reason::message_too_big) == CloseCode::message_too_big);
}

TEST_CASE("output that is due is looked at before the next octet comes") {
    const std::string stream = compressed(binary, std::string(8000, 'a'));
    for (std::size_t size = 0; size <= stream.size(); ++size) {
        const std::string start = stream.substr(0, size);
        CHECK(test::assembler_events(start, {size / 2}, deflate_limits, Agreed::no_takeover) ==
              test::reference_events(start, deflate_limits.message_bytes_max, Agreed::no_takeover));
    }
}

TEST_CASE("compressed payload that comes to nothing is limited, too, by its announcement") {
    const std::uint64_t most = test::compressed_bytes_max(deflate_limits.message_bytes_max);
    const auto header = [](std::uint64_t bytes) {
        return encode(ClientFrame{
            .payload = std::string(1, '\0'), .reserved_bits = 4, .announced_bytes = bytes});
    };
    check_inflated(header(most), {});
    check_inflated(header(most + 1), {refused(Reason::message_too_big)});
    check_inflated(header((std::uint64_t{1} << 63) - 1), {refused(Reason::message_too_big)});
    std::string stream, empty_blocks;
    for (int i = 0; i < 200; ++i) empty_blocks += std::string("\0\0\0\xff\xff", 5);
    stream = compressed_frame(text, empty_blocks, false);
    std::size_t fragments = 0;
    for (std::uint64_t sent = 1000; sent + 1000 <= most; sent += 1000, ++fragments)
        stream += test::continuation_frame(empty_blocks, false);
    CHECK(test::assembler_events(stream, {}, deflate_limits, Agreed::no_takeover).empty());
    stream += test::continuation_frame(empty_blocks, true);
    CHECK(test::assembler_events(stream, {}, deflate_limits, Agreed::no_takeover) ==
          std::vector{refused(Reason::message_too_big)});
}

TEST_CASE("a bomb's block never exceeds the limit, and a small message's is small") {
    BufferPool pool;
    Inflaters inflaters;
    Inflation inflation{inflaters, {.client_no_context_takeover = true}};
    const AssemblerLimits roomy{.message_bytes_max = 1u << 20};
    Assembler assembler;
    const auto next = [&](std::string stream) {
        std::span<std::byte> input = std::as_writable_bytes(std::span{stream});
        for (;;) {
            const Kind kind = assembler.next(input, pool, roomy, &inflation).kind;
            if (kind != Kind::need_more || input.empty()) return kind;
        }
    };
    CHECK(next(compressed(text, "small")) == Kind::message);
    CHECK(pool.bytes_in_use() == 4u << 10);
    CHECK_FALSE(assembler.is_partial());
    CHECK(inflaters.taken_count() == 0);
    CHECK(next(compressed(binary, std::string(1u << 20, 'a'))) == Kind::message);
    CHECK(pool.bytes_in_use() == 1u << 20);
    const std::string bomb = compressed(binary, std::string(16u << 20, 'a'));
    CHECK(next(bomb.substr(0, 60)) == Kind::need_more);
    CHECK(assembler.held_bytes() > 0);
    CHECK(assembler.memory_bytes() == pool.bytes_in_use());
    CHECK(next(bomb.substr(60)) == Kind::failure);
    CHECK(pool.bytes_in_use() == 1u << 20);
}

TEST_CASE("one call inflates no more than a kibibyte of payload") {
    BufferPool pool;
    Inflaters inflaters;
    Inflation inflation{inflaters, {.client_no_context_takeover = true}};
    const AssemblerLimits roomy{.message_bytes_max = 64u << 20};
    Assembler assembler;
    std::string stream = compressed(binary, std::string(16u << 20, 'a'));
    std::span<std::byte> input = std::as_writable_bytes(std::span{stream});
    Event event;
    for (int calls = 0; event.kind == Kind::need_more; ++calls) {
        REQUIRE(calls < 100);
        const std::size_t before = input.size();
        event = assembler.next(input, pool, roomy, &inflation);
        CHECK(before - input.size() <= 1024 + 8);  // The first time with a header.
    }
    CHECK(event.payload.size() == 16u << 20);
}

TEST_CASE("a compressed message lies in a block that can be taken, an empty one, too") {
    BufferPool pool;
    Inflaters inflaters;
    Inflation inflation{inflaters, {.client_no_context_takeover = true}};
    for (const std::string& content : {std::string{}, std::string{"content"}}) {
        Assembler assembler;
        std::string stream = compressed(text, content);
        std::span<std::byte> input = std::as_writable_bytes(std::span{stream});
        const Event event = assembler.next(input, pool, deflate_limits, &inflation);
        CHECK(event.kind == Kind::message);
        CHECK_FALSE(event.in_slice);
        const Block block = assembler.take_block();
        CHECK(block.data() == event.payload.data());
        CHECK(event.payload.size() == content.size());
    }
}

TEST_CASE("random streams, legal and damaged, cut at random, are what the reference sees") {
    std::mt19937_64 random{20240610};
    const auto below = [&random](std::size_t bound) { return random() % bound; };
    int failures = 0;
    for (int round = 0; round < 4000; ++round) {
        const Agreed agreed = round % 2 != 0 ? Agreed::takeover : Agreed::no_takeover;
        ZlibSender sender{static_cast<int>(9 + below(7)), static_cast<int>(below(10)),
                          below(3) == 0 ? Z_FIXED : Z_DEFAULT_STRATEGY};
        std::string stream;
        for (std::size_t messages = 1 + below(4); messages > 0; --messages) {
            const std::uint8_t opcode = below(2) == 0 ? text : binary;
            const std::string content = opcode == text
                                            ? json_like(below(400), static_cast<unsigned>(below(3)))
                                            : noise(below(100), static_cast<unsigned>(round));
            if (agreed == Agreed::no_takeover) sender.reset();
            std::string payload =
                below(5) == 0 ? sender.final_payload(content) : sender.payload(content);
            if (below(8) == 0) payload[below(payload.size())] ^= static_cast<char>(1 << below(8));
            if (below(16) == 0) payload.resize(below(payload.size()));
            const std::size_t cut = below(payload.size() + 1);
            stream += compressed_frame(opcode, payload.substr(0, cut), false);
            if (below(2) == 0) stream += test::ping_frame("p");
            stream += test::continuation_frame(payload.substr(cut), true);
        }
        std::vector<std::size_t> cuts;
        for (std::size_t at = 0; at < stream.size();) {
            at = std::min<std::size_t>(stream.size(), at + 1 + below(60));
            cuts.push_back(at);
        }
        const auto expected =
            test::reference_events(stream, deflate_limits.message_bytes_max, agreed);
        if (expected.back().kind == Kind::failure) ++failures;
        if (test::assembler_events(stream, {}, deflate_limits, agreed) != expected ||
            test::assembler_events(stream, cuts, deflate_limits, agreed) != expected) {
            FAIL_CHECK("round " << round);
        }
    }
    CHECK(failures > 500);
    CHECK(failures < 3000);
}

}  // namespace ringcast::ws
