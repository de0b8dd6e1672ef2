// The library's side of Session, SessionHandle and Shard.

#include "ringcast/session.hpp"

#include "api/endpoint.hpp"
#include "api/topic_rules.hpp"
#include "dialect/raw.hpp"
#include "shard/session.hpp"
#include "shard/shard.hpp"

namespace ringcast::detail {

namespace {

shard::Session session_of(void* shard, void* connection) noexcept {
    return {*static_cast<shard::Shard*>(shard), *static_cast<shard::Connection*>(connection)};
}

bool is_topic_name(const void* shard, std::string_view topic) noexcept {
    const auto& namespaces =
        *static_cast<const shard::Shard*>(shard)->settings().topics.home.namespaces;
    return api::check_topic(namespaces, topic) == dialect::TopicNameFault::none;
}

}  // namespace

SendStatus send(SessionCore core, std::string_view payload, MessageKind kind) noexcept {
    return session_of(core.shard(), core.connection()).send(payload, kind);
}

void SessionCore::close(CloseCode code, std::string_view reason) const {
    session_of(shard_, connection_).close(code, reason);
}

PublishStatus SessionCore::publish(std::string_view topic, const Message& message) const {
    if (!is_topic_name(shard_, topic)) return PublishStatus::invalid_topic;
    return session_of(shard_, connection_)
        .publish(topic, dialect::raw::kind_of(message.kind), message.bytes());
}

SubscribeStatus SessionCore::subscribe(std::string_view topic) const {
    if (!is_topic_name(shard_, topic)) return SubscribeStatus::invalid_topic;
    return session_of(shard_, connection_).subscribe(topic);
}

bool SessionCore::unsubscribe(std::string_view topic) const {
    return session_of(shard_, connection_).unsubscribe(topic);
}

void* SessionCore::state() const noexcept {
    return session_of(shard_, connection_).state();
}

SessionHandle SessionCore::handle() const noexcept {
    const SlotId id = session_of(shard_, connection_).id();
    return {.slot = id.slot, .generation = id.generation, .shard = shard_index(shard_)};
}

std::uint64_t SessionCore::queued_bytes() const noexcept {
    return session_of(shard_, connection_).queued_bytes();
}

std::string SessionCore::peer_address() const {
    return session_of(shard_, connection_).peer_address().to_string();
}

std::optional<SessionCore> find_session(void* shard, SessionHandle handle, const void* tag) {
    auto& here = *static_cast<shard::Shard*>(shard);
    if (handle.shard != here.settings().index) return std::nullopt;
    auto session = here.find({.slot = handle.slot, .generation = handle.generation});
    if (!session) return std::nullopt;
    // Every endpoint of a server made through the public API is one of ours.
    if (static_cast<api::ApiEndpoint&>(session->endpoint()).state_tag() != tag) return std::nullopt;
    return SessionCore{shard, &session->connection()};
}

PublishStatus publish(void* shard, std::string_view topic, const Message& message) {
    if (!is_topic_name(shard, topic)) return PublishStatus::invalid_topic;
    return static_cast<shard::Shard*>(shard)->publish(topic, dialect::raw::kind_of(message.kind),
                                                      message.bytes());
}

std::uint16_t shard_index(void* shard) noexcept {
    return static_cast<std::uint16_t>(static_cast<shard::Shard*>(shard)->settings().index);
}

}  // namespace ringcast::detail
