// As the home of topics: hands out what is kept, a bounded number of publications a turn and as
// references, to shards whose clients come back. Live publications have gone before.

#include <bit>
#include <cstring>

#include "base/bytes.hpp"
#include "shard/shard.hpp"
#include "shard/topics.hpp"

namespace ringcast::shard {

void Topics::serve_inquire(std::uint32_t source, const Record& record) {
    StreamInquiry asked;
    RC_ASSERT(record.payload.size() == sizeof asked);
    std::memcpy(&asked, record.payload.data(), sizeof asked);
    const std::span info = record.info;
    recoveries_[source].push_back({.round = record.number,
                                   .topic = std::string{record.topic},
                                   .cursor = hub::StreamCursor{asked.query},
                                   .entering = std::string{as_text(info)},
                                   .seen = asked.seen});
    recovering_ |= hub::set_of(source);
    if (record.block != nullptr) record.block->release();
}

void Topics::serve_inquire_presence(std::uint32_t source, const Record& record) {
    PresenceQuery query;
    RC_ASSERT(record.payload.size() == sizeof query);
    std::memcpy(&query, record.payload.data(), sizeof query);
    recoveries_[source].push_back({.round = record.number,
                                   .topic = std::string{record.topic},
                                   .cursor = hub::StreamCursor{hub::StreamQuery{}},
                                   .presence = query});
    recovering_ |= hub::set_of(source);
}

void Topics::serve_recoveries() {
    for (hub::ShardSet rest = recovering_; rest != 0; rest &= rest - 1) {
        const auto source = static_cast<std::uint32_t>(std::countr_zero(rest));
        std::size_t steps = settings_.recovered_per_turn;
        std::vector<Recovery>& recoveries = recoveries_[source];
        std::size_t done = 0;
        const auto serve = [&](Recovery& recovery) {
            return recovery.presence ? tell_presence(source, recovery, steps)
                                     : hand_out_stored(source, recovery, steps);
        };
        while (done < recoveries.size() && serve(recoveries[done])) ++done;
        recoveries.erase(recoveries.begin(), recoveries.begin() + std::ptrdiff_t(done));
        if (recoveries.empty()) recovering_ &= ~hub::set_of(source);
    }
}

/// From where it last ended, with up to `steps`, which it counts down. True if it has come to the
/// end, which is told in the same step: so what is delivered behind that is what comes behind it.
bool Topics::hand_out_stored(std::uint32_t source, Recovery& recovery, std::size_t& steps) {
    hub::HomeTopics::Topic* const topic =
        home_.find_or_keep(recovery.topic, hub::HomeTopics::Need::to_ask, shard_.now());
    const bool enters = topic != nullptr && !recovery.entering.empty();
    // They hear of it in the same step.
    const hub::ShardSet hearers = enters && recovery.seen.is_announced ? topic->interest() : 0;
    for (;; --steps) {
        if (!can_deliver_to(hearers | hub::set_of(source))) {
            blocked_ |= hub::set_of(source);
            return false;
        }
        if (steps == 0) {
            unfinished_ |= hub::set_of(source);
            return false;
        }
        if (topic == nullptr) break;
        const hub::Stream& stream = topic->stream();
        if (recovery.cursor.step(stream) == hub::StreamCursor::Step::end) break;
        const hub::StoredPublication& stored = stream.at(recovery.cursor.offset());
        stored.payload->acquire(1);
        deliver(source, {.kind = RecordKind::stored,
                         .publication_kind = stored.kind,
                         .number = recovery.cursor.offset(),
                         .topic = {},
                         .payload = stored.payload->bytes(),
                         .info = stored.payload->info(),
                         .block = stored.payload});
    }
    --steps;
    StreamAnswer answer{.result = hub::StreamResult::unavailable};
    if (topic != nullptr)
        answer = {.top = topic->stream().position(), .result = recovery.cursor.result()};
    const bool is_told = enters && enter(recovery, answer);
    const std::string_view told = is_told ? std::string_view{recovery.entering} : "";
    const std::span info = as_bytes(told);
    deliver(source, {.kind = RecordKind::answered,
                     .number = recovery.round,
                     .topic = is_told ? std::string_view{recovery.topic} : "",
                     .payload = std::as_bytes(std::span{&answer, 1}),
                     .info = info});
    if (is_told)
        tell_hearers(hearers & ~hub::set_of(source), RecordKind::entered, recovery.topic, info);
    return true;
}

void Topics::forget_history(std::string_view name) {
    hub::HomeTopics::Topic* const topic = home_.find(name);
    if (topic != nullptr) home_.clear(*topic);
}

/// Numbers a publication, and keeps it where that is asked for. A block's reference stays the
/// record's.
std::uint64_t Topics::number(hub::HomeTopics::Topic& topic, const Record& record) {
    if (!topic.stream().keeps()) return hub::HomeTopics::number(topic);
    SharedPayload* payload = record.block;
    if (payload != nullptr) {
        payload->acquire(1);
    } else {
        payload = &port_.make_payload(record.payload, record.info);
    }
    return home_.append(topic, *payload, record.publication_kind, shard_.now());
}

}  // namespace ringcast::shard
