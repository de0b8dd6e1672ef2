#pragma once
// The topics that sessions of one shard are subscribed to, wherever their homes are.
//
//   LocalTopic: subscribers [ session, live_from ] [ session, live_from ] [ gone ] ...
//                               ^                         ^
//   session A: subscription ----+--> subscription --------|---> ...     (a list through a slab)
//   session B: subscription ------------------------------+
//
// Deliveries of a topic are numbered on this shard. A subscriber sees those from `live_from` on; it
// waits (`live_from` = never) until the home has confirmed that this shard is interested. So a
// subscription becomes live at the place of that reply in the order of deliveries: no gap and no
// duplicate, by construction.
//
// While deliveries of a topic are under way (see fanout.hpp) subscribers keep their places: one
// that leaves is marked as gone and swept later.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/slab.hpp"
#include "hub/home_topics.hpp"
#include "hub/position.hpp"
#include "hub/previous_publications.hpp"

namespace ringcast::hub {

/// The subscriptions of one session. Lives in the session.
struct SessionTopics {
    static constexpr std::uint32_t none = UINT32_MAX;
    std::uint32_t first = none;  ///< In LocalTopics' slab.
    std::uint32_t count = 0;
};

struct Subscriber {
    /// Of those that wait: for the home to confirm, or for what they have missed.
    static constexpr std::uint64_t never = UINT64_MAX, recovering = UINT64_MAX - 1;
    SlotId session;              ///< All zeros: gone.
    std::uint32_t subscription;  ///< In LocalTopics' slab.
    bool hears_presence;         ///< Who comes and goes, too.
    bool takes_deltas;           ///< Publications may be sent as differences to the one before ...
    bool has_previous;           ///< ... which it has been sent. Kept by whoever delivers.
    std::uint64_t live_from;     ///< The first delivery that it sees.

    [[nodiscard]] bool is_gone() const noexcept { return session.generation == 0; }
    [[nodiscard]] bool is_live() const noexcept { return live_from < recovering; }
};

/// What the home knows of this shard's interest.
enum class HomeState : std::uint8_t {
    unaware,  ///< Nothing.
    asked,    ///< A join is on its way, or its reply.
    aware,    ///< It has confirmed: publications come.
    unsure,   ///< What it said or sent may have been lost.
};

/// One topic on one shard. Made and destroyed by LocalTopics; its address stays.
class LocalTopic {
public:
    [[nodiscard]] std::string_view name() const noexcept { return *name_; }
    [[nodiscard]] std::uint32_t home() const noexcept { return home_; }
    [[nodiscard]] HomeState home_state() const noexcept { return home_state_; }
    [[nodiscard]] bool is_wanted() const noexcept { return count_ > 0; }
    /// Subscribers, the waiting ones included.
    [[nodiscard]] std::size_t count() const noexcept { return count_; }
    [[nodiscard]] std::uint64_t join_number() const noexcept { return join_number_; }
    /// Of the publications that come, if a subscriber has asked for its position; else any. It
    /// stays as long as the home knows that somebody here is interested.
    [[nodiscard]] const Epoch& epoch() const noexcept { return epoch_; }
    /// Some subscriber does.
    [[nodiscard]] bool hears_presence() const noexcept { return presence_hearers_ > 0; }
    /// Some subscriber does.
    [[nodiscard]] bool takes_deltas() const noexcept { return deltas_ != nullptr; }

private:
    friend class LocalTopics;
    template <class Item>
    friend class Fanout;

    struct Deltas {
        std::uint32_t takers = 0;  // Subscribers that are not gone.
        PreviousPublications::Place place;
    };

    std::vector<Subscriber> subscribers_;
    std::unique_ptr<Deltas> deltas_;     // While there are takers.
    const std::string* name_ = nullptr;  // The key of the node that this lies in.
    std::uint64_t join_number_ = 0;      // Of the last join; tells its reply from older ones.
    std::uint64_t next_sequence_ = 0;    // Of deliveries on this shard.
    Epoch epoch_;
    std::uint32_t count_ = 0;                // Subscribers that are not gone.
    std::uint32_t presence_hearers_ = 0;     // Of these, who hears of others, too.
    std::uint32_t cursor_ = 0;               // The next subscriber of the batch under way.
    LocalTopic* next_delivering_ = nullptr;  // In one of Fanout's lists.
    // Of Fanout, too. The next item is the one for the subscriber at the cursor.
    std::uint32_t first_item_ = UINT32_MAX, last_item_ = UINT32_MAX, next_item_ = UINT32_MAX;
    std::uint8_t home_ = 0;
    HomeState home_state_ = HomeState::unaware;
    bool is_unsettled_ = false;  // In LocalTopics::unsettled_.
    bool is_delivering_ = false;
};

/// One per shard, for that shard's thread. Calls nobody.
class LocalTopics {
public:
    struct Limits {
        std::uint32_t subscriptions_max = 10'000'000;  ///< Of this shard.
        std::uint32_t session_subscriptions_max = 128;
    };
    enum class Outcome : std::uint8_t {
        live,     ///< Publications that reach this shard from now on are delivered.
        waiting,  ///< The home has to confirm first.
        already,
        limit,
    };

    /// What makes a subscription live.
    enum class LiveBy : std::uint8_t {
        interest,  ///< confirm(), or that the home has confirmed before.
        recovery,  ///< go_live(), when what came before has been collected.
    };
    enum class Hears : std::uint8_t { publications, presence_too };
    enum class Takes : std::uint8_t { whole, deltas };
    static constexpr std::uint32_t no_entry = UINT32_MAX;

    /// A subscription that had an entry and has ended.
    struct Departure {
        std::string topic;
        std::uint32_t home;
        std::uint32_t entry;
    };

    LocalTopics(std::uint64_t seed, std::uint32_t shards, const Limits& limits);
    LocalTopics(const LocalTopics&) = delete;
    LocalTopics& operator=(const LocalTopics&) = delete;

    /// `name` is valid. `topics` are those of `session`.
    Outcome subscribe(SlotId session, SessionTopics& topics, std::string_view name,
                      LiveBy live_by = LiveBy::interest, Hears hears = Hears::publications,
                      Takes takes = Takes::whole);
    /// Gives a subscription, which there is, a number of the caller's, who learns from departures()
    /// that it has ended, however that came about.
    void set_entry(SlotId subscription, std::uint32_t entry) noexcept;
    [[nodiscard]] std::uint32_t entry_of(SlotId subscription) const noexcept;
    /// The caller empties it.
    [[nodiscard]] std::vector<Departure>& departures() noexcept { return departures_; }
    [[nodiscard]] bool has_departures() const noexcept { return !departures_.empty(); }
    /// False if it was not subscribed.
    bool unsubscribe(SessionTopics& topics, std::string_view name);
    void unsubscribe_all(SessionTopics& topics) noexcept;
    /// The topic of the session's newest subscription, or null.
    [[nodiscard]] const LocalTopic* newest(const SessionTopics& topics) const noexcept;
    /// Names the session's newest subscription, of which there is one, for as long as it lasts.
    [[nodiscard]] SlotId newest_subscription(const SessionTopics& topics) const noexcept {
        return subscriptions_.id_of(topics.first);
    }
    /// Names the session's subscription to that topic; all zeros: there is none.
    [[nodiscard]] SlotId subscription_of(const SessionTopics& topics,
                                         std::string_view name) const noexcept;
    /// The topic of a subscription, or null if that has ended.
    [[nodiscard]] const LocalTopic* topic_of(SlotId subscription) const noexcept;
    /// The session of a subscription, which there is.
    [[nodiscard]] SlotId session_of(SlotId subscription) const noexcept {
        return subscriber_of(subscription).session;
    }
    /// False while a subscription, which there is, waits for its home.
    [[nodiscard]] bool is_live(SlotId subscription) const noexcept {
        return subscriber_of(subscription).is_live();
    }
    /// A subscription, which there is and which waits for its recovery, sees what is delivered from
    /// now on. Its home has confirmed, and said which epoch that is of.
    void go_live(SlotId subscription, const Epoch& epoch) noexcept;

    /// Null if nobody here is subscribed. Valid until settle().
    [[nodiscard]] LocalTopic* find(std::string_view name);

    // What the homes have to be told.

    /// Brings the homes' knowledge up to date for topics that changed: calls `join(topic)` or
    /// `leave(topic)`, which say whether the home could be told; if not, the topic stays for the
    /// next time. Forgets topics that nobody wants and no home knows of. Not from within a
    /// delivery.
    template <class Join, class Leave>
    void settle(Join&& join, Leave&& leave);
    /// Topics that settle() has to look at.
    [[nodiscard]] std::size_t unsettled_count() const noexcept { return unsettled_.size(); }
    /// Grows whenever there is something new that a home has to be told, also of a topic that
    /// settle() has to look at anyway.
    [[nodiscard]] std::uint64_t wishes() const noexcept { return wishes_; }

    // Those that are told are named by their session and their subscription.

    /// The home has confirmed the join of that number: calls `confirm(session, subscription)` for
    /// each that waited, which sees what is delivered from now on. Does nothing if the join is
    /// outdated.
    template <class Confirm>
    void confirm(std::string_view name, std::uint64_t join_number, Confirm&& confirm);
    /// The home has refused it: calls `refuse(session, subscription)` for each that waited, whose
    /// subscription the caller then ends.
    template <class Refuse>
    void refuse(std::string_view name, std::uint64_t join_number, Refuse&& refuse);
    /// Publications of `home` were lost on their way here: calls `tell(session, subscription)` for
    /// each subscriber of its topics, whose subscriptions the caller then ends. What the home knows
    /// is in doubt from now on; settle() asks or tells it anew.
    template <class Tell>
    void lose(std::uint32_t home, Tell&& tell);

    /// How far a walk over all topics has come.
    struct Cursor {
        std::size_t place = 0;
        std::size_t places = 0;  ///< Of the table as it was: when that grows, the walk begins anew.
    };
    /// Calls `visit(name, subscribers)` for topics that are wanted, in any order, on from `cursor`
    /// and in `places_max` places of the table at most. True once that has come to the end: all
    /// that were there the whole time were visited, perhaps twice.
    template <class Visit>
    [[nodiscard]] bool visit(Cursor& cursor, std::size_t places_max, Visit&& visit) const;
    [[nodiscard]] std::size_t size() const noexcept { return topics_.size(); }
    [[nodiscard]] std::uint32_t subscriptions() const noexcept { return subscriptions_.size(); }

    /// Of a topic that takes deltas: keeps `next` for what the next one differs from it in, and
    /// returns what was kept before. All topics keep `bytes_max` at most: what
    /// is oldest is let go first.
    [[nodiscard]] PreviousPublication replace_previous(LocalTopic& topic, PreviousPublication next,
                                                       std::uint64_t bytes_max) noexcept {
        return previous_.replace(topic.deltas_->place, std::move(next), bytes_max);
    }
    /// Memory of what is kept so.
    [[nodiscard]] std::uint64_t previous_bytes() const noexcept { return previous_.bytes(); }

private:
    struct Subscription {
        explicit Subscription(SlotId id) noexcept : slot{id.slot} {}
        LocalTopic* topic = nullptr;
        const std::uint32_t slot;
        std::uint32_t position = 0;                // In the topic's subscribers_.
        std::uint32_t next = SessionTopics::none;  // Of the same session.
        std::uint32_t entry = no_entry;
    };

public:
    /// What one subscription takes, beside the session's own part.
    static constexpr std::size_t subscription_bytes =
        Slab<Subscription>::bytes_per_slot + sizeof(Subscriber);
    /// And a topic, in a table's node with its link, hash and bucket; a name of more than 15 bytes
    /// comes on top.
    static constexpr std::size_t topic_bytes =
        sizeof(std::pair<const std::string, LocalTopic>) + 3 * sizeof(void*);

private:
    static bool is_waiting(const Subscriber& subscriber) noexcept {
        return subscriber.live_from == Subscriber::never;
    }
    [[nodiscard]] const Subscriber& subscriber_of(SlotId subscription) const noexcept;
    void remove(std::uint32_t slot) noexcept;
    void sweep(LocalTopic& topic) noexcept;
    void mark_unsettled(LocalTopic& topic);
    void forget(LocalTopic& topic);
    /// Sessions of `topic` for which `select(subscriber)` holds; a copy, because whoever is called
    /// may end subscriptions.
    template <class Select>
    [[nodiscard]] const std::vector<Subscriber>& chosen(const LocalTopic& topic, Select&& select);
    template <class Item>
    friend class Fanout;

    const std::uint64_t seed_;
    const std::uint32_t shards_;
    const Limits limits_;
    std::uint64_t joins_ = 0;
    std::uint64_t wishes_ = 0;
    PreviousPublications previous_;
    std::unordered_map<std::string, LocalTopic, TopicHash, std::equal_to<>> topics_;
    Slab<Subscription> subscriptions_;
    std::vector<LocalTopic*> unsettled_, settling_;
    std::vector<Subscriber> chosen_;
    std::vector<Departure> departures_;
};

template <class Join, class Leave>
void LocalTopics::settle(Join&& join, Leave&& leave) {
    if (unsettled_.empty()) return;
    std::swap(unsettled_, settling_);
    for (LocalTopic* const topic : settling_) {
        topic->is_unsettled_ = false;
        const bool is_asking_due =
            topic->home_state_ == HomeState::unaware || topic->home_state_ == HomeState::unsure;
        if (topic->is_wanted() && is_asking_due) {
            topic->join_number_ = ++joins_;
            if (join(*topic)) {
                topic->home_state_ = HomeState::asked;
            } else {
                mark_unsettled(*topic);
            }
        } else if (!topic->is_wanted()) {
            const bool is_known = topic->home_state_ != HomeState::unaware;
            if (is_known && !leave(*topic)) {
                mark_unsettled(*topic);
            } else if (topic->is_delivering_) {
                topic->home_state_ = HomeState::unaware;
                mark_unsettled(*topic);  // Forgotten once its deliveries have run out.
            } else {
                forget(*topic);
            }
        }
    }
    settling_.clear();
}

template <class Visit>
bool LocalTopics::visit(Cursor& cursor, std::size_t places_max, Visit&& visit) const {
    const std::size_t places = topics_.bucket_count();
    if (cursor.places != places) cursor = {.place = 0, .places = places};
    const std::size_t end = std::min(places, cursor.place + places_max);
    for (; cursor.place < end; ++cursor.place) {
        for (auto at = topics_.begin(cursor.place); at != topics_.end(cursor.place); ++at) {
            const auto& [name, topic] = *at;
            if (topic.is_wanted()) visit(std::string_view{name}, topic.count());
        }
    }
    return cursor.place == places;
}

template <class Select>
const std::vector<Subscriber>& LocalTopics::chosen(const LocalTopic& topic, Select&& select) {
    chosen_.clear();
    for (const Subscriber& subscriber : topic.subscribers_) {
        if (!subscriber.is_gone() && select(subscriber)) chosen_.push_back(subscriber);
    }
    return chosen_;
}

template <class Confirm>
void LocalTopics::confirm(std::string_view name, std::uint64_t join_number, Confirm&& confirm) {
    LocalTopic* const topic = find(name);
    if (topic == nullptr || topic->home_state_ != HomeState::asked ||
        topic->join_number_ != join_number)
        return;
    topic->home_state_ = HomeState::aware;
    const auto& waiting = chosen(*topic, is_waiting);
    for (Subscriber& subscriber : topic->subscribers_) {
        if (is_waiting(subscriber)) subscriber.live_from = topic->next_sequence_;
    }
    for (const Subscriber& subscriber : waiting)
        confirm(subscriber.session, subscriptions_.id_of(subscriber.subscription));
}

template <class Refuse>
void LocalTopics::refuse(std::string_view name, std::uint64_t join_number, Refuse&& refuse) {
    LocalTopic* const topic = find(name);
    if (topic == nullptr || topic->home_state_ != HomeState::asked ||
        topic->join_number_ != join_number)
        return;
    topic->home_state_ = HomeState::unaware;
    mark_unsettled(*topic);
    for (const Subscriber& subscriber :
         chosen(*topic, [](const Subscriber& one) { return !one.is_live(); }))
        refuse(subscriber.session, subscriptions_.id_of(subscriber.subscription));
}

template <class Tell>
void LocalTopics::lose(std::uint32_t home, Tell&& tell) {
    std::vector<LocalTopic*> lost;
    for (auto& [name, topic] : topics_) {
        if (topic.home_ == home && topic.home_state_ != HomeState::unaware) lost.push_back(&topic);
    }
    for (LocalTopic* const topic : lost) {
        topic->home_state_ = HomeState::unsure;
        mark_unsettled(*topic);
        for (const Subscriber& subscriber : chosen(*topic, [](const Subscriber&) { return true; }))
            tell(subscriber.session, subscriptions_.id_of(subscriber.subscription));
    }
}

}  // namespace ringcast::hub
