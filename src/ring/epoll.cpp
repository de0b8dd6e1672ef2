// Setting up, and what is submitted; what comes of it: epoll_events.cpp.

#include "ring/epoll.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.hpp"
#include "ring/clock.hpp"
#include "ring/error.hpp"
#include "ring/send_rest.hpp"
#include "ring/sockaddr.hpp"

namespace ringcast::ring {
namespace {

/// Events asked for at once. So few that a connection's socket is still in cache when its answer is
/// sent, and so many that the call for them costs little each.
constexpr std::size_t events_max = 32;

}  // namespace

std::expected<std::unique_ptr<Ring>, std::string> EpollRing::make(const Options& options) {
    auto memory = ReceiveMemory::map(options.buffers_count, options.buffer_bytes);
    if (!memory) return std::unexpected{std::move(memory.error())};
    auto wake_event = WakeEvent::open();
    if (!wake_event) return std::unexpected{std::move(wake_event.error())};
    Descriptor epoll{epoll_create1(EPOLL_CLOEXEC)};
    if (!epoll) return std::unexpected{describe("epoll_create1", errno)};
    std::unique_ptr<EpollRing> ring{
        new EpollRing{options, std::move(*memory), std::move(*wake_event), std::move(epoll)}};
    if (const int result = ring->set_interest(ring->wake_event_.fd(), EPOLLIN); result < 0)
        return std::unexpected{describe("epoll_ctl", -result)};
    return ring;
}

EpollRing::EpollRing(const Options& options, ReceiveMemory memory, WakeEvent wake_event,
                     Descriptor epoll)
    : Ring{options.submissions_max},
      epoll_{std::move(epoll)},
      wake_event_{std::move(wake_event)},
      memory_{std::move(memory)},
      events_(events_max) {
    free_buffers_.reserve(memory_.count());
    for (std::uint32_t i = memory_.count(); i > 0; --i)
        free_buffers_.push_back(static_cast<std::uint16_t>(i - 1));
    now_ = read_clock();
}

EpollRing::~EpollRing() {
    for (const Completion& completion : ready_)
        if (completion.token.opcode == Opcode::accept && completion.result >= 0)
            ::close(completion.result);
}

Address EpollRing::peer_address(int fd) noexcept {
    ++counters_.calls;
    return peer_of(fd);
}

std::uint64_t EpollRing::unacknowledged_bytes(int fd) noexcept {
    ++counters_.calls;
    return unacknowledged_bytes_of(fd);
}

bool EpollRing::idle() const noexcept {
    const bool is_idle = unanswered_ == 0 && lent_.empty() && ready_.empty() && shortfalls_.empty();
    if (is_idle) RC_ASSERT(free_buffers_.size() == memory_.count());
    return is_idle;
}

std::span<const Completion> EpollRing::exchange(std::span<const Submission> submissions,
                                                const Wait& wait) {
    end_work(read_clock());
    lent_.begin_turn([this](std::uint16_t index) { free_buffers_.push_back(index); });
    returned_.clear();
    hand_over(submissions);
    poll(wait);
    now_ = read_clock();
    if (filling_) lent_.finish(static_cast<std::uint16_t>(fill_index_));
    filling_ = false;
    lent_.end_turn();
    if (!shortfalls_.empty()) {
        ready_.insert(ready_.begin(), shortfalls_.begin(), shortfalls_.end());
        shortfalls_.clear();
    }
    std::swap(ready_, returned_);
    return returned_;
}

std::span<const Completion> EpollRing::submit(std::span<const Submission> submissions) {
    hand_over(submissions);
    flushed_.clear();
    std::swap(shortfalls_, flushed_);
    return flushed_;
}

void EpollRing::spill(std::span<const Submission> submissions) {
    hand_over(submissions);
}

EpollRing::Registration& EpollRing::registration(int fd) {
    RC_ASSERT(fd >= 0);
    const auto index = static_cast<std::size_t>(fd);
    if (index >= registrations_.size()) registrations_.resize(std::max<std::size_t>(64, 2 * index));
    return registrations_[index];
}

int EpollRing::set_interest(int fd, std::uint32_t interest) {
    Registration& entry = registration(fd);
    if (entry.interest == interest) return 0;
    int operation = EPOLL_CTL_MOD;
    if (interest == 0) operation = EPOLL_CTL_DEL;
    if (entry.interest == 0) operation = EPOLL_CTL_ADD;
    epoll_event event{};
    event.events = interest;
    event.data.fd = fd;
    ++counters_.calls;
    if (epoll_ctl(epoll_.get(), operation, fd, &event) != 0) return -errno;
    entry.interest = interest;
    return 0;
}

void EpollRing::hand_over(std::span<const Submission> submissions) {
    for (const Submission& submission : submissions) execute(submission);
}

void EpollRing::execute(const Submission& submission) {
    switch (submission.token.opcode) {
        case Opcode::accept: arm_accept(submission); return;
        case Opcode::recv: arm_recv(submission); return;
        case Opcode::cancel: cancel_in(submission); return;
        case Opcode::send: start_send(submission); return;
        case Opcode::send_quiet: send_quietly(submission); return;
        case Opcode::shutdown:
            ++counters_.calls;
            (void)::shutdown(submission.fd,
                             submission.size == static_cast<std::uint64_t>(Shutdown::sending)
                                 ? SHUT_WR
                                 : SHUT_RDWR);  // Fails only if the peer was faster.
            return;
        case Opcode::close: close_descriptor(submission); return;
        case Opcode::wake: RC_ASSERT(false);
    }
}

void EpollRing::arm_accept(const Submission& submission) {
    Registration& entry = registration(submission.fd);
    RC_ASSERT(!entry.in_armed);
    entry.in_token = submission.token;
    entry.in_armed = true;
    ++unanswered_;
    if (entry.interest != 0) return;
    // Another shard may take the connection that we were told of; accept4 must not wait for the
    // next one then.
    counters_.calls += 2;
    const int flags = fcntl(submission.fd, F_GETFL);
    int result = flags < 0 || fcntl(submission.fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
    // Exclusive: one connection to a listener that many shards share wakes one of them, not all.
    if (result == 0) result = set_interest(submission.fd, EPOLLIN | EPOLLEXCLUSIVE);
    if (result < 0) post_in(submission.fd, result, nullptr, false);
}

void EpollRing::arm_recv(const Submission& submission) {
    Registration& entry = registration(submission.fd);
    RC_ASSERT(!entry.in_armed);
    entry.in_token = submission.token;
    entry.in_armed = true;
    ++unanswered_;
    const int result = set_interest(submission.fd, entry.interest | EPOLLIN);
    if (result < 0) post_in(submission.fd, result, nullptr, false);
}

void EpollRing::cancel_in(const Submission& submission) {
    const Registration& entry = registration(submission.fd);
    Token target = submission.token;
    target.opcode = static_cast<Opcode>(submission.size);
    RC_ASSERT(target.opcode == Opcode::recv || target.opcode == Opcode::accept);
    if (entry.in_armed && entry.in_token == target)
        post_in(submission.fd, -ECANCELED, nullptr, false);
}

void EpollRing::send_quietly(const Submission& submission) {
    RC_ASSERT(submission.size <= send_bytes_max && submission.parts_count <= send_parts_max);
    ssize_t result = 0;
    do {
        ++counters_.calls;
        result = send_rest(submission, 0);
    } while (result == -EINTR);
    if (result >= 0 && static_cast<std::uint64_t>(result) == submission.size) return;
    ++counters_.quiet_shortfalls;
    shortfalls_.push_back({.token = submission.token, .result = static_cast<std::int32_t>(result)});
}

void EpollRing::start_send(const Submission& submission) {
    RC_ASSERT(submission.size <= send_bytes_max && submission.parts_count <= send_parts_max);
    Registration& entry = registration(submission.fd);
    RC_ASSERT(!entry.send_armed);
    entry.send = submission;
    entry.sent = 0;
    entry.send_armed = true;
    ++unanswered_;
    continue_send(submission.fd);
}

/// Sends until all is gone or the socket is full; in the latter case epoll tells when to go on.
void EpollRing::continue_send(int fd) {
    Registration& entry = registration(fd);
    while (entry.sent < entry.send.size) {
        ++counters_.calls;
        const ssize_t result = send_rest(entry.send, entry.sent);
        if (result >= 0) {
            entry.sent += static_cast<std::uint64_t>(result);
        } else if (result == -EAGAIN) {
            const int failure = set_interest(fd, entry.interest | EPOLLOUT);
            if (failure < 0) finish_send(fd, failure);
            return;
        } else if (result != -EINTR) {
            finish_send(fd, static_cast<std::int32_t>(result));
            return;
        }
    }
    finish_send(fd, 0);
}

/// `result` is 0 or -errno; as with io_uring, bytes that went before a failure are what is told.
void EpollRing::finish_send(int fd, std::int32_t result) {
    Registration& entry = registration(fd);
    entry.send_armed = false;
    --unanswered_;
    if (result == 0 || entry.sent > 0) result = static_cast<std::int32_t>(entry.sent);
    ready_.push_back({.token = entry.send.token, .result = result});
    // Cannot fail for a descriptor that is in the set; and if it did, the next event would try
    // again.
    (void)set_interest(fd, entry.interest & ~std::uint32_t{EPOLLOUT});
}

void EpollRing::close_descriptor(const Submission& submission) {
    Registration& entry = registration(submission.fd);
    RC_ASSERT(!entry.in_armed && !entry.send_armed);  // A close is a join.
    entry = Registration{};  // The kernel takes it out of the set by itself.
    ++counters_.calls;
    const int result = ::close(submission.fd) == 0 ? 0 : -errno;
    ready_.push_back({.token = submission.token, .result = result});
}

}  // namespace ringcast::ring
