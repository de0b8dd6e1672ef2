#pragma once
// The signals that stop a server, taken as values by one waiting thread. The handler works on any
// thread of the process, also on those that a program has started before: it only notes the signal,
// or ends the process at the second one.

#include <array>
#include <csignal>
#include <optional>

#include "ring/listen.hpp"

namespace ringcast::server {

enum class StopSignal : int { interrupt = SIGINT, terminate = SIGTERM };

/// Takes over SIGINT and SIGTERM while it lives; the destructor restores what was before. One at a
/// time per process.
class SignalWaiter {
public:
    /// Also ignores SIGPIPE: a peer that went away is an error of one send, not of the process.
    SignalWaiter();
    ~SignalWaiter();
    SignalWaiter(const SignalWaiter&) = delete;
    SignalWaiter& operator=(const SignalWaiter&) = delete;

    /// Waits for SIGINT or SIGTERM, or for wake(), which gives nothing. From the first signal on
    /// another one ends the process at once, with exit status 128 + signal: whoever asks twice does
    /// not want to wait for a clean shutdown.
    [[nodiscard]] std::optional<StopSignal> wait();

    /// Ends the current or next wait(). Any thread.
    void wake() noexcept;

private:
    struct sigaction pipe_before_{};
    std::array<struct sigaction, 2> stop_before_{};
    ring::Descriptor wake_;  // An eventfd: one count for each wake() and for the first signal.
    bool is_signal_returned_ = false;
};

}  // namespace ringcast::server
