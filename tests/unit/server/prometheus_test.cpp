#include "server/prometheus.hpp"

#include <cstdint>
#include <doctest/doctest.h>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "server/version.hpp"

using namespace ringcast::server;
using ringcast::CloseCode;
using ringcast::shard::close_index;
using ringcast::shard::Metrics;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        REQUIRE(end != std::string::npos);
        lines.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return lines;
}

bool has_line(const std::string& text, const std::string& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("every figure has its name, labels and value") {
    Metrics first, second;
    first.connections = 1;
    second.connections = 2;
    first.sessions = 3;
    first.accepts = 4;
    first.accepts_refused = 5;
    first.accept_errors = 6;
    first.handshakes = 7;
    first.handshakes_refused = 8;
    first.origins_refused = 21;
    first.clients_too_many = 22;
    first.rate_suspensions = 26;
    first.turn_suspensions = 27;
    first.clients_too_often = 23;
    first.proxies_untrusted = 24;
    first.proxy_headers_malformed = 25;
    first.http_requests = 9;
    first.streams = 4;
    first.messages_received = 10;
    first.messages_sent = 11;
    first.messages_dropped = 12;
    first.bytes_received = 13;
    first.bytes_sent = 18'446'744'073'709'551'615u;
    first.queue_bytes = 14;
    first.closes[close_index(CloseCode::normal)] = 15;
    first.closes[close_index(CloseCode{1015})] = 16;
    first.closes[close_index(CloseCode{3001})] = 17;
    first.closes[close_index(CloseCode{4999})] = 18;
    first.ring_calls = 19;
    first.ring_turns = 20;
    first.ring_work_nanoseconds = 21'000'000'022;
    first.buffers_exhausted = 23;
    first.deliveries = 24;
    first.deliveries_dropped = 25;
    first.deltas_sent = 28;
    first.delta_bytes_saved = 29;
    first.inflated_messages = 26;
    first.deflated_bytes_in = 27;
    const Metrics shards[] = {first, second};
    const std::string text = prometheus_text(shards, {.start_time_seconds = 1'700'000'000.5,
                                                      .cpu_seconds = 1.25,
                                                      .resident_bytes = 4096,
                                                      .files_max = 1024});
    for (const char* const line : {
             R"(ringcast_connections{shard="0"} 1)",
             R"(ringcast_connections{shard="1"} 2)",
             R"(ringcast_sessions{shard="0"} 3)",
             R"(ringcast_accepts_total{shard="0",result="accepted"} 4)",
             R"(ringcast_accepts_total{shard="0",result="refused"} 5)",
             R"(ringcast_accepts_total{shard="0",result="error"} 6)",
             R"(ringcast_handshakes_total{shard="0",result="accepted"} 7)",
             R"(ringcast_handshakes_total{shard="0",result="refused"} 8)",
             R"(ringcast_clients_refused_total{shard="0",reason="too_many"} 22)",
             R"(ringcast_clients_refused_total{shard="0",reason="too_often"} 23)",
             R"(ringcast_proxies_refused_total{shard="0",reason="untrusted"} 24)",
             R"(ringcast_proxies_refused_total{shard="0",reason="malformed"} 25)",
             R"(ringcast_rate_suspensions_total{shard="0"} 26)",
             R"(ringcast_turn_suspensions_total{shard="0"} 27)",
             R"(ringcast_origins_refused_total{shard="0"} 21)",
             R"(ringcast_http_requests_total{shard="0"} 9)",
             R"(ringcast_streams_total{shard="0"} 4)",
             R"(ringcast_messages_total{shard="0",direction="received"} 10)",
             R"(ringcast_messages_total{shard="0",direction="sent"} 11)",
             R"(ringcast_messages_dropped_total{shard="0"} 12)",
             R"(ringcast_bytes_total{shard="0",direction="received"} 13)",
             R"(ringcast_bytes_total{shard="0",direction="sent"} 18446744073709551615)",
             R"(ringcast_queue_bytes{shard="0"} 14)",
             R"(ringcast_closes_total{shard="0",code="1000"} 15)",
             R"(ringcast_closes_total{shard="0",code="1001"} 0)",
             R"(ringcast_closes_total{shard="0",code="1015"} 16)",
             R"(ringcast_closes_total{shard="0",code="3xxx"} 17)",
             R"(ringcast_closes_total{shard="0",code="4xxx"} 18)",
             R"(ringcast_ring_calls_total{shard="0"} 19)",
             R"(ringcast_loop_turns_total{shard="0"} 20)",
             R"(ringcast_loop_seconds_total{shard="0"} 21.000000022)",
             R"(ringcast_deliveries_total{shard="0",result="sent"} 24)",
             R"(ringcast_deliveries_total{shard="0",result="dropped"} 25)",
             R"(ringcast_deltas_sent_total{shard="0"} 28)",
             R"(ringcast_delta_bytes_saved_total{shard="0"} 29)",
             R"(ringcast_receive_buffers_exhausted_total{shard="0"} 23)",
             R"(ringcast_compressed_messages_total{shard="0",direction="received"} 26)",
             R"(ringcast_deflate_bytes_total{shard="0",side="input"} 27)",
             "process_start_time_seconds 1700000000.500",
             "process_cpu_seconds_total 1.250000",
             "process_resident_memory_bytes 4096",
             "process_max_fds 1024",
             "# TYPE ringcast_connections gauge",
             "# TYPE ringcast_closes_total counter",
         }) {
        CAPTURE(line);
        CHECK(has_line(text, line));
    }
    CHECK(has_line(text, "ringcast_build_info{version=\"" + std::string{version} + "\"} 1"));
}

TEST_CASE("each counter of a shard is told, and told once") {
    Metrics metrics;
    const std::span counters{&metrics.accepts, &metrics.mesh_bytes_waiting + 1};
    std::uint64_t next = 7'000'000'000'000;
    for (ringcast::Counter& counter : counters) counter = next++;
    // The sum of closes by code, which are told.
    metrics.sessions_closed = 0;
    // In seconds.
    const std::uint64_t nanoseconds = metrics.ring_work_nanoseconds;
    metrics.ring_work_nanoseconds = 0;

    const std::string text = prometheus_text({&metrics, 1}, {});
    std::map<std::string, int> times_told;
    for (const std::string& line : lines_of(text)) ++times_told[line.substr(line.rfind(' ') + 1)];
    for (const std::uint64_t value : counters) {
        CAPTURE(value);
        if (value != 0) CHECK(times_told[std::to_string(value)] == 1);
    }
    metrics.ring_work_nanoseconds = nanoseconds;
    CHECK(prometheus_text({&metrics, 1}, {}).find(" 7000.000000") != std::string::npos);
}

TEST_CASE("the text is well formed: HELP and TYPE before each group, counters end in _total") {
    const Metrics shards[3] = {};
    std::set<std::string> groups;
    std::string name, type;
    for (const std::string& line : lines_of(prometheus_text(shards, {}))) {
        CAPTURE(line);
        if (line.starts_with("# HELP ")) {
            name = line.substr(7, line.find(' ', 7) - 7);
            CHECK(groups.insert(name).second);
            CHECK(line.ends_with('.'));
            type.clear();
        } else if (line.starts_with("# TYPE ")) {
            CHECK(line.starts_with("# TYPE " + name + " "));
            type = line.substr(line.rfind(' ') + 1);
            CHECK((type == "counter") == name.ends_with("_total"));
        } else {
            CHECK_FALSE(type.empty());
            CHECK(line.substr(0, line.find_first_of("{ ")) == name);
        }
    }
    CHECK(groups.size() > 20);
}

TEST_CASE("the figures of this process are plausible") {
    const double now = unix_seconds();
    CHECK(now > 1.7e9);
    const ProcessFigures figures = process_figures(now, 77);
    CHECK(figures.start_time_seconds == now);
    CHECK(figures.files_max == 77);
    CHECK(figures.cpu_seconds >= 0);
    CHECK(figures.resident_bytes > 100'000);
}
