#include "dialect/json.hpp"

#include <cstddef>
#include <cstdint>
#include <doctest/doctest.h>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "base/prng.hpp"
#include "support/json_reference.hpp"

using namespace ringcast;
using ringcast::dialect::is_json;

TEST_CASE("any one value is JSON, with white space around it") {
    for (const char* const text :
         {"{}", "[]", "null", "true", "0", "-1.5e3", "\"\"", "\"\xc3\xa4\"",
          " {\"a\": [1, {}]}\r\n", "\"\\u00e4\\n\"", "{\"a\":1,\"a\":2}"}) {
        CAPTURE(text);
        CHECK(is_json(text));
    }
}

TEST_CASE("anything else is none") {
    for (const char* const text :
         {"",   " ",      "{",       "}",        "[1,]",  "{\"a\":}",     "{a:1}", "'a'",
          "01", "1.",     "+1",      "nul",      "NaN",   "1 2",          "{} {}", "[1] x",
          "\"", "\"\n\"", "\"\\x\"", "\"\xff\"", "// no", "\xef\xbb\xbf{"}) {
        CAPTURE(text);
        CHECK_FALSE(is_json(text));
    }
    CHECK_FALSE(is_json(std::string_view{"1\0", 2}));
}

TEST_CASE("depth has a limit") {
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    CHECK(is_json(nested(ringcast::dialect::json_depth_max - 1)));
    CHECK_FALSE(is_json(nested(ringcast::dialect::json_depth_max + 1)));
    CHECK_FALSE(is_json(nested(100'000)));
}

TEST_CASE("a text is judged by its own bytes, not by what lies behind it") {
    const std::string text = "[1]]]]";
    CHECK(is_json(std::string_view{text}.substr(0, 3)));
    CHECK_FALSE(is_json(std::string_view{text}.substr(0, 4)));
    CHECK_FALSE(is_json(std::string_view{text}.substr(0, 2)));
}

TEST_CASE("what text is JSON is what the grammar says") {
    // Pieces that make good values often, and spoil them about as often.
    constexpr std::string_view pieces[] = {
        "{",           "}",
        "[",           "]",
        ",",           ":",
        "\"a\"",       "\"\\u00e4\"",
        "\"\\\"\"",    "1",
        "-0.5e3",      "01",
        "-",           "true",
        "null",        "fals",
        " ",           "\n",
        "\"",          "\\",
        "\"a\":",      "{\"b\":",
        "[1,2]",       "{}",
        "\"\x01\"",    "\"long enough for more than a word \\n of it\"",
        "\"\\ud800\"", "\"\\u12g4\"",
        "1e",          ".5"};
    std::size_t good = 0;
    for (std::uint64_t seed = 1; seed <= 60'000; ++seed) {
        Prng prng{seed};
        std::string text;
        for (std::uint64_t i = 1 + prng.below(9); i > 0; --i)
            text += pieces[prng.below(std::size(pieces))];
        const bool expected = test::JsonGrammar{text, dialect::json_depth_max}.matches();
        good += expected ? 1 : 0;
        // Memory of its own, so that a sanitizer sees an octet read too far.
        const std::vector<char> copy(text.begin(), text.end());
        CAPTURE(seed);
        CAPTURE(text);
        REQUIRE(is_json({copy.data(), copy.size()}) == expected);
    }
    CHECK(good > 2000);
}

TEST_CASE("a lone surrogate in an escape sequence is the reader's business") {
    CHECK(is_json(R"("\ud83d")"));
}
