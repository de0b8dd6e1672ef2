#include "hub/home_topics.hpp"

#include "base/assert.hpp"

namespace ringcast::hub {

HomeTopics::HomeTopics(std::uint64_t seed, const Limits& limits, const Prng& epochs)
    : limits_{limits},
      epochs_{epochs},
      history_{limits.history_bytes_max},
      topics_{0, TopicHash{seed}} {}

bool HomeTopics::join(std::string_view name, std::uint32_t shard) {
    RC_ASSERT(shard < shards_max);
    if (Topic* const topic = find(name)) {
        if (topic->interest_ == 0) make_busy(*topic);
        topic->interest_ |= set_of(shard);
        return true;
    }
    Topic* const topic = insert(name);
    if (topic == nullptr) return false;
    topic->interest_ = set_of(shard);
    return true;
}

/// Null if there are too many topics that somebody wants.
HomeTopics::Topic* HomeTopics::insert(std::string_view name) {
    if (topics_.size() >= limits_.topics_max) {
        if (oldest_idle_ == nullptr) return nullptr;
        evict_oldest();
    }
    const auto [place, is_new] =
        topics_.try_emplace(std::string{name}, Epoch::draw(epochs_), limits_.stream_of(name));
    RC_ASSERT(is_new);
    place->second.name_ = &place->first;
    return &place->second;
}

HomeTopics::Topic* HomeTopics::find_or_keep(std::string_view name, Instant now) {
    Topic* topic = find(name);
    if (topic != nullptr || limits_.stream_of(name).count_max == 0) return topic;
    topic = insert(name);
    if (topic != nullptr) make_idle(*topic, now);
    return topic;
}

void HomeTopics::leave(std::string_view name, std::uint32_t shard, Instant now) {
    Topic* const topic = find(name);
    if (topic == nullptr || topic->interest_ == 0) return;
    topic->interest_ &= ~set_of(shard);
    if (topic->interest_ == 0) make_idle(*topic, now);
}

HomeTopics::Topic* HomeTopics::find(std::string_view name) {
    const auto place = topics_.find(name);
    return place == topics_.end() ? nullptr : &place->second;
}

void HomeTopics::evict_idle(Instant now, std::size_t count_max) {
    history_.expire(now, count_max);
    while (count_max-- > 0 && oldest_idle_ != nullptr &&
           now - oldest_idle_->idle_since_ >= limits_.idle_timeout) {
        Topic& topic = *oldest_idle_;
        if (topic.stream_.count() == 0) {
            evict_oldest();
        } else {
            make_busy(topic);
            make_idle(topic, now);  // And is looked at again.
        }
    }
}

void HomeTopics::make_idle(Topic& topic, Instant now) noexcept {
    topic.idle_since_ = now;
    topic.older_ = newest_idle_;
    topic.newer_ = nullptr;
    (newest_idle_ == nullptr ? oldest_idle_ : newest_idle_->newer_) = &topic;
    newest_idle_ = &topic;
    ++idle_count_;
}

void HomeTopics::make_busy(Topic& topic) noexcept {
    (topic.older_ == nullptr ? oldest_idle_ : topic.older_->newer_) = topic.newer_;
    (topic.newer_ == nullptr ? newest_idle_ : topic.newer_->older_) = topic.older_;
    topic.older_ = topic.newer_ = nullptr;
    --idle_count_;
}

void HomeTopics::evict_oldest() {
    Topic& topic = *oldest_idle_;
    // Its epoch ends, so nobody may be in the middle of it.
    RC_ASSERT(topic.interest_ == 0);
    make_busy(topic);
    history_.clear(topic.stream_);
    const auto place = topics_.find(std::string_view{*topic.name_});
    RC_ASSERT(place != topics_.end());
    topics_.erase(place);
}

}  // namespace ringcast::hub
