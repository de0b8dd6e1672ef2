#pragma once
// The signals that stop a server, taken as values by one waiting thread. No handler of ours ever
// runs beside other code, apart from the one that ends the process at the second signal.

#include <array>
#include <csignal>
#include <optional>

#include "ring/listen.hpp"

namespace ringcast::server {

enum class StopSignal : int { interrupt = SIGINT, terminate = SIGTERM };

/// Made by the main thread before it starts any other (they inherit the blocked signals), destroyed
/// by the same thread, which restores what was before. One at a time per process.
class SignalWaiter {
public:
    /// Blocks SIGINT and SIGTERM, and ignores SIGPIPE: a peer that went away is an error of one
    /// send, not of the process.
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
    void arm_exit_at_second_signal() noexcept;

    struct sigaction pipe_before_{};
    std::array<struct sigaction, 2> stop_before_{};
    sigset_t mask_before_{};
    ring::Descriptor signals_;
    ring::Descriptor wake_;
};

}  // namespace ringcast::server
