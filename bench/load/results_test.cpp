#include "results.hpp"

#include <doctest/doctest.h>
#include <string>
#include <variant>

namespace {

using namespace ringcast::bench;

Results read(std::string_view text, const std::string& server = "") {
    Results results;
    const auto read = read_results_text(text, server, results);
    REQUIRE_MESSAGE(read.has_value(), (read ? "" : read.error().message));
    return results;
}

constexpr std::string_view echo =
    R"({"command": "echo", "url": "ws://127.0.0.1:9001/echo", "compression": "off",
        "connections": 1000, "depth": 1, "message_bytes": 20, "latency_us_p50": 141.5,
        "server_syscalls_per_message": null})";

constexpr std::string_view comparison = R"({
 "started": "2026-01-02T03:04:05", "commit": "abc", "kernel": "6.18", "cpus": 2, "base": "other",
 "cpu_model": "Fast & Co 1234", "servers": {"other": {"echo": "/opt/other {port}"}},
 "micro": [{"program": "bench-mask", "name": "64 octets", "cpu_ns": 2.5, "bytes_per_second": 25e9},
           {"program": "bench-ring", "name": "turn", "cpu_ns": 90, "bytes_per_second": null}],
 "failures": ["echo 20 B c50, round 2, other: the load generator hangs"],
 "runs": [
  {"case": "echo 20 B c50", "round": 0, "server": "ours",
   "report": {"command": "echo", "seconds": 2}},
  {"case": "echo 20 B c50", "round": 1, "server": "other",
   "report": {"command": "echo", "seconds": 3}}
 ]})";

}  // namespace

TEST_CASE("a report is read back, and its case and server are named by what it says") {
    const Results results = read(echo);
    REQUIRE(results.runs.size() == 1);
    const Result& run = results.runs.front();
    CHECK(run.command() == "echo");
    CHECK(run.case_name == "echo 20 B, 1,000 connections");
    CHECK(run.server == "127.0.0.1:9001");
    CHECK(run.figure("latency_us_p50") == 141.5);
    CHECK_FALSE(run.figure("server_syscalls_per_message").has_value());
    CHECK_FALSE(run.figure("nothing").has_value());
}

TEST_CASE("several reports in one file are rounds of one server") {
    const Results results = read(std::string(echo) + "\n" + std::string(echo) + "\n", "ours");
    REQUIRE(results.runs.size() == 2);
    CHECK(results.runs[1].server == "ours");
    CHECK(results.runs[0].round == 0);
    CHECK(results.runs[1].round == 1);
}

TEST_CASE("a file of scripts/bench is read with its machine and its base") {
    const Results results = read(comparison);
    REQUIRE(results.runs.size() == 2);
    CHECK(results.base == "other");
    CHECK(results.runs[0].case_name == "echo 20 B c50");
    CHECK(results.runs[0].server == "ours");
    CHECK(results.runs[1].round == 1);
    CHECK(results.runs[1].figure("seconds") == 3);
    REQUIRE(results.facts.size() == 5);
    CHECK(results.facts[3].second == "Fast & Co 1234");
    CHECK(results.facts[4].second == "2");
    REQUIRE(results.commands.size() == 1);
    CHECK(results.commands[0].server == "other");
    CHECK(results.commands[0].protocol == "echo");
    CHECK(results.commands[0].command == "/opt/other {port}");
    REQUIRE(results.micro.size() == 2);
    CHECK(results.micro[0].name == "mask: 64 octets");
    CHECK(results.micro[0].cpu_ns == 2.5);
    CHECK(results.micro[0].bytes_per_second == 25e9);
    CHECK_FALSE(results.micro[1].bytes_per_second.has_value());
    REQUIRE(results.failures.size() == 1);
    CHECK(results.failures[0].ends_with("hangs"));
}

TEST_CASE("what is no result is refused") {
    for (const char* text : {"", "{", "[]", "17", R"({"runs": 1})", R"({"command": "echo")",
                             R"({"command": "echo"} {"comm)", "no JSON"}) {
        Results results;
        CAPTURE(text);
        CHECK_FALSE(read_results_text(text, "", results).has_value());
    }
    const std::string missing[] = {"/nowhere/at/all.json"};
    const auto results = read_results(missing);
    REQUIRE_FALSE(results.has_value());
    CHECK(results.error().message == "cannot read /nowhere/at/all.json");
}

TEST_CASE("cases are named by what matters of each command") {
    const auto name = [](std::string_view text) { return read(text).runs.front().case_name; };
    CHECK(name(R"({"command": "echo", "url": "wss://a/", "compression": "shared",
                   "connections": 50, "depth": 16, "message_bytes": 1024})") ==
          "echo 1 KiB, 50 connections, 16 outstanding, TLS, shared compression");
    CHECK(name(R"({"command": "fanout", "message_bytes": 64, "subscribers": 1000, "publishers": 1,
                   "topics": 4, "rate": 500})") == "fanout 64 B to 1,001, 4 topics, 500/s");
    CHECK(name(R"({"command": "fanout", "message_bytes": 64, "subscribers": 8, "publishers": 2,
                   "protocol": "nats", "opcode": "text", "subprotocol": "a", "inflight": 3})") ==
          "fanout 64 B to 10, 2 publishers, 3 in flight, nats, text, subprotocol a");
    CHECK(name(R"({"command": "echo", "message_bytes": 20, "connections": 1, "opcode": "binary",
                   "verify": "length"})") == "echo 20 B, 1 connection, length compared");
    CHECK(name(R"({"command": "connect", "close": "fin"})") == "connect, fin");
    CHECK(name(R"({"command": "connect", "close": "rst", "inflight": 512})") ==
          "connect, rst, 512 in flight");
    CHECK(name(R"({"command": "churn", "message_bytes": 20, "connections": 64,
                   "messages_per_life": 4, "abrupt_share": 0.5})") ==
          "churn 20 B, 64 connections, 4 messages, 0.5 abrupt");
    CHECK(name(R"({"command": "idle", "connections": 18000})") == "idle, 18,000 connections");
    CHECK(name(R"({"command": "publish", "message_bytes": 64, "connections": 1,
                   "channels": 1000})") == "publish 64 B, 1 connection, 1,000 channels");
    CHECK(name(R"({"command": "mixed"})") == "mixed");
    CHECK(name(R"({"command": "topics", "connections": 100, "topics": 10000})") ==
          "topics, 10,000 topics of 100 connections");
    CHECK(name(R"({"command": "storm", "clients": 10000, "missed": 300})") ==
          "storm of 10,000 clients, 300 publications missed");
}

TEST_CASE("the report of a run that has just ended is a result") {
    Report report;
    report.add("command", "command", "idle");
    report.add("url", "url", "ws://10.0.0.1:80/echo");
    report.add("connections", "connections held", std::uint64_t{5});
    report.add("opening_seconds", "opened within, s", 0.25, 3);
    report.add_missing("other", "other", "reason");
    const Result result = result_of(report);
    CHECK(result.case_name == "idle, 5 connections");
    CHECK(result.server == "10.0.0.1:80");
    CHECK(result.figure("opening_seconds") == 0.25);
    CHECK(result.figures.size() == 2);
}

TEST_CASE("a latency of nothing is missing, and not zero") {
    Report report;
    report.add_latency(Histogram());
    REQUIRE(report.figures().size() == 5);
    for (const Report::Figure& figure : report.figures())
        CHECK(std::holds_alternative<Report::Missing>(figure.value));
    Histogram one;
    one.record(0);
    Report measured;
    measured.add_latency(one);
    CHECK(result_of(measured).figure("latency_us_p50") == 0);
}

TEST_CASE("the median of an even count lies in the middle") {
    CHECK(median({3}) == 3);
    CHECK(median({9, 1, 2}) == 2);
    CHECK(median({4, 1, 2, 100}) == 3);
}
