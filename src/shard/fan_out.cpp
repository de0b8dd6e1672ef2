// Deliveries that reach this shard: replies to its joins, and publications on their way to its
// sessions.

#include <algorithm>
#include <utility>

#include "dialect/raw.hpp"
#include "shard/shard.hpp"
#include "shard/topics.hpp"

namespace ringcast::shard {

namespace {

/// Deliveries between two looks at the work that they were.
constexpr std::size_t working_part = 16;

}  // namespace

void Topics::take_deliveries(std::uint32_t source) {
    Record record;
    while (port_.front_delivery(source, record)) {
        if (!can_take_delivery()) {
            unfinished_ |= hub::set_of(source);  // The fan-out makes progress every turn.
            return;
        }
        take_delivery(source, record);
        port_.pop_delivery(source);
    }
}

/// What waits for its fan-out is bounded; one delivery is always admitted.
bool Topics::can_take_delivery() const noexcept {
    if (fanout_.is_idle()) return true;
    return !fanout_.is_full() && shard_.pool_.bytes_in_use() <= shard_.settings_.pool_bytes_max;
}

void Topics::take_delivery(std::uint32_t source, const Record& record) {
    const auto note = [this](News::Kind kind) {
        return [this, kind](SlotId session, SlotId subscription) {
            news_.push_back({.session = session, .subscription = subscription, .kind = kind});
        };
    };
    switch (record.kind) {
        case RecordKind::joined:
            return local_.confirm(record.topic, record.number, note(News::Kind::live));
        case RecordKind::refused:
            return local_.refuse(record.topic, record.number, note(News::Kind::refused));
        case RecordKind::publication: return on_publication(record);
        case RecordKind::stored: return on_stored(source, record);
        case RecordKind::answered: return on_answered(source, record);
        case RecordKind::present:
            on_present(source, record);
            if (record.block != nullptr) record.block->release();
            return;
        case RecordKind::entered:
        case RecordKind::exited:
            on_presence_event(record.kind == RecordKind::entered ? EncodedPublication::What::join
                                                                 : EncodedPublication::What::leave,
                              record);
            if (record.block != nullptr) record.block->release();
            return;
        case RecordKind::published: return published_.push_back(record.publisher);
        case RecordKind::gap:
            ++shard_.metrics_.mesh_gaps;
            // Nor does anybody wait for a reply that may be among what was dropped.
            shard_.connections_.for_each([this](const Connection& connection) {
                if (connection.has(Suspension::publications)) published_.push_back(connection.id);
            });
            lose_inquiries(source);
            return local_.lose(source, note(News::Kind::lost));
        case RecordKind::flushed: flushed_by_ |= hub::set_of(source); return;
        case RecordKind::join:
        case RecordKind::leave:
        case RecordKind::publish:
        case RecordKind::inquire:
        case RecordKind::inquire_presence:
        case RecordKind::exit:
        case RecordKind::flush: RC_ASSERT(false && "a request among the deliveries");
    }
}

/// Sessions may do in answer whatever they like; news of that is for the next turn, as are the
/// publications that belong to it.
void Topics::tell_subscribers() {
    if (news_.empty()) return;
    std::swap(news_, news_told_);
    for (const News& news : news_told_) tell_subscriber(news);
    news_told_.clear();
}

void Topics::tell_subscriber(const News& news) {
    const hub::LocalTopic* const topic = local_.topic_of(news.subscription);
    if (topic == nullptr) return;  // The session has ended it meanwhile.
    topic_told_ = topic->name();
    if (news.kind == News::Kind::live) {
        return shard_.on_subscribed(news.session, {.topic = topic_told_, .reason = {}});
    }
    const bool was_live = local_.is_live(news.subscription);
    (void)unsubscribe(shard_.connections_.at(news.session.slot), topic_told_);
    const std::string_view reason =
        news.kind == News::Kind::refused ? "there are too many topics" : "publications were lost";
    if (was_live) return shard_.on_subscription_lost(news.session, topic_told_, reason);
    shard_.on_subscribed(
        news.session,
        {.topic = topic_told_, .outcome = Subscribed::Outcome::refused, .reason = reason});
}

/// What goes with a publication, or whom it is about, for whoever is told of it; null for none.
SharedFrame Topics::info_frame(std::span<const std::byte> info) {
    if (info.empty()) return {};
    SharedFrame frame{shard_.pool_, info.size()};
    std::ranges::copy(info, frame.bytes().data());
    return frame;
}

void Topics::on_publication(const Record& record) {
    hub::LocalTopic* const topic = local_.find(record.topic);
    // Between a leave and its arrival at the home publications still come.
    if (topic != nullptr && topic->is_wanted() && topic->home_state() == hub::HomeState::aware) {
        SharedFrame frame{shard_.pool_, dialect::raw::frame_bytes(record.payload.size())};
        dialect::raw::write_frame(frame.bytes(), record.publication_kind, record.payload);
        const std::size_t bytes = frame.size() + record.info.size();
        EncodedPublication publication{std::move(frame),
                                       record.payload.size(),
                                       topic->name(),
                                       record.publication_kind,
                                       {.offset = record.number, .epoch = topic->epoch()},
                                       info_frame(record.info)};
        if (topic->takes_deltas()) [[unlikely]]
            step(*topic, publication, record);
        fanout_.add(*topic, {.publication = std::move(publication), .publisher = record.publisher},
                    bytes);
        if (record.publisher != SlotId{}) ++publishers_waiting_;
        ++shard_.metrics_.fan_outs;
    } else if (record.publisher != SlotId{}) {
        published_.push_back(record.publisher);
    }
    if (record.block != nullptr) record.block->release();
}

/// From the publication before to this one, which some are sent as a delta to that. This one is
/// kept for the next, unless memory is scarce.
void Topics::step(hub::LocalTopic& topic, EncodedPublication& publication, const Record& record) {
    const std::uint64_t pool_bytes_max = shard_.settings_.pool_bytes_max;
    hub::PreviousPublication next;
    const bool is_kept = record.payload.size() <= PublicationDeltas::payload_bytes_max &&
                         shard_.pool_.bytes_in_use() <= pool_bytes_max;
    if (is_kept) {
        next = {.frame = publication.frame(),
                .payload_bytes = record.payload.size(),
                .kind = record.publication_kind};
    }
    publication.set_previous(
        local_.replace_previous(topic, std::move(next),
                                pool_bytes_max / PublicationDeltas::pool_share),
        shard_.deltas_);
    if (publication.has_previous()) ++steps_;
}

void Topics::fan_out() {
    if (fanout_.is_waiting() && is_window_over()) end_window();
    if (fanout_.is_under_way()) hand_out();
    // Of what has come in this turn, or behind what was under way.
    if (fanout_.is_waiting() && window_end_ == instant_never)
        window_end_ = shard_.now() + settings_.delivery_window;
}

/// At its time, or as soon as somebody waits for a publication, or there is no room for more of
/// them: here, or in the queue of a session.
bool Topics::is_window_over() const noexcept {
    return shard_.now() >= window_end_ || is_flushing_ || publishers_waiting_ > 0 ||
           fanout_.fills_batch() || !can_take_delivery();
}

void Topics::end_window() noexcept {
    Metrics& metrics = shard_.metrics_;
    ++(shard_.now() >= window_end_ ? metrics.delivery_windows : metrics.delivery_windows_cut);
    fanout_.release();
    window_end_ = instant_never;
}

void Topics::hand_out() {
    const PermessageDeflate& deflate = shard_.deflate_;
    const PublicationDeltas& deltas = shard_.deltas_;
    const std::uint64_t work_before = deflate.work(), delta_work_before = deltas.work();
    std::size_t left = settings_.deliveries_per_turn;
    while (left > 0 && fanout_.is_under_way() &&
           deflate.work() - work_before < PermessageDeflate::work_per_turn &&
           deltas.work() - delta_work_before < PublicationDeltas::work_per_turn) {
        // A delivery that has to be compressed first, or made a delta, is much more work.
        const bool is_much_work = deflate.is_on() || steps_ > 0;
        const std::size_t part = is_much_work ? std::min(left, working_part) : left;
        fanout_.run(
            local_, part, settings_.deliveries_quantum,
            [this](hub::Subscriber& subscriber, Delivery& delivery) {
                if (subscriber.takes_deltas) [[unlikely]]
                    return shard_.deliver_in_step(subscriber, delivery.publication);
                shard_.deliver(subscriber.session, delivery.publication);
            },
            [this](const Delivery& delivery) {
                if (delivery.publication.has_previous()) --steps_;
                if (delivery.publisher == SlotId{}) return;
                --publishers_waiting_;
                published_.push_back(delivery.publisher);
            });
        left -= part;
    }
}

/// What they publish now is for the next turn.
void Topics::tell_publishers() {
    for (const SlotId publisher : published_) shard_.on_published(publisher);
    published_.clear();
}

}  // namespace ringcast::shard
