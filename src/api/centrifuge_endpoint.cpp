#include "api/centrifuge_endpoint.hpp"

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "api/centrifuge_client.hpp"
#include "api/centrifuge_publications.hpp"
#include "api/centrifuge_rules.hpp"
#include "api/upgrade.hpp"
#include "http/response.hpp"
#include "shard/session.hpp"
#include "ws/handshake.hpp"

namespace ringcast::api {

namespace centrifuge = dialect::centrifuge;

namespace {

constexpr std::string_view json_subprotocol = "centrifuge-json";
constexpr std::string_view protobuf_subprotocol = "centrifuge-protobuf";

/// What a command takes at least, in short messages.
constexpr std::uint32_t command_work = 1;

/// Of the memory for what a session says and is sent: long messages and histories are rare.
constexpr std::size_t retained_bytes_max = 256 << 10;

/// What the opening handshake says of how the client talks.
struct Offer {
    centrifuge::Format format = centrifuge::Format::json;
    std::string_view subprotocol;  ///< To be agreed on; empty: none.
    centrifuge::Pings pings = centrifuge::Pings::message;
};

Offer offer_of(const http::Request& request) {
    Offer offer;
    ws::for_each_subprotocol(request, [&](std::string_view name) {
        if (name != json_subprotocol && name != protobuf_subprotocol) return true;
        offer.subprotocol = name == json_subprotocol ? json_subprotocol : protobuf_subprotocol;
        return false;
    });
    bool is_protobuf = offer.subprotocol == protobuf_subprotocol;
    for (const std::string_view name : {"format", "cf_protocol"}) {
        if (offer.subprotocol.empty())
            is_protobuf |= http::query_parameter(request.query, name) == "protobuf";
    }
    if (is_protobuf) offer.format = centrifuge::Format::protobuf;
    if (http::query_parameter(request.query, "cf_ws_frame_ping_pong") == "true")
        offer.pings = centrifuge::Pings::frame;
    return offer;
}

}  // namespace

CentrifugeEndpoint::CentrifugeEndpoint(const shard::SessionLimits& limits,
                                       const CentrifugePolicy& policy, EntropySource entropy,
                                       std::string_view version, std::string node,
                                       Direction direction)
    : ApiEndpoint{limits},
      policy_{policy},
      settings_{.stale_timeout = policy.stale_timeout,
                .ping_interval = policy.ping_interval,
                .pong_timeout = policy.pong_timeout,
                .subscriptions_max = policy.subscriptions_max},
      entropy_{std::move(entropy)},
      version_{version},
      node_{std::move(node)},
      direction_{direction},
      prng_{0} {
    // Of jitter: pings of a crowd that came together spread out.
    std::uint64_t seed = 0;
    entropy_(std::as_writable_bytes(std::span{&seed, 1}));
    prng_ = Prng{seed};
}

CentrifugeEndpoint::Client& CentrifugeEndpoint::client_of(const shard::Session& session) noexcept {
    return *static_cast<Client*>(session.state());
}

const void* CentrifugeEndpoint::state_tag() const noexcept {
    return &detail::type_tag<Client>;
}

shard::Endpoint::CloseReason CentrifugeEndpoint::reason_of_slow() const noexcept {
    constexpr auto slow = centrifuge::DisconnectCode::slow;
    return {static_cast<CloseCode>(slow), centrifuge::reason_of(slow)};
}

shard::Endpoint::CloseReason CentrifugeEndpoint::reason_of_shutdown(CloseCode) const noexcept {
    constexpr auto shutdown = centrifuge::DisconnectCode::shutdown;
    return {static_cast<CloseCode>(shutdown), centrifuge::reason_of(shutdown)};
}

shard::Verdict CentrifugeEndpoint::on_upgrade(shard::Upgrade& upgrade) {
    if (direction_ == Direction::to_client) {
        return admit(upgrade, shard::Encoding::centrifuge_uni_json,
                     http::query_parameter(upgrade.request.query, "cf_connect").value_or(""),
                     centrifuge::Pings::frame);
    }
    const Offer offer = offer_of(upgrade.request);
    shard::Verdict verdict =
        admit(upgrade,
              offer.format == centrifuge::Format::json ? shard::Encoding::centrifuge_json
                                                       : shard::Encoding::centrifuge_protobuf,
              {}, offer.pings);
    if (!offer.subprotocol.empty()) verdict.subprotocol = offer.subprotocol;
    return verdict;
}

shard::Verdict CentrifugeEndpoint::admit_stream(const shard::Upgrade& upgrade,
                                                shard::Encoding encoding, std::string opening,
                                                std::string_view fields) const {
    shard::Verdict verdict =
        admit(upgrade, encoding, std::move(opening), centrifuge::Pings::message);
    verdict.fields += fields;
    return verdict;
}

/// Unless it has shown a token that is not in order. Who it is counts once it connects.
shard::Verdict CentrifugeEndpoint::admit(const shard::Upgrade& upgrade, shard::Encoding encoding,
                                         std::string opening, centrifuge::Pings pings) const {
    auto shown = shown_token(upgrade);
    if (!shown) return std::move(shown.error());
    shard::Verdict verdict;
    verdict.encoding = encoding;
    auto client = std::make_unique<Client>(settings_, wire_of(encoding), pings,
                                           upgrade.session.shard().now());
    client->opening = std::move(opening);
    if (*shown) {
        verdict.subprotocol = (*shown)->subprotocol;
        client->shown = std::make_unique<ShownToken>(**std::move(shown));
    }
    verdict.state = {client.release(),
                     [](void* state) noexcept { delete static_cast<Client*>(state); }};
    return verdict;
}

/// What has come with the request is the first message.
void CentrifugeEndpoint::on_open(shard::Session& session) {
    Client& client = client_of(session);
    if (client.wire.framing == centrifuge::Framing::event)
        session.send(centrifuge::event_stream_opening, MessageKind::text);
    session.reschedule();
    if (client.opening.empty()) return;
    message_ = std::exchange(client.opening, {});
    take_message(session, client);
}

shard::ReceiveStatus CentrifugeEndpoint::receive(shard::Shard& shard, SlotId id,
                                                 std::string_view secret, std::string commands,
                                                 MessageKind kind) {
    auto session = shard.find(id);
    if (!session) return shard::ReceiveStatus::closed;
    const auto& endpoint = static_cast<const ApiEndpoint&>(session->endpoint());
    const bool is_ours = endpoint.state_tag() == &detail::type_tag<Client> &&
                         are_equal(client_of(*session).stream_id, secret);
    return is_ours ? session->receive(std::move(commands), kind) : shard::ReceiveStatus::closed;
}

Instant CentrifugeEndpoint::deadline(const shard::Session& session) const {
    return client_of(session).session.deadline();
}

Instant CentrifugeEndpoint::expiry(const shard::Session& session) const {
    return client_of(session).session.expiry();
}

void CentrifugeEndpoint::on_time(shard::Session& session) {
    RC_ASSERT(out_.empty());
    Client& client = client_of(session);
    client.session.on_time(session.shard().now(), out_, session.is_input_held());
    while (const auto channel = client.session.take_expired()) session.unsubscribe(*channel);
    if (client.session.take_ping()) session.ping();
    flush(session, client);
}

void CentrifugeEndpoint::on_message(shard::Session session, std::string_view payload,
                                    MessageKind kind) {
    RC_ASSERT(out_.empty());
    Client& client = client_of(session);
    const bool is_json = client.format == centrifuge::Format::json;
    const bool is_its_kind = is_json == (kind == MessageKind::text);
    if (!is_its_kind || payload.empty()) {
        using enum centrifuge::DisconnectCode;
        client.session.close(is_its_kind ? bad_request : inappropriate_protocol, out_);
        return flush(session, client);
    }
    message_.assign(payload);
    take_message(session, client);
}

void CentrifugeEndpoint::take_message(shard::Session& session, Client& client) {
    client.wire.is_unidirectional ? take_connect(session, client, message_)
                                  : take(session, client, message_);
    if (message_.capacity() > retained_bytes_max) message_ = {};
}

/// All that a client says which only listens.
void CentrifugeEndpoint::take_connect(shard::Session& session, Client& client,
                                      std::span<char> text) {
    centrifuge::ConnectRequest request;
    if (decode_connect(text, request) != centrifuge::Malformed::none)
        client.session.close(centrifuge::DisconnectCode::bad_request, out_);
    if (client.session.connect(request, out_) == Session::Step::request && !serve(session, client))
        session.hold_input();
    flush(session, client);
}

void CentrifugeEndpoint::on_resume(shard::Session& session) {
    take_rest(session, client_of(session));
}

void CentrifugeEndpoint::take_rest(shard::Session& session, Client& client) {
    if (client.rest.empty()) return;
    message_ = std::exchange(client.rest, {});
    take_message(session, client);
}

/// Takes commands until one has to wait: then the rest does, too.
void CentrifugeEndpoint::take(shard::Session& session, Client& client, std::span<char> message) {
    RC_ASSERT(client.ticket == 0);
    while (!message.empty()) {
        if (!session.takes_more()) {
            client.rest.assign(message.data(), message.size());
            break;
        }
        session.count_work(command_work);
        const Session::Step step = client.session.receive(message, out_);
        if (step == Session::Step::closed) break;
        if (step == Session::Step::idle) continue;
        RC_ASSERT(step == Session::Step::request);
        if (serve(session, client)) continue;
        client.rest.assign(message.data(), message.size());
        session.hold_input();
        break;
    }
    flush(session, client);
}

bool CentrifugeEndpoint::serve(shard::Session& session, Client& client) {
    const centrifuge::SessionRequest& request = client.session.request();
    const centrifuge::Ticket ticket = request.ticket;
    if (const auto answer = serve(session, client, request)) {
        client.session.answer(ticket, *answer, session.shard().now(), prng_, out_);
    } else if (ticket != 0) {
        client.ticket = ticket;
        return false;
    }
    return true;
}

std::optional<CentrifugeEndpoint::Answer> CentrifugeEndpoint::serve(
    shard::Session& session, Client& client, const centrifuge::SessionRequest& request) {
    return std::visit(
        [&](const auto& what) -> std::optional<Answer> {
            using Request = std::remove_cvref_t<decltype(what)>;
            if constexpr (std::is_same_v<Request, centrifuge::ConnectRequest>) {
                return connect(session, client, what);
            } else if constexpr (std::is_same_v<Request, centrifuge::SubscribeRequest>) {
                return subscribe(session, client, what);
            } else if constexpr (std::is_same_v<Request, centrifuge::UnsubscribeRequest>) {
                session.unsubscribe(what.channel);
                std::erase_if(client.admitted,
                              [&](const auto& each) { return each.channel == what.channel; });
                return std::nullopt;  // It has no ticket.
            } else if constexpr (std::is_same_v<Request, centrifuge::PublishRequest>) {
                return publish(session, client, what);
            } else if constexpr (std::is_same_v<Request, centrifuge::HistoryRequest>) {
                return history(session, client, what);
            } else if constexpr (std::is_same_v<Request, centrifuge::PresenceRequest>) {
                return presence(session, client, what.channel, shard::PresenceQuery::clients);
            } else if constexpr (std::is_same_v<Request, centrifuge::PresenceStatsRequest>) {
                return presence(session, client, what.channel, shard::PresenceQuery::counts);
            } else if constexpr (std::is_same_v<Request, centrifuge::RefreshRequest> ||
                                 std::is_same_v<Request, centrifuge::SubRefreshRequest>) {
                return refresh(session, client, what);
            } else {
                return centrifuge::ErrorCode::not_available;
            }
        },
        request.what);
}

void CentrifugeEndpoint::on_subscribed(shard::Session& session,
                                       const shard::Subscribed& subscribed) {
    Client& client = client_of(session);
    if (client.joining != nullptr) return on_joined(session, client, subscribed);
    if (!works_.empty() && on_imposed(session, client, subscribed)) return;
    if (subscribed.outcome == shard::Subscribed::Outcome::refused)
        return answer(session, client, centrifuge::ErrorCode::internal);  // It may be tried again.
    if (subscribed.outcome == shard::Subscribed::Outcome::crowded)
        return answer(session, client, centrifuge::ErrorCode::limit_exceeded);
    if (subscribed.was_recovering && !subscribed.recovered && client.rejects_unrecovered) {
        session.unsubscribe(subscribed.topic);
        return answer(session, client, centrifuge::ErrorCode::unrecoverable_position);
    }
    using For = Publications::For;
    const Publications missed{
        subscribed.missed, client.takes_deltas ? For::delta_takers : For::everybody, client.format};
    centrifuge::SubscribeResult result;
    set_position(result, subscribed.position);
    // A client counts on from what it asked for, with each publication.
    if (subscribed.recovered) result.offset = client.recovered_from;
    result.expires = client.subscription_ttl.expires;
    result.ttl = client.subscription_ttl.seconds;
    result.was_recovering = subscribed.was_recovering;
    result.recovered = subscribed.recovered;
    result.publications = missed.all();
    result.delta = client.takes_deltas;
    answer(session, client, result);
}

void CentrifugeEndpoint::on_subscription_lost(shard::Session& session, std::string_view topic,
                                              std::string_view) {
    Client& client = client_of(session);
    // The client cannot make those of the server anew; it comes back, and finds them made.
    const auto by = client.session.subscribed_by(topic);
    if (client.joining != nullptr || (by && *by != centrifuge::SubscribedBy::client)) {
        client.session.close(centrifuge::DisconnectCode::insufficient_state, out_);
    } else {
        client.session.unsubscribe(topic, centrifuge::UnsubscribeCode::insufficient_state, out_);
    }
    flush(session, client);
}

void CentrifugeEndpoint::on_history(shard::Session& session, const shard::HistoryAnswer& said) {
    Client& client = client_of(session);
    if (const auto fault = history_fault(said.outcome)) return answer(session, client, *fault);
    const Publications publications{said.publications};
    centrifuge::HistoryResult result;
    result.publications = publications.all();
    result.epoch = said.position.epoch.text();
    result.offset = said.position.offset;
    answer(session, client, result);
}

void CentrifugeEndpoint::on_presence(shard::Session& session, const shard::PresenceAnswer& said) {
    Client& client = client_of(session);
    if (said.is_lost) return answer(session, client, centrifuge::ErrorCode::internal);
    if (static_cast<shard::PresenceQuery>(said.tag) == shard::PresenceQuery::counts) {
        return answer(session, client,
                      centrifuge::PresenceStatsResult{.num_clients = said.counts.clients,
                                                      .num_users = said.counts.users});
    }
    const centrifuge::NamedClients clients{said.clients};
    answer(session, client, centrifuge::PresenceResult{clients.all()});
}

/// To the request that waits; what came behind it goes on.
void CentrifugeEndpoint::answer(shard::Session& session, Client& client, const Answer& answer,
                                std::string_view pushes) {
    const centrifuge::Ticket ticket = std::exchange(client.ticket, 0);
    client.session.answer(ticket, answer, session.shard().now(), prng_, out_);
    client.session.pass_on(pushes, out_);
    flush(session, client);
    take_rest(session, client);
    if (client.ticket == 0) session.release_input();
}

/// Unless the client has been told already, or cannot be.
void CentrifugeEndpoint::append_farewell(const shard::Session& session, CloseCode code,
                                         std::string_view reason, std::string& content) const {
    const Client& client = client_of(session);
    if (client.session.is_closed()) return;
    const auto number = static_cast<std::uint16_t>(code);
    const bool is_ending = code == CloseCode::going_away || code == CloseCode::service_restart;
    centrifuge::Disconnect disconnect{is_ending ? centrifuge::DisconnectCode::shutdown
                                                : centrifuge::DisconnectCode::server_error};
    if (number >= 3000) {
        disconnect.code = number;
        disconnect.reason = reason;
    }
    append(content, client.wire, centrifuge::Reply{0, centrifuge::Push{{}, disconnect}});
}

void CentrifugeEndpoint::flush(shard::Session& session, Client& client) {
    const MessageKind kind =
        client.format == centrifuge::Format::json ? MessageKind::text : MessageKind::binary;
    const bool is_sent = out_.empty() || session.send(out_, kind) <= SendStatus::behind;
    out_.clear();
    if (out_.capacity() > retained_bytes_max) out_ = {};
    if (!is_sent) {
        // A stream is told so by append_farewell(), unless its session has been closed before.
        const CloseReason slow = reason_of_slow();
        session.close(slow.code, slow.reason);
        client.session.close(centrifuge::DisconnectCode::slow, out_);
        return out_.clear();  // It is for nobody: the next session's words stand there.
    }
    if (const auto code = client.session.disconnect()) {
        session.close(static_cast<CloseCode>(*code), centrifuge::reason_of(*code));
    } else {
        session.reschedule();
    }
}

}  // namespace ringcast::api
