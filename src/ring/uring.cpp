#include "ring/uring.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <unistd.h>

#include "base/assert.hpp"
#include "ring/clock.hpp"
#include "ring/direct.hpp"
#include "ring/error.hpp"
#include "ring/sockaddr.hpp"

namespace ringcast::ring {
namespace {

/// From 6.13 on, a call does so much of the kernel's deferred work, or little more, and leaves the
/// rest to the next one, in order. If a turn were one call, whoever comes behind thousands of
/// others would wait for as many turns as they fill, each with all that a shard does in one.
constexpr std::size_t deferred_work_min = 20;
/// Calls of one turn for that: about 1,300 completions. With an end, since the others, whose output
/// waits, have a turn to wait for, too: without one, the longest waits in a storm are up to
/// twice as long.
constexpr int deferred_work_calls_max = 64;

[[nodiscard]] std::uint64_t user_data_of(Token token) noexcept {
    return std::bit_cast<std::uint64_t>(token);
}

void prepare_close(io_uring_sqe& entry, int fd) noexcept {
    if (is_direct(fd)) {
        io_uring_prep_close_direct(&entry, static_cast<unsigned>(direct_index(fd)));
    } else {
        io_uring_prep_close(&entry, fd);
    }
}

}  // namespace

std::expected<std::unique_ptr<Ring>, std::string> UringRing::make(const Options& options) {
    auto memory = ReceiveMemory::map(options.buffers_count, options.buffer_bytes);
    if (!memory) return std::unexpected{std::move(memory.error())};
    auto wake_event = WakeEvent::open();
    if (!wake_event) return std::unexpected{std::move(wake_event.error())};

    std::unique_ptr<UringRing> ring{
        new UringRing{options, std::move(*memory), std::move(*wake_event)}};
    int result = ring->queue_.open(options.features.defer_taskrun, options.submissions_max,
                                   options.completions_max);
    if (result < 0) return std::unexpected{describe("io_uring_setup", -result)};
    result = ring->queue_.open_buffers(options.buffers_count, options.features.incremental);
    if (result < 0) return std::unexpected{describe("io_uring buffer ring", -result)};
    if (options.direct_descriptors > 0) {
        result = ring->queue_.open_direct_descriptors(options.direct_descriptors);
        if (result < 0) return std::unexpected{describe("io_uring direct descriptors", -result)};
    }
    ring->messages_.reserve(ring->queue_.entries_count());
    for (std::uint32_t i = 0; i < options.buffers_count; ++i)
        ring->queue_.add_buffer(static_cast<std::uint16_t>(i), ring->memory_.buffer(i),
                                options.buffer_bytes);
    ring->queue_.publish_buffers();
    ring->buffers_home_ = options.buffers_count;
    return ring;
}

UringRing::UringRing(const Options& options, ReceiveMemory memory, WakeEvent wake_event)
    : Ring{options.submissions_max},
      features_{options.features},
      memory_{std::move(memory)},
      wake_event_{std::move(wake_event)},
      offsets_(options.buffers_count),
      accepts_direct_{options.direct_descriptors > 0} {
    now_ = read_clock();
}

UringRing::~UringRing() {
    if (queue_.is_open()) collect();
    for (const Completion& completion : ready_)
        if (completion.token.opcode == Opcode::accept && completion.result >= 0 && !accepts_direct_)
            ::close(completion.result);
}

bool UringRing::idle() const noexcept {
    const bool is_idle = unanswered_ == 0 && lent_.empty() && ready_.empty() &&
                         shortfalls_.empty() && shutdowns_.empty();
    if (is_idle) RC_ASSERT(buffers_home_ == memory_.count());
    return is_idle;
}

std::span<const Completion> UringRing::exchange(std::span<const Submission> submissions,
                                                const Wait& wait) {
    end_work(read_clock());
    return_buffers();
    returned_.clear();
    translate(submissions);
    if (!wake_armed_) arm_wake();
    if (!shutdowns_.empty()) hand_over();
    hand_over_and_wait(wait);
    now_ = read_clock();
    lent_.end_turn();
    if (!shortfalls_.empty()) {
        ready_.insert(ready_.begin(), shortfalls_.begin(), shortfalls_.end());
        shortfalls_.clear();
    }
    std::swap(ready_, returned_);
    return returned_;
}

std::span<const Completion> UringRing::submit(std::span<const Submission> submissions) {
    spill(submissions);
    flushed_.clear();
    std::swap(shortfalls_, flushed_);
    return flushed_;
}

void UringRing::spill(std::span<const Submission> submissions) {
    translate(submissions);
    hand_over();
    collect();
}

void UringRing::translate(std::span<const Submission> submissions) {
    for (const Submission& submission : submissions) prepare(submission);
}

void UringRing::prepare(const Submission& submission) {
    switch (submission.token.opcode) {
        case Opcode::accept: {
            io_uring_sqe& entry = next_entry(submission.token);
            io_uring_prep_accept(&entry, submission.fd, nullptr, nullptr,
                                 accepts_direct_ ? 0 : SOCK_CLOEXEC);
            if (accepts_direct_) entry.file_index = IORING_FILE_INDEX_ALLOC;
            if (features_.multishot_accept) entry.ioprio |= IORING_ACCEPT_MULTISHOT;
            break;
        }
        case Opcode::recv: {
            io_uring_sqe& entry = next_entry(submission.token);
            // No length: as much as fits in the buffer that the kernel picks.
            io_uring_prep_recv(&entry, -1, nullptr, 0, 0);
            name_file(entry, submission.fd);
            if (features_.multishot_recv) entry.ioprio |= IORING_RECV_MULTISHOT;
            entry.flags |= IOSQE_BUFFER_SELECT;
            entry.buf_group = UringQueue::buffer_group;
            break;
        }
        case Opcode::cancel: {
            const auto target = static_cast<Opcode>(submission.size);
            RC_ASSERT(target == Opcode::recv || target == Opcode::accept);
            return prepare_cancel(submission.token, target);
        }
        case Opcode::send:
            prepare_send(next_entry(submission.token), submission, MSG_WAITALL | MSG_NOSIGNAL);
            break;
        case Opcode::send_quiet: {
            io_uring_sqe& entry = next_entry(submission.token);
            prepare_send(entry, submission, MSG_DONTWAIT | MSG_WAITALL | MSG_NOSIGNAL);
            entry.flags |= IOSQE_CQE_SKIP_SUCCESS;
            return;
        }
        case Opcode::shutdown: request_shutdown(submission); return;
        case Opcode::close:
            // A shutdown that runs later must not hit whoever gets the number next.
            if (!shutdowns_.empty()) hand_over();
            prepare_close(next_entry(submission.token), submission.fd);
            break;
        case Opcode::wake: RC_ASSERT(false);
    }
    ++unanswered_;
}

void UringRing::prepare_send(io_uring_sqe& entry, const Submission& submission, int flags) {
    RC_ASSERT(submission.size <= send_bytes_max && submission.parts_count <= send_parts_max);
    if (submission.parts_count == 0) {
        io_uring_prep_send(&entry, -1, submission.data, submission.size, flags);
    } else {
        RC_ASSERT(messages_.size() < messages_.capacity());
        // A Part is laid out like an iovec (checked in sockaddr.hpp); the kernel only reads it.
        messages_.push_back(message_of(submission));
        io_uring_prep_sendmsg(&entry, -1, &messages_.back(), static_cast<unsigned>(flags));
    }
    name_file(entry, submission.fd);
}

/// Of the operation that has the same slot, generation and tag as `token`.
void UringRing::prepare_cancel(Token token, Opcode target) {
    token.opcode = target;
    const std::uint64_t wanted = user_data_of(token);
    token.opcode = Opcode::cancel;
    io_uring_sqe& entry = next_entry(token);
    io_uring_prep_cancel64(&entry, wanted, 0);
    entry.flags |= IOSQE_CQE_SKIP_SUCCESS;
}

void UringRing::arm_wake() {
    io_uring_prep_read(&next_entry(wake_token), wake_event_.fd(), &wake_count_, sizeof wake_count_,
                       0);
    wake_armed_ = true;
}

/// An entry that carries `token`, to be filled by one of liburing's prep functions (which leave
/// user_data alone). Makes room first if the queue is full.
io_uring_sqe& UringRing::next_entry(Token token) {
    io_uring_sqe* entry = queue_.next_entry();
    if (entry == nullptr) {
        hand_over();
        entry = queue_.next_entry();
        RC_ASSERT(entry != nullptr);
    }
    entry->user_data = user_data_of(token);
    return *entry;
}

/// Submits everything without waiting, then runs the shutdowns.
void UringRing::hand_over() {
    while (queue_.unsubmitted() > 0) {
        ++counters_.calls;
        const int result = queue_.submit();
        // No memory for requests, or completions to collect first. Anything else is a mistake of
        // ours.
        RC_ASSERT(result == 0 || result == -EAGAIN || result == -EBUSY || result == -EINTR);
        if (queue_.unsubmitted() > 0) {
            ++counters_.calls;
            (void)queue_.submit_and_wait({});
            collect();
        }
    }
    messages_.clear();
    run_shutdowns();
}

UringQueue::Wait UringRing::plan(const Wait& wait) const noexcept {
    const bool gathers = features_.min_wait && wait.gather > Duration::zero() && wait.count > 1;
    const std::uint32_t count = gathers ? wait.count : std::min(wait.count, 1u);
    const std::size_t present = ready_.size() + shortfalls_.size();
    if (present >= count) return {};
    const Duration timeout = remaining_wait(wait.until);
    if (timeout == Duration::zero()) return {};
    const Duration gather = gathers ? std::min(wait.gather, timeout) : Duration::zero();
    if (present == 0) return {.count = count, .timeout = timeout, .gather = gather};
    // The one that is enough after `gather` is here already.
    return {.count = count - static_cast<std::uint32_t>(present), .timeout = gather};
}

/// The system call of a turn. Afterwards everything is submitted and everything that has completed
/// is collected.
void UringRing::hand_over_and_wait(const Wait& wait) {
    UringQueue::Wait queue_wait = plan(wait);
    std::size_t collected = 0;
    do {
        ++counters_.calls;
        const int result = queue_.submit_and_wait(queue_wait);
        RC_ASSERT(result == 0 || result == -ETIME || result == -EINTR || result == -EAGAIN ||
                  result == -EBUSY);
        collected = collect();
        queue_wait = plan(wait);
    } while (queue_.unsubmitted() > 0);
    messages_.clear();
    if (features_.defer_taskrun) finish_deferred_work(collected);
    // The shortfalls of this turn may be among what found no room in the completion queue.
    while (queue_.overflown()) {
        ++counters_.calls;
        (void)queue_.submit_and_wait({});
        collect();
    }
}

/// `collected`: what the last call brought.
void UringRing::finish_deferred_work(std::size_t collected) {
    for (int i = 0; i < deferred_work_calls_max && collected >= deferred_work_min; ++i) {
        ++counters_.calls;
        (void)queue_.submit_and_wait({});
        collected = collect();
    }
}

/// Returns how many there were.
std::size_t UringRing::collect() {
    std::size_t count = 0;
    queue_.drain([this, &count](const io_uring_cqe& entry) {
        take(entry);
        ++count;
    });
    return count;
}

void UringRing::take(const io_uring_cqe& entry) {
    const auto token = std::bit_cast<Token>(static_cast<std::uint64_t>(entry.user_data));
    Completion completion{.token = token, .result = entry.res};
    if ((entry.flags & IORING_CQE_F_MORE) != 0) completion.flags = Completion::more;
    switch (token.opcode) {
        case Opcode::accept:
            if (accepts_direct_ && entry.res >= 0) completion.result |= direct_mark;
            break;
        case Opcode::send:
        case Opcode::close: break;
        case Opcode::recv:
            completion.bytes = take_slice(entry);
            if (entry.res == -ENOBUFS) ++counters_.buffers_exhausted;
            break;
        case Opcode::send_quiet:
            ++counters_.quiet_shortfalls;
            shortfalls_.push_back(completion);
            return;
        case Opcode::cancel: return;  // Found nothing to cancel: that has finished already.
        case Opcode::wake:
            if (token == install_token) {
                installed_ = entry.res;
                return;
            }
            wake_armed_ = false;
            ready_.push_back(completion);
            return;
        case Opcode::shutdown: RC_ASSERT(false);
    }
    if (!completion.has_more()) {
        RC_ASSERT(unanswered_ > 0);
        --unanswered_;
    }
    ready_.push_back(completion);
}

/// The received bytes of a completion, or nullptr if it has none.
///
///   incremental buffer   | expired or valid slices | this slice | free ...  |
///                        0                   offset^      result^
///
/// Completions of one buffer arrive in the order in which the kernel filled it, so the offset is a
/// running sum.
std::byte* UringRing::take_slice(const io_uring_cqe& entry) {
    if ((entry.flags & IORING_CQE_F_BUFFER) == 0) {
        RC_ASSERT(entry.res <= 0);
        return nullptr;
    }
    const auto index = static_cast<std::uint16_t>(entry.flags >> IORING_CQE_BUFFER_SHIFT);
    std::byte* const buffer = memory_.buffer(index);
    const bool has_bytes = entry.res > 0;
    std::uint32_t offset = 0;
    if (features_.incremental) {
        // Kernels before 7.0 may leave out the mark that the buffer stays in use when nothing was
        // put into it.
        if (!has_bytes) return nullptr;
        offset = offsets_[index];
        offsets_[index] += static_cast<std::uint32_t>(entry.res);
        RC_ASSERT(offsets_[index] <= memory_.bytes());
    }
    if (has_bytes) lent_.lend_slice();
    if (!features_.incremental || (entry.flags & uring::cqe_buffer_more) == 0) {
        RC_ASSERT(buffers_home_ > 0);
        --buffers_home_;
        lent_.finish(index);
    }
    return has_bytes ? buffer + offset : nullptr;
}

/// Gives the kernel the buffers whose slices have expired.
void UringRing::return_buffers() {
    const std::uint32_t home = buffers_home_;
    lent_.begin_turn([this](std::uint16_t index) {
        offsets_[index] = 0;
        queue_.add_buffer(index, memory_.buffer(index), memory_.bytes());
        ++buffers_home_;
    });
    if (buffers_home_ != home) queue_.publish_buffers();
}

}  // namespace ringcast::ring
