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

}  // namespace ringcast::bench
