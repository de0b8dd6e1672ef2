#pragma once
// What of this machine a server makes use of, where there is a choice: the way to talk to the
// kernel, and the instructions that unmask.

#include <expected>
#include <string>

#include "ring/make_ring.hpp"
#include "ringcast/settings.hpp"
#include "shard/log.hpp"

namespace ringcast::server {

/// Says in `log` when io_uring was wanted and epoll has to do, which it never has for direct
/// descriptors. The error is one sentence.
[[nodiscard]] std::expected<ring::Backend, std::string> choose_backend(
    Io io, DirectDescriptors direct_descriptors, shard::LogQueue& log);

/// For people: `epoll`, or `io_uring (defer-taskrun ...)` with those of `features` that are there,
/// and `direct-descriptors` if they are on.
[[nodiscard]] std::string describe(ring::Backend backend, const ring::Features& features,
                                   DirectDescriptors direct_descriptors);

/// RINGCAST_SIMD names a kernel other than the best one: for tests, and for whoever doubts. The
/// error is one sentence.
[[nodiscard]] std::expected<void, std::string> choose_mask_kernel();

}  // namespace ringcast::server
