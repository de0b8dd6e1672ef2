#include "hub/home_topics.hpp"

#include "base/assert.hpp"

namespace ringcast::hub {
namespace {

/// So many topics that kept something when they became idle are looked at for one that does not any
/// more.
constexpr std::size_t expired_looked_for = 16;

}  // namespace

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
    Topic* const topic = insert(name, Need::to_ask);
    if (topic == nullptr) return false;
    topic->interest_ = set_of(shard);
    return true;
}

/// Null if there are too many topics that somebody wants, or that keep something.
HomeTopics::Topic* HomeTopics::insert(std::string_view name, Need need) {
    if (topics_.size() >= limits_.topics_max) {
        Topic* given_up = oldest_empty();
        if (given_up == nullptr && need == Need::to_publish) given_up = keeping_.oldest;
        if (given_up == nullptr) return nullptr;
        evict(*given_up);
    }
    const auto [place, is_new] =
        topics_.try_emplace(std::string{name}, Epoch::draw(epochs_), limits_.stream_of(name));
    RC_ASSERT(is_new);
    place->second.name_ = &place->first;
    return &place->second;
}

/// Of those that are idle: the first that keeps nothing; null if none is found soon.
HomeTopics::Topic* HomeTopics::oldest_empty() noexcept {
    while (empty_.oldest != nullptr) {
        if (empty_.oldest->stream_.count() == 0) return empty_.oldest;
        move_back(*empty_.oldest);  // Published to since: once for each time that it is idle.
    }
    for (std::size_t i = 0; i < expired_looked_for && keeping_.oldest != nullptr; ++i) {
        if (keeping_.oldest->stream_.count() == 0) return keeping_.oldest;
        move_back(*keeping_.oldest);
    }
    return nullptr;
}

HomeTopics::Topic* HomeTopics::find_or_keep(std::string_view name, Need need, Instant now) {
    Topic* topic = find(name);
    if (topic != nullptr || limits_.stream_of(name).count_max == 0) return topic;
    topic = insert(name, need);
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
    evict_idle(empty_, now, count_max);
    evict_idle(keeping_, now, count_max);
}

void HomeTopics::evict_idle(IdleTopics& topics, Instant now, std::size_t& count_left) {
    for (; count_left > 0 && topics.oldest != nullptr; --count_left) {
        Topic& topic = *topics.oldest;
        if (now - topic.idle_since_ < limits_.idle_timeout) return;
        if (topic.stream_.count() == 0) {
            evict(topic);
        } else {
            make_busy(topic);
            make_idle(topic, now);  // And is looked at again.
        }
    }
}

void HomeTopics::make_idle(Topic& topic, Instant now) noexcept {
    topic.idle_since_ = now;
    topic.is_in_keeping_ = topic.stream_.count() > 0;
    IdleTopics& topics = list_of(topic);
    topic.older_ = topics.newest;
    topic.newer_ = nullptr;
    (topics.newest == nullptr ? topics.oldest : topics.newest->newer_) = &topic;
    topics.newest = &topic;
    ++idle_count_;
}

void HomeTopics::make_busy(Topic& topic) noexcept {
    IdleTopics& topics = list_of(topic);
    (topic.older_ == nullptr ? topics.oldest : topic.older_->newer_) = topic.newer_;
    (topic.newer_ == nullptr ? topics.newest : topic.newer_->older_) = topic.older_;
    topic.older_ = topic.newer_ = nullptr;
    --idle_count_;
}

/// Behind the others of the list where it belongs, as if it had become idle last.
void HomeTopics::move_back(Topic& topic) noexcept {
    make_busy(topic);
    make_idle(topic, topic.idle_since_);
}

void HomeTopics::evict(Topic& topic) {
    // Its epoch ends, so nobody may be in the middle of it.
    RC_ASSERT(topic.interest_ == 0);
    make_busy(topic);
    history_.evict(topic.stream_);
    const auto place = topics_.find(std::string_view{*topic.name_});
    RC_ASSERT(place != topics_.end());
    topics_.erase(place);
}

}  // namespace ringcast::hub
