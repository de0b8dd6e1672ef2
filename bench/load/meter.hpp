#pragma once
// Costs of an interval: the client's CPU time always, the server's when its process is known.

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <sys/types.h>

#include "error.hpp"
#include "io.hpp"
#include "process.hpp"
#include "report.hpp"

namespace ringcast::bench {

/// All clocks at one moment.
struct Reading {
    Clock::time_point time;
    double client_cpu_seconds = 0;
    std::optional<CpuTime> server_cpu;
};

class Meter {
public:
    /// `server` is the process to measure, if any.
    [[nodiscard]] static Expected<Meter> create(std::optional<pid_t> server);

    [[nodiscard]] Expected<Reading> read() const;

    /// Adds rates and costs between two readings, in which `count` things called `unit` ("message")
    /// happened.
    void add_costs(Report& report, const Reading& begin, const Reading& end, std::uint64_t count,
                   std::string_view unit) const;

    /// Counts the server's system calls while `load` runs, and adds how many there were per `unit`;
    /// `load` returns how many units happened. Adds the reason instead if they cannot be counted,
    /// and does nothing if the server's process is not known. Fails only if `load` does, or the
    /// server is lost.
    [[nodiscard]] Expected<void> add_syscalls(
        Report& report, std::string_view unit,
        const std::function<Expected<std::uint64_t>()>& load) const;

    [[nodiscard]] const std::optional<Process>& server() const noexcept { return server_; }

private:
    std::optional<Process> server_;
};

}  // namespace ringcast::bench
