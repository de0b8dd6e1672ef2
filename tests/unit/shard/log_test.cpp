#include "shard/log.hpp"

#include <doctest/doctest.h>
#include <limits>
#include <string>
#include <vector>

using namespace ringcast;
using namespace ringcast::shard;
using namespace std::chrono_literals;

namespace {

std::vector<LogRecord> drain(LogQueue& log) {
    std::vector<LogRecord> records;
    LogRecord record;
    while (log.pop(record)) records.push_back(record);
    return records;
}

Instant at(Duration since_start) {
    return Instant{since_start};
}

}  // namespace

TEST_CASE("a line carries its event, level, time, shard and fields") {
    LogQueue log{3, LogLevel::info};
    log.set_now(at(5s));
    log.warn("connection_closed")
        .field("id", std::uint64_t{18'000'000'000'000'000'000u})
        .field("delta", -7)
        .field("clean", true)
        .field("lasted", Duration{1500ms})
        .field("ip", "::1")
        .field("path", std::string{"/echo"});

    const auto records = drain(log);
    REQUIRE(records.size() == 1);
    const LogRecord& record = records[0];
    CHECK(std::string_view{record.event} == "connection_closed");
    CHECK(record.level == LogLevel::warn);
    CHECK(record.time == at(5s));
    CHECK(record.shard == 3);
    CHECK(record.dropped_before == 0);
    REQUIRE(record.fields_count == 6);
    CHECK(record.fields_lost == 0);
    CHECK(std::string_view{record.fields[0].key} == "id");
    CHECK(record.kinds[0] == LogRecord::Kind::unsigned_integer);
    CHECK(record.fields[0].value == 18'000'000'000'000'000'000u);
    CHECK(record.kinds[1] == LogRecord::Kind::signed_integer);
    CHECK(static_cast<std::int64_t>(record.fields[1].value) == -7);
    CHECK(record.kinds[2] == LogRecord::Kind::boolean);
    CHECK(record.fields[2].value == 1);
    CHECK(record.kinds[3] == LogRecord::Kind::duration);
    CHECK(static_cast<std::int64_t>(record.fields[3].value) == 1'500'000'000);
    CHECK(record.kinds[4] == LogRecord::Kind::text);
    CHECK(record.text_of(4) == "::1");
    CHECK(record.text_of(5) == "/echo");
}

TEST_CASE("a line without fields is pushed too") {
    LogQueue log{0, LogLevel::info};
    log.info("stopped");
    CHECK(drain(log).size() == 1);
}

TEST_CASE("a level above the chattiest one kept is not recorded") {
    LogQueue log{0, LogLevel::warn};
    CHECK(log.enabled(LogLevel::error));
    CHECK_FALSE(log.enabled(LogLevel::info));
    log.debug("a").field("text", "x").field("number", 1);
    log.info("b");
    log.warn("c");
    log.error("d");
    const auto records = drain(log);
    REQUIRE(records.size() == 2);
    CHECK(records[0].level == LogLevel::warn);
    CHECK(records[1].level == LogLevel::error);
}

TEST_CASE("a line is pushed once, even if it was pushed by hand") {
    LogQueue log{0, LogLevel::info};
    {
        auto line = log.info("once");
        line.field("number", 1);
        line.push();
        line.field("late", 2);
        line.push();
    }
    const auto records = drain(log);
    REQUIRE(records.size() == 1);
    CHECK(records[0].fields_count == 1);
}

TEST_CASE("text that has no room is cut, and later text is empty, both marked") {
    LogQueue log{0, LogLevel::info};
    const std::string full(LogRecord::text_bytes_max, 'x');
    log.info("exact").field("text", full).field("empty", "");
    log.info("over").field("text", full + "y").field("more", "z");
    const auto records = drain(log);
    REQUIRE(records.size() == 2);
    CHECK(records[0].kinds[0] == LogRecord::Kind::text);
    CHECK(records[0].text_of(0) == full);
    CHECK(records[0].kinds[1] == LogRecord::Kind::text);
    CHECK(records[1].kinds[0] == LogRecord::Kind::text_cut);
    CHECK(records[1].text_of(0) == full);
    CHECK(records[1].kinds[1] == LogRecord::Kind::text_cut);
    CHECK(records[1].text_of(1).empty());
}

TEST_CASE("text is cut between characters, and bytes that are no UTF-8 lose at most three more") {
    LogQueue log{0, LogLevel::info};
    for (std::size_t before = 0; before <= 4; ++before) {
        const std::string start(LogRecord::text_bytes_max - before, 'x');
        log.info("cut").field("text", start + "\xf0\x9f\x98\x80" + "end");
    }
    log.info("binary").field("text", std::string(1000, '\x80'));
    const auto records = drain(log);
    REQUIRE(records.size() == 6);
    for (std::size_t before = 0; before < 4; ++before) {
        CAPTURE(before);
        CHECK(records[before].text_of(0) == std::string(LogRecord::text_bytes_max - before, 'x'));
    }
    CHECK(records[4].text_of(0).ends_with("x\xf0\x9f\x98\x80"));
    CHECK(records[5].text_of(0).size() == LogRecord::text_bytes_max - 3);
}

TEST_CASE("fields beyond the room are counted") {
    LogQueue log{0, LogLevel::info};
    {
        auto line = log.info("many");
        for (std::size_t i = 0; i < LogRecord::fields_max; ++i) line.field("number", i);
        line.field("number", 99).field("text", "y");
    }
    const auto records = drain(log);
    REQUIRE(records.size() == 1);
    CHECK(records[0].fields_count == LogRecord::fields_max);
    CHECK(records[0].fields_lost == 2);
    CHECK(records[0].text_bytes == 0);
}

TEST_CASE("a full queue drops the newest lines, and the next one that fits tells how many") {
    LogQueue log{0, LogLevel::info, 4};
    for (int i = 0; i < 7; ++i) log.info("tick").field("number", i);
    CHECK(log.dropped() == 3);
    CHECK(log.dropped_untold() == 3);

    auto records = drain(log);
    REQUIRE(records.size() == 4);
    CHECK(records[3].fields[0].value == 3);

    log.info("after");
    records = drain(log);
    REQUIRE(records.size() == 1);
    CHECK(records[0].dropped_before == 3);
    CHECK(log.dropped() == 3);
    CHECK(log.dropped_untold() == 0);

    log.info("later");
    CHECK(drain(log)[0].dropped_before == 0);
}

TEST_CASE("a limiter lets so many lines through per interval and then tells what it held back") {
    LogQueue log{0, LogLevel::info};
    LogLimiter limiter{LogLevel::warn, "handshake_failed", 2, 10s};
    log.set_now(at(0s));
    for (int i = 0; i < 5; ++i) log.limited(limiter).field("number", i);
    CHECK(limiter.suppressed() == 3);
    CHECK(drain(log).size() == 2);

    log.set_now(at(10s) - 1ns);
    log.limited(limiter);
    CHECK(limiter.suppressed() == 4);
    CHECK(drain(log).empty());

    log.set_now(at(10s));
    log.limited(limiter).field("number", 6);
    CHECK(limiter.suppressed() == 0);
    const auto records = drain(log);
    REQUIRE(records.size() == 2);
    CHECK(std::string_view{records[0].event} == "log_suppressed");
    CHECK(records[0].level == LogLevel::warn);
    CHECK(records[0].text_of(0) == "handshake_failed");
    CHECK(records[0].fields[1].value == 4);
    CHECK(std::string_view{records[1].event} == "handshake_failed");
}

TEST_CASE("the end of a burst is told by report_suppressed, once, after the interval or at once") {
    LogQueue log{0, LogLevel::info};
    LogLimiter limiter{LogLevel::info, "refused", 1, 10s};
    log.report_suppressed(limiter, LogQueue::Report::at_once);
    CHECK(drain(log).empty());

    log.limited(limiter);
    log.limited(limiter);
    static_cast<void>(drain(log));
    log.set_now(at(9s));
    log.report_suppressed(limiter);
    CHECK(drain(log).empty());
    log.set_now(at(10s));
    log.report_suppressed(limiter);
    log.report_suppressed(limiter);
    CHECK(drain(log).size() == 1);

    log.limited(limiter);
    log.limited(limiter);
    log.report_suppressed(limiter, LogQueue::Report::at_once);
    CHECK(drain(log).size() == 2);
}

TEST_CASE("a limiter whose level is off neither lets through nor counts") {
    LogQueue log{0, LogLevel::error};
    LogLimiter limiter{LogLevel::debug, "noise", 1, 10s};
    for (int i = 0; i < 5; ++i) log.limited(limiter);
    CHECK(limiter.suppressed() == 0);
    CHECK(drain(log).empty());
}
