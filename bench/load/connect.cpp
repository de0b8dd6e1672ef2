// `ringcast-bench connect`: what one connection costs the server, from the TCP handshake over the
// upgrade to the close.

#include <chrono>
#include <cstdint>
#include <vector>

#include "commands.hpp"
#include "handshake.hpp"
#include "histogram.hpp"
#include "meter.hpp"

namespace ringcast::bench {

namespace {

/// Keeps a number of handshakes under way; each connection is closed as soon as it is open, and
/// replaced.
class ConnectLoop {
public:
    ConnectLoop(Io& io, Opener& opener, std::uint32_t inflight)
        : io_(io), opener_(opener), attempts_(inflight) {}

    [[nodiscard]] Expected<void> start() {
        turn_time_ = Clock::now();
        for (std::uint32_t index = 0; index < attempts_.size(); ++index) {
            if (auto begun = begin(index); !begun) return begun;
        }
        return {};
    }

    [[nodiscard]] Expected<void> run(double seconds, std::chrono::nanoseconds stall_timeout) {
        const auto end = Clock::now() + std::chrono::duration<double>(seconds);
        while (turn_time_ < end) {
            const auto events = io_.turn(stall_timeout);
            if (!events) return std::unexpected(events.error());
            if (events->empty())
                return fail("the server stopped answering after {} handshakes", handshakes_);
            turn_time_ = Clock::now();
            for (const Event& event : *events) {
                if (auto handled = handle(event); !handled) {
                    return fail("handshake {}: {}", handshakes_, handled.error().message);
                }
            }
        }
        return {};
    }

    [[nodiscard]] std::uint64_t handshakes() const noexcept { return handshakes_; }
    [[nodiscard]] Histogram& latency() noexcept { return latency_; }

private:
    struct Attempt {
        int fd = -1;
        Clock::time_point started;
    };

    [[nodiscard]] Expected<void> begin(std::uint32_t index) {
        const auto fd = opener_.start(index);
        if (!fd) return std::unexpected(fd.error());
        attempts_[index] = {*fd, turn_time_};
        return {};
    }

    [[nodiscard]] Expected<void> handle(const Event& event) {
        Attempt& attempt = attempts_[event.index];
        const auto opened = opener_.advance(event, attempt.fd);
        if (!opened) return std::unexpected(opened.error());
        if (!*opened) return {};
        latency_.record(static_cast<std::uint64_t>(
            std::chrono::nanoseconds(turn_time_ - attempt.started).count()));
        ++handshakes_;
        io_.close(event.index, attempt.fd);
        return begin(event.index);
    }

    Io& io_;
    Opener& opener_;
    std::vector<Attempt> attempts_;
    Clock::time_point turn_time_;
    std::uint64_t handshakes_ = 0;
    Histogram latency_;
};

}  // namespace

Expected<Report> run_connect(const CommonOptions& common, const ConnectOptions& options) {
    const auto url = parse_url(common.url);
    if (!url) return std::unexpected(url.error());
    const auto meter = Meter::create(common.pid);
    if (!meter) return std::unexpected(meter.error());
    const auto io = Io::create(*url);
    if (!io) return std::unexpected(io.error());
    Opener opener(**io, *url, options.close_kind, true, common.compression);
    ConnectLoop loop(**io, opener, options.inflight);

    if (auto started = loop.start(); !started) return std::unexpected(started.error());
    if (auto ran = loop.run(options.warmup_seconds, common.stall_timeout()); !ran)
        return std::unexpected(ran.error());
    loop.latency().reset();
    const std::uint64_t handshakes_before = loop.handshakes();
    const auto begin = meter->read();
    if (!begin) return std::unexpected(begin.error());
    if (auto ran = loop.run(options.duration_seconds, common.stall_timeout()); !ran) {
        return std::unexpected(ran.error());
    }
    const auto end = meter->read();
    if (!end) return std::unexpected(end.error());
    const std::uint64_t handshakes = loop.handshakes() - handshakes_before;
    if (handshakes == 0) return fail("no handshake finished within {} s", options.duration_seconds);

    Report report;
    report.add("command", "command", "connect");
    report.add("url", "url", common.url);
    report.add("compression", "compression", name_of(common.compression));
    report.add("inflight", "handshakes under way", std::uint64_t{options.inflight});
    report.add("close", "closed by", options.close_kind == CloseKind::reset ? "rst" : "fin");
    meter->add_costs(report, *begin, *end, handshakes, "handshake");
    report.add_latency(loop.latency());
    return report;
}

}  // namespace ringcast::bench
