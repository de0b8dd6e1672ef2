#include "reply_checker.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <doctest/doctest.h>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>
#include <zlib.h>

#include "messages.hpp"
#include "simd/mask.hpp"
#include "ws/frame.hpp"

namespace {

using namespace ringcast;
using namespace ringcast::bench;

using Bytes = std::vector<std::byte>;

/// A frame header by hand, so that the tests do not trust the code that they check.
Bytes header(unsigned first, std::uint64_t length) {
    Bytes bytes{std::byte(first)};
    if (length < 126) {
        bytes.push_back(std::byte(length));
        return bytes;
    }
    const int length_bytes = length < 65536 ? 2 : 8;
    bytes.push_back(std::byte(length_bytes == 2 ? 126 : 127));
    for (int shift = 8 * (length_bytes - 1); shift >= 0; shift -= 8)
        bytes.push_back(std::byte(length >> shift & 0xffU));
    return bytes;
}

void append(Bytes& target, std::span<const std::byte> source) {
    target.insert(target.end(), source.begin(), source.end());
}

std::span<const std::byte> payload(const Messages& messages, std::size_t index) {
    return messages.reply(index).subspan(messages.reply_header_bytes());
}

/// Everything that `stream` completes when it arrives `chunk` bytes at a time; -1 when it is
/// refused.
int replies_in(const Messages& messages, const Bytes& stream, std::size_t chunk,
               std::string* why = nullptr, Verify verify = Verify::full,
               Bytes* pongs_out = nullptr) {
    const ReplyChecker checker(messages, verify);
    ReplyState state;
    Bytes pongs;
    std::size_t replies = 0;
    for (std::size_t start = 0; start < stream.size(); start += chunk) {
        const std::size_t size = std::min(chunk, stream.size() - start);
        const auto completed =
            checker.consume(state, std::span(stream).subspan(start, size), pongs);
        if (!completed) {
            if (why != nullptr) *why = completed.error().message;
            return -1;
        }
        replies += *completed;
    }
    if (pongs_out != nullptr) *pongs_out = pongs;
    CHECK(state.messages == replies);
    return static_cast<int>(replies);
}

/// The reason for which `stream` is refused, whole and octet by octet alike.
std::string refusal(const Messages& messages, const Bytes& stream) {
    std::string whole;
    std::string octets;
    CHECK(replies_in(messages, stream, stream.size(), &whole) == -1);
    CHECK(replies_in(messages, stream, 1, &octets) == -1);
    CHECK(whole == octets);
    return whole;
}

Bytes two_cycles_of_replies(const Messages& messages) {
    Bytes stream;
    for (std::size_t i = 0; i < 2 * messages.cycle_count(); ++i) {
        append(stream, messages.reply(i % messages.cycle_count()));
    }
    return stream;
}

}  // namespace

TEST_CASE(
    "requests unmask to the payloads of the replies, for every length encoding and across the end "
    "of the cycle") {
    for (const std::size_t size :
         std::vector<std::size_t>{0, 1, 20, 125, 126, 65535, 65536, 200000}) {
        const std::size_t burst = 3;
        const Messages messages(ws::Opcode::binary, size, burst);
        const std::size_t last = messages.cycle_count() - 1;
        const auto requests = messages.requests(last, burst);
        const Bytes expected_header = header(0x82, size);
        const std::size_t frame_bytes = expected_header.size() + 4 + size;
        REQUIRE(requests.size() == burst * frame_bytes);
        for (std::size_t i = 0; i < burst; ++i) {
            const auto frame = requests.subspan(i * frame_bytes, frame_bytes);
            CHECK(frame[0] == expected_header[0]);
            CHECK(frame[1] == (expected_header[1] | std::byte{0x80}));
            const auto key = frame.subspan(expected_header.size(), 4);
            const auto expected = payload(messages, (last + i) % messages.cycle_count());
            bool equal = true;
            for (std::size_t j = 0; j < size; ++j) {
                equal =
                    equal && (frame[expected_header.size() + 4 + j] ^ key[j % 4]) == expected[j];
            }
            CHECK(equal);
        }
    }
}

TEST_CASE("neighbouring messages differ, and text messages are letters") {
    const Messages messages(ws::Opcode::text, 20, 1);
    for (std::size_t i = 0; i < messages.cycle_count(); ++i) {
        const auto here = payload(messages, i);
        const auto next = payload(messages, (i + 1) % messages.cycle_count());
        CHECK_FALSE(std::equal(here.begin(), here.end(), next.begin(), next.end()));
        for (const std::byte byte : here) CHECK(std::to_integer<unsigned>(byte) < 0x80);
    }
}

TEST_CASE("correct replies are counted however they are cut") {
    for (const std::size_t size : std::vector<std::size_t>{0, 1, 20, 125, 126, 300}) {
        const Messages messages(ws::Opcode::binary, size, 1);
        const Bytes stream = two_cycles_of_replies(messages);
        for (std::size_t chunk = 1; chunk <= 40; ++chunk) {
            CHECK(replies_in(messages, stream, chunk) ==
                  static_cast<int>(2 * messages.cycle_count()));
        }
        CHECK(replies_in(messages, stream, stream.size()) ==
              static_cast<int>(2 * messages.cycle_count()));
    }
}

TEST_CASE(
    "a reply may be fragmented, with empty fragments and pings in between, which are answered") {
    const Messages messages(ws::Opcode::text, 20, 1);
    Bytes stream;
    append(stream, header(0x01, 7));
    append(stream, payload(messages, 0).first(7));
    append(stream, header(0x00, 0));
    append(stream, header(0x89, 3));
    append(stream, std::vector{std::byte{1}, std::byte{2}, std::byte{3}});
    append(stream, header(0x80, 13));
    append(stream, payload(messages, 0).subspan(7));
    append(stream, messages.reply(1));
    for (std::size_t chunk = 1; chunk <= stream.size(); ++chunk) {
        Bytes pongs;
        CHECK(replies_in(messages, stream, chunk, nullptr, Verify::full, &pongs) == 2);
        REQUIRE(pongs.size() == 2 + 4 + 3);
        CHECK(pongs[0] == std::byte{0x8a});
        CHECK(pongs[1] == std::byte{0x83});
        for (std::size_t i = 0; i < 3; ++i)
            CHECK((pongs[6 + i] ^ pongs[2 + i]) == std::byte(i + 1));
    }
}

TEST_CASE("any changed octet of a reply is noticed") {
    const Messages messages(ws::Opcode::binary, 20, 1);
    Bytes stream;
    append(stream, messages.reply(0));
    append(stream, messages.reply(1));
    for (std::size_t position = 0; position < stream.size(); ++position) {
        Bytes broken = stream;
        broken[position] ^= std::byte{0x01};
        CHECK(replies_in(messages, broken, broken.size()) < 2);
        CHECK(replies_in(messages, broken, 1) < 2);
    }
}

TEST_CASE("replies in the wrong order, doubled or lost are noticed") {
    const Messages messages(ws::Opcode::binary, 20, 1);
    const auto stream_of = [&](std::initializer_list<std::size_t> order) {
        Bytes stream;
        for (const std::size_t index : order) append(stream, messages.reply(index));
        return stream;
    };
    CHECK(refusal(messages, stream_of({1, 0})).find("payload differs") != std::string::npos);
    CHECK(refusal(messages, stream_of({0, 0})).find("payload differs") != std::string::npos);
    CHECK(refusal(messages, stream_of({0, 2})).find("payload differs") != std::string::npos);
}

TEST_CASE("the position and the values of a wrong octet are named") {
    const Messages messages(ws::Opcode::binary, 300, 1);
    Bytes stream;
    append(stream, messages.reply(0));
    append(stream, messages.reply(1));
    const std::size_t position = 304 + 4 + 257;
    const std::byte right = stream[position];
    const std::byte wrong = right ^ std::byte{0x40};
    stream[position] = wrong;
    CHECK(refusal(messages, stream) ==
          fmt::format("reply 1: the payload differs at byte 257: expected {:#04x}, got {:#04x}",
                      std::to_integer<unsigned>(right), std::to_integer<unsigned>(wrong)));
}

TEST_CASE("frames that no server may send here are refused with their reason") {
    const Messages messages(ws::Opcode::binary, 20, 1);
    const auto reason = [&](std::initializer_list<unsigned> octets) {
        Bytes stream;
        for (const unsigned octet : octets) stream.push_back(std::byte(octet));
        return refusal(messages, stream);
    };
    CHECK(reason({0x81, 20}) == "reply 0: opcode 1 instead of 2");
    CHECK(reason({0x82, 21}) ==
          "reply 0: a frame of 21 bytes, fin true, after 0 bytes of a message of 20");
    CHECK(reason({0x82, 19}) ==
          "reply 0: a frame of 19 bytes, fin true, after 0 bytes of a message of 20");
    CHECK(reason({0x82, 0x80 | 20, 0, 0, 0, 0}) == "reply 0: the server masked a frame");
    CHECK(reason({0xc2, 20}) == "reply 0: reserved bits are set (first byte 0xc2)");
    CHECK(reason({0x80, 20}) == "reply 0: a continuation frame of nothing");
    CHECK(reason({0x83, 0}) == "reply 0: unknown opcode 3");
    CHECK(reason({0x09, 0}) == "reply 0: a control frame of 0 bytes, fin false");
    CHECK(reason({0x82, 126, 0, 20}) == "reply 0: a length of 20 not in its shortest form");
    CHECK(reason({0x02, 0, 0x82, 20}) == "reply 0: a new message inside a fragmented one");
    CHECK(reason({0x02, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}) ==
          "reply 0: a frame of 18446744073709551615 bytes, fin false, after 0 bytes of a message "
          "of 20");
}

TEST_CASE("a Close frame ends the run with its code and reason") {
    const Messages messages(ws::Opcode::binary, 20, 1);
    Bytes stream = header(0x88, 5);
    for (const unsigned octet : {0x03U, 0xf1U}) stream.push_back(std::byte(octet));
    for (const char letter : {'b', 'y', 'e'}) stream.push_back(std::byte(letter));
    CHECK(refusal(messages, stream) == "the server sent a Close frame, code 1009, reason 'bye'");
    CHECK(refusal(messages, header(0x88, 0)) == "the server sent a Close frame without a code");
}

TEST_CASE("verification by length accepts another payload of the right size and nothing else") {
    const Messages messages(ws::Opcode::binary, 300, 1);
    Bytes stream;
    append(stream, messages.reply(7));
    append(stream, messages.reply(3));
    CHECK(replies_in(messages, stream, stream.size(), nullptr, Verify::length) == 2);
    CHECK(replies_in(messages, stream, 1, nullptr, Verify::length) == 2);
    stream[0] = std::byte{0x81};
    CHECK(replies_in(messages, stream, stream.size(), nullptr, Verify::length) == -1);
}

namespace {

/// As a server does that compresses each message by itself.
void append_compressed(Bytes& stream, std::span<const std::byte> message) {
    const Bytes payload = deflate_message(message);
    REQUIRE_FALSE(payload.empty());
    append(stream, header(0xc2, payload.size()));
    append(stream, payload);
}

}  // namespace

TEST_CASE("replies may come compressed or not, in pieces of any size") {
    for (const Compression compression : {Compression::shared, Compression::dedicated}) {
        const Messages messages(ws::Opcode::binary, 1000, 1, compression);
        Bytes stream;
        append_compressed(stream, payload(messages, 0));
        append(stream, messages.reply(1));
        append_compressed(stream, payload(messages, 2));
        append(stream, header(0x89, 0));
        // In two fragments, a ping between them.
        const Bytes compressed = deflate_message(payload(messages, 3));
        append(stream, header(0x42, 10));
        append(stream, std::span(compressed).first(10));
        append(stream, header(0x89, 0));
        append(stream, header(0x80, compressed.size() - 10));
        append(stream, std::span(compressed).subspan(10));
        for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, stream.size()})
            CHECK(replies_in(messages, stream, chunk) == 4);
    }
}

TEST_CASE("a reply may be longer for being compressed, but not without end") {
    for (const Compression compression : {Compression::shared, Compression::dedicated}) {
        const Messages messages(ws::Opcode::binary, 20, 1, compression);
        // A block that is stored as it is, and the beginning of an empty one (RFC 7692 7.2.1).
        Bytes stored{std::byte{0}, std::byte{20}, std::byte{0}, std::byte{0xeb}, std::byte{0xff}};
        append(stored, payload(messages, 0));
        stored.push_back(std::byte{0});
        Bytes stream = header(0xc2, stored.size());
        append(stream, stored);
        CHECK(replies_in(messages, stream, stream.size()) == 1);
        CHECK(replies_in(messages, stream, 1) == 1);
        const std::string endless = "bytes of a compressed message of 20";
        CHECK(refusal(messages, header(0xc2, 1 << 20)).contains(endless));
        Bytes fragments = header(0x42, 1);
        append(fragments, Bytes(1));
        append(fragments, header(0x80, ~std::uint64_t{0}));
        CHECK(refusal(messages, fragments).contains(endless));
    }
}

TEST_CASE("a compressed reply that is another one, too long, broken or unasked for is refused") {
    const Messages messages(ws::Opcode::binary, 1000, 1, Compression::shared);
    Bytes other;
    append_compressed(other, payload(messages, 1));
    CHECK(refusal(messages, other).contains("differs"));
    Bytes longer;
    append_compressed(longer, Bytes(1001, std::byte{'x'}));
    CHECK(refusal(messages, longer).contains("bytes instead of 1000"));
    Bytes broken = header(0xc2, 5);
    append(broken, Bytes(5, std::byte{0xff}));
    CHECK(refusal(messages, broken).contains("no DEFLATE data"));
    const Messages plain(ws::Opcode::binary, 1000, 1);
    CHECK(refusal(plain, other).contains("reserved bits"));
    Bytes continued = header(0x02, 0);
    append(continued, header(0xc0, 5));
    CHECK(refusal(messages, continued).contains("reserved bits"));
}

TEST_CASE("with a context kept a reply may refer to the ones before it") {
    const Messages messages(ws::Opcode::binary, 1000, 1, Compression::dedicated);
    // A compressor that goes on: the second message is little more than a reference.
    z_stream zlib{};
    REQUIRE(deflateInit2(&zlib, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    Bytes stream;
    std::size_t sizes[2];
    for (const std::size_t round : {0u, 1u}) {
        Bytes message{payload(messages, 0).begin(), payload(messages, 0).end()};
        if (round == 1) message.assign(payload(messages, 1).begin(), payload(messages, 1).end());
        Bytes target(2000);
        zlib.next_in = reinterpret_cast<Bytef*>(message.data());
        zlib.avail_in = static_cast<uInt>(message.size());
        zlib.next_out = reinterpret_cast<Bytef*>(target.data());
        zlib.avail_out = static_cast<uInt>(target.size());
        REQUIRE(deflate(&zlib, Z_SYNC_FLUSH) == Z_OK);
        sizes[round] = target.size() - zlib.avail_out - 4;
        append(stream, header(0xc2, sizes[round]));
        append(stream, std::span(target).first(sizes[round]));
    }
    deflateEnd(&zlib);
    CHECK(sizes[1] < sizes[0]);
    CHECK(replies_in(messages, stream, stream.size()) == 2);
    CHECK(replies_in(messages, stream, 1) == 2);
    CHECK(replies_in(Messages(ws::Opcode::binary, 1000, 1, Compression::shared), stream, 1) == -1);
}
