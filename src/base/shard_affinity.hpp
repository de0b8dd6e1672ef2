#pragma once
// The proof that a shard's objects are touched by its own thread only; part of every class that a
// shard owns.

#include "base/assert.hpp"

namespace ringcast {

/// A value that differs between any two threads that live at the same time: the address of
/// something each has its own of. (A thread that has ended may have handed its address on.)
inline const void* thread_identity() noexcept {
    static thread_local const char marker = 0;
    return &marker;
}

/// Belongs to the thread that first checks it, so that a shard can be built on one thread and run
/// on another. 8 bytes; a check costs about a nanosecond.
class ShardAffinity {
public:
    /// Asserts that this is the owner's thread.
    void check() const noexcept {
        if (owner_ == nullptr) owner_ = thread_identity();
        RC_ASSERT(owner_ == thread_identity());
    }
    /// Makes the calling thread the owner. The former one must be done.
    void rebind() noexcept { owner_ = thread_identity(); }
    [[nodiscard]] bool is_here() const noexcept {
        return owner_ == nullptr || owner_ == thread_identity();
    }

private:
    mutable const void* owner_ = nullptr;
};

}  // namespace ringcast
