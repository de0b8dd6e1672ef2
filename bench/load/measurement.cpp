#include "measurement.hpp"

#include <algorithm>
#include <fmt/core.h>
#include <string>

#include "memory.hpp"
#include "text.hpp"

namespace ringcast::bench {

namespace {

constexpr double microseconds_per_second = 1e6;

std::vector<std::uint64_t> differences(const std::vector<std::uint64_t>& after,
                                       const std::vector<std::uint64_t>& before) {
    std::vector<std::uint64_t> differences;
    for (std::size_t index = 0; index < after.size(); ++index)
        differences.push_back(after[index] - before[index]);
    return differences;
}

Expected<void> count_syscalls(Loop& loop, const Process& server, double seconds,
                              Measured& measured) {
    auto counter = SyscallCounter::attach(server.pid());
    if (!counter) {
        measured.syscalls = std::unexpected(counter.error());
        return {};
    }
    const auto before = loop.counts();
    if (auto started = counter->start(); !started) return started;
    if (auto ran = loop.run("counting system calls", seconds); !ran) return ran;
    const auto count = counter->stop();
    if (!count) return std::unexpected(count.error());
    measured.syscalls = *count;
    measured.syscall_counts = differences(loop.counts(), before);
    return {};
}

void add_syscalls(Report& report, const Measured& measured, std::string_view unit) {
    if (!measured.syscalls) return;
    const std::string key = fmt::format("server_syscalls_per_{}", unit);
    const std::string label = fmt::format("server system calls per {}", unit);
    if (!*measured.syscalls)
        return report.add_missing(key, label, measured.syscalls->error().message);
    report.add(
        key, label,
        static_cast<double>(**measured.syscalls) / static_cast<double>(measured.syscall_counts[0]),
        4);
}

}  // namespace

Expected<Measured> measure(Loop& loop, const Meter& meter, const Lengths& lengths) {
    if (auto ran = loop.run("warming up", lengths.warmup_seconds); !ran)
        return std::unexpected(ran.error());
    Measured measured;
    const auto begin = meter.read();
    if (!begin) return std::unexpected(begin.error());
    loop.measure(lengths.duration_seconds);
    const auto before = loop.counts();
    if (auto ran = loop.run("measuring", lengths.duration_seconds); !ran)
        return std::unexpected(ran.error());
    const auto end = meter.read();
    if (!end) return std::unexpected(end.error());
    if (auto served = meter.check_served(*begin, *end); !served)
        return std::unexpected(served.error());
    measured.begin = *begin;
    measured.end = *end;
    measured.counts = differences(loop.counts(), before);
    for (std::size_t index = 0; index < measured.counts.size(); ++index) {
        if (measured.counts[index] == 0)
            return fail("no {} within {} s", loop.crowd(index).unit(), lengths.duration_seconds);
    }
    if (lengths.syscall_seconds > 0 && meter.server()) {
        if (auto counted = count_syscalls(loop, *meter.server(), lengths.syscall_seconds, measured);
            !counted)
            return std::unexpected(counted.error());
    }
    if (auto finished = loop.finish(); !finished) return std::unexpected(finished.error());
    return measured;
}

void add_rate(Report& report, const Measured& measured, std::string_view unit, std::size_t index) {
    const std::string units = plural_of(unit);
    std::string key = units;
    std::ranges::replace(key, ' ', '_');
    report.add(key, units, measured.counts[index]);
    report.add(fmt::format("{}_per_second", key), fmt::format("{} per second", units),
               static_cast<double>(measured.counts[index]) / measured.seconds(), 0);
}

void add_costs(Report& report, const Measured& measured, std::string_view unit) {
    add_totals(report, measured);
    add_rate(report, measured, unit);
    const auto things = static_cast<double>(measured.counts[0]);
    const auto add_cpu = [&](std::string_view who, double cpu_seconds) {
        report.add(fmt::format("{}_cpu_us_per_{}", who, unit),
                   fmt::format("{} CPU per {}, us", who, unit),
                   cpu_seconds / things * microseconds_per_second, 3);
    };
    if (measured.begin.server_cpu)
        add_cpu("server", measured.end.server_cpu->total - measured.begin.server_cpu->total);
    const double client = measured.end.client_cpu.total - measured.begin.client_cpu.total;
    add_cpu("client", client);
    if (measured.begin.server_cpu) {
        const double server = measured.end.server_cpu->total - measured.begin.server_cpu->total;
        report.add("client_cpu_ratio", "client CPU over server CPU", client / server, 2);
    }
    add_syscalls(report, measured, unit);
}

void add_totals(Report& report, const Measured& measured) {
    report.add("seconds", "measured, s", measured.seconds(), 3);
    const auto add_cpu = [&](std::string_view who, const CpuTime& begin, const CpuTime& end) {
        report.add(fmt::format("{}_utilisation", who), fmt::format("{} CPUs in use", who),
                   (end.total - begin.total) / measured.seconds(), 3);
        const double user = end.user - begin.user;
        const double system = end.system - begin.system;
        report.add(fmt::format("{}_user_share", who), fmt::format("{} CPU in user mode", who),
                   user / (user + system), 2);
    };
    if (measured.begin.server_cpu)
        add_cpu("server", *measured.begin.server_cpu, *measured.end.server_cpu);
    add_cpu("client", measured.begin.client_cpu, measured.end.client_cpu);
}

void add_memory(Report& report, const Measured& measured) {
    if (!measured.begin.server_bytes) return;
    const std::uint64_t before = *measured.begin.server_bytes;
    const std::uint64_t after = *measured.end.server_bytes;
    report.add("server_rss_bytes_before", "server memory before, bytes", before);
    report.add("server_rss_bytes", "server memory after, bytes", after);
    report.add("server_rss_growth_bytes", "server memory grew by, bytes",
               static_cast<double>(after) - static_cast<double>(before), 0);
}

Expected<void> check_memory(const Measured& measured, std::optional<std::uint64_t> growth_max) {
    return check_growth(measured.begin.server_bytes, measured.end.server_bytes, growth_max);
}

}  // namespace ringcast::bench
