#include "server/prometheus.hpp"

#include <fmt/format.h>
#include <iterator>

#include "server/metric_groups.hpp"
#include "server/version.hpp"

namespace ringcast::server {

namespace {

using shard::Metrics;
using Type = MetricType;

std::string_view name_of(Type type) noexcept {
    switch (type) {
        case Type::counter: return "counter";
        case Type::gauge: return "gauge";
    }
    return {};
}

void add_heading(std::string& text, std::string_view name, Type type, std::string_view help) {
    fmt::format_to(std::back_inserter(text), "# HELP {0} {1}\n# TYPE {0} {2}\n", name, help,
                   name_of(type));
}

template <class Value>
void add_one(std::string& text, std::string_view name, Type type, std::string_view help,
             Value value) {
    add_heading(text, name, type, help);
    fmt::format_to(std::back_inserter(text), "{} {}\n", name, value);
}

void add_process(std::string& text, const ProcessFigures& process) {
    add_heading(text, "ringcast_build_info", Type::gauge, "Which ringcast this is; always 1.");
    fmt::format_to(std::back_inserter(text), "ringcast_build_info{{version=\"{}\"}} 1\n", version);
    // The names that Prometheus itself uses for every process.
    add_one(text, "process_start_time_seconds", Type::gauge,
            "When the server started, in seconds since 1970.",
            fmt::format("{:.3f}", process.start_time_seconds));
    add_one(text, "process_cpu_seconds_total", Type::counter,
            "CPU time of all threads, user and system.",
            fmt::format("{:.6f}", process.cpu_seconds));
    add_one(text, "process_resident_memory_bytes", Type::gauge, "Memory that is resident.",
            process.resident_bytes);
    add_one(text, "process_max_fds", Type::gauge, "The limit on open file descriptors.",
            process.files_max);
}

}  // namespace

std::string prometheus_text(std::span<const Metrics> shards, const ProcessFigures& process) {
    std::string text;
    for (const MetricGroup& group : metric_groups()) {
        add_heading(text, group.name, group.type, group.help);
        for (std::size_t i = 0; i < shards.size(); ++i) {
            Samples samples{text, group.name, i};
            group.add(samples, shards[i]);
        }
    }
    add_process(text, process);
    return text;
}

}  // namespace ringcast::server
