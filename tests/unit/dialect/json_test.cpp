#include "dialect/json.hpp"

#include <doctest/doctest.h>
#include <string>

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
