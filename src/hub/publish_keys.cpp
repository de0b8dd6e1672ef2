#include "hub/publish_keys.hpp"

#include <array>

#include "base/assert.hpp"
#include "ringcast/topic.hpp"

namespace ringcast::hub {

PublishKeys::PublishKeys(std::uint64_t seed, const Limits& limits)
    : seed_{seed}, window_{limits.window}, entries_{limits.keys_max}, index_{entries_} {
    RC_ASSERT(limits.keys_max > 0);
}

std::optional<Position> PublishKeys::find(std::string_view topic, std::string_view key,
                                          Instant now) const {
    const Digest digest = digest_of(topic, key);
    // There may be an older entry of that key, whose time is over.
    const std::uint32_t slot = index_.find(digest.low, [&](const Entry& entry) {
        return entry.digest == digest && entry.until > now;
    });
    if (slot == no_slot) return std::nullopt;
    return entries_.at(slot).position;
}

void PublishKeys::remember(std::string_view topic, std::string_view key, const Position& position,
                           Instant now) {
    expire(now, 2);  // More than come: so even if nobody else does it, it is done.
    if (entries_.size() == entries_.capacity_max()) {
        forget_oldest();
        ++evictions_;
    }
    const Entry& entry = *entries_.insert(digest_of(topic, key), position, now + window_);
    index_.insert(entry.slot, entry.digest.low);
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

/// No name of a topic has the octet 0 in it, which stands between the two.
Digest PublishKeys::digest_of(std::string_view topic, std::string_view key) const noexcept {
    RC_ASSERT(topic.size() <= topic_bytes_max && is_valid(key));
    std::array<char, topic_bytes_max + 1 + key_bytes_max> text;
    std::size_t size = topic.copy(text.data(), topic.size());
    text[size++] = '\0';
    size += key.copy(text.data() + size, key.size());
    return digest_bytes({text.data(), size}, seed_);
}

void PublishKeys::forget_oldest() noexcept {
    const std::uint32_t slot = oldest_;
    oldest_ = entries_.at(slot).newer;
    if (oldest_ == no_slot) newest_ = no_slot;
    index_.remove(slot);
    entries_.erase(slot);
}

}  // namespace ringcast::hub
