#include "many_rings.hpp"

#include <algorithm>
#include <cerrno>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace ringcast::bench {

Expected<std::unique_ptr<Io>> ManyRings::create(std::uint32_t connections,
                                                std::uint32_t connections_per_ring,
                                                const IoOptions& options) {
    std::unique_ptr<ManyRings> io(new ManyRings(connections_per_ring));
    io->signal_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (io->signal_ < 0) return fail("cannot create an eventfd: {}", errno_text(errno));
    for (std::uint32_t first = 0; first < connections; first += connections_per_ring) {
        auto ring =
            UringIo::create(first, std::min(connections_per_ring, connections - first), options);
        if (!ring) return std::unexpected(ring.error());
        if (auto signals = (*ring)->signal_through(io->signal_); !signals)
            return std::unexpected(signals.error());
        io->rings_.push_back(std::move(*ring));
    }
    return io;
}

ManyRings::~ManyRings() {
    if (signal_ >= 0) ::close(signal_);
}

Expected<std::span<const Event>> ManyRings::turn(std::chrono::nanoseconds timeout) {
    const auto end = Clock::now() + timeout;
    events_.clear();
    do {
        if (auto turned = turn_each(); !turned) return std::unexpected(turned.error());
    } while (events_.empty() && wait(end));
    return std::span<const Event>(events_);
}

/// Without waiting. The bytes of events are in the rings' buffers until these turn again.
Expected<void> ManyRings::turn_each() {
    for (const auto& ring : rings_) {
        const auto events = ring->turn(std::chrono::nanoseconds(0));
        if (!events) return std::unexpected(events.error());
        events_.insert(events_.end(), events->begin(), events->end());
    }
    return {};
}

/// Until a ring may have something to do, perhaps only what it has done meanwhile; false if that
/// did not come before `end`.
bool ManyRings::wait(Clock::time_point end) const {
    const std::chrono::nanoseconds left =
        std::max(std::chrono::nanoseconds(0), std::chrono::nanoseconds(end - Clock::now()));
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    const timespec limit{.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
    pollfd polled{.fd = signal_, .events = POLLIN, .revents = 0};
    if (ppoll(&polled, 1, &limit, nullptr) == 0) return false;
    std::uint64_t count = 0;
    (void)!read(signal_, &count, sizeof(count));  // Takes it back; there is none after a signal.
    return true;
}

}  // namespace ringcast::bench
