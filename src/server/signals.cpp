#include "server/signals.hpp"

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>

#include "base/assert.hpp"

namespace ringcast::server {
namespace {

constexpr std::array stop_signals{SIGINT, SIGTERM};

// What the handler knows. Signals may come on any thread of the process, several at once.
std::atomic<int> waiter_descriptor{-1};
std::atomic<int> signal_taken{0};
static_assert(std::atomic<int>::is_always_lock_free);

void notify(int descriptor) noexcept {
    const std::uint64_t one = 1;
    // Fails only when the counter is about to overflow, and then the waiter is awake anyway.
    [[maybe_unused]] const ssize_t written = write(descriptor, &one, sizeof one);
}

/// Async-signal-safe. The first signal is noted; at the second no destructor runs and nothing is
/// flushed: that is what "at once" means.
extern "C" void on_stop_signal(int signal) {
    const int error = errno;
    if (signal_taken.exchange(signal, std::memory_order_relaxed) != 0) _exit(128 + signal);
    notify(waiter_descriptor.load(std::memory_order_relaxed));
    errno = error;
}

}  // namespace

SignalWaiter::SignalWaiter() : wake_{eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE)} {
    RC_ASSERT(wake_);
    // relaxed: sigaction below is a system call, and the handler runs after it.
    signal_taken.store(0, std::memory_order_relaxed);
    RC_ASSERT(waiter_descriptor.exchange(wake_.get(), std::memory_order_relaxed) < 0);
    struct sigaction ignore{};
    ignore.sa_handler = SIG_IGN;
    RC_ASSERT(sigaction(SIGPIPE, &ignore, &pipe_before_) == 0);
    struct sigaction stop{};
    stop.sa_handler = on_stop_signal;
    stop.sa_flags = SA_RESTART;
    for (std::size_t i = 0; i < stop_signals.size(); ++i)
        RC_ASSERT(sigaction(stop_signals[i], &stop, &stop_before_[i]) == 0);
}

SignalWaiter::~SignalWaiter() {
    for (std::size_t i = 0; i < stop_signals.size(); ++i)
        sigaction(stop_signals[i], &stop_before_[i], nullptr);
    sigaction(SIGPIPE, &pipe_before_, nullptr);
    waiter_descriptor.store(-1, std::memory_order_relaxed);
}

std::optional<StopSignal> SignalWaiter::wait() {
    std::uint64_t count = 0;
    while (read(wake_.get(), &count, sizeof count) != sizeof count) RC_ASSERT(errno == EINTR);
    const int signal = signal_taken.load(std::memory_order_relaxed);
    if (signal == 0 || std::exchange(is_signal_returned_, true)) return std::nullopt;
    return static_cast<StopSignal>(signal);
}

void SignalWaiter::wake() noexcept {
    notify(wake_.get());
}

}  // namespace ringcast::server
