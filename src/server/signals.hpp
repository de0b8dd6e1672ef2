#pragma once
// The signals that stop a server, or have it read its certificates again, taken as values by one
// waiting thread. The handlers work on any thread of the process, also on those that a program has
// started before: they only note the signal, or end the process at the second one that stops it.

#include <array>
#include <csignal>
#include <cstdint>
#include <optional>

#include "ring/listen.hpp"

namespace ringcast::server {

enum class Signal : int { interrupt = SIGINT, terminate = SIGTERM, hangup = SIGHUP };

/// Whether the process has a controlling terminal, which sends it SIGHUP when it goes.
[[nodiscard]] bool has_terminal() noexcept;

/// Takes over SIGINT, SIGTERM and SIGHUP while it lives; the destructor restores what was before.
/// One at a time per process.
class SignalWaiter {
public:
    /// Whoever had SIGHUP ignored for us (nohup) does not want us to be stopped by it.
    enum class Hangup : std::uint8_t { taken, taken_unless_ignored };
    /// Also ignores SIGPIPE: a peer that went away is an error of one send, not of the process.
    explicit SignalWaiter(Hangup hangup = Hangup::taken_unless_ignored);
    ~SignalWaiter();
    SignalWaiter(const SignalWaiter&) = delete;
    SignalWaiter& operator=(const SignalWaiter&) = delete;

    /// Waits for a signal, or for wake(), which gives nothing. From the first SIGINT or SIGTERM on
    /// another one ends the process at once, with exit status 128 + signal: whoever asks twice does
    /// not want to wait for a clean shutdown. SIGHUP never does: when a terminal goes, the kernel
    /// and the shell send one each.
    [[nodiscard]] std::optional<Signal> wait();

    /// Ends the current or next wait(). Any thread.
    void wake() noexcept;

private:
    struct sigaction pipe_before_{};
    std::array<struct sigaction, 2> stop_before_{};
    struct sigaction hangup_before_{};
    ring::Descriptor
        wake_;  // An eventfd: one count for each wake(), each SIGHUP and the first signal.
    bool is_signal_returned_ = false;
};

}  // namespace ringcast::server
