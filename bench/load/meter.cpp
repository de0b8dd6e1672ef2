#include "meter.hpp"

#include <fmt/format.h>
#include <string>

namespace ringcast::bench {

namespace {

constexpr double microseconds_per_second = 1e6;

std::string plural_of(std::string_view unit) {
    return unit.ends_with('y') ? fmt::format("{}ies", unit.substr(0, unit.size() - 1))
                               : fmt::format("{}s", unit);
}

}  // namespace

Expected<Meter> Meter::create(std::optional<pid_t> server) {
    Meter meter;
    if (server) {
        const auto process = Process::find(*server);
        if (!process) return std::unexpected(process.error());
        meter.server_ = *process;
    }
    return meter;
}

Expected<Reading> Meter::read() const {
    Reading reading{
        .time = Clock::now(), .client_cpu_seconds = own_cpu_seconds(), .server_cpu = {}};
    if (server_) {
        const auto time = server_->cpu_time();
        if (!time) return std::unexpected(time.error());
        reading.server_cpu = *time;
    }
    return reading;
}

void Meter::add_costs(Report& report, const Reading& begin, const Reading& end, std::uint64_t count,
                      std::string_view unit) const {
    const double seconds = std::chrono::duration<double>(end.time - begin.time).count();
    const auto things = static_cast<double>(count);
    report.add("seconds", "measured, s", seconds, 3);
    const std::string units = plural_of(unit);
    report.add(units, units, count);
    report.add(fmt::format("{}_per_second", units), fmt::format("{} per second", units),
               things / seconds, 0);

    const auto add_cpu = [&](std::string_view who, double cpu_seconds) {
        report.add(fmt::format("{}_cpu_us_per_{}", who, unit),
                   fmt::format("{} CPU per {}, us", who, unit),
                   cpu_seconds / things * microseconds_per_second, 3);
        report.add(fmt::format("{}_utilisation", who), fmt::format("{} CPUs in use", who),
                   cpu_seconds / seconds, 3);
    };
    if (begin.server_cpu && end.server_cpu) {
        add_cpu("server", end.server_cpu->total - begin.server_cpu->total);
        const double user = end.server_cpu->user - begin.server_cpu->user;
        const double system = end.server_cpu->system - begin.server_cpu->system;
        report.add("server_user_share", "server CPU in user mode", user / (user + system), 2);
    }
    add_cpu("client", end.client_cpu_seconds - begin.client_cpu_seconds);
}

Expected<void> Meter::add_syscalls(Report& report, std::string_view unit,
                                   const std::function<Expected<std::uint64_t>()>& load) const {
    if (!server_) return {};
    const std::string key = fmt::format("server_syscalls_per_{}", unit);
    const std::string label = fmt::format("server system calls per {}", unit);
    auto counter = SyscallCounter::attach(server_->pid());
    if (!counter) {
        report.add_missing(key, label, counter.error().message);
        return {};
    }
    if (auto started = counter->start(); !started) return started;
    const auto things = load();
    if (!things) return std::unexpected(things.error());
    const auto count = counter->stop();
    if (!count) return std::unexpected(count.error());
    report.add(key, label, static_cast<double>(*count) / static_cast<double>(*things), 4);
    return {};
}

}  // namespace ringcast::bench
