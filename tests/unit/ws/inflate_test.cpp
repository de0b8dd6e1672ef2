#include "ws/inflate.hpp"

#include <doctest/doctest.h>
#include <optional>
#include <string>
#include <vector>

#include "support/deflate_data.hpp"
#include "support/deflate_reference.hpp"

namespace ringcast::ws {

namespace {

using test::Inflated;
using test::json_like;
using test::noise;
using test::ZlibSender;

constexpr DeflateParameters taking_over{};
constexpr DeflateParameters no_takeover{.client_no_context_takeover = true};

std::string octets(std::initializer_list<int> values) {
    std::string out;
    for (const int value : values) out.push_back(static_cast<char>(value));
    return out;
}

/// Feeds pieces of `payload`, cut at `cuts` (ascending), with `room_bytes` for each step's output.
/// The message, or nothing if it is invalid or cut short.
std::optional<std::string> inflate_message(Inflation& inflation, std::string_view payload,
                                           const std::vector<std::size_t>& cuts = {},
                                           std::size_t room_bytes = 4096) {
    std::string message;
    std::string room(room_bytes, '\0');
    std::size_t start = 0;
    for (std::size_t i = 0; i <= cuts.size(); ++i) {
        const std::size_t end = i < cuts.size() ? cuts[i] : payload.size();
        // In memory of its own, so that a sanitizer sees a read past its end.
        const std::vector<char> piece(payload.begin() + static_cast<std::ptrdiff_t>(start),
                                      payload.begin() + static_cast<std::ptrdiff_t>(end));
        start = end;
        std::span<const std::byte> input = std::as_bytes(std::span{piece});
        for (bool is_full = true; is_full;) {
            const auto step = inflation.inflate(input, std::as_writable_bytes(std::span{room}));
            message.append(room, 0, step.produced);
            if (!step.is_valid) return std::nullopt;
            input = input.subspan(step.consumed);
            is_full = step.produced == room_bytes;
        }
        CHECK(input.empty());
    }
    if (!inflation.end_message()) return std::nullopt;
    return message;
}

/// With a context of its own.
std::optional<std::string> inflate_alone(std::string_view payload,
                                         const std::vector<std::size_t>& cuts = {},
                                         std::size_t room_bytes = 4096) {
    Inflaters inflaters;
    Inflation inflation{inflaters, no_takeover};
    return inflate_message(inflation, payload, cuts, room_bytes);
}

/// What the reference says, for all cuts in two, octet by octet, and with little room.
void check_payload(const std::string& payload) {
    CAPTURE(payload.size());
    const Inflated expected = test::reference_inflate_message(payload);
    const std::optional<std::string> message = expected.end == Inflated::End::between_blocks
                                                   ? std::optional{expected.output}
                                                   : std::nullopt;
    CHECK(inflate_alone(payload) == message);
    CHECK(inflate_alone(payload, {}, 1) == message);
    std::vector<std::size_t> every_octet;
    for (std::size_t cut = 1; cut < payload.size(); ++cut) {
        every_octet.push_back(cut);
        if (inflate_alone(payload, {cut}, cut % 7 + 1) != message) FAIL_CHECK("cut at " << cut);
    }
    CHECK(inflate_alone(payload, every_octet) == message);
}

}  // namespace

TEST_CASE("the examples of RFC 7692 section 7.2.3 are what it says") {
    const std::string fixed = octets({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00});
    CHECK(inflate_alone(fixed) == "Hello");
    CHECK(inflate_alone(octets({0x00, 0x05, 0x00, 0xfa, 0xff, 'H', 'e', 'l', 'l', 'o', 0x00})) ==
          "Hello");
    CHECK(inflate_alone(octets({0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00})) == "Hello");
    CHECK(inflate_alone(octets({0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9,
                                0x07, 0x00})) == "Hello");
    Inflaters inflaters;
    Inflation inflation{inflaters, taking_over};
    CHECK(inflate_message(inflation, fixed) == "Hello");
    CHECK(inflate_message(inflation, octets({0xf2, 0x00, 0x11, 0x00, 0x00})) == "Hello");
}

TEST_CASE("a context that was not taken over is not there") {
    Inflaters inflaters;
    Inflation inflation{inflaters, no_takeover};
    CHECK(inflate_message(inflation, octets({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00})) ==
          "Hello");
    CHECK_FALSE(inflate_message(inflation, octets({0xf2, 0x00, 0x11, 0x00, 0x00})).has_value());
}

TEST_CASE("an empty message has an encoding of its own, and others (section 7.2.3.6)") {
    check_payload(octets({0x00}));
    CHECK(inflate_alone(octets({0x00})) == "");
    CHECK(inflate_alone(octets({0x02, 0x00})) == "");
    CHECK(inflate_alone(octets({0x01})) == "");  // The empty block at the end may be a final one.
    CHECK(inflate_alone(octets({0x03, 0x00, 0x00})) == "");
    CHECK(inflate_alone(octets({0x00, 0x00, 0x00, 0xff, 0xff, 0x00})) == "");
    // No octet at all is not one: the end of an empty block needs its beginning.
    CHECK_FALSE(inflate_alone("").has_value());
}

TEST_CASE("every split of a payload gives the same message") {
    ZlibSender sender;
    for (const std::string& message : {json_like(700), noise(300), std::string(2000, 'a')}) {
        check_payload(sender.payload(message));
        sender.reset();
        check_payload(sender.final_payload(message));
    }
    check_payload(ZlibSender{15, 0}.payload(json_like(200)));
    check_payload(ZlibSender{15, 6, Z_FIXED}.payload(json_like(200)));
}

TEST_CASE("final blocks anywhere: the data goes on at the next octet (section 7.2.3.4)") {
    ZlibSender sender;
    std::string payload, message;
    for (unsigned i = 0; i < 5; ++i) {
        const std::string part = json_like(100 + i, i);
        payload += sender.final_payload(part);
        payload.pop_back();
        message += part;
    }
    CHECK(inflate_alone(payload + '\0') == message);
    check_payload(payload + '\0');
    // Without the octet behind it the block is not followed by an empty one.
    CHECK_FALSE(inflate_alone(payload).has_value());
    // The window is the same before and behind a final block.
    const std::string hello = octets({0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00});
    const std::string again = octets({0xf2, 0x00, 0x11, 0x00, 0x00});
    CHECK(inflate_alone(hello + again) == "HelloHello");
    check_payload(hello + again);
    Inflaters inflaters;
    Inflation inflation{inflaters, taking_over};
    CHECK(inflate_message(inflation, hello + '\0') == "Hello");
    CHECK(inflate_message(inflation, again) == "Hello");
}

TEST_CASE("data that is cut short is no message, wherever it ends") {
    for (const std::string& whole :
         {ZlibSender{}.payload(json_like(300)), ZlibSender{9}.payload(noise(40)),
          ZlibSender{15, 6, Z_FIXED}.payload(json_like(50)),
          ZlibSender{}.final_payload(json_like(50))}) {
        for (std::size_t size = 0; size < whole.size(); ++size) {
            const std::string start = whole.substr(0, size);
            const bool is_empty_message = start == octets({0x00});
            if (inflate_alone(start).has_value() != is_empty_message)
                FAIL_CHECK(size << " of " << whole.size());
        }
    }
    // The missing four octets would be taken for data.
    CHECK_FALSE(inflate_alone(octets({0x00, 0x04, 0x00, 0xfb, 0xff})).has_value());
}

TEST_CASE("what is no DEFLATE data is refused at once") {
    for (const std::string& payload :
         {octets({0x06}), octets({0x00, 0x00, 0x00, 0x00, 0x00}), octets({0x04, 0xff, 0xff}),
          octets({0xf2, 0x00, 0x11, 0x00, 0x00})}) {
        check_payload(payload);
        Inflaters inflaters;
        Inflation inflation{inflaters, no_takeover};
        std::array<std::byte, 16> room;
        CHECK_FALSE(inflation.inflate(std::as_bytes(std::span{payload}), room).is_valid);
    }
}

TEST_CASE("garbage behind a message's end is no part of it") {
    const std::string whole = ZlibSender{}.payload("some message");
    const std::string final_one = ZlibSender{}.final_payload("some message");
    for (const std::string& garbage :
         {octets({0x07}), std::string(3, '\xff'), octets({0xff, 0xff}), std::string("garbage")}) {
        check_payload(whole + garbage);
        check_payload(final_one + garbage);
        CHECK_FALSE(inflate_alone(whole + octets({0x00, 0x00, 0xff, 0xff}) + garbage).has_value());
        CHECK_FALSE(inflate_alone(final_one + octets({0x00, 0x00, 0xff, 0xff}) + garbage));
    }
}

TEST_CASE("damaged and random data is read as the reference reads it") {
    std::mt19937 random{20240609};
    int whole = 0, refused = 0;
    for (int round = 0; round < 3000; ++round) {
        std::string payload;
        if (round % 3 == 0) {
            payload = noise(random() % 40, static_cast<unsigned>(round));
        } else {
            ZlibSender sender{15, 6, round % 2 != 0 ? Z_FIXED : Z_DEFAULT_STRATEGY};
            payload = round % 7 == 0 ? sender.final_payload(json_like(random() % 300))
                                     : sender.payload(json_like(random() % 300));
            payload[random() % payload.size()] ^= static_cast<char>(1 << random() % 8);
        }
        const Inflated expected = test::reference_inflate_message(payload);
        const bool is_whole = expected.end == Inflated::End::between_blocks;
        ++(is_whole ? whole : refused);
        const std::vector<std::size_t> cuts =
            payload.empty() ? std::vector<std::size_t>{} : std::vector{random() % payload.size()};
        const auto message = inflate_alone(payload, cuts, 1 + random() % 100);
        if (message != (is_whole ? std::optional{expected.output} : std::nullopt))
            FAIL_CHECK("round " << round);
    }
    CHECK(whole > 300);
    CHECK(refused > 300);
}

TEST_CASE("contexts of all window sizes are taken over from message to message") {
    for (int bits = 9; bits <= 15; ++bits) {
        Inflaters inflaters;
        const auto window = static_cast<std::uint8_t>(bits == 9 ? 8 : bits);
        Inflation inflation{inflaters, {.client_max_window_bits = window}};
        ZlibSender sender{bits};
        for (unsigned i = 0; i < 60; ++i) {
            const std::string message = json_like(i * 37, i / 2);
            const std::string payload = sender.payload(message);
            CHECK(inflate_message(inflation, payload, {payload.size() / 2}) == message);
        }
    }
}

TEST_CASE("messages of all sizes come out as they went in") {
    Inflaters inflaters;
    Inflation inflation{inflaters, taking_over};
    ZlibSender sender;
    const auto check = [&](const std::string& message) {
        if (inflate_message(inflation, sender.payload(message)) != message)
            FAIL_CHECK(message.size() << " octets");
    };
    for (std::size_t size = 0; size <= 300; ++size) {
        check(json_like(size, 7));
        check(noise(size, 7));
    }
    for (std::size_t size = 512; size <= 1u << 20; size *= 2) {
        check(json_like(size));
        check(noise(size + 1));
    }
}

TEST_CASE("a bomb gives no more than there is room for") {
    const std::string payload = ZlibSender{}.payload(std::string(16u << 20, 'a'));
    CHECK(payload.size() < 20000);
    Inflaters inflaters;
    Inflation inflation{inflaters, no_takeover};
    std::vector<std::byte> room(1000);
    const auto step = inflation.inflate(std::as_bytes(std::span{payload}), room);
    CHECK(step.is_valid);
    CHECK(step.produced == room.size());
    CHECK(step.consumed < payload.size());
}

TEST_CASE("a connection holds an inflater during a message, or for its context") {
    Inflaters inflaters;
    const std::string payload = ZlibSender{}.payload(json_like(1000));
    Inflation between{inflaters, no_takeover};
    CHECK(between.memory_bytes() == 0);
    CHECK(inflaters.taken_count() == 0);
    std::array<std::byte, 16> room;
    (void)between.inflate(std::as_bytes(std::span{payload}).first(5), room);
    CHECK(inflaters.taken_count() == 1);
    CHECK(between.memory_bytes() > 0);
    CHECK(between.memory_bytes() <= inflaters.memory_bytes());
    {
        Inflation abandoned{inflaters, no_takeover};
        (void)abandoned.inflate(std::as_bytes(std::span{payload}).first(5), room);
        CHECK(inflaters.taken_count() == 2);
    }
    CHECK(inflaters.taken_count() == 1);
    CHECK_FALSE(between.end_message());
    CHECK(inflaters.taken_count() == 0);
    CHECK(between.memory_bytes() == 0);

    // The one that was abandoned in the middle is as good as new.
    Inflation keeping{inflaters, taking_over};
    CHECK(inflate_message(keeping, payload) == json_like(1000));
    CHECK(inflaters.taken_count() == 1);
    CHECK(keeping.memory_bytes() > 32u << 10);
    CHECK(keeping.memory_bytes() < 48u << 10);
}

TEST_CASE("a small window costs little to keep") {
    Inflaters inflaters;
    Inflation inflation{inflaters, {.client_max_window_bits = 9}};
    CHECK(inflate_message(inflation, ZlibSender{9}.payload(json_like(1000))) == json_like(1000));
    CHECK(inflation.memory_bytes() < 9u << 10);
}

TEST_CASE("memory of inflaters goes back, but for those that are kept for reuse") {
    Inflaters inflaters{2};
    const std::string payload = ZlibSender{}.payload(json_like(1000));
    std::size_t memory_of_one = 0;
    {
        std::vector<std::unique_ptr<Inflation>> connections;
        for (int i = 0; i < 100; ++i) {
            connections.push_back(std::make_unique<Inflation>(inflaters, taking_over));
            CHECK(inflate_message(*connections.back(), payload).has_value());
        }
        memory_of_one = connections.back()->memory_bytes();
        CHECK(inflaters.memory_bytes() == 100 * memory_of_one);
    }
    CHECK(inflaters.taken_count() == 0);
    CHECK(inflaters.memory_bytes() == 2 * memory_of_one);
}

TEST_CASE("announced payloads are limited by what a message of the largest size can need") {
    Inflaters inflaters;
    Inflation inflation{inflaters, no_takeover};
    constexpr std::uint64_t all = ~std::uint64_t{0};
    CHECK(inflation.announce(65536, 65536));
    CHECK(inflation.announce(7 * 65536 + 1024, 65536));
    CHECK_FALSE(inflation.announce(1, 65536));
    CHECK(inflate_message(inflation, octets({0x00})) == "");
    CHECK(inflation.announce(65536, 65536));  // The next message.
    CHECK_FALSE(inflation.announce(all / 2, 65536));
    CHECK(inflation.announce(all / 2, all));
    CHECK(inflation.announce(all / 2 - 65536, all - 1));
    CHECK_FALSE(inflation.announce(all / 2, all));
}

}  // namespace ringcast::ws
