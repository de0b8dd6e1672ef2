#include "hub/publish_keys.hpp"

#include "base/assert.hpp"
#include "base/hash.hpp"

namespace ringcast::hub {

PublishKeys::Entry::Entry(SlotId id, std::uint64_t of, std::string_view name,
                          std::uint64_t position, Instant end) noexcept
    : stream{of},
      offset{position},
      until{end},
      slot{id.slot},
      size{static_cast<std::uint8_t>(name.size())} {
    name.copy(text.data(), text.size());
}

PublishKeys::PublishKeys(std::uint64_t seed, const Limits& limits)
    : seed_{seed}, window_{limits.window}, entries_{limits.keys_max}, index_{entries_} {
    RC_ASSERT(limits.keys_max > 0);
}

std::optional<std::uint64_t> PublishKeys::find(std::uint64_t stream, std::string_view key,
                                               Instant now) const {
    // There may be an older entry of that key, whose time is over.
    const std::uint32_t slot = index_.find(hash_of(stream, key), [&](const Entry& entry) {
        return entry.stream == stream && entry.key() == key && entry.until > now;
    });
    if (slot == no_slot) return std::nullopt;
    return entries_.at(slot).offset;
}

void PublishKeys::remember(std::uint64_t stream, std::string_view key, std::uint64_t offset,
                           Instant now) {
    RC_ASSERT(is_valid(key));
    expire(now, 2);  // More than come: so even if nobody else does it, it is done.
    if (entries_.size() == entries_.capacity_max()) {
        forget_oldest();
        ++evicted_;
    }
    const Entry& entry = *entries_.insert(stream, key, offset, now + window_);
    index_.insert(entry.slot, hash_of(stream, key));
    if (newest_ == no_slot) {
        oldest_ = entry.slot;
    } else {
        RC_ASSERT(entries_.at(newest_).until <= entry.until);
        entries_.at(newest_).newer = entry.slot;
    }
    newest_ = entry.slot;
}

void PublishKeys::expire(Instant now, std::size_t count_max) {
    for (; count_max > 0 && oldest_ != no_slot && entries_.at(oldest_).until <= now; --count_max)
        forget_oldest();
}

std::uint64_t PublishKeys::hash_of(std::uint64_t stream, std::string_view key) const noexcept {
    return hash_bytes(key, seed_ ^ stream);
}

void PublishKeys::forget_oldest() noexcept {
    const std::uint32_t slot = oldest_;
    oldest_ = entries_.at(slot).newer;
    if (oldest_ == no_slot) newest_ = no_slot;
    index_.remove(slot);
    entries_.erase(slot);
}

}  // namespace ringcast::hub
