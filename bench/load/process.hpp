#pragma once
// What a server costs, read from outside: CPU time, resident memory and system calls of a process
// and all its threads.

#include <cstdint>
#include <ctime>
#include <optional>
#include <sys/types.h>
#include <vector>

#include "error.hpp"

namespace ringcast::bench {

/// CPU time since the process started, in seconds.
struct CpuTime {
    double total = 0;   ///< To the nanosecond.
    double user = 0;    ///< In clock ticks (10 ms), good for the share only.
    double system = 0;  ///< Likewise.
};

class Process {
public:
    [[nodiscard]] static Expected<Process> find(pid_t pid);

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    [[nodiscard]] Expected<CpuTime> cpu_time() const;
    /// Resident memory of the process: the kernel's memory for its sockets is not in it.
    [[nodiscard]] Expected<std::uint64_t> resident_bytes() const;
    /// Its sockets, as far as they are files of it; nothing where that cannot be known, or where it
    /// has an io_uring, which may hold sockets by itself (direct descriptors).
    [[nodiscard]] std::optional<std::uint64_t> socket_count() const;

private:
    Process(pid_t pid, clockid_t clock) : pid_(pid), clock_(clock) {}

    pid_t pid_;
    clockid_t clock_;
};

/// What the whole kernel keeps in its slabs: sockets, files, requests, of all processes. It is
/// counted in batches per CPU, so that only the growth over many objects means something.
[[nodiscard]] Expected<std::uint64_t> kernel_slab_bytes();

/// CPU time of the load generator itself.
[[nodiscard]] CpuTime own_cpu_time();

/// Counts the system calls that a process enters, through the tracepoint raw_syscalls:sys_enter:
/// one counter per thread, inherited by threads that start later. Counting slows every system call
/// of that process down, so it is on only between start() and stop(), outside the interval whose
/// CPU time is measured.
class SyscallCounter {
public:
    /// Fails where tracefs is not mounted or the kernel does not let this user count.
    [[nodiscard]] static Expected<SyscallCounter> attach(pid_t pid);
    SyscallCounter(SyscallCounter&& other) noexcept;
    SyscallCounter& operator=(SyscallCounter&& other) = delete;
    ~SyscallCounter();

    [[nodiscard]] Expected<void> start();
    /// System calls since start().
    [[nodiscard]] Expected<std::uint64_t> stop();

private:
    SyscallCounter() = default;

    std::vector<int> counters_;
};

}  // namespace ringcast::bench
