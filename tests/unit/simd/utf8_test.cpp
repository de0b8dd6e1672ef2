#include "simd/utf8.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/prng.hpp"
#include "support/guarded_memory.hpp"
#include "support/utf8_reference.hpp"

using ringcast::Prng;
using ringcast::simd::is_utf8;
using ringcast::simd::Utf8Validator;
using ringcast::test::judge_utf8;
using ringcast::test::Utf8Verdict;

namespace {

std::span<const std::byte> octets(std::string_view text) {
    return std::as_bytes(std::span{text.data(), text.size()});
}

/// What the validator says of `text`, fed in pieces of at most `piece_bytes`.
Utf8Verdict validate(std::span<const std::byte> text, std::size_t piece_bytes) {
    Utf8Validator validator;
    while (!text.empty()) {
        const auto piece = text.first(std::min(piece_bytes, text.size()));
        if (!validator.feed(piece)) return Utf8Verdict::invalid;
        text = text.subspan(piece.size());
    }
    return validator.is_complete() ? Utf8Verdict::complete : Utf8Verdict::incomplete;
}

/// Octets that the validator, fed one at a time, takes before it fails.
std::size_t octets_before_failure(std::string_view text) {
    Utf8Validator validator;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (!validator.feed(octets(text).subspan(i, 1))) return i;
    }
    return text.size();
}

/// The validator and is_utf8 against the reference: at once, octet by octet, and behind and before
/// enough ASCII that the vector code sees it, at each place of a 64-octet block.
bool agrees_with_reference(std::string_view text) {
    const Utf8Verdict expected = judge_utf8(octets(text));
    bool agrees = validate(octets(text), text.size() + 1) == expected &&
                  validate(octets(text), 1) == expected &&
                  is_utf8(octets(text)) == (expected == Utf8Verdict::complete);
    for (std::size_t before = 60; agrees && before < 130; ++before) {
        const std::string at_end = std::string(before, 'x').append(text);
        const std::string inside = at_end + std::string(100, 'y');
        const Utf8Verdict inside_expected = judge_utf8(octets(inside));
        agrees = validate(octets(at_end), at_end.size()) == expected &&
                 is_utf8(octets(at_end)) == (expected == Utf8Verdict::complete) &&
                 validate(octets(inside), inside.size()) == inside_expected &&
                 is_utf8(octets(inside)) == (inside_expected == Utf8Verdict::complete);
    }
    return agrees;
}

/// A text of `count` characters of all lengths.
std::string random_text(Prng& prng, std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint64_t bits[] = {7, 7, 7, 11, 16, 21};
        const auto code_point =
            static_cast<std::uint32_t>(prng.below(std::uint64_t{1} << bits[prng.below(6)]));
        const auto append = [&](std::uint32_t octet) { text.push_back(static_cast<char>(octet)); };
        if (code_point < 0x80) {
            append(code_point);
        } else if (code_point < 0x800) {
            append(0xc0 | code_point >> 6);
            append(0x80 | (code_point & 0x3f));
        } else if (code_point < 0x10000) {
            if (code_point >= 0xd800 && code_point < 0xe000) continue;
            append(0xe0 | code_point >> 12);
            append(0x80 | (code_point >> 6 & 0x3f));
            append(0x80 | (code_point & 0x3f));
        } else if (code_point <= 0x10ffff) {
            append(0xf0 | code_point >> 18);
            append(0x80 | (code_point >> 12 & 0x3f));
            append(0x80 | (code_point >> 6 & 0x3f));
            append(0x80 | (code_point & 0x3f));
        }
    }
    return text;
}

}  // namespace

TEST_CASE("all sequences of one, two and three octets are judged as the reference does") {
    std::byte sequence[3];
    std::size_t mismatches = 0;
    for (unsigned first = 0; first < 256; ++first) {
        sequence[0] = static_cast<std::byte>(first);
        mismatches += validate({sequence, 1}, 1) != judge_utf8({sequence, 1});
        for (unsigned second = 0; second < 256; ++second) {
            sequence[1] = static_cast<std::byte>(second);
            mismatches += validate({sequence, 2}, 2) != judge_utf8({sequence, 2});
            for (unsigned third = 0; third < 256; ++third) {
                sequence[2] = static_cast<std::byte>(third);
                const Utf8Verdict expected = judge_utf8({sequence, 3});
                mismatches += validate({sequence, 3}, 3) != expected;
                mismatches += is_utf8({sequence, 3}) != (expected == Utf8Verdict::complete);
            }
        }
    }
    CHECK(mismatches == 0);
}

TEST_CASE("all four-octet sequences with octets at the limits are judged as the reference does") {
    constexpr unsigned edges[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2,
                                  0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff};
    std::byte sequence[4];
    std::size_t mismatches = 0;
    for (unsigned first = 0; first < 256; ++first) {
        for (const unsigned second : edges) {
            for (const unsigned third : edges) {
                for (const unsigned fourth : edges) {
                    sequence[0] = static_cast<std::byte>(first);
                    sequence[1] = static_cast<std::byte>(second);
                    sequence[2] = static_cast<std::byte>(third);
                    sequence[3] = static_cast<std::byte>(fourth);
                    const Utf8Verdict expected = judge_utf8(sequence);
                    mismatches += validate(sequence, 4) != expected;
                    mismatches += validate(sequence, 1) != expected;
                    mismatches += is_utf8(sequence) != (expected == Utf8Verdict::complete);
                }
            }
        }
    }
    CHECK(mismatches == 0);
}

TEST_CASE("sequences from Markus Kuhn's decoder stress test are judged as the reference does") {
    using namespace std::string_view_literals;
    const std::string_view valid[] = {
        ""sv,
        "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"sv,  // 1: the Greek word kosme
        "\0"sv,
        "\xc2\x80"sv,
        "\xe0\xa0\x80"sv,
        "\xf0\x90\x80\x80"sv,  // 2.1: first of a length
        "\x7f"sv,
        "\xdf\xbf"sv,
        "\xef\xbf\xbf"sv,  // 2.2: last of a length
        "\xed\x9f\xbf"sv,
        "\xee\x80\x80"sv,
        "\xef\xbf\xbd"sv,
        "\xf4\x8f\xbf\xbf"sv,  // 2.3: limits
        "\xef\xbf\xbe"sv,
        "\xef\xb7\x90"sv,
        "\xf0\x9f\xbf\xbe"sv};  // 5.3: noncharacters
    for (const std::string_view text : valid) {
        CAPTURE(std::string{text});
        CHECK(is_utf8(octets(text)));
        CHECK(agrees_with_reference(text));
    }
    const std::string_view invalid[] = {"\xf8\x88\x80\x80\x80"sv,
                                        "\xfc\x84\x80\x80\x80\x80"sv,  // 2.1: five and six octets
                                        "\xf7\xbf\xbf\xbf"sv,
                                        "\xfb\xbf\xbf\xbf\xbf"sv,
                                        "\xfd\xbf\xbf\xbf\xbf\xbf"sv,  // 2.2
                                        "\xf4\x90\x80\x80"sv,          // 2.3: beyond U+10FFFF
                                        "\x80"sv,
                                        "\xbf"sv,
                                        "\x80\xbf"sv,
                                        "\x80\xbf\x80\xbf\x80\xbf\x80"sv,  // 3.1: continuations
                                        "\xc0 \xc1 "sv,
                                        "\xe0 \xef "sv,
                                        "\xf0 \xf7 "sv,
                                        "\xf8 "sv,  // 3.2: lonely first octets
                                        "\xc0"sv,
                                        "\xf8\x80\x80\x80"sv,
                                        "\xc0\xe0\x80\xf0\x80\x80"sv,  // 3.3, 3.4
                                        "\xfe"sv,
                                        "\xff"sv,
                                        "\xfe\xfe\xff\xff"sv,  // 3.5: impossible octets
                                        "\xc0\xaf"sv,
                                        "\xe0\x80\xaf"sv,
                                        "\xf0\x80\x80\xaf"sv,  // 4.1: overlong slash
                                        "\xf8\x80\x80\x80\xaf"sv,
                                        "\xfc\x80\x80\x80\x80\xaf"sv,
                                        "\xc1\xbf"sv,
                                        "\xe0\x9f\xbf"sv,
                                        "\xf0\x8f\xbf\xbf"sv,  // 4.2: greatest overlong ones
                                        "\xc0\x80"sv,
                                        "\xe0\x80\x80"sv,
                                        "\xf0\x80\x80\x80"sv,  // 4.3: overlong NUL
                                        "\xed\xa0\x80"sv,
                                        "\xed\xad\xbf"sv,
                                        "\xed\xae\x80"sv,
                                        "\xed\xaf\xbf"sv,  // 5.1: surrogates
                                        "\xed\xb0\x80"sv,
                                        "\xed\xbe\x80"sv,
                                        "\xed\xbf\xbf"sv,
                                        "\xed\xa0\x80\xed\xb0\x80"sv,
                                        "\xed\xaf\xbf\xed\xbf\xbf"sv};  // 5.2: pairs of them
    for (const std::string_view text : invalid) {
        CAPTURE(std::string{text});
        CHECK(validate(octets(text), text.size()) == Utf8Verdict::invalid);
        CHECK(agrees_with_reference(text));
    }
    for (const std::string_view text : {"\xdf"sv, "\xef\xbf"sv, "\xf0\x90\x80"sv, "\xf4\x8f"sv}) {
        CAPTURE(std::string{text});  // 3.3: the last octet missing
        CHECK(validate(octets(text), text.size()) == Utf8Verdict::incomplete);
        CHECK(agrees_with_reference(text));
    }
}

TEST_CASE("a validator fails at the first octet that no valid text can contain there") {
    CHECK(octets_before_failure("\xf4\x90") == 1);
    CHECK(octets_before_failure("\xed\xa0") == 1);
    CHECK(octets_before_failure("\xe0\x9f") == 1);
    CHECK(octets_before_failure("\xf0\x8f") == 1);
    CHECK(octets_before_failure("\xc0") == 0);
    CHECK(octets_before_failure("\xc1") == 0);
    CHECK(octets_before_failure("\xf5") == 0);
    CHECK(octets_before_failure("\x80") == 0);
    CHECK(octets_before_failure("ab\xe2\x82\x28") == 4);
    CHECK(octets_before_failure("ab\xe2\x82\xac\xff") == 5);
    // The same at the end of a piece that is long enough for the vector code.
    const std::string ascii(1000, 'x');
    for (const std::string_view end : {"\xf4\x90", "\xed\xa0", "\xe0\x80", "\xf0\x80", "\xc0",
                                       "\xf5", "\xf1\x80\x80\x28", "\xe1\x80\xc0"}) {
        Utf8Validator validator;
        CHECK_FALSE(validator.feed(octets(ascii + std::string{end})));
    }
}

TEST_CASE("a failed validator stays failed until it is reset") {
    Utf8Validator validator;
    CHECK_FALSE(validator.feed(octets("\xff")));
    CHECK_FALSE(validator.feed(octets("fine")));
    CHECK_FALSE(validator.feed(octets("")));
    CHECK_FALSE(validator.feed(octets(std::string(500, 'x'))));
    CHECK_FALSE(validator.is_complete());
    validator.reset();
    CHECK(validator.is_complete());
    CHECK(validator.feed(octets("fine")));
    CHECK(validator.is_complete());
}

TEST_CASE("a text may be cut anywhere") {
    Prng prng{5};
    const std::string text = random_text(prng, 400);
    REQUIRE(judge_utf8(octets(text)) == Utf8Verdict::complete);
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        Utf8Validator validator;
        REQUIRE(validator.feed(octets(text).first(cut)));
        REQUIRE(validator.is_complete() ==
                (judge_utf8(octets(text).first(cut)) == Utf8Verdict::complete));
        REQUIRE(validator.feed(octets(text).subspan(cut)));
        REQUIRE(validator.is_complete());
    }
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
        REQUIRE(validate(octets(text), piece) == Utf8Verdict::complete);
    }
}

TEST_CASE("texts with a damaged octet are judged as the reference does, however they are cut") {
    Prng prng{6};
    int invalid_count = 0;
    for (int round = 0; round < 3000; ++round) {
        std::string text = random_text(prng, prng.below(1 + prng.below(400)));
        if (!text.empty() && prng.chance(3, 4)) {
            text[prng.below(text.size())] = static_cast<char>(prng.next());
        }
        if (prng.chance(1, 4)) text.resize(prng.below(text.size() + 1));
        const Utf8Verdict expected = judge_utf8(octets(text));
        invalid_count += expected == Utf8Verdict::invalid;
        REQUIRE(is_utf8(octets(text)) == (expected == Utf8Verdict::complete));
        REQUIRE(validate(octets(text), text.size() + 1) == expected);
        for (const std::size_t piece : {1u, 3u, 63u, 64u, 65u, 128u}) {
            REQUIRE(validate(octets(text), piece) == expected);
        }
    }
    CHECK(invalid_count > 500);
}

TEST_CASE("no octet before or behind the text is read") {
    const ringcast::test::GuardedMemory memory{4096};
    for (std::size_t size = 0; size <= 700; ++size) {
        for (const auto text : {memory.at_front(size), memory.at_back(size)}) {
            std::ranges::fill(text, std::byte{'x'});
            if (size >= 2) {
                text[size - 2] = std::byte{0xc3};
                text[size - 1] = std::byte{0xa9};
            }
            Utf8Validator validator;
            REQUIRE(is_utf8(text));
            REQUIRE(validator.feed(text));
            REQUIRE(validator.is_complete());
        }
    }
}

TEST_CASE("several threads may validate at once") {
    const std::string text = std::string(500, 'x') + "\xc3\xa9";
    std::vector<std::thread> threads;
    std::vector<char> results(4, 0);
    for (char& result : results) {
        threads.emplace_back([&text, &result] { result = is_utf8(octets(text)) ? 1 : 0; });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(std::ranges::count(results, 1) == 4);
}
