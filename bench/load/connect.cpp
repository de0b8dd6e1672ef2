// `ringcast-bench connect`: what one connection costs the server, from the TCP handshake over the
// upgrade to the close.

#include "churn_clients.hpp"
#include "commands.hpp"
#include "echo_conversation.hpp"
#include "measurement.hpp"
#include "rig.hpp"

namespace ringcast::bench {

Expected<Report> run_connect(const CommonOptions& common, const ConnectOptions& options) {
    auto rig = Rig::create(common, options.inflight);
    if (!rig) return std::unexpected(rig.error());
    Opener opener(*rig->io, rig->url, rig->sources, common.compression);
    const Messages no_messages(ws::Opcode::binary, 0, 1, common.compression);
    const bool resets = options.close_kind == CloseKind::reset;
    EchoConversation silence(no_messages, 0, options.inflight);
    ChurnClients clients(*rig->io, opener, silence,
                         {.name = "connect",
                          .unit = "handshake",
                          .connections = options.inflight,
                          .rate = options.rate,
                          .endings = {resets ? Ending::reset : Ending::fin}},
                         common.stall_timeout());
    Loop loop(*rig->io, rig->progress);
    loop.add(clients, 0);
    const auto measured = measure(loop, rig->meter, options.lengths);
    if (!measured) return std::unexpected(measured.error());

    Report report = begin_report("connect", common);
    report.add("inflight", "handshakes under way", std::uint64_t{options.inflight});
    report.add("close", "closed by", resets ? "rst" : "fin");
    if (options.rate > 0) report.add("rate", "handshakes due per second", options.rate, 1);
    add_costs(report, *measured, "handshake");
    report.add_latency(clients.handshakes());
    if (options.rate > 0) {
        report.add_latency(clients.lateness(), "late", "begun late,");
        report.add("unsent", "due, but never begun", clients.unbegun());
    }
    return report;
}

}  // namespace ringcast::bench
