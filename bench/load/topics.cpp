// `ringcast-bench topics`: what a subscription to a topic of its own costs the server in memory.

#include <cstdint>

#include "commands.hpp"
#include "loop.hpp"
#include "memory.hpp"
#include "rig.hpp"
#include "text.hpp"
#include "topic_clients.hpp"

namespace ringcast::bench {

namespace {

/// What the command line alone cannot tell.
Expected<void> check(const CommonOptions& common, const TopicsOptions& options) {
    if (common.compression != Compression::off)
        return fail("with a protocol on top of WebSocket there is no compression");
    const std::string last = fmt::format("{}{}", options.topic_prefix, options.topics() - 1);
    if (last.size() > options.name_bytes)
        return fail("--name-bytes {} is too short for names like {}", options.name_bytes, last);
    if (options.publications > options.topics())
        return fail("there are only {} topics for --publications {}", options.topics(),
                    options.publications);
    return {};
}

/// The server's memory, without anybody, with the connections, and with all subscriptions.
struct Course {
    Memory before;
    Memory connected;
    Memory subscribed;
};

void add_memory(Report& report, const TopicsOptions& options, const Course& course) {
    if (const auto after = course.subscribed.reading.server_bytes) {
        const std::uint64_t before = *course.before.reading.server_bytes;
        report.add("server_rss_bytes_before", "server memory before, bytes", before);
        report.add("server_rss_bytes_connected", "server memory with the connections, bytes",
                   *course.connected.reading.server_bytes);
        report.add("server_rss_bytes", "server memory with the subscriptions, bytes", *after);
        report.add("server_rss_growth_bytes", "server memory grew by, bytes",
                   static_cast<double>(*after) - static_cast<double>(before), 0);
    }
    add_server_growth(report, course.before, course.connected, "connection", options.connections);
    add_server_growth(report, course.connected, course.subscribed, "subscription",
                      options.topics());
    add_slab_growth(report, course.before, course.connected, options.connections,
                    options.connections);
}

}  // namespace

Expected<Report> run_topics(const CommonOptions& common, const TopicsOptions& options) {
    if (auto checked = check(common, options); !checked) return std::unexpected(checked.error());
    auto rig = Rig::create(common, options.connections);
    if (!rig) return std::unexpected(rig.error());
    Course course;
    const auto read = [&](Memory& memory) -> Expected<void> {
        auto now = read_memory(rig->meter);
        if (!now) return std::unexpected(now.error());
        memory = *std::move(now);
        return {};
    };
    if (auto known = read(course.before); !known) return std::unexpected(known.error());
    Opener opener(*rig->io, rig->url, rig->sources);
    if (auto opened = open_connections(*rig->io, opener, options.connections,
                                       common.stall_timeout(), rig->progress);
        !opened)
        return std::unexpected(opened.error());
    TopicClients clients(*rig->io, options, common.stall_timeout());
    Loop loop(*rig->io, rig->progress);
    loop.add(clients, 0);
    if (auto ran = loop.run_until("connecting", [&] { return clients.is_connected(); }); !ran)
        return std::unexpected(ran.error());
    if (auto known = read(course.connected); !known) return std::unexpected(known.error());
    clients.subscribe();
    if (auto ran = loop.run_until("subscribing", [&] { return clients.is_subscribed(); }); !ran)
        return std::unexpected(ran.error());
    const auto subscribed_at = Clock::now();
    if (auto ran = loop.run("holding", options.hold_seconds); !ran)
        return std::unexpected(ran.error());
    if (auto known = read(course.subscribed); !known) return std::unexpected(known.error());
    if (auto served = rig->meter.check_served(course.before.reading, course.subscribed.reading);
        !served)
        return std::unexpected(served.error());
    if (auto flat = check_growth(course.before.reading.server_bytes,
                                 course.subscribed.reading.server_bytes, common.memory_growth_max);
        !flat)
        return std::unexpected(flat.error());
    clients.publish();
    if (auto ran = loop.run_until("publishing", [&] { return clients.has_published(); }); !ran)
        return std::unexpected(ran.error());
    if (auto finished = loop.finish(); !finished) return std::unexpected(finished.error());

    Report report = begin_report("topics", common);
    report.add("connections", "connections", std::uint64_t{options.connections});
    report.add("subscriptions_each", "subscriptions of each", std::uint64_t{options.subscriptions});
    report.add("topics", "topics, all with one subscriber", options.topics());
    report.add("name_bytes", "bytes of a topic's name", std::uint64_t{options.name_bytes});
    report.add("publications", "publications that arrived", std::uint64_t{options.publications});
    report.add("opening_seconds", "connected within, s",
               seconds_between(course.before.reading.time, course.connected.reading.time), 3);
    const double seconds = seconds_between(course.connected.reading.time, subscribed_at);
    report.add("subscribing_seconds", "subscribed within, s", seconds, 3);
    report.add("subscriptions_per_second", "subscriptions per second",
               static_cast<double>(options.topics()) / seconds, 0);
    add_memory(report, options, course);
    return report;
}

}  // namespace ringcast::bench
