#include "advice/capacity.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fmt/core.h>
#include <utility>

#include "advice/text.hpp"
#include "base/assert.hpp"
#include "server/limits.hpp"
#include "server/placement.hpp"

namespace ringcast::advice {
namespace {

/// One section of the answer.
struct Sheet {
    std::string_view section;
    std::vector<Line> lines{};
    double total = 0;

    void add(Line line) {
        line.section = section;
        total += line.value;
        lines.push_back(std::move(line));
    }
    /// `count` times what `cost` says of one.
    void add(std::string_view key, std::string_view what, std::uint64_t count, const Cost& cost) {
        add({.key = key,
             .what = what,
             .value = static_cast<double>(count) * static_cast<double>(cost.bytes),
             .how = count == 1 ? cost.parts
                               : fmt::format("{} x {}: {}", grouped(count),
                                             rounded_bytes(cost.bytes), cost.parts),
             .source = cost.source});
    }
};

void add_compression(Sheet& sheet, const Load& load, const Setup& setup) {
    if (setup.options.compression == Compression::off) return;
    sheet.add("compression", "compression", load.connections, compression_cost());
    if (setup.options.compression != Compression::dedicated) return;
    Cost cost = contexts_cost();
    const std::uint64_t room = setup.shards * (setup.options.compression_memory_max / cost.bytes);
    if (room < load.connections)
        cost.parts += "; the others as with shared, for --compression-memory-max";
    sheet.add("contexts", "compression contexts", std::min(load.connections, room), cost);
}

void add_topics(Sheet& sheet, const Load& load, const Setup& setup) {
    if (!load.subscribers) return;
    sheet.add("subscriptions", "subscriptions", load.topics * *load.subscribers,
              subscription_cost());
    const std::uint64_t places = std::clamp<std::uint64_t>(*load.subscribers, 1, setup.shards);
    sheet.add("topics", "topics", load.topics, topic_cost(places));
}

Sheet process_sheet(const Load& load, const Setup& setup) {
    Sheet sheet{"Memory of the process"};
    sheet.add("program", "program", 1, program_cost());
    sheet.add("shards", "shards", setup.shards, shard_cost(setup));
    sheet.add("connections", "connections, idle", load.connections, connection_cost(setup));
    if (load.tls) sheet.add("tls", "TLS", load.connections, tls_cost());
    add_compression(sheet, load, setup);
    add_topics(sheet, load, setup);
    return sheet;
}

Sheet kernel_sheet(const Load& load, const Setup& setup) {
    Sheet sheet{"Memory of the kernel"};
    sheet.add("sockets", "sockets, idle", load.connections, socket_cost(setup));
    sheet.add("rings", "rings", setup.shards, ring_cost(setup));
    return sheet;
}

/// What is there only while something is on its way.
Sheet queues_sheet(const Load& load, const Setup& setup) {
    const server::Options& options = setup.options;
    Sheet sheet{"Memory for what is on its way, at most"};
    const std::uint64_t per_client = options.send_queue_bytes_max + options.message_bytes_max;
    if (load.connections * per_client < setup.shards * options.message_memory_max) {
        sheet.add("queues", "messages and backlogs", load.connections,
                  {per_client, "--send-queue-bytes-max and --message-bytes-max", &code_source()});
    } else {
        sheet.add("queues", "messages and backlogs", setup.shards,
                  {options.message_memory_max, "--message-memory-max", &code_source()});
    }
    sheet.add("mesh", "queues between shards", 1, mesh_cost(setup));
    return sheet;
}

struct CpuSheet {
    Sheet sheet{"CPU"};
    double cores_alone = 0;  ///< As time_of() means that.
};

CpuSheet cpu_sheet(const Load& load, const Setup& setup) {
    CpuSheet cpu;
    const auto add = [&](Work work, double rate, std::uint64_t message_bytes, std::string_view key,
                         std::string_view what) {
        constexpr double second_us = 1e6;
        const Time time = time_of(work, setup, message_bytes);
        cpu.cores_alone += rate * time.microseconds_alone / second_us;
        cpu.sheet.add({.key = key,
                       .what = what,
                       .value = rate * time.microseconds / second_us,
                       .unit = Unit::cores,
                       .how = fmt::format("{}/s x {:.1f} us", rate_text(rate), time.microseconds),
                       .source = time.source});
    };
    if (load.subscribers) {
        add(Work::publication, load.rate, load.message_bytes, "publications",
            "publications, each to one");
        add(Work::delivery, load.rate_out() - load.rate, load.message_bytes, "deliveries",
            "deliveries to the others");
    } else {
        add(Work::echo, load.rate, load.message_bytes, "echoes", "messages and their answers");
    }
    if (setup.options.ping_interval > Duration{}) {
        constexpr std::uint64_t ping_bytes = 8;
        const std::chrono::duration<double> interval = setup.options.ping_interval;
        add(Work::echo, static_cast<double>(load.connections) / interval.count(), ping_bytes,
            "pings", "pings to silent clients");
    }
    return cpu;
}

Sheet network_sheet(const Load& load, const Setup& setup) {
    Sheet sheet{"Network"};
    const bool is_compressed = setup.options.compression != Compression::off &&
                               load.message_bytes >= setup.options.compression_threshold;
    const auto add = [&](std::string_view key, std::string_view what, double rate, bool by_client) {
        const std::uint64_t payload =
            is_compressed ? compressed_bytes(load.message_bytes) : load.message_bytes;
        const Wire wire = wire_of(payload, by_client, load.tls);
        constexpr double bits = 8;
        sheet.add({.key = key,
                   .what = what,
                   .value = rate * static_cast<double>(wire.bytes) * bits,
                   .unit = Unit::bits_per_second,
                   .how = fmt::format("{}/s x {}, in {}", rate_text(rate),
                                      counted(wire.bytes, "byte"), counted(wire.packets, "packet")),
                   .source = is_compressed ? &compression_source() : wire.source});
    };
    add("from_clients", "from clients", load.rate, true);
    add("to_clients", "to clients", load.rate_out(), false);
    return sheet;
}

Line sum_of(std::string_view section, std::string_view key, std::string_view what, double value,
            Unit unit, std::string how) {
    return {.section = section,
            .key = key,
            .what = what,
            .value = value,
            .unit = unit,
            .how = std::move(how),
            .source = nullptr};
}

}  // namespace

const Line& Capacity::line(std::string_view key) const {
    const auto found = std::ranges::find(lines, key, &Line::key);
    RC_ASSERT(found != lines.end());
    return *found;
}

Capacity estimate(const Load& load, const server::Options& options) {
    const bool is_epoll = options.io == server::IoChoice::epoll;
    Setup setup{.backend = is_epoll ? ring::Backend::epoll : ring::Backend::uring,
                .tls = load.tls,
                .options = options};
    CpuSheet cpu = cpu_sheet(load, setup);
    const double cores = cpu.sheet.total;
    const double shards = std::clamp(std::ceil(cores / load_max), 1.0, double{server::shards_max});
    setup.shards = options.shards.value_or(static_cast<std::uint32_t>(shards));

    Capacity result{.load = load, .backend = setup.backend, .shards = setup.shards};
    const auto take = [&result](Sheet sheet) {
        std::ranges::move(sheet.lines, std::back_inserter(result.lines));
        return static_cast<std::uint64_t>(sheet.total);
    };
    result.idle_bytes = take(process_sheet(load, setup));
    result.idle_bytes += take(kernel_sheet(load, setup));
    result.worst_bytes = result.idle_bytes + take(queues_sheet(load, setup));
    constexpr std::string_view altogether = "Memory altogether";
    result.lines.push_back(sum_of(altogether, "idle", "when nothing is on its way",
                                  static_cast<double>(result.idle_bytes), Unit::bytes,
                                  "process and kernel"));
    result.lines.push_back(sum_of(altogether, "worst", "when all queues are full",
                                  static_cast<double>(result.worst_bytes), Unit::bytes,
                                  "and what is on its way; net.ipv4.tcp_mem limits what sockets "
                                  "hold"));
    const server::FileNeeds files = file_needs(options, setup.shards);
    result.files = server::file_limit_for(files, load.connections);
    result.lines.push_back(
        {.section = "Open files",
         .key = "files",
         .what = "open files",
         .value = static_cast<double>(result.files),
         .unit = Unit::count,
         .how =
             files.has_direct_descriptors
                 ? std::string{"the limit, which holds for each shard's direct descriptors"}
                 : fmt::format("one for each connection, and {}", result.files - load.connections),
         .source = &code_source()});
    take(std::move(cpu.sheet));
    result.lines.push_back(
        sum_of("CPU", "cores", "cores", cores, Unit::cores,
               fmt::format("{}, {:.0f} % of a core for each", counted(setup.shards, "shard"),
                           cores / setup.shards * 100)));
    // No shard takes more than its core.
    result.lines.push_back({.section = "CPU",
                            .key = "cores_alone",
                            .what = "as top shows it, at most",
                            .value = std::min(cpu.cores_alone, static_cast<double>(setup.shards)),
                            .unit = Unit::cores,
                            .how = "while messages come one by one: each has a turn of the loop",
                            .source = &alone_source()});
    take(network_sheet(load, setup));
    return result;
}

}  // namespace ringcast::advice
