// `ringcast-bench storm`: thousands of clients that lose their connections, miss publications, and
// all come back at once: whether each gets what it has missed, how long that takes, and what those
// feel who listen to something else meanwhile.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "commands.hpp"
#include "fanout_clients.hpp"
#include "fanout_load.hpp"
#include "joining.hpp"
#include "loop.hpp"
#include "memory.hpp"
#include "rig.hpp"
#include "storm_clients.hpp"

namespace ringcast::bench {

namespace {

/// What the command line alone cannot tell.
Expected<void> check(const CommonOptions& common, const StormOptions& options) {
    if (common.compression != Compression::off)
        return fail("with a protocol on top of WebSocket there is no compression");
    const double deliveries = static_cast<double>(options.live_subscribers) * options.live_rate;
    constexpr double deliveries_max = 1e7;
    if (deliveries > deliveries_max)
        return fail("--live-subscribers {} times --live-rate {} is more than any server delivers",
                    options.live_subscribers, options.live_rate);
    return {};
}

/// The most of the server's memory, read often enough.
class PeakMemory {
public:
    explicit PeakMemory(const Meter& meter) : meter_(meter) {}

    /// Reads it if it is time to.
    void watch() {
        constexpr auto interval = std::chrono::milliseconds(10);
        const auto now = Clock::now();
        if (!meter_.server() || now < next_) return;
        next_ = now + interval;
        if (const auto bytes = meter_.server()->resident_bytes()) note(*bytes);
    }
    void note(std::uint64_t bytes) { peak_ = std::max(peak_.value_or(0), bytes); }
    [[nodiscard]] std::optional<std::uint64_t> bytes() const noexcept { return peak_; }

private:
    const Meter& meter_;
    Clock::time_point next_;
    std::optional<std::uint64_t> peak_;
};

/// What a run has come to.
struct Outcome {
    Reading before;     ///< All listen.
    Reading begun;      ///< All are away.
    Reading recovered;  ///< All are back.
    Reading settled;
    std::optional<std::uint64_t> peak_bytes;
    FanoutLatencies calm;
    FanoutLatencies stormy;
};

Expected<void> take_reading(const Meter& meter, Reading& reading) {
    const auto now = meter.read();
    if (!now) return std::unexpected(now.error());
    reading = *now;
    return {};
}

/// From the first subscription until the server is calm again.
Expected<void> run_course(Loop& loop, const Meter& meter, const StormOptions& options,
                          FanoutLoad& load, StormClients& storm, Outcome& outcome) {
    using Stage = StormClients::Stage;
    PeakMemory peak(meter);
    const auto reach = [&](std::string_view part, Stage stage) {
        return loop.run_until(part, [&, stage] {
            peak.watch();
            return storm.stage() == stage;
        });
    };
    if (auto ran = reach("subscribing", Stage::listening); !ran) return ran;
    const auto calm_begin = Clock::now();
    load.measure({calm_begin, calm_begin + nanoseconds_of(options.before_seconds)});
    if (auto ran = loop.run("measuring before the storm", options.before_seconds); !ran) return ran;
    if (auto known = take_reading(meter, outcome.before); !known) return known;
    storm.cut_off(Clock::now());
    if (auto ran = reach("publishing what they miss", Stage::away); !ran) return ran;
    outcome.calm = load.take_latencies();
    if (auto known = take_reading(meter, outcome.begun); !known) return known;

    load.measure({outcome.begun.time, Clock::time_point::max()});
    storm.come_back(Clock::now());
    if (auto ran = reach("recovering", Stage::back); !ran) return ran;
    if (auto known = take_reading(meter, outcome.recovered); !known) return known;
    load.measure({outcome.begun.time, outcome.recovered.time});
    if (auto ran = loop.run("settling", options.settle_seconds); !ran) return ran;
    if (auto known = take_reading(meter, outcome.settled); !known) return known;
    outcome.stormy = load.take_latencies();
    load.measure({});
    for (const Reading& reading : {outcome.before, outcome.recovered, outcome.settled}) {
        if (reading.server_bytes) peak.note(*reading.server_bytes);
    }
    outcome.peak_bytes = peak.bytes();
    if (auto served = meter.check_served(outcome.before, outcome.settled); !served) return served;
    return loop.finish();
}

void add_live(Report& report, const StormOptions& options, const Outcome& outcome) {
    report.add("live_subscribers", "live subscribers", std::uint64_t{options.live_subscribers});
    report.add("live_rate", "publications to them due per second", options.live_rate, 1);
    report.add("calm_deliveries", "live deliveries before the storm", outcome.calm.each.count());
    report.add("storm_deliveries", "live deliveries during the storm", outcome.stormy.each.count());
    report.add_latency(outcome.calm.each, "calm", "live before the storm,");
    report.add_latency(outcome.stormy.each, "storm", "live during the storm,");
    report.add_latency(outcome.stormy.late, "late", "sent late during the storm,");
}

void add_memory(Report& report, const Outcome& outcome) {
    if (!outcome.before.server_bytes) return;
    const std::uint64_t before = *outcome.before.server_bytes;
    const std::uint64_t after = *outcome.settled.server_bytes;
    const auto growth = [&](std::uint64_t bytes) {
        return static_cast<double>(bytes) - static_cast<double>(before);
    };
    const std::uint64_t peak = *outcome.peak_bytes;
    report.add("server_rss_bytes_before", "server memory before, bytes", before);
    report.add("server_rss_bytes_peak", "server memory at most, bytes", peak);
    report.add("server_rss_bytes", "server memory after, bytes", after);
    report.add("server_rss_peak_growth_bytes", "server memory grew at most by, bytes", growth(peak),
               0);
    report.add("server_rss_growth_bytes", "server memory grew by, bytes", growth(after), 0);
}

}  // namespace

Expected<Report> run_storm(const CommonOptions& common, const StormOptions& options) {
    if (auto checked = check(common, options); !checked) return std::unexpected(checked.error());
    const FanoutOptions live_options = options.live();
    const std::uint32_t live_count = live_options.connections();
    const std::uint32_t storm_count = options.clients + 1;
    auto rig = Rig::create(common, live_count + storm_count);
    if (!rig) return std::unexpected(rig.error());
    FanoutLoad load(live_options);
    if (auto opened = open_and_join(*rig, common, live_options, load, centrifuge()); !opened)
        return std::unexpected(opened.error());
    Opener opener(*rig->io, rig->url, rig->sources);
    if (auto opened = open_connections(*rig->io, opener, storm_count, common.stall_timeout(),
                                       rig->progress, live_count);
        !opened)
        return std::unexpected(opened.error());
    FanoutClients live(*rig->io, load, live_count, common.stall_timeout());
    StormClients storm(*rig->io, opener, options, common.stall_timeout(), live_count);
    Loop loop(*rig->io, rig->progress);
    loop.add(live, 0);
    loop.add(storm, live_count);
    Outcome outcome;
    if (auto ran = run_course(loop, rig->meter, options, load, storm, outcome); !ran)
        return std::unexpected(ran.error());
    if (auto flat =
            check_growth(outcome.before.server_bytes, outcome.peak_bytes, common.memory_growth_max);
        !flat)
        return std::unexpected(flat.error());

    Report report = begin_report("storm", common);
    report.add("clients", "clients that came back at once", std::uint64_t{options.clients});
    report.add("missed", "publications that each had missed", std::uint64_t{options.missed});
    report.add("message_bytes", "bytes of a publication", options.message_bytes);
    report.add("recovered", "recovered", storm.recovered());
    report.add("not_recovered", "told that they are not recovered", storm.not_recovered());
    const double seconds = seconds_between(outcome.begun.time, outcome.recovered.time);
    report.add("recovery_seconds", "all were back within, s", seconds, 3);
    report.add("recovered_per_second", "recovered publications per second",
               static_cast<double>(storm.recovered() * options.missed) / seconds, 0);
    report.add_latency(storm.recoveries(), "recovery", "back after,");
    if (outcome.begun.server_cpu) {
        report.add("server_cpu_seconds", "server CPU during the storm, s",
                   outcome.recovered.server_cpu->total - outcome.begun.server_cpu->total, 3);
    }
    report.add("client_cpu_seconds", "client CPU during the storm, s",
               outcome.recovered.client_cpu.total - outcome.begun.client_cpu.total, 3);
    add_live(report, options, outcome);
    add_memory(report, outcome);
    return report;
}

}  // namespace ringcast::bench
