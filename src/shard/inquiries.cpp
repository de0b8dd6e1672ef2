// What this shard asks homes for, and what it does with the answers.

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/bytes.hpp"
#include "shard/shard.hpp"
#include "shard/topics.hpp"

namespace ringcast::shard {

namespace {

/// So many may wait in vain.
constexpr std::size_t waiting_min = 1024;

}  // namespace

void Topics::ask(std::uint32_t home, Inquiry inquiry) {
    inquiry.query.count_max = std::min(inquiry.query.count_max, settings_.recovered_max);
    inquiry.query.bytes_max = settings_.recovered_bytes_max;
    if (inquiries_[home] == nullptr) inquiries_[home] = std::make_unique<Inquiries>();
    std::deque<Inquiry>& waiting = inquiries_[home]->waiting;
    // Who subscribes and unsubscribes again and again may not leave more and more behind.
    if (waiting.size() > 2 * (local_.subscriptions() + questions_) + waiting_min) {
        std::erase_if(waiting, [this](const Inquiry& each) {
            return each.query.follows && local_.topic_of(each.who) == nullptr;
        });
    }
    waiting.push_back(std::move(inquiry));
    inquiring_ |= hub::set_of(home);
    is_inquiry_new_ = true;
}

void Topics::ask_for(SlotId subscription, std::uint32_t home, const SubscribeFrom& from,
                     const SubscribeAs& as) {
    const bool is_since = from.kind == SubscribeFrom::Kind::since;
    const bool is_live = from.kind == SubscribeFrom::Kind::live;
    ask(home, {.who = subscription,
               .query = {.start = is_since ? hub::StreamQuery::Start::since
                                           : hub::StreamQuery::Start::newest,
                         .follows = true,
                         .count_max = is_live ? 0 : from.count_max,
                         .since = from.since},
               .topic = {},
               .tells_position = !is_live,
               .entering = std::string{as.info},
               .seen = as.seen});
}

bool Topics::ask_history(const Connection& connection, std::string_view name,
                         const HistoryQuery& query, std::uint64_t tag) {
    if (questions_ >= questions_max) return false;
    ++questions_;
    using Start = hub::StreamQuery::Start;
    const bool is_forward = query.order == hub::StreamQuery::Order::forward;
    ask(home_of(name), {.who = connection.id,
                        .query = {.start = query.since  ? Start::since
                                           : is_forward ? Start::oldest
                                                        : Start::newest,
                                  .order = query.order,
                                  .count_max = query.count_max,
                                  .since = query.since.value_or(hub::Position{})},
                        .topic = std::string{name},
                        .tag = tag});
    return true;
}

/// Once a turn. Where memory for output is scarce they come one by one, rather than filling it with
/// what they have missed and do not read.
void Topics::send_inquiries() {
    is_inquiry_new_ = false;
    if (is_flushing_) return;
    const bool is_scarce = shard_.pool_.bytes_in_use() > shard_.settings_.pool_bytes_max / 2;
    const std::size_t asked_max = is_scarce ? 1 : Inquiries::asked_max;
    for (hub::ShardSet rest = inquiring_; rest != 0; rest &= rest - 1) {
        const auto home = static_cast<std::uint32_t>(std::countr_zero(rest));
        std::deque<Inquiry>& waiting = inquiries_[home]->waiting;
        if (!send_exits(home)) continue;
        while (!waiting.empty() && inquiries_[home]->asked.size() < asked_max &&
               send_inquiry(home, waiting.front()))
            waiting.pop_front();
        if (waiting.empty()) inquiring_ &= ~hub::set_of(home);
    }
}

/// False if it has to wait. Moved to those that were asked, unless nobody wants to know any more.
bool Topics::send_inquiry(std::uint32_t home, Inquiry& inquiry) {
    std::string_view name = inquiry.topic;
    if (inquiry.query.follows) {
        const hub::LocalTopic* const topic = local_.topic_of(inquiry.who);
        if (topic == nullptr) return true;
        // The join goes first: it is what the home delivers behind the answer.
        const bool has_joined = topic->home_state() == hub::HomeState::asked ||
                                topic->home_state() == hub::HomeState::aware;
        if (!has_joined) return false;
        name = topic->name();
    }
    Inquiries& all = *inquiries_[home];
    const StreamInquiry asked{.query = inquiry.query, .seen = inquiry.seen};
    Record record{.kind = RecordKind::inquire,
                  .number = all.round,
                  .topic = name,
                  .payload = std::as_bytes(std::span{&asked, 1}),
                  .info = as_bytes(inquiry.entering)};
    if (inquiry.presence) {
        record.kind = RecordKind::inquire_presence;
        record.payload = std::as_bytes(std::span{&*inquiry.presence, 1});
    }
    if (!send_request(home, record)) return false;
    if (!inquiry.entering.empty()) {
        entries_.at(local_.entry_of(inquiry.who)).was_sent = true;
        inquiry.entering = {};
    }
    all.asked.push_back(std::move(inquiry));
    return true;
}

void Topics::on_stored(std::uint32_t source, const Record& record) {
    inquiries_[source]->collected.push_back(
        {.offset = record.number, .kind = record.publication_kind, .block = record.block});
}

/// The oldest, which that answer is for; nothing if it comes too late.
std::optional<Inquiry> Topics::answered_inquiry(std::uint32_t source, std::uint64_t round) {
    Inquiries& all = *inquiries_[source];
    if (round != all.round) return std::nullopt;
    RC_ASSERT(!all.asked.empty());
    Inquiry inquiry = std::move(all.asked.front());
    all.asked.pop_front();
    is_inquiry_new_ |= !all.waiting.empty();
    return inquiry;
}

void Topics::on_answered(std::uint32_t source, const Record& record) {
    Inquiries& all = *inquiries_[source];
    if (const auto answered = answered_inquiry(source, record.number)) {
        const Inquiry& inquiry = *answered;
        StreamAnswer answer;
        RC_ASSERT(record.payload.size() == sizeof answer);
        std::memcpy(&answer, record.payload.data(), sizeof answer);
        if (answer.result != hub::StreamResult::complete) all.drop_collected();
        inquiry.query.follows ? begin_subscription(inquiry, answer, all.collected)
                              : tell_history(inquiry, answer, all.collected);
    }
    all.drop_collected();
    // Also to itself, for whom it stands behind its subscription.
    if (!record.info.empty()) on_presence_event(EncodedPublication::What::join, record);
    if (record.block != nullptr) record.block->release();
}

/// The place of the answer in the order of deliveries is where the subscription becomes live.
void Topics::begin_subscription(const Inquiry& inquiry, const StreamAnswer& answer,
                                std::span<const MissedPublication> missed) {
    const hub::LocalTopic* const topic = local_.topic_of(inquiry.who);
    if (topic == nullptr) return;
    // Refused in front of this answer, and about to be told so.
    if (topic->home_state() != hub::HomeState::aware) return;
    RC_ASSERT(answer.result != hub::StreamResult::unavailable);
    if (answer.is_crowded) return refuse_crowded(inquiry.who);
    local_.go_live(inquiry.who, answer.top.epoch);
    const bool was_recovering = inquiry.query.start == hub::StreamQuery::Start::since;
    const bool is_complete = answer.result == hub::StreamResult::complete;
    if (was_recovering) {
        ++(is_complete ? shard_.metrics_.recoveries : shard_.metrics_.recoveries_missed);
        shard_.metrics_.recovered_publications += missed.size();
    }
    topic_told_ = topic->name();
    shard_.on_subscribed(local_.session_of(inquiry.who),
                         {.topic = topic_told_,
                          .reason = {},
                          .was_recovering = was_recovering,
                          .recovered = was_recovering && is_complete,
                          .position = inquiry.tells_position ? answer.top : hub::Position{},
                          .missed = missed});
}

void Topics::refuse_crowded(SlotId subscription) {
    const SlotId session = local_.session_of(subscription);
    topic_told_ = local_.topic_of(subscription)->name();
    (void)unsubscribe(shard_.connections_.at(session.slot), topic_told_);
    shard_.on_subscribed(session, {.topic = topic_told_,
                                   .outcome = Subscribed::Outcome::crowded,
                                   .reason = "there are too many clients in the topic"});
}

void Topics::tell_history(const Inquiry& inquiry, const StreamAnswer& answer,
                          std::span<const MissedPublication> publications) {
    using Outcome = HistoryAnswer::Outcome;
    const Outcome outcome = answer.result == hub::StreamResult::complete  ? Outcome::complete
                            : answer.result == hub::StreamResult::missing ? Outcome::missing
                                                                          : Outcome::unavailable;
    --questions_;
    ++shard_.metrics_.history_answers;
    shard_.on_history(inquiry.who, {.topic = inquiry.topic,
                                    .tag = inquiry.tag,
                                    .outcome = outcome,
                                    .position = answer.top,
                                    .publications = publications});
}

/// Of deliveries of that home something was lost. Subscriptions are told by LocalTopics::lose().
void Topics::lose_inquiries(std::uint32_t source) {
    if (inquiries_[source] == nullptr) return;
    Inquiries& all = *inquiries_[source];
    all.drop_collected();
    ++all.round;
    is_inquiry_new_ |= !all.waiting.empty();
    const std::deque<Inquiry> lost = std::exchange(all.asked, {});
    for (const Inquiry& inquiry : lost) {
        if (inquiry.query.follows) continue;
        --questions_;
        if (inquiry.presence) {
            shard_.on_presence(inquiry.who, {.topic = inquiry.topic,
                                             .tag = inquiry.tag,
                                             .is_lost = true,
                                             .counts = {},
                                             .clients = {}});
            continue;
        }
        shard_.on_history(inquiry.who, {.topic = inquiry.topic,
                                        .tag = inquiry.tag,
                                        .outcome = HistoryAnswer::Outcome::lost,
                                        .position = {},
                                        .publications = {}});
    }
}

}  // namespace ringcast::shard
