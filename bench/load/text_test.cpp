#include "text.hpp"

#include <doctest/doctest.h>

using namespace ringcast::bench;

TEST_CASE("numbers are grouped and units have their plural") {
    CHECK(grouped(0) == "0");
    CHECK(grouped(999) == "999");
    CHECK(grouped(1000) == "1,000");
    CHECK(grouped(1234567) == "1,234,567");
    CHECK(count_text(17999.6) == "18,000");
    CHECK(count_text(-4096) == "-4,096");
    CHECK(plural_of("message") == "messages");
    CHECK(plural_of("delivery") == "deliveries");
    CHECK(plural_of("life") == "lives");
}

TEST_CASE("figures have three digits and a unit that suits them") {
    CHECK(number_text(0) == "0");
    CHECK(number_text(0.03124) == "0.0312");
    CHECK(number_text(0.0000004) == "0");
    CHECK(number_text(2.8719) == "2.87");
    CHECK(number_text(2.9) == "2.9");
    CHECK(number_text(99.96) == "100");
    CHECK(number_text(-12.34) == "-12.3");
    CHECK(rate_text(329304.6) == "329k");
    CHECK(rate_text(1250000) == "1.25M");
    CHECK(rate_text(9999) == "9,999");
    CHECK(rate_text(999600) == "1M");
    CHECK(duration_text(141.31) == "141 µs");
    CHECK(duration_text(4079.6) == "4.08 ms");
    CHECK(duration_text(1.5e6) == "1.5 s");
    CHECK(byte_text(20) == "20 B");
    CHECK(byte_text(16384) == "16 KiB");
    CHECK(byte_text(1536.0 * 1024) == "1.5 MiB");
    CHECK(byte_text(-2048) == "-2 KiB");
}

TEST_CASE("text cannot become markup") {
    CHECK(escaped("a<b>&\"c\"") == "a&lt;b&gt;&amp;&quot;c&quot;");
}

TEST_CASE("text cannot command a terminal") {
    CHECK(printable("\x1b[31mred\r\n\x7f µ") == "?[31mred??? µ");
}
