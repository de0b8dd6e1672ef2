// `ringcast-bench echo`: what one echoed message costs the server.

#include <cstdint>

#include "commands.hpp"
#include "echo_clients.hpp"
#include "measurement.hpp"
#include "rig.hpp"
#include "text.hpp"

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

/// What the command line alone cannot tell: how much memory two options need together. Of each
/// outstanding message there is the time when it was sent; each connection sends from the same
/// frames, as many as it may have outstanding.
Expected<void> check(const EchoOptions& options) {
    constexpr std::uint64_t outstanding_max = 1ULL << 26U;
    constexpr std::uint64_t burst_bytes_max = 1ULL << 30U;
    const std::uint64_t outstanding = std::uint64_t{options.connections} * options.depth;
    if (outstanding > outstanding_max) {
        return fail(
            "--connections {} times --depth {} takes too much memory: at most {} messages may be "
            "outstanding",
            options.connections, options.depth, grouped(outstanding_max));
    }
    if (options.message_bytes > burst_bytes_max / options.depth) {
        return fail(
            "--message-bytes {} times --depth {} takes too much memory: at most {} may be "
            "outstanding on a connection",
            options.message_bytes, options.depth, byte_text(burst_bytes_max));
    }
    return {};
}

}  // namespace

Expected<Report> run_echo(const CommonOptions& common, const EchoOptions& options) {
    if (auto checked = check(options); !checked) return std::unexpected(checked.error());
    auto rig = Rig::create(common, options.connections, io_options_for(options));
    if (!rig) return std::unexpected(rig.error());
    const EchoPace pace{.depth = options.rate > 0 ? 0 : options.depth, .rate = options.rate};
    const Messages messages(options.opcode, options.message_bytes, pace.burst_max(),
                            common.compression, rig->url.is_bare ? Echoer::mirror : Echoer::server);
    Opener opener(*rig->io, rig->url, rig->sources, common.compression);
    EarlyBytes early;
    if (auto opened = open_connections(*rig->io, opener, options.connections,
                                       common.stall_timeout(), rig->progress, 0, early.keep());
        !opened)
        return std::unexpected(opened.error());
    EchoClients clients(*rig->io, messages, options.verify, options.connections, pace,
                        common.stall_timeout());
    if (auto given = early.give_to(clients); !given) return std::unexpected(given.error());
    if (auto connected = rig->meter.check_connected(options.connections); !connected)
        return std::unexpected(connected.error());
    Loop loop(*rig->io, rig->progress);
    loop.add(clients, 0);
    const auto measured = measure(loop, rig->meter, options.lengths);
    if (!measured) return std::unexpected(measured.error());

    Report report = begin_report("echo", common);
    report.add("connections", "connections", std::uint64_t{options.connections});
    if (options.rate > 0) {
        report.add("rate", "messages due per second", options.rate, 1);
    } else {
        report.add("depth", "messages outstanding on each", std::uint64_t{options.depth});
    }
    report.add("message_bytes", "bytes of a message", options.message_bytes);
    report.add("opcode", "kind of message", name_of(options.opcode));
    report.add("verify", "replies compared", options.verify == Verify::full ? "full" : "length");
    add_costs(report, *measured, "message");
    report.add_latency(clients.latency());
    if (options.rate > 0) {
        report.add_latency(clients.lateness(), "late", "sent late,");
        report.add("unsent", "due, but never sent", clients.unsent());
    }
    return report;
}

}  // namespace ringcast::bench
