#include "http/date.hpp"

#include <ctime>
#include <doctest/doctest.h>
#include <string>

#include "base/prng.hpp"

namespace ringcast::http {

TEST_CASE("the date of RFC 9110 section 5.6.7") {
    DateText date;
    CHECK(date.at(784'111'777) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(date.at(784'111'777) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(date.at(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
    CHECK(date.at(951'827'696) == "Tue, 29 Feb 2000 12:34:56 GMT");
    CHECK(date.at(253'402'300'799) == "Fri, 31 Dec 9999 23:59:59 GMT");
}

TEST_CASE("a clock that is far off stands still") {
    DateText date;
    CHECK(date.at(-1) == date.at(0));
    CHECK(date.at(INT64_MIN) == "Thu, 01 Jan 1970 00:00:00 GMT");
    CHECK(date.at(253'402'300'800) == "Fri, 31 Dec 9999 23:59:59 GMT");
    CHECK(date.at(INT64_MAX) == "Fri, 31 Dec 9999 23:59:59 GMT");
}

TEST_CASE("any second is written as the C library does it") {
    Prng prng{1};
    DateText date;
    for (int i = 0; i < 10'000; ++i) {
        const auto seconds = static_cast<std::time_t>(prng.below(253'402'300'800));
        std::tm parts{};
        gmtime_r(&seconds, &parts);
        char expected[DateText::size + 1];
        REQUIRE(std::strftime(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S GMT", &parts) ==
                DateText::size);
        REQUIRE(date.at(seconds) == std::string_view{expected});
    }
}

}  // namespace ringcast::http
