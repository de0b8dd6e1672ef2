#pragma once
// The policy `latest`: what is kept for subscribers that are behind, which is the newest
// publication per topic, or per key within a topic, and how many were skipped. Nothing is kept for
// a subscriber that is not behind.
//
//   session:  topic B -> topic A -> topic C           turns, in the order in which they became due
//   B:  [ key x, offset 7, 2 skipped before ] -> [ key y, offset 9, 1 skipped before ]
//
// A topic keeps the turn of its first publication, however often it is replaced: if it went to the
// back each time, a topic that is published to all the time would never be sent while others are.
// In its turn its keys go out one by one, in the order of their newest publications: so offsets
// only rise within a topic, whose reader may resume behind the last one that it got, and no key
// starves among the others. The turn is over behind as many as there were when it began; what has
// come to the topic meanwhile waits for its next one. How many were skipped is told where they are
// missing, so that a reader that counts knows the number of each that it gets.
//
// A turn takes 52 bytes and a kept publication 44 with its index, and the item.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/hash.hpp"
#include "base/slab.hpp"
#include "hub/slot_index.hpp"

namespace ringcast::hub {

/// A list through objects of a slab, which have `previous` and `next`.
struct SlotList {
    std::uint32_t first = no_slot, last = no_slot;

    [[nodiscard]] bool is_empty() const noexcept { return first == no_slot; }
    template <class T>
    void append(Slab<T>& slab, std::uint32_t slot) noexcept {
        T& object = slab.at(slot);
        object.previous = last;
        object.next = no_slot;
        (last == no_slot ? first : slab.at(last).next) = slot;
        last = slot;
    }
    template <class T>
    void remove(Slab<T>& slab, std::uint32_t slot) noexcept {
        const T& object = slab.at(slot);
        (object.previous == no_slot ? first : slab.at(object.previous).next) = object.next;
        (object.next == no_slot ? last : slab.at(object.next).previous) = object.previous;
    }
};

/// What is kept for one session. Lives in the session.
struct Conflated {
    SlotList turns;
    std::uint32_t items = 0;

    /// While it is not, everything new for this session has to be kept as well, or it would
    /// overtake.
    [[nodiscard]] bool is_empty() const noexcept { return items == 0; }
};

/// One per shard, for all its sessions. `Item` is a publication; `item.key()` tells its key,
/// which is empty for a topic without keys, and does not change while it is kept.
template <class Item>
class Conflation {
public:
    struct Limits {
        std::uint32_t items_max = 262'144;       ///< Of this shard.
        std::uint32_t session_items_max = 1024;  ///< Keys are chosen by publishers.
    };
    enum class Outcome : std::uint8_t {
        kept,
        replaced,      ///< An older one was skipped, and is counted.
        session_full,  ///< Not kept. The subscriber is too slow even for this policy.
        shard_full,    ///< Not kept, as all subscribers that are behind have so much.
    };

    /// `seed` is secret.
    Conflation(std::uint64_t seed, const Limits& limits)
        : seed_{seed},
          session_items_max_{limits.session_items_max},
          turns_{limits.items_max},
          kept_{limits.items_max},
          turn_index_{turns_},
          kept_index_{kept_} {}
    Conflation(const Conflation&) = delete;
    Conflation& operator=(const Conflation&) = delete;

    /// Keeps `item` for the session, the newest of that topic. `subscription`: the number of the
    /// session's subscription to the topic, which no other subscription of this shard has.
    [[nodiscard]] Outcome keep(Conflated& session, std::uint32_t subscription, Item item) {
        const std::uint32_t found = find_turn(subscription);
        const std::string_view key = item.key();
        const std::uint32_t same = found == no_slot ? no_slot : find_kept(found, key);
        if (same != no_slot) {
            replace(turns_.at(found), kept_.at(same), std::move(item));
            return Outcome::replaced;
        }
        if (session.items >= session_items_max_) return Outcome::session_full;
        if (kept_.size() == kept_.capacity_max()) return Outcome::shard_full;
        const std::uint32_t turn = found == no_slot ? add_turn(session, subscription) : found;
        const std::uint64_t hash = hash_of(turn, key);
        const std::uint32_t slot = kept_.insert(std::move(item), turn)->slot;
        kept_index_.insert(slot, hash);
        turns_.at(turn).items.append(kept_, slot);
        ++turns_.at(turn).count;
        ++session.items;
        return Outcome::kept;
    }

    /// Of the topic whose turn it is: calls `give(subscription, skipped, item)` for the oldest that
    /// is kept of it. `skipped` publications came between the last one and this one, and were
    /// replaced. False if nothing is kept.
    template <class Give>
    bool take(Conflated& session, Give&& give) {
        if (session.turns.is_empty()) return false;
        Turn& turn = turns_.at(session.turns.first);
        if (turn.left == 0) turn.left = turn.count;
        --turn.left;
        const std::uint32_t oldest = turn.items.first;
        Kept& kept = kept_.at(oldest);
        give(turn.subscription, kept.skipped_before, std::move(kept.item));
        erase(session, turn, oldest);
        if (turn.items.is_empty()) {
            end_turn(session, turn);
        } else if (turn.left == 0) {
            session.turns.remove(turns_, turn.slot);
            session.turns.append(turns_, turn.slot);
        }
        return true;
    }

    /// The subscription has ended: what is kept of it is dropped.
    void drop(Conflated& session, std::uint32_t subscription) noexcept {
        const std::uint32_t turn = find_turn(subscription);
        if (turn != no_slot) end_turn(session, turns_.at(turn));
    }
    /// All subscriptions have.
    void clear(Conflated& session) noexcept {
        while (!session.turns.is_empty()) end_turn(session, turns_.at(session.turns.first));
    }

    [[nodiscard]] std::uint32_t items() const noexcept { return kept_.size(); }

private:
    struct Turn {
        Turn(SlotId id, std::uint32_t of) noexcept : slot{id.slot}, subscription{of} {}
        IndexLink link;
        SlotList items;
        const std::uint32_t slot, subscription;
        std::uint32_t previous = no_slot, next = no_slot;  // In Conflated::turns.
        std::uint32_t count = 0;                           // Of its items.
        std::uint32_t left = 0;  // Of the turn under way; 0: it has not begun.
    };
    static_assert(sizeof(Turn) == 40);
    struct Kept {
        Kept(SlotId id, Item&& newest, std::uint32_t of) noexcept
            : item{std::move(newest)}, slot{id.slot}, turn{of} {}
        Item item;
        std::uint64_t skipped_before = 0;  // Since the one in front of it in Turn::items.
        IndexLink link;
        const std::uint32_t slot, turn;
        std::uint32_t previous = no_slot, next = no_slot;  // In Turn::items.
    };

    [[nodiscard]] std::uint64_t hash_of(std::uint32_t turn, std::string_view key) const noexcept {
        return hash_bytes(key, seed_ + turn);
    }
    /// Nobody chooses the numbers of subscriptions, and they are small: they are their own hash.
    [[nodiscard]] std::uint32_t find_turn(std::uint32_t subscription) const {
        return turn_index_.find(
            subscription, [&](const Turn& turn) { return turn.subscription == subscription; });
    }
    [[nodiscard]] std::uint32_t find_kept(std::uint32_t turn, std::string_view key) const {
        return kept_index_.find(hash_of(turn, key), [&](const Kept& kept) {
            return kept.turn == turn && kept.item.key() == key;
        });
    }
    std::uint32_t add_turn(Conflated& session, std::uint32_t subscription) {
        const std::uint32_t slot = turns_.insert(subscription)->slot;
        turn_index_.insert(slot, subscription);
        session.turns.append(turns_, slot);
        return slot;
    }
    /// What is missing then is missing where the older one was: in front of the one behind that.
    void replace(Turn& turn, Kept& kept, Item&& newest) noexcept {
        const std::uint64_t missing = std::exchange(kept.skipped_before, 0) + 1;
        (kept.next == no_slot ? kept : kept_.at(kept.next)).skipped_before += missing;
        kept.item = std::move(newest);
        turn.items.remove(kept_, kept.slot);
        turn.items.append(kept_, kept.slot);
    }
    void erase(Conflated& session, Turn& turn, std::uint32_t item) noexcept {
        turn.items.remove(kept_, item);
        kept_index_.remove(item);
        kept_.erase(item);
        --turn.count;
        --session.items;
    }
    void end_turn(Conflated& session, Turn& turn) noexcept {
        while (!turn.items.is_empty()) erase(session, turn, turn.items.first);
        session.turns.remove(turns_, turn.slot);
        turn_index_.remove(turn.slot);
        turns_.erase(turn.slot);
    }

    const std::uint64_t seed_;
    const std::uint32_t session_items_max_;
    Slab<Turn> turns_;
    Slab<Kept> kept_;
    SlotIndex<Turn> turn_index_;
    SlotIndex<Kept> kept_index_;
};

}  // namespace ringcast::hub
