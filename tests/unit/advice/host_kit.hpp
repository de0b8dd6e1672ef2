#pragma once
// Hosts that this machine is not, as maps from paths to texts.

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "advice/host.hpp"

namespace ringcast::test {

using Files = std::map<std::string, std::string>;

/// Has all that a server with 100,000 connections on four CPUs needs.
inline Files good_files() {
    const std::string sys = "/proc/sys/";
    return {
        {"/proc/self/limits",
         "Limit                     Soft Limit           Hard Limit           Units     \n"
         "Max open files            1024                 1048576              files     \n"
         "Max locked memory         8388608              unlimited            bytes     \n"},
        {"/proc/self/status",
         "Name:\tringcast\nCapEff:\t0000000000000000\nSeccomp:\t0\nCpus_allowed_list:\t0-3\n"},
        {"/proc/self/cgroup", "0::/system.slice/ringcast.service\n"},
        {"/proc/meminfo", "MemTotal:       65536000 kB\nMemFree:        60000000 kB\n"},
        {"/proc/swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"},
        {sys + "fs/nr_open", "1048576\n"},
        {sys + "fs/file-nr", "2000\t0\t9223372036854775807\n"},
        {sys + "kernel/osrelease", "6.18.1-test\n"},
        {sys + "kernel/io_uring_disabled", "0\n"},
        {sys + "net/core/somaxconn", "4096\n"},
        {sys + "net/ipv4/tcp_syncookies", "1\n"},
        {sys + "net/ipv4/tcp_mem", "1000000\t2000000\t100000000\n"},
        {sys + "net/ipv4/tcp_wmem", "4096\t16384\t4194304\n"},
        {sys + "net/ipv4/ip_local_port_range", "1024\t65535\n"},
        {sys + "net/ipv4/ip_unprivileged_port_start", "1024\n"},
        {sys + "net/netfilter/nf_conntrack_max", "2000000\n"},
        {sys + "vm/swappiness", "60\n"},
        {"/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"},
        {"/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n"},
        {"/sys/devices/system/clocksource/clocksource0/available_clocksource", "tsc hpet\n"},
        {"/sys/devices/system/cpu/vulnerabilities/meltdown", "Not affected\n"},
        {"/sys/devices/system/cpu/vulnerabilities/retbleed", "Mitigation: Enhanced IBRS\n"},
    };
}

inline advice::Host host_of(Files files, ring::Probe probe = {.usable = true,
                                                              .features = ring::Features::all()}) {
    return {.read_text =
                [files = std::move(files)](const std::string& path) -> std::optional<std::string> {
                const auto found = files.find(path);
                if (found == files.end()) return std::nullopt;
                return found->second;
            },
            .probe_uring = [probe = std::move(probe)] { return probe; }};
}

/// The good host with some files changed.
inline Files changed(const Files& changes) {
    Files files = good_files();
    for (const auto& [path, text] : changes) files[path] = text;
    return files;
}

}  // namespace ringcast::test
