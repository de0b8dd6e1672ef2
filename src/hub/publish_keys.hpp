#pragma once
// Idempotent publishing: a publisher that got no answer publishes again under the same key, and is
// answered with the offset that the first publication got. One per shard, beside its home topics.
//
//   oldest -> { stream 7, "order-1", offset 41, until } -> ... -> newest
//
// A key belongs to a stream, that is one incarnation of a topic: where a topic is forgotten and
// made anew, nobody is left who has seen the first publication. So no name is kept here, and the
// epoch that goes with the offset is that of the stream.
//
// All keys are remembered for the same time, so they expire in the order in which they came. When
// there are too many, the oldest goes before its time; that is counted. A key takes 124 bytes.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/slab.hpp"
#include "base/time.hpp"
#include "hub/slot_index.hpp"

namespace ringcast::hub {

/// For one shard's thread. Allocates only when there are more keys than ever before.
class PublishKeys {
public:
    /// A SHA-256 in hexadecimal; names that are made up, UUIDs above all, are shorter. It lies in
    /// the entry itself, so a publication allocates nothing.
    static constexpr std::size_t key_bytes_max = 64;

    struct Limits {
        std::uint32_t keys_max = 100'000;           ///< 12 MB; for 333 publications per second.
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
    /// The offset that the publication under `key` got, if that was less than the window ago.
    /// `stream`: a number that no other stream of this shard has or had within the window.
    [[nodiscard]] std::optional<std::uint64_t> find(std::uint64_t stream, std::string_view key,
                                                    Instant now) const;
    /// `key`, which find() does not know, got `offset`. The time never goes back.
    void remember(std::uint64_t stream, std::string_view key, std::uint64_t offset, Instant now);
    /// Forgets keys whose time is over, at most `count_max`. find() does not need that, memory
    /// does.
    void expire(Instant now, std::size_t count_max);

    [[nodiscard]] std::uint32_t size() const noexcept { return entries_.size(); }
    /// Keys that had to go before their time.
    [[nodiscard]] std::uint64_t evicted() const noexcept { return evicted_; }

private:
    struct Entry {
        Entry(SlotId id, std::uint64_t of, std::string_view name, std::uint64_t position,
              Instant end) noexcept;
        [[nodiscard]] std::string_view key() const noexcept { return {text.data(), size}; }
        const std::uint64_t stream, offset;
        const Instant until;
        IndexLink link;
        const std::uint32_t slot;
        std::uint32_t newer = no_slot;
        std::array<char, key_bytes_max> text;  // Not cleared.
        const std::uint8_t size;
    };

    [[nodiscard]] std::uint64_t hash_of(std::uint64_t stream, std::string_view key) const noexcept;
    void forget_oldest() noexcept;

public:
    static constexpr std::size_t bytes_per_key =
        Slab<Entry>::bytes_per_slot + SlotIndex<Entry>::bytes_per_object;
    static_assert(bytes_per_key == 124);

private:
    const std::uint64_t seed_;
    const Duration window_;
    Slab<Entry> entries_;
    SlotIndex<Entry> index_;
    std::uint32_t oldest_ = no_slot, newest_ = no_slot;
    std::uint64_t evicted_ = 0;
};

}  // namespace ringcast::hub
