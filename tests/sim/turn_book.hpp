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
// A turn may be long, though. What one client may take of it:
//
//   work       a message is begun only as long as less than work_per_turn has been taken in this
//              turn. What was too little to be remembered (below 16, and below the share) when
//              input stopped or had been used up, at a receive, when held input went on or after a
//              read of TLS, comes on top of that, and so does a frame that ends with its slice
//   inflation  PermessageDeflate::work_per_connection, and the piece that goes beyond
//   records    of TLS with next to nothing in them, 8 reads of 64, and the last read of each slice
//
// Of messages the application tells. Fragments, control frames and what inflates to nothing are not
// seen from outside; but who is listened to has had all that came before looked at: a receive that
// is not being cancelled when a turn ends, or is armed, says that nothing is held. So where it is
// known what octets stand for (flood.hpp), it is known how much was done in how many turns.
//
// Where memory is scarce, a client that has output under way may have to wait until that has gone:
// then nothing is counted. Where a receive brings nothing and where a send cannot finish at once is
// weather. It is left out by beginning at what the ring returned, and by counting only output that
// finds its queue empty.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "sim/flood.hpp"
#include "sim/sim_ring.hpp"

namespace ringcast::sim {

/// What the shard has been told of shares.
struct TurnShares {
    std::uint64_t work_per_turn = 0;
    std::uint64_t message_bytes_max = 0;
    std::uint64_t inflation_per_turn = 250'000;
    bool is_secure = false;
};

class TurnBook final : public RingObserver {
public:
    explicit TurnBook(const TurnShares& shares) : shares_{shares} {}

    void begin_turn() { ++turn_; }
    /// From now on everything about this one is kept, and bounded: `turns_max` is u - t.
    /// `is_alone`: nothing is sent to it but its echoes.
    void watch(std::uint32_t connection, std::uint64_t turns_max, bool is_alone);
    /// What the client sends, or that it sends records with next to nothing in them.
    void expect(std::uint32_t connection, const Flood& flood) {
        clients_[connection].flood = flood;
    }
    void expect_small_records(std::uint32_t connection) { clients_[connection].records.emplace(); }

    // These throw Violation.

    void on_received(std::uint32_t connection, std::span<const std::byte> bytes) override;
    void on_sending(std::uint32_t connection, bool is_quiet) override;
    void on_receive_cancelled(std::uint32_t connection) override;
    void on_receive_ended(std::uint32_t connection) override;
    void on_receive_armed(std::uint32_t connection) override;
    /// The application hears of a session's begin, ...
    void on_open(std::uint32_t connection) { clients_[connection].is_open = true; }
    /// ... of a message ...
    void on_message(std::uint32_t connection, std::size_t payload_bytes);
    /// ... and of its end. Whatever comes then is dropped.
    void on_close(std::uint32_t connection);

    /// Turns between the one that returned the last of the first `octets` octets of a connection,
    /// and the one in which the application heard of message number `message`. None if it did not,
    /// or nobody watched. Throws Violation if it took too many.
    [[nodiscard]] std::optional<std::uint64_t> turns_to_hear(std::uint32_t connection,
                                                             std::uint64_t octets,
                                                             std::size_t message) const;
    /// Times that it was seen how much was done for a flood.
    [[nodiscard]] std::uint64_t floods_settled() const noexcept { return floods_settled_; }

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
        // What it sends, and what of that is known to have been done.
        Flood flood;
        std::optional<SmallRecords> records;
        bool is_open = false, is_listened_to = false;
        std::uint64_t octets_settled = 0;
        // Since then:
        std::uint64_t settled_in = 0, receives_unsettled = 0, records_unsettled = 0;
        bool was_cancelled = false;
    };
    [[nodiscard]] Client& in_this_turn(std::uint32_t connection);
    void settle(Client& client, std::uint64_t last_turn);
    void check_flood(const Client& client, std::uint64_t turns);
    void check_records(const Client& client, std::uint64_t turns) const;
    [[nodiscard]] std::uint64_t forgotten_max() const noexcept;
    [[nodiscard]] std::uint64_t looks_max(const Client& client, std::uint64_t receives,
                                          std::uint64_t turns) const noexcept;

    TurnShares shares_;
    std::uint64_t turn_ = 0;
    std::uint64_t floods_settled_ = 0;
    std::unordered_map<std::uint32_t, Client> clients_;
};

}  // namespace ringcast::sim
