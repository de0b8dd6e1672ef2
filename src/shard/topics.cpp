// This shard's own wishes: subscriptions, publications, what its homes have to be told.

#include "shard/topics.hpp"

#include <bit>
#include <utility>

#include "base/bytes.hpp"
#include "shard/shard.hpp"

namespace ringcast::shard {

namespace {

constexpr std::size_t evictions_per_tick = 4096;
constexpr std::size_t publications_per_lane_and_turn = 256;

}  // namespace

Topics::Topics(Shard& shard, Mesh& mesh, std::uint32_t index, const TopicSettings& settings,
               std::uint64_t burst_bytes_max)
    : shard_{shard},
      settings_{settings},
      all_{mesh.shards() == hub::shards_max ? ~hub::ShardSet{0} : hub::set_of(mesh.shards()) - 1},
      port_{mesh, index},
      home_{settings.seed, settings.home, Prng{settings.epoch_seed}},
      keys_{settings.seed, settings.keys},
      local_{settings.seed, mesh.shards(), settings.local},
      presence_{settings.seed, settings.presence},
      fanout_{{.items_max = settings.items_max, .batch_bytes_max = burst_bytes_max},
              settings.delivery_window > Duration{0} ? hub::Fanout<Delivery>::Start::when_released
                                                     : hub::Fanout<Delivery>::Start::at_once},
      inquiries_(mesh.shards()),
      recoveries_(mesh.shards()),
      waiting_(mesh.shards()) {}

Topics::~Topics() {
    for (const auto& inquiries : inquiries_) {
        if (inquiries != nullptr) inquiries->drop_collected();
    }
    for (PublisherLane* const lane : publishers_) {
        lane->close();
        lane->release();
    }
}

hub::LocalTopics::Outcome Topics::subscribe(Connection& connection, std::string_view name,
                                            const SubscribeFrom& from, const SubscribeAs& as) {
    using LocalTopics = hub::LocalTopics;
    using Outcome = LocalTopics::Outcome;
    const bool asks = from.kind != SubscribeFrom::Kind::live || !as.info.empty();
    const auto outcome = local_.subscribe(
        connection.id, connection.topics, name,
        asks ? LocalTopics::LiveBy::recovery : LocalTopics::LiveBy::interest,
        as.hears_others ? LocalTopics::Hears::presence_too : LocalTopics::Hears::publications,
        as.takes_deltas ? LocalTopics::Takes::deltas : LocalTopics::Takes::whole);
    if (outcome == Outcome::live || outcome == Outcome::waiting) ++shard_.metrics_.subscribes;
    if (outcome == Outcome::waiting && asks) {
        const SlotId subscription = local_.newest_subscription(connection.topics);
        if (!as.info.empty()) {
            const ClientId client = unpack_client(as_bytes(as.info)).id;
            local_.set_entry(subscription, entries_.insert(client)->slot);
        }
        ask_for(subscription, local_.newest(connection.topics)->home(), from, as);
    }
    if (outcome == Outcome::live) {
        news_.push_back({.session = connection.id,
                         .subscription = local_.newest_subscription(connection.topics),
                         .kind = News::Kind::live});
    }
    return outcome;
}

bool Topics::unsubscribe(Connection& connection, std::string_view name) {
    if (connection.conflates) {
        const SlotId subscription = local_.subscription_of(connection.topics, name);
        // Without one the slot is that of somebody else's.
        if (subscription.generation != 0) shard_.latest_.drop(connection, subscription);
    }
    return local_.unsubscribe(connection.topics, name);
}

void Topics::unsubscribe_all(Connection& connection) noexcept {
    if (connection.conflates) shard_.drop_latest(connection);
    local_.unsubscribe_all(connection.topics);
}

SlotId Topics::subscription_of(const Connection& connection, std::string_view name) const noexcept {
    return local_.subscription_of(connection.topics, name);
}

const hub::LocalTopic* Topics::newest_of(const Connection& connection) const noexcept {
    return local_.newest(connection.topics);
}

std::uint32_t Topics::home_of(std::string_view name) const noexcept {
    return hub::home_of(name, settings_.seed, port_.shards());
}

bool Topics::publish(std::uint32_t home, std::string_view name, PublicationKind kind,
                     std::span<const std::byte> payload, SlotId publisher,
                     std::span<const std::byte> info) {
    if (!is_settled(home) || !port_.publish(home, name, kind, payload, publisher, info))
        return false;
    ++shard_.metrics_.publications;
    return true;
}

bool Topics::has_room(std::uint32_t home) noexcept {
    return is_settled(home) && port_.has_request_room(home);
}

void Topics::wait_for_room(SlotId session, std::uint32_t home) {
    waiting_[home].push_back(session);
    unfinished_ |=
        hub::set_of(home);  // serve() asks for the room, also if that is the next turn's.
}

void Topics::add_publisher(PublisherLane& lane) {
    publishers_.push_back(&lane);
    if (is_flushing_) lane.close();
}

void Topics::serve() {
    time_full_targets();
    const hub::ShardSet sources = port_.take() | std::exchange(unfinished_, 0) | blocked_;
    if (!is_flushing_) resume_waiting();  // After a shutdown has begun nobody publishes any more.
    take_from_publishers();
    settle();
    if (local_.has_departures()) take_departures();
    if (inquiring_ != 0) send_inquiries();
    if (is_flushing_) send_flush();
    port_.make_visible();  // So that what is for ourselves is seen below.
    blocked_ = 0;
    const hub::ShardSet self = hub::set_of(port_.shard());
    // The first one is another one each turn, so that no source is served before all others.
    const std::uint32_t shards = port_.shards();
    first_source_ = (first_source_ + 1) % shards;
    for (std::uint32_t i = 0; i < shards; ++i) {
        const std::uint32_t source = (first_source_ + i) % shards;
        if (((sources | self) & hub::set_of(source)) != 0) serve_requests(source);
    }
    return_stalled();
    if (recovering_ != 0) serve_recoveries();
    if (is_flushing_) deliver_flush();
    port_.make_visible();
    for (std::uint32_t i = 0; i < shards; ++i) {
        const std::uint32_t source = (first_source_ + i) % shards;
        if (((sources | self) & hub::set_of(source)) != 0) take_deliveries(source);
    }
    tell_subscribers();
    fan_out();
    tell_publishers();
    if (is_flushing_) check_flushed();
    port_.make_visible();
    port_.give_back();
}

bool Topics::try_sleep() noexcept {
    // What was published or subscribed to since serve() has to be passed on first.
    if (unfinished_ != 0 || port_.has_unseen() || local_.wishes() != wishes_settled_) return false;
    if (!news_.empty() || is_inquiry_new_ || local_.has_departures()) return false;
    if (fanout_.is_under_way() || (fanout_.is_waiting() && is_window_over())) return false;
    return port_.try_sleep();
}

Instant Topics::next_deadline() const noexcept {
    Instant deadline = std::min(is_flushed_ ? instant_never : flush_deadline_, window_end_);
    if (blocked_ == 0) return deadline;
    for (std::uint32_t i = 0; i < port_.shards(); ++i) {
        const Target& target = targets_[i];
        if (target.is_stalled || !target.is_full) continue;
        if (target.full_since == instant_never) return shard_.now();  // The next turn sets it.
        const Instant stall = target.full_since + settings_.mesh_stall_timeout;
        // Where that is over nobody waits for it any more, or it would have been declared stalled.
        if (stall > shard_.now()) deadline = std::min(deadline, stall);
    }
    return deadline;
}

void Topics::on_tick() {
    home_.evict_idle(shard_.now(), evictions_per_tick);
    keys_.expire(shard_.now(), evictions_per_tick);
    std::erase_if(publishers_, [](PublisherLane* lane) {
        if (!lane->is_abandoned() || lane->queue().front().data() != nullptr) return false;
        lane->release();
        return true;
    });
    shard_.metrics_.topics = local_.size();
    shard_.metrics_.home_topics = home_.size();
    shard_.metrics_.subscriptions = local_.subscriptions();
    shard_.metrics_.delta_base_bytes = local_.previous_bytes();
    shard_.metrics_.history_publications = home_.history().count();
    shard_.metrics_.history_bytes = home_.history().bytes();
    shard_.metrics_.history_evictions = home_.history().evictions();
    shard_.metrics_.publish_key_evictions = keys_.evictions();
    shard_.metrics_.presence_clients = presence_.clients();
    shard_.metrics_.presence_bytes = presence_.bytes();
    shard_.metrics_.mesh_bytes_waiting = port_.bytes_waiting();
}

/// If there is no room, that home rings when there is some.
bool Topics::send_request(std::uint32_t home, const Record& record) {
    return port_.request(home, record) ||
           (port_.await_request_room(home) && port_.request(home, record));
}

void Topics::settle() {
    joins_owed_ = 0;
    local_.settle(
        [this](const hub::LocalTopic& topic) {
            const bool is_sent = send_request(
                topic.home(),
                {.kind = RecordKind::join, .number = topic.join_number(), .topic = topic.name()});
            if (!is_sent) joins_owed_ |= hub::set_of(topic.home());
            return is_sent;
        },
        [this](const hub::LocalTopic& topic) {
            return send_request(topic.home(), {.kind = RecordKind::leave, .topic = topic.name()});
        });
    wishes_settled_ = local_.wishes();
}

/// Before a publication, so that a session hears what it publishes after it has subscribed. False
/// if a join has no room: then nothing may go before it.
bool Topics::is_settled(std::uint32_t home) {
    const hub::ShardSet bit = hub::set_of(home);
    if (local_.wishes() != wishes_settled_ || (joins_owed_ & bit) != 0) settle();
    return (joins_owed_ & bit) == 0;
}

/// Sessions go on in the order in which they were suspended, as long as there is room.
void Topics::resume_waiting() {
    for (std::uint32_t home = 0; home < port_.shards(); ++home) {
        if (waiting_[home].empty()) continue;
        if (!has_room(home) && !(port_.await_request_room(home) && has_room(home))) continue;
        std::swap(waiting_[home], resuming_);
        std::size_t i = 0;
        for (; i < resuming_.size() && has_room(home); ++i) shard_.on_room(resuming_[i]);
        // Those that were suspended again meanwhile stand behind those that were not reached.
        waiting_[home].insert(waiting_[home].begin(), resuming_.begin() + std::ptrdiff_t(i),
                              resuming_.end());
        resuming_.clear();
        if (!waiting_[home].empty() && port_.await_request_room(home))
            unfinished_ |= hub::set_of(home);
    }
}

void Topics::take_from_publishers() {
    for (PublisherLane* const lane : publishers_) {
        if (!take_from(*lane)) unfinished_ |= hub::set_of(port_.shard());
        (void)lane->queue().release();  // Nobody waits for room: full is an answer there.
    }
}

/// False if there is more that could be taken at once.
bool Topics::take_from(PublisherLane& lane) {
    for (std::size_t i = 0; i < publications_per_lane_and_turn; ++i) {
        const auto bytes = lane.queue().front();
        if (bytes.data() == nullptr) return true;
        const Record record = read_record(bytes);
        const std::uint32_t home = home_of(record.topic);
        if (!port_.has_request_room(home) && !port_.await_request_room(home)) return true;
        if (!publish(home, record.topic, record.publication_kind, record.payload)) return false;
        lane.queue().pop();
    }
    return false;
}

void Topics::begin_flush() {
    is_flushing_ = true;
    flush_deadline_ = shard_.now() + settings_.flush_timeout;
    flush_owed_ = all_;
    for (std::uint32_t i = 0; i < port_.shards(); ++i) targets_[i].is_flush_owed = true;
    // Alone and with nothing on its way there is nothing to wait for.
    if (port_.shards() == 1) serve();
}

void Topics::cut_flush() noexcept {
    if (is_flushing_) flush_deadline_ = std::min(flush_deadline_, shard_.now());
}

void Topics::send_flush() {
    // What other threads have published so far comes first.
    for (PublisherLane* const lane : publishers_) lane->close();
    for (PublisherLane* const lane : publishers_) {
        if (lane->queue().front().data() != nullptr) return;
    }
    for (std::uint32_t home = 0; home < port_.shards(); ++home) {
        if ((flush_owed_ & hub::set_of(home)) == 0) continue;
        if (send_request(home, {.kind = RecordKind::flush})) flush_owed_ &= ~hub::set_of(home);
    }
}

void Topics::check_flushed() noexcept {
    if (is_flushed_) return;
    const bool has_all = flushed_by_ == all_ && fanout_.is_idle();
    if (!has_all && shard_.now() < flush_deadline_) return;
    is_flushed_ = true;
    shard_.on_flushed(has_all);
}

bool Topics::has_told_all() const noexcept {
    if (!is_flushing_) return false;
    if (shard_.now() >= flush_deadline_) return true;
    if (flush_owed_ != 0) return false;
    for (std::uint32_t i = 0; i < port_.shards(); ++i) {
        if (targets_[i].is_flush_owed) return false;
    }
    return true;
}

}  // namespace ringcast::shard
