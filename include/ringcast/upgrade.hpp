#pragma once
// Admission: what a handler sees of an opening handshake, and how it decides, at once or later.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace ringcast {

/// A field of an HTTP answer.
struct Header {
    std::string name;   ///< A token (RFC 9110 section 5.6.2).
    std::string value;  ///< Free of control characters.
};

/// A refusal: the client gets this HTTP answer instead of the 101. Made by reject(). One that HTTP
/// does not allow (another status, a malformed header) becomes a 500.
struct Rejection {
    std::uint16_t status = 403;  ///< 400 to 599.
    std::string body{};          ///< A short text for whoever looks.
    std::vector<Header> headers{};
};

/// `reject(401, "who are you?\n", {{"WWW-Authenticate", "Bearer"}})`
[[nodiscard]] inline Rejection reject(std::uint16_t status, std::string body = {},
                                      std::vector<Header> headers = {}) {
    return {.status = status, .body = std::move(body), .headers = std::move(headers)};
}

/// "Decided later": returned by on_upgrade after Upgrade::defer() gave it a Ticket.
struct Pending {};
inline constexpr Pending pending{};

/// What on_upgrade returns: the session's state, a refusal, or pending.
template <class State>
using Admission = std::variant<State, Rejection, Pending>;

namespace detail {

/// An object of unknown type with its destructor: the state of a session.
using ErasedState = std::unique_ptr<void, void (*)(void*) noexcept>;

/// A state without content costs no memory: all sessions share one.
template <class State>
[[nodiscard]] ErasedState erase(State state) {
    if constexpr (std::is_empty_v<State> && std::is_trivially_destructible_v<State>) {
        static State shared = std::move(state);
        return {&shared, [](void*) noexcept {}};
    } else {
        return {new State(std::move(state)),
                [](void* object) noexcept { delete static_cast<State*>(object); }};
    }
}

/// The way back into a shard for one pending admission. Move-only; answers 503 when it dies unused.
class TicketCore {
public:
    struct Impl;
    explicit TicketCore(Impl* impl) noexcept : impl_{impl} {}
    TicketCore(TicketCore&& other) noexcept : impl_{std::exchange(other.impl_, nullptr)} {}
    TicketCore& operator=(TicketCore&& other) noexcept {
        std::swap(impl_, other.impl_);
        return *this;
    }
    ~TicketCore();
    void admit(ErasedState state);
    void reject(Rejection rejection);

private:
    Impl* impl_;
};

}  // namespace detail

/// The right to decide one pending admission, on any thread, once. If the client has gone
/// meanwhile, the state is destroyed and nothing else happens. A ticket that dies unused answers
/// 503. It may outlive the server.
template <class State>
class Ticket {
public:
    explicit Ticket(detail::TicketCore core) noexcept : core_{std::move(core)} {}

    /// Admits the session with `state`. Further calls do nothing.
    void admit(State state) { core_.admit(detail::erase(std::move(state))); }
    /// Refuses it. Further calls do nothing.
    void reject(Rejection rejection) { core_.reject(std::move(rejection)); }

private:
    detail::TicketCore core_;
};

/// What a client's token says, which has been checked (see Settings::tokens).
struct User {
    std::string name{};      ///< `sub`; empty: nobody in particular.
    std::string token_id{};  ///< `jti`; empty without one.
    /// `info`: JSON on one line, or what `b64info` stands for; empty without any.
    std::string info{};
    /// `meta`: a JSON object on one line, not for other clients; empty without one.
    std::string meta{};
    std::vector<std::string> topics{};  ///< Of `subs` and `channels`: it may receive these.
    /// When the token ends. Topics end such sessions by themselves, with 3005.
    std::optional<std::chrono::sys_seconds> expires_at{};
};

/// An opening handshake that has passed every check of RFC 6455 and waits for the handler's word.
/// Valid during on_upgrade; so are the views it returns.
class Upgrade {
public:
    struct Impl;
    explicit Upgrade(Impl& impl) noexcept : impl_{&impl} {}
    Upgrade(const Upgrade&) = delete;
    Upgrade& operator=(const Upgrade&) = delete;

    /// The path as sent, without the query.
    [[nodiscard]] std::string_view path() const noexcept;
    /// A header field's value (the first of that name, case ignored); empty if there is none.
    [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
    /// The decoded value of a query parameter, if there is one. Whatever octets but 0 the client
    /// encoded: check that it is UTF-8 before it goes into a text message.
    [[nodiscard]] std::optional<std::string> query(std::string_view name) const;
    /// What `{name}` in the mounted path stands for, decoded; empty if the path has no such
    /// parameter. Arbitrary octets but 0, as with query().
    [[nodiscard]] std::string_view param(std::string_view name) const noexcept;
    /// Who it is, by a token; null without one. A token that is not in order has been refused. The
    /// session is that user's for the server API: `disconnect` ends it, `info` counts its user.
    [[nodiscard]] const User* user() const noexcept;
    /// `192.0.2.7:51234`. Costs a system call.
    [[nodiscard]] std::string peer_address() const;

    /// The subprotocols that the client offered, in its order of preference (RFC 6455 section 1.9).
    [[nodiscard]] std::vector<std::string_view> subprotocols() const;
    /// Agrees to one of them; false, and nothing changes, if it was not offered. Without a choice
    /// the answer names none.
    bool select_subprotocol(std::string_view name);
    /// Adds a field to the 101, for example a cookie. `name` must be a token and `value` free of
    /// control characters, else false and nothing changes.
    bool add_header(std::string_view name, std::string_view value);

    /// For an admission that takes time: keep the ticket, return `pending`, decide on any thread.
    /// The client waits, the shard does not; handshake_timeout goes on. The subprotocol has to be
    /// selected before.
    template <class State>
    [[nodiscard]] Ticket<State> defer() {
        return Ticket<State>{make_ticket()};
    }

private:
    [[nodiscard]] detail::TicketCore make_ticket();
    Impl* impl_;
};

}  // namespace ringcast
