#include "advice/text.hpp"

#include <doctest/doctest.h>

using namespace ringcast::advice;

TEST_CASE("digits are grouped by three") {
    CHECK(grouped(0) == "0");
    CHECK(grouped(999) == "999");
    CHECK(grouped(1000) == "1,000");
    CHECK(grouped(12'345'678) == "12,345,678");
    CHECK(grouped(UINT64_MAX) == "18,446,744,073,709,551,615");
}

TEST_CASE("sizes have three digits and the unit that leaves the fewest") {
    CHECK(rounded_bytes(0) == "0 B");
    CHECK(rounded_bytes(999) == "999 B");
    CHECK(rounded_bytes(1000) == "0.98 KiB");
    CHECK(rounded_bytes(1536) == "1.50 KiB");
    CHECK(rounded_bytes(10'240) == "10.0 KiB");
    CHECK(rounded_bytes(102'400) == "100 KiB");
    CHECK(rounded_bytes(1'023'000) == "999 KiB");
    CHECK(rounded_bytes(1'024'000) == "0.98 MiB");
    CHECK(rounded_bytes(1.5 * (1ULL << 40)) == "1.50 TiB");
    CHECK(rounded_bytes(1e20) == "88818 PiB");
}

TEST_CASE("rates below ten keep their fractions") {
    CHECK(rate_text(0) == "0");
    CHECK(rate_text(0.25) == "0.25");
    CHECK(rate_text(9.5) == "9.5");
    CHECK(rate_text(10.4) == "10");
    CHECK(rate_text(1e6) == "1,000,000");
}

TEST_CASE("one is not many") {
    CHECK(counted(1, "shard") == "1 shard");
    CHECK(counted(0, "shard") == "0 shards");
    CHECK(counted(2000, "shard") == "2,000 shards");
}

TEST_CASE("JSON strings escape what they have to") {
    CHECK(json_text("a\"b\\c") == R"("a\"b\\c")");
    CHECK(json_text("\n\x01") == R"("\u000a\u0001")");
    CHECK(json_text("\xc3\xa4") == "\"\xc3\xa4\"");
}
