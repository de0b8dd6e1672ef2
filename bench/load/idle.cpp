// `ringcast-bench idle`: what one open connection with nothing to say costs the server in memory.

#include <algorithm>
#include <cstdint>

#include "commands.hpp"
#include "echo_clients.hpp"
#include "loop.hpp"
#include "memory.hpp"
#include "rig.hpp"

namespace ringcast::bench {

namespace {

/// Connections that come before the memory is read for the first time, so that what a server needs
/// but once, for its first clients, counts for none.
constexpr std::uint32_t first_connections_max = 100;

}  // namespace

Expected<Report> run_idle(const CommonOptions& common, const IdleOptions& options) {
    auto rig = Rig::create(common, options.connections);
    if (!rig) return std::unexpected(rig.error());
    const std::uint32_t first = std::min(first_connections_max, options.connections / 10);
    Opener opener(*rig->io, rig->url, rig->sources, common.compression);
    EarlyBytes early;
    const auto open = [&](std::uint32_t count, std::uint32_t first_index) {
        return open_connections(*rig->io, opener, count, common.stall_timeout(), rig->progress,
                                first_index, early.keep());
    };
    if (auto opened = open(first, 0); !opened) return std::unexpected(opened.error());
    const auto before = read_memory(rig->meter);
    if (!before) return std::unexpected(before.error());
    const auto begin = Clock::now();
    const std::uint32_t others = options.connections - first;
    if (auto opened = open(others, first); !opened) return std::unexpected(opened.error());
    const double opening_seconds = seconds_between(begin, Clock::now());

    const Messages no_messages(ws::Opcode::binary, 0, 1, common.compression);
    EchoClients clients(*rig->io, no_messages, Verify::full, options.connections, EchoPace{},
                        common.stall_timeout());
    if (auto given = early.give_to(clients); !given) return std::unexpected(given.error());
    Loop loop(*rig->io, rig->progress);
    loop.add(clients, 0);
    if (auto ran = loop.run("holding", options.hold_seconds); !ran)
        return std::unexpected(ran.error());
    if (auto connected = rig->meter.check_connected(options.connections); !connected)
        return std::unexpected(connected.error());
    const auto held = read_memory(rig->meter);
    if (!held) return std::unexpected(held.error());
    if (auto served = rig->meter.check_served(before->reading, held->reading); !served)
        return std::unexpected(served.error());
    // Each must still be there, and answer.
    if (auto finished = loop.finish(); !finished) return std::unexpected(finished.error());

    Report report = begin_report("idle", common);
    report.add("connections", "connections held", std::uint64_t{options.connections});
    report.add("opening_seconds", "opened within, s", opening_seconds, 3);
    if (const auto after = held->reading.server_bytes) {
        report.add("server_rss_bytes_before", "server memory with the first of them, bytes",
                   *before->reading.server_bytes);
        report.add("server_rss_bytes", "server memory, bytes", *after);
    }
    add_server_growth(report, *before, *held, "connection", others);
    add_slab_growth(report, *before, *held, others, options.connections);
    return report;
}

}  // namespace ringcast::bench
