#include "hub/home_topics.hpp"

#include "base/assert.hpp"

namespace ringcast::hub {

HomeTopics::HomeTopics(std::uint64_t seed, const Limits& limits)
    : limits_{limits}, topics_{0, TopicHash{seed}} {}

bool HomeTopics::join(std::string_view name, std::uint32_t shard) {
    RC_ASSERT(shard < shards_max);
    if (Topic* const topic = find(name)) {
        if (topic->interest_ == 0) make_busy(*topic);
        topic->interest_ |= set_of(shard);
        return true;
    }
    if (topics_.size() >= limits_.topics_max) {
        if (oldest_idle_ == nullptr) return false;
        evict_oldest();
    }
    const auto [place, is_new] = topics_.try_emplace(std::string{name});
    RC_ASSERT(is_new);
    place->second.name_ = &place->first;
    place->second.interest_ = set_of(shard);
    return true;
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
    while (count_max-- > 0 && oldest_idle_ != nullptr &&
           now - oldest_idle_->idle_since_ >= limits_.idle_timeout) {
        evict_oldest();
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
    RC_ASSERT(topic.interest_ == 0);
    make_busy(topic);
    const auto place = topics_.find(std::string_view{*topic.name_});
    RC_ASSERT(place != topics_.end());
    topics_.erase(place);
}

}  // namespace ringcast::hub
