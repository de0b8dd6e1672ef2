#pragma once
// What the control group of this process allows it: CPU time, memory, threads. Version 2 and
// version 1, read from /proc and /sys by a function that tests replace.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace ringcast::server {

/// The text of a file, or nothing if it cannot be read. Lets tests bring their own /proc and /sys.
using ReadText = std::function<std::optional<std::string>(const std::string& path)>;

/// ReadText of this machine.
[[nodiscard]] std::optional<std::string> read_text_file(const std::string& path);

/// The least of each limit among this process's control group and those around it, as far as they
/// can be seen from here. Nothing: no limit.
struct ControlGroup {
    bool is_known = false;                         ///< Whether /proc says which group it is.
    std::optional<std::uint64_t> cpu_thousandths;  ///< Of one CPU's time, rounded up.
    std::optional<std::uint64_t> memory_bytes;     ///< Beyond, the kernel holds it up or ends it.
    std::optional<std::uint64_t> threads_left;     ///< That may still be started.
};

[[nodiscard]] ControlGroup read_control_group(const ReadText& read_text);

/// The quota of `cpu.max` (version 2), in thousandths of a CPU: `150000 100000` gives 1500, `max
/// 100000` nothing.
[[nodiscard]] std::optional<std::uint64_t> parse_cpu_max(std::string_view text);
/// The quota of `cpu.cfs_quota_us` and `cpu.cfs_period_us` (version 1); a quota of -1 is none.
[[nodiscard]] std::optional<std::uint64_t> parse_cfs_quota(std::string_view quota,
                                                           std::string_view period);

}  // namespace ringcast::server
