#pragma once
// The ring on io_uring. One system call per turn hands over the whole batch, waits, and runs the
// kernel's deferred work; what comes back is drained in one go. Where the kernel does that work in
// portions, a turn with more makes a call for each.
//
//   Submission -> entry (user_data = Token)      completion queue -> Completion
//   accept, recv   multishot, or single-shot if that feature is switched off
//   send           MSG_WAITALL: the kernel waits for room and completes once
//   send_quiet     MSG_DONTWAIT | MSG_WAITALL without a completion on success. The attempt is made
//                  while the entry is submitted and the kernel has let go of the memory afterwards;
//                  a shortfall is then in the queue already.
//   cancel         by user_data; its own completion is swallowed
//   shutdown       shutdown(2) called here: io_uring would hand it to a worker thread, behind our
//                  back
//   wake           a read of the eventfd that is always armed
//
// With direct descriptors (direct.hpp) accepted sockets are in the ring's own table. Submissions
// name them by index; for what only system calls can do they get a descriptor of the process for a
// moment.
//
// Shutdowns run after the entries before them were submitted and before the turn waits; in a batch
// with shutdowns that costs one more io_uring_enter.

#include <expected>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <vector>

#include "ring/make_ring.hpp"
#include "ring/receive_memory.hpp"
#include "ring/ring.hpp"
#include "ring/uring_queue.hpp"
#include "ring/wake_event.hpp"

namespace ringcast::ring {

class UringRing final : public Ring {
public:
    /// `options.features` must be features that the kernel has. The error is one sentence.
    [[nodiscard]] static std::expected<std::unique_ptr<Ring>, std::string> make(
        const Options& options);
    /// Closes accepted descriptors that nobody was told of. The memory of unfinished sends is free
    /// afterwards.
    ~UringRing() override;

    [[nodiscard]] Waker waker() noexcept override { return wake_event_.waker(); }
    [[nodiscard]] Address peer_address(int fd) noexcept override;
    [[nodiscard]] std::uint64_t unacknowledged_bytes(int fd) noexcept override;
    [[nodiscard]] bool gathers() const noexcept override { return features_.min_wait; }
    [[nodiscard]] bool idle() const noexcept override;

protected:
    std::span<const Completion> exchange(std::span<const Submission> submissions,
                                         const Wait& wait) override;
    std::span<const Completion> submit(std::span<const Submission> submissions) override;
    void spill(std::span<const Submission> submissions) override;

private:
    struct PendingShutdown {
        int fd;
        int how;
    };

    // What the ring itself submits has tokens of no slot.
    static constexpr Token wake_token{.opcode = Opcode::wake};
    static constexpr Token install_token{.opcode = Opcode::wake, .tag = 1};

    UringRing(const Options& options, ReceiveMemory memory, WakeEvent wake_event);

    void translate(std::span<const Submission> submissions);
    void prepare(const Submission& submission);
    void prepare_send(io_uring_sqe& entry, const Submission& submission, int flags);
    void prepare_cancel(Token token, Opcode target);
    void request_shutdown(const Submission& submission);
    void run_shutdowns();
    [[nodiscard]] Descriptor install(int fd);
    template <typename Call>
    auto with_descriptor(int fd, const Call& call);
    void arm_wake();
    [[nodiscard]] io_uring_sqe& next_entry(Token token);
    void hand_over();
    [[nodiscard]] UringQueue::Wait plan(const Wait& wait) const noexcept;
    void hand_over_and_wait(const Wait& wait);
    void finish_deferred_work(std::size_t collected);
    std::size_t collect();
    void take(const io_uring_cqe& entry);
    [[nodiscard]] std::byte* take_slice(const io_uring_cqe& entry);
    void return_buffers();

    Features features_;
    ReceiveMemory memory_;  // Before queue_: the kernel writes into it until the queue is gone.
    WakeEvent wake_event_;
    std::uint64_t wake_count_ = 0;  // The kernel reads the eventfd into this.
    UringQueue queue_;

    std::vector<std::uint32_t> offsets_;  // Incremental: bytes already filled, per buffer.
    LentBuffers lent_;
    std::uint32_t buffers_home_ = 0;  // Buffers that the kernel has.

    std::vector<msghdr>
        messages_;  // Named by entries until these are submitted. Never grows beyond the queue.
    std::vector<PendingShutdown> shutdowns_;
    bool accepts_direct_ = false;
    int installed_ = 0;  // The answer to install().
    bool wake_armed_ = false;
    std::uint64_t unanswered_ = 0;  // accept, recv, send and close that will complete once more.

    std::vector<Completion> shortfalls_;  // Of quiet sends, not yet returned.
    std::vector<Completion> ready_;       // Everything else, not yet returned.
    std::vector<Completion> returned_;    // What the last turn() returned; lives until the next.
    std::vector<Completion> flushed_;     // What the last flush() returned.
};

}  // namespace ringcast::ring
