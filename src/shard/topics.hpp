#pragma once
// This shard's part in topics: as the home of some of them, and as the shard of sessions that are
// subscribed. Sits between the mesh and the hub's tables, and turns publications into frames.
//
//   session publishes -> request to the topic's home ......................... mesh
//   home:  number it -> delivery to every shard with subscribers .............. mesh
//   there: encode once -> [window] -> fan-out, a bounded number of deliveries a turn -> send queues
//
// A home takes a request only if every queue that it needs has room; else the request waits, the
// queue behind it fills, and whoever publishes into that is suspended. A shard that stays full for
// `mesh_stall_timeout` is stalled: what is for it is dropped and counted, and when it is back its
// subscribers are told by a gap. Nobody waits for it meanwhile.
//
// Whoever comes back with a position is handed what it has missed by the home, in portions of the
// same queue, and is live from the place of the last one on:
//
//   home -> shard:  pub 41 | stored 40 | pub 42 | stored 41 | stored 42 | answered | pub 43
//                     `--- for live subscribers ---'                        for all --'
//
// So does who comes as somebody: with that answer it is in the topic, for all who ask and all who
// hear of it, and the word that it has come stands behind it. Who goes is told as a request of its
// own, which is never dropped.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/slab.hpp"
#include "base/time.hpp"
#include "hub/fanout.hpp"
#include "hub/home_topics.hpp"
#include "hub/local_topics.hpp"
#include "hub/presence.hpp"
#include "hub/publish_keys.hpp"
#include "ringcast/topic.hpp"
#include "shard/encoded_publication.hpp"
#include "shard/inquiry.hpp"
#include "shard/mesh.hpp"
#include "shard/presence_query.hpp"
#include "shard/publisher_lane.hpp"
#include "shard/settings.hpp"
#include "shard/submission.hpp"

namespace ringcast::shard {

struct Connection;
class Shard;

/// One per shard; part of it.
class Topics {
public:
    /// `index`: this shard's in the mesh. `burst_bytes_max`: the least that any session here has
    /// room for in one go.
    Topics(Shard& shard, Mesh& mesh, std::uint32_t index, const TopicSettings& settings,
           std::uint64_t burst_bytes_max);
    ~Topics();
    Topics(const Topics&) = delete;
    Topics& operator=(const Topics&) = delete;

    // For sessions. Names are valid names of topics.

    hub::LocalTopics::Outcome subscribe(Connection& connection, std::string_view name,
                                        const SubscribeFrom& from = {}, const SubscribeAs& as = {});
    bool unsubscribe(Connection& connection, std::string_view name);
    void unsubscribe_all(Connection& connection) noexcept;
    /// Names the session's subscription to that topic; all zeros: there is none.
    [[nodiscard]] SlotId subscription_of(const Connection& connection,
                                         std::string_view name) const noexcept;
    /// The topic that the session has subscribed to last; null if it has none.
    [[nodiscard]] const hub::LocalTopic* newest_of(const Connection& connection) const noexcept;

    /// Shard::on_history() brings the answer. False if too many wait for theirs.
    [[nodiscard]] bool ask_history(const Connection& connection, std::string_view name,
                                   const HistoryQuery& query, std::uint64_t tag);
    /// Likewise Shard::on_presence().
    [[nodiscard]] bool ask_presence(const Connection& connection, std::string_view name,
                                    PresenceQuery query, std::uint64_t tag);

    [[nodiscard]] std::uint32_t home_of(std::string_view name) const noexcept;
    /// Of a topic with its home here.
    void forget_history(std::string_view name);
    /// False, and nothing happened, if there is no room towards that home. If a `publisher` is
    /// named, Shard::on_published() tells it when this and what went to that home before is in the
    /// send queues of this shard, and on its way to those of others. `info`: a packed
    /// PublicationInfo, or nothing.
    [[nodiscard]] bool publish(std::uint32_t home, std::string_view name, PublicationKind kind,
                               std::span<const std::byte> payload, SlotId publisher = {},
                               std::span<const std::byte> info = {});
    /// As Shard::submit().
    [[nodiscard]] Submitted submit(std::string_view name, PublicationKind kind,
                                   std::span<const std::byte> payload,
                                   const SubmitOptions& options);
    /// Whether any publication can be taken towards that home.
    [[nodiscard]] bool has_room(std::uint32_t home) noexcept;
    /// Shard::on_room() tells the session, or exchange, when there is: in its turn.
    void wait_for_room(SlotId session, std::uint32_t home);

    /// Another thread's lane into this shard, which owns a reference from now on.
    void add_publisher(PublisherLane& lane);

    // For the loop.

    /// Once a turn: requests, deliveries, a part of the fan-out.
    void serve();
    /// True if the shard may wait: nothing is left to do, and whoever brings something wakes it.
    [[nodiscard]] bool try_sleep() noexcept;
    void get_up() noexcept { port_.get_up(); }
    /// When something has to be looked at even if nothing comes.
    [[nodiscard]] Instant next_deadline() const noexcept;
    void on_tick();

    // For the end.

    /// Nothing is published any more. Everything accepted before is on its way to the subscribers.
    void begin_flush();
    /// The time for it is up, whenever it began.
    void cut_flush() noexcept;
    /// All of that has reached the send queues here, or the time for it is up.
    [[nodiscard]] bool is_flushed() const noexcept { return is_flushed_; }
    /// The others have been told all that they wait for.
    [[nodiscard]] bool has_told_all() const noexcept;

    [[nodiscard]] Inbox& inbox() noexcept { return port_.inbox(); }
    /// Of any of the server's shards.
    [[nodiscard]] Inbox& inbox(std::uint32_t shard) noexcept { return port_.inbox(shard); }
    [[nodiscard]] std::uint32_t shard() const noexcept { return port_.shard(); }
    [[nodiscard]] std::uint32_t shards() const noexcept { return port_.shards(); }

    // For whoever asks what there is.

    /// Calls `visit(name, subscribers)` for some topics with subscribers here, on from `cursor`;
    /// true once that has come to the end. One call looks at `places_max` at most.
    template <class Visit>
    [[nodiscard]] bool visit_local(hub::LocalTopics::Cursor& cursor, std::size_t places_max,
                                   Visit&& visit) const {
        return local_.visit(cursor, places_max, visit);
    }
    [[nodiscard]] std::uint32_t subscriptions() const noexcept { return local_.subscriptions(); }
    /// Topics with their home here that some shard wants: each topic of a server on one shard.
    [[nodiscard]] std::size_t home_topics_wanted() const noexcept {
        return home_.size() - home_.idle_count();
    }
    /// Who is in the topics that have their home here.
    [[nodiscard]] const hub::Presence& presence() const noexcept { return presence_; }

private:
    /// A shard as the target of deliveries from here.
    struct Target {
        // Counts from the turn after the one that found it full: that one may have begun long ago,
        // if it is this shard that stood still.
        Instant full_since = instant_never;
        bool is_full = false;
        bool is_stalled = false;
        bool is_flush_owed = false;
    };

    /// What a session has to be told of one of its subscriptions.
    struct News {
        enum class Kind : std::uint8_t { live, refused, lost };
        SlotId session, subscription;
        Kind kind;
    };

    // topics.cpp: requests of this shard.
    void time_full_targets() noexcept;
    [[nodiscard]] bool send_request(std::uint32_t home, const Record& record);
    void settle();
    [[nodiscard]] bool is_settled(std::uint32_t home);
    void resume_waiting();
    void take_from_publishers();
    [[nodiscard]] bool take_from(PublisherLane& lane);
    void send_flush();

    // inquiries.cpp: what this shard wants to know.
    void ask(std::uint32_t home, Inquiry inquiry);
    void ask_for(SlotId subscription, std::uint32_t home, const SubscribeFrom& from,
                 const SubscribeAs& as);
    void send_inquiries();
    [[nodiscard]] bool send_inquiry(std::uint32_t home, Inquiry& inquiry);
    void on_stored(std::uint32_t source, const Record& record);
    [[nodiscard]] std::optional<Inquiry> answered_inquiry(std::uint32_t source,
                                                          std::uint64_t round);
    void on_answered(std::uint32_t source, const Record& record);
    void begin_subscription(const Inquiry& inquiry, const StreamAnswer& answer,
                            std::span<const MissedPublication> missed);
    void refuse_crowded(SlotId subscription);
    void tell_history(const Inquiry& inquiry, const StreamAnswer& answer,
                      std::span<const MissedPublication> publications);
    void lose_inquiries(std::uint32_t source);

    // recovery.cpp: what others want to know.
    void serve_inquire(std::uint32_t source, const Record& record);
    void serve_inquire_presence(std::uint32_t source, const Record& record);
    void serve_recoveries();
    [[nodiscard]] bool hand_out_stored(std::uint32_t source, Recovery& recovery,
                                       std::size_t& steps);
    [[nodiscard]] std::uint64_t number(hub::HomeTopics::Topic& topic, const Record& record);

    // presence.cpp: who is in a topic.
    [[nodiscard]] hub::ShardSet hearers_of(std::string_view topic);
    [[nodiscard]] bool enter(const Recovery& recovery, StreamAnswer& answer);
    [[nodiscard]] bool serve_exit(std::uint32_t source, const Record& record);
    void tell_hearers(hub::ShardSet targets, RecordKind kind, std::string_view topic,
                      std::span<const std::byte> info);
    [[nodiscard]] bool tell_presence(std::uint32_t source, const Recovery& recovery,
                                     std::size_t& steps);
    void on_present(std::uint32_t source, const Record& record);
    void on_presence_event(EncodedPublication::What what, const Record& record);
    void take_departures();
    [[nodiscard]] bool send_exits(std::uint32_t home);

    // home.cpp: requests of others.
    void serve_requests(std::uint32_t source);
    [[nodiscard]] bool serve_request(std::uint32_t source, const Record& record);
    [[nodiscard]] bool serve_publish(std::uint32_t source, const Record& record);
    void pass_on(std::uint32_t source, const Record& record, hub::HomeTopics::Topic& topic);
    [[nodiscard]] bool can_deliver_to(hub::ShardSet targets);
    [[nodiscard]] bool can_deliver(std::uint32_t target);
    void deliver(std::uint32_t target, const Record& record);
    void declare_stalled(std::uint32_t target);
    void return_stalled();
    void deliver_flush();

    // fan_out.cpp: deliveries to this shard.
    void take_deliveries(std::uint32_t source);
    void take_delivery(std::uint32_t source, const Record& record);
    void tell_subscribers();
    void tell_subscriber(const News& news);
    [[nodiscard]] SharedFrame info_frame(std::span<const std::byte> info);
    void on_publication(const Record& record);
    void step(hub::LocalTopic& topic, EncodedPublication& publication, const Record& record);
    [[nodiscard]] bool can_take_delivery() const noexcept;
    void fan_out();
    [[nodiscard]] bool is_window_over() const noexcept;
    void end_window() noexcept;
    void hand_out();
    void tell_publishers();
    void check_flushed() noexcept;

    Shard& shard_;
    const TopicSettings settings_;
    const hub::ShardSet all_;
    MeshPort port_;
    hub::HomeTopics home_;
    hub::PublishKeys keys_;
    hub::LocalTopics local_;
    hub::Presence presence_;              // Of the topics that have their home here.
    std::vector<News> news_, news_told_;  // To be told before the fan-out.
    std::string topic_told_;
    /// One publication on its way to this shard's subscribers, and who is told of its end.
    struct Delivery {
        EncodedPublication publication;
        SlotId publisher;
    };
    hub::Fanout<Delivery> fanout_;
    std::vector<SlotId> published_;         // To be told after the fan-out.
    Instant window_end_ = instant_never;    // Of publications that wait.
    std::uint32_t publishers_waiting_ = 0;  // Deliveries in the fan-out that somebody waits for.
    std::uint32_t steps_ = 0;  // Deliveries in the fan-out that some are sent as a delta.

    std::vector<std::unique_ptr<Inquiries>> inquiries_;  // By home; null: none yet.
    hub::ShardSet inquiring_ = 0;                        // Homes for which inquiries wait.
    bool is_inquiry_new_ = false;                        // One may be sent that could not before.
    std::size_t questions_ = 0;                          // Inquiries of sessions.
    /// Of sessions, over all homes: each is answered within moments, unless thousands ask.
    static constexpr std::size_t questions_max = 4096;
    /// A subscription with which a client has entered a topic, or will.
    struct Entry {
        Entry(SlotId id, const ClientId& who) noexcept : client{who}, slot{id.slot} {}
        ClientId client;
        const std::uint32_t slot;
        bool was_sent = false;  // The home may know of it.
    };
    Slab<Entry> entries_{UINT32_MAX - 1};
    std::vector<std::vector<Recovery>> recoveries_;  // By source, in order.
    hub::ShardSet recovering_ = 0;                   // Sources that have some.

    std::uint32_t first_source_ = 0;
    std::uint64_t wishes_settled_ = 0;  // Told, or the home will ring when it can be.
    hub::ShardSet joins_owed_ = 0;      // Homes to which a join had no room.
    hub::ShardSet unfinished_ = 0;  // Sources that may have more, for which this turn had no time.
    hub::ShardSet blocked_ = 0;     // Sources whose request waits for room; that will ring.
    hub::ShardSet stalled_ = 0;     // Targets.
    std::array<Target, hub::shards_max> targets_;
    std::vector<std::vector<SlotId>> waiting_;  // By home: sessions suspended for want of room.
    std::vector<SlotId> resuming_;
    std::vector<PublisherLane*> publishers_;

    bool is_flushing_ = false;
    bool is_flushed_ = false;
    Instant flush_deadline_ = instant_never;
    hub::ShardSet flush_owed_ = 0;      // Homes that have not been sent our last request.
    hub::ShardSet flush_requests_ = 0;  // Shards whose last request has been served.
    hub::ShardSet flushed_by_ = 0;      // Homes whose last delivery has come.
};

}  // namespace ringcast::shard
