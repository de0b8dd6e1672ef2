#include "server/limits.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <sys/resource.h>

namespace ringcast::server {
namespace {

/// Beyond that, memory is what ends a machine, and whoever wants more says so by a number.
constexpr std::uint64_t connections_auto_max = 1'000'000;
/// An automatic limit below this surprises whoever deploys an edge server.
constexpr std::uint64_t connections_comfortable = 10'000;

std::string advice(std::uint64_t files) {
    return fmt::format("raise it with `ulimit -n {0}`, or LimitNOFILE={0} in a systemd unit",
                       files);
}

}  // namespace

std::expected<std::uint64_t, std::string> raise_file_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return std::unexpected{
            fmt::format("cannot read the limit on open files: {}", std::strerror(errno))};
    }
    if (limit.rlim_cur < limit.rlim_max) {
        const rlimit raised{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
        // Refused, for example, by a seccomp profile: then what there is has to do.
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
    }
    return limit.rlim_cur;
}

std::uint64_t files_reserved(const FileNeeds& needs) noexcept {
    constexpr std::uint64_t spare =
        32;  // Standard streams, signals, a configuration file, a library's own.
    constexpr std::uint64_t per_shard =
        4;  // Ring or epoll set, waker, accepted sockets that are about to be refused.
    return spare +
           needs.shards * (per_shard + std::uint64_t{needs.listeners} + needs.admin_connections);
}

std::expected<ConnectionPlan, std::string> plan_connections(const FileNeeds& needs) {
    const std::uint64_t reserved = files_reserved(needs);
    const std::uint64_t room = needs.file_limit - std::min(needs.file_limit, reserved);
    if (needs.connections_max) {
        const std::uint64_t files = *needs.connections_max + reserved;
        if (*needs.connections_max <= room) return ConnectionPlan{*needs.connections_max};
        return std::unexpected{
            fmt::format("--connections-max {} needs {} open files, but the limit is {}: {}",
                        *needs.connections_max, files, needs.file_limit, advice(files))};
    }
    const std::uint64_t advised = connections_comfortable + reserved;
    if (room == 0) {
        return std::unexpected{
            fmt::format("the limit of {} open files leaves no room for connections ({} are needed "
                        "before the first): {}",
                        needs.file_limit, reserved, advice(advised))};
    }
    ConnectionPlan plan{std::min(room, connections_auto_max)};
    if (plan.connections_max < connections_comfortable) {
        plan.warning =
            fmt::format("the limit of {} open files leaves room for {} connections only: {}",
                        needs.file_limit, plan.connections_max, advice(advised));
    }
    return plan;
}

}  // namespace ringcast::server
