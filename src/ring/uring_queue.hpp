#pragma once
// The kernel's side of a UringRing: one io_uring with one ring of provided receive buffers. Knows
// entries, buffers and system calls, but neither tokens nor the contract. Used on one thread.

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "ring/receive_memory.hpp"
#include "ring/uring_compat.hpp"

namespace ringcast::ring {

class UringQueue {
public:
    static constexpr std::uint16_t buffer_group = 0;

    UringQueue() = default;
    UringQueue(const UringQueue&) = delete;
    UringQueue& operator=(const UringQueue&) = delete;
    ~UringQueue();

    /// Makes the kernel's ring; sizes are clamped to what it allows. Once, before anything else.
    /// Returns 0 or -errno.
    [[nodiscard]] int open(bool defer_taskrun, std::uint32_t entries, std::uint32_t completions);
    /// Registers an empty ring for `entries` buffers (a power of two). Once. Returns 0 or -errno.
    [[nodiscard]] int open_buffers(std::uint32_t entries, bool incremental);
    /// Registers an empty table for `count` direct descriptors, at most as many as the process may
    /// open files. Once. Returns 0 or -errno.
    [[nodiscard]] int open_direct_descriptors(std::uint32_t count) noexcept;
    /// Puts the files behind `descriptors` into the table, from index `first` on. Returns 0 or
    /// -errno.
    [[nodiscard]] int set_direct_descriptors(std::uint32_t first,
                                             std::span<const int> descriptors) noexcept;
    /// IORING_FEAT_* of this kernel.
    [[nodiscard]] std::uint32_t kernel_features() const noexcept { return kernel_features_; }

    [[nodiscard]] bool is_open() const noexcept { return open_; }
    /// Entries of the submission queue; at least what was asked for, unless clamped.
    [[nodiscard]] std::uint32_t entries_count() const noexcept { return ring_.sq.ring_entries; }

    /// The next free submission entry, not initialised, or nullptr if the queue is full.
    [[nodiscard]] io_uring_sqe* next_entry() noexcept { return io_uring_get_sqe(&ring_); }
    /// Entries that the kernel has not consumed.
    [[nodiscard]] std::uint32_t unsubmitted() const noexcept { return io_uring_sq_ready(&ring_); }

    /// How one enter waits.
    struct Wait {
        std::uint32_t count = 0;  ///< 0: not at all, but take what is ready.
        Duration timeout{0};      ///< Return after this, even with nothing. `wait_max`: never.
        Duration gather{0};  ///< Not 0: after this one completion is enough. At most `timeout`.
    };
    /// Hands all entries to the kernel without looking for completions. One system call. Returns 0
    /// or -errno.
    [[nodiscard]] int submit() noexcept;
    /// Hands all entries to the kernel, then waits; if the kernel could not take all entries, it
    /// did not wait. One system call. Returns 0 or -errno; -ETIME and -EINTR are ordinary ends of a
    /// wait.
    [[nodiscard]] int submit_and_wait(const Wait& wait) noexcept;
    /// True if completions found no room in the completion queue: the kernel keeps them and moves
    /// them in at the next submit_and_wait().
    [[nodiscard]] bool overflown() const noexcept { return io_uring_cq_has_overflow(&ring_); }

    /// Calls `each(const io_uring_cqe&)` for every completion that is in the queue, oldest first,
    /// and removes them.
    template <typename Each>
    void drain(Each&& each) {
        const std::uint32_t count = io_uring_cq_ready(&ring_);
        const std::uint32_t mask = *ring_.cq.kring_mask;
        const std::uint32_t head = *ring_.cq.khead;
        for (std::uint32_t i = 0; i < count; ++i) each(ring_.cq.cqes[(head + i) & mask]);
        if (count > 0) io_uring_cq_advance(&ring_, count);
    }

    /// Puts a whole buffer into the buffer ring; the kernel sees it after publish_buffers().
    void add_buffer(std::uint16_t index, const std::byte* data, std::uint32_t size) noexcept;
    void publish_buffers() noexcept;

private:
    [[nodiscard]] int enter(std::uint32_t wait_count, std::uint32_t flags,
                            uring::EnterArgument* argument) noexcept;

    io_uring ring_{};
    bool open_ = false;
    std::uint32_t kernel_features_ = 0;
    uring::BufferEntry* buffers_ =
        nullptr;  // Mapped; shared with the kernel, which fills entries from its head on.
    std::uint32_t buffers_entries_ = 0;
    std::uint16_t buffers_tail_ = 0;
};

}  // namespace ringcast::ring
