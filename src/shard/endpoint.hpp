#pragma once
// The face an application shows to a shard: one Endpoint per mounted path and shard. The public API
// implements it over the user's handler; tests and the simulator implement it directly.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "http/request.hpp"
#include "ring/address.hpp"
#include "ringcast/close_code.hpp"
#include "ringcast/message.hpp"
#include "shard/encoding.hpp"
#include "shard/history_query.hpp"
#include "shard/presence_query.hpp"
#include "shard/settings.hpp"

namespace ringcast::shard {

class Session;
class Shard;

/// A value captured by `{name}` in the path that an endpoint is mounted at; percent-decoded.
struct PathParameter {
    std::string_view name;
    std::string value;
};

/// An opening handshake that has passed every check of RFC 6455 and waits for the application's
/// word. Dies with the call.
struct Upgrade {
    const http::Request& request;
    std::span<const PathParameter> parameters;
    Session& session;  ///< Only to ask for its id and peer address.
};

/// What an application keeps for one session: any object, with the function that destroys it.
using StatePointer = std::unique_ptr<void, void (*)(void*) noexcept>;
[[nodiscard]] inline StatePointer no_state() noexcept {
    return {nullptr, [](void*) noexcept {}};
}

/// The application's word on an Upgrade.
struct Verdict {
    enum class Kind : std::uint8_t { admit, refuse, pending };
    Kind kind = Kind::admit;
    StatePointer state = no_state();    ///< admit: belongs to the session from now on. pending: for
                                        ///< Endpoint::on_late_verdict.
    std::string subprotocol;            ///< admit: one that was offered, or empty.
    Encoding encoding = Encoding::raw;  ///< admit: of the publications that the session is sent.
                                        ///< Streamed if and only if there is no handshake.
    std::uint16_t status = 403;         ///< refuse: an HTTP status of 400 to 599.
    /// Extra header lines of the answer, each ended by CRLF. The Date of a refusal is the shard's.
    std::string fields;
    std::string body;  ///< refuse: a short text.
    /// admit: the session is subscribed to this topic, a valid name, from the 101 on, which waits
    /// until the topic's home has confirmed. Empty, or without is_subscriber: to none.
    std::string topic;
    bool is_subscriber = true;
    SubscribeFrom from;  ///< admit: where that subscription begins.
    /// admit: the session's messages are publications for `topic`, and are only looked at while
    /// there is room for one on the way there.
    bool is_publisher = false;
};

/// All calls come from the shard's thread, none from within another (but see on_skipped). None may
/// throw.
class Endpoint {
public:
    explicit Endpoint(const SessionLimits& limits) : limits_{limits} {}
    virtual ~Endpoint() = default;
    Endpoint(const Endpoint&) = delete;
    Endpoint& operator=(const Endpoint&) = delete;

    /// Decides about a new session. `pending`: the input waits until Shard::resolve brings the
    /// verdict.
    virtual Verdict on_upgrade(Upgrade& upgrade) = 0;
    /// Completes a verdict that came late; `pending` is what on_upgrade had said.
    virtual Verdict on_late_verdict(Verdict late, Verdict pending);
    virtual void on_open(Session& session) = 0;
    /// A message, in pieces and with its session by value: so everything stays in registers on the
    /// way of each message. Structs in memory, written field by field and read as a whole, stall.
    virtual void on_message(Session session, std::string_view payload, MessageKind kind) = 0;
    /// Once for each topic that the session has been subscribed to, by Session::subscribe() or by
    /// its verdict, unless the subscription or the session ends before; never from within
    /// Session::subscribe(), and before the first publication. Who cannot do without a subscription
    /// that is refused closes the session, as this does. A verdict's is refused without a session,
    /// and nobody is called.
    virtual void on_subscribed(Session& session, const Subscribed& subscribed);
    /// A subscription that was live has ended, because publications were lost on their way. Who
    /// cannot begin again closes the session, as this does. `topic` dies with the call.
    virtual void on_subscription_lost(Session& session, std::string_view topic,
                                      std::string_view reason);
    /// The answer to Session::history(), unless the session ends before. The default does nothing.
    virtual void on_history(Session& session, const HistoryAnswer& answer);
    /// Likewise to Session::presence().
    virtual void on_presence(Session& session, const PresenceAnswer& answer);
    /// When on_time() has something to do; instant_never if that depends on others. Not while the
    /// session's input waits for tokens. Asked whenever something is scheduled for the session.
    [[nodiscard]] virtual Instant deadline(const Session& session) const;
    /// When the session ends, whatever it does: on_time() is called then even while its input waits
    /// for tokens, which whoever floods could have it do for ever. Never later than deadline().
    [[nodiscard]] virtual Instant expiry(const Session& session) const;
    /// It is time. Moves deadline() on, or closes the session.
    virtual void on_time(Session& session);
    /// The session's input has waited and is looked at again: a message that on_message() did not
    /// finish, since Session::takes_more() said no, goes on here. The default does nothing.
    virtual void on_resume(Session& session);
    /// The session was behind and has caught up.
    virtual void on_drain(Session& session) = 0;
    /// Once for each session that was opened; nothing can be sent any more. `code`: what the peer's
    /// Close said (no_status if it said nothing), our own code if we failed the connection,
    /// abnormal if it broke.
    virtual void on_close(Session& session, CloseCode code, std::string_view reason) = 0;
    /// So many publications were dropped because the session was behind, which is told of all of
    /// them, at the latest before on_close. What is sent now stands in their place. The exception
    /// to the rule above: it may be called from within a fan-out, or from within Session::close
    /// (the session is open then, so that what is sent goes before the Close). So it may do nothing
    /// else: to close or to subscribe from here is asserted against.
    virtual void on_skipped(Session& session, std::uint64_t count);
    /// A publication for a session that holds them: `message` is what it would have been sent. As
    /// on_skipped().
    virtual void on_held(Session& session, std::string_view message);
    /// Appends to `content` what the client of a stream is told where others get a Close with this
    /// code and reason. As on_skipped(), and it changes nothing.
    virtual void append_farewell(const Session& session, CloseCode code, std::string_view reason,
                                 std::string& content) const;
    /// Every Settings::tick_interval.
    virtual void on_tick(Shard& shard) = 0;

    /// What a session is closed with, that the shard ends by itself.
    struct CloseReason {
        CloseCode code;
        std::string_view reason;
    };
    /// It is too slow for what is published.
    [[nodiscard]] virtual CloseReason reason_of_slow() const noexcept;

    /// The server stops, and has `code` for those to whom it is all the same.
    [[nodiscard]] virtual CloseReason reason_of_shutdown(CloseCode code) const noexcept;

    [[nodiscard]] const SessionLimits& limits() const noexcept { return limits_; }

    /// Names the class that it is of, for whoever has business with all endpoints of one; null:
    /// nobody has.
    [[nodiscard]] virtual const void* class_tag() const noexcept { return nullptr; }

private:
    SessionLimits limits_;
};

inline Verdict Endpoint::on_late_verdict(Verdict late, Verdict) {
    return late;
}
inline void Endpoint::on_history(Session&, const HistoryAnswer&) {}
inline void Endpoint::on_presence(Session&, const PresenceAnswer&) {}
inline void Endpoint::on_skipped(Session&, std::uint64_t) {}
inline void Endpoint::on_held(Session&, std::string_view) {}
inline void Endpoint::append_farewell(const Session&, CloseCode, std::string_view,
                                      std::string&) const {}
inline Instant Endpoint::deadline(const Session&) const {
    return instant_never;
}
inline Instant Endpoint::expiry(const Session&) const {
    return instant_never;
}
inline void Endpoint::on_time(Session&) {}
inline void Endpoint::on_resume(Session&) {}
inline Endpoint::CloseReason Endpoint::reason_of_slow() const noexcept {
    return {CloseCode::try_again_later, "too slow"};
}

}  // namespace ringcast::shard
