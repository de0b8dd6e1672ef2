#include "hub/local_topics.hpp"

#include <utility>

#include "base/assert.hpp"

namespace ringcast::hub {

LocalTopics::LocalTopics(std::uint64_t seed, std::uint32_t shards, const Limits& limits)
    : seed_{seed},
      shards_{shards},
      limits_{limits},
      topics_{0, TopicHash{seed}},
      subscriptions_{limits.subscriptions_max} {
    RC_ASSERT(shards >= 1 && shards <= shards_max);
}

LocalTopics::Outcome LocalTopics::subscribe(SlotId session, SessionTopics& topics,
                                            std::string_view name, LiveBy live_by, Hears hears,
                                            Takes takes) {
    RC_ASSERT(session.generation != 0);
    for (std::uint32_t slot = topics.first; slot != SessionTopics::none;
         slot = subscriptions_.at(slot).next) {
        if (subscriptions_.at(slot).topic->name() == name) return Outcome::already;
    }
    if (topics.count >= limits_.session_subscriptions_max) return Outcome::limit;
    Subscription* const subscription = subscriptions_.insert();
    if (subscription == nullptr) return Outcome::limit;

    auto place = topics_.find(name);
    if (place == topics_.end()) {
        place = topics_.try_emplace(std::string{name}).first;
        place->second.name_ = &place->first;
        place->second.home_ = static_cast<std::uint8_t>(home_of(name, seed_, shards_));
    }
    LocalTopic& topic = place->second;
    const bool is_live = topic.home_state_ == HomeState::aware && live_by == LiveBy::interest;
    const std::uint64_t waits =
        live_by == LiveBy::interest ? Subscriber::never : Subscriber::recovering;
    subscription->topic = &topic;
    subscription->position = static_cast<std::uint32_t>(topic.subscribers_.size());
    subscription->next = std::exchange(topics.first, subscription->slot);
    ++topics.count;
    ++topic.count_;
    const bool hears_presence = hears == Hears::presence_too;
    if (hears_presence) ++topic.presence_hearers_;
    const bool takes_deltas = takes == Takes::deltas;
    if (takes_deltas) {
        if (topic.deltas_ == nullptr) topic.deltas_ = std::make_unique<LocalTopic::Deltas>();
        ++topic.deltas_->takers;
    }
    topic.subscribers_.push_back({.session = session,
                                  .subscription = subscription->slot,
                                  .hears_presence = hears_presence,
                                  .takes_deltas = takes_deltas,
                                  .has_previous = false,
                                  .live_from = is_live ? topic.next_sequence_ : waits});
    if (topic.home_state_ == HomeState::unaware) mark_unsettled(topic);  // unsure: marked already.
    return is_live ? Outcome::live : Outcome::waiting;
}

bool LocalTopics::unsubscribe(SessionTopics& topics, std::string_view name) {
    for (std::uint32_t* link = &topics.first; *link != SessionTopics::none;
         link = &subscriptions_.at(*link).next) {
        const std::uint32_t slot = *link;
        if (subscriptions_.at(slot).topic->name() != name) continue;
        *link = subscriptions_.at(slot).next;
        --topics.count;
        remove(slot);
        return true;
    }
    return false;
}

void LocalTopics::unsubscribe_all(SessionTopics& topics) noexcept {
    while (topics.first != SessionTopics::none) {
        const std::uint32_t slot = topics.first;
        topics.first = subscriptions_.at(slot).next;
        remove(slot);
    }
    topics.count = 0;
}

const LocalTopic* LocalTopics::newest(const SessionTopics& topics) const noexcept {
    return topics.first == SessionTopics::none ? nullptr : subscriptions_.at(topics.first).topic;
}

SlotId LocalTopics::subscription_of(const SessionTopics& topics,
                                    std::string_view name) const noexcept {
    for (std::uint32_t slot = topics.first; slot != SessionTopics::none;
         slot = subscriptions_.at(slot).next) {
        if (subscriptions_.at(slot).topic->name() == name) return subscriptions_.id_of(slot);
    }
    return {};
}

const LocalTopic* LocalTopics::topic_of(SlotId subscription) const noexcept {
    const Subscription* const found = subscriptions_.find(subscription);
    return found == nullptr ? nullptr : found->topic;
}

const Subscriber& LocalTopics::subscriber_of(SlotId subscription) const noexcept {
    const Subscription* const found = subscriptions_.find(subscription);
    RC_ASSERT(found != nullptr);
    return found->topic->subscribers_[found->position];
}

void LocalTopics::set_entry(SlotId subscription, std::uint32_t entry) noexcept {
    Subscription* const found = subscriptions_.find(subscription);
    RC_ASSERT(found != nullptr && found->entry == no_entry);
    found->entry = entry;
}

std::uint32_t LocalTopics::entry_of(SlotId subscription) const noexcept {
    const Subscription* const found = subscriptions_.find(subscription);
    return found == nullptr ? no_entry : found->entry;
}

void LocalTopics::go_live(SlotId subscription, const Epoch& epoch) noexcept {
    RC_ASSERT(subscriber_of(subscription).live_from == Subscriber::recovering);
    const Subscription& found = subscriptions_.at(subscription.slot);
    LocalTopic& topic = *found.topic;
    RC_ASSERT(topic.home_state_ == HomeState::aware);
    topic.subscribers_[found.position].live_from = topic.next_sequence_;
    topic.epoch_ = epoch;
}

LocalTopic* LocalTopics::find(std::string_view name) {
    const auto place = topics_.find(name);
    return place == topics_.end() ? nullptr : &place->second;
}

/// Of a subscription that its session does not list any more.
void LocalTopics::remove(std::uint32_t slot) noexcept {
    LocalTopic& topic = *subscriptions_.at(slot).topic;
    const std::uint32_t position = subscriptions_.at(slot).position;
    const std::uint32_t entry = subscriptions_.at(slot).entry;
    if (entry != no_entry)
        departures_.push_back({.topic = *topic.name_, .home = topic.home_, .entry = entry});
    subscriptions_.erase(slot);
    --topic.count_;
    Subscriber& place = topic.subscribers_[position];
    RC_ASSERT(place.subscription == slot && !place.is_gone());
    if (place.hears_presence) --topic.presence_hearers_;
    if (place.takes_deltas && --topic.deltas_->takers == 0) {
        previous_.forget(topic.deltas_->place);
        topic.deltas_.reset();
    }
    if (topic.is_delivering_) {
        place.session = {};
    } else {
        place = topic.subscribers_.back();
        topic.subscribers_.pop_back();
        if (position < topic.subscribers_.size())
            subscriptions_.at(place.subscription).position = position;
    }
    if (topic.count_ == 0) mark_unsettled(topic);
}

/// Takes out those that are gone. Between two deliveries.
void LocalTopics::sweep(LocalTopic& topic) noexcept {
    RC_ASSERT(topic.cursor_ == 0);
    if (topic.count_ == topic.subscribers_.size()) return;
    std::uint32_t kept = 0;
    for (const Subscriber& subscriber : topic.subscribers_) {
        if (subscriber.is_gone()) continue;
        subscriptions_.at(subscriber.subscription).position = kept;
        topic.subscribers_[kept++] = subscriber;
    }
    topic.subscribers_.resize(kept);
}

void LocalTopics::mark_unsettled(LocalTopic& topic) {
    ++wishes_;
    if (std::exchange(topic.is_unsettled_, true)) return;
    unsettled_.push_back(&topic);
}

void LocalTopics::forget(LocalTopic& topic) {
    RC_ASSERT(!topic.is_wanted() && !topic.is_delivering_ && !topic.is_unsettled_);
    const auto place = topics_.find(topic.name());
    RC_ASSERT(place != topics_.end() && &place->second == &topic);
    topics_.erase(place);
}

}  // namespace ringcast::hub
