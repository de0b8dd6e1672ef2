#include "process.hpp"

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <linux/perf_event.h>
#include <sstream>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

#include "text.hpp"

namespace ringcast::bench {

namespace {

double seconds_of(const timespec& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// The number the kernel gave to raw_syscalls:sys_enter.
Expected<std::uint64_t> sys_enter_id() {
    for (const char* root : {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}) {
        const auto text = read_file(std::string(root) + "/events/raw_syscalls/sys_enter/id");
        std::uint64_t id = 0;
        if (text &&
            std::from_chars(text->data(), text->data() + text->size(), id).ec == std::errc{})
            return id;
    }
    return fail(
        "tracefs is not mounted (mount -t tracefs tracefs /sys/kernel/tracing) or not readable");
}

}  // namespace

Expected<Process> Process::find(pid_t pid) {
    clockid_t clock = 0;
    const int code = clock_getcpuclockid(pid, &clock);
    if (code != 0) return fail("there is no process {} to measure: {}", pid, errno_text(code));
    return Process(pid, clock);
}

Expected<CpuTime> Process::cpu_time() const {
    timespec total{};
    if (clock_gettime(clock_, &total) != 0)
        return fail("process {} is gone: {}", pid_, errno_text(errno));
    const auto text = read_file(fmt::format("/proc/{}/stat", pid_));
    if (!text) return std::unexpected(text.error());
    // The name of the program, in parentheses, may contain anything; utime and stime are the 12th
    // and 13th words after it.
    std::istringstream words(text->substr(text->rfind(')') + 1));
    std::string skipped;
    for (int i = 0; i < 11; ++i) words >> skipped;
    double user_ticks = 0;
    double system_ticks = 0;
    words >> user_ticks >> system_ticks;
    const auto ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
    return CpuTime{seconds_of(total), user_ticks / ticks_per_second,
                   system_ticks / ticks_per_second};
}

std::optional<std::uint64_t> Process::socket_count() const {
    std::error_code code;
    std::uint64_t count = 0;
    std::filesystem::directory_iterator file(fmt::format("/proc/{}/fd", pid_), code);
    for (; !code && file != std::filesystem::directory_iterator(); file.increment(code)) {
        std::error_code closed;
        const std::string target = std::filesystem::read_symlink(file->path(), closed).string();
        if (target.contains("io_uring")) return std::nullopt;
        if (target.starts_with("socket:")) ++count;
    }
    if (code) return std::nullopt;
    return count;
}

Expected<std::uint64_t> Process::resident_bytes() const {
    const auto text = read_file(fmt::format("/proc/{}/statm", pid_));
    if (!text) return std::unexpected(text.error());
    std::istringstream words(*text);
    std::uint64_t size_pages = 0;
    std::uint64_t resident_pages = 0;
    words >> size_pages >> resident_pages;
    return resident_pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

Expected<std::uint64_t> kernel_slab_bytes() {
    const auto text = read_file("/proc/meminfo");
    if (!text) return std::unexpected(text.error());
    std::istringstream words(*text);
    for (std::string word; words >> word;) {
        if (word != "Slab:") continue;
        std::uint64_t kib = 0;
        if (words >> kib) return kib * 1024;
    }
    return fail("/proc/meminfo does not say what slabs take");
}

CpuTime own_cpu_time() {
    timespec total{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &total);
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    };
    return {seconds_of(total), seconds(usage.ru_utime), seconds(usage.ru_stime)};
}

Expected<SyscallCounter> SyscallCounter::attach(pid_t pid) {
    const auto id = sys_enter_id();
    if (!id) return std::unexpected(id.error());
    perf_event_attr attributes{};
    attributes.type = PERF_TYPE_TRACEPOINT;
    attributes.size = sizeof(attributes);
    attributes.config = *id;
    attributes.disabled = 1;
    attributes.inherit = 1;

    SyscallCounter counter;
    std::error_code code;
    for (const auto& task :
         std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid), code)) {
        const int thread = std::stoi(task.path().filename());
        const long fd =
            syscall(SYS_perf_event_open, &attributes, thread, -1, -1, PERF_FLAG_FD_CLOEXEC);
        if (fd < 0) return fail("perf_event_open: {}", errno_text(errno));
        counter.counters_.push_back(static_cast<int>(fd));
    }
    if (counter.counters_.empty()) return fail("process {} has no threads to count", pid);
    return counter;
}

SyscallCounter::SyscallCounter(SyscallCounter&& other) noexcept
    : counters_(std::exchange(other.counters_, {})) {}

SyscallCounter::~SyscallCounter() {
    for (const int fd : counters_) close(fd);
}

Expected<void> SyscallCounter::start() {
    for (const int fd : counters_) {
        if (ioctl(fd, PERF_EVENT_IOC_RESET, 0) != 0 || ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) != 0) {
            return fail("cannot start counting system calls: {}", errno_text(errno));
        }
    }
    return {};
}

Expected<std::uint64_t> SyscallCounter::stop() {
    std::uint64_t total = 0;
    for (const int fd : counters_) {
        std::uint64_t count = 0;
        if (ioctl(fd, PERF_EVENT_IOC_DISABLE, 0) != 0 ||
            read(fd, &count, sizeof(count)) != sizeof(count)) {
            return fail("cannot read the count of system calls: {}", errno_text(errno));
        }
        total += count;
    }
    return total;
}

}  // namespace ringcast::bench
