// `ringcast-bench churn`: what the life of a connection costs the server, from its handshake over
// some messages to a clean or an abrupt end, and whether memory is left behind.

#include <cstdint>

#include "churn_clients.hpp"
#include "commands.hpp"
#include "echo_conversation.hpp"
#include "measurement.hpp"
#include "rig.hpp"

namespace ringcast::bench {

Expected<Report> run_churn(const CommonOptions& common, const ChurnOptions& options) {
    auto rig = Rig::create(common, options.connections);
    if (!rig) return std::unexpected(rig.error());
    const Messages messages(ws::Opcode::binary, options.message_bytes, 1, common.compression);
    Opener opener(*rig->io, rig->url, rig->sources, common.compression);
    EchoConversation echo(messages, options.messages, options.connections);
    ChurnClients clients(*rig->io, opener, echo,
                         {.connections = options.connections,
                          .rate = options.rate,
                          .endings = mixed_endings(options.abrupt_share, options.messages)},
                         common.stall_timeout());
    Loop loop(*rig->io, rig->progress);
    loop.add(clients, 0);
    const auto measured = measure(loop, rig->meter, options.lengths);
    if (!measured) return std::unexpected(measured.error());
    if (auto flat = check_memory(*measured, common.memory_growth_max); !flat)
        return std::unexpected(flat.error());

    Report report = begin_report("churn", common);
    report.add("connections", "connections at a time", std::uint64_t{options.connections});
    if (options.rate > 0) report.add("rate", "lives due per second", options.rate, 1);
    report.add("messages_per_life", "messages of each life", std::uint64_t{options.messages});
    report.add("message_bytes", "bytes of a message", options.message_bytes);
    report.add("abrupt_share", "share of abrupt ends", options.abrupt_share, 2);
    add_costs(report, *measured, "life");
    add_memory(report, *measured);
    report.add_latency(clients.handshakes(), "latency", "handshake");
    report.add_latency(clients.lives(), "life", "whole life,");
    if (options.rate > 0) {
        report.add_latency(clients.lateness(), "late", "begun late,");
        report.add("unsent", "due, but never begun", clients.unbegun());
    }
    return report;
}

}  // namespace ringcast::bench
