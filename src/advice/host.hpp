#pragma once
// The host as the doctor sees it: files of /proc and /sys, and one question to the kernel. All of
// it can be made up, so that tests have hosts that this machine is not.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ring/make_ring.hpp"
#include "server/control_group.hpp"

namespace ringcast::advice {

struct Host {
    server::ReadText read_text;
    std::function<ring::Probe()> probe_uring;
};

/// The one that this process runs on.
[[nodiscard]] Host this_host();

// What cannot be read, or is not what it should be, is nothing, here and below.

/// Without white space around it.
[[nodiscard]] std::optional<std::string> read_line(const Host& host, const std::string& path);
/// All numbers of a file that has nothing else; at least one.
[[nodiscard]] std::optional<std::vector<std::uint64_t>> read_numbers(const Host& host,
                                                                     const std::string& path);
/// The first of them.
[[nodiscard]] std::optional<std::uint64_t> read_number(const Host& host, const std::string& path);
/// What stands behind `name:` in a file of such lines, as /proc/self/status and /proc/meminfo are.
[[nodiscard]] std::optional<std::string> read_field(const Host& host, const std::string& path,
                                                    std::string_view name);

/// A limit of this process; UINT64_MAX is none.
struct ResourceLimit {
    std::uint64_t soft = 0;
    std::uint64_t hard = 0;
};
/// `name` as in /proc/self/limits: `Max open files`.
[[nodiscard]] std::optional<ResourceLimit> read_limit(const Host& host, std::string_view name);

/// The CPUs that this process may use.
[[nodiscard]] std::optional<std::vector<std::uint32_t>> read_cpus(const Host& host);

/// Of all memory of the machine, in bytes.
[[nodiscard]] std::optional<std::uint64_t> read_memory(const Host& host);

/// CPUs of a list like `0-3,8`; nothing if it is none.
[[nodiscard]] std::optional<std::vector<std::uint32_t>> parse_cpu_list(std::string_view text);

}  // namespace ringcast::advice
