// Checks of how much of everything the host lets the server have.

#include <algorithm>
#include <array>
#include <fmt/core.h>

#include "advice/checks.hpp"
#include "advice/text.hpp"
#include "base/units.hpp"

namespace ringcast::advice {
namespace {

constexpr std::uint64_t mib = 1 << 20;

/// Rounded up to whole MiB, as limits are written.
std::string mib_text(std::uint64_t bytes, std::string_view unit) {
    return fmt::format("{}{}", (bytes + mib - 1) / mib, unit);
}

Finding check_open_files(const Host& host, const Needs& needs) {
    constexpr std::string_view name = "open files";
    std::string why =
        needs.files.has_direct_descriptors
            ? "--direct-descriptors: the limit holds for each shard's connections by themselves; "
              "beyond it, clients are not accepted"
            : "each connection is an open file; without one left, clients are not accepted";
    const auto limit = read_limit(host, "Max open files");
    if (!limit) return unknown(name, "/proc/self/limits", std::move(why));
    Finding finding{.name = name, .why = std::move(why)};
    const std::string allowed =
        limit->hard == UINT64_MAX ? "any number allowed" : grouped(limit->hard) + " allowed";
    const auto plan = server::plan_connections(needs.files);
    if (plan && plan->warning.empty()) {
        finding.what =
            fmt::format("{}, {} needed for {}{}", allowed,
                        grouped(server::file_limit_for(needs.files, needs.connections)),
                        counted(needs.connections, "connection"),
                        limit->soft < limit->hard ? "; the server raises its own soft limit" : "");
        return finding;
    }
    constexpr std::uint64_t connections_comfortable = 10'000;
    const std::uint64_t wanted = server::file_limit_for(
        needs.files, needs.options.connections_max.value_or(connections_comfortable));
    finding.verdict = plan ? Verdict::warning : Verdict::problem;
    finding.what =
        plan ? fmt::format("{}, enough for {}", allowed, counted(needs.connections, "connection"))
             : fmt::format(
                   "{}, but {} needed{}", allowed, grouped(wanted),
                   needs.options.connections_max
                       ? fmt::format(" for --connections-max {}", *needs.options.connections_max)
                       : " to begin with");
    finding.remedies = {{Place::shell, fmt::format("ulimit -n {}", wanted)},
                        {Place::systemd, fmt::format("LimitNOFILE={}", wanted)},
                        {Place::docker, fmt::format("--ulimit nofile={0}:{0}", wanted)}};
    const auto most = read_number(host, path_of_setting("fs.nr_open"));
    if (most && *most < wanted)
        finding.remedies.push_back({Place::sysctl, fmt::format("fs.nr_open = {}", wanted)});
    return finding;
}

/// /proc/sys/fs/file-nr: open now, unused, most.
Finding check_file_table(const Host& host, const Needs& needs) {
    constexpr std::string_view name = "file table";
    std::string why = "all processes together; at the end of it nobody on the host opens anything";
    const auto files = read_numbers(host, "/proc/sys/fs/file-nr");
    if (!files || files->size() != 3) return unknown(name, "/proc/sys/fs/file-nr", std::move(why));
    const std::uint64_t used = files->front();
    const std::uint64_t most = files->back();
    Finding finding{
        .name = name,
        .what = fmt::format("fs.file-max {}, {} of them open", grouped(most), grouped(used)),
        .why = std::move(why)};
    if (most - std::min(most, used) >= needs.open_files) return finding;
    finding.verdict = needs.options.connections_max ? Verdict::problem : Verdict::warning;
    finding.what += fmt::format(", {} more needed", grouped(needs.open_files));
    finding.remedies = {
        {Place::sysctl, fmt::format("fs.file-max = {}", 2 * (used + needs.open_files))}};
    return finding;
}

std::string quota_text(std::uint64_t thousandths) {
    return fmt::format("{:.3g} CPU{}", static_cast<double>(thousandths) / 1000,
                       thousandths == 1000 ? "" : "s");
}

Finding check_cpus(const Host&, const Needs& needs) {
    constexpr std::string_view name = "CPUs";
    std::string why = "a shard keeps one CPU busy, and shares nothing with the others";
    if (needs.cpus.empty()) return unknown(name, "/proc/self/status", std::move(why));
    const auto quota = needs.group.cpu_thousandths;
    Finding finding{.name = name,
                    .what = fmt::format("{} on {}{}", counted(needs.shards, "shard"),
                                        counted(needs.cpus.size(), "CPU"),
                                        quota ? ", quota " + quota_text(*quota) : ""),
                    .why = std::move(why)};
    if (quota && *quota < std::uint64_t{needs.shards} * 1000) {
        finding.verdict = Verdict::warning;
        finding.why =
            "once the quota of a period is used up, the kernel stops all shards until the "
            "next (100 ms as a rule)";
        finding.remedies = {{Place::systemd, fmt::format("CPUQuota={}%", needs.shards * 100)},
                            {Place::docker, fmt::format("--cpus {}", needs.shards)}};
        if (*quota >= 1000)
            finding.remedies.push_back({Place::flags, fmt::format("--shards {}", *quota / 1000)});
    } else if (needs.shards > needs.cpus.size()) {
        finding.verdict = Verdict::warning;
        finding.why = "shards that share a CPU wait for each other";
        finding.remedies = {{Place::flags, fmt::format("--shards {}", needs.cpus.size())}};
    } else if (!needs.group.is_known) {
        finding.verdict = Verdict::unknown;
        finding.what += "; /proc/self/cgroup cannot be read";
    }
    return finding;
}

/// The part of `limit_bytes` that one shard's messages may have.
std::uint64_t message_memory_for(std::uint64_t limit_bytes, const Needs& needs) {
    const std::uint64_t room = limit_bytes - std::min(limit_bytes, needs.idle_bytes);
    return room / 10 * 9 / needs.shards / mib * mib;
}

Finding check_memory(const Host& host, const Needs& needs) {
    constexpr std::string_view name = "memory";
    std::string why = "beyond, the kernel ends the server; ringcast capacity says what takes it";
    const auto machine = read_memory(host);
    const auto group = needs.group.memory_bytes;
    if (!machine && !group) return unknown(name, "/proc/meminfo", std::move(why));
    const std::uint64_t limit = std::min(machine.value_or(UINT64_MAX), group.value_or(UINT64_MAX));
    const bool is_of_group = group && *group == limit;
    Finding finding{
        .name = name,
        .what = fmt::format("{} {}; {} for {}, {} with all queues full", rounded_bytes(limit),
                            is_of_group ? "for the control group" : "in the machine",
                            rounded_bytes(needs.idle_bytes),
                            counted(needs.connections, "idle connection"),
                            rounded_bytes(needs.worst_bytes)),
        .why = std::move(why)};
    if (needs.worst_bytes <= limit) return finding;
    const bool is_hopeless = needs.idle_bytes > limit && needs.options.connections_max;
    finding.verdict = is_hopeless ? Verdict::problem : Verdict::warning;
    if (is_of_group) {
        const std::uint64_t wanted = needs.worst_bytes + needs.worst_bytes / 10;
        finding.remedies = {{Place::systemd, "MemoryMax=" + mib_text(wanted, "M")},
                            {Place::docker, "--memory " + mib_text(wanted, "m")}};
    }
    const std::uint64_t share = message_memory_for(limit, needs);
    if (share >= std::max(2 * mib, 4 * needs.options.message_bytes_max)) {
        finding.remedies.push_back({Place::flags, "--message-memory-max " + print_bytes(share)});
    } else {
        const double fitting = static_cast<double>(needs.connections) * static_cast<double>(limit) /
                               2 / static_cast<double>(needs.idle_bytes);
        finding.remedies.push_back(
            {Place::flags, fmt::format("--connections-max {:.0f}", std::max(1.0, fitting))});
    }
    return finding;
}

Finding check_threads(const Host&, const Needs& needs) {
    constexpr std::string_view name = "threads";
    std::string why = "one for each shard, one for the log, one for certificates";
    if (!needs.group.is_known) return unknown(name, "/proc/self/cgroup", std::move(why));
    const std::uint64_t wanted = needs.shards + (needs.tls ? 2 : 1);
    Finding finding{.name = name, .why = std::move(why)};
    if (!needs.group.threads_left) {
        finding.what = fmt::format("{} needed, no limit", wanted);
        return finding;
    }
    finding.what = fmt::format("{} needed, the control group has room for {}", wanted,
                               grouped(*needs.group.threads_left));
    if (*needs.group.threads_left >= wanted) return finding;
    constexpr std::uint64_t spare = 32;
    finding.verdict = Verdict::problem;
    finding.remedies = {{Place::systemd, fmt::format("TasksMax={}", wanted + spare)},
                        {Place::docker, fmt::format("--pids-limit {}", wanted + spare)}};
    return finding;
}

constexpr std::array of_resources{check_open_files, check_file_table, check_cpus, check_memory,
                                  check_threads};

}  // namespace

std::span<const Check> resource_checks() noexcept {
    static constexpr std::array<Check, of_resources.size()> all{of_resources};
    return all;
}

}  // namespace ringcast::advice
