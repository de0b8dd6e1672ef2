#include "ring/uring_queue.hpp"

#include <cerrno>
#include <sys/mman.h>

#include "base/assert.hpp"
#include "ring/clock.hpp"

namespace ringcast::ring {
namespace {

[[nodiscard]] std::uint64_t address_of(const void* pointer) noexcept {
    return reinterpret_cast<std::uintptr_t>(pointer);
}

[[nodiscard]] __kernel_timespec to_timespec(Duration duration) noexcept {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(duration);
    return {.tv_sec = seconds.count(), .tv_nsec = (duration - seconds).count()};
}

}  // namespace

UringQueue::~UringQueue() {
    if (open_) io_uring_queue_exit(&ring_);
    if (buffers_ != nullptr) munmap(buffers_, buffers_entries_ * sizeof(uring::BufferEntry));
}

int UringQueue::open(bool defer_taskrun, std::uint32_t entries, std::uint32_t completions) {
    RC_ASSERT(!open_);
    io_uring_params params{};
    // SUBMIT_ALL: one refused entry must not hold back the rest of the batch.
    params.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL;
    // Without DEFER_TASKRUN, COOP_TASKRUN at least spares the interrupt: we enter the kernel often
    // enough.
    params.flags |= defer_taskrun ? IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN
                                  : IORING_SETUP_COOP_TASKRUN;
    params.cq_entries = completions;
    const int result = io_uring_queue_init_params(entries, &ring_, &params);
    if (result < 0) return result;
    open_ = true;
    kernel_features_ = params.features;
    return 0;
}

int UringQueue::open_buffers(std::uint32_t entries, bool incremental) {
    RC_ASSERT(open_ && buffers_ == nullptr);
    const std::size_t bytes = entries * sizeof(uring::BufferEntry);
    void* const memory =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return -errno;
    uring::BufferRingRegistration registration{
        .ring_address = address_of(memory),
        .entries_count = entries,
        .group = buffer_group,
        .flags = incremental ? uring::buffer_ring_incremental : std::uint16_t{0}};
    const int result = io_uring_register(static_cast<unsigned>(ring_.ring_fd),
                                         IORING_REGISTER_PBUF_RING, &registration, 1);
    if (result < 0) {
        munmap(memory, bytes);
        return result;
    }
    buffers_ = static_cast<uring::BufferEntry*>(memory);
    buffers_entries_ = entries;
    return 0;
}

int UringQueue::open_direct_descriptors(std::uint32_t count) noexcept {
    RC_ASSERT(open_);
    // Not liburing's function, which would raise the process's limit behind its back.
    io_uring_rsrc_register table{};
    table.nr = count;
    table.flags = IORING_RSRC_REGISTER_SPARSE;
    const int result = io_uring_register(static_cast<unsigned>(ring_.ring_fd),
                                         IORING_REGISTER_FILES2, &table, sizeof table);
    return result < 0 ? result : 0;
}

int UringQueue::set_direct_descriptors(std::uint32_t first,
                                       std::span<const int> descriptors) noexcept {
    const int result = io_uring_register_files_update(&ring_, first, descriptors.data(),
                                                      static_cast<unsigned>(descriptors.size()));
    return result < 0 ? result : 0;
}

int UringQueue::submit() noexcept {
    return enter(0, 0, nullptr);
}

int UringQueue::submit_and_wait(const Wait& wait) noexcept {
    if (wait.count == 0) return enter(0, IORING_ENTER_GETEVENTS, nullptr);
    RC_ASSERT(wait.timeout > Duration::zero() && wait.gather <= wait.timeout);
    __kernel_timespec timeout = to_timespec(wait.timeout);
    // Gathering needs a time-out even if it is `wait_max`: without one the kernel may return
    // empty-handed after `gather`.
    const bool is_timed = wait.timeout < wait_max || wait.gather > Duration::zero();
    const auto gather = std::chrono::ceil<std::chrono::microseconds>(wait.gather);
    uring::EnterArgument argument{.min_wait_usec = static_cast<std::uint32_t>(gather.count()),
                                  .timeout = is_timed ? address_of(&timeout) : 0};
    return enter(wait.count, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &argument);
}

int UringQueue::enter(std::uint32_t wait_count, std::uint32_t flags,
                      uring::EnterArgument* argument) noexcept {
    // Publishes the entries the way liburing does before its own enter.
    io_uring_smp_store_release(ring_.sq.ktail, ring_.sq.sqe_tail);
    ring_.sq.sqe_head = ring_.sq.sqe_tail;
    const int result = io_uring_enter2(static_cast<unsigned>(ring_.ring_fd), unsubmitted(),
                                       wait_count, flags, reinterpret_cast<sigset_t*>(argument),
                                       argument != nullptr ? sizeof *argument : 0);
    return result < 0 ? result : 0;
}

void UringQueue::add_buffer(std::uint16_t index, const std::byte* data,
                            std::uint32_t size) noexcept {
    uring::BufferEntry& entry = buffers_[buffers_tail_ & (buffers_entries_ - 1)];
    entry.address = address_of(data);  // Field by field: entry 0 also holds the tail.
    entry.size = size;
    entry.index = index;
    ++buffers_tail_;
}

void UringQueue::publish_buffers() noexcept {
    io_uring_smp_store_release(&buffers_[0].tail, buffers_tail_);
}

}  // namespace ringcast::ring
