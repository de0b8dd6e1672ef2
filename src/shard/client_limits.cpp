#include "shard/client_limits.hpp"

#include <algorithm>
#include <bit>
#include <string_view>

#include "base/assert.hpp"
#include "base/hash.hpp"

namespace ringcast::shard {

namespace {

// Every access is relaxed: a word is all there is to know, and nothing else is read on its account.
constexpr auto relaxed = std::memory_order_relaxed;

constexpr unsigned count_bits = 24;
constexpr std::uint64_t count_mask = (std::uint64_t{1} << count_bits) - 1;

/// 1.024 us: fine enough for rate_max, and 44 bits of it are 208 days.
constexpr unsigned tick_shift = 10;
constexpr std::uint64_t second_ticks = std::uint64_t{1'000'000'000} >> tick_shift;
constexpr unsigned time_bits = 44;
constexpr std::uint64_t time_mask = (std::uint64_t{1} << time_bits) - 1;

/// Clients that come or publish often at one time; beyond, those who do least are forgotten first.
constexpr std::uint64_t rate_words = 1 << 16;

/// How far a publisher can be in debt: a minute, which is more than a few sessions make.
constexpr std::uint64_t debt_ticks_max = 60 * second_ticks;
constexpr std::uint64_t publication_ticks_max =
    second_ticks * ClientLimits::burst_max + debt_ticks_max;

std::uint64_t hash_of(const IpAddress& ip, std::uint64_t seed) noexcept {
    constexpr std::size_t ipv6_client_bytes = 8;
    const std::size_t size = ip.is_ipv4() ? ip.octets.size() : ipv6_client_bytes;
    return hash_bytes({reinterpret_cast<const char*>(ip.octets.data()), size}, seed);
}

}  // namespace

ClientLimits::Table::Table(std::uint64_t words_min) {
    constexpr std::uint64_t set_size = 8;
    const std::uint64_t sets = std::bit_ceil(std::max<std::uint64_t>(words_min / set_size, 1));
    RC_ASSERT(sets * set_size < no_place);
    sets_ = std::make_unique<Set[]>(sets);
    mask_ = sets - 1;
}

ClientLimits::Set& ClientLimits::Table::set_of(std::uint64_t hash) noexcept {
    return sets_[hash & mask_];
}

std::uint32_t ClientLimits::Table::first_place(const Set& set) const noexcept {
    return static_cast<std::uint32_t>((&set - sets_.get()) * 8);
}

std::atomic<std::uint64_t>& ClientLimits::Table::word(std::uint32_t place) noexcept {
    RC_ASSERT(place / 8 <= mask_);
    return sets_[place / 8].words[place % 8];
}

ClientLimits::ClientLimits(const Options& options) : options_{options} {
    RC_ASSERT(options.connections_per_client_max <= count_max);
    RC_ASSERT(options.handshakes_per_client <= rate_max && options.burst_seconds > 0);
    // Half full when every connection is another client's: then 2 in 100 find their set full.
    if (options.connections_per_client_max > 0) connections_ = Table{2 * options.connections_max};
    if (options.has_publication_rates) publications_ = Table{rate_words};
    if (options.handshakes_per_client == 0) return;
    handshake_bucket_.token = second_ticks / options.handshakes_per_client;
    handshake_bucket_.full =
        handshake_bucket_.token * options.handshakes_per_client * options.burst_seconds;
    handshakes_ = Table{rate_words};
}

bool ClientLimits::is_on() const noexcept {
    return options_.connections_per_client_max > 0 || options_.handshakes_per_client > 0;
}

ClientLimits::Entry ClientLimits::admit(const IpAddress& ip, Instant now) noexcept {
    const std::uint64_t hash = hash_of(ip, options_.seed);
    if (options_.handshakes_per_client > 0 && !take_token(handshakes_, handshake_bucket_.full, hash,
                                                          handshake_bucket_, now, Excess::refused)
                                                   .is_taken)
        return {.verdict = Verdict::too_often};
    return options_.connections_per_client_max > 0 ? take_place(hash) : Entry{};
}

std::uint64_t ClientLimits::publisher(Publisher kind, std::string_view name) const noexcept {
    return hash_bytes(name, options_.seed ^ (1 + static_cast<std::uint64_t>(kind)));
}

std::uint64_t ClientLimits::publisher(const IpAddress& ip) const noexcept {
    return hash_of(ip, options_.seed);
}

ClientLimits::Permit ClientLimits::take_publication(std::uint64_t publisher, std::string_view topic,
                                                    const TokenRate& rate, Instant now,
                                                    Excess excess) noexcept {
    if (!options_.has_publication_rates || !rate.is_limited()) return {};
    RC_ASSERT(rate.rate <= rate_max && rate.burst <= burst_max);
    const std::uint64_t token = second_ticks / rate.rate;
    const Bucket bucket{.token = token, .full = token * rate.burst_or_second()};
    const Token taken = take_token(publications_, publication_ticks_max,
                                   hash_bytes(topic, publisher), bucket, now, excess);
    return {.is_given = taken.is_taken,
            .next = Duration{static_cast<Duration::rep>(taken.wait << tick_shift)}};
}

/// The times of shards may differ by a second.
ClientLimits::Token ClientLimits::take_token(Table& table, std::uint64_t horizon,
                                             std::uint64_t hash, const Bucket& bucket, Instant now,
                                             Excess excess) noexcept {
    const std::uint64_t tag = hash >> time_bits;
    const auto ticks =
        static_cast<std::uint64_t>(now.time_since_epoch().count()) >> tick_shift & time_mask;
    // Ticks until the bucket of a word is full. A time in the past, or so far ahead that it can
    // only be of the last time around, is of a full one; but the clock of a shard may be behind.
    const auto wait_of = [&](std::uint64_t word) {
        const std::uint64_t ahead = (word - ticks) & time_mask;
        return ahead <= horizon + second_ticks ? ahead : 0;
    };
    Set& set = table.set_of(hash);
    while (true) {
        std::atomic<std::uint64_t>* target = nullptr;
        std::uint64_t seen = 0;
        for (std::atomic<std::uint64_t>& word : set.words) {
            const std::uint64_t value = word.load(relaxed);
            const bool is_ours = value >> time_bits == tag && wait_of(value) > 0;
            // Of the others, the one that knows least.
            if (!is_ours && target != nullptr && wait_of(value) >= wait_of(seen)) continue;
            target = &word;
            seen = value;
            if (is_ours) break;
        }
        const bool is_ours = seen >> time_bits == tag;
        // Until it is full again, with one token less; and until there is one, with yet one less.
        std::uint64_t full_in = (is_ours ? wait_of(seen) : 0) + bucket.token;
        const auto shortage = [&](std::uint64_t until_full) {
            return until_full > bucket.full ? until_full - bucket.full : 0;
        };
        if (full_in > bucket.full && excess == Excess::refused)
            return {.is_taken = false, .wait = shortage(full_in)};
        full_in = std::min(full_in, bucket.full + debt_ticks_max);
        const std::uint64_t next = tag << time_bits | ((ticks + full_in) & time_mask);
        if (target->compare_exchange_weak(seen, next, relaxed))
            return {.is_taken = true, .wait = shortage(full_in + bucket.token)};
    }
}

ClientLimits::Entry ClientLimits::take_place(std::uint64_t hash) noexcept {
    const std::uint64_t tag = hash >> count_bits;
    Set& set = connections_.set_of(hash);
    while (true) {
        constexpr std::uint32_t none = 8;
        std::uint32_t target = none;
        std::uint32_t free = none;
        std::uint64_t seen = 0;
        std::uint64_t count = 0;
        for (std::uint32_t i = 0; i < none; ++i) {
            const std::uint64_t value = set.words[i].load(relaxed);
            if (value == 0) {
                free = std::min(free, i);
            } else if (value >> count_bits == tag) {
                // Two shards that saw different words free may both have begun one.
                count += value & count_mask;
                target = i;
                seen = value;
            }
        }
        if (count >= options_.connections_per_client_max) return {.verdict = Verdict::too_many};
        if (target == none) target = free;
        if (target == none) return {};
        const std::uint64_t next = seen == 0 ? tag << count_bits | 1 : seen + 1;
        if (set.words[target].compare_exchange_weak(seen, next, relaxed))
            return {.place = connections_.first_place(set) + target};
    }
}

void ClientLimits::leave(std::uint32_t place) noexcept {
    if (place == no_place) return;
    std::atomic<std::uint64_t>& word = connections_.word(place);
    std::uint64_t seen = word.load(relaxed);
    std::uint64_t next = 0;
    do {
        RC_ASSERT((seen & count_mask) > 0);
        next = (seen & count_mask) == 1 ? 0 : seen - 1;
    } while (!word.compare_exchange_weak(seen, next, relaxed));
}

}  // namespace ringcast::shard
