// `ringcast-bench publish`: what a publication through the server API costs the server.

#include "commands.hpp"
#include "measurement.hpp"
#include "publish_clients.hpp"
#include "rig.hpp"

namespace ringcast::bench {

Expected<Report> run_publish(const CommonOptions& common, const PublishOptions& options) {
    if (common.compression != Compression::off)
        return fail("requests of the server API are not compressed");
    auto rig = Rig::create(common, options.connections);
    if (!rig) return std::unexpected(rig.error());
    Opener opener(*rig->io, rig->url, rig->sources);
    PublishClients clients(*rig->io, opener, rig->url, options, common.stall_timeout());
    Loop loop(*rig->io, rig->progress);
    loop.add(clients, 0);
    const auto measured = measure(loop, rig->meter, options.lengths);
    if (!measured) return std::unexpected(measured.error());

    Report report = begin_report("publish", common);
    report.add("connections", "connections", std::uint64_t{options.connections});
    report.add("channels", "channels of a request", std::uint64_t{options.channels});
    report.add("message_bytes", "bytes of a publication", options.message_bytes);
    add_costs(report, *measured, "publication");
    report.add_latency(clients.latency());
    return report;
}

}  // namespace ringcast::bench
