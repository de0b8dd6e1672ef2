// Publications: from sessions towards the mesh, and from the fan-out into send queues.

#include <cstring>

#include "base/bytes.hpp"
#include "shard/shard.hpp"

namespace ringcast::shard {

namespace {

/// Up to this size a publication is copied beside what else its subscriber is sent in the turn: one
/// more part in a send costs more.
constexpr std::size_t copied_frame_bytes_max = 512;

/// Room for the text that tells of dropped publications.
constexpr std::uint64_t skipped_bytes_max = 128;

bool is_compressed(const SharedFrame& frame) noexcept {
    return (frame.bytes()[0] & std::byte{ws::rsv1 << 4}) != std::byte{0};
}

}  // namespace

PublishStatus Shard::publish(Connection& connection, std::string_view topic, PublicationKind kind,
                             std::span<const std::byte> payload, std::span<const std::byte> info) {
    if (!connection.session_open || connection.phase != Phase::open || connection.broken ||
        shutdown_code_)
        return PublishStatus::closed;
    if (payload.size() > message_bytes_ceiling) return PublishStatus::too_large;
    const std::uint32_t home = topics_.home_of(topic);
    const std::uint64_t bytes = connection.published_bytes + payload.size() +
                                ws::server_header_bytes(payload.size()) + info.size();
    const bool fills_window = bytes >= connection.endpoint->limits().publish_window_bytes();
    const bool is_taken =
        topics_.publish(home, topic, kind, payload, fills_window ? connection.id : SlotId{}, info);
    if (is_taken) {
        connection.published_bytes = bytes;
        if (fills_window) suspend_until_published(connection);
    }
    if (!topics_.has_room(home)) suspend_until_room(connection, home);
    return is_taken ? PublishStatus::accepted : PublishStatus::full;
}

void Shard::suspend_until_published(Connection& connection) {
    if (connection.has(Suspension::publications)) return;
    ++metrics_.publish_windows_filled;
    suspend(connection, Suspension::publications);
}

/// What filled its window has been passed on.
void Shard::on_published(SlotId id) {
    Connection* const connection = connections_.find(id);
    if (connection == nullptr) return;
    connection->published_bytes = 0;
    suspend_if_unread(*connection);  // What has come back to it counts first.
    resume(*connection, Suspension::publications);
}

PublishStatus Shard::publish(std::string_view topic, PublicationKind kind,
                             std::span<const std::byte> payload, std::span<const std::byte> info) {
    affinity_.check();
    if (shutdown_code_) return PublishStatus::closed;
    if (payload.size() > message_bytes_ceiling) return PublishStatus::too_large;
    const bool is_taken =
        topics_.publish(topics_.home_of(topic), topic, kind, payload, SlotId{}, info);
    return is_taken ? PublishStatus::accepted : PublishStatus::full;
}

Submitted Shard::submit(std::string_view topic, PublicationKind kind,
                        std::span<const std::byte> payload, const SubmitOptions& options) {
    affinity_.check();
    if (shutdown_code_) return {.status = PublishStatus::closed, .position = {}};
    if (payload.size() > message_bytes_ceiling)
        return {.status = PublishStatus::too_large, .position = {}};
    return topics_.submit(topic, kind, payload, options);
}

/// One publication for one subscriber. True if it is sent, or on its way.
bool Shard::deliver(SlotId id, EncodedPublication& publication, Shape shape) {
    Connection& connection = connections_.at(id.slot);
    RC_ASSERT(connection.id == id);
    // Whoever waits for the 101 is not live, and whoever closes is not subscribed.
    RC_ASSERT(connection.phase == Phase::open);
    if (connection.broken) return false;
    if (connection.conflates && publication.is_publication()) [[unlikely]] {
        // What overtook what waits would go back in time.
        if (slow_consumer_of(connection, publication.topic()) == SlowConsumer::latest) {
            on_slow_consumer(connection, publication, shape);
            return false;
        }
    }
    const bool is_usual = connection.deflate == nullptr && connection.encoding == Encoding::raw;
    if (!is_usual && connection.holds_publications) [[unlikely]] {
        hold_back(connection, publication, shape);
        return true;
    }
    const SharedFrame& frame =
        is_usual ? publication.frame() : frame_for(connection, publication, shape);
    if (!admits_publication(connection, frame.size())) [[unlikely]] {
        // Nobody is slow whom the kernel has not been asked about.
        if (!connection.chain.empty()) flush_early();
        if (!admits_publication(connection, frame.size())) {
            on_slow_consumer(connection, publication, shape);
            return false;
        }
    }
    if (connection.skipped > 0) [[unlikely]] {
        tell_skipped(connection);
    }
    enqueue_publication(connection, frame);
    if (output_.bytes() >= settings_.early_flush_bytes) flush_early();
    return true;
}

/// For one that takes deltas. It is in step, and is sent them, while each publication before was
/// sent to it.
void Shard::deliver_in_step(hub::Subscriber& subscriber, EncodedPublication& publication) {
    if (!publication.is_publication()) {
        deliver(subscriber.session, publication);
        return;
    }
    const Shape shape = subscriber.has_previous ? Shape::delta : Shape::whole;
    const bool is_sent = deliver(subscriber.session, publication, shape);
    if (is_sent && shape == Shape::delta) {
        const Encoding encoding = connections_.at(subscriber.session.slot).encoding;
        const std::size_t bytes_saved = publication.bytes_saved(encoding, pool_);
        if (bytes_saved > 0) ++metrics_.deltas_sent;
        metrics_.delta_bytes_saved += bytes_saved;
    }
    subscriber.has_previous = is_sent;
}

/// A frame of it that is for this connection, or a chunk.
void Shard::enqueue_publication(Connection& connection, const SharedFrame& frame) {
    if (is_streamed(connection.encoding)) [[unlikely]] {
        send_chunk(connection, frame);
    } else {
        enqueue_shared(connection, frame);
    }
    if (connection.deflate != nullptr && is_compressed(frame)) [[unlikely]] {
        connection.deflate->deflation.sent_without_context();
        ++metrics_.messages_compressed;
    }
    ++metrics_.deliveries;
    if (connection.queued_bytes > connection.endpoint->limits().high_water_bytes())
        connection.behind = true;
}

/// What comes before its session is ready for it.
void Shard::hold_back(Connection& connection, EncodedPublication& publication, Shape shape) {
    const std::span<const std::byte> message =
        publication.payload(connection.encoding, pool_, shape);
    Session session{*this, connection};
    connection.endpoint->on_held(session, as_text(message));
}

/// The rule of admits(), for publications.
bool Shard::admits_publication(const Connection& connection, std::uint64_t size) const noexcept {
    // What tells of those that were dropped comes before it, by the rule of messages: both or none.
    if (connection.skipped > 0) return admits(connection, size + skipped_bytes_max);
    const std::uint64_t queued = connection.queued_bytes;
    if (queued == 0) return true;
    if (queued + size > connection.endpoint->limits().send_queue_bytes_max) return false;
    return !connection.backlog || pool_.bytes_in_use() <= settings_.pool_bytes_max;
}

SlowConsumer Shard::slow_consumer_of(const Connection& connection,
                                     std::string_view topic) const noexcept {
    const hub::TopicPolicy* const policy = settings_.topics.home.namespaces->find(topic);
    const SlowConsumer otherwise = connection.endpoint->limits().slow_consumer;
    const SlowConsumer chosen =
        policy == nullptr ? otherwise : policy->slow_consumer.value_or(otherwise);
    // Only the raw dialect has a word for what was dropped; others come back and recover.
    const bool is_raw =
        connection.encoding == Encoding::raw || connection.encoding == Encoding::event_stream;
    const bool is_untold = chosen == SlowConsumer::drop && !is_raw;
    return is_untold ? SlowConsumer::close : chosen;
}

void Shard::on_slow_consumer(Connection& connection, const EncodedPublication& publication,
                             Shape shape) {
    // Of comers and goers each counts, and nobody is told of a gap.
    const SlowConsumer rule = publication.is_publication()
                                  ? slow_consumer_of(connection, publication.topic())
                                  : SlowConsumer::close;
    const bool is_noticed = connection.conflates || connection.skipped > 0;
    const bool is_kept =
        rule == SlowConsumer::latest && keep_latest(connection, publication, shape);
    const bool is_closed = !is_kept && rule != SlowConsumer::drop;
    if (is_closed || !is_noticed) {
        log_.limited(limiters_.slow)
            .field("session", session_number(connection))
            .field("queued_bytes", connection.queued_bytes)
            .field("action", is_closed ? "close"
                             : is_kept ? "latest"
                                       : "drop");
    }
    if (is_closed) {
        ++metrics_.slow_consumers_closed;
        const Endpoint::CloseReason slow = connection.endpoint->reason_of_slow();
        return start_close(connection, slow.code, slow.reason);
    }
    connection.behind = true;  // So that it is told as soon as it has caught up.
    if (is_kept) return;
    ++metrics_.deliveries_dropped;
    ++connection.skipped;
}

/// False if nothing more can be kept: of this session, of the shard, or of its memory.
bool Shard::keep_latest(Connection& connection, const EncodedPublication& publication,
                        Shape shape) {
    if (pool_.bytes_in_use() > settings_.pool_bytes_max) return false;
    const SlotId subscription = topics_.subscription_of(connection, publication.topic());
    const Latest::Outcome outcome = latest_.keep(connection, subscription, publication, shape);
    if (outcome == Latest::Outcome::replaced) ++metrics_.deliveries_conflated;
    return outcome == Latest::Outcome::kept || outcome == Latest::Outcome::replaced;
}

/// To a session that has caught up: one after the other, until it is behind again, or has had one
/// while the shard's memory is used up; then false.
bool Shard::send_latest(Connection& connection) {
    const std::uint64_t high_water_bytes = connection.endpoint->limits().high_water_bytes();
    const auto takes_one = [&] {
        return connection.queued_bytes == 0 || (connection.queued_bytes <= high_water_bytes &&
                                                pool_.bytes_in_use() <= settings_.pool_bytes_max);
    };
    while (connection.conflates && takes_one()) {
        latest_.take(connection, [&](std::uint64_t skipped, EncodedPublication& publication) {
            publication.set_skipped(skipped);
            connection.skipped += static_cast<std::uint32_t>(skipped);
            if (connection.skipped > 0) tell_skipped(connection);
            enqueue_publication(connection,
                                frame_for(connection, publication, publication.later_shape()));
        });
        if (output_.bytes() >= settings_.early_flush_bytes) flush_early();
    }
    return !connection.conflates;
}

/// It is told that it has not got them.
void Shard::drop_latest(Connection& connection) {
    const std::uint64_t count = latest_.forget(connection);
    metrics_.deliveries_dropped += count;
    connection.skipped += static_cast<std::uint32_t>(count);
}

/// False if there is no room to tell: then later, at the latest when the queue is empty.
bool Shard::can_tell_skipped(const Connection& connection) const noexcept {
    return admits(connection, skipped_bytes_max);
}

/// What the endpoint says of it is taken in any case. Who can tell later asks can_tell_skipped().
void Shard::tell_skipped(Connection& connection) {
    const std::uint64_t count = std::exchange(connection.skipped, 0);
    Session session{*this, connection};
    telling_ = &connection;
    connection.endpoint->on_skipped(session, count);
    telling_ = nullptr;
}

/// The rule of Shard::enqueue, for a frame that is encoded already.
void Shard::enqueue_shared(Connection& connection, const SharedFrame& frame) {
    const std::span<const std::byte> bytes = frame.bytes();
    const bool is_copied = bytes.size() <= copied_frame_bytes_max;
    std::byte* target = nullptr;
    if (!connection.backlog && is_copied) target = output_.reserve(connection.chain, bytes.size());
    if (target != nullptr) {
        std::memcpy(target, bytes.data(), bytes.size());
    } else {
        if (connection.chain.pieces == TurnOutput::pieces_max) {
            output_.move_rest(connection.chain, 0, backlog_of(connection), pool_);
            connection.chain = {};
        }
        if (!connection.backlog) {
            output_.append(connection.chain, frame);
        } else if (is_copied) {
            connection.backlog->append(bytes, pool_);
        } else {
            connection.backlog->append(frame, bytes.data(), bytes.size());
        }
    }
    enqueued(connection, bytes.size());
}

}  // namespace ringcast::shard
