// As the home of topics: requests are taken in the order in which each shard made them, numbered,
// and passed on.

#include <bit>
#include <span>
#include <utility>

#include "shard/shard.hpp"
#include "shard/topics.hpp"

namespace ringcast::shard {

void Topics::serve_requests(std::uint32_t source) {
    for (std::uint32_t i = 0; i < settings_.requests_per_turn; ++i) {
        Record record;
        if (!port_.front_request(source, record)) return;
        if (!serve_request(source, record)) {
            blocked_ |= hub::set_of(source);
            return;
        }
        port_.pop_request(source);
    }
    unfinished_ |= hub::set_of(source);
}

/// False if it has to wait for room; then nothing has happened.
bool Topics::serve_request(std::uint32_t source, const Record& record) {
    switch (record.kind) {
        case RecordKind::join: {
            if (!can_deliver(source)) return false;
            const bool has_joined = home_.join(record.topic, source);
            if (!has_joined) ++shard_.metrics_.topics_refused;
            deliver(source, {.kind = has_joined ? RecordKind::joined : RecordKind::refused,
                             .number = record.number,
                             .topic = record.topic});
            return true;
        }
        case RecordKind::leave: home_.leave(record.topic, source, shard_.now()); return true;
        case RecordKind::publish: return serve_publish(source, record);
        case RecordKind::inquire: serve_inquire(source, record); return true;
        case RecordKind::inquire_presence: serve_inquire_presence(source, record); return true;
        case RecordKind::exit: return serve_exit(source, record);
        case RecordKind::flush: flush_requests_ |= hub::set_of(source); return true;
        case RecordKind::joined:
        case RecordKind::refused:
        case RecordKind::publication:
        case RecordKind::published:
        case RecordKind::stored:
        case RecordKind::answered:
        case RecordKind::present:
        case RecordKind::entered:
        case RecordKind::exited:
        case RecordKind::gap:
        case RecordKind::flushed: RC_ASSERT(false && "a delivery among the requests");
    }
    return true;
}

bool Topics::serve_publish(std::uint32_t source, const Record& record) {
    hub::HomeTopics::Topic* const topic =
        home_.find_or_keep(record.topic, hub::HomeTopics::Need::to_publish, shard_.now());
    const hub::ShardSet interest = topic != nullptr ? topic->interest() : 0;
    const bool is_reply_owed = record.publisher != SlotId{};
    const hub::ShardSet targets = is_reply_owed ? interest | hub::set_of(source) : interest;
    if (!can_deliver_to(targets)) return false;
    if (interest == 0) {
        ++shard_.metrics_.publications_unheard;
        if (topic != nullptr) (void)number(*topic, record);
        if (record.block != nullptr) record.block->release();
    } else {
        pass_on(source, record, *topic);
    }
    if (is_reply_owed && (interest & hub::set_of(source)) == 0)
        deliver(source, {.kind = RecordKind::published, .publisher = record.publisher});
    return true;
}

/// Not through a queue: whoever asks is here, and has nothing else on the way.
Submitted Topics::submit(std::string_view name, PublicationKind kind,
                         std::span<const std::byte> payload, const SubmitOptions& options) {
    RC_ASSERT(home_of(name) == port_.shard());
    const Instant now = shard_.now();
    if (!options.key.empty()) {
        if (const auto position = keys_.find(name, options.key, now)) {
            ++shard_.metrics_.publications_repeated;
            return {.position = *position};
        }
    }
    hub::HomeTopics::Topic* const topic =
        home_.find_or_keep(name, hub::HomeTopics::Need::to_publish, now);
    const auto submitted = [&]() -> Submitted {
        hub::Position position;
        if (topic != nullptr && topic->stream().keeps())
            position = {topic->stream().top(), topic->stream().epoch()};
        if (!options.key.empty()) keys_.remember(name, options.key, position, now);
        return {.position = position};
    };
    if (topic != nullptr && topic->stream().has_seen(options.version)) {
        ++shard_.metrics_.publications_outdated;
        return submitted();
    }
    Record record{.kind = RecordKind::publish,
                  .publication_kind = kind,
                  .topic = name,
                  .payload = payload,
                  .info = options.info};
    if (port_.needs_block(record)) record.block = &port_.make_payload(payload, options.info);
    if (!serve_publish(port_.shard(), record)) {
        if (record.block != nullptr) record.block->release();
        return {.status = PublishStatus::full, .position = {}};
    }
    ++shard_.metrics_.publications;
    if (topic != nullptr && topic->stream().keeps()) hub::HomeTopics::note(*topic, options.version);
    return submitted();
}

/// To every shard with subscribers. The one where it comes from has its reply with it.
void Topics::pass_on(std::uint32_t source, const Record& record, hub::HomeTopics::Topic& topic) {
    Record publication = record;
    publication.kind = RecordKind::publication;
    const std::uint64_t offset = number(topic, record);
    // Subscribers count on from where they began, if they were told where that is: what is not kept
    // has no use for a number.
    publication.number = topic.stream().keeps() ? offset : 0;
    const auto targets_count = static_cast<std::uint32_t>(std::popcount(topic.interest()));
    if (record.block != nullptr && targets_count > 1) record.block->acquire(targets_count - 1);
    for (hub::ShardSet rest = topic.interest(); rest != 0; rest &= rest - 1) {
        const auto target = static_cast<std::uint32_t>(std::countr_zero(rest));
        publication.publisher = target == source ? record.publisher : SlotId{};
        deliver(target, publication);
    }
}

/// All are asked: the time of each that is full runs from now on.
bool Topics::can_deliver_to(hub::ShardSet targets) {
    bool is_ready = true;
    for (hub::ShardSet rest = targets; rest != 0; rest &= rest - 1)
        is_ready = can_deliver(static_cast<std::uint32_t>(std::countr_zero(rest))) && is_ready;
    return is_ready;
}

/// True also for a stalled target: what is for it is dropped.
bool Topics::can_deliver(std::uint32_t target) {
    Target& state = targets_[target];
    if (state.is_stalled) return true;
    if (port_.has_delivery_room(target) || port_.await_delivery_room(target)) {
        state.is_full = false;
        state.full_since = instant_never;
        return true;
    }
    state.is_full = true;
    if (state.full_since == instant_never ||
        shard_.now() - state.full_since < settings_.mesh_stall_timeout)
        return false;
    declare_stalled(target);
    return true;
}

void Topics::time_full_targets() noexcept {
    for (Target& target : std::span{targets_}.first(port_.shards())) {
        if (target.is_full && target.full_since == instant_never) target.full_since = shard_.now();
    }
}

void Topics::deliver(std::uint32_t target, const Record& record) {
    if (targets_[target].is_stalled) {
        ++shard_.metrics_.mesh_records_dropped;
        if (record.block != nullptr) record.block->release();
        return;
    }
    port_.deliver(target, record);
}

void Topics::declare_stalled(std::uint32_t target) {
    targets_[target].is_stalled = true;
    stalled_ |= hub::set_of(target);
    ++shard_.metrics_.mesh_stalls;
    shard_.log_.warn("shard_stalled")
        .field("stalled", target)
        .field("full_for", shard_.now() - targets_[target].full_since);
}

/// Those that make room again are told that they missed something.
void Topics::return_stalled() {
    for (hub::ShardSet rest = stalled_; rest != 0; rest &= rest - 1) {
        const auto target = static_cast<std::uint32_t>(std::countr_zero(rest));
        // What it gives back first may be too little; then it has to ring once more.
        if (!port_.has_delivery_room(target) && !port_.await_delivery_room(target)) continue;
        targets_[target].is_stalled = targets_[target].is_full = false;
        targets_[target].full_since = instant_never;
        stalled_ &= ~hub::set_of(target);
        port_.deliver(target, {.kind = RecordKind::gap});
        shard_.log_.warn("shard_returned").field("stalled", target);
    }
}

/// Once every shard has made its last request, every shard gets its last delivery.
void Topics::deliver_flush() {
    if (flush_requests_ != all_) return;
    for (std::uint32_t target = 0; target < port_.shards(); ++target) {
        if (!targets_[target].is_flush_owed || !can_deliver(target)) continue;
        deliver(target, {.kind = RecordKind::flushed});
        targets_[target].is_flush_owed = false;
    }
}

}  // namespace ringcast::shard
