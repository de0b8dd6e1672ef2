#include "meter.hpp"

namespace ringcast::bench {

Expected<Meter> Meter::create(std::optional<pid_t> server) {
    Meter meter;
    if (server) {
        const auto process = Process::find(*server);
        if (!process) return std::unexpected(process.error());
        meter.server_ = *process;
    }
    return meter;
}

Expected<Reading> Meter::read() const {
    Reading reading{
        .time = Clock::now(), .client_cpu = own_cpu_time(), .server_cpu = {}, .server_bytes = {}};
    if (server_) {
        const auto time = server_->cpu_time();
        if (!time) return std::unexpected(time.error());
        const auto bytes = server_->resident_bytes();
        if (!bytes) return std::unexpected(bytes.error());
        reading.server_cpu = *time;
        reading.server_bytes = *bytes;
    }
    return reading;
}

Expected<void> Meter::check_connected(std::uint32_t connections) const {
    if (!server_) return {};
    const auto sockets = server_->socket_count();
    if (!sockets || *sockets >= connections) return {};
    return fail("--pid {} is not the server: that process has {} sockets for {} connections",
                server_->pid(), *sockets, connections);
}

Expected<void> Meter::check_served(const Reading& begin, const Reading& end) const {
    if (!server_) return {};
    // A server costs about as much as its clients; what only has a timer costs far less.
    constexpr double share_min = 0.01;
    const double server = end.server_cpu->total - begin.server_cpu->total;
    const double client = end.client_cpu.total - begin.client_cpu.total;
    if (server > client * share_min) return {};
    return fail(
        "--pid {} is not the server: that process took {:.6f} s of CPU time while the load "
        "generator took {:.6f} s",
        server_->pid(), server, client);
}

}  // namespace ringcast::bench
