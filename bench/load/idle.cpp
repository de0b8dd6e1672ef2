// `ringcast-bench idle`: what one open connection with nothing to say costs the server in memory.

#include <chrono>

#include "commands.hpp"
#include "echo_clients.hpp"
#include "meter.hpp"

namespace ringcast::bench {

Expected<Report> run_idle(const CommonOptions& common, const IdleOptions& options) {
    const auto url = parse_url(common.url);
    if (!url) return std::unexpected(url.error());
    const auto meter = Meter::create(common.pid);
    if (!meter) return std::unexpected(meter.error());
    const auto io = Io::create(*url);
    if (!io) return std::unexpected(io.error());

    std::uint64_t resident_before = 0;
    if (meter->server()) {
        const auto bytes = meter->server()->resident_bytes();
        if (!bytes) return std::unexpected(bytes.error());
        resident_before = *bytes;
    }
    const auto started = Clock::now();
    Opener opener(**io, *url, CloseKind::reset, true, common.compression);
    const auto descriptors =
        open_connections(**io, opener, options.connections, common.stall_timeout());
    if (!descriptors) return std::unexpected(descriptors.error());
    const std::chrono::duration<double> opening = Clock::now() - started;

    const Messages no_messages(ws::Opcode::binary, 0, 1, common.compression);
    EchoClients clients(**io, no_messages, Verify::full, *descriptors, 0);
    if (auto ran = clients.run(nanoseconds_of(options.hold_seconds), common.stall_timeout()); !ran)
        return std::unexpected(ran.error());

    Report report;
    report.add("command", "command", "idle");
    report.add("url", "url", common.url);
    report.add("compression", "compression", name_of(common.compression));
    report.add("connections", "connections held", std::uint64_t{options.connections});
    report.add("opening_seconds", "opened within, s", opening.count(), 3);
    if (meter->server()) {
        const auto resident_after = meter->server()->resident_bytes();
        if (!resident_after) return std::unexpected(resident_after.error());
        report.add("server_rss_bytes_before", "server memory before, bytes", resident_before);
        report.add("server_rss_bytes", "server memory, bytes", *resident_after);
        const double growth =
            static_cast<double>(*resident_after) - static_cast<double>(resident_before);
        report.add("server_rss_bytes_per_connection", "server memory per connection, bytes",
                   growth / static_cast<double>(options.connections), 0);
    }
    return report;
}

}  // namespace ringcast::bench
