#include "http/request.hpp"

#include <array>
#include <doctest/doctest.h>

namespace ringcast::http {

namespace {

constexpr std::array<Field, 5> fields{{{"Connection", "keep-alive, , Upgrade"},
                                       {"Accept", "a"},
                                       {"CONNECTION", " x\t"},
                                       {"accept", "b"},
                                       {"Empty", ""}}};

}  // namespace

TEST_CASE("names compare without regard to ASCII case, and only to ASCII case") {
    CHECK(equals_ignoring_case("Upgrade", "uPGRADE"));
    CHECK(equals_ignoring_case("", ""));
    CHECK_FALSE(equals_ignoring_case("a", "ab"));
    CHECK_FALSE(equals_ignoring_case("[", "{"));
    CHECK_FALSE(equals_ignoring_case("\xc9", "\xe9"));
}

TEST_CASE("a field is found by its name, the first of several") {
    Request request;
    request.fields = fields;
    CHECK(request.field("ACCEPT") == "a");
    CHECK(request.field("empty") == "");
    CHECK_FALSE(request.field("accep").has_value());
    CHECK(request.field_count("Accept") == 2);
    CHECK(request.field_count("none") == 0);
}

TEST_CASE("a token is found in any line of a list field, and only as a whole element") {
    Request request;
    request.fields = fields;
    CHECK(request.field_has_token("connection", "upgrade"));
    CHECK(request.field_has_token("connection", "keep-alive"));
    CHECK(request.field_has_token("connection", "X"));
    CHECK_FALSE(request.field_has_token("connection", "keep"));
    CHECK_FALSE(request.field_has_token("empty", "upgrade"));
}

TEST_CASE("HTTP/1.1 keeps a connection unless it is told not to, HTTP/1.0 only if it is asked to") {
    const auto persistence = [](std::uint8_t minor, std::string_view value) {
        const Field connection[] = {{.name = "Connection", .value = value}};
        return Request{.version_minor = minor, .fields = connection}.persistence();
    };
    CHECK(persistence(1, "") == Persistence::persist);
    CHECK(persistence(1, "keep-alive") == Persistence::persist);
    CHECK(persistence(1, "foo, Close") == Persistence::close);
    CHECK(persistence(0, "") == Persistence::close);
    CHECK(persistence(0, "foo, Keep-Alive") == Persistence::keep_alive);
    CHECK(persistence(0, "keep-alive, close") == Persistence::close);
    CHECK(Request{}.persistence() == Persistence::persist);
}

TEST_CASE("status codes have the phrases of RFC 9110") {
    CHECK(reason_phrase(101) == "Switching Protocols");
    CHECK(reason_phrase(426) == "Upgrade Required");
    CHECK(reason_phrase(599) == "Unknown");
}

}  // namespace ringcast::http
