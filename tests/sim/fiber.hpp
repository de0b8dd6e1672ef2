#pragma once
// A function that can be left in the middle and gone on with later: a shard that waits in its ring
// while the others run, all in one thread and in an order that the driver chooses.

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <ucontext.h>

namespace ringcast::sim {

/// Runs `body` on a stack of its own. Destroyed at any time: what is on its stack then is
/// forgotten, not unwound.
class Fiber {
public:
    explicit Fiber(std::function<void()> body);
    Fiber(const Fiber&) = delete;
    Fiber& operator=(const Fiber&) = delete;

    /// Runs it until it pauses or ends; not after its end. Throws what the body throws.
    void resume();
    /// From within the body: back to resume().
    void pause();
    [[nodiscard]] bool has_ended() const noexcept { return has_ended_; }

private:
    static void enter(unsigned int high, unsigned int low);
    void run();
    /// Leaves this stack for good or, with `own_frames`, until the next resume().
    void switch_back(void** own_frames);

    static constexpr std::size_t stack_bytes = 256 << 10;

    std::function<void()> body_;
    std::unique_ptr<std::byte[]> stack_;
    ucontext_t own_{}, caller_{};
    std::exception_ptr thrown_;
    bool has_ended_ = false;
    // What AddressSanitizer has to be told about the caller's stack.
    const void* caller_bottom_ = nullptr;
    std::size_t caller_bytes_ = 0;
};

}  // namespace ringcast::sim
