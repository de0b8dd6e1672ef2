// The simulated kernel: what happens while a turn waits, and the completions that come of it.

#include <algorithm>
#include <cerrno>

#include "sim/memory.hpp"
#include "sim/rules.hpp"
#include "sim/sim_ring.hpp"

namespace ringcast::sim {

using ring::Opcode;
using ring::Submission;
using ring::Token;

namespace {

constexpr std::uint64_t late_us_max = 50'000, jump_ms_max = 3'000, rest_us_max = 5'000;
/// One turn draws from no more than so many descriptors; more are there in a crowd only.
constexpr std::size_t ready_max = 4096;

}  // namespace

void SimRing::wait_for_completions(const ring::Wait& wait) {
    let_time_pass();
    const std::uint32_t count =
        settings_.gathers && !faults_->strikes(Fault::gather_short) ? wait.count : 1;
    const std::size_t wanted =
        std::min<std::size_t>(std::max<std::uint32_t>(count, 1), settings_.completions_max);
    const Instant gather_until = network_->now() + wait.gather;
    const Instant until = std::min(wait.until, horizon_);
    if (wake_pending_ && faults_->strikes(Fault::wake_delayed)) {
        wake_due_ = network_->now() + std::chrono::microseconds{prng_.below(rest_us_max)};
        network_->tick(wake_due_);
    }
    if (faults_->strikes(Fault::turn_empty)) return;
    collect();
    while (true) {
        const std::size_t found = gathered_.size() + shortfalls_.size();
        const bool gathers = found > 0 && network_->now() < gather_until;
        if (found >= wanted || (found > 0 && !gathers)) return;
        if (wake_pending_ && network_->now() >= wake_due_) return;
        if (network_->now() >= until) return;
        if (!wait_for_change(gathers ? std::min(until, gather_until) : until)) return;
    }
}

bool SimRing::wait_for_change(Instant limit) {
    if (pause_) {
        sleeps_until_ = limit;
        pause_();
        if (!is_ended_) collect();
        return !is_ended_;
    }
    if (!network_->step(limit) && limit == instant_never) {
        stuck_ = true;
        return false;
    }
    if (!network_->take_changed()) return true;
    collect();
    // Perhaps it was another ring's, whose turn must not wait for the end of this sleep.
    return !(shares_network_ && gathered_.empty());
}

bool SimRing::is_due() const {
    if (network_->now() >= sleeps_until_) return true;
    return (wake_pending_ && network_->now() >= wake_due_) || has_ready();
}

void SimRing::let_time_pass() {
    if (faults_->strikes(Fault::wake_spurious)) wake_pending_ = true;
    Duration cost{static_cast<std::int64_t>(
        prng_.below(static_cast<std::uint64_t>(settings_.turn_cost.count()) + 1))};
    if (faults_->strikes(Fault::turn_late))
        cost += std::chrono::microseconds{prng_.below(late_us_max)};
    const Instant resumed = network_->now() + cost;
    while (network_->step(resumed)) {
    }
    if (faults_->strikes(Fault::clock_jump)) {
        network_->jump(std::chrono::milliseconds{prng_.below(jump_ms_max)});
    }
    (void)network_->take_changed();  // The first collect() looks at everything anyway.
}

bool SimRing::is_runnable() const {
    return wake_pending_ || !shortfalls_.empty() || has_ready();
}

bool SimRing::has_ready() const {
    return next_ready(0) >= 0;
}

int SimRing::next_ready(int fd) const {
    while ((fd = restless_.next(fd)) >= 0 && !is_ready(fd)) {
        if (!is_resting(fd)) restless_.erase(fd);
        ++fd;
    }
    return fd;
}

bool SimRing::is_ready(int fd) const {
    const State& state = states_[static_cast<std::size_t>(fd)];
    const Instant now = network_->now();
    if (state.close.active) return now >= state.close.not_before;
    if (state.send.active) {
        if (state.send.finished ? now >= state.send.not_before
                                : network_->send_state(fd) != 0 || network_->writable(fd) > 0) {
            return true;
        }
    }
    if (!state.receive.armed || now < state.receive.not_before) return false;
    if (state.receive.ended_by != 0) return true;
    return state.receive.token.opcode == Opcode::accept
               ? network_->has_backlog(fd)
               : network_->readable(fd) > 0 || has_ended(fd, state.receive);
}

bool SimRing::is_resting(int fd) const {
    const State& state = states_[static_cast<std::size_t>(fd)];
    const Instant now = network_->now();
    return (state.close.active && now < state.close.not_before) ||
           (state.send.active && state.send.finished && now < state.send.not_before) ||
           (state.receive.armed && now < state.receive.not_before);
}

bool SimRing::has_ended(int fd, const Receive& receive) const {
    const int state = network_->receive_state(fd);
    const bool is_deaf = receive.deaf && !network_->is_receiving_shut(fd);
    return state > 0 || (state < 0 && !is_deaf);
}

void SimRing::collect() {
    ready_.clear();
    for (int fd = next_ready(0); fd >= 0 && ready_.size() < ready_max; fd = next_ready(fd + 1))
        ready_.push_back(fd);
    while (!ready_.empty() && gathered_.size() < settings_.completions_max) {
        int& chosen = ready_[prng_.below(ready_.size())];
        complete_one(chosen);
        // What is left waits for a later turn, if this one has something to return: else nothing
        // might come to look at it again.
        const bool is_left = settings_.leaves_some && !gathered_.empty() && prng_.chance(1, 4);
        if (!is_ready(chosen) || is_left) {
            chosen = ready_.back();
            ready_.pop_back();
        }
    }
}

void SimRing::complete_one(int fd) {
    State& state = states_[static_cast<std::size_t>(fd)];
    if (state.close.active) return complete_close(fd, state);
    const bool receive_due = state.receive.armed && network_->now() >= state.receive.not_before;
    if (state.send.active && (!receive_due || prng_.chance(1, 2))) return complete_send(fd, state);
    if (!receive_due) return;
    if (state.receive.token.opcode == Opcode::accept) {
        complete_accept(fd, state.receive);
    } else {
        complete_recv(fd, state.receive);
    }
}

void SimRing::complete_accept(int fd, Receive& receive) {
    if (receive.ended_by != 0) {
        receive.armed = false;
        return complete(receive.token, receive.ended_by, false);
    }
    if (!network_->has_backlog(fd)) return;
    const bool more = !faults_->strikes(Fault::accept_finished);
    std::int32_t result = 0;
    if (faults_->strikes(Fault::accept_emfile)) {
        result = prng_.chance(1, 2) ? -EMFILE : -ENFILE;
        receive.not_before = network_->now() + std::chrono::milliseconds{1};
        network_->tick(receive.not_before);
    } else if (faults_->strikes(Fault::accept_aborted)) {
        network_->abort_accept(fd);
        result = -ECONNABORTED;
    } else {
        result = network_->accept(fd);
        receive.not_before = rest();
    }
    receive.armed = more;
    complete(receive.token, result, more);
}

void SimRing::complete_recv(int fd, Receive& receive) {
    const auto end = [&](std::int32_t result) {
        receive.armed = false;
        if (observer_ != nullptr) observer_->on_receive_ended(network_->connection_of(fd));
        complete(receive.token, result, false);
    };
    std::size_t size = network_->readable(fd);
    if (receive.ended_by != 0 && !(size > 0 && faults_->strikes(Fault::cancel_outrun))) {
        return end(receive.ended_by);
    }
    if (size == 0) {
        if (!has_ended(fd, receive)) return;
        const int state = network_->receive_state(fd);
        return end(state > 0 ? 0 : state);
    }
    if (faults_->strikes(Fault::recv_reset)) {
        network_->sever(fd);
        return end(-ECONNRESET);
    }
    if (faults_->strikes(Fault::recv_partial)) size = 1 + prng_.below(size);
    const bool exhausted = faults_->strikes(Fault::recv_exhausted);
    const std::span<std::byte> slice =
        exhausted ? std::span<std::byte>{} : slices_.take(size, turn_);
    if (slice.empty()) {
        ++counters_.buffers_exhausted;
        return end(-ENOBUFS);
    }
    network_->read(fd, slice);
    if (observer_ != nullptr) observer_->on_received(network_->connection_of(fd), slice);
    receive.armed = !faults_->strikes(Fault::recv_finished);
    if (!receive.armed && observer_ != nullptr)
        observer_->on_receive_ended(network_->connection_of(fd));
    receive.deaf = faults_->strikes(Fault::recv_deaf);
    receive.not_before = rest();
    complete(receive.token, static_cast<std::int32_t>(slice.size()), receive.armed, slice.data());
}

void SimRing::complete_send(int fd, State& state) {
    Send& send = state.send;
    if (!send.finished) advance_send(fd, send);
    if (!send.finished || network_->now() < send.not_before) return;
    if (memory_hash(send.submission) != send.memory_hash) {
        throw Violation{Rule::memory_unchanged, "of a send"};
    }
    send.active = false;
    complete(send.submission.token,
             send.error != 0 ? send.error : static_cast<std::int32_t>(send.submission.size), false);
}

void SimRing::advance_send(int fd, Send& send) {
    if (faults_->strikes(Fault::send_reset)) network_->sever(fd);
    send.error = network_->send_state(fd);
    if (send.error == 0) {
        const std::uint64_t left = send.submission.size - send.sent;
        std::uint64_t size = std::min<std::uint64_t>(left, network_->writable(fd));
        if (size > 1 && faults_->strikes(Fault::send_partial)) size = 1 + prng_.below(size);
        copy_to_network(fd, send.submission, send.sent, size);
        send.sent += size;
        if (send.sent < send.submission.size) return;
    }
    send.finished = true;
    send.not_before = rest();
}

void SimRing::complete_close(int fd, State& state) {
    const Token token = state.close.token;
    state = {};
    if (network_->is_listener(fd)) {
        network_->close_listener(fd);
    } else {
        network_->release(fd);
    }
    complete(token, 0, false);
}

void SimRing::copy_to_network(int fd, const Submission& submission, std::uint64_t from,
                              std::uint64_t size) {
    for_each_part(submission, from, size,
                  [&](std::span<const std::byte> part) { network_->write(fd, part); });
}

void SimRing::complete(Token token, std::int32_t result, bool more, std::byte* bytes) {
    gathered_.push_back({.token = token,
                         .bytes = bytes,
                         .result = result,
                         .flags = more ? ring::Completion::more : 0});
}

Instant SimRing::rest() {
    if (!faults_->strikes(Fault::completion_delayed)) return {};
    const Instant until = network_->now() + std::chrono::microseconds{prng_.below(rest_us_max)};
    network_->tick(until);
    return until;
}

}  // namespace ringcast::sim
