#include "server/signals.hpp"

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
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
std::atomic<bool> is_hangup_taken{false};  // And not returned by wait() yet.
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

/// Async-signal-safe. Several that come before anybody looks are one.
extern "C" void on_hangup(int) {
    const int error = errno;
    if (!is_hangup_taken.exchange(true, std::memory_order_relaxed))
        notify(waiter_descriptor.load(std::memory_order_relaxed));
    errno = error;
}

}  // namespace

bool has_terminal() noexcept {
    const ring::Descriptor terminal{open("/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)};
    return static_cast<bool>(terminal);
}

SignalWaiter::SignalWaiter(Hangup hangup) : wake_{eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE)} {
    RC_ASSERT(wake_);
    // relaxed: sigaction below is a system call, and the handler runs after it.
    signal_taken.store(0, std::memory_order_relaxed);
    is_hangup_taken.store(false, std::memory_order_relaxed);
    RC_ASSERT(waiter_descriptor.exchange(wake_.get(), std::memory_order_relaxed) < 0);
    struct sigaction ignore{};
    ignore.sa_handler = SIG_IGN;
    RC_ASSERT(sigaction(SIGPIPE, &ignore, &pipe_before_) == 0);
    struct sigaction stop{};
    stop.sa_handler = on_stop_signal;
    stop.sa_flags = SA_RESTART;
    for (std::size_t i = 0; i < stop_signals.size(); ++i)
        RC_ASSERT(sigaction(stop_signals[i], &stop, &stop_before_[i]) == 0);
    RC_ASSERT(sigaction(SIGHUP, nullptr, &hangup_before_) == 0);
    const bool is_ignored = hangup_before_.sa_handler == SIG_IGN;
    if (is_ignored && hangup == Hangup::taken_unless_ignored) return;
    stop.sa_handler = on_hangup;
    RC_ASSERT(sigaction(SIGHUP, &stop, nullptr) == 0);
}

SignalWaiter::~SignalWaiter() {
    for (std::size_t i = 0; i < stop_signals.size(); ++i)
        sigaction(stop_signals[i], &stop_before_[i], nullptr);
    sigaction(SIGHUP, &hangup_before_, nullptr);
    sigaction(SIGPIPE, &pipe_before_, nullptr);
    waiter_descriptor.store(-1, std::memory_order_relaxed);
}

std::optional<Signal> SignalWaiter::wait() {
    std::uint64_t count = 0;
    while (read(wake_.get(), &count, sizeof count) != sizeof count) RC_ASSERT(errno == EINTR);
    if (is_hangup_taken.exchange(false, std::memory_order_relaxed)) return Signal::hangup;
    const int signal = signal_taken.load(std::memory_order_relaxed);
    if (signal == 0 || std::exchange(is_signal_returned_, true)) return std::nullopt;
    return static_cast<Signal>(signal);
}

void SignalWaiter::wake() noexcept {
    notify(wake_.get());
}

}  // namespace ringcast::server
