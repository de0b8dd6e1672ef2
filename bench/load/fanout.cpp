// `ringcast-bench fanout`: what one delivery of a publication costs the server.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "commands.hpp"
#include "fanout_clients.hpp"
#include "fanout_load.hpp"
#include "joining.hpp"
#include "measurement.hpp"
#include "rig.hpp"
#include "subprotocol.hpp"
#include "text.hpp"

namespace ringcast::bench {

namespace {

/// More often it would be a load, not a probe.
constexpr double probe_interval_seconds_min = 1e-4;

std::string path_below(std::string prefix, const std::string& topic) {
    if (!prefix.ends_with('/')) prefix += '/';
    return prefix + topic;
}

/// All connections of the run, the probe's last, each in its topic by its path.
Expected<void> open_by_path(Rig& rig, const CommonOptions& common, const FanoutOptions& options,
                            EarlyBytes& early) {
    Io& io = *rig.io;
    const Url& url = rig.url;
    Opener opener(io, url, rig.sources, common.compression, options.subprotocol);
    std::vector<std::string> paths;
    for (std::uint32_t topic = 0; topic < options.topics; ++topic)
        paths.push_back(path_below(url.path, options.topic_name(topic)));
    opener.set_paths(paths);
    const std::uint32_t count = options.publishers + options.subscribers;
    auto opened =
        open_connections(io, opener, count, common.stall_timeout(), rig.progress, 0, early.keep());
    if (!opened || !options.has_probe()) return opened;

    const std::vector<std::string> probe_path{path_below(url.path, options.probe_topic_name())};
    opener.set_paths(probe_path);
    return open_connections(io, opener, 1, common.stall_timeout(), rig.progress, count,
                            early.keep());
}

Expected<void> open_all(Rig& rig, const CommonOptions& common, const FanoutOptions& options,
                        const FanoutLoad& load, EarlyBytes& early) {
    const Subprotocol* subprotocol = subprotocol_of(options.protocol);
    return subprotocol != nullptr ? open_and_join(rig, common, options, load, *subprotocol)
                                  : open_by_path(rig, common, options, early);
}

void add_shape(Report& report, const FanoutOptions& options) {
    report.add("subscribers", "subscribers that only listen", std::uint64_t{options.subscribers});
    report.add("publishers", "publishers, subscribers too", std::uint64_t{options.publishers});
    report.add("topics", "topics", std::uint64_t{options.topics});
    report.add("message_bytes", "bytes of a publication", options.message_bytes);
    const Subprotocol* const protocol = subprotocol_of(options.protocol);
    report.add("protocol", "protocol", name_of(options.protocol));
    report.add("opcode", "kind of message",
               name_of(protocol == nullptr ? options.opcode : protocol->opcode()));
    if (!options.subprotocol.empty()) report.add("subprotocol", "subprotocol", options.subprotocol);
    if (options.rate > 0) {
        report.add("rate", "publications due per second", options.rate, 1);
    } else {
        report.add("inflight", "publications outstanding of each", std::uint64_t{options.inflight});
    }
}

/// The probe has too few deliveries for finer quantiles.
void add_probe(Report& report, const FanoutOptions& options, const Histogram& latency) {
    report.add("probe_interval_seconds", "probe published every, s", options.probe_interval_seconds,
               4);
    report.add("probe_deliveries", "probe's deliveries", latency.count());
    const auto add = [&](std::string_view name, std::uint64_t nanoseconds) {
        const std::string key = fmt::format("probe_us_{}", name);
        const std::string label = fmt::format("probe {}, us", name);
        if (latency.count() == 0) {
            report.add_missing(key, label, "none arrived");
        } else {
            report.add(key, label, static_cast<double>(nanoseconds) / 1000, 1);
        }
    };
    add("p50", latency.quantile(0.5));
    add("p99", latency.quantile(0.99));
    add("max", latency.max());
}

/// What the command line alone cannot tell.
Expected<void> check(const CommonOptions& common, const FanoutOptions& options) {
    if (options.protocol != Protocol::raw && common.compression != Compression::off)
        return fail("with a protocol on top of WebSocket there is no compression");
    if (options.topics > options.publishers + options.subscribers)
        return fail("{} topics need at least as many connections", options.topics);
    constexpr std::uint64_t outstanding_max = 1ULL << 26U;
    constexpr std::uint64_t outstanding_bytes_max = 1ULL << 30U;
    const std::uint64_t outstanding = std::uint64_t{options.publishers} * options.inflight;
    if (outstanding > outstanding_max ||
        options.message_bytes > outstanding_bytes_max / outstanding) {
        return fail(
            "--publishers {} times --inflight {} times --message-bytes {} takes too much memory: "
            "at most {} publications and {} may be outstanding",
            options.publishers, options.inflight, options.message_bytes, grouped(outstanding_max),
            byte_text(outstanding_bytes_max));
    }
    if (options.has_probe() && options.probe_interval_seconds < probe_interval_seconds_min)
        return fail("the probe's interval must be at least 0.1 ms");
    return {};
}

}  // namespace

Expected<Report> run_fanout(const CommonOptions& common, const FanoutOptions& options) {
    if (auto checked = check(common, options); !checked) return std::unexpected(checked.error());
    auto rig = Rig::create(common, options.connections());
    if (!rig) return std::unexpected(rig.error());
    FanoutLoad load(options, common.compression);
    EarlyBytes early;
    if (auto opened = open_all(*rig, common, options, load, early); !opened)
        return std::unexpected(opened.error());
    FanoutClients clients(*rig->io, load, options.connections(), common.stall_timeout());
    if (auto given = early.give_to(clients); !given) return std::unexpected(given.error());
    if (auto connected = rig->meter.check_connected(options.connections()); !connected)
        return std::unexpected(connected.error());
    Loop loop(*rig->io, rig->progress);
    loop.add(clients, 0);
    const auto measured = measure(loop, rig->meter, options.lengths);
    if (!measured) return std::unexpected(measured.error());

    Report report = begin_report("fanout", common);
    add_shape(report, options);
    report.add("publications", "publications", load.publications());
    add_costs(report, *measured, "delivery");
    report.add_latency(load.latencies().each);
    report.add_latency(load.latencies().first, "first", "until the first subscriber,");
    report.add_latency(load.latencies().last, "last", "until the last subscriber,");
    if (options.rate > 0) {
        report.add_latency(load.latencies().late, "late", "sent late,");
        report.add("unsent", "due, but never sent", load.unsent());
    }
    if (options.has_probe()) add_probe(report, options, load.latencies().probe);
    return report;
}

}  // namespace ringcast::bench
