#include "server/signals.hpp"

#include <cerrno>
#include <cstdint>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/assert.hpp"

namespace ringcast::server {
namespace {

constexpr std::array stop_signals{SIGINT, SIGTERM};

sigset_t stop_set() noexcept {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : stop_signals) sigaddset(&set, signal);
    return set;
}

/// Async-signal-safe. No destructor runs and nothing is flushed: that is what "at once" means.
extern "C" void exit_at_once(int signal) {
    _exit(128 + signal);
}

}  // namespace

SignalWaiter::SignalWaiter() {
    struct sigaction ignore{};
    ignore.sa_handler = SIG_IGN;
    RC_ASSERT(sigaction(SIGPIPE, &ignore, &pipe_before_) == 0);
    for (std::size_t i = 0; i < stop_signals.size(); ++i) {
        RC_ASSERT(sigaction(stop_signals[i], nullptr, &stop_before_[i]) == 0);
    }
    const sigset_t set = stop_set();
    RC_ASSERT(pthread_sigmask(SIG_BLOCK, &set, &mask_before_) == 0);
    signals_ = ring::Descriptor{signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
    wake_ = ring::Descriptor{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    RC_ASSERT(signals_ && wake_);
}

SignalWaiter::~SignalWaiter() {
    for (std::size_t i = 0; i < stop_signals.size(); ++i) {
        sigaction(stop_signals[i], &stop_before_[i], nullptr);
    }
    sigaction(SIGPIPE, &pipe_before_, nullptr);
    pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
}

std::optional<StopSignal> SignalWaiter::wait() {
    while (true) {
        std::array<pollfd, 2> events{pollfd{.fd = signals_.get(), .events = POLLIN, .revents = 0},
                                     pollfd{.fd = wake_.get(), .events = POLLIN, .revents = 0}};
        const int ready = poll(events.data(), events.size(), -1);
        if (ready < 0) {
            RC_ASSERT(errno == EINTR);
            continue;
        }
        signalfd_siginfo information{};
        if (read(signals_.get(), &information, sizeof information) == sizeof information) {
            arm_exit_at_second_signal();
            return static_cast<StopSignal>(information.ssi_signo);
        }
        std::uint64_t count = 0;
        if (read(wake_.get(), &count, sizeof count) == sizeof count) return std::nullopt;
    }
}

void SignalWaiter::wake() noexcept {
    const std::uint64_t one = 1;
    // Fails only when the counter is about to overflow, and then the waiter is awake anyway.
    [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof one);
}

void SignalWaiter::arm_exit_at_second_signal() noexcept {
    struct sigaction exit{};
    exit.sa_handler = exit_at_once;
    for (const int signal : stop_signals) sigaction(signal, &exit, nullptr);
    const sigset_t set = stop_set();
    pthread_sigmask(SIG_UNBLOCK, &set,
                    nullptr);  // In this thread alone: the others keep their peace.
}

}  // namespace ringcast::server
