#include "advice/needs.hpp"

#include "advice/capacity.hpp"
#include "server/placement.hpp"

namespace ringcast::advice {
namespace {

/// Of whom nothing is known.
constexpr std::uint64_t connections_assumed = 10'000;

}  // namespace

Needs needs_of(const server::Options& options, const Host& host) {
    Needs needs{.options = options};
    needs.cpus = read_cpus(host).value_or(std::vector<std::uint32_t>{});
    needs.group = server::read_control_group(host.read_text);
    const server::Machine machine{
        .cpus = needs.cpus.empty() ? std::vector<std::uint32_t>{0} : needs.cpus,
        .cpu_quota = server::cpu_quota_of(needs.group)};
    needs.shards = server::place_shards(machine, options.shards, options.pin).shards;
    needs.tls = serves_tls(options);
    needs.uring = host.probe_uring();

    const auto limit = read_limit(host, "Max open files");
    needs.files = file_needs(options, needs.shards);
    needs.files.file_limit = limit ? limit->hard : UINT64_MAX;
    const auto plan = server::plan_connections(needs.files);
    needs.connections = options.connections_max.value_or(limit && plan ? plan->connections_max
                                                                       : connections_assumed);
    needs.open_files = needs.connections + server::files_reserved(needs.files);

    server::Options placed = options;
    placed.shards = needs.shards;
    if (!needs.uring.usable) placed.io = server::IoChoice::epoll;
    const Capacity capacity =
        estimate({.connections = needs.connections, .tls = needs.tls}, placed);
    needs.idle_bytes = capacity.idle_bytes;
    needs.worst_bytes = capacity.worst_bytes;
    return needs;
}

}  // namespace ringcast::advice
