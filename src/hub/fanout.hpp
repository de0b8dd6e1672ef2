#pragma once
// From publications to the subscribers of their topics on this shard: a resumable cursor, so that a
// topic with half a million subscribers does not hold up pings, accepts and small topics.
//
//   topics with deliveries under way, served in turn:   A -> B -> C
//   A:  [ item 7 -> item 8 -> item 9 ] -> item 10        [ batch ], and what came behind its start
//       subscriber 0: 7 8 9   1: 7 8 9   ...   4096: 7 | cursor, of 500,000
//
// What waits for a topic when its turn begins is one batch, which each subscriber gets in one go:
// so it is touched once, and sent to once, however much there is for it. A topic's batches are
// delivered one after the other, so each subscriber sees its items in order. Joins and leaves may
// come at any time, also from within `deliver`.
//
// Whoever wants larger batches lets items wait before their topics are under way, and releases them
// all together.

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
    struct Limits {
        std::uint32_t items_max;  ///< Under way at a time, over all topics.
        /// A batch takes no further item from so many bytes on: what a subscriber has room for.
        std::uint64_t batch_bytes_max;
    };

    enum class Start : std::uint8_t { at_once, when_released };
    /// Whom an item is for: all subscribers, or those who hear of presence.
    enum class Audience : std::uint8_t { all, presence_hearers };

    explicit Fanout(const Limits& limits, Start start = Start::at_once)
        : items_{limits.items_max}, batch_bytes_max_{limits.batch_bytes_max}, start_{start} {}
    Fanout(const Fanout&) = delete;
    Fanout& operator=(const Fanout&) = delete;

    /// What run() does at the end of an item, if it is not told.
    struct Unnoticed {
        void operator()(const Item&) const noexcept {}
    };

    [[nodiscard]] bool is_idle() const noexcept { return items_.size() == 0; }
    /// True if no item can be added now.
    [[nodiscard]] bool is_full() const noexcept { return items_.size() == items_.capacity_max(); }
    /// There is something that run() can do.
    [[nodiscard]] bool is_under_way() const noexcept { return !under_way_.is_empty(); }
    /// There are topics whose items wait for release().
    [[nodiscard]] bool is_waiting() const noexcept { return !waiting_.is_empty(); }
    /// Items that are in no batch yet would fill one.
    [[nodiscard]] bool fills_batch() const noexcept { return waiting_bytes_ >= batch_bytes_max_; }

    /// `item`, of that many bytes, for every subscriber of the audience that `topic` has now,
    /// behind what is under way there. Not when is_full().
    void add(LocalTopic& topic, Item item, std::uint64_t bytes, Audience audience = Audience::all) {
        Pending* const pending =
            items_.insert(std::move(item), topic.next_sequence_++, bytes, audience);
        RC_ASSERT(pending != nullptr);
        if (topic.last_item_ != none) {
            items_.at(topic.last_item_).next = pending->slot;
        } else {
            topic.first_item_ = pending->slot;
            topic.is_delivering_ = true;
            list_of_start().append(topic);
        }
        topic.last_item_ = pending->slot;
        waiting_bytes_ += bytes;
    }
    /// What waits is under way from now on, behind what is so already.
    void release() noexcept { under_way_.take_all(waiting_); }

    /// Delivers in up to `count_max` steps, in turn up to `quantum` for each topic:
    /// `deliver(subscriber, item)`, which may change the item, and of a subscriber that takes
    /// deltas whether it has the previous one; and `end(item)` behind its last one. A step is a
    /// subscriber and an item, also one that is not for it, or the end of an item; a subscriber
    /// that is gone is one for all items. Returns the number of deliveries.
    template <class Deliver, class End = Unnoticed>
    std::size_t run(LocalTopics& local, std::size_t count_max, std::size_t quantum,
                    Deliver&& deliver, End end = {}) {
        std::size_t delivered = 0;
        while (count_max > 0 && !under_way_.is_empty()) {
            LocalTopic& topic = under_way_.pop();
            const std::size_t steps_max = std::min(count_max, quantum);
            std::size_t steps = steps_max;
            if (topic.next_item_ == none) begin_batch(topic);
            delivered += advance(topic, steps, deliver);
            if (topic.cursor_ == topic.subscribers_.size()) end_batch(local, topic, steps, end);
            count_max -= steps_max - steps;  // What it did not need is left for the others.
            if (topic.next_item_ != none) {
                under_way_.append(topic);
            } else if (topic.is_delivering_) {
                list_of_start().append(topic);
            }
        }
        return delivered;
    }

private:
    static constexpr std::uint32_t none = UINT32_MAX;

    struct Pending {
        Pending(SlotId id, Item&& shared, std::uint64_t number, std::uint64_t size,
                Audience audience) noexcept
            : item{std::move(shared)},
              sequence{number},
              bytes{size},
              slot{id.slot},
              is_for_all{audience == Audience::all} {}
        Item item;
        const std::uint64_t sequence;
        const std::uint64_t bytes;
        const std::uint32_t slot;
        std::uint32_t next = none;
        bool ends_batch = false;
        const bool is_for_all;
    };

    /// Topics, linked through themselves; each is in one list while it is_delivering_, so it stays.
    class TopicList {
    public:
        [[nodiscard]] bool is_empty() const noexcept { return first_ == nullptr; }
        void append(LocalTopic& topic) noexcept {
            topic.next_delivering_ = nullptr;
            (last_ == nullptr ? first_ : last_->next_delivering_) = &topic;
            last_ = &topic;
        }
        LocalTopic& pop() noexcept {
            LocalTopic& topic = *first_;
            first_ = topic.next_delivering_;
            if (first_ == nullptr) last_ = nullptr;
            return topic;
        }
        void take_all(TopicList& other) noexcept {
            if (other.is_empty()) return;
            (last_ == nullptr ? first_ : last_->next_delivering_) = other.first_;
            last_ = other.last_;
            other = {};
        }

    private:
        LocalTopic* first_ = nullptr;
        LocalTopic* last_ = nullptr;
    };

    /// Where a topic goes that has items and no batch under way.
    TopicList& list_of_start() noexcept { return start_ == Start::at_once ? under_way_ : waiting_; }

    /// All that the topic has, up to the one that reaches the limit.
    void begin_batch(LocalTopic& topic) noexcept {
        RC_ASSERT(topic.cursor_ == 0 && topic.first_item_ != none);
        topic.next_item_ = topic.first_item_;
        Pending* last = &items_.at(topic.first_item_);
        std::uint64_t bytes = last->bytes;
        for (; bytes < batch_bytes_max_ && last->next != none; bytes += last->bytes)
            last = &items_.at(last->next);
        last->ends_batch = true;
        waiting_bytes_ -= bytes;
    }

    /// Takes up to `steps`, which it counts down.
    template <class Deliver>
    std::size_t advance(LocalTopic& topic, std::size_t& steps, Deliver& deliver) {
        std::size_t delivered = 0;
        Pending* const first = &items_.at(topic.first_item_);
        Pending* next = &items_.at(topic.next_item_);
        // The list may grow meanwhile, and its memory move.
        for (; steps > 0 && topic.cursor_ < topic.subscribers_.size(); --steps) {
            const std::uint32_t place = topic.cursor_;
            Subscriber subscriber = topic.subscribers_[place];
            Pending& pending = *next;
            if (subscriber.is_gone() || pending.ends_batch) {
                ++topic.cursor_;
                next = first;
            } else {
                next = &items_.at(pending.next);
            }
            if (subscriber.is_gone() || subscriber.live_from > pending.sequence) continue;
            if (!pending.is_for_all && !subscriber.hears_presence) continue;
            deliver(subscriber, pending.item);
            if (subscriber.takes_deltas) [[unlikely]]
                topic.subscribers_[place].has_previous = subscriber.has_previous;
            ++delivered;
        }
        topic.next_item_ = next->slot;
        return delivered;
    }

    /// Where no step is left, the end of an item is free.
    template <class End>
    void end_batch(LocalTopics& local, LocalTopic& topic, std::size_t& steps, End& end) {
        for (bool is_last = false; !is_last;) {
            Pending& pending = items_.at(topic.first_item_);
            is_last = pending.ends_batch;
            end(pending.item);
            topic.first_item_ = pending.next;
            items_.erase(pending.slot);
            if (steps > 0) --steps;
        }
        topic.cursor_ = 0;
        topic.next_item_ = none;
        if (topic.first_item_ == none) {
            topic.last_item_ = none;
            topic.is_delivering_ = false;
        }
        if (!topic.is_delivering_ || topic.subscribers_.size() > 2 * topic.count())
            local.sweep(topic);
    }

    Slab<Pending> items_;
    const std::uint64_t batch_bytes_max_;
    const Start start_;
    TopicList under_way_, waiting_;
    std::uint64_t waiting_bytes_ = 0;
};

}  // namespace ringcast::hub
