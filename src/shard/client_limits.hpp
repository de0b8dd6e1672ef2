#pragma once
// How many connections one client has, how often it makes one, and how often it publishes to a
// topic that has a rate: of all shards of a server together, since the kernel spreads a client's
// connections over them. Three tables of atomic words, of a fixed size, that any shard may use at
// any time without waiting. The alternative, one shard that owns the counts and is asked over the
// mesh, would cost a round trip for each accept and publication and depend on that shard.
//
// A client is an IPv4 address, or the first 64 bits of an IPv6 one: a household has all of them.
// Who publishes is a user, whatever its connections; of those whom nobody knows it is the session,
// or where there is none the client.
//
//   set of 8 words, one cache line     connections   | tag, 40 bits | count, 24 bits |
//   chosen by a seeded hash            rates         | tag, 20 bits | time, 44 bits  |
//
// The tag is more of the same hash, so that a word is claimed, changed and freed in one operation.
// Two clients share one word by chance: among a million connections once in a hundred thousand
// servers. The rate is that of GCRA, a token bucket as one time: when it will be full again. What
// is full need not be remembered, so those words free themselves.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/ip_address.hpp"
#include "base/time.hpp"
#include "base/token_bucket.hpp"

namespace ringcast::shard {

class ClientLimits {
public:
    struct Options {
        std::uint32_t connections_per_client_max = 0;  ///< At a time; 0: any number.
        std::uint32_t handshakes_per_client = 0;       ///< Per second; 0: any number.
        std::uint32_t burst_seconds = 10;              ///< So many seconds' worth at once.
        std::uint64_t connections_max = 10'000;  ///< Of the whole server: how large the table is.
        bool has_publication_rates = false;      ///< Else take_publication() takes nothing.
        std::uint64_t seed = 0;                  ///< Secret, or clients could crowd into one set.
    };
    static constexpr std::uint32_t count_max = 0xff'ffff;  ///< Of connections_per_client_max.
    static constexpr std::uint32_t rate_max = 10'000;      ///< Of handshakes, and publications.
    static constexpr std::uint32_t burst_max = 10'000;     ///< Of publications.

    explicit ClientLimits(const Options& options);

    enum class Verdict : std::uint8_t { admitted, too_many, too_often };
    static constexpr std::uint32_t no_place = UINT32_MAX;
    struct Entry {
        Verdict verdict = Verdict::admitted;
        std::uint32_t place = no_place;  ///< To leave() when the connection has gone.
    };

    [[nodiscard]] bool is_on() const noexcept;
    /// One more connection of the client at `ip`. Any shard; times of different shards may differ
    /// by a turn. Where a set of the table is full of others, a client is admitted uncounted.
    [[nodiscard]] Entry admit(const IpAddress& ip, Instant now) noexcept;
    /// Any shard. Nothing for no_place.
    void leave(std::uint32_t place) noexcept;

    /// Names who publishes, for as long as this lives. Of a session: its client's id, or the like.
    enum class Publisher : std::uint8_t { user, session };
    [[nodiscard]] std::uint64_t publisher(Publisher kind, std::string_view name) const noexcept;
    [[nodiscard]] std::uint64_t publisher(const IpAddress& ip) const noexcept;

    /// What becomes of a publication beyond the rate: it is not to be taken, or it is already, and
    /// the next one has to wait the longer.
    enum class Excess : std::uint8_t { refused, owed };
    struct Permit {
        bool is_given = true;
        Duration next{};  ///< Until the next one would be; 0: at once.
    };
    /// One more publication of `publisher` to `topic`. Any shard, as admit().
    [[nodiscard]] Permit take_publication(std::uint64_t publisher, std::string_view topic,
                                          const TokenRate& rate, Instant now,
                                          Excess excess) noexcept;

private:
    struct alignas(64) Set {
        std::array<std::atomic<std::uint64_t>, 8> words{};
    };
    class Table {
    public:
        Table() = default;
        /// At least so many words.
        explicit Table(std::uint64_t words_min);
        [[nodiscard]] Set& set_of(std::uint64_t hash) noexcept;
        [[nodiscard]] std::uint32_t first_place(const Set& set) const noexcept;
        [[nodiscard]] std::atomic<std::uint64_t>& word(std::uint32_t place) noexcept;

    private:
        std::unique_ptr<Set[]> sets_;
        std::uint64_t mask_ = 0;
    };

    /// In ticks of a table of rates.
    struct Bucket {
        std::uint64_t token = 0;  ///< Until one token comes.
        std::uint64_t full = 0;   ///< Until an empty one is full.
    };
    struct Token {
        bool is_taken;
        std::uint64_t wait;  ///< Until there is another one.
    };
    /// Bucket times that go further ahead than `horizon` are of the last time around.
    [[nodiscard]] static Token take_token(Table& table, std::uint64_t horizon, std::uint64_t hash,
                                          const Bucket& bucket, Instant now,
                                          Excess excess) noexcept;
    [[nodiscard]] Entry take_place(std::uint64_t hash) noexcept;

    Options options_;
    Bucket handshake_bucket_;
    Table connections_;
    Table handshakes_;
    Table publications_;
};

}  // namespace ringcast::shard
