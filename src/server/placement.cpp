#include "server/placement.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <memory>
#include <sched.h>

#include "base/assert.hpp"

namespace ringcast::server {
namespace {

/// The number that `text` starts with, which the caller then skips.
std::optional<std::int64_t> take_number(std::string_view& text) {
    std::int64_t number = 0;
    const auto [rest, status] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (status != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
    return number;
}

/// Whole CPUs, rounded up, at least one. A quota or period that is not positive is no limit.
std::optional<std::uint32_t> cpus_of(std::int64_t quota_us, std::int64_t period_us) {
    if (quota_us <= 0 || period_us <= 0) return std::nullopt;
    const std::int64_t cpus = quota_us / period_us + (quota_us % period_us == 0 ? 0 : 1);
    return static_cast<std::uint32_t>(std::min<std::int64_t>(cpus, 1 << 20));
}

std::optional<std::uint32_t> least(std::optional<std::uint32_t> a, std::optional<std::uint32_t> b) {
    if (!a || !b) return a ? a : b;
    return std::min(*a, *b);
}

/// `/proc/self/cgroup` has lines `id:controllers:path`; version 2 is the one with id 0 and no
/// controllers.
struct CgroupLine {
    std::string_view controllers;
    std::string path;
    bool is_v2 = false;
};

std::vector<CgroupLine> parse_cgroup_lines(std::string_view text) {
    std::vector<CgroupLine> lines;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        const std::size_t first = line.find(':');
        if (first == std::string_view::npos) continue;
        const std::size_t second = line.find(':', first + 1);
        if (second == std::string_view::npos) continue;
        const std::string_view controllers = line.substr(first + 1, second - first - 1);
        lines.push_back({.controllers = controllers,
                         .path = std::string{line.substr(second + 1)},
                         .is_v2 = line.starts_with("0::")});
    }
    return lines;
}

bool names_cpu(std::string_view controllers) {
    while (!controllers.empty()) {
        const std::string_view name = controllers.substr(0, controllers.find(','));
        if (name == "cpu") return true;
        controllers.remove_prefix(std::min(controllers.size(), name.size() + 1));
    }
    return false;
}

/// The least of what `read_quota` finds in `path` and its parents below `root`. Inside a container
/// the path may be the host's, which does not exist here; the walk then ends at `root`, where the
/// container's own files are.
std::optional<std::uint32_t> least_upwards(
    const std::string& root, std::string path,
    const std::function<std::optional<std::uint32_t>(const std::string& folder)>& read_quota) {
    std::optional<std::uint32_t> result;
    while (true) {
        while (path.ends_with('/')) path.pop_back();
        result = least(result, read_quota(root + path));
        if (path.empty()) return result;
        path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
    }
}

std::optional<std::string> read_text_file(const std::string& path) {
    std::ifstream file{path};
    if (!file) return std::nullopt;
    return std::string{std::istreambuf_iterator<char>{file}, {}};
}

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

std::optional<std::uint32_t> parse_cpu_max(std::string_view text) {
    const auto quota = take_number(text);
    if (!quota || !text.starts_with(' ')) return std::nullopt;
    text.remove_prefix(1);
    const auto period = take_number(text);
    return period ? cpus_of(*quota, *period) : std::nullopt;
}

std::optional<std::uint32_t> parse_cfs_quota(std::string_view quota, std::string_view period) {
    const auto quota_us = take_number(quota);
    const auto period_us = take_number(period);
    return quota_us && period_us ? cpus_of(*quota_us, *period_us) : std::nullopt;
}

std::optional<std::uint32_t> read_cpu_quota(const ReadText& read_text) {
    const auto read_v2 = [&](const std::string& folder) -> std::optional<std::uint32_t> {
        const auto text = read_text(folder + "/cpu.max");
        return text ? parse_cpu_max(*text) : std::nullopt;
    };
    const auto read_v1 = [&](const std::string& folder) -> std::optional<std::uint32_t> {
        const auto quota = read_text(folder + "/cpu.cfs_quota_us");
        const auto period = read_text(folder + "/cpu.cfs_period_us");
        return quota && period ? parse_cfs_quota(*quota, *period) : std::nullopt;
    };
    const std::string text = read_text("/proc/self/cgroup").value_or("");
    std::optional<std::uint32_t> result;
    for (const CgroupLine& line : parse_cgroup_lines(text)) {
        if (line.is_v2) {
            result = least(result, least_upwards("/sys/fs/cgroup", line.path, read_v2));
        } else if (names_cpu(line.controllers)) {
            result = least(result, least_upwards("/sys/fs/cgroup/cpu", line.path, read_v1));
        }
    }
    return result;
}

Machine this_machine() {
    return {.cpus = affinity_cpus(), .cpu_quota = read_cpu_quota(read_text_file)};
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
