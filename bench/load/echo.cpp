// `ringcast-bench echo`: what one echoed message costs the server.

#include <cstdint>

#include "commands.hpp"
#include "echo_clients.hpp"
#include "meter.hpp"

namespace ringcast::bench {

namespace {

/// Small enough to stay in cache, large enough that large messages do not run out of buffers at
/// every turn.
IoOptions io_options_for(const EchoOptions& options) {
    constexpr std::uint64_t large_message_bytes = 8 * 1024;
    return options.message_bytes < large_message_bytes
               ? IoOptions{.buffer_count = 16, .buffer_bytes = 64 * 1024}
               : IoOptions{.buffer_count = 64, .buffer_bytes = 64 * 1024};
}

}  // namespace

Expected<Report> run_echo(const CommonOptions& common, const EchoOptions& options) {
    const auto url = parse_url(common.url);
    if (!url) return std::unexpected(url.error());
    const auto meter = Meter::create(common.pid);
    if (!meter) return std::unexpected(meter.error());
    const auto io = Io::create(*url, io_options_for(options));
    if (!io) return std::unexpected(io.error());
    const Messages messages(options.opcode, options.message_bytes, options.depth,
                            common.compression);
    Opener opener(**io, *url, CloseKind::reset, true, common.compression);
    const auto descriptors =
        open_connections(**io, opener, options.connections, common.stall_timeout());
    if (!descriptors) return std::unexpected(descriptors.error());

    EchoClients clients(**io, messages, options.verify, *descriptors, options.depth);
    if (auto ran = clients.run(nanoseconds_of(options.warmup_seconds), common.stall_timeout());
        !ran) {
        return std::unexpected(ran.error());
    }
    clients.latency().reset();
    const std::uint64_t replies_before = clients.replies();
    const auto begin = meter->read();
    if (!begin) return std::unexpected(begin.error());
    if (auto ran = clients.run(nanoseconds_of(options.duration_seconds), common.stall_timeout());
        !ran) {
        return std::unexpected(ran.error());
    }
    const auto end = meter->read();
    if (!end) return std::unexpected(end.error());
    const std::uint64_t replies = clients.replies() - replies_before;
    if (replies == 0) return fail("no reply arrived within {} s", options.duration_seconds);

    Report report;
    report.add("command", "command", "echo");
    report.add("url", "url", common.url);
    report.add("compression", "compression", name_of(common.compression));
    report.add("connections", "connections", std::uint64_t{options.connections});
    report.add("depth", "messages outstanding on each", std::uint64_t{options.depth});
    report.add("message_bytes", "bytes of a message", options.message_bytes);
    report.add("verify", "replies compared", options.verify == Verify::full ? "full" : "length");
    meter->add_costs(report, *begin, *end, replies, "message");
    report.add_latency(clients.latency());
    if (options.syscall_seconds > 0) {
        auto measured = meter->add_syscalls(report, "message", [&]() -> Expected<std::uint64_t> {
            const std::uint64_t before = clients.replies();
            if (auto ran =
                    clients.run(nanoseconds_of(options.syscall_seconds), common.stall_timeout());
                !ran) {
                return std::unexpected(ran.error());
            }
            return clients.replies() - before;
        });
        if (!measured) return std::unexpected(measured.error());
    }
    return report;
}

}  // namespace ringcast::bench
