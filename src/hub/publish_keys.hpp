#pragma once
// Idempotent publishing: a publisher that got no answer publishes again under the same key, and is
// answered with the position that the first publication got. One per shard, beside its home topics.
//
//   oldest -> { digest of "orders", "order-1"; position 41 of k3VxQ_9a; until } -> ... -> newest
//
// What is remembered does not depend on the topic: it may be forgotten and made anew meanwhile,
// while clients that have seen the first publication are away. Topic and key are known by a seeded
// XXH3 of 128 bits, rather than by themselves: of a billion pairs two are the same with a
// probability of 10^-21, and a key takes 68 bytes whatever it is called.
//
// All keys are remembered for the same time, so they expire in the order in which they came. When
// there are too many, the oldest goes before its time; that is counted.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/hash.hpp"
#include "base/slab.hpp"
#include "base/time.hpp"
#include "hub/position.hpp"
#include "hub/slot_index.hpp"

namespace ringcast::hub {

/// For one shard's thread. Allocates only when there are more keys than ever before.
class PublishKeys {
public:
    static constexpr std::size_t key_bytes_max = 255;

    struct Limits {
        std::uint32_t keys_max = 1'000'000;         ///< 68 MB; for 3,333 publications per second.
        Duration window = std::chrono::minutes{5};  ///< Longer than publishers try again.
    };

    /// `seed` is secret.
    PublishKeys(std::uint64_t seed, const Limits& limits);
    PublishKeys(const PublishKeys&) = delete;
    PublishKeys& operator=(const PublishKeys&) = delete;

    /// What may be remembered. Everything else the publisher has to be refused.
    [[nodiscard]] static constexpr bool is_valid(std::string_view key) noexcept {
        return !key.empty() && key.size() <= key_bytes_max;
    }
    /// The position that the publication to `topic`, a valid name, under `key` got, if that was
    /// less than the window ago.
    [[nodiscard]] std::optional<Position> find(std::string_view topic, std::string_view key,
                                               Instant now) const;
    /// `key`, which find() does not know, got `position`. The time never goes back.
    void remember(std::string_view topic, std::string_view key, const Position& position,
                  Instant now);
    /// Forgets keys whose time is over, at most `count_max`. find() does not need that, memory
    /// does.
    void expire(Instant now, std::size_t count_max);

    [[nodiscard]] std::uint32_t size() const noexcept { return entries_.size(); }
    /// Keys that had to go before their time.
    [[nodiscard]] std::uint64_t evictions() const noexcept { return evictions_; }

private:
    struct Entry {
        Entry(SlotId id, const Digest& of, const Position& got, Instant end) noexcept
            : digest{of}, position{got}, until{end}, slot{id.slot} {}
        const Digest digest;
        const Position position;
        const Instant until;
        IndexLink link;
        const std::uint32_t slot;
        std::uint32_t newer = no_slot;
    };

    [[nodiscard]] Digest digest_of(std::string_view topic, std::string_view key) const noexcept;
    void forget_oldest() noexcept;

public:
    static constexpr std::size_t bytes_per_key =
        Slab<Entry>::bytes_per_slot + SlotIndex<Entry>::bytes_per_object;
    static_assert(bytes_per_key == 68);

private:
    const std::uint64_t seed_;
    const Duration window_;
    Slab<Entry> entries_;
    SlotIndex<Entry> index_;
    std::uint32_t oldest_ = no_slot, newest_ = no_slot;
    std::uint64_t evictions_ = 0;
};

}  // namespace ringcast::hub
