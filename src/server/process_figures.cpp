#include "server/process_figures.hpp"

#include <chrono>
#include <cstdio>
#include <memory>
#include <sys/resource.h>
#include <unistd.h>

namespace ringcast::server {

namespace {

double seconds_of(const timeval& time) noexcept {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

/// `size resident shared ...`, in pages (proc(5)).
std::uint64_t resident_bytes() {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::fopen("/proc/self/statm", "re"),
                                                               &std::fclose};
    unsigned long pages = 0;
    if (file == nullptr || std::fscanf(file.get(), "%*u %lu", &pages) != 1) return 0;
    return std::uint64_t{pages} * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

double unix_seconds() noexcept {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration<double>(now).count();
}

ProcessFigures process_figures(double start_time_seconds, std::uint64_t files_max) {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);  // Cannot fail for this process.
    return {.start_time_seconds = start_time_seconds,
            .cpu_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime),
            .resident_bytes = resident_bytes(),
            .files_max = files_max};
}

}  // namespace ringcast::server
