#pragma once
// The simulator's own guinea pig: a byte echo over the ring contract, about the smallest thing that
// has quiet sends with a backlog, suspend and resume, and close as a join. It can be told to break
// one rule, to see that the simulator notices.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ring/ring.hpp"

namespace ringcast::sim {

/// The mistake that the stub makes.
enum class Mistake : std::uint8_t {
    none,
    arms_twice,           ///< A second recv while one is armed.
    sends_twice,          ///< A quiet send beside a send in flight.
    reuses_memory,        ///< Writes into bytes that a send still names.
    keeps_slices,         ///< Sends a slice that died a turn ago.
    sends_slices,         ///< An ordinary send of a slice.
    writes_behind_slice,  ///< One byte too far.
    closes_early,         ///< close with the recv still armed.
    cancels_another,      ///< A cancel with the wrong generation.
    loses_shortfall,      ///< Forgets what a quiet send left.
    repeats_shortfall,    ///< Sends everything again after a short quiet send.
    flips_octet,          ///< Echoes something else.
    never_rearms,         ///< Takes a finished recv for an armed one.
    leaks,                ///< Never closes.
    spins,                ///< Wakes up without end.
};

class EchoStub {
public:
    EchoStub(ring::Ring& ring, int listener, Mistake mistake = Mistake::none);

    void turn();
    void begin_shutdown();
    [[nodiscard]] bool finished() const noexcept {
        return shutting_down_ && !accepting_ && connections_open_ == 0;
    }
    [[nodiscard]] std::size_t connections() const noexcept { return connections_open_; }

private:
    struct Connection {
        int fd = -1;
        std::uint16_t generation = 0;
        bool armed = false, cancelled = false, suspended = false, ended = false, broken = false,
             closing = false;
        bool sending = false;
        std::span<std::byte> quiet;  // Named by a quiet send of this turn.
        std::vector<std::byte> in_flight;
        std::vector<std::byte> backlog;
    };

    [[nodiscard]] ring::Token token_of(const Connection& connection) const;
    void complete(const ring::Completion& completion);
    void accepted(const ring::Completion& completion);
    void received(Connection& connection, const ring::Completion& completion);
    void sent(Connection& connection, std::int32_t result);
    void settle(Connection& connection, std::int32_t result);
    void echo(Connection& connection, std::span<std::byte> bytes);
    void attend(Connection& connection);
    void attend_receive(Connection& connection);
    void close_when_home(Connection& connection);
    [[nodiscard]] bool makes(Mistake mistake) const noexcept { return mistake_ == mistake; }

    ring::Ring& ring_;
    int listener_;
    Mistake mistake_;
    std::vector<Connection> connections_;
    std::size_t connections_open_ = 0;
    std::span<std::byte> old_slice_;
    bool accepting_ = false, shutting_down_ = false;
};

}  // namespace ringcast::sim
