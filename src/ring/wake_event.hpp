#pragma once
// The eventfd behind a Waker: other threads add to it, the ring's thread reads it. It is a blocking
// descriptor, because io_uring would fail a read of a non-blocking one at once instead of waiting
// for it; nobody can block on a write, since that needs 2^64 wakes that were not read.

#include <cstdint>
#include <expected>
#include <string>

#include "ring/listen.hpp"
#include "ring/ring.hpp"

namespace ringcast::ring {

class WakeEvent {
public:
    /// The error is one sentence.
    [[nodiscard]] static std::expected<WakeEvent, std::string> open();

    [[nodiscard]] int fd() const noexcept { return descriptor_.get(); }
    /// For other threads; valid while this object lives and stays where it is.
    [[nodiscard]] Waker waker() noexcept { return Waker{&WakeEvent::wake, this}; }
    /// Resets the counter. Only after epoll said that it is readable, else it would block.
    void consume() const noexcept;

private:
    static void wake(void* context) noexcept;

    Descriptor descriptor_;
};

}  // namespace ringcast::ring
