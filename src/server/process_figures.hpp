#pragma once
// What the kernel knows about this process: the process_* figures that every Prometheus target has.

#include <cstdint>

namespace ringcast::server {

/// Taken when asked for, with two or three system calls; what cannot be read is 0.
struct ProcessFigures {
    double start_time_seconds = 0;  ///< Of this server, since 1970.
    double cpu_seconds = 0;         ///< User and system, of all threads.
    std::uint64_t resident_bytes = 0;
    std::uint64_t files_max = 0;  ///< The limit on open descriptors.
};

/// The time of the day, as `start_time_seconds` wants it.
[[nodiscard]] double unix_seconds() noexcept;

/// The figures of now; start and limit are passed on.
[[nodiscard]] ProcessFigures process_figures(double start_time_seconds, std::uint64_t files_max);

}  // namespace ringcast::server
