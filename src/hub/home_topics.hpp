#pragma once
// The topics that have their home on one shard: who is interested, and what number comes next. The
// home is where a topic's publications get their one order.
//
//   name -> { interest: one bit per shard | stream: epoch, numbers, what is kept | idle_since }
//
// A topic is there while some shard wants it or publications of it are kept, and for `idle_timeout`
// afterwards, so that one that comes and goes keeps its epoch and numbers. Whoever comes back in
// that time learns whether it has missed anything, also where nothing is kept. Idle topics stand in
// two lists, oldest first: those that keep nothing, whose oldest makes room for a new one when the
// table is full, and those that keep something. Who only wants to hear or ask has no topic forget
// what it keeps; what is published does, as it does where the memory is full.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/hash.hpp"
#include "base/prng.hpp"
#include "base/time.hpp"
#include "hub/stream.hpp"
#include "hub/topic_namespaces.hpp"

namespace ringcast::hub {

/// A set of shards: bit i is shard i.
using ShardSet = std::uint64_t;
inline constexpr std::uint32_t shards_max = 64;

[[nodiscard]] constexpr ShardSet set_of(std::uint32_t shard) noexcept {
    return ShardSet{1} << shard;
}

/// Hashes names with a seed that clients do not know.
struct TopicHash {
    using is_transparent = void;
    std::uint64_t seed;
    [[nodiscard]] std::size_t operator()(std::string_view name) const noexcept {
        return hash_bytes(name, seed);
    }
};

/// Where a topic's home is: equal on all shards of a server, which share the seed.
[[nodiscard]] inline std::uint32_t home_of(std::string_view topic, std::uint64_t seed,
                                           std::uint32_t shards) noexcept {
    return static_cast<std::uint32_t>(hash_bytes(topic, seed) % shards);
}

/// One per shard, for that shard's thread.
class HomeTopics {
public:
    struct Limits {
        std::uint32_t topics_max = 1'000'000;  ///< Of this shard, idle ones included.
        Duration idle_timeout = std::chrono::minutes{1};
        StreamLimits stream;                         ///< What each topic without namespace keeps.
        PresencePolicy presence;                     ///< Likewise, what is told of its clients.
        TopicDelta delta = TopicDelta::off;          ///< Likewise.
        std::uint64_t history_bytes_max = 64 << 20;  ///< For all that this shard keeps.
        const TopicNamespaces* namespaces = &no_namespaces;  ///< Outlives this.

        [[nodiscard]] const StreamLimits& stream_of(std::string_view topic) const noexcept {
            const TopicPolicy* const policy = namespaces->find(topic);
            return policy == nullptr ? stream : policy->stream;
        }
        [[nodiscard]] const PresencePolicy& presence_of(std::string_view topic) const noexcept {
            const TopicPolicy* const policy = namespaces->find(topic);
            return policy == nullptr ? presence : policy->presence;
        }
        [[nodiscard]] TopicDelta delta_of(std::string_view topic) const noexcept {
            const TopicPolicy* const policy = namespaces->find(topic);
            return policy == nullptr ? delta : policy->delta;
        }
    };

    class Topic {
    public:
        Topic(Epoch epoch, const StreamLimits& limits) : stream_{epoch, limits} {}
        [[nodiscard]] ShardSet interest() const noexcept { return interest_; }
        [[nodiscard]] const Stream& stream() const noexcept { return stream_; }

    private:
        friend class HomeTopics;
        ShardSet interest_ = 0;
        Stream stream_;
        Instant idle_since_{};
        const std::string* name_ = nullptr;  // The key of the node that this lies in.
        Topic* older_ = nullptr;             // In its list of idle topics.
        Topic* newer_ = nullptr;
        bool is_in_keeping_ = false;  // Which of the two that is.
    };

    /// What one topic takes, in a table's node with its link, hash and bucket; a name of more than
    /// 15 bytes comes on top.
    static constexpr std::size_t topic_bytes =
        sizeof(std::pair<const std::string, Topic>) + 3 * sizeof(void*);

    /// `seed` is of the names' hashes; epochs are drawn from `epochs`, which tells whoever sees
    /// enough of them how it was seeded.
    HomeTopics(std::uint64_t seed, const Limits& limits, const Prng& epochs);
    HomeTopics(const HomeTopics&) = delete;
    HomeTopics& operator=(const HomeTopics&) = delete;

    /// `shard` wants the publications of `name` from now on. False if there are too many topics.
    [[nodiscard]] bool join(std::string_view name, std::uint32_t shard);
    /// It does not any more. Does nothing if it did not.
    void leave(std::string_view name, std::uint32_t shard, Instant now);

    /// What a topic that is not there yet is needed for.
    enum class Need : std::uint8_t { to_ask, to_publish };
    /// `name` is published to, or asked for: there from now on, if what is published may be kept.
    /// Null if nothing is kept and nobody wants it, or there are too many. Valid as find()'s.
    [[nodiscard]] Topic* find_or_keep(std::string_view name, Need need, Instant now);
    /// Null if it has been forgotten: nobody has wanted it for idle_timeout, or for less where the
    /// table was full. Valid until the next join(), find_or_keep() or evict_idle().
    [[nodiscard]] Topic* find(std::string_view name);
    /// Numbers one publication of `topic`, which keeps none.
    [[nodiscard]] static std::uint64_t number(Topic& topic) noexcept {
        RC_DEBUG_ASSERT(!topic.stream_.keeps());
        return History::number(topic.stream_);
    }
    /// Numbers one of a topic that keeps them, and keeps it: `payload` is the topic's.
    [[nodiscard]] std::uint64_t append(Topic& topic, SharedPayload& payload, PublicationKind kind,
                                       Instant now) {
        return history_.append(topic.stream_, payload, kind, now);
    }
    /// What was published last to a topic that keeps publications has that version.
    static void note(Topic& topic, const PublicationVersion& version) {
        History::note(topic.stream_, version);
    }
    /// Forgets what the topic keeps, not its numbers.
    void clear(Topic& topic) noexcept { history_.clear(topic.stream_); }
    [[nodiscard]] const History& history() const noexcept { return history_; }

    /// Forgets publications that are too old, and topics that have been idle for idle_timeout and
    /// keep none. Looks at `count_max` of both at most.
    void evict_idle(Instant now, std::size_t count_max);
    [[nodiscard]] std::size_t size() const noexcept { return topics_.size(); }
    [[nodiscard]] std::size_t idle_count() const noexcept { return idle_count_; }

private:
    struct IdleTopics {
        Topic* oldest = nullptr;
        Topic* newest = nullptr;
    };

    [[nodiscard]] Topic* insert(std::string_view name, Need need);
    [[nodiscard]] IdleTopics& list_of(const Topic& topic) noexcept {
        return topic.is_in_keeping_ ? keeping_ : empty_;
    }
    [[nodiscard]] Topic* oldest_empty() noexcept;
    void make_idle(Topic& topic, Instant now) noexcept;
    void make_busy(Topic& topic) noexcept;
    void move_back(Topic& topic) noexcept;
    void evict(Topic& topic);
    void evict_idle(IdleTopics& topics, Instant now, std::size_t& count_left);

    const Limits limits_;
    Prng epochs_;
    History history_;
    std::unordered_map<std::string, Topic, TopicHash, std::equal_to<>> topics_;
    IdleTopics empty_;    // As of when they became idle: some may keep something since.
    IdleTopics keeping_;  // Likewise: of some all may have become too old.
    std::size_t idle_count_ = 0;
};

}  // namespace ringcast::hub
