// Checks of io_uring, and of how memory, clock and CPUs are set up.

#include <algorithm>
#include <array>
#include <cerrno>
#include <fmt/core.h>
#include <string_view>

#include "advice/checks.hpp"
#include "advice/text.hpp"
#include "base/units.hpp"

namespace ringcast::advice {
namespace {

std::string release_of(const Host& host) {
    return read_line(host, "/proc/sys/kernel/osrelease").value_or("of an unknown version");
}

/// Why io_uring is refused, as far as it can be told, and what helps.
struct Refusal {
    std::string cause;
    std::vector<Remedy> remedies{};
};

constexpr std::string_view make_profile =
    R"(curl -s https://raw.githubusercontent.com/moby/profiles/HEAD/seccomp/default.json | jq )"
    R"('.syscalls += [{"names": ["io_uring_setup", "io_uring_enter", "io_uring_register"], )"
    R"("action": "SCMP_ACT_ALLOW"}]' > ringcast-seccomp.json)";

Refusal refusal_of(const Host& host, const ring::Probe& probe) {
    const auto disabled = read_number(host, path_of_setting("kernel.io_uring_disabled"));
    if (probe.error == 0) return {fmt::format("Linux {} is older than 6.1", release_of(host))};
    if (probe.error == EPERM && disabled == 2) {
        return {"kernel.io_uring_disabled is 2: for nobody",
                {{Place::sysctl, "kernel.io_uring_disabled = 0"}}};
    }
    if (probe.error == EPERM && disabled == 1) {
        return {"kernel.io_uring_disabled is 1: for kernel.io_uring_group and CAP_SYS_ADMIN only",
                {{Place::sysctl, "kernel.io_uring_disabled = 0"}}};
    }
    if (probe.error == EPERM && read_field(host, "/proc/self/status", "Seccomp") == "2") {
        return {"a seccomp filter forbids it, as container runtimes' own profiles do",
                {{Place::shell, std::string{make_profile}},
                 {Place::docker, "--security-opt seccomp=ringcast-seccomp.json"},
                 {Place::systemd, "SystemCallFilter=@system-service"}}};
    }
    if (probe.error == ENOSYS) return {"this kernel has none"};
    return {probe.reason};
}

/// Features that are asked for and not there.
std::string missing_features(const ring::Features& wanted, const ring::Features& present) {
    std::string text;
    for (const ring::NamedFeature& feature : ring::named_features()) {
        if (!(wanted.*feature.member) || present.*feature.member) continue;
        text +=
            fmt::format("{}{} (Linux {})", text.empty() ? "" : ", ", feature.name, feature.since);
    }
    return text;
}

Finding check_io_uring(const Host& host, const Needs& needs) {
    constexpr std::string_view name = "io_uring";
    std::string why = "output of a whole loop turn in one system call, where epoll takes one each";
    const bool wants_direct = needs.options.direct_descriptors;
    if (needs.options.io == server::IoChoice::epoll)
        return {.name = name, .what = "not asked for: --io epoll", .why = std::move(why)};
    const ring::Probe& probe = needs.uring;
    if (probe.usable && wants_direct && !probe.direct_descriptors) {
        return {.name = name,
                .verdict = Verdict::problem,
                .what = fmt::format("usable, without direct descriptors (Linux {})",
                                    ring::direct_descriptors_since),
                .why = "--direct-descriptors asks for them: the server does not start"};
    }
    if (probe.usable) {
        const ring::Features& wanted = needs.options.uring_features;
        const std::string missing = missing_features(wanted, probe.features);
        Finding finding{
            .name = name,
            .what = fmt::format("usable: {}", wanted.intersect(probe.features).to_string()),
            .why = std::move(why)};
        if (missing.empty()) return finding;
        finding.verdict = Verdict::note;
        finding.what += "; without " + missing;
        return finding;
    }
    Refusal refusal = refusal_of(host, probe);
    const bool is_demanded = wants_direct || needs.options.io == server::IoChoice::uring;
    return {
        .name = name,
        .verdict = is_demanded ? Verdict::problem : Verdict::warning,
        .what = fmt::format("not usable: {}", refusal.cause),
        .why = is_demanded
                   ? fmt::format("{} asks for it: the server does not start",
                                 wants_direct ? "--direct-descriptors" : "--io uring")
                   : "the server runs on epoll: all works; most messages cost up to 20 % more CPU "
                     "time, publications that come close together twice as much",
        .remedies = std::move(refusal.remedies)};
}

Finding check_locked_memory(const Host& host, const Needs&) {
    constexpr std::string_view name = "locked memory";
    std::string why =
        "the server locks none: since Linux 5.12 rings are charged to the control group";
    const auto limit = read_limit(host, "Max locked memory");
    if (!limit) return unknown(name, "/proc/self/limits", std::move(why));
    return {.name = name,
            .what = limit->hard == UINT64_MAX ? "no limit"
                                              : fmt::format("up to {}", rounded_bytes(limit->hard)),
            .why = std::move(why)};
}

Finding check_huge_pages(const Host& host, const Needs& needs) {
    constexpr std::string_view name = "huge pages";
    const std::string path = "/sys/kernel/mm/transparent_hugepage/enabled";
    std::string why =
        "with always, memory that is touched here and there is backed in pieces of 2 MiB: queues, "
        "heaps, compression contexts";
    const auto text = read_line(host, path);
    if (!text || text->find('[') == std::string::npos) return unknown(name, path, std::move(why));
    const std::size_t begin = text->find('[') + 1;
    const std::string chosen = text->substr(begin, text->find(']') - begin);
    Finding finding{.name = name,
                    .what = fmt::format("transparent_hugepage is {}", chosen),
                    .why = std::move(why)};
    if (chosen != "always") return finding;
    finding.verdict =
        needs.options.compression == Compression::dedicated ? Verdict::warning : Verdict::note;
    finding.remedies = {{Place::shell, "echo madvise > " + path}};
    return finding;
}

Finding check_swap(const Host& host, const Needs&) {
    constexpr std::string_view name = "swap";
    std::string why =
        "what idle clients have goes to disk first, and a publication to all reads it back";
    const auto text = read_line(host, "/proc/swaps");
    if (!text) return unknown(name, "/proc/swaps", std::move(why));
    // One line of names, then one for each.
    const auto count = static_cast<std::uint64_t>(std::ranges::count(*text, '\n'));
    const auto swappiness = read_number(host, path_of_setting("vm.swappiness"));
    Finding finding{.name = name, .what = "none", .why = std::move(why)};
    if (count == 0) return finding;
    finding.what = fmt::format("{}, vm.swappiness {}", counted(count, "area"),
                               swappiness ? std::to_string(*swappiness) : "unknown");
    constexpr std::uint64_t swappiness_low = 10;
    if (swappiness.value_or(0) <= swappiness_low && swappiness) return finding;
    finding.verdict = Verdict::note;
    finding.remedies = {{Place::sysctl, fmt::format("vm.swappiness = {}", swappiness_low)},
                        {Place::systemd, "MemorySwapMax=0"}};
    return finding;
}

Finding check_clock(const Host& host, const Needs&) {
    constexpr std::string_view name = "clock";
    const std::string folder = "/sys/devices/system/clocksource/clocksource0/";
    std::string why =
        "each turn of the loop reads it: some nanoseconds, or a call into the kernel "
        "and a slow device";
    const auto source = read_line(host, folder + "current_clocksource");
    if (!source || source->empty())
        return unknown(name, folder + "current_clocksource", std::move(why));
    Finding finding{
        .name = name, .what = fmt::format("clock source {}", *source), .why = std::move(why)};
    constexpr std::array<std::string_view, 5> slow{"hpet", "acpi_pm", "jiffies", "refined-jiffies",
                                                   "pit"};
    if (std::ranges::find(slow, *source) == slow.end()) return finding;
    finding.verdict = Verdict::warning;
    const auto others = read_line(host, folder + "available_clocksource");
    for (const std::string_view quick : {"tsc", "kvm-clock", "hyperv_clocksource_tsc_page"}) {
        if (!others || others->find(quick) == std::string::npos) continue;
        finding.remedies = {
            {Place::shell, fmt::format("echo {} > {}current_clocksource", quick, folder)}};
        break;
    }
    return finding;
}

/// Notes only: nobody is told to switch protections off.
Finding check_cpu_speed(const Host& host, const Needs&) {
    constexpr std::string_view name = "CPU speed";
    const auto governor = read_line(host, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    const auto meltdown = read_line(host, "/sys/devices/system/cpu/vulnerabilities/meltdown");
    const auto retbleed = read_line(host, "/sys/devices/system/cpu/vulnerabilities/retbleed");
    std::string why =
        "slow system calls are what io_uring saves; a sleeping clock delays the first "
        "message after a pause";
    if (!governor && !meltdown && !retbleed)
        return unknown(name, "/sys/devices/system/cpu", std::move(why));
    const bool isolates = meltdown && meltdown->find("PTI") != std::string::npos;
    // The enhanced kind costs nothing at a system call.
    const bool restricts = retbleed && retbleed->starts_with("Mitigation: IBRS");
    const bool saves = governor && (*governor == "powersave" || *governor == "conservative");
    Finding finding{.name = name,
                    .what = fmt::format("system calls {}, governor {}",
                                        isolates    ? "slowed by page table isolation"
                                        : restricts ? "slowed by IBRS"
                                                    : "not slowed much",
                                        governor ? *governor : "not seen from here"),
                    .why = std::move(why)};
    if (isolates || restricts || saves) finding.verdict = Verdict::note;
    if (saves) finding.remedies = {{Place::shell, "cpupower frequency-set --governor performance"}};
    return finding;
}

constexpr std::array of_the_kernel{check_io_uring, check_locked_memory, check_huge_pages,
                                   check_swap,     check_clock,         check_cpu_speed};

}  // namespace

std::span<const Check> kernel_checks() noexcept {
    static constexpr std::array<Check, of_the_kernel.size()> all{of_the_kernel};
    return all;
}

}  // namespace ringcast::advice
