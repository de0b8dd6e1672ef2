#include "base/units.hpp"

#include <cstdint>
#include <doctest/doctest.h>

#include "base/prng.hpp"

using namespace std::chrono_literals;
using ringcast::Duration;
using ringcast::parse_bytes;
using ringcast::parse_duration;
using ringcast::print_bytes;
using ringcast::print_duration;

TEST_CASE("sizes are read with binary units, bare numbers as bytes") {
    CHECK(parse_bytes("0") == 0u);
    CHECK(parse_bytes("512") == 512u);
    CHECK(parse_bytes("64KiB") == 65'536u);
    CHECK(parse_bytes("1MiB") == 1u << 20);
    CHECK(parse_bytes("2GiB") == std::uint64_t{2} << 30);
    CHECK(parse_bytes("3TiB") == std::uint64_t{3} << 40);
    CHECK(parse_bytes("18446744073709551615") == UINT64_MAX);
}

TEST_CASE("durations are read with their unit") {
    CHECK(parse_duration("25s") == Duration{25s});
    CHECK(parse_duration("500ms") == Duration{500ms});
    CHECK(parse_duration("2m") == Duration{2min});
    CHECK(parse_duration("1h") == Duration{1h});
    CHECK(parse_duration("100us") == Duration{100us});
    CHECK(parse_duration("7ns") == Duration{7ns});
    CHECK(parse_duration("0s") == Duration::zero());
    CHECK(parse_duration("9223372036854775807ns") == Duration::max());
}

TEST_CASE("junk is refused") {
    for (const char* text : {"", " ", "KiB", "-1", "+1", " 1", "1 ", "1 KiB", "1kib", "1KB", "1K",
                             "1.5MiB", "0x10", "1KiBs", "1s"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_bytes(text).has_value());
    }
    for (const char* text : {"", "s", "25", "-1s", "+1s", " 1s", "1s ", "1 s", "1.5s", "1S", "1min",
                             "1sec", "1KiB", "0"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_duration(text).has_value());
    }
}

TEST_CASE("what does not fit is refused as too large") {
    for (const char* text : {"18446744073709551616", "16777216TiB", "99999999999999999999999KiB"}) {
        CAPTURE(text);
        REQUIRE_FALSE(parse_bytes(text).has_value());
        CHECK(parse_bytes(text).error().find("too large") != std::string::npos);
    }
    for (const char* text : {"9223372036854775808ns", "2562048h", "99999999999999999999s"}) {
        CAPTURE(text);
        REQUIRE_FALSE(parse_duration(text).has_value());
        CHECK(parse_duration(text).error().find("too large") != std::string::npos);
    }
    CHECK(parse_bytes("16777215TiB").has_value());
    CHECK(parse_duration("2562047h").has_value());
}

TEST_CASE("an error quotes the text and says what was expected") {
    CHECK(parse_bytes("1KB").error() ==
          "'1KB' is not a size; expected a whole number of bytes, or one followed by KiB, MiB, GiB "
          "or TiB");
    CHECK(parse_duration("25").error() ==
          "'25' is not a duration; expected a whole number followed by ns, us, ms, s, m or h");
    CHECK(parse_duration("2562048h").error() == "'2562048h' is too large a duration");
}

TEST_CASE("printing picks the largest unit that is exact") {
    CHECK(print_bytes(0) == "0");
    CHECK(print_bytes(1000) == "1000");
    CHECK(print_bytes(65'536) == "64KiB");
    CHECK(print_bytes(1u << 20) == "1MiB");
    CHECK(print_bytes((1u << 20) + 1024) == "1025KiB");
    CHECK(print_duration(Duration::zero()) == "0s");
    CHECK(print_duration(90s) == "90s");
    CHECK(print_duration(120s) == "2m");
    CHECK(print_duration(1500ms) == "1500ms");
    CHECK(print_duration(48h) == "48h");
    CHECK(print_duration(-5ms) == "-5ms");
    CHECK(print_duration(Duration::min()) == "-9223372036854775808ns");
}

TEST_CASE("what is printed reads back as the same value") {
    ringcast::Prng prng{4};
    for (int i = 0; i < 20'000; ++i) {
        const std::uint64_t value = prng.next() >> prng.below(64);
        REQUIRE(parse_bytes(print_bytes(value)) == value);
        const std::uint64_t round_value = value >> 20 << 20;
        REQUIRE(parse_bytes(print_bytes(round_value)) == round_value);
        const Duration duration{static_cast<std::int64_t>(value >> 1)};
        REQUIRE(parse_duration(print_duration(duration)) == duration);
        const Duration round_duration = std::chrono::floor<std::chrono::seconds>(duration);
        REQUIRE(parse_duration(print_duration(round_duration)) == round_duration);
    }
}
