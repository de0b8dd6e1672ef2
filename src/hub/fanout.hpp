#pragma once
// From one publication to the subscribers of its topic on this shard: a resumable cursor, so that a
// topic with half a million subscribers does not hold up pings, accepts and small topics.
//
//   topics with deliveries under way, served in turn:   A -> B -> C
//   A:  item 7 (cursor at subscriber 4096 of 500,000) -> item 8 -> item 9
//
// A topic's items are delivered one after the other, each to every subscriber that it is for, so
// each subscriber sees them in order. Joins and leaves may come at any time, also from within
// `deliver`.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/slab.hpp"
#include "hub/local_topics.hpp"

namespace ringcast::hub {

/// One per shard, beside its LocalTopics. `Item` is what is delivered, shared by all subscribers.
template <class Item>
class Fanout {
public:
    /// `items_max`: items under way at a time, over all topics.
    explicit Fanout(std::uint32_t items_max) : items_{items_max} {}
    Fanout(const Fanout&) = delete;
    Fanout& operator=(const Fanout&) = delete;

    /// What run() does at the end of an item, if it is not told.
    struct Unnoticed {
        void operator()(const Item&) const noexcept {}
    };

    [[nodiscard]] bool is_idle() const noexcept { return items_.size() == 0; }
    /// True if no item can be added now.
    [[nodiscard]] bool is_full() const noexcept { return items_.size() == items_.capacity_max(); }
    [[nodiscard]] std::size_t items() const noexcept { return items_.size(); }

    /// `item` for every subscriber that `topic` has now, behind what is under way there. Not when
    /// is_full().
    void add(LocalTopic& topic, Item item) {
        Pending* const pending = items_.insert(std::move(item), topic.next_sequence_++);
        RC_ASSERT(pending != nullptr);
        if (topic.last_item_ != none) {
            items_.at(topic.last_item_).next = pending->slot;
        } else {
            topic.first_item_ = pending->slot;
            topic.is_delivering_ = true;
            append(topic);
        }
        topic.last_item_ = pending->slot;
    }

    /// Delivers in up to `count_max` steps, in turn up to `quantum` for each topic:
    /// `deliver(session, item)`, which may change the item, and `end(item)` behind its last one. A
    /// step is a subscriber, also one that an item is not for, or the end of an item. Returns the
    /// number of deliveries.
    template <class Deliver, class End = Unnoticed>
    std::size_t run(LocalTopics& local, std::size_t count_max, std::size_t quantum,
                    Deliver&& deliver, End end = {}) {
        std::size_t delivered = 0;
        while (count_max > 0 && first_topic_ != nullptr) {
            LocalTopic& topic = *first_topic_;
            first_topic_ = topic.next_delivering_;
            if (first_topic_ == nullptr) last_topic_ = nullptr;
            const std::size_t steps_max = std::min(count_max, quantum);
            std::size_t steps = steps_max;
            delivered += advance(local, topic, steps, deliver, end);
            count_max -= steps_max - steps;  // What it did not need is left for the others.
            if (topic.is_delivering_) append(topic);
        }
        return delivered;
    }

private:
    static constexpr std::uint32_t none = UINT32_MAX;

    struct Pending {
        Pending(SlotId id, Item&& shared, std::uint64_t number) noexcept
            : item{std::move(shared)}, sequence{number}, slot{id.slot} {}
        Item item;
        const std::uint64_t sequence;
        const std::uint32_t slot;
        std::uint32_t next = none;
    };

    /// Behind all topics with deliveries under way.
    void append(LocalTopic& topic) noexcept {
        topic.next_delivering_ = nullptr;
        (last_topic_ == nullptr ? first_topic_ : last_topic_->next_delivering_) = &topic;
        last_topic_ = &topic;
    }

    /// Takes up to `steps`, which it counts down. The end of an item behind the last one is free.
    template <class Deliver, class End>
    std::size_t advance(LocalTopics& local, LocalTopic& topic, std::size_t& steps, Deliver& deliver,
                        End& end) {
        std::size_t delivered = 0;
        while (topic.first_item_ != none) {
            Pending& pending = items_.at(topic.first_item_);
            // The list may grow meanwhile, and its memory move.
            while (topic.cursor_ < topic.subscribers_.size()) {
                if (steps == 0) return delivered;
                --steps;
                const Subscriber subscriber = topic.subscribers_[topic.cursor_++];
                if (subscriber.is_gone() || subscriber.live_from > pending.sequence) continue;
                deliver(subscriber.session, pending.item);
                ++delivered;
            }
            end(pending.item);
            end_item(local, topic);
            if (steps > 0) --steps;
        }
        return delivered;
    }

    void end_item(LocalTopics& local, LocalTopic& topic) {
        const std::uint32_t slot = topic.first_item_;
        topic.cursor_ = 0;
        topic.first_item_ = items_.at(slot).next;
        items_.erase(slot);
        if (topic.first_item_ == none) {
            topic.last_item_ = none;
            topic.is_delivering_ = false;
        }
        if (topic.first_item_ == none || topic.subscribers_.size() > 2 * topic.count())
            local.sweep(topic);
    }

    Slab<Pending> items_;
    LocalTopic* first_topic_ = nullptr;  // A list through the topics, which stay while
    LocalTopic* last_topic_ = nullptr;   // is_delivering_.
};

}  // namespace ringcast::hub
