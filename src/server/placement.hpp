#pragma once
// How many shards there are, and on which CPUs: by the affinity mask and the CPU quota of the
// control group, so that a container with half a CPU on a machine of 64 gets one shard, not 64.

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/options.hpp"

namespace ringcast::server {

inline constexpr std::uint32_t shards_max = 64;  ///< A topic's home keeps one bit per shard.

/// What shards are placed on.
struct Machine {
    std::vector<std::uint32_t> cpus;  ///< CPUs of the affinity mask, ascending; never empty.
    std::optional<std::uint32_t>
        cpu_quota;  ///< CPUs' worth of time, rounded up; nothing: no limit.
};

struct Placement {
    std::uint32_t shards = 1;
    std::vector<std::uint32_t> cpus;  ///< One per shard; empty: the kernel decides.
};

/// `shards` without a value: one per CPU of the mask, not more than the quota, at most 64. Pinned
/// automatically only when there are as many shards as CPUs in the mask: two containers with a wide
/// mask must not both pile onto CPU 0. With Pinning::on and more shards than CPUs, several shards
/// get the same CPU.
[[nodiscard]] Placement place_shards(const Machine& machine, std::optional<std::uint32_t> shards,
                                     Pinning pinning);

/// The text of a file, or nothing. Lets tests bring their own /proc and /sys.
using ReadText = std::function<std::optional<std::string>(const std::string& path)>;

/// The quota of `cpu.max` (control groups, version 2): `150000 100000` is 1.5 CPUs and gives 2,
/// `max 100000` nothing.
[[nodiscard]] std::optional<std::uint32_t> parse_cpu_max(std::string_view text);
/// The quota of `cpu.cfs_quota_us` and `cpu.cfs_period_us` (version 1); a quota of -1 is none.
[[nodiscard]] std::optional<std::uint32_t> parse_cfs_quota(std::string_view quota,
                                                           std::string_view period);
/// The least quota of this process's control group and all those around it, as far as they can be
/// seen from here.
[[nodiscard]] std::optional<std::uint32_t> read_cpu_quota(const ReadText& read_text);

/// This process's affinity mask and quota.
[[nodiscard]] Machine this_machine();

/// Binds the calling thread to one CPU. The error is one sentence.
[[nodiscard]] std::expected<void, std::string> pin_this_thread(std::uint32_t cpu);

}  // namespace ringcast::server
