#pragma once
// Finds objects of a slab by what they are called: a hash table whose chains run through the
// objects themselves, so that finding, adding and taking out allocate nothing.
//
//   buckets_   [ 7 ] [ none ] [ 2 ]           one slot number each: 4 bytes per object
//   objects      7 -> 4         2             { ..., IndexLink{ hash, next } }: 8 bytes each
//
// Linear hashing: each object that is more than there are buckets adds one bucket and shares out
// the chain of one other, so that no single join or publication pays for all that came before it.
// Buckets are kept until the index dies, as the slab keeps its slots.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/slab.hpp"

namespace ringcast::hub {

inline constexpr std::uint32_t no_slot = UINT32_MAX;

/// What an index keeps in each object, as its member `link`.
struct IndexLink {
    std::uint32_t hash = 0;
    std::uint32_t next = no_slot;
};

/// Over objects of one slab, which outlives it. An object leaves the index before the slab.
template <class T>
class SlotIndex {
public:
    /// What one object takes here, besides its link.
    static constexpr std::size_t bytes_per_object = sizeof(std::uint32_t);

    explicit SlotIndex(Slab<T>& slab) : slab_{slab}, buckets_(1, no_slot) {}
    SlotIndex(const SlotIndex&) = delete;
    SlotIndex& operator=(const SlotIndex&) = delete;

    /// The slot of the object of that hash for which `matches(object)` holds, or no_slot.
    template <class Matches>
    [[nodiscard]] std::uint32_t find(std::uint64_t hash, Matches&& matches) const {
        const auto wanted = static_cast<std::uint32_t>(hash);
        std::uint32_t slot = buckets_[bucket_of(wanted)];
        while (slot != no_slot) {
            const T& object = slab_.at(slot);
            if (object.link.hash == wanted && matches(object)) break;
            slot = object.link.next;
        }
        return slot;
    }
    void insert(std::uint32_t slot, std::uint64_t hash) {
        if (size_++ == buckets_.size()) add_bucket();
        slab_.at(slot).link.hash = static_cast<std::uint32_t>(hash);
        push(slot);
    }
    /// Which is in the index.
    void remove(std::uint32_t slot) noexcept {
        const IndexLink& removed = slab_.at(slot).link;
        std::uint32_t* link = &buckets_[bucket_of(removed.hash)];
        while (*link != slot) {
            RC_ASSERT(*link != no_slot);
            link = &slab_.at(*link).link.next;
        }
        *link = removed.next;
        --size_;
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    /// Of twice as many buckets as there were at the last power of two, those that exist already;
    /// the others' objects are still in the bucket that will be split.
    [[nodiscard]] std::size_t bucket_of(std::uint32_t hash) const noexcept {
        const std::size_t mask = std::bit_ceil(buckets_.size()) - 1;
        const std::size_t bucket = hash & mask;
        return bucket < buckets_.size() ? bucket : bucket & (mask >> 1);
    }
    void push(std::uint32_t slot) noexcept {
        IndexLink& link = slab_.at(slot).link;
        link.next = std::exchange(buckets_[bucket_of(link.hash)], slot);
    }
    void add_bucket() {
        const std::size_t split = buckets_.size() - std::bit_floor(buckets_.size());
        buckets_.push_back(no_slot);
        std::uint32_t slot = std::exchange(buckets_[split], no_slot);
        while (slot != no_slot) push(std::exchange(slot, slab_.at(slot).link.next));
    }

    Slab<T>& slab_;
    std::vector<std::uint32_t> buckets_;
    std::size_t size_ = 0;
};

}  // namespace ringcast::hub
