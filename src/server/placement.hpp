#pragma once
// How many shards there are, and on which CPUs: by the affinity mask and the CPU quota of the
// control group, so that a container with half a CPU on a machine of 64 gets one shard, not 64.

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "server/control_group.hpp"
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

/// The group's quota in whole CPUs, rounded up.
[[nodiscard]] std::optional<std::uint32_t> cpu_quota_of(const ControlGroup& group) noexcept;

/// This process's affinity mask and quota.
[[nodiscard]] Machine this_machine();

/// Binds the calling thread to one CPU. The error is one sentence.
[[nodiscard]] std::expected<void, std::string> pin_this_thread(std::uint32_t cpu);

}  // namespace ringcast::server
