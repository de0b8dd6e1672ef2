#include "ws/extension.hpp"

#include <doctest/doctest.h>
#include <string>

namespace ringcast::ws {

namespace {

/// What is found in `value`, in one line: `name;parameter=value;` for each extension, and `!` where
/// it is malformed.
std::string elements_of(std::string_view value) {
    using Found = ExtensionReader::Found;
    std::string out;
    ExtensionReader reader{value};
    for (;;) {
        switch (reader.next()) {
            case Found::end: return out;
            case Found::malformed: return out + "!";
            case Found::extension:
                if (!out.empty()) out += ' ';
                out.append(reader.name()).append(";");
                break;
            case Found::parameter:
                out += reader.name();
                if (reader.value()) out.append("=").append(*reader.value());
                out += ';';
                break;
        }
    }
}

}  // namespace

TEST_CASE("extensions come with their parameters, in order (RFC 6455 section 9.1)") {
    CHECK(elements_of("foo") == "foo;");
    CHECK(elements_of("foo, bar") == "foo; bar;");
    CHECK(elements_of("foo;a;b=1,bar;c=\"2\"") == "foo;a;b=1; bar;c=2;");
    CHECK(elements_of("foo;a, foo;a;a") == "foo;a; foo;a;a;");
    CHECK(elements_of("!#$%&'*+-.^_`|~;x=!#$%&'*+-.^_`|~") == "!#$%&'*+-.^_`|~;x=!#$%&'*+-.^_`|~;");
}

TEST_CASE("white space may stand between all parts, and elements may be empty") {
    CHECK(elements_of(" foo ; a = 1\t; b ,\t bar ") == "foo;a=1;b; bar;");
    CHECK(elements_of(",foo,, ,bar,") == "foo; bar;");
    CHECK(elements_of("foo;a=\t\"1\" ,bar") == "foo;a=1; bar;");
}

TEST_CASE("a list without an element has none") {
    for (const std::string_view value : {"", " ", ",", " , ,\t"}) CHECK(elements_of(value).empty());
}

TEST_CASE("a quoted value is a token, and its escapes stay") {
    CHECK(elements_of("foo;a=\"x\\y\"") == "foo;a=x\\y;");
    CHECK(elements_of("foo;a=\"1\\0\";b") == "foo;a=1\\0;b;");
    for (const std::string_view value :
         {"foo;a=\"", "foo;a=\"x", "foo;a=\"\"", "foo;a=\"x y\"", "foo;a=\"x,y\"", "foo;a=\"\\\"",
          "foo;a=\"\\", "foo;a=\"x\\", "foo;a=\"\\\\\"", "foo;a=\"\\\"\"", "foo;a=\"\x80\""}) {
        CAPTURE(value);
        CHECK(elements_of(value) == "foo;!");
    }
}

TEST_CASE("everything else is malformed where it deviates") {
    CHECK(elements_of("foo;") == "foo;!");
    CHECK(elements_of("foo;;a") == "foo;!");
    CHECK(elements_of("foo;,bar") == "foo;!");
    CHECK(elements_of("foo;a=") == "foo;!");
    CHECK(elements_of("foo;a=,bar") == "foo;!");
    CHECK(elements_of("foo;=1") == "foo;!");
    CHECK(elements_of("foo=1") == "foo;!");
    CHECK(elements_of("foo bar") == "foo;!");
    CHECK(elements_of("foo;a b") == "foo;a;!");
    CHECK(elements_of("foo;a=1 2") == "foo;a=1;!");
    CHECK(elements_of("foo;a=\"1\"2") == "foo;a=1;!");
    CHECK(elements_of("foo;a=1=2") == "foo;a=1;!");
    CHECK(elements_of(";a") == "!");
    CHECK(elements_of("\"foo\"") == "!");
    CHECK(elements_of("f(o)") == "f;!");
    CHECK(elements_of("foo, \x01") == "foo;!");
    CHECK(elements_of(std::string_view{"foo\0", 4}) == "foo;!");
}

}  // namespace ringcast::ws
