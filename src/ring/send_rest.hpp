#pragma once
// One attempt of a send on a socket, for the ring that makes its system calls itself.

#include <cstdint>
#include <sys/types.h>

#include "ring/ring.hpp"

namespace ringcast::ring {

/// Sends what is left of `submission` after its first `sent` bytes, as much as goes without
/// waiting; one system call. Returns the bytes that went, or -errno. Raises no SIGPIPE.
[[nodiscard]] ssize_t send_rest(const Submission& submission, std::uint64_t sent) noexcept;

}  // namespace ringcast::ring
