// What epoll tells: receives, accepts and sends that can go on.

#include <algorithm>
#include <cerrno>
#include <sys/socket.h>

#include "base/assert.hpp"
#include "ring/clock.hpp"
#include "ring/epoll.hpp"

namespace ringcast::ring {
namespace {

/// Up to so many are taken one a turn: what one client is answered does not wait for the messages
/// of the others, and it works on the answer meanwhile. With more there is always a client at work.
constexpr std::uint32_t events_singly_max = 8;
/// Connections taken from one listener in one turn.
constexpr int accepts_max = 64;
/// What is taken from one connection in one turn, about: a large message that has come whole is put
/// together and answered while it is in cache, not a piece of each client's in turn.
constexpr std::size_t receive_bytes_max = 256u << 10;
/// A receive starts a new buffer rather than squeeze into less than this part of one.
constexpr std::uint32_t room_divisor = 16;

constexpr std::uint32_t failure_events = EPOLLERR | EPOLLHUP;

}  // namespace

void EpollRing::poll(const Wait& wait) {
    if (next_event_ == events_count_) {
        const bool waits = wait.count > 0 && ready_.empty() && shortfalls_.empty();
        events_count_ = wait_for_events(waits ? remaining_wait(wait.until) : Duration::zero());
        next_event_ = 0;
    }
    const bool is_singly = events_count_ <= events_singly_max;
    const std::uint32_t end = is_singly ? std::min(next_event_ + 1, events_count_) : events_count_;
    while (next_event_ < end) {
        const std::uint64_t exhausted = counters_.buffers_exhausted;
        handle(events_[next_event_]);
        // Whoever got no buffer goes first in the next turn, or the same few would always eat
        // everything.
        if (counters_.buffers_exhausted != exhausted) return;
        ++next_event_;
    }
}

/// Returns the number of events; an interrupted wait is one without events.
std::uint32_t EpollRing::wait_for_events(Duration timeout) {
    const auto max = static_cast<int>(events_.size());
    const bool is_timed = timeout > Duration::zero() && timeout < wait_max;
    int count = -1;
    if (is_timed && has_pwait2_) {
        const auto seconds = std::chrono::floor<std::chrono::seconds>(timeout);
        const timespec time{.tv_sec = seconds.count(), .tv_nsec = (timeout - seconds).count()};
        ++counters_.calls;
        count = epoll_pwait2(epoll_.get(), events_.data(), max, &time, nullptr);
        // Linux before 5.11, or a seccomp profile from before it.
        if (count < 0 && (errno == ENOSYS || errno == EPERM)) has_pwait2_ = false;
    }
    if (!is_timed || !has_pwait2_) {
        int milliseconds = timeout == Duration::zero() ? 0 : -1;
        if (is_timed)
            milliseconds =
                static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(timeout).count());
        ++counters_.calls;
        count = epoll_wait(epoll_.get(), events_.data(), max, milliseconds);
    }
    if (count >= 0) return static_cast<std::uint32_t>(count);
    RC_ASSERT(errno == EINTR);
    return 0;
}

void EpollRing::handle(const epoll_event& event) {
    const int fd = event.data.fd;
    if (fd == wake_event_.fd()) {
        ++counters_.calls;
        wake_event_.consume();
        ready_.push_back({.token = {.opcode = Opcode::wake}});
        return;
    }
    const Registration& entry = registration(fd);
    const bool in_armed = entry.in_armed;
    const bool send_armed = entry.send_armed;
    if (send_armed && (event.events & (EPOLLOUT | failure_events)) != 0) continue_send(fd);
    if (in_armed && (event.events & (EPOLLIN | failure_events)) != 0) {
        if (entry.in_token.opcode == Opcode::accept)
            accept_some(fd);
        else
            receive(fd);
    }
    // What nobody waited for would be reported for ever. epoll reports failures even without any
    // interest.
    if (!in_armed && !send_armed) {
        (void)set_interest(fd, 0);
    } else if (!in_armed) {
        (void)set_interest(fd, entry.interest & ~std::uint32_t{EPOLLIN});
    }
}

void EpollRing::accept_some(int listener) {
    for (int i = 0; i < accepts_max; ++i) {
        ++counters_.calls;
        const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            post_in(listener, fd, nullptr, true);
        } else if (errno == EAGAIN) {
            return;
        } else if (errno != EINTR) {
            post_in(listener, -errno, nullptr, false);
            return;
        }
    }
}

void EpollRing::receive(int fd) {
    for (std::size_t received = 0; received < receive_bytes_max;) {
        if (!find_room()) {
            ++counters_.buffers_exhausted;  // Still armed and still readable: a later turn has
                                            // buffers again.
            return;
        }
        std::byte* const bytes = memory_.buffer(fill_index_) + fill_bytes_;
        const std::uint32_t room = memory_.bytes() - fill_bytes_;
        ++counters_.calls;
        const ssize_t result = ::recv(fd, bytes, room, MSG_DONTWAIT);
        if (result > 0) {
            fill_bytes_ += static_cast<std::uint32_t>(result);
            lent_.lend_slice();
            post_in(fd, static_cast<std::int32_t>(result), bytes, true);
        } else if (result == 0) {
            post_in(fd, 0, nullptr, false);
        } else if (errno != EAGAIN && errno != EINTR) {
            post_in(fd, -errno, nullptr, false);
        }
        if (result < static_cast<ssize_t>(room)) return;
        received += room;
    }
}

/// A completion of the armed recv or accept of `fd`.
void EpollRing::post_in(int fd, std::int32_t result, std::byte* bytes, bool more) {
    Registration& entry = registration(fd);
    if (!more) {
        entry.in_armed = false;
        --unanswered_;
    }
    ready_.push_back({.token = entry.in_token,
                      .bytes = bytes,
                      .result = result,
                      .flags = more ? Completion::more : 0});
}

/// Makes sure that there is a buffer to receive into. False if all are lent out.
bool EpollRing::find_room() {
    const std::uint32_t room_min = std::max(1u, memory_.bytes() / room_divisor);
    const std::uint32_t room = filling_ ? memory_.bytes() - fill_bytes_ : 0;
    if (room >= room_min) return true;
    if (free_buffers_.empty()) return room > 0;
    if (filling_) lent_.finish(static_cast<std::uint16_t>(fill_index_));
    fill_index_ = free_buffers_.back();
    free_buffers_.pop_back();
    fill_bytes_ = 0;
    filling_ = true;
    return true;
}

}  // namespace ringcast::ring
