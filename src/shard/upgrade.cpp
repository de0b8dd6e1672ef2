// The opening handshake (RFC 6455 section 4.2): route, check, ask the application, answer.

#include <utility>

#include "base/bytes.hpp"
#include "shard/answers.hpp"
#include "shard/origin.hpp"
#include "shard/shard.hpp"
#include "ws/handshake.hpp"

namespace ringcast::shard {

void Shard::on_request(Connection& connection, const http::Request& request,
                       std::span<std::byte>& input) {
    const bool wants_upgrade = request.field_has_token("Upgrade", "websocket");
    if (!identify_client(connection, request, wants_upgrade)) return;
    const Router& router = router_of(connection);
    const Router::Match match = router.match(request.path);
    if (match.endpoint == nullptr || !wants_upgrade) {
        const Router::HttpMatch plain = router.match_http(request.path);
        const bool is_plain = match.endpoint == nullptr && !wants_upgrade;
        if (is_plain || plain.endpoint != nullptr)
            return on_plain_request(connection, plain, request, input);
    }
    if (match.endpoint == nullptr) return refuse(connection, nothing_here);
    if (request.method == http::Method::options) {
        return answer_unread(connection, request,
                             {.status = code_of(http::Status::no_content),
                              .fields = "Allow: GET, HEAD, OPTIONS\r\n",
                              .body = ""});
    }
    const auto handshake = ws::read_handshake(request);
    const auto fail_handshake = [&](const ws::HandshakeFailure& failure) {
        refuse(connection, {.status = code_of(failure.status),
                            .fields = ws::response_fields(failure.reason),
                            .body = to_string(failure.reason)});
    };
    if (!handshake) return fail_handshake(handshake.error());
    if (!admits_origin(request)) {
        return refuse(connection, {.status = code_of(http::Status::forbidden),
                                   .body = "this origin is not allowed to connect\n"});
    }
    auto deflate = deflate_.negotiate(request);
    if (!deflate) return fail_handshake(deflate.error());
    connection.deflate = *std::move(deflate);
    connection.endpoint = match.endpoint;
    Session session{*this, connection};
    Upgrade upgrade{.request = request, .parameters = match.parameters, .session = session};
    apply(connection, match.endpoint->on_upgrade(upgrade), {.key = handshake->key, .rules = {}});
}

bool Shard::admits_origin(const http::Request& request) {
    if (is_origin_allowed(request, settings_.allowed_origins)) return true;
    ++metrics_.origins_refused;
    log_.limited(limiters_.origin)
        .field("origin", request.field("Origin").value_or(""))
        .field("host", request.field("Host").value_or(""));
    return false;
}

void Shard::apply(Connection& connection, Verdict verdict, const Opening& opening) {
    switch (verdict.kind) {
        case Verdict::Kind::admit:
            if (verdict.is_subscriber && !verdict.topic.empty())
                return subscribe_and_open(connection, std::move(verdict), opening);
            return open_session(connection, std::move(verdict), opening);
        case Verdict::Kind::refuse:
            return refuse(
                connection,
                {.status = verdict.status, .fields = verdict.fields, .body = verdict.body});
        case Verdict::Kind::pending:
            return await_admission(connection, std::move(verdict), opening);
    }
}

/// The answer has to wait, as long as the rest of the opening handshake may take.
void Shard::await_admission(Connection& connection, Verdict verdict, const Opening& opening) {
    // From here on what its key is a view of may be gone.
    connection.parser = std::make_unique<PendingUpgrade>(
        PendingUpgrade{std::string{opening.key}, opening.rules, std::move(verdict)});
    connection.phase = Phase::pending;
    timers_.schedule(connection, connection.opened_at + settings_.handshake_timeout);
    suspend(connection, Suspension::pending_admission);
}

/// The answer says that the subscription is live; so it waits until it is.
void Shard::subscribe_and_open(Connection& connection, Verdict verdict, const Opening& opening) {
    using Outcome = hub::LocalTopics::Outcome;
    switch (topics_.subscribe(connection, verdict.topic, verdict.from)) {
        case Outcome::already:
        case Outcome::live: return open_session(connection, std::move(verdict), opening);
        case Outcome::limit:
            ++metrics_.topics_refused;
            return refuse(connection, {.status = code_of(http::Status::service_unavailable),
                                       .body = "there are too many subscriptions\n"});
        case Outcome::waiting: return await_admission(connection, std::move(verdict), opening);
    }
}

/// To the endpoint of an open session, which replies to what its client has asked for.
template <class Bring>
void Shard::bring_answer(Connection& connection, Bring&& bring) {
    Session session{*this, connection};
    const Replying replying{dispatch_, connection};
    bring(session);
    suspend_if_unread(connection);
}

/// A topic's home has spoken. Where the 101 has waited for that, there is a session only now.
void Shard::on_subscribed(SlotId id, const Subscribed& subscribed) {
    Connection& connection = connections_.at(id.slot);
    RC_ASSERT(connection.id == id);
    const bool is_refused = subscribed.outcome != Subscribed::Outcome::live;
    if (is_refused) ++metrics_.subscriptions_lost;
    const bool was_pending = connection.phase == Phase::pending;
    if (was_pending) {
        if (is_refused) {
            return refuse(connection, {.status = code_of(http::Status::service_unavailable),
                                       .body = std::string{subscribed.reason} + "\n"});
        }
        const auto pending = std::get<UpgradePointer>(std::move(connection.parser));
        open_session(connection, std::move(pending->verdict), pending->opening());
    }
    if (connection.phase == Phase::open) {
        bring_answer(connection, [&](Session& session) {
            session.endpoint().on_subscribed(session, subscribed);
        });
    }
    if (was_pending) resume(connection, Suspension::pending_admission);
}

void Shard::on_history(SlotId id, const HistoryAnswer& answer) {
    Connection* const connection = connections_.find(id);
    if (connection == nullptr) return;
    if (connection->phase == Phase::answering) return tell_exchange(*connection, answer);
    if (connection->phase != Phase::open) return;
    bring_answer(*connection,
                 [&](Session& session) { session.endpoint().on_history(session, answer); });
}

void Shard::on_presence(SlotId id, const PresenceAnswer& answer) {
    Connection* const connection = connections_.find(id);
    if (connection == nullptr || connection->phase != Phase::open) return;
    bring_answer(*connection,
                 [&](Session& session) { session.endpoint().on_presence(session, answer); });
}

/// The session misses something.
void Shard::on_subscription_lost(SlotId id, std::string_view topic, std::string_view reason) {
    Connection& connection = connections_.at(id.slot);
    RC_ASSERT(connection.id == id);
    ++metrics_.subscriptions_lost;
    if (connection.phase != Phase::open) return;
    Session session{*this, connection};
    connection.endpoint->on_subscription_lost(session, topic, reason);
    suspend_if_unread(connection);
}

/// The 101.
void Shard::switch_protocols(Connection& connection, Verdict& verdict, std::string_view key) {
    ++metrics_.handshakes;
    scratch_.clear();
    if (connection.deflate) {
        verdict.fields += ws::response_field(connection.deflate->agreed);
        ++metrics_.handshakes_compressed;
    }
    ws::write_switching_protocols(scratch_, key, verdict.subprotocol, verdict.fields);
    enqueue_raw(connection, as_bytes(scratch_));
    connection.parser.emplace<ws::Assembler>();  // From here on `key` may be gone.
}

void Shard::open_session(Connection& connection, Verdict verdict, const Opening& opening) {
    RC_ASSERT(opening.is_stream() == is_streamed(verdict.encoding));
    if (opening.is_stream()) {
        begin_session_stream(connection, verdict, opening.rules);
    } else {
        switch_protocols(connection, verdict, opening.key);
    }
    connection.phase = Phase::open;
    const SessionLimits& limits = connection.endpoint->limits();
    if ((limits.message_rate.is_limited() || limits.byte_rate.is_limited()) && !connection.guest)
        connection.guest = std::make_unique<Guest>();
    if (verdict.is_publisher)
        connection.publishes_to = static_cast<std::uint8_t>(topics_.home_of(verdict.topic));
    connection.encoding = verdict.encoding;
    connection.state = std::move(verdict.state);
    connection.session_open = true;
    connection.opened_at = connection.active_at = ring_.now();
    schedule_open(connection);
    ++metrics_.sessions;
    if (settings_.access_log) {
        log_.info("session_opened")
            .field("session", session_number(connection))
            .field("peer", client_address(connection).to_string());
    }
    Session session{*this, connection};
    connection.endpoint->on_open(session);
    suspend_if_unread(connection);
}

void Shard::refuse(Connection& connection, const http::Response& response) {
    ++metrics_.handshakes_refused;
    // Nobody could read it yet.
    if (connection.is_tls_handshaking()) return terminate(connection);
    scratch_.clear();
    http::write_response(scratch_, completed(connection, response), closing_rules(connection));
    enqueue_raw(connection, as_bytes(scratch_));
    drain(connection);
}

void Shard::resolve(SlotId id, Verdict verdict) {
    affinity_.check();
    RC_ASSERT(verdict.kind != Verdict::Kind::pending);
    Connection* const connection = connections_.find(id);
    if (connection == nullptr) return;
    if (connection->phase == Phase::answering)
        return resolve_exchange(*connection, std::move(verdict));
    if (connection->phase != Phase::pending) return;
    auto& waiting = std::get<UpgradePointer>(connection->parser);
    if (!waiting->verdict.topic.empty()) return;  // Decided long ago.
    const UpgradePointer pending = std::move(waiting);
    connection->phase = Phase::request;
    apply(*connection,
          connection->endpoint->on_late_verdict(std::move(verdict), std::move(pending->verdict)),
          pending->opening());
    if (connection->phase != Phase::pending) resume(*connection, Suspension::pending_admission);
}

}  // namespace ringcast::shard
