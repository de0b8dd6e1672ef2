#pragma once
// All clocks at one moment: the generator's own CPU time always, the server's CPU time and memory
// when its process is known.

#include <cstdint>
#include <optional>
#include <sys/types.h>

#include "error.hpp"
#include "io.hpp"
#include "process.hpp"

namespace ringcast::bench {

struct Reading {
    Clock::time_point time;
    CpuTime client_cpu;
    std::optional<CpuTime> server_cpu;
    std::optional<std::uint64_t> server_bytes;  ///< Resident.
};

class Meter {
public:
    /// `server` is the process to measure, if any.
    [[nodiscard]] static Expected<Meter> create(std::optional<pid_t> server);

    /// Fails when the server is gone.
    [[nodiscard]] Expected<Reading> read() const;

    /// Fails when the process cannot be the server of so many connections, which are open, since it
    /// has fewer sockets.
    [[nodiscard]] Expected<void> check_connected(std::uint32_t connections) const;
    /// Fails when the process has done so little between two readings that it cannot have been the
    /// one that served all this.
    [[nodiscard]] Expected<void> check_served(const Reading& begin, const Reading& end) const;

    [[nodiscard]] const std::optional<Process>& server() const noexcept { return server_; }

private:
    std::optional<Process> server_;
};

}  // namespace ringcast::bench
