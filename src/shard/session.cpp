#include "shard/session.hpp"

#include "shard/answers.hpp"
#include "shard/shard.hpp"

namespace ringcast::shard {

void Session::close(CloseCode code, std::string_view reason) {
    shard_->start_close(*connection_, code, reason);
}

PublishStatus Session::publish(std::string_view topic, PublicationKind kind,
                               std::span<const std::byte> payload,
                               std::span<const std::byte> info) {
    return shard_->publish(*connection_, topic, kind, payload, info);
}

bool Session::has_room_for(std::string_view topic) {
    if (shard_->has_room_for(topic)) return true;
    shard_->suspend_until_room(*connection_, shard_->home_of(topic));
    return false;
}

SubscribeStatus Session::subscribe(std::string_view topic, const SubscribeFrom& from,
                                   const SubscribeAs& as) {
    if (!connection_->session_open || connection_->phase != Phase::open || shard_->shutdown_code_)
        return SubscribeStatus::closed;
    RC_ASSERT(shard_->telling_ != connection_);  // It may be closing.
    switch (shard_->topics_.subscribe(*connection_, topic, from, as)) {
        case hub::LocalTopics::Outcome::live:
        case hub::LocalTopics::Outcome::waiting: return SubscribeStatus::accepted;
        case hub::LocalTopics::Outcome::already: return SubscribeStatus::already;
        case hub::LocalTopics::Outcome::limit: break;
    }
    return SubscribeStatus::limit;
}

bool Session::history(std::string_view topic, const HistoryQuery& query, std::uint64_t tag) {
    if (!connection_->session_open || connection_->phase != Phase::open || shard_->shutdown_code_)
        return false;
    return shard_->topics_.ask_history(*connection_, topic, query, tag);
}

bool Session::presence(std::string_view topic, PresenceQuery query, std::uint64_t tag) {
    if (!connection_->session_open || connection_->phase != Phase::open || shard_->shutdown_code_)
        return false;
    return shard_->topics_.ask_presence(*connection_, topic, query, tag);
}

bool Session::unsubscribe(std::string_view topic) {
    return shard_->topics_.unsubscribe(*connection_, topic);
}

std::size_t Session::subscription_count() const noexcept {
    return connection_->topics.count;
}

bool Session::is_subscribed(std::string_view topic) const noexcept {
    return shard_->topics_.subscription_of(*connection_, topic).generation != 0;
}

std::string_view Session::newest_topic() const noexcept {
    const hub::LocalTopic* const topic = shard_->topics_.newest_of(*connection_);
    return topic == nullptr ? std::string_view{} : topic->name();
}

void Session::hold_input() {
    if (connection_->phase == Phase::open)
        shard_->suspend(*connection_, Suspension::pending_admission);
}

void Session::release_input() {
    shard_->release_input(*connection_);
}

void Session::pace(Duration wait) {
    if (wait <= Duration{0} || connection_->phase != Phase::open) return;
    if (!connection_->guest) connection_->guest = std::make_unique<Guest>();
    shard_->pace(*connection_, shard_->now() + wait);
}

bool Session::takes_more() {
    shard_->suspend_if_unread(*connection_);
    constexpr auto own = static_cast<unsigned>(Suspension::pending_admission);
    return connection_->session_open && connection_->phase == Phase::open && !connection_->broken &&
           (connection_->suspensions & ~own) == 0;
}

void Session::count_work(std::uint32_t messages) {
    if (connection_->phase == Phase::open)
        shard_->note_work(*connection_, connection_->work_done + messages);
}

bool Session::is_input_held() const noexcept {
    return connection_->is_suspended();
}

void Session::hold_publications() {
    RC_ASSERT(connection_->encoding != Encoding::raw);
    connection_->holds_publications = true;
}

void Session::release_publications() {
    connection_->holds_publications = false;
}

void Session::ping() {
    if (connection_->session_open && connection_->phase == Phase::open && !connection_->broken)
        shard_->ping(*connection_);
}

void Session::reschedule() {
    if (connection_->phase == Phase::open)
        shard_->schedule_by(*connection_, endpoint().deadline(*this));
}

void* Session::state() const noexcept {
    return connection_->state.get();
}

Encoding Session::encoding() const noexcept {
    return connection_->encoding;
}

Endpoint& Session::endpoint() const noexcept {
    return *connection_->endpoint;
}

SlotId Session::id() const noexcept {
    return connection_->id;
}

std::uint64_t Session::queued_bytes() const noexcept {
    return connection_->queued_bytes;
}

ring::Address Session::peer_address() const {
    return shard_->client_address(*connection_);
}

Endpoint::CloseReason Endpoint::reason_of_shutdown(CloseCode code) const noexcept {
    return {code, shutdown_reason};
}

void Endpoint::on_subscribed(Session& session, const Subscribed& subscribed) {
    if (subscribed.outcome != Subscribed::Outcome::live)
        session.close(CloseCode::try_again_later, subscribed.reason);
}

void Endpoint::on_subscription_lost(Session& session, std::string_view, std::string_view reason) {
    session.close(CloseCode::try_again_later, reason);
}

}  // namespace ringcast::shard
