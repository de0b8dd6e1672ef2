#include "memory.hpp"

#include <fmt/core.h>

#include "process.hpp"
#include "text.hpp"

namespace ringcast::bench {

namespace {

/// With fewer, what all other processes do to the kernel's memory meanwhile is not little.
constexpr std::uint64_t slab_connections_min = 1000;

double growth_of(std::uint64_t before, std::uint64_t after, std::uint64_t count) {
    return (static_cast<double>(after) - static_cast<double>(before)) / static_cast<double>(count);
}

}  // namespace

Expected<Memory> read_memory(const Meter& meter) {
    const auto reading = meter.read();
    if (!reading) return std::unexpected(reading.error());
    return Memory{.reading = *reading, .slab_bytes = kernel_slab_bytes()};
}

void add_server_growth(Report& report, const Memory& before, const Memory& after,
                       std::string_view unit, std::uint64_t count) {
    if (!before.reading.server_bytes || !after.reading.server_bytes) return;
    report.add(fmt::format("server_rss_bytes_per_{}", unit),
               fmt::format("server memory per {}, bytes", unit),
               growth_of(*before.reading.server_bytes, *after.reading.server_bytes, count), 0);
}

void add_slab_growth(Report& report, const Memory& before, const Memory& after, std::uint64_t count,
                     std::uint64_t connections) {
    constexpr std::string_view key = "kernel_slab_bytes_per_connection";
    constexpr std::string_view label = "kernel memory per connection, both ends, bytes";
    if (connections < slab_connections_min) {
        report.add_missing(key, label,
                           fmt::format("the whole machine's would hide that of fewer than {}",
                                       grouped(slab_connections_min)));
    } else if (!before.slab_bytes || !after.slab_bytes) {
        const auto& unknown = before.slab_bytes ? after.slab_bytes : before.slab_bytes;
        report.add_missing(key, label, unknown.error().message);
    } else {
        report.add(key, label, growth_of(*before.slab_bytes, *after.slab_bytes, count), 0);
    }
}

Expected<void> check_growth(std::optional<std::uint64_t> before, std::optional<std::uint64_t> after,
                            std::optional<std::uint64_t> growth_max) {
    if (!growth_max) return {};
    if (!before || !after) return fail("the server's memory is not known without its --pid");
    if (*after <= *before + *growth_max) return {};
    return fail("the server's memory grew from {} to {} bytes, by more than {}", *before, *after,
                *growth_max);
}

}  // namespace ringcast::bench
