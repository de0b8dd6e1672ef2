#include "sim/fiber.hpp"

#include <cstdint>
#include <utility>

#include "base/assert.hpp"

#if defined(__SANITIZE_ADDRESS__)
#define RC_ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RC_ADDRESS_SANITIZER
#endif
#endif
#ifdef RC_ADDRESS_SANITIZER
#include <sanitizer/common_interface_defs.h>
#endif

namespace ringcast::sim {
namespace {

// AddressSanitizer follows a switch of stacks only if it is told before and after.

void before_switch([[maybe_unused]] void** own_frames, [[maybe_unused]] const void* bottom,
                   [[maybe_unused]] std::size_t bytes) {
#ifdef RC_ADDRESS_SANITIZER
    __sanitizer_start_switch_fiber(own_frames, bottom, bytes);
#endif
}

void after_switch([[maybe_unused]] void* own_frames, [[maybe_unused]] const void** bottom,
                  [[maybe_unused]] std::size_t* bytes) {
#ifdef RC_ADDRESS_SANITIZER
    __sanitizer_finish_switch_fiber(own_frames, bottom, bytes);
#endif
}

}  // namespace

Fiber::Fiber(std::function<void()> body)
    : body_{std::move(body)}, stack_{std::make_unique_for_overwrite<std::byte[]>(stack_bytes)} {
    RC_ASSERT(getcontext(&own_) == 0);
    own_.uc_stack.ss_sp = stack_.get();
    own_.uc_stack.ss_size = stack_bytes;
    const auto address = reinterpret_cast<std::uintptr_t>(this);
    // makecontext passes ints, and takes any function for one of no arguments.
    makecontext(&own_, reinterpret_cast<void (*)()>(&Fiber::enter), 2,
                static_cast<unsigned int>(address >> 32), static_cast<unsigned int>(address));
}

void Fiber::resume() {
    RC_ASSERT(!has_ended_);
    void* frames = nullptr;
    before_switch(&frames, stack_.get(), stack_bytes);
    swapcontext(&caller_, &own_);
    after_switch(frames, nullptr, nullptr);
    if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
}

void Fiber::pause() {
    void* frames = nullptr;
    switch_back(&frames);
    after_switch(frames, &caller_bottom_, &caller_bytes_);
}

void Fiber::enter(unsigned int high, unsigned int low) {
    const auto address = std::uintptr_t{high} << 32 | low;
    reinterpret_cast<Fiber*>(address)->run();
}

void Fiber::run() {
    after_switch(nullptr, &caller_bottom_, &caller_bytes_);
    try {
        body_();
    } catch (...) {
        thrown_ = std::current_exception();
    }
    has_ended_ = true;
    switch_back(nullptr);
}

void Fiber::switch_back(void** own_frames) {
    before_switch(own_frames, caller_bottom_, caller_bytes_);
    swapcontext(&own_, &caller_);
}

}  // namespace ringcast::sim
