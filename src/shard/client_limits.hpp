#pragma once
// How many connections one client has, and how often it makes one: of all shards of a server
// together, since the kernel spreads a client's connections over them. Two tables of atomic words,
// of a fixed size, that any shard may use at any time without waiting. The alternative, one shard
// that owns the counts and is asked over the mesh, would cost a round trip for each accept and
// depend on that shard.
//
// A client is an IPv4 address, or the first 64 bits of an IPv6 one: a household has all of them.
//
//   set of 8 words, one cache line     connections   | tag, 40 bits | count, 24 bits |
//   chosen by a seeded hash            rate          | tag, 20 bits | time, 44 bits  |
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

#include "base/ip_address.hpp"
#include "base/time.hpp"

namespace ringcast::shard {

class ClientLimits {
public:
    struct Options {
        std::uint32_t connections_per_client_max = 0;  ///< At a time; 0: any number.
        std::uint32_t handshakes_per_client = 0;       ///< Per second; 0: any number.
        std::uint32_t burst_seconds = 10;              ///< So many seconds' worth at once.
        std::uint64_t connections_max = 10'000;  ///< Of the whole server: how large the table is.
        std::uint64_t seed = 0;                  ///< Secret, or clients could crowd into one set.
    };
    static constexpr std::uint32_t count_max = 0xff'ffff;  ///< Of connections_per_client_max.
    static constexpr std::uint32_t rate_max = 10'000;      ///< Of handshakes_per_client.

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

    [[nodiscard]] bool take_token(std::uint64_t hash, Instant now) noexcept;
    [[nodiscard]] Entry take_place(std::uint64_t hash) noexcept;

    Options options_;
    std::uint64_t token_ticks_ = 0;   // Until one token comes, in ticks of the table.
    std::uint64_t bucket_ticks_ = 0;  // Until an empty bucket is full.
    Table connections_;
    Table rates_;
};

}  // namespace ringcast::shard
