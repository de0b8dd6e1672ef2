#pragma once
// One client of the Centrifuge protocol, from its first command to its end, without a socket, clock
// or topic: messages, answers and Instants come in; replies, requests and disconnects go out.
//
//   receive(message) -> idle      all of it is done
//                       request   request() is for the host; the rest of the message goes on with
//                                 receive(), if the request has a ticket only after its answer
//                       held      a request is not answered yet, and nothing was taken
//                       closed    disconnect() says why; nothing more comes out
//
// Commands are done strictly in their order: a request that is not answered holds back all behind
// it, so that a pipelined subscribe never overtakes the connect that permits it. Replies are
// appended to the caller's buffer, encoded.
//
// The host keeps who the user is, decides what is permitted, and delivers publications, whose
// pushes are encoded once, outside of here. It tells of what it does to the session by itself:
// subscriptions that it makes are server-side ones, with which the connect reply may come.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/prng.hpp"
#include "base/time.hpp"
#include "dialect/centrifuge/codes.hpp"
#include "dialect/centrifuge/decoder.hpp"
#include "dialect/centrifuge/encoder.hpp"

namespace ringcast::dialect::centrifuge {

struct SessionSettings {
    /// A client that does not connect in that time holds a connection for nothing.
    Duration stale_timeout = std::chrono::seconds{10};
    /// Between two pings; clients give up 10 s after one that is missing. 0: none are sent.
    std::chrono::seconds ping_interval{25};
    /// How long a pong may take; 0: none is asked for.
    Duration pong_timeout = std::chrono::seconds{8};
    /// What a client is given beyond its expiry to refresh itself.
    Duration refresh_delay = std::chrono::seconds{25};
    std::size_t subscriptions_max = 128;  ///< Server-side ones count, too.
    std::size_t channel_bytes_max = 255;
};

/// How the server asks whether the client is there.
enum class Pings : std::uint8_t {
    message,  ///< By an empty reply, as the connect reply announces.
    frame,    ///< By frames of the WebSocket, of which the protocol says nothing: take_ping().
};

/// Who has made a subscription.
enum class SubscribedBy : std::uint8_t {
    client,
    token,  ///< The host, for the connection's token: in the connect reply.
    host,   ///< The host, at some other time.
};

/// Names a request until it is answered; 0: there is nothing to answer.
using Ticket = std::uint32_t;

/// What the host has to do. Views of the message: whoever answers later copies what it needs.
struct SessionRequest {
    Ticket ticket = 0;
    std::variant<std::monostate, ConnectRequest, SubscribeRequest, UnsubscribeRequest,
                 PublishRequest, PresenceRequest, PresenceStatsRequest, HistoryRequest,
                 RefreshRequest, SubRefreshRequest>
        what;
};

/// The answer to a request: the result of its method, or why there is none. In a ConnectResult the
/// session fills in ping and pong; it is subscribed to `subs` from then on.
using SessionAnswer = std::variant<ErrorCode, DisconnectCode, ConnectResult, SubscribeResult,
                                   PublishResult, PresenceResult, PresenceStatsResult,
                                   HistoryResult, RefreshResult, SubRefreshResult>;

class ClientSession {
public:
    enum class Step : std::uint8_t { idle, request, held, closed };

    /// `settings` outlives the session.
    ClientSession(const SessionSettings& settings, const Wire& wire, Instant now,
                  Pings pings = Pings::message) noexcept;

    /// Takes commands from `message`, which is changed, until one needs the host; `message` is then
    /// what is left of it. To be called again only while something is left.
    [[nodiscard]] Step receive(std::span<char>& message, std::string& out);
    /// Takes the connect request of a unidirectional client, which is all that it says.
    [[nodiscard]] Step connect(const ConnectRequest& request, std::string& out);
    /// What the last call stopped at. Valid until the next one.
    [[nodiscard]] const SessionRequest& request() const noexcept { return request_; }
    /// Answers the request with that ticket. One that the session has forgotten, as it was closed,
    /// is ignored.
    void answer(Ticket ticket, const SessionAnswer& answer, Instant now, Prng& prng,
                std::string& out);

    /// When on_time has something to do; instant_never if that depends on others.
    [[nodiscard]] Instant deadline() const noexcept;
    /// When the connection ends unless it is refreshed, whatever else it does.
    [[nodiscard]] Instant expiry() const noexcept {
        return is_closed() ? instant_never : expires_at_;
    }
    /// Does what is due: pings, and ends what is late. `is_input_held`: the host does not look at
    /// what the client says, so that a pong is not late.
    void on_time(Instant now, std::string& out, bool is_input_held = false);
    /// A channel whose subscription on_time has ended, until there are no more.
    [[nodiscard]] std::optional<std::string> take_expired();

    /// True if on_time has found that a ping is due, which is for the host to send.
    [[nodiscard]] bool take_ping() noexcept { return std::exchange(is_ping_due_, false); }

    /// The host has subscribed the client, for `ttl` seconds or without an end. False, and nothing
    /// is said, if that is not connected, or subscribed already.
    bool subscribe(std::string_view channel, const Subscribe& what,
                   std::optional<std::uint32_t> ttl, Instant now, std::string& out);
    /// A publication that comes with a subscription, and was not pushed to all subscribers.
    void push(std::string_view channel, const Publication& publication, std::string& out);
    /// Pushes that were encoded for this session's wire and did not go out by themselves.
    void pass_on(std::string_view pushes, std::string& out) const;
    /// The host has ended the subscription. False if there is none.
    bool unsubscribe(std::string_view channel, UnsubscribeCode code, std::string& out);
    /// The host has refreshed the connection; `ttl` in seconds.
    void refresh(bool expires, std::uint32_t ttl, Instant now, std::string& out);
    /// The connection ends then, and the client is not to refresh it, unless the answer to its
    /// connect request says that it is. Before that answer.
    void end_at(Instant time) noexcept { expires_at_ = time; }
    /// The host ends the session. On a stream, a push in `out` says so.
    void close(DisconnectCode code, std::string& out);

    [[nodiscard]] bool is_connected() const noexcept { return state_ == State::connected; }
    [[nodiscard]] bool is_closed() const noexcept { return state_ == State::closed; }
    [[nodiscard]] bool is_subscribed(std::string_view channel) const noexcept {
        return subscribed_by(channel).has_value();
    }
    /// Nothing if there is no subscription.
    [[nodiscard]] std::optional<SubscribedBy> subscribed_by(
        std::string_view channel) const noexcept;
    /// Calls `visit(channel, subscribed_by)` for each subscription.
    template <class Visit>
    void for_each_subscription(Visit&& visit) const {
        for (const Subscription& each : subscriptions_)
            visit(std::string_view{each.channel}, each.by);
    }
    [[nodiscard]] std::size_t subscription_count() const noexcept { return subscriptions_.size(); }
    /// Why the session is closed: code and reason of the WebSocket's close.
    [[nodiscard]] std::optional<DisconnectCode> disconnect() const noexcept { return disconnect_; }
    /// What was wrong with the message that closed the session, for logs.
    [[nodiscard]] Malformed malformed() const noexcept { return malformed_; }

private:
    /// refused: the connect was answered by an error, and the client is to go.
    enum class State : std::uint8_t { fresh, connected, refused, closed };
    enum class Kind : std::uint8_t { connect, subscribe, refresh, sub_refresh, other };

    struct Pending {
        Ticket ticket;
        std::uint32_t command_id;
        Kind kind;
        std::string channel;  // Of subscribe and sub_refresh.
    };
    struct Subscription {
        std::string channel;
        Instant expires_at;
        SubscribedBy by;
    };

    [[nodiscard]] Step take(const Command& command, std::string& out);
    void take_pong(std::string& out);
    [[nodiscard]] Step take_request(std::uint32_t id, const SubscribeRequest& request,
                                    std::string& out);
    [[nodiscard]] Step take_request(std::uint32_t id, const UnsubscribeRequest& request,
                                    std::string& out);
    [[nodiscard]] Step take_request(std::uint32_t id, const PublishRequest& request,
                                    std::string& out);
    [[nodiscard]] Step take_request(std::uint32_t id, const RefreshRequest& request,
                                    std::string& out);
    [[nodiscard]] Step take_request(std::uint32_t id, const SubRefreshRequest& request,
                                    std::string& out);
    /// Presence and history.
    [[nodiscard]] Step take_request(std::uint32_t id, const auto& request, std::string& out);
    /// True if a command may name the channel; else the answer is out.
    [[nodiscard]] bool check_channel(std::uint32_t id, std::string_view channel, std::string& out);

    [[nodiscard]] Step ask(std::uint32_t id, Kind kind, std::string_view channel, auto what);
    void refuse(std::uint32_t id, ErrorCode code, std::string& out);
    void reply(std::uint32_t id, const auto& result, std::string& out);
    /// idle or closed.
    [[nodiscard]] Step step() const noexcept;

    void accept(const Pending& pending, const ConnectResult& result, Instant now, Prng& prng,
                std::string& out);
    void accept(const Pending& pending, const SubscribeResult& result, Instant now,
                std::string& out);
    void accept(const Pending& pending, const RefreshResult& result, Instant now, std::string& out);
    void accept(const Pending& pending, const SubRefreshResult& result, Instant now,
                std::string& out);

    [[nodiscard]] std::vector<Subscription>::iterator find(std::string_view channel) noexcept;
    [[nodiscard]] Instant expiry(bool expires, std::uint32_t ttl, Instant now) const noexcept;
    void add(std::string_view channel, Instant expires_at, SubscribedBy by);
    void set_expiry(Subscription& subscription, Instant expires_at) noexcept;
    void end_expired(Instant now, std::string& out);
    void ping(Instant now, std::string& out);

    const SessionSettings& settings_;
    Wire wire_;
    const Pings pings_;
    State state_ = State::fresh;
    bool is_ping_due_ = false;
    Malformed malformed_ = Malformed::none;
    std::size_t decoded_count_ = 0;  // Commands of the message under way.
    bool client_refreshes_ = false;  // The connection expires, and the client is to prevent it.
    std::optional<DisconnectCode> disconnect_;
    Ticket ticket_ = 0;  // The last one.
    SessionRequest request_;
    std::optional<Pending> pending_;
    std::vector<Subscription> subscriptions_;
    Instant next_look_ = instant_never;  // For expired ones: no later than the first is.
    std::vector<std::string> expired_;
    Instant stale_at_;
    Instant ping_at_ = instant_never;
    Instant pong_until_ = instant_never;  // Of the oldest ping that is out.
    std::uint32_t pongs_due_ = 0;         // Pings that are out.
    Instant expires_at_ = instant_never;
};

}  // namespace ringcast::dialect::centrifuge
