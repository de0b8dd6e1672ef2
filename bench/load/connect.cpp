// `ringcast-bench connect`: what one connection costs the server, from the TCP handshake over the
// upgrade to the close.

#include <chrono>
#include <cstdint>
#include <vector>

#include "commands.hpp"
#include "handshake.hpp"
#include "histogram.hpp"
#include "measurement.hpp"
#include "rig.hpp"

namespace ringcast::bench {

namespace {

/// Keeps a number of handshakes under way; each connection is closed as soon as it is open, and
/// replaced.
class ConnectClients final : public Crowd {
public:
    ConnectClients(Io& io, Opener& opener, std::uint32_t inflight,
                   std::chrono::nanoseconds stall_timeout)
        : io_(io), opener_(opener), attempts_(inflight), stall_(stall_timeout) {
        for (std::uint32_t index = 0; index < inflight; ++index) due_.push_back(index);
    }

    [[nodiscard]] std::string_view name() const noexcept override { return "connect"; }
    [[nodiscard]] std::string_view unit() const noexcept override { return "handshake"; }
    [[nodiscard]] std::uint64_t count() const noexcept override { return handshakes_; }
    /// From making the socket to having the answer.
    [[nodiscard]] const Histogram& latency() const noexcept { return latency_; }

    void start(Clock::time_point now) override { stall_.reset(now); }
    void measure(const Interval& interval) noexcept override { measured_ = interval; }

    [[nodiscard]] Expected<void> act(Clock::time_point now) override {
        for (const std::uint32_t index : due_) {
            const auto fd = opener_.start(index);
            if (!fd) return std::unexpected(fd.error());
            attempts_[index] = {*fd, now};
            ++under_way_;
        }
        due_.clear();
        return {};
    }

    [[nodiscard]] Clock::time_point next_due(Clock::time_point otherwise) const noexcept override {
        return otherwise;
    }

    [[nodiscard]] Expected<void> handle(const Event& event, Clock::time_point now) override {
        stall_.reset(now);
        const Attempt& attempt = attempts_[event.index];
        const auto opened = opener_.advance(event, attempt.fd);
        if (!opened) return fail("handshake {}: {}", handshakes_, opened.error().message);
        if (!*opened) return {};
        if (measured_.contains(attempt.started))
            latency_.record(nanoseconds_between(attempt.started, now));
        ++handshakes_;
        --under_way_;
        io_.close(event.index, attempt.fd);
        if (!stopped_) due_.push_back(event.index);
        return {};
    }

    [[nodiscard]] Expected<void> check(Clock::time_point now) override {
        if (!stall_.is_over(now) || is_finished()) return {};
        return fail("the server stopped answering after {} handshakes", handshakes_);
    }

    void stop(Clock::time_point) override {
        stopped_ = true;
        due_.clear();
    }
    [[nodiscard]] bool is_finished() const noexcept override { return stopped_ && under_way_ == 0; }

private:
    struct Attempt {
        int fd = -1;
        Clock::time_point started;
    };

    Io& io_;
    Opener& opener_;
    std::vector<Attempt> attempts_;
    StallWatch stall_;
    std::vector<std::uint32_t> due_;  ///< To be begun.
    std::uint32_t under_way_ = 0;
    bool stopped_ = false;
    Interval measured_;
    std::uint64_t handshakes_ = 0;
    Histogram latency_;
};

}  // namespace

Expected<Report> run_connect(const CommonOptions& common, const ConnectOptions& options) {
    auto rig = Rig::create(common, options.inflight);
    if (!rig) return std::unexpected(rig.error());
    Opener opener(*rig->io, rig->url, rig->sources, options.close_kind, common.compression);
    ConnectClients clients(*rig->io, opener, options.inflight, common.stall_timeout());
    Loop loop(*rig->io, rig->progress);
    loop.add(clients, 0);
    const auto measured = measure(loop, rig->meter, options.lengths);
    if (!measured) return std::unexpected(measured.error());

    Report report = begin_report("connect", common);
    report.add("inflight", "handshakes under way", std::uint64_t{options.inflight});
    report.add("close", "closed by", options.close_kind == CloseKind::reset ? "rst" : "fin");
    add_costs(report, *measured, "handshake");
    report.add_latency(clients.latency());
    return report;
}

}  // namespace ringcast::bench
