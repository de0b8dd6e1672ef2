#include "server/limits.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/core.h>
#include <sys/resource.h>

#include "ring/make_ring.hpp"

namespace ringcast::server {
namespace {

/// Beyond that, memory is what ends a machine, and whoever wants more says so by a number.
constexpr std::uint64_t connections_auto_max = 1'000'000;
/// An automatic limit below this surprises whoever deploys an edge server.
constexpr std::uint64_t connections_comfortable = 10'000;

/// Accepted sockets that are about to be refused, of a shard.
constexpr std::uint64_t refused_in_table = 64;

std::string advice(std::uint64_t files) {
    return fmt::format("raise it with `ulimit -n {0}`, or LimitNOFILE={0} in a systemd unit",
                       files);
}

/// Direct descriptors of a shard that are not of those that connections_max counts.
std::uint64_t table_reserved(const FileNeeds& needs) noexcept {
    return refused_in_table + needs.admin_connections;
}

std::uint64_t difference_or_0(std::uint64_t whole, std::uint64_t part) noexcept {
    return whole - std::min(whole, part);
}

/// How many connections fit.
std::uint64_t room_for_connections(const FileNeeds& needs) noexcept {
    const std::uint64_t files = difference_or_0(needs.file_limit, files_reserved(needs));
    if (!needs.has_direct_descriptors || files == 0) return files;
    const std::uint64_t table =
        std::min<std::uint64_t>(needs.file_limit, ring::direct_descriptors_max);
    return needs.shards * difference_or_0(table, table_reserved(needs));
}

/// For an explicit number of connections for which there is no room.
std::string refusal_of(const FileNeeds& needs, std::uint64_t connections) {
    const std::uint64_t files = file_limit_for(needs, connections);
    const std::string remedy = advice(files);
    if (!needs.has_direct_descriptors) {
        return fmt::format("--connections-max {} needs {} open files, but the limit is {}: {}",
                           connections, files, needs.file_limit, remedy);
    }
    if (files > ring::direct_descriptors_max) {
        return fmt::format(
            "--connections-max {} needs {} direct descriptors for each of {} shards, but the "
            "kernel lets a shard have {}: take more --shards",
            connections, files, needs.shards, ring::direct_descriptors_max);
    }
    return fmt::format(
        "--connections-max {} needs {} direct descriptors for each of {} shards, but the limit on "
        "open files, which holds for them too, is {}: take more --shards, or {}",
        connections, files, needs.shards, needs.file_limit, remedy);
}

ConnectionPlan plan_of(const FileNeeds& needs, std::uint64_t connections_max) {
    ConnectionPlan plan{.connections_max = connections_max};
    if (needs.has_direct_descriptors) {
        plan.direct_descriptors = static_cast<std::uint32_t>(
            share_of(connections_max, needs.shards) + table_reserved(needs));
    }
    return plan;
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
    // Ring or epoll set, waker, and accepted sockets that are about to be refused, or direct ones
    // that need a descriptor for a moment.
    constexpr std::uint64_t per_shard = 4;
    const std::uint64_t connections = needs.has_direct_descriptors ? 0 : needs.admin_connections;
    return spare + needs.shards * (per_shard + needs.listeners + connections);
}

std::uint64_t file_limit_for(const FileNeeds& needs, std::uint64_t connections) noexcept {
    const std::uint64_t reserved = files_reserved(needs);
    if (!needs.has_direct_descriptors) return connections + reserved;
    // Of the process one more: its own must leave something.
    return std::max(reserved + 1, share_of(connections, needs.shards) + table_reserved(needs));
}

std::expected<ConnectionPlan, std::string> plan_connections(const FileNeeds& needs) {
    const std::uint64_t room = room_for_connections(needs);
    if (needs.connections_max) {
        if (*needs.connections_max <= room) return plan_of(needs, *needs.connections_max);
        return std::unexpected{refusal_of(needs, *needs.connections_max)};
    }
    const std::uint64_t advised = file_limit_for(needs, connections_comfortable);
    if (room == 0) {
        return std::unexpected{
            fmt::format("the limit of {} open files leaves no room for connections ({} are needed "
                        "with the first): {}",
                        needs.file_limit, file_limit_for(needs, 1), advice(advised))};
    }
    ConnectionPlan plan = plan_of(needs, std::min(room, connections_auto_max));
    if (plan.connections_max < connections_comfortable) {
        plan.warning =
            fmt::format("the limit of {} open files leaves room for {} connections only: {}",
                        needs.file_limit, plan.connections_max, advice(advised));
    }
    return plan;
}

}  // namespace ringcast::server
