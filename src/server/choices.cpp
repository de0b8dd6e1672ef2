#include "server/choices.hpp"

#include <cstdlib>
#include <fmt/core.h>

#include "simd/mask.hpp"

namespace ringcast::server {

namespace {

/// The connections that are asked for would not fit anywhere else.
std::expected<ring::Backend, std::string> choose_for_direct_descriptors(Io io) {
    if (io == Io::epoll) return std::unexpected{"direct descriptors need io_uring, not epoll"};
    const ring::Probe probe = ring::probe_uring();
    if (!probe.usable) {
        return std::unexpected{"direct descriptors need io_uring, which cannot be used here: " +
                               probe.reason};
    }
    if (probe.direct_descriptors) return ring::Backend::uring;
    return std::unexpected{fmt::format("direct descriptors need Linux {} or newer, and this is {}",
                                       ring::direct_descriptors_since, ring::kernel_release())};
}

}  // namespace

std::expected<ring::Backend, std::string> choose_backend(Io io,
                                                         DirectDescriptors direct_descriptors,
                                                         shard::LogQueue& log) {
    if (direct_descriptors == DirectDescriptors::on) return choose_for_direct_descriptors(io);
    if (io == Io::epoll) return ring::Backend::epoll;
    const ring::Probe probe = ring::probe_uring();
    if (probe.usable) return ring::Backend::uring;
    if (io == Io::uring) return std::unexpected{"io_uring cannot be used here: " + probe.reason};
    log.warn("falling_back_to_epoll").field("reason", probe.reason);
    return ring::Backend::epoll;
}

std::string describe(ring::Backend backend, const ring::Features& features,
                     DirectDescriptors direct_descriptors) {
    if (backend == ring::Backend::epoll) return "epoll";
    return fmt::format("io_uring ({}{})",
                       ring::probe_uring().features.intersect(features).to_string(),
                       direct_descriptors == DirectDescriptors::on ? " direct-descriptors" : "");
}

std::expected<void, std::string> choose_mask_kernel() {
    const char* const name = std::getenv("RINGCAST_SIMD");
    if (name == nullptr || *name == '\0' || simd::select_mask_kernel(name)) return {};
    std::string known;
    for (const simd::MaskKernel& kernel : simd::mask_kernels()) {
        if (kernel.supported()) known.append(known.empty() ? "" : ", ").append(kernel.name);
    }
    return std::unexpected{fmt::format("RINGCAST_SIMD={}: this machine has {}", name, known)};
}

}  // namespace ringcast::server
