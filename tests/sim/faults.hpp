#pragma once
// The weather of one run. Swarm mode: the rate of every fault is drawn from the seed, many of them
// zero, so that runs differ in character and not only in detail. Fault walk: all is calm, only the
// Nth decision strikes; N = 0, 1, 2 ... until a run passes without having reached it walks every
// error path of a scenario.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/prng.hpp"

namespace ringcast::sim {

/// Each is one yes-or-no question that the simulated kernel asks.
enum class Fault : std::uint8_t {
    accept_finished,     ///< The multishot accept ends with this completion.
    accept_emfile,       ///< -EMFILE; the connection stays in the backlog.
    accept_aborted,      ///< -ECONNABORTED; the connection is gone.
    recv_partial,        ///< Less than has arrived.
    recv_finished,       ///< The multishot recv ends with this completion.
    recv_exhausted,      ///< -ENOBUFS.
    recv_reset,          ///< The connection breaks, seen by a recv.
    recv_deaf,           ///< The reset behind these bytes wakes nobody.
    send_partial,        ///< An ordinary send makes progress in pieces.
    send_reset,          ///< The connection breaks, seen by a send.
    quiet_partial,       ///< A quiet send takes a part.
    quiet_nothing,       ///< A quiet send takes nothing: 0 or -EAGAIN.
    completion_delayed,  ///< An operation rests for a while.
    cancel_outrun,       ///< Data still arrives between a cancel and the recv's last completion.
    turn_empty,          ///< A turn returns at once and with nothing.
    turn_late,           ///< The shard's thread was not scheduled for a while.
    clock_jump,          ///< Time passes in which nobody did anything.
    wake_spurious,       ///< A wake completion that nobody asked for.
    wake_delayed,        ///< A wake ends the wait late.
    gather_short,        ///< A gathering wait ends early.
    segment_split,       ///< Written bytes travel in pieces.
    segment_late,        ///< A piece is late (those behind it wait).
};
inline constexpr std::size_t faults_count = static_cast<std::size_t>(Fault::segment_late) + 1;

[[nodiscard]] std::string_view to_string(Fault fault) noexcept;

class Faults {
public:
    using Counts = std::array<std::uint64_t, faults_count>;

    /// Swarm mode: rates drawn from `seed`.
    [[nodiscard]] static Faults swarm(std::uint64_t seed);
    /// Nothing ever strikes.
    [[nodiscard]] static Faults calm();
    /// Only decision number `index` strikes.
    [[nodiscard]] static Faults walk(std::uint64_t index);

    /// The answer to the next decision.
    bool strikes(Fault fault);
    /// Sets one rate, of 1000; for tests.
    void set(Fault fault, std::uint32_t per_mille);

    [[nodiscard]] const Counts& counts() const noexcept { return counts_; }
    /// Decisions asked for so far.
    [[nodiscard]] std::uint64_t decisions() const noexcept { return decisions_; }
    /// Fault walk: what struck, if it came to that.
    [[nodiscard]] std::optional<Fault> struck() const noexcept { return struck_; }

private:
    explicit Faults(std::uint64_t seed) : prng_{seed} {}

    Prng prng_;
    std::array<std::uint32_t, faults_count> per_mille_{};
    Counts counts_{};
    std::uint64_t decisions_ = 0;
    std::optional<std::uint64_t> walk_;
    std::optional<Fault> struck_;
};

}  // namespace ringcast::sim
