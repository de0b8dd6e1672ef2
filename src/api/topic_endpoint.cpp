#include "api/topic_endpoint.hpp"

#include <algorithm>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "api/authentication.hpp"
#include "api/publication_rates.hpp"
#include "api/topic_beginning.hpp"
#include "api/topic_rules.hpp"
#include "api/upgrade.hpp"
#include "base/bytes.hpp"
#include "dialect/event_stream.hpp"
#include "dialect/raw.hpp"
#include "shard/session.hpp"

namespace ringcast::api {

namespace {

/// A session's state: of those that nothing is known of one of four that all share, so that it
/// costs no memory.
struct RawSession {
    bool may_publish = false;
    bool wants_gaps = false;
    Instant ends_at = instant_never;
    const TokenRate* rate = nullptr;  ///< Of its publications; null: any.
    std::uint64_t publisher = 0;      ///< Its user; 0: nobody knows.
    std::string info{};               ///< Likewise, as others are told: a packed PublicationInfo.
    std::string user{};               ///< Of its token.
    std::string unheard_topic{};      ///< What it publishes to, if it is subscribed to nothing.

    [[nodiscard]] bool is_common() const noexcept {
        return ends_at == instant_never && rate == nullptr && publisher == 0 && info.empty() &&
               user.empty() && unheard_topic.empty();
    }
    [[nodiscard]] std::string_view topic_of(const shard::Session& session) const noexcept {
        return unheard_topic.empty() ? session.newest_topic() : std::string_view{unheard_topic};
    }
};

shard::StatePointer session_state(RawSession session) {
    static RawSession sessions[2][2] = {{{}, {.wants_gaps = true}},
                                        {{.may_publish = true}, {true, true}}};
    if (session.is_common()) {
        return {&sessions[session.may_publish ? 1 : 0][session.wants_gaps ? 1 : 0],
                [](void*) noexcept {}};
    }
    return {new RawSession{std::move(session)},
            [](void* state) noexcept { delete static_cast<RawSession*>(state); }};
}

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

/// What somebody may do whom nobody else is asked about.
TopicRights rights_by(const hub::TopicNamespaces& namespaces, const TopicsPolicy& policy,
                      const User* user, std::string_view topic) {
    Identity who;
    if (user != nullptr) {
        who = {.user = user->name,
               .has_token = std::ranges::find(user->topics, topic) != user->topics.end()};
    }
    return rights_of(namespaces, general_access(policy.anonymous, policy.users, who), topic, who);
}

const hub::TopicNamespaces& namespaces_of(const shard::Upgrade& upgrade) noexcept {
    return *upgrade.session.shard().settings().topics.home.namespaces;
}

bool is_kept(const shard::Upgrade& upgrade, std::string_view topic) noexcept {
    return upgrade.session.shard().settings().topics.home.stream_of(topic).count_max > 0;
}

}  // namespace

/// What a client asks for, and until when it is granted.
struct TopicEndpoint::Wishes {
    shard::Encoding encoding = shard::Encoding::raw;
    std::string fields{};  ///< Of any answer.
    bool wants_gaps = false;
    shard::SubscribeFrom from{};
    Instant ends_at = instant_never;
    const TokenRate* rate = nullptr;
    std::uint64_t publisher = 0;
    std::string info{};
    std::string user{};
    bool only_publishes = false;

    /// Whether a session makes sense that receives nothing: whoever could subscribe, as somebody
    /// else, is told so.
    [[nodiscard]] bool may_hear_nothing(const TopicRights& rights) const noexcept {
        return only_publishes || (rights.is_closed && encoding == shard::Encoding::raw &&
                                  from.kind == shard::SubscribeFrom::Kind::live);
    }

    /// `verdict`, completed by what `rights` mean.
    [[nodiscard]] shard::Verdict granted(shard::Verdict verdict, TopicRights rights,
                                         std::string topic) const {
        const bool may_subscribe = rights.may_subscribe, may_publish = rights.may_publish;
        if (only_publishes && !may_publish)
            return refusal(403, "you may not publish to this topic\n");
        if (!may_subscribe && !(may_publish && may_hear_nothing(rights)))
            return refusal(403, "you may not subscribe to this topic\n");
        verdict.encoding = encoding;
        verdict.topic = std::move(topic);
        verdict.is_subscriber = may_subscribe;
        verdict.is_publisher = may_publish;
        verdict.from = from;
        verdict.state = session_state({.may_publish = may_publish,
                                       .wants_gaps = wants_gaps,
                                       .ends_at = ends_at,
                                       .rate = may_publish ? rate : nullptr,
                                       .publisher = publisher,
                                       .info = may_publish ? info : std::string{},
                                       .user = user,
                                       .unheard_topic = may_subscribe ? "" : verdict.topic});
        return verdict;
    }
};

/// While the application makes up its mind.
struct TopicEndpoint::PendingTopic {
    std::string topic;
    Wishes wishes;
};

shard::Verdict TopicEndpoint::on_upgrade(shard::Upgrade& upgrade) {
    Upgrade::Impl impl{.upgrade = upgrade};
    const Upgrade view{impl};
    const std::string topic{view.param("topic")};
    if (const auto fault = check_topic(namespaces_of(upgrade), topic);
        fault != dialect::TopicNameFault::none)
        return refusal(400, to_string(fault));
    const std::string gaps = view.query("gaps").value_or("0");
    if (gaps != "0" && gaps != "1") return refusal(400, "gaps is 0 or 1\n");
    const auto from = begin_of(view);
    if (!from) return refusal(400, from.error());
    // Whoever counts publications has to be told of those that it did not get.
    const bool counts = from->kind != shard::SubscribeFrom::Kind::live;
    return decide(upgrade, topic, {.wants_gaps = gaps == "1" || counts, .from = *from});
}

shard::Verdict TopicEndpoint::on_post(shard::Upgrade& upgrade) {
    Upgrade::Impl impl{.upgrade = upgrade};
    const std::string topic{Upgrade{impl}.param("topic")};
    if (const auto fault = check_topic(namespaces_of(upgrade), topic);
        fault != dialect::TopicNameFault::none)
        return refusal(400, to_string(fault));
    return decide(upgrade, topic, {.only_publishes = true});
}

shard::Verdict TopicEndpoint::on_event_stream(shard::Upgrade& upgrade, std::string fields) {
    Upgrade::Impl impl{.upgrade = upgrade};
    const Upgrade view{impl};
    const std::string topic{view.param("topic")};
    const auto refuse = [&](std::string_view body) {
        shard::Verdict verdict = refusal(400, body);
        verdict.fields += fields;
        return verdict;
    };
    if (const auto fault = check_topic(namespaces_of(upgrade), topic);
        fault != dialect::TopicNameFault::none)
        return refuse(to_string(fault));
    auto from = begin_of(view);
    if (!from) return refuse(from.error());
    if (const auto behind = begin_behind(view.header("Last-Event-ID"))) from = *behind;
    // So that its client comes back to where it was, it has to know that from the begin.
    if (from->kind == shard::SubscribeFrom::Kind::live && is_kept(upgrade, topic))
        from = shard::SubscribeFrom::position();
    return decide(upgrade, topic,
                  {.encoding = shard::Encoding::event_stream,
                   .fields = std::move(fields),
                   .wants_gaps = true,
                   .from = *from});
}

/// Who it is, and what it may do.
shard::Verdict TopicEndpoint::decide(shard::Upgrade& upgrade, const std::string& topic,
                                     Wishes wishes) {
    const auto with_fields = [&](shard::Verdict verdict) {
        verdict.fields += wishes.fields;
        return verdict;
    };
    Upgrade::Impl impl{.upgrade = upgrade};
    Upgrade view{impl};
    auto client = authenticate(upgrade);
    if (!client) return with_fields(std::move(client.error()));
    if (*client) {
        impl.user = &(*client)->user;
        impl.subprotocol = (*client)->subprotocol;
        wishes.ends_at = (*client)->ends_at;
        wishes.publisher = publisher_of(upgrade.session.shard(), (*client)->user.name);
        wishes.info = (*client)->publisher;
        wishes.user = (*client)->user.name;
    }
    wishes.rate = rate_of(upgrade.session.shard(), topic);
    if (!policy_.authorize) {
        const TopicRights rights = rights_by(namespaces_of(upgrade), policy_, impl.user, topic);
        return with_fields(
            wishes.granted(admitted(shard::no_state(), std::move(impl)), rights, topic));
    }

    Admission<TopicAccess> admission = Rejection{.status = 500, .body = "internal error\n"};
    call(upgrade.session.shard(), "authorize", [&] { admission = policy_.authorize(view, topic); });
    if (const auto* access = std::get_if<TopicAccess>(&admission)) {
        return with_fields(wishes.granted(admitted(detail::erase(NoState{}), std::move(impl)),
                                          rights_in(*access), topic));
    }
    if (auto* rejection = std::get_if<Rejection>(&admission))
        return with_fields(refused(std::move(*rejection)));
    if (!impl.deferred) return with_fields(refusal(500, "internal error\n"));
    shard::Verdict verdict;
    verdict.kind = shard::Verdict::Kind::pending;
    verdict.state = detail::erase(PendingTopic{topic, std::move(wishes)});
    return verdict;
}

shard::Verdict TopicEndpoint::on_late_verdict(shard::Verdict late, shard::Verdict pending) {
    auto& waiting = *static_cast<PendingTopic*>(pending.state.get());
    if (late.kind == shard::Verdict::Kind::admit) {
        const TopicAccess access = *static_cast<const TopicAccess*>(late.state.get());
        late = waiting.wishes.granted(std::move(late), rights_in(access), std::move(waiting.topic));
    }
    late.fields += waiting.wishes.fields;
    return late;
}

void TopicEndpoint::on_open(shard::Session& session) {
    count_user(user_of(session));
    if (session_of(session).ends_at != instant_never) session.reschedule();
}

void TopicEndpoint::on_close(shard::Session& session, CloseCode, std::string_view) {
    discount_user(user_of(session));
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
    const hub::Position begin{.offset = subscribed.position.offset - subscribed.missed.size(),
                              .epoch = subscribed.position.epoch};
    send_notice(session, "position",
                dialect::raw::position_text(begin.epoch.text(), begin.offset, recovered), begin);
    for (const shard::MissedPublication& missed : subscribed.missed) {
        const auto status = send_missed(session, missed, begin.epoch.text());
        if (status == SendStatus::accepted || status == SendStatus::behind) continue;
        // It knows how far it has come, and can go on from there.
        return session.close(CloseCode::try_again_later, "too slow");
    }
}

/// What is no publication: a text among them, where they are no events.
void TopicEndpoint::send_notice(shard::Session& session, std::string_view name,
                                const std::string& text, const hub::Position& position) {
    if (session.encoding() == shard::Encoding::raw) {
        session.send(text, MessageKind::text);
        return;
    }
    event_.clear();
    dialect::event_stream::append(
        event_,
        {.name = name, .epoch = position.epoch.text(), .offset = position.offset, .data = text});
    session.send(event_, MessageKind::text);
}

SendStatus TopicEndpoint::send_missed(shard::Session& session,
                                      const shard::MissedPublication& missed,
                                      std::string_view epoch) {
    const std::string_view payload = as_text(missed.payload());
    if (session.encoding() == shard::Encoding::raw)
        return session.send(payload, dialect::raw::message_kind_of(missed.kind));
    event_.clear();
    dialect::event_stream::append(
        event_, {.epoch = epoch, .offset = missed.offset, .kind = missed.kind, .data = payload});
    return session.send(event_, MessageKind::text);
}

void TopicEndpoint::on_message(shard::Session session, std::string_view payload, MessageKind kind) {
    const RawSession& raw = session_of(session);
    if (!raw.may_publish)
        return session.close(CloseCode::policy_violation, "you may not publish to this topic");
    if (raw.rate != nullptr) [[unlikely]]
        pace(session, raw.topic_of(session), *raw.rate, raw.publisher);
    const auto status = session.publish(raw.topic_of(session), dialect::raw::kind_of(kind),
                                        as_bytes(payload), as_bytes(raw.info));
    // There was room, or the message would not have been looked at. Nothing is lost silently, in
    // whatever way that should change.
    if (status == PublishStatus::full)
        session.close(CloseCode::try_again_later, "no room for the publication");
}

std::string_view TopicEndpoint::info_in(const shard::Verdict& granted) noexcept {
    return static_cast<const RawSession*>(granted.state.get())->info;
}

Duration TopicEndpoint::take_publication(const shard::HttpExchange& exchange,
                                         const shard::Verdict& granted) {
    const auto& raw = *static_cast<const RawSession*>(granted.state.get());
    if (raw.rate == nullptr) return {};
    const std::uint64_t publisher = raw.publisher != 0 ? raw.publisher : publisher_of(exchange);
    const auto permit = exchange.shard().take_publication(publisher, granted.topic, *raw.rate,
                                                          shard::ClientLimits::Excess::refused);
    return permit.is_given ? Duration{} : permit.next;
}

/// TCP slows the client down, and nothing is lost.
void TopicEndpoint::pace(shard::Session& session, std::string_view topic, const TokenRate& rate,
                         std::uint64_t publisher) {
    using Excess = shard::ClientLimits::Excess;
    if (publisher == 0) publisher = publisher_of(session);
    session.pace(session.shard().take_publication(publisher, topic, rate, Excess::owed).next);
}

void TopicEndpoint::on_skipped(shard::Session& session, std::uint64_t count) {
    if (session_of(session).wants_gaps)
        send_notice(session, "skipped", dialect::raw::skipped_text(count));
}

std::string_view TopicEndpoint::user_of(const shard::Session& session) const {
    return session_of(session).user;
}

void TopicEndpoint::append_farewell(const shard::Session&, CloseCode code, std::string_view reason,
                                    std::string& content) const {
    const std::string text = dialect::raw::close_text(static_cast<std::uint16_t>(code), reason);
    dialect::event_stream::append(content, {.name = "close", .data = text});
}

const void* TopicEndpoint::state_tag() const noexcept {
    return &detail::type_tag<RawSession>;
}

}  // namespace ringcast::api
