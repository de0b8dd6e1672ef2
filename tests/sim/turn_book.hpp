#pragma once
// What clients get of the turns of one shard with echoes, and the bounds on it.
//
// Of an honest client, which waits for each echo before it sends more, so that nothing of its own
// holds it up:
//
//   turn t       the ring returns the last octet of its message
//   turn u       the application hears of it: u <= t + 1, if the client does not compress
//   turn u + 1   the echo is handed to the ring
//
//   turn v       its receive ends, be it that its share of a turn is over
//   turn w       another one is armed: w <= v + 2 if the client does not compress, else as many
//                turns more as for u
//
// What others do is no part of the bound: each of them stops when it has had its share of a turn,
// Settings::work_per_turn, and input that is not compressed waits for nothing but the end of its
// own share. Whoever has agreed on compression may have to wait for the work of others, too: a turn
// ends for them when 16 of them have had their share, and nobody goes before who stopped earlier.
// With the last message, which is never divided, a share is three of those at most, so with c
// clients that compress u <= t + 2 + 3 c / 16.
//
// The share itself: a message is begun only as long as less than work_per_turn has been taken in
// this turn. What was too little to be remembered (below 16, and below the share) when input
// stopped or had been used up, at a receive or when held input went on, comes on top of that.
//
// Where memory is scarce, a client that has output under way may have to wait until that has gone:
// then nothing is counted. Where a receive brings nothing and where a send cannot finish at once is
// weather. It is left out by beginning at what the ring returned, and by counting only output that
// finds its queue empty.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "sim/sim_ring.hpp"

namespace ringcast::sim {

class TurnBook final : public RingObserver {
public:
    explicit TurnBook(std::uint64_t work_per_turn) : work_per_turn_{work_per_turn} {}

    void begin_turn() { ++turn_; }
    /// From now on everything about this one is kept, and bounded: `turns_max` is u - t.
    /// `is_alone`: nothing is sent to it but its echoes.
    void watch(std::uint32_t connection, std::uint64_t turns_max, bool is_alone);

    void on_received(std::uint32_t connection, std::size_t bytes) override;
    void on_sending(std::uint32_t connection, bool is_quiet) override;
    void on_receive_ended(std::uint32_t connection) override;
    void on_receive_armed(std::uint32_t connection) override;
    /// The application hears of a message. Throws Violation.
    void on_message(std::uint32_t connection, std::size_t payload_bytes);

    /// Turns between the one that returned the last of the first `octets` octets of a connection,
    /// and the one in which the application heard of message number `message`. None if it did not,
    /// or nobody watched. Throws Violation if it took too many.
    [[nodiscard]] std::optional<std::uint64_t> turns_to_hear(std::uint32_t connection,
                                                             std::uint64_t octets,
                                                             std::size_t message) const;

private:
    struct Receipt {
        std::uint64_t octets, turn;
    };
    struct Client {
        // Of the newest turn in which it was given anything.
        std::uint64_t turn = 0, receives = 0, work = 0;
        bool is_watched = false, is_alone = false;
        std::uint64_t turns_max = 0;
        std::uint64_t octets = 0;
        std::vector<Receipt> received;
        std::vector<std::uint64_t> heard;  // The turn, by message.
        std::uint64_t unsent_since = 0;    // An echo is to be handed over, of that turn; 0: none.
        std::uint64_t deaf_since = 0;      // No receive is armed; 0: one is, or that is no matter.
    };
    [[nodiscard]] Client& in_this_turn(std::uint32_t connection);

    std::uint64_t work_per_turn_;
    std::uint64_t turn_ = 0;
    std::unordered_map<std::uint32_t, Client> clients_;
};

}  // namespace ringcast::sim
