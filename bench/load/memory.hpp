#pragma once
// What connections and other things of a server cost in memory: the server's own, and the kernel's
// slabs for both ends of their sockets.

#include <cstdint>
#include <optional>
#include <string_view>

#include "error.hpp"
#include "meter.hpp"
#include "report.hpp"

namespace ringcast::bench {

/// All memory in question.
struct Memory {
    Reading reading;
    Expected<std::uint64_t> slab_bytes = 0;
};

/// Fails when the server is gone.
[[nodiscard]] Expected<Memory> read_memory(const Meter& meter);

/// Adds by how much the server's memory, if it is known, grew for each of `count` things called
/// `unit` ("connection").
void add_server_growth(Report& report, const Memory& before, const Memory& after,
                       std::string_view unit, std::uint64_t count);
/// Likewise the kernel's, for each of `count` connections that came to be `connections`; if those
/// are few it is left out.
void add_slab_growth(Report& report, const Memory& before, const Memory& after, std::uint64_t count,
                     std::uint64_t connections);

/// Fails if the server's memory grew by more than `growth_max` bytes; likewise if there is such a
/// limit and it is not known.
[[nodiscard]] Expected<void> check_growth(std::optional<std::uint64_t> before,
                                          std::optional<std::uint64_t> after,
                                          std::optional<std::uint64_t> growth_max);

}  // namespace ringcast::bench
