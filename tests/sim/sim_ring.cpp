#include "sim/sim_ring.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <xxhash.h>

#include "sim/memory.hpp"
#include "sim/rules.hpp"

namespace ringcast::sim {

using ring::Completion;
using ring::Opcode;
using ring::Submission;
using ring::Token;

SimRingSettings SimRingSettings::draw(Prng& prng) {
    constexpr std::size_t submissions[] = {1, 2, 3, 8, 64, 64, 1024};
    constexpr std::size_t completions[] = {1, 2, 5, 64, 64, 1024};
    constexpr std::size_t buffers[] = {1, 2, 4, 16, 64};
    constexpr std::size_t bytes[] = {64, 256, 1024, 4096, 32 << 10};
    constexpr std::int64_t costs[] = {0, 0, 10'000, 100'000, 2'000'000};  // ns
    return {.submissions_max = submissions[prng.below(std::size(submissions))],
            .completions_max = completions[prng.below(std::size(completions))],
            .buffers_count = buffers[prng.below(std::size(buffers))],
            .buffer_bytes = bytes[prng.below(std::size(bytes))],
            .gathers = prng.chance(1, 2),
            .leaves_some = true,
            .turn_cost = Duration{costs[prng.below(std::size(costs))]}};
}

SimRing::SimRing(Network& network, Faults& faults, const SimRingSettings& settings,
                 std::uint64_t seed)
    : Ring{settings.submissions_max},
      network_{&network},
      faults_{&faults},
      settings_{settings},
      prng_{seed},
      slices_{settings.buffers_count, settings.buffer_bytes, seed ^ 0x51} {
    now_ = network_->now();
}

SimRing::~SimRing() = default;

ring::Waker SimRing::waker() noexcept {
    return ring::Waker{[](void* context) noexcept {
                           auto& ring = *static_cast<SimRing*>(context);
                           ++ring.wakes_;
                           ring.wake_pending_ = ring.wake_pending_ || !ring.loses_wakes_;
                       },
                       this};
}

ring::Address SimRing::peer_address(int fd) noexcept {
    ++counters_.calls;
    return network_->address_of(fd);
}

std::uint64_t SimRing::unacknowledged_bytes(int fd) noexcept {
    ++counters_.calls;
    return network_->under_way(fd);
}

bool SimRing::idle() const noexcept {
    return slices_.lent() == 0 && quiet_lent_.empty() && shortfalls_.empty() &&
           std::ranges::none_of(states_, [](const State& state) {
               return state.receive.armed || state.send.active || state.close.active;
           });
}

std::string SimRing::what_is_left() const {
    std::string text = std::to_string(slices_.lent()) + " slices";
    for (std::size_t fd = 0; fd < states_.size(); ++fd) {
        if (states_[fd].receive.armed) text += ", a receive on " + std::to_string(fd);
        if (states_[fd].send.active) text += ", a send on " + std::to_string(fd);
        if (states_[fd].close.active) text += ", a close of " + std::to_string(fd);
    }
    return text;
}

// ---- The three calls ----

std::span<const Completion> SimRing::exchange(std::span<const Submission> submissions,
                                              const ring::Wait& wait) {
    end_work(network_->now());
    ++counters_.calls;  // As io_uring_enter: one hands all over and waits.
    slices_.begin_turn(++turn_);
    take(submissions);
    gathered_.clear();
    stuck_ = false;
    wait_for_completions(wait);
    if (wake_pending_) complete(Token{.opcode = Opcode::wake}, 0, false);
    wake_pending_ = false;
    return_quiet_memory();
    shortfalls_.insert(shortfalls_.end(), gathered_.begin(), gathered_.end());
    sleeps_until_ = shortfalls_.empty() ? wait.until : Instant{};
    now_ = network_->now();
    const std::span<const Completion> completions = publish(shortfalls_, of_turn_);
    if (before_return_) before_return_();
    return completions;
}

std::span<const Completion> SimRing::submit(std::span<const Submission> submissions) {
    ++counters_.calls;
    take(submissions);
    return_quiet_memory();
    return publish(shortfalls_, of_flush_);
}

void SimRing::spill(std::span<const Submission> submissions) {
    ++counters_.calls;
    take(submissions);
}

std::span<const Completion> SimRing::publish(std::vector<Completion>& source,
                                             std::vector<Completion>& target) {
    // What was returned before is dead now: a fresh array, so that a sanitizer sees who still looks
    // at the old one.
    std::vector<Completion> fresh;
    fresh.swap(source);
    target = std::move(fresh);
    for (const Completion& completion : target) {
        const std::uint64_t content =
            completion.bytes == nullptr || leaves_contents_out_
                ? 0
                : XXH3_64bits(completion.bytes, static_cast<std::size_t>(completion.result));
        trace(completion.has_more() ? "<- more" : "<-", completion.token, completion.result,
              content);
    }
    return target;
}

void SimRing::trace(const char* what, Token token, std::int64_t value, std::uint64_t content) {
    const std::uint64_t words[] = {
        trace_hash_, static_cast<std::uint64_t>(network_->now().time_since_epoch().count()),
        std::uint64_t{token.slot} << 32 | std::uint64_t{token.generation} << 16 |
            std::uint64_t{static_cast<std::uint8_t>(token.opcode)} << 8 | token.tag,
        static_cast<std::uint64_t>(value), content};
    trace_hash_ = XXH3_64bits(words, sizeof words);
    if (!prints_trace_) return;
    constexpr const char* names[] = {"accept",     "recv",     "cancel", "send",
                                     "send_quiet", "shutdown", "close",  "wake"};
    std::fprintf(stderr, "%12.6f turn %llu %-7s %-10s slot %u.%u.%u  %lld\n",
                 std::chrono::duration<double>(network_->now().time_since_epoch()).count(),
                 static_cast<unsigned long long>(turn_), what,
                 names[static_cast<std::size_t>(token.opcode)], token.slot,
                 static_cast<unsigned>(token.generation), static_cast<unsigned>(token.tag),
                 static_cast<long long>(value));
}

// ---- Taking submissions ----

SimRing::State& SimRing::state_of(const Submission& submission) {
    if (!network_->is_open(submission.fd)) {
        throw Violation{Rule::open_descriptor,
                        "a submission names descriptor " + std::to_string(submission.fd)};
    }
    const auto index = static_cast<std::size_t>(submission.fd);
    if (index >= states_.size()) states_.resize(index + 1);
    if (states_[index].close.active) {
        throw Violation{Rule::open_descriptor,
                        "descriptor " + std::to_string(submission.fd) + " is being closed"};
    }
    network_->watch(submission.fd, restless_);
    restless_.insert(submission.fd);
    return states_[index];
}

void SimRing::take(std::span<const Submission> submissions) {
    for (const Submission& submission : submissions) {
        State& state = state_of(submission);
        trace("->", submission.token, submission.fd, submission.size);
        switch (submission.token.opcode) {
            case Opcode::accept:
            case Opcode::recv: take_receive(submission, state); break;
            case Opcode::cancel: take_cancel(submission, state); break;
            case Opcode::send: take_send(submission, state); break;
            case Opcode::send_quiet: take_quiet(submission, state); break;
            case Opcode::shutdown: take_shutdown(submission); break;
            case Opcode::close: take_close(submission, state); break;
            case Opcode::wake: throw Violation{Rule::well_formed, "wake is no operation"};
        }
    }
}

void SimRing::take_receive(const Submission& submission, State& state) {
    if (network_->is_listener(submission.fd) != (submission.token.opcode == Opcode::accept)) {
        throw Violation{Rule::well_formed, "accept wants a listener, recv a connection"};
    }
    if (state.receive.armed) {
        throw Violation{Rule::one_receive_armed, "descriptor " + std::to_string(submission.fd)};
    }
    if (observer_ != nullptr && network_->is_connection(submission.fd))
        observer_->on_receive_armed(network_->connection_of(submission.fd));
    state.receive = {.armed = true, .token = submission.token, .not_before = rest()};
}

void SimRing::take_cancel(const Submission& submission, State& state) {
    // Its last completion may be among those that the shard has not looked at yet: then there is
    // nothing to cancel.
    if (!state.receive.armed) return;
    Token token = submission.token;
    token.opcode = static_cast<Opcode>(submission.size);
    if (token != state.receive.token) {
        throw Violation{Rule::well_formed, "a cancel whose token is not that of the armed receive"};
    }
    state.receive.ended_by = -ECANCELED;
    if (observer_ != nullptr && network_->is_connection(submission.fd))
        observer_->on_receive_cancelled(network_->connection_of(submission.fd));
}

void SimRing::check_memory(const Submission& submission) const {
    if (submission.parts_count > ring::send_parts_max || submission.size > ring::send_bytes_max) {
        throw Violation{Rule::well_formed, "a send is larger than the kernel takes at once"};
    }
    if (parts_bytes(submission) != submission.size) {
        throw Violation{Rule::well_formed, "the parts of a send do not add up to its size"};
    }
    for_each_part(submission, 0, submission.size, [&](std::span<const std::byte> part) {
        if (!slices_.touches(part)) return;
        if (!slices_.is_alive(part))
            throw Violation{Rule::slice_lifetime, "a send names a slice that is gone"};
        if (submission.token.opcode == Opcode::send) {
            throw Violation{Rule::slice_lifetime,
                            "an ordinary send names a slice, which may not outlive it"};
        }
    });
}

void SimRing::take_send(const Submission& submission, State& state) {
    check_memory(submission);
    if (state.send.active || state.quiet_lent) {
        throw Violation{Rule::one_send_in_flight, "descriptor " + std::to_string(submission.fd)};
    }
    if (observer_ != nullptr) observer_->on_sending(network_->connection_of(submission.fd), false);
    state.send = {.active = true,
                  .finished = false,
                  .submission = submission,
                  .memory_hash = memory_hash(submission),
                  .sent = 0,
                  .error = 0,
                  .not_before = {}};
}

void SimRing::take_quiet(const Submission& submission, State& state) {
    check_memory(submission);
    if (state.send.active || state.quiet_lent) {
        throw Violation{Rule::one_send_in_flight, "descriptor " + std::to_string(submission.fd)};
    }
    if (observer_ != nullptr) observer_->on_sending(network_->connection_of(submission.fd), true);
    state.quiet_lent = true;
    quiet_lent_.push_back({.submission = submission, .memory_hash = memory_hash(submission)});
    if (faults_->strikes(Fault::send_reset)) network_->sever(submission.fd);
    std::int32_t result = network_->send_state(submission.fd);
    if (result == 0) {
        std::uint64_t size =
            std::min<std::uint64_t>(submission.size, network_->writable(submission.fd));
        if (size > 0 && faults_->strikes(Fault::quiet_partial)) size = prng_.below(size);
        if (size > 0 && faults_->strikes(Fault::quiet_nothing)) size = 0;
        copy_to_network(submission.fd, submission, 0, size);
        if (size == submission.size) return;
        result = size == 0 && prng_.chance(1, 2) ? -EAGAIN : static_cast<std::int32_t>(size);
    } else if (prng_.chance(1, 2)) {
        result = -EPIPE;
    }
    ++counters_.quiet_shortfalls;
    shortfalls_.push_back({.token = submission.token, .result = result});
}

void SimRing::take_shutdown(const Submission& submission) {
    if (submission.size > static_cast<std::uint64_t>(ring::Shutdown::both)) {
        throw Violation{Rule::well_formed, "no such shutdown"};
    }
    if (network_->is_listener(submission.fd)) {
        states_[static_cast<std::size_t>(submission.fd)].receive.ended_by = -EINVAL;
    } else {
        network_->shut(submission.fd,
                       submission.size == static_cast<std::uint64_t>(ring::Shutdown::both));
    }
}

void SimRing::take_close(const Submission& submission, State& state) {
    if (state.receive.armed || state.send.active || state.quiet_lent) {
        throw Violation{Rule::close_is_a_join,
                        "descriptor " + std::to_string(submission.fd) + " has " +
                            (state.receive.armed ? "a receive armed" : "a send in flight")};
    }
    if (network_->is_connection(submission.fd)) network_->close(submission.fd);
    state.close = {.active = true, .token = submission.token, .not_before = rest()};
}

void SimRing::return_quiet_memory() {
    for (const Lent& lent : quiet_lent_) {
        if (memory_hash(lent.submission) != lent.memory_hash) {
            throw Violation{Rule::memory_unchanged, "of a quiet send"};
        }
        states_[static_cast<std::size_t>(lent.submission.fd)].quiet_lent = false;
    }
    quiet_lent_.clear();
}

}  // namespace ringcast::sim
