#pragma once
// Asserts for our own mistakes; what a peer, the kernel or the operator can cause is an error value
// instead.

namespace ringcast {

/// Prints the condition and its place to stderr, then aborts. Never returns.
[[noreturn]] void assert_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace ringcast

/// Checked in every build: a violated invariant stops the process rather than corrupting somebody's
/// bytes.
#define RC_ASSERT(condition)                                           \
    do {                                                               \
        if (!(condition)) [[unlikely]]                                 \
            ::ringcast::assert_failed(#condition, __FILE__, __LINE__); \
    } while (false)

/// For checks that cost more than a few nanoseconds per message: only in builds with
/// RC_DEBUG_ASSERTS.
#ifdef RC_DEBUG_ASSERTS
#define RC_DEBUG_ASSERT(condition) RC_ASSERT(condition)
#else
#define RC_DEBUG_ASSERT(condition) \
    do {                           \
    } while (false)
#endif
