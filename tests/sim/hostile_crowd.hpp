#pragma once
// The hostile clients of one run: plays them, and sees to it that the server ends each in time.
//
// In time is this, with two closing handshakes' worth for the end itself and some for the weather:
// what is begun and goes on too slowly, after the timeouts of a handshake and of a message (twice:
// the clock begins again where a message is larger than 64 KiB); who does nothing any more, after
// those and that of idleness, counted from when anything last went either way.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sim/hostile.hpp"
#include "sim/network.hpp"
#include "sim/tally.hpp"
#include "sim/turn_book.hpp"

namespace ringcast::sim {

class HostilePeer final : public Peer {
public:
    /// `hostile` must outlive it.
    explicit HostilePeer(const Hostile& hostile) : hostile_{hostile} {}

    void run(Wire wire, Instant now) override;

    /// From when on the server's deadlines run, for one that is slow; else instant_never.
    [[nodiscard]] Instant slow_since() const noexcept { return slow_since_; }
    /// Anything was written or read, by it or by the server.
    [[nodiscard]] Instant active_at() const noexcept { return active_at_; }

private:
    void read(Wire wire, Instant now);
    void write(Wire wire, Instant now);
    [[nodiscard]] std::string_view next_octets() const noexcept;
    void end(Wire wire) const;
    [[nodiscard]] bool is_written() const noexcept {
        return written_ >= hostile_.head.size() &&
               written_ - hostile_.head.size() >= hostile_.body_bytes;
    }

    const Hostile& hostile_;
    std::size_t written_ = 0;
    Instant slow_since_ = instant_never, active_at_ = instant_never;
    Instant write_after_{}, read_after_{};
    std::uint64_t reads_ = 0;
};

class HostileCrowd {
public:
    HostileCrowd(Network& network, std::vector<Hostile> hostiles, const HostileGround& ground);

    /// Each to one of the listeners, drawn.
    void connect(Prng& prng, std::span<const int> listeners);
    /// `book` is told what they send.
    void announce(TurnBook& book) const;
    /// To be called whenever something may have happened. Throws Violation.
    void watch();
    /// The server has ended every one of them.
    [[nodiscard]] bool is_over() const noexcept { return over_count_ == members_.size(); }
    [[nodiscard]] bool empty() const noexcept { return members_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return members_.size(); }
    /// For messages about what went wrong.
    [[nodiscard]] std::string what_is_left() const;
    void add_to(Tally& tally) const;

private:
    struct Member {
        Hostile hostile;
        std::unique_ptr<HostilePeer> peer;
        std::uint32_t connection = 0;
        bool is_over = false;
    };
    [[nodiscard]] Instant deadline(const Member& member) const;

    Network& network_;
    std::vector<Member> members_;
    std::size_t over_count_ = 0;
    Duration slow_max_, silent_max_;
};

}  // namespace ringcast::sim
