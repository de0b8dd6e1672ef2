#pragma once
// The simulator's Ring: answers submissions from a virtual Network and from the weather of a seed,
// and holds the shard to the contract of src/ring/ring.hpp. A broken rule is thrown as a Violation.
//
// A turn may move the virtual clock: with nothing to return it runs the network's events up to its
// deadline, as a real ring would sleep. With several shards in one thread a turn returns early when
// something happens that is not its own, and at a horizon that the driver sets (the earliest
// deadline of the others), so that they can be turned in any order. Or a wait leaves the clock to
// the driver and calls it, on a stack of its own: then a shard that sleeps really sleeps, and is
// seen asleep by the others, until something is due().

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/prng.hpp"
#include "ring/ring.hpp"
#include "sim/descriptor_set.hpp"
#include "sim/faults.hpp"
#include "sim/network.hpp"
#include "sim/slices.hpp"

namespace ringcast::sim {

/// Sizes of one SimRing, as a swarm draws them.
struct SimRingSettings {
    std::size_t submissions_max = 64;
    std::size_t completions_max = 64;  ///< Of one turn.
    std::size_t buffers_count = 16;
    std::size_t buffer_bytes = 4096;
    bool gathers = true;
    bool leaves_some = true;  ///< Some of what is ready waits for a later turn, at random.
    Duration turn_cost{0};    ///< The world goes on for so long while the shard works.

    [[nodiscard]] static SimRingSettings draw(Prng& prng);
};

/// Hears what a ring gives to its shard and is given by it, by connection of the network.
class RingObserver {
public:
    virtual ~RingObserver() = default;
    /// A receive is about to return these.
    virtual void on_received(std::uint32_t connection, std::span<const std::byte> bytes) = 0;
    virtual void on_sending(std::uint32_t connection, bool is_quiet) = 0;
    /// A receive is to end, ...
    virtual void on_receive_cancelled(std::uint32_t) {}
    /// ... or has its last completion; later there is another one.
    virtual void on_receive_ended(std::uint32_t) {}
    virtual void on_receive_armed(std::uint32_t) {}
};

class SimRing final : public ring::Ring {
public:
    SimRing(Network& network, Faults& faults, const SimRingSettings& settings, std::uint64_t seed);
    ~SimRing() override;

    [[nodiscard]] ring::Waker waker() noexcept override;
    [[nodiscard]] ring::Address peer_address(int fd) noexcept override;
    [[nodiscard]] std::uint64_t unacknowledged_bytes(int fd) noexcept override;
    [[nodiscard]] bool gathers() const noexcept override { return settings_.gathers; }
    [[nodiscard]] bool idle() const noexcept override;

    /// `observer` must outlive the last turn.
    void observe_with(RingObserver& observer) noexcept { observer_ = &observer; }
    /// No turn waits longer than until then.
    void set_horizon(Instant horizon) noexcept { horizon_ = horizon; }
    /// Other rings stand on the same network.
    void share_network() noexcept { shares_network_ = true; }
    /// From now on a wait calls `pause`, again and again until it is over, instead of moving the
    /// clock. It should come back when something is_due().
    void pause_with(std::function<void()> pause) { pause_ = std::move(pause); }
    /// From now on every turn calls `before_return` last of all, when it has read its clock.
    void end_turns_with(std::function<void()> before_return) {
        before_return_ = std::move(before_return);
    }
    /// A wait that pauses has to go on: there is something for it, or its time is up.
    [[nodiscard]] bool is_due() const;
    /// Ends the wait that pauses, and all that follow.
    void end_wait() noexcept { is_ended_ = true; }
    /// From now on no wake reaches this ring.
    void lose_wakes() noexcept { loses_wakes_ = true; }
    /// A wake is on its way to it.
    [[nodiscard]] bool has_wake() const noexcept { return wake_pending_; }
    /// Times its waker was called.
    [[nodiscard]] std::uint64_t wakes() const noexcept { return wakes_; }
    /// The deadline of the last turn that returned with nothing, or of the wait that pauses.
    [[nodiscard]] Instant sleeps_until() const noexcept { return sleeps_until_; }
    /// True if a turn could return something at once.
    [[nodiscard]] bool is_runnable() const;
    /// The last turn had nothing to wait for: no event, no deadline.
    [[nodiscard]] bool is_stuck() const noexcept { return stuck_; }

    /// Of all submissions and completions so far, in order: equal for equal seeds.
    [[nodiscard]] std::uint64_t trace_hash() const noexcept { return trace_hash_; }
    /// Where contents differ from one process to the next, only sizes go into it.
    void leave_contents_out() noexcept { leaves_contents_out_ = true; }
    /// Prints each submission and completion to stderr.
    void print_trace() noexcept { prints_trace_ = true; }
    /// `idle 2 receives, 1 send, ...` for messages about the end state.
    [[nodiscard]] std::string what_is_left() const;

protected:
    std::span<const ring::Completion> exchange(std::span<const ring::Submission> submissions,
                                               const ring::Wait& wait) override;
    std::span<const ring::Completion> submit(
        std::span<const ring::Submission> submissions) override;
    void spill(std::span<const ring::Submission> submissions) override;

private:
    /// An accept or recv.
    struct Receive {
        bool armed = false;
        bool deaf = false;          // To a reset, until more bytes come or receiving is shut down.
        std::int32_t ended_by = 0;  // The -errno of its last completion, once cancelled.
        ring::Token token;
        Instant not_before{};
    };
    struct Send {
        bool active = false, finished = false;
        ring::Submission submission;
        std::uint64_t memory_hash = 0;
        std::uint64_t sent = 0;
        std::int32_t error = 0;
        Instant not_before{};  // Of the completion, once finished.
    };
    struct Close {
        bool active = false;
        ring::Token token;
        Instant not_before{};
    };
    /// What this ring has to do with one descriptor.
    struct State {
        Receive receive;
        Send send;
        Close close;
        bool quiet_lent = false;
    };
    struct Lent {
        ring::Submission submission;
        std::uint64_t memory_hash;
    };

    void take(std::span<const ring::Submission> submissions);
    void take_receive(const ring::Submission& submission, State& state);
    void take_cancel(const ring::Submission& submission, State& state);
    void take_send(const ring::Submission& submission, State& state);
    void take_quiet(const ring::Submission& submission, State& state);
    void take_shutdown(const ring::Submission& submission);
    void take_close(const ring::Submission& submission, State& state);
    void check_memory(const ring::Submission& submission) const;
    /// Gives the memory of quiet sends back, after a look at it.
    void return_quiet_memory();

    /// Lets the kernel work until `wait` is satisfied.
    void wait_for_completions(const ring::Wait& wait);
    /// Until something happened, at most until `limit`. False if it is in vain to wait for more.
    [[nodiscard]] bool wait_for_change(Instant limit);
    /// What happens to a thread and its clock between two turns.
    void let_time_pass();
    /// Appends completions of whatever is ready, in random order between descriptors.
    void collect();
    [[nodiscard]] bool is_ready(int fd) const;
    /// It will be, without anything happening to it, when its time has come.
    [[nodiscard]] bool is_resting(int fd) const;
    /// The first descriptor from `fd` on that is ready; -1 if there is none.
    [[nodiscard]] int next_ready(int fd) const;
    [[nodiscard]] bool has_ready() const;
    [[nodiscard]] bool has_ended(int fd, const Receive& receive) const;
    /// At most one completion.
    void complete_one(int fd);
    void complete_accept(int fd, Receive& receive);
    void complete_recv(int fd, Receive& receive);
    void complete_send(int fd, State& state);
    void complete_close(int fd, State& state);
    void advance_send(int fd, Send& send);
    void copy_to_network(int fd, const ring::Submission& submission, std::uint64_t from,
                         std::uint64_t size);
    void complete(ring::Token token, std::int32_t result, bool more, std::byte* bytes = nullptr);
    /// Now, or a little later.
    [[nodiscard]] Instant rest();
    [[nodiscard]] State& state_of(const ring::Submission& submission);
    void trace(const char* what, ring::Token token, std::int64_t value, std::uint64_t content);
    [[nodiscard]] std::span<const ring::Completion> publish(std::vector<ring::Completion>& source,
                                                            std::vector<ring::Completion>& target);

    Network* network_;
    Faults* faults_;
    RingObserver* observer_ = nullptr;
    SimRingSettings settings_;
    Prng prng_;
    Slices slices_;
    std::vector<State> states_;                 // By descriptor.
    mutable DescriptorSet restless_;            // Whoever is not among them is not ready.
    std::vector<Lent> quiet_lent_;              // Quiet sends whose memory has not been given back.
    std::vector<ring::Completion> shortfalls_;  // Not yet returned.
    std::vector<ring::Completion> gathered_;    // Of the turn under way.
    std::vector<ring::Completion> of_turn_;     // What the last turn returned ...
    std::vector<ring::Completion> of_flush_;    // ... and the last flush.
    std::uint64_t turn_ = 0;
    Instant horizon_ = instant_never;
    Instant sleeps_until_{};
    Instant wake_due_{};      // A wake ends no wait before.
    std::vector<int> ready_;  // Descriptors; scratch of collect().
    std::function<void()> pause_, before_return_;
    std::uint64_t wakes_ = 0;
    bool shares_network_ = false;
    bool loses_wakes_ = false;
    bool is_ended_ = false;
    bool wake_pending_ = false;
    bool stuck_ = false;
    bool prints_trace_ = false;
    bool leaves_contents_out_ = false;
    std::uint64_t trace_hash_ = 0;
};

}  // namespace ringcast::sim
