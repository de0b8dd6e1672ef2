#pragma once
// The course of a run: warm-up, the measured interval, another one in which system calls are
// counted (which slows the server down), and the end, when everything has to have arrived.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "error.hpp"
#include "loop.hpp"
#include "meter.hpp"
#include "options.hpp"
#include "report.hpp"

namespace ringcast::bench {

struct Measured {
    Reading begin;
    Reading end;
    std::vector<std::uint64_t> counts;  ///< Of each crowd, in between.
    /// The server's system calls in their interval, or why they could not be counted.
    std::optional<Expected<std::uint64_t>> syscalls;
    std::vector<std::uint64_t> syscall_counts;  ///< Of each crowd, in that interval.

    [[nodiscard]] double seconds() const { return seconds_between(begin.time, end.time); }
};

/// Fails if anything at all went wrong, or if a crowd got nothing done in the measured interval.
[[nodiscard]] Expected<Measured> measure(Loop& loop, const Meter& meter, const Lengths& lengths);

/// Adds all that is known of the only crowd, which counts things called `unit` ("message").
void add_costs(Report& report, const Measured& measured, std::string_view unit);
/// Adds how many things crowd `index` got done, and how fast.
void add_rate(Report& report, const Measured& measured, std::string_view unit,
              std::size_t index = 0);
/// Adds the length of the interval and how many CPUs were in use.
void add_totals(Report& report, const Measured& measured);
/// Adds the server's memory at both ends of the interval, if it is known.
void add_memory(Report& report, const Measured& measured);
/// Fails if the server's memory grew by more than `growth_max` bytes in the interval.
[[nodiscard]] Expected<void> check_memory(const Measured& measured,
                                          std::optional<std::uint64_t> growth_max);

}  // namespace ringcast::bench
