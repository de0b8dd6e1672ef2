#include "page.hpp"

#include <doctest/doctest.h>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "charts.hpp"
#include "comparison.hpp"

namespace {

using namespace ringcast::bench;

std::size_t count(std::string_view text, std::string_view part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1))
        ++found;
    return found;
}

Result echo_of(const std::string& server, int round, double cpu) {
    Result result{
        .case_name = "echo", .server = server, .round = round, .figures = {}, .texts = {}};
    result.texts["command"] = "echo";
    result.figures = {{"messages_per_second", 1e6 / cpu},
                      {"server_cpu_us_per_message", cpu},
                      {"client_cpu_us_per_message", 1},
                      {"latency_us_p50", 50},
                      {"latency_us_p90", 100},
                      {"latency_us_p99", 200},
                      {"latency_us_p999", 500},
                      {"latency_us_max", 5000}};
    return result;
}

/// Two servers in three rounds, in which the machine gets slower and slower.
Results two_servers() {
    Results results{.runs = {}, .base = "old", .facts = {{"kernel", "6.18 <x>"}}};
    for (int round = 0; round < 3; ++round) {
        results.runs.push_back(echo_of("old", round, 4.0 * (round + 1)));
        results.runs.push_back(echo_of("new & <fast>", round, 3.0 * (round + 1)));
    }
    return results;
}

/// A server whose cost rises from 10 to 1,000 connections; the runs come in another order.
Results one_curve() {
    Results results{.runs = {}, .base = {}, .facts = {}};
    for (const auto& [connections, cost] : {std::pair{1000.0, 4.0}, {10.0, 2.0}, {100.0, 3.0}}) {
        Result run = echo_of("server", 0, cost);
        run.case_name = "echo c" + std::to_string(static_cast<int>(connections));
        run.texts["curve"] = "by connections & more";
        run.figures.emplace_back("curve_at", connections);
        results.runs.push_back(std::move(run));
    }
    return results;
}

void check_is_whole(const std::string& page) {
    CHECK(page.starts_with("<!doctype html>"));
    CHECK(page.ends_with("</main></body></html>\n"));
    for (const char* tag : {"div", "section", "table", "tr", "details", "h3", "span", "b", "p"}) {
        CAPTURE(tag);
        CHECK(count(page, std::string("<") + tag + ">") +
                  count(page, std::string("<") + tag + " ") ==
              count(page, std::string("</") + tag + ">"));
    }
    CHECK(count(page, "<svg") == count(page, "</svg>"));
    // Nothing comes from elsewhere, and nothing runs.
    for (const char* part : {"http:", "https:", "src=", "url(", "@import", "<script", "<link"})
        CHECK(count(page, part) == 0);
    CHECK(count(page, "nan") == 0);
    CHECK(count(page, "inf%") == 0);
}

}  // namespace

TEST_CASE("ratios are medians of those within rounds") {
    const Results results = two_servers();
    const Comparison comparison(results);
    const std::string ours = "new & <fast>";
    CHECK(comparison.cases().size() == 1);
    CHECK(comparison.servers_of("echo").size() == 2);
    CHECK(comparison.ratio("echo", ours, "server_cpu_us_per_message") == 0.75);
    CHECK_FALSE(comparison.ratio("echo", "old", "server_cpu_us_per_message").has_value());
    CHECK_FALSE(comparison.ratio("echo", ours, "nothing").has_value());
    const auto spread = comparison.spread("echo", ours, "server_cpu_us_per_message");
    REQUIRE(spread.has_value());
    CHECK(spread->median == 6);
    CHECK(spread->least == 3);
    CHECK(spread->most == 9);
}

TEST_CASE("a page of two servers shows both, with ratios, and lets no name become markup") {
    const std::string page = page_of(two_servers(), "today");
    check_is_whole(page);
    CHECK(count(page, "new &amp; &lt;fast&gt;") > 3);
    CHECK(count(page, "<fast>") == 0);
    CHECK(count(page, "6.18 &lt;x&gt;") == 1);
    CHECK(count(page, "<span>0.75 x</span>") == 1);
    for (const char* title : {"Throughput", "CPU per message", "Latency", "All figures"})
        CHECK(count(page, std::string("<h2>") + title + "</h2>") == 1);
    CHECK(count(page, "<h2>Memory") == 0);
}

TEST_CASE("micro benchmarks and failures are on the page, with runs and without") {
    Results results = two_servers();
    results.micro = {{.name = "mask: 64 <octets>", .cpu_ns = 2.53, .bytes_per_second = 25.3e9},
                     {.name = "ring: turn", .cpu_ns = 90, .bytes_per_second = {}}};
    results.failures = {"echo, round 2, old: it said <nothing>"};
    const auto check_holds_all = [&] {
        const std::string page = page_of(results, "today");
        check_is_whole(page);
        CHECK(count(page, "<th>mask: 64 &lt;octets&gt;</th><td>2.5</td><td>25.3</td>") == 1);
        CHECK(count(page, "<th>ring: turn</th><td>90.0</td><td></td>") == 1);
        CHECK(count(page, "<li>echo, round 2, old: it said &lt;nothing&gt;</li>") == 1);
    };
    check_holds_all();
    results.runs.clear();
    check_holds_all();
    CHECK(count(page_of(two_servers(), "today"), "<h2>Failures") == 0);
}

TEST_CASE("ten servers have a colour each") {
    Results results{.runs = {}, .base = {}, .facts = {}};
    for (int server = 0; server < 10; ++server)
        results.runs.push_back(echo_of("s" + std::to_string(server), 0, 4));
    const std::string page = page_of(results, "today");
    for (int color = 0; color < 10; ++color) {
        CAPTURE(color);
        const std::string name = "c" + std::to_string(color);
        CHECK(count(page, "class=" + name + ">") > 0);
        CHECK(count(page, "." + name + " { --color: var(--" + name + "); }") == 1);
        CHECK(count(page, "--" + name + ": #") == 2);  // In light and in dark.
    }
}

TEST_CASE("the page says how each server was started") {
    Results results = two_servers();
    CHECK(count(page_of(results, "today"), "<h2>Servers</h2>") == 0);
    results.commands = {{"old", "echo", "/opt/old --port {port} <a>"}};
    const std::string page = page_of(results, "today");
    check_is_whole(page);
    CHECK(count(page, "<td>echo</td><td class=command>/opt/old --port {port} &lt;a&gt;</td>") == 1);
}

TEST_CASE("a page of one run begins with its figures") {
    Results results{.runs = {echo_of("127.0.0.1:1", 0, 2.5)}, .base = {}, .facts = {}};
    const std::string page = page_of(results, "today");
    check_is_whole(page);
    CHECK(count(page, "class=tile>") == 4);
    CHECK(count(page, "<b>400k</b>") == 1);
    CHECK(count(page, "<b>2.5 µs</b>") == 2);
    CHECK(count(page, " x</span>") == 0);
}

TEST_CASE("a page of a storm shows whom it hit, and one of topics what each of them takes") {
    Result storm{.case_name = "storm", .server = "s", .round = 0, .figures = {}, .texts = {}};
    storm.texts["command"] = "storm";
    storm.figures = {{"recovered", 9999},    {"not_recovered", 1},    {"recovery_seconds", 2.5},
                     {"calm_us_p99", 900},   {"calm_us_max", 1000},   {"storm_us_p99", 7000},
                     {"storm_us_max", 9000}, {"recovery_us_max", 2e6}};
    const std::string page = page_of({.runs = {storm}, .base = {}, .facts = {}}, "today");
    check_is_whole(page);
    for (const char* shown : {"<b>9,999</b>", "<b>1</b>", "<b>2.5 s</b>", "storm, live before",
                              "storm, live during the storm", "storm, until clients were back"})
        CHECK(count(page, shown) >= 1);

    Result topics{.case_name = "topics", .server = "s", .round = 0, .figures = {}, .texts = {}};
    topics.texts["command"] = "topics";
    topics.figures = {{"server_rss_bytes_per_subscription", 512}};
    CHECK(count(page_of({.runs = {topics}, .base = {}, .facts = {}}, "today"),
                "<h2>Memory per subscription</h2>") == 1);
}

TEST_CASE("a page of runs without figures is a page all the same") {
    Results results{.runs = {{.case_name = "idle", .server = "a", .figures = {}, .texts = {}},
                             {.case_name = "idle", .server = "b", .figures = {}, .texts = {}}},
                    .base = {},
                    .facts = {}};
    results.runs[0].figures = {{"server_rss_bytes_per_connection", 0}};
    results.runs[1].figures = {{"server_rss_bytes_per_connection", -5}};
    const std::string page = page_of(results, "");
    check_is_whole(page);
    CHECK(count(page, "Memory per connection") == 1);
    results.runs[0].figures.clear();
    check_is_whole(page_of(results, ""));
}

TEST_CASE("memory is shown per connection, and over a run with its growth") {
    Results results{.runs = {{.case_name = "churn", .server = "a", .figures = {}, .texts = {}}},
                    .base = {},
                    .facts = {}};
    results.runs[0].figures = {{"server_rss_bytes_before", 1048576},
                               {"server_rss_bytes", 2097152},
                               {"server_rss_growth_bytes", 1048576}};
    const std::string page = page_of(results, "");
    check_is_whole(page);
    CHECK(count(page, "+1 MiB") > 0);
    CHECK(count(page, "<b>2 MiB</b>") == 1);
}

TEST_CASE("the longest bar fills its chart, and the others are in proportion") {
    const std::string chart =
        bar_chart({{.name = "a", .spread = {4, 4, 4}, .beside = 2, .value = "4", .note = ""},
                   {.name = "b", .color = 17, .spread = {5, 2, 8}, .value = "5", .note = "n"}});
    CHECK(count(chart, "class=c0 x=0 y=2 width=50.00%") == 1);
    CHECK(count(chart, "class=beside x=0 y=18 width=25.00%") == 1);
    CHECK(count(chart, "class=c7 x=0 y=2 width=62.50%") == 1);  // There are ten colours.
    CHECK(count(chart, "class=whisker x1=25.00% x2=100.00%") == 1);
}

TEST_CASE("latencies have an axis in powers of ten that holds them all") {
    const LogAxis axis =
        axis_of({{.name = "", .p50 = 50, .max = 900}, {.name = "", .p50 = 120, .max = 20000}});
    CHECK(axis.first == 1);
    CHECK(axis.last == 5);
    CHECK(axis.share(10) == 0);
    CHECK(axis.share(1000) == 0.5);
    CHECK(axis.share(100000) == 1);
    CHECK(axis.share(0) == 0);
    const LogAxis narrow = axis_of({{.name = "", .p50 = 100, .max = 100}});
    CHECK(narrow.last > narrow.first);
    const LogAxis none = axis_of({});
    CHECK(none.last > none.first);
}

TEST_CASE("runs that differ in one number are the points of a curve, from left to right") {
    const std::string page = page_of(one_curve(), "today");
    check_is_whole(page);
    CHECK(count(page, "<h3>by connections &amp; more</h3>") == 1);
    CHECK(count(page, "4 µs at 1,000") == 1);
    CHECK(count(page, "2.00 x least") == 1);
    // 10 is a third of the way to 1,000, and 2 us are two fifths of the scale's 5.
    CHECK(count(page, "<line class=range x1=33.33% y1=60.00% x2=66.67% y2=40.00% />") == 1);
    CHECK(count(page, "<line class=range x1=66.67% y1=40.00% x2=100.00% y2=20.00% />") == 1);
}

TEST_CASE("without a curve there is no chart of curves") {
    CHECK(count(page_of(two_servers(), "today"), "Cost over size") == 0);
}
