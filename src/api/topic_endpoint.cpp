#include "api/topic_endpoint.hpp"

#include <memory>
#include <string>
#include <variant>

#include "api/upgrade.hpp"
#include "dialect/raw.hpp"
#include "dialect/topic_name.hpp"
#include "shard/session.hpp"

namespace ringcast::api {

namespace {

/// A session's state: one of four that all share, so that it costs no memory.
struct RawSession {
    bool may_publish;
    bool wants_gaps;
};

RawSession& shared_session(bool may_publish, bool wants_gaps) noexcept {
    static RawSession sessions[2][2] = {{{false, false}, {false, true}},
                                        {{true, false}, {true, true}}};
    return sessions[may_publish ? 1 : 0][wants_gaps ? 1 : 0];
}

/// While the application makes up its mind.
struct PendingTopic {
    std::string topic;
    bool wants_gaps;
};

const RawSession& session_of(const shard::Session& session) noexcept {
    return *static_cast<const RawSession*>(session.state());
}

shard::Verdict refusal(std::uint16_t status, std::string_view body) {
    shard::Verdict verdict;
    verdict.kind = shard::Verdict::Kind::refuse;
    verdict.status = status;
    verdict.body = body;
    return verdict;
}

/// `verdict`, completed by what `access` means.
shard::Verdict granted(shard::Verdict verdict, TopicAccess access, std::string topic,
                       bool wants_gaps) {
    if (access == TopicAccess::none) return refusal(403, "you may not subscribe to this topic\n");
    const bool may_publish = access == TopicAccess::publish;
    verdict.topic = std::move(topic);
    verdict.is_publisher = may_publish;
    verdict.state = {&shared_session(may_publish, wants_gaps), [](void*) noexcept {}};
    return verdict;
}

}  // namespace

shard::Verdict TopicEndpoint::on_upgrade(shard::Upgrade& upgrade) {
    Upgrade::Impl impl{.upgrade = upgrade};
    Upgrade view{impl};
    const std::string topic{view.param("topic")};
    if (const auto fault = dialect::check_topic_name(topic); fault != dialect::TopicNameFault::none)
        return refusal(400, to_string(fault));
    const std::string gaps = view.query("gaps").value_or("0");
    if (gaps != "0" && gaps != "1") return refusal(400, "gaps is 0 or 1\n");
    const bool wants_gaps = gaps == "1";
    if (!policy_.authorize) return granted({}, policy_.anonymous, topic, wants_gaps);

    Admission<TopicAccess> admission = Rejection{.status = 500, .body = "internal error\n"};
    call(upgrade.session.shard(), "authorize", [&] { admission = policy_.authorize(view, topic); });
    if (const auto* access = std::get_if<TopicAccess>(&admission))
        return granted(admitted(detail::erase(NoState{}), std::move(impl)), *access, topic,
                       wants_gaps);
    if (auto* rejection = std::get_if<Rejection>(&admission)) return refused(std::move(*rejection));
    if (!impl.deferred) return refusal(500, "internal error\n");
    shard::Verdict verdict;
    verdict.kind = shard::Verdict::Kind::pending;
    verdict.state = detail::erase(PendingTopic{topic, wants_gaps});
    return verdict;
}

shard::Verdict TopicEndpoint::on_late_verdict(shard::Verdict late, shard::Verdict pending) {
    if (late.kind != shard::Verdict::Kind::admit) return late;
    auto& waiting = *static_cast<PendingTopic*>(pending.state.get());
    const TopicAccess access = *static_cast<const TopicAccess*>(late.state.get());
    return granted(std::move(late), access, std::move(waiting.topic), waiting.wants_gaps);
}

void TopicEndpoint::on_message(shard::Session session, std::string_view payload, MessageKind kind) {
    if (!session_of(session).may_publish)
        return session.close(CloseCode::policy_violation, "you may not publish to this topic");
    const auto status = session.publish(session.newest_topic(), dialect::raw::kind_of(kind),
                                        std::as_bytes(std::span{payload}));
    // There was room, or the message would not have been looked at. Nothing is lost silently, in
    // whatever way that should change.
    if (status == PublishStatus::full)
        session.close(CloseCode::try_again_later, "no room for the publication");
}

void TopicEndpoint::on_skipped(shard::Session& session, std::uint64_t count) {
    if (session_of(session).wants_gaps)
        session.send({.payload = dialect::raw::skipped_text(count), .kind = MessageKind::text});
}

const void* TopicEndpoint::state_tag() const noexcept {
    return &detail::type_tag<RawSession>;
}

}  // namespace ringcast::api
