#include "api/topic_endpoint.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <variant>

#include "api/authentication.hpp"
#include "api/topic_rules.hpp"
#include "api/upgrade.hpp"
#include "dialect/raw.hpp"
#include "shard/session.hpp"

namespace ringcast::api {

namespace {

/// A session's state: of those whose token does not end one of four that all share, so that it
/// costs no memory.
struct RawSession {
    bool may_publish;
    bool wants_gaps;
    Instant ends_at = instant_never;
};

shard::StatePointer session_state(bool may_publish, bool wants_gaps, Instant ends_at) {
    static RawSession sessions[2][2] = {{{false, false}, {false, true}},
                                        {{true, false}, {true, true}}};
    if (ends_at == instant_never)
        return {&sessions[may_publish ? 1 : 0][wants_gaps ? 1 : 0], [](void*) noexcept {}};
    return {new RawSession{may_publish, wants_gaps, ends_at},
            [](void* state) noexcept { delete static_cast<RawSession*>(state); }};
}

/// What the query of the URL asks for, and until when it is granted.
struct Wishes {
    bool wants_gaps = false;
    shard::SubscribeFrom from;
    Instant ends_at = instant_never;
};

/// While the application makes up its mind.
struct PendingTopic {
    std::string topic;
    Wishes wishes;
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

/// Digits only.
std::optional<std::uint64_t> number_of(std::string_view text) {
    std::uint64_t number = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc{} || stop != text.data() + text.size())
        return std::nullopt;
    return number;
}

/// Or what is wrong with the query.
std::expected<Wishes, const char*> wishes_of(const Upgrade& view) {
    Wishes wishes;
    const std::string gaps = view.query("gaps").value_or("0");
    if (gaps != "0" && gaps != "1") return std::unexpected{"gaps is 0 or 1\n"};
    const auto offset = view.query("offset"), epoch = view.query("epoch"),
               last = view.query("last");
    using Kind = shard::SubscribeFrom::Kind;
    if (offset) {
        const auto number = number_of(*offset);
        if (!number || last)
            return std::unexpected{"offset is the number of a publication, and alone\n"};
        wishes.from = {.kind = Kind::since, .since = {*number, hub::Epoch::of(epoch.value_or(""))}};
    } else if (epoch) {
        return std::unexpected{"epoch belongs to an offset\n"};
    } else if (last) {
        const auto count = number_of(*last);
        if (!count || *count > UINT32_MAX) return std::unexpected{"last is a count\n"};
        wishes.from = {
            .kind = Kind::newest, .count_max = static_cast<std::uint32_t>(*count), .since = {}};
    }
    // Whoever counts publications has to be told of those that it did not get.
    wishes.wants_gaps = gaps == "1" || wishes.from.kind != Kind::live;
    return wishes;
}

/// `verdict`, completed by what `access` means.
shard::Verdict granted(shard::Verdict verdict, TopicAccess access, std::string topic,
                       const Wishes& wishes) {
    if (access == TopicAccess::none) return refusal(403, "you may not subscribe to this topic\n");
    const bool may_publish = access == TopicAccess::publish;
    verdict.topic = std::move(topic);
    verdict.is_publisher = may_publish;
    verdict.from = wishes.from;
    verdict.state = session_state(may_publish, wishes.wants_gaps, wishes.ends_at);
    return verdict;
}

/// What somebody may do whom nobody else is asked about.
TopicAccess access_by(const hub::TopicNamespaces& namespaces, const TopicsPolicy& policy,
                      const User* user, std::string_view topic) {
    Identity who;
    if (user != nullptr) {
        who = {.user = user->name,
               .has_token = std::ranges::find(user->topics, topic) != user->topics.end()};
    }
    return access_of(namespaces, general_access(policy.anonymous, policy.users, who), topic, who);
}

}  // namespace

shard::Verdict TopicEndpoint::on_upgrade(shard::Upgrade& upgrade) {
    Upgrade::Impl impl{.upgrade = upgrade};
    Upgrade view{impl};
    const std::string topic{view.param("topic")};
    const auto& namespaces = *upgrade.session.shard().settings().topics.home.namespaces;
    if (const auto fault = check_topic(namespaces, topic); fault != dialect::TopicNameFault::none)
        return refusal(400, to_string(fault));
    auto wishes = wishes_of(view);
    if (!wishes) return refusal(400, wishes.error());
    auto client = authenticate(upgrade);
    if (!client) return std::move(client.error());
    if (*client) {
        impl.user = &(*client)->user;
        impl.subprotocol = (*client)->subprotocol;
        wishes->ends_at = (*client)->ends_at;
    }
    if (!policy_.authorize) {
        const TopicAccess access = access_by(namespaces, policy_, impl.user, topic);
        return granted(admitted(shard::no_state(), std::move(impl)), access, topic, *wishes);
    }

    Admission<TopicAccess> admission = Rejection{.status = 500, .body = "internal error\n"};
    call(upgrade.session.shard(), "authorize", [&] { admission = policy_.authorize(view, topic); });
    if (const auto* access = std::get_if<TopicAccess>(&admission))
        return granted(admitted(detail::erase(NoState{}), std::move(impl)), *access, topic,
                       *wishes);
    if (auto* rejection = std::get_if<Rejection>(&admission)) return refused(std::move(*rejection));
    if (!impl.deferred) return refusal(500, "internal error\n");
    shard::Verdict verdict;
    verdict.kind = shard::Verdict::Kind::pending;
    verdict.state = detail::erase(PendingTopic{topic, *wishes});
    return verdict;
}

shard::Verdict TopicEndpoint::on_late_verdict(shard::Verdict late, shard::Verdict pending) {
    if (late.kind != shard::Verdict::Kind::admit) return late;
    auto& waiting = *static_cast<PendingTopic*>(pending.state.get());
    const TopicAccess access = *static_cast<const TopicAccess*>(late.state.get());
    return granted(std::move(late), access, std::move(waiting.topic), waiting.wishes);
}

void TopicEndpoint::on_open(shard::Session& session) {
    if (session_of(session).ends_at != instant_never) session.reschedule();
}

Instant TopicEndpoint::deadline(const shard::Session& session) const {
    return session_of(session).ends_at;
}

Instant TopicEndpoint::expiry(const shard::Session& session) const {
    return session_of(session).ends_at;
}

/// As the Centrifuge protocol calls it.
void TopicEndpoint::on_time(shard::Session& session) {
    session.close(CloseCode{3005}, "connection expired");
}

/// What was missed comes before everything else, behind the position of what comes before that.
void TopicEndpoint::on_subscribed(shard::Session& session, const shard::Subscribed& subscribed) {
    if (subscribed.outcome == shard::Subscribed::Outcome::refused ||
        subscribed.position.epoch.is_any())
        return ApiEndpoint::on_subscribed(session, subscribed);
    std::optional<bool> recovered;
    if (subscribed.was_recovering) recovered = subscribed.recovered;
    session.send(dialect::raw::position_text(subscribed.position.epoch.text(),
                                             subscribed.position.offset - subscribed.missed.size(),
                                             recovered),
                 MessageKind::text);
    for (const shard::MissedPublication& missed : subscribed.missed) {
        const auto status = session.send(
            {reinterpret_cast<const char*>(missed.payload().data()), missed.payload().size()},
            dialect::raw::message_kind_of(missed.kind));
        if (status == SendStatus::accepted || status == SendStatus::behind) continue;
        // It knows how far it has come, and can go on from there.
        return session.close(CloseCode::try_again_later, "too slow");
    }
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
