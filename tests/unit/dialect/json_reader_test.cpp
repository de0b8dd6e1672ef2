#include "dialect/json_reader.hpp"

#include <cstdint>
#include <doctest/doctest.h>
#include <string>
#include <string_view>

using namespace ringcast::dialect;
using namespace std::string_literals;

namespace {

/// The string that `json` is, or the fault instead.
struct ReadString {
    explicit ReadString(std::string json) : text(std::move(json)) {
        JsonReader reader{text};
        value = reader.read_string();
        reader.finish();
        fault = reader.fault();
    }
    std::string text;
    std::string value;
    JsonFault fault;
};

template <class Integer>
std::pair<Integer, JsonFault> read_integer(std::string json) {
    JsonReader reader{json};
    const auto value = reader.read_integer<Integer>();
    reader.finish();
    return {value, reader.fault()};
}

}  // namespace

TEST_CASE("members are read in any order, with white space anywhere") {
    std::string text =
        " { \"a\" : 1 ,\n\"b\":\"x\", \"unknown\": [ {\"a\": [] } ] ,\t\"c\" : true } ";
    JsonReader reader{text};
    reader.open_object();
    std::string_view name;
    std::string seen;
    while (reader.next_name(name)) {
        if (name == "a")
            CHECK(reader.read_integer<int>() == 1);
        else if (name == "b")
            CHECK(reader.read_string() == "x");
        else if (name == "c")
            CHECK(reader.read_boolean());
        else
            CHECK(reader.read_raw() == "[ {\"a\": [] } ]");
        seen += name;
    }
    reader.finish();
    CHECK(reader.fault() == JsonFault::none);
    CHECK(seen == "abunknownc");
}

TEST_CASE("objects and arrays are entered and left") {
    std::string text = R"({"a":{"b":[1,[],{}, 2]},"c":{}})";
    JsonReader reader{text};
    std::string_view name;
    reader.open_object();
    REQUIRE(reader.next_name(name));
    reader.open_object();
    REQUIRE(reader.next_name(name));
    CHECK(name == "b");
    reader.open_array();
    std::string elements;
    while (reader.next_element()) elements += std::string{reader.read_raw()} + ";";
    CHECK(elements == "1;[];{};2;");
    CHECK_FALSE(reader.next_name(name));
    REQUIRE(reader.next_name(name));
    CHECK(name == "c");
    reader.open_object();
    CHECK_FALSE(reader.next_name(name));
    CHECK_FALSE(reader.next_name(name));
    reader.finish();
    CHECK(reader.fault() == JsonFault::none);
}

TEST_CASE("escape sequences are decoded, in names too") {
    struct {
        std::string json, value;
    } const cases[] = {
        {R"("")", ""},
        {R"("plain text of more than a word")", "plain text of more than a word"},
        {R"("\"\\\/\b\f\n\r\t")", "\"\\/\b\f\n\r\t"},
        {R"("a\u00e4b\u20acc")",
         "a\xc3\xa4"
         "b\xe2\x82\xac"
         "c"},
        {R"("\u0000x")", "\0x"s},
        {R"("\ud83d\ude00!")", "\xf0\x9f\x98\x80!"},
        {R"("\uD83D\uDE00")", "\xf0\x9f\x98\x80"},
        {R"("\ud83d")", "\xef\xbf\xbd"},
        {R"("\ud83dx")", "\xef\xbf\xbdx"},
        {R"("\ude00\ud83d")", "\xef\xbf\xbd\xef\xbf\xbd"},
        {R"("\ud83d\ud83d\ude00")", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
        {R"("\ud83d\u0041")",
         "\xef\xbf\xbd"
         "A"},
        {"\"gr\xc3\xbc\xc3\x9f\"", "gr\xc3\xbc\xc3\x9f"},
    };
    for (const auto& [json, value] : cases) {
        CAPTURE(json);
        const ReadString read{json};
        CHECK(read.fault == JsonFault::none);
        CHECK(read.value == value);
    }
    std::string text = R"({"\u0061":1})";
    JsonReader reader{text};
    reader.open_object();
    std::string_view name;
    REQUIRE(reader.next_name(name));
    CHECK(name == "a");
}

TEST_CASE("integers are digits that fit") {
    using Fault = JsonFault;
    CHECK(read_integer<std::uint32_t>("0") == std::pair{0u, Fault::none});
    CHECK(read_integer<std::uint32_t>("4294967295") == std::pair{4294967295u, Fault::none});
    CHECK(read_integer<std::uint32_t>("4294967296").second == Fault::out_of_range);
    CHECK(read_integer<std::uint32_t>("-1").second == Fault::out_of_range);
    CHECK(read_integer<std::int32_t>("-1") == std::pair{-1, Fault::none});
    CHECK(read_integer<std::uint64_t>("18446744073709551615").first == UINT64_MAX);
    CHECK(read_integer<std::uint64_t>("18446744073709551616").second == Fault::out_of_range);
    for (const char* const other : {"1.0", "1e3", "\"1\"", "true", "null", "{}", "[1]"}) {
        CAPTURE(other);
        CHECK(read_integer<int>(other).second == Fault::wrong_type);
    }
    for (const char* const bad : {"", "01", "1 2", "-", "1x"}) {
        CAPTURE(bad);
        CHECK(read_integer<int>(bad).second == Fault::malformed);
    }
}

TEST_CASE("a fault is the first one, and all that follows is empty") {
    std::string text = R"({"a":"x","b":1,"c":[1,}])";
    JsonReader reader{text};
    reader.open_object();
    std::string_view name;
    REQUIRE(reader.next_name(name));
    CHECK(reader.read_integer<int>() == 0);
    CHECK_FALSE(reader.next_name(name));
    CHECK(reader.read_raw().empty());
    CHECK(reader.read_string().empty());
    CHECK_FALSE(reader.read_boolean());
    CHECK_FALSE(reader.read_null());
    CHECK_FALSE(reader.next_element());
    reader.finish();
    CHECK(reader.fault() == JsonFault::wrong_type);
}

TEST_CASE("what is not well formed is found where it stands") {
    for (const char* const bad : {"",
                                  "{",
                                  "{,}",
                                  "{\"a\"}",
                                  "{\"a\":}",
                                  "{\"a\":1,}",
                                  "{\"a\":1 \"b\":2}",
                                  "{\"a\":1;\"b\":2}",
                                  "{a:1}",
                                  "{1:1}",
                                  "{\"a\":1}}",
                                  "{\"a\":1} x",
                                  "{\"a\":[1}",
                                  "{\"a\":nul}",
                                  "{\"a\":\"\\x\"}",
                                  "{\"a\":\"\n\"}",
                                  "{\"a\":1",
                                  "{\"a\":1,",
                                  "{\"a",
                                  "{\"a\":"}) {
        CAPTURE(bad);
        std::string text = bad;
        JsonReader reader{text};
        reader.open_object();
        std::string_view name;
        while (reader.next_name(name)) (void)reader.read_raw();
        reader.finish();
        CHECK(reader.fault() == JsonFault::malformed);
    }
}
