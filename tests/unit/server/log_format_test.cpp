#include "server/log_format.hpp"

#include <doctest/doctest.h>
#include <limits>

using namespace ringcast;
using namespace ringcast::server;
using namespace std::chrono_literals;
using shard::LogLevel;
using shard::LogQueue;
using shard::LogRecord;

namespace {

const WallTime noon = std::chrono::sys_days{std::chrono::year{2026} / 1 / 31} + 12h + 123ms;

/// The record of one line that `fill` writes.
template <class Fill>
LogRecord record_of(Fill fill, std::uint16_t shard = 3) {
    LogQueue log{shard, LogLevel::debug};
    fill(log);
    LogRecord record;
    REQUIRE(log.pop(record));
    return record;
}

std::string line(const LogRecord& record, LogFormat format) {
    std::string text;
    append_line(text, record, noon, format);
    return text;
}

/// How a text value looks.
std::string value(std::string_view text, LogFormat format) {
    const std::string whole =
        line(record_of([&](LogQueue& log) { log.info("e").field("k", text); }), format);
    const std::string_view key = format == LogFormat::json ? "\"k\":" : " k=";
    const std::size_t begin = whole.find(key) + key.size();
    return whole.substr(begin, whole.size() - begin - (format == LogFormat::json ? 2 : 1));
}

std::string logfmt(std::string_view text) {
    return value(text, LogFormat::logfmt);
}
std::string json(std::string_view text) {
    return value(text, LogFormat::json);
}

}  // namespace

TEST_CASE("a record is one line of logfmt") {
    const LogRecord record = record_of([](LogQueue& log) {
        log.warn("session_closed")
            .field("id", 17)
            .field("delta", -2)
            .field("clean", false)
            .field("lasted", Duration{1500ms})
            .field("ip", "::1")
            .field("reason", "going away");
    });
    CHECK(line(record, LogFormat::logfmt) ==
          "time=2026-01-31T12:00:00.123Z level=warn shard=3 event=session_closed id=17 delta=-2 "
          "clean=false lasted=1.5s "
          "ip=::1 reason=\"going away\"\n");
}

TEST_CASE("a record is one JSON object, with durations in seconds") {
    const LogRecord record = record_of([](LogQueue& log) {
        log.error("session_closed")
            .field("id", std::numeric_limits<std::uint64_t>::max())
            .field("delta", std::numeric_limits<std::int64_t>::min())
            .field("clean", true)
            .field("lasted", Duration{1500ms})
            .field("reason", "\"x\"");
    });
    CHECK(line(record, LogFormat::json) ==
          "{\"time\":\"2026-01-31T12:00:00.123Z\",\"level\":\"error\",\"shard\":3,\"event\":"
          "\"session_closed\","
          "\"id\":18446744073709551615,\"delta\":-9223372036854775808,\"clean\":true,\"lasted_"
          "seconds\":1.5,"
          "\"reason\":\"\\\"x\\\"\"}\n");
}

TEST_CASE("a line of the server itself has no shard") {
    const LogRecord record =
        record_of([](LogQueue& log) { log.info("started"); }, LogRecord::no_shard);
    CHECK(line(record, LogFormat::logfmt) ==
          "time=2026-01-31T12:00:00.123Z level=info event=started\n");
    CHECK(line(record, LogFormat::json) ==
          "{\"time\":\"2026-01-31T12:00:00.123Z\",\"level\":\"info\",\"event\":\"started\"}\n");
}

TEST_CASE("text is quoted where a reader could take it for something else") {
    CHECK(logfmt("/echo?a/b") == "/echo?a/b");
    CHECK(logfmt("") == "\"\"");
    CHECK(logfmt("a b") == "\"a b\"");
    CHECK(logfmt("a=b") == "\"a=b\"");
    CHECK(logfmt("a\"b") == "\"a\\\"b\"");
    CHECK(logfmt("a\\b") == "\"a\\\\b\"");
    CHECK(json("") == "\"\"");
    CHECK(json("a b") == "\"a b\"");
    CHECK(json("a\\b/") == "\"a\\\\b/\"");
}

TEST_CASE("nobody can write a second line, or a terminal's control sequence") {
    CHECK(logfmt("a\nlevel=error\r\t") == "\"a\\nlevel=error\\r\\t\"");
    CHECK(logfmt("\x1b[2J\x7f") == "\"\\x1b[2J\\x7f\"");
    CHECK(json("a\n\r\t") == "\"a\\n\\r\\t\"");
    CHECK(json(std::string_view{"\0\x1f\x7f", 3}) == "\"\\u0000\\u001f\\u007f\"");
}

TEST_CASE("well-formed UTF-8 stays, whatever its length") {
    for (const char* text :
         {"gr\xc3\xb6\xc3\x9f"
          "e",
          "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
        CAPTURE(text);
        CHECK(logfmt(text) == "\"" + std::string{text} + "\"");
        CHECK(json(text) == "\"" + std::string{text} + "\"");
    }
}

TEST_CASE("bytes that are no UTF-8 are shown, and the line stays well formed") {
    CHECK(logfmt("\xff") == "\"\\xff\"");
    CHECK(json("\xff") == "\"\xef\xbf\xbd\"");
    // Lone continuation, overlong, surrogate, beyond U+10FFFF, and each length broken off.
    for (const char* text :
         {"\x80", "\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc3", "\xe2\x82", "\xf0\x9f\x98"}) {
        CAPTURE(text);
        std::string replaced;
        std::string escaped;
        for (std::size_t i = 0; text[i] != 0; ++i) {
            replaced += "\xef\xbf\xbd";
            escaped += "\\x";
            escaped += "0123456789abcdef"[static_cast<unsigned char>(text[i]) >> 4];
            escaped += "0123456789abcdef"[static_cast<unsigned char>(text[i]) & 15];
        }
        CHECK(json(text) == "\"" + replaced + "\"");
        CHECK(logfmt(text) == "\"" + escaped + "\"");
    }
    CHECK(json("\xc3(") == "\"\xef\xbf\xbd(\"");
}

TEST_CASE("text that was cut ends in dots, and lost fields are told") {
    const LogRecord record = record_of([](LogQueue& log) {
        auto entry = log.info("e");
        entry.field("k", std::string(LogRecord::text_bytes_max + 1, 'x')).field("rest", "y");
        for (std::size_t i = 0; i < LogRecord::fields_max; ++i) entry.field("n", i);
    });
    const std::string text(LogRecord::text_bytes_max, 'x');
    CHECK(line(record, LogFormat::logfmt).find(" k=" + text + "... rest=... n=0") !=
          std::string::npos);
    CHECK(line(record, LogFormat::logfmt).ends_with(" n=9 fields_lost=2\n"));
    CHECK(line(record, LogFormat::json).find("\"k\":\"" + text + "...\",\"rest\":\"...\"") !=
          std::string::npos);
    CHECK(line(record, LogFormat::json).ends_with(",\"n\":9,\"fields_lost\":2}\n"));
}

TEST_CASE("durations are exact seconds") {
    const auto seconds = [](Duration duration) {
        const std::string text =
            line(record_of([&](LogQueue& log) { log.info("e").field("k", duration); }),
                 LogFormat::logfmt);
        return text.substr(text.find(" k=") + 3);
    };
    CHECK(seconds(0s) == "0s\n");
    CHECK(seconds(1ns) == "0.000000001s\n");
    CHECK(seconds(100s) == "100s\n");
    CHECK(seconds(25h) == "90000s\n");
    CHECK(seconds(1'234'500us) == "1.2345s\n");
    CHECK(seconds(-1500ms) == "-1.5s\n");
    CHECK(seconds(Duration::min()) == "-9223372036.854775808s\n");
}

TEST_CASE("times are ISO 8601 in UTC, to the millisecond, before 1970 too") {
    CHECK(format_time(WallTime{}) == "1970-01-01T00:00:00.000Z");
    CHECK(format_time(WallTime{-1ns}) == "1969-12-31T23:59:59.999Z");
    CHECK(format_time(WallTime{1'700'000'000'999'999'999ns}) == "2023-11-14T22:13:20.999Z");
}
