#include "ring/make_ring.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <sys/utsname.h>

#include "ring/direct_probe.hpp"
#include "ring/epoll.hpp"
#include "ring/error.hpp"
#include "ring/uring.hpp"

namespace ringcast::ring {
namespace {

/// How many receive buffers a ring has, and how large they are, unless it is told.
struct BufferShape {
    std::uint32_t count;
    std::uint32_t bytes;
};
// A message of 64 KiB, the longest by default, fits into one buffer of 128 KiB with its header and
// is not copied. The whole ring stays in the cache. The less of it there is the better, since what
// one turn receives it sends before it receives more; but where the kernel fills the buffers, each
// receive that finds none has to be armed again.
constexpr BufferShape epoll_buffers{2, 128u << 10};
constexpr BufferShape incremental_buffers{8, 128u << 10};
constexpr BufferShape whole_buffers{256, 4u << 10};
constexpr std::uint32_t buffers_count_max = 32768;
constexpr std::uint32_t buffer_bytes_min = 64;
constexpr std::uint32_t buffer_bytes_max = 1u << 30;

/// What UringRing cannot do without. Together with DEFER_TASKRUN (6.1) this is every kernel
/// from 6.1 on; older ones also forget how much of a quiet send went before it failed.
constexpr std::uint32_t needed_features = IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE |
                                          IORING_FEAT_FAST_POLL | IORING_FEAT_EXT_ARG |
                                          IORING_FEAT_CQE_SKIP;

[[nodiscard]] Options with_defaults(Options options, BufferShape shape) noexcept {
    if (options.buffers_count == 0) options.buffers_count = shape.count;
    if (options.buffer_bytes == 0) options.buffer_bytes = shape.bytes;
    return options;
}

/// The first fault of `options` as a sentence, or nothing.
[[nodiscard]] std::string fault_of(const Options& options) {
    if (!std::has_single_bit(options.submissions_max))
        return "the number of submissions must be a power of two";
    if (!std::has_single_bit(options.completions_max) ||
        options.completions_max < options.submissions_max)
        return "the number of completions must be a power of two and at least that of submissions";
    if (!std::has_single_bit(options.buffers_count) || options.buffers_count > buffers_count_max)
        return "the number of receive buffers must be a power of two and at most 32768";
    if (options.buffer_bytes < buffer_bytes_min || options.buffer_bytes > buffer_bytes_max)
        return "a receive buffer must have between 64 bytes and 1 GiB";
    return {};
}

[[nodiscard]] bool has_incremental_buffers(UringQueue& queue) {
    return queue.open_buffers(1, true) == 0;
}

}  // namespace

std::uint64_t receive_bytes(const Options& options) noexcept {
    std::uint64_t bytes = 0;
    for (const BufferShape& shape : {epoll_buffers, incremental_buffers, whole_buffers}) {
        const Options chosen = with_defaults(options, shape);
        bytes = std::max(bytes, std::uint64_t{chosen.buffers_count} * chosen.buffer_bytes);
    }
    return bytes;
}

std::size_t bytes_per_connection(Backend backend) noexcept {
    return backend == Backend::epoll ? EpollRing::bytes_per_descriptor : 0;
}

std::uint64_t queue_bytes(const Options& options) noexcept {
    constexpr std::uint64_t submission = sizeof(io_uring_sqe) + sizeof(std::uint32_t);
    return options.submissions_max * submission + options.completions_max * sizeof(io_uring_cqe);
}

Probe probe_uring() {
    UringQueue queue;
    if (const int result = queue.open(true, 8, 16); result < 0) {
        // The flags are all that an old kernel could find invalid.
        if (result == -EINVAL) return {.reason = "Linux is older than 6.1"};
        return {.reason = describe("io_uring_setup", -result), .error = -result};
    }
    if ((queue.kernel_features() & needed_features) != needed_features)
        return {.reason = "Linux is older than 6.1"};
    Probe probe{.usable = true};
    probe.features.min_wait = (queue.kernel_features() & uring::feature_min_timeout) != 0;
    probe.features.incremental = has_incremental_buffers(queue);
    if (!probe.features.incremental) {
        if (const int result = queue.open_buffers(1, false); result < 0)
            return {.reason = describe("io_uring buffer ring", -result), .error = -result};
    }
    probe.direct_descriptors = has_direct_descriptors(queue);
    return probe;
}

std::string kernel_release() {
    utsname names{};
    uname(&names);
    return names.release;
}

std::expected<std::unique_ptr<Ring>, std::string> make_ring(Backend backend,
                                                            const Options& wanted) {
    Options options = wanted;
    BufferShape shape = epoll_buffers;
    if (backend == Backend::epoll && options.direct_descriptors > 0)
        return std::unexpected{"epoll has no direct descriptors"};
    if (backend == Backend::uring) {
        // Once: it makes a ring of its own, and all shards start at the same time.
        static const Probe probe = probe_uring();
        if (!probe.usable) return std::unexpected{"io_uring is not usable: " + probe.reason};
        if (options.direct_descriptors > 0 && !probe.direct_descriptors)
            return std::unexpected{"direct descriptors need Linux " +
                                   std::string{direct_descriptors_since} + " or newer"};
        options.features = options.features.intersect(probe.features);
        shape = options.features.incremental ? incremental_buffers : whole_buffers;
    }
    options = with_defaults(options, shape);
    if (std::string fault = fault_of(options); !fault.empty())
        return std::unexpected{std::move(fault)};
    return backend == Backend::uring ? UringRing::make(options) : EpollRing::make(options);
}

}  // namespace ringcast::ring
