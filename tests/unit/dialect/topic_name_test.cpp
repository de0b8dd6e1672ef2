#include "dialect/topic_name.hpp"

#include <cstdint>
#include <doctest/doctest.h>
#include <span>
#include <string>
#include <string_view>

#include "base/prng.hpp"
#include "ringcast/topic.hpp"
#include "support/utf8_reference.hpp"

using namespace ringcast;
using namespace ringcast::dialect;
using namespace std::string_literals;
using Fault = TopicNameFault;

TEST_CASE("a topic's name is 1 to 255 bytes of UTF-8 without control characters") {
    struct {
        std::string name;
        Fault fault;
    } const cases[] = {
        {"a", Fault::none},
        {" ", Fault::none},
        {"EURUSD", Fault::none},
        {"news/sport/local", Fault::none},
        {"/", Fault::none},
        {"a b?c=d&e#f", Fault::none},  // `#` is reserved at the beginning only.
        {"price$", Fault::none},
        {"~", Fault::none},
        {std::string(255, 'x'), Fault::none},
        {"\xc2\xa0", Fault::none},  // U+00A0, just above C1.
        {"gr\xc3\xbc\xc3\x9f", Fault::none},
        {"\xf0\x9f\x9a\x80", Fault::none},
        {"\xf4\x8f\xbf\xbf", Fault::none},  // U+10FFFF
        {"\xe0\xa2\x80", Fault::none},      // Octets of C1's range elsewhere.

        {"", Fault::empty},
        {std::string(256, 'x'), Fault::too_long},
        {std::string(254, 'x') + "\xc3\xbc", Fault::too_long},

        {"a\0b"s, Fault::control_character},
        {"\n", Fault::control_character},
        {"a\x1f", Fault::control_character},
        {"a\x7f", Fault::control_character},
        {"\xc2\x80", Fault::control_character},
        {"a\xc2\x9f", Fault::control_character},

        {"\x80", Fault::not_utf8},
        {"a\xff", Fault::not_utf8},
        {"\xc2", Fault::not_utf8},
        {"\xc0\xaf", Fault::not_utf8},          // Overlong.
        {"\xed\xa0\x80", Fault::not_utf8},      // A surrogate.
        {"\xf4\x90\x80\x80", Fault::not_utf8},  // Beyond U+10FFFF.
        {"\xc2"
         "a",
         Fault::not_utf8},

        {"ns:rest", Fault::reserved},
        {":", Fault::reserved},
        {"a:", Fault::reserved},
        {"$SYS", Fault::reserved},
        {"#", Fault::reserved},
    };
    for (const auto& [name, fault] : cases) {
        CAPTURE(name);
        CHECK(check_topic_name(name) == fault);
    }
}

TEST_CASE("every fault has a sentence of its own") {
    CHECK(to_string(Fault::none).empty());
    std::string all;
    for (const Fault fault :
         {Fault::empty, Fault::too_long, Fault::not_utf8, Fault::control_character, Fault::reserved,
          Fault::unknown_namespace}) {
        const std::string_view text = to_string(fault);
        CHECK(text.ends_with("\n"));
        CHECK(all.find(text) == std::string::npos);
        all += text;
    }
}

TEST_CASE("every code point is judged by itself") {
    const auto encoded = [](std::uint32_t point) {
        const auto octet = [](std::uint32_t value) { return static_cast<char>(value); };
        if (point < 0x80) return std::string{octet(point)};
        if (point < 0x800) return std::string{octet(0xc0 | point >> 6), octet(0x80 | (point & 63))};
        return std::string{octet(0xe0 | point >> 12), octet(0x80 | ((point >> 6) & 63)),
                           octet(0x80 | (point & 63))};
    };
    for (std::uint32_t point = 0; point < 0xd800; ++point) {
        const std::string name = "a" + encoded(point) + "b";
        const bool is_control = point < 0x20 || (point >= 0x7f && point < 0xa0);
        const Fault expected = is_control     ? Fault::control_character
                               : point == ':' ? Fault::reserved
                                              : Fault::none;
        if (check_topic_name(name) != expected) {
            CAPTURE(point);
            REQUIRE(check_topic_name(name) == expected);
        }
    }
}

TEST_CASE("a name is not UTF-8 exactly when the reference says so") {
    constexpr std::string_view octets = "a/\x7f\x80\x8f\x9f\xa0\xbf\xc2\xe0\xe2\xed\xef\xf0\xf4";
    for (std::uint64_t seed = 1; seed <= 20'000; ++seed) {
        Prng prng{seed};
        std::string name;
        for (std::uint64_t i = 1 + prng.below(6); i > 0; --i)
            name += octets[prng.below(octets.size())];
        CAPTURE(seed);
        const bool is_utf8 =
            test::judge_utf8(std::as_bytes(std::span{name})) == test::Utf8Verdict::complete;
        REQUIRE((check_topic_name(name) == Fault::not_utf8) == !is_utf8);
    }
}
