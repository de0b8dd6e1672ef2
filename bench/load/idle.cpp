// `ringcast-bench idle`: what one open connection with nothing to say costs the server in memory.

#include "commands.hpp"
#include "echo_clients.hpp"
#include "loop.hpp"
#include "rig.hpp"

namespace ringcast::bench {

Expected<Report> run_idle(const CommonOptions& common, const IdleOptions& options) {
    auto rig = Rig::create(common, options.connections);
    if (!rig) return std::unexpected(rig.error());
    const auto before = rig->meter.read();
    if (!before) return std::unexpected(before.error());
    Opener opener(*rig->io, rig->url, rig->sources, CloseKind::reset, common.compression);
    const auto descriptors = open_connections(*rig->io, opener, options.connections,
                                              common.stall_timeout(), rig->progress);
    if (!descriptors) return std::unexpected(descriptors.error());
    const double opening_seconds = seconds_between(before->time, Clock::now());

    const Messages no_messages(ws::Opcode::binary, 0, 1, common.compression);
    EchoClients clients(*rig->io, no_messages, Verify::full, *descriptors, EchoPace{},
                        common.stall_timeout());
    Loop loop(*rig->io, rig->progress);
    loop.add(clients, 0);
    if (auto ran = loop.run("holding", options.hold_seconds); !ran)
        return std::unexpected(ran.error());
    const auto held = rig->meter.read();
    if (!held) return std::unexpected(held.error());
    // Each must still be there, and answer.
    if (auto finished = loop.finish(); !finished) return std::unexpected(finished.error());

    Report report = begin_report("idle", common);
    report.add("connections", "connections held", std::uint64_t{options.connections});
    report.add("opening_seconds", "opened within, s", opening_seconds, 3);
    if (held->server_bytes) {
        report.add("server_rss_bytes_before", "server memory before, bytes", *before->server_bytes);
        report.add("server_rss_bytes", "server memory, bytes", *held->server_bytes);
        const double growth =
            static_cast<double>(*held->server_bytes) - static_cast<double>(*before->server_bytes);
        report.add("server_rss_bytes_per_connection", "server memory per connection, bytes",
                   growth / static_cast<double>(options.connections), 0);
    }
    return report;
}

}  // namespace ringcast::bench
