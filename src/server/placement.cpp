#include "server/placement.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/core.h>
#include <memory>
#include <sched.h>

#include "base/assert.hpp"

namespace ringcast::server {
namespace {

/// CPUs of the calling thread's mask. A machine with more CPUs than the kernel was ever built for
/// is not one of ours.
std::vector<std::uint32_t> affinity_cpus() {
    constexpr std::uint32_t cpus_max = 8192;
    const std::size_t size = CPU_ALLOC_SIZE(cpus_max);
    const auto free_set = [](cpu_set_t* set) { CPU_FREE(set); };
    const std::unique_ptr<cpu_set_t, decltype(free_set)> set{CPU_ALLOC(cpus_max), free_set};
    std::vector<std::uint32_t> cpus;
    if (sched_getaffinity(0, size, set.get()) == 0) {
        for (std::uint32_t cpu = 0; cpu < cpus_max; ++cpu) {
            if (CPU_ISSET_S(cpu, size, set.get())) cpus.push_back(cpu);
        }
    }
    if (cpus.empty()) cpus.push_back(0);
    return cpus;
}

}  // namespace

Placement place_shards(const Machine& machine, std::optional<std::uint32_t> shards,
                       Pinning pinning) {
    RC_ASSERT(!machine.cpus.empty());
    const auto cpus_count = static_cast<std::uint32_t>(machine.cpus.size());
    const std::uint32_t fitting = std::min(cpus_count, machine.cpu_quota.value_or(cpus_count));
    Placement placement{.shards = std::clamp(shards.value_or(fitting), 1u, shards_max)};
    const bool pinned =
        pinning == Pinning::on || (pinning == Pinning::automatic && placement.shards == cpus_count);
    if (!pinned) return placement;
    for (std::uint32_t shard = 0; shard < placement.shards; ++shard) {
        placement.cpus.push_back(machine.cpus[shard % cpus_count]);
    }
    return placement;
}

std::optional<std::uint32_t> cpu_quota_of(const ControlGroup& group) noexcept {
    if (!group.cpu_thousandths) return std::nullopt;
    return static_cast<std::uint32_t>((*group.cpu_thousandths + 999) / 1000);
}

Machine this_machine() {
    return {.cpus = affinity_cpus(), .cpu_quota = cpu_quota_of(read_control_group(read_text_file))};
}

std::expected<void, std::string> pin_this_thread(std::uint32_t cpu) {
    const std::size_t size = CPU_ALLOC_SIZE(cpu + 1);
    const auto free_set = [](cpu_set_t* set) { CPU_FREE(set); };
    const std::unique_ptr<cpu_set_t, decltype(free_set)> set{CPU_ALLOC(cpu + 1), free_set};
    CPU_ZERO_S(size, set.get());
    CPU_SET_S(cpu, size, set.get());
    if (sched_setaffinity(0, size, set.get()) == 0) return {};
    return std::unexpected{
        fmt::format("cannot bind a thread to CPU {}: {}", cpu, std::strerror(errno))};
}

}  // namespace ringcast::server
