#pragma once
// A session: one client that has been admitted. What a handler may do with it.

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "ringcast/close_code.hpp"
#include "ringcast/message.hpp"
#include "ringcast/topic.hpp"

namespace ringcast {

/// The state of a session that needs none.
struct NoState {};

/// Finds a session later, or says that it is gone (Shard::find). A plain value: store it, compare
/// it, hash it. Only the shard that the session lives on (`shard`, its index) finds it: every other
/// one answers as if the session were gone, and there is no way yet to reach it from there.
struct SessionHandle {
    std::uint32_t slot = 0;
    std::uint16_t generation = 0;
    std::uint16_t shard = 0;

    friend auto operator<=>(const SessionHandle&, const SessionHandle&) = default;
};

namespace detail {

/// The part of Session and Shard that lives in the library. Two pointers, valid during one call of
/// a handler.
class SessionCore {
public:
    SessionCore(void* shard, void* connection) noexcept : shard_{shard}, connection_{connection} {}
    SendStatus send(const Message& message) const noexcept;
    void close(CloseCode code, std::string_view reason) const;
    PublishStatus publish(std::string_view topic, const Message& message) const;
    SubscribeStatus subscribe(std::string_view topic) const;
    bool unsubscribe(std::string_view topic) const;
    [[nodiscard]] void* state() const noexcept;
    [[nodiscard]] SessionHandle handle() const noexcept;
    [[nodiscard]] std::uint64_t queued_bytes() const noexcept;
    [[nodiscard]] std::string peer_address() const;
    [[nodiscard]] void* shard() const noexcept { return shard_; }
    [[nodiscard]] void* connection() const noexcept { return connection_; }

private:
    void* shard_;
    void* connection_;
};

/// Everything in registers, on the way of each message.
SendStatus send(SessionCore core, std::string_view payload, MessageKind kind) noexcept;

inline SendStatus SessionCore::send(const Message& message) const noexcept {
    return detail::send(*this, message.payload, message.kind);
}

/// One address for each type: tells whether a found session has the state that was asked for.
template <class State>
inline constexpr char type_tag = 0;

[[nodiscard]] std::optional<SessionCore> find_session(void* shard, SessionHandle handle,
                                                      const void* tag);
[[nodiscard]] std::uint16_t shard_index(void* shard) noexcept;
PublishStatus publish(void* shard, std::string_view topic, const Message& message);

}  // namespace detail

template <class State>
class Session;

/// The shard that a handler runs on. A view, valid during the call that received it.
class Shard {
public:
    explicit Shard(void* shard) noexcept : shard_{shard} {}

    /// 0 to Settings::shards - 1.
    [[nodiscard]] std::uint16_t index() const noexcept { return detail::shard_index(shard_); }

    /// As Session::publish, in the name of no session: for on_tick and on_close. Where there is no
    /// room nobody waits: `full`.
    PublishStatus publish(std::string_view topic, const Message& message) const {
        return detail::publish(shard_, topic, message);
    }
    PublishStatus publish(std::string_view topic, std::string_view text) const {
        return publish(topic, Message{text, MessageKind::text});
    }

    /// The session of that handle, if it is open, lives on this shard and has a `State`; nothing
    /// otherwise, also when it is open on another shard (then `handle.shard` is not index()).
    /// Valid during the current call.
    template <class State = NoState>
    [[nodiscard]] std::optional<Session<State>> find(SessionHandle handle) const;

private:
    void* shard_;
};

/// One admitted client, as its handler sees it. A view, valid during the call that received it;
/// keep a handle() instead. All members are for the shard's thread.
template <class State = NoState>
class Session {
public:
    explicit Session(detail::SessionCore core) noexcept : core_{core} {}

    /// The state that on_upgrade admitted the session with. Lives until on_close has returned.
    [[nodiscard]] State& operator*() const noexcept { return *static_cast<State*>(core_.state()); }
    [[nodiscard]] State* operator->() const noexcept { return static_cast<State*>(core_.state()); }

    /// Sends one message. Never blocks and never throws. The payload is copied; the message that
    /// on_message has just received is sent back without a copy. What a session sends to itself in
    /// on_message suspends its own input when the client does not read it, rather than being
    /// dropped.
    SendStatus send(const Message& message) { return core_.send(message); }
    SendStatus send(std::string_view text) { return core_.send({text, MessageKind::text}); }

    /// Publishes a message: everybody who is subscribed to `topic`, on any shard, is sent it, in
    /// the one order that the topic has for all. The payload is copied. When publications come
    /// faster than they can be passed on, or a quarter of Settings::send_queue_bytes_max of this
    /// session's is on the way, its input waits; what it publishes meanwhile is still accepted.
    PublishStatus publish(std::string_view topic, const Message& message) {
        return core_.publish(topic, message);
    }
    PublishStatus publish(std::string_view topic, std::string_view text) {
        return core_.publish(topic, {text, MessageKind::text});
    }
    /// The client is sent the publications of `topic` from soon on (once the topic's home has
    /// confirmed; then without a gap) until unsubscribe() or its end; among them all that this
    /// session publishes to it from now on. A client that falls behind is treated as
    /// Settings::slow_consumer says. If the server cannot keep the promise (too many topics, a
    /// shard that stood still), the session is closed with 1013.
    SubscribeStatus subscribe(std::string_view topic) { return core_.subscribe(topic); }
    /// False if it was not subscribed. What is under way may still be sent.
    bool unsubscribe(std::string_view topic) { return core_.unsubscribe(topic); }

    /// Starts the closing handshake (RFC 6455 section 7.1.2). What was sent before goes out first;
    /// nothing is received any more. `reason` is cut to the 123 bytes that a Close frame holds. A
    /// code that may not be on the wire, such as `abnormal`, closes without code and reason.
    void close(CloseCode code = CloseCode::normal, std::string_view reason = {}) {
        core_.close(code, reason);
    }

    /// Output that the client has not taken yet, in bytes.
    [[nodiscard]] std::uint64_t queued_bytes() const noexcept { return core_.queued_bytes(); }
    /// `192.0.2.7:51234`. Costs a system call: ask once.
    [[nodiscard]] std::string peer_address() const { return core_.peer_address(); }
    [[nodiscard]] SessionHandle handle() const noexcept { return core_.handle(); }
    [[nodiscard]] Shard shard() const noexcept { return Shard{core_.shard()}; }

private:
    detail::SessionCore core_;
};

template <class State>
std::optional<Session<State>> Shard::find(SessionHandle handle) const {
    const auto core = detail::find_session(shard_, handle, &detail::type_tag<State>);
    if (!core) return std::nullopt;
    return Session<State>{*core};
}

}  // namespace ringcast

template <>
struct std::hash<ringcast::SessionHandle> {
    std::size_t operator()(const ringcast::SessionHandle& handle) const noexcept {
        const std::uint64_t bits = std::uint64_t{handle.slot} << 32 |
                                   std::uint64_t{handle.generation} << 16 | handle.shard;
        return std::hash<std::uint64_t>{}(bits);
    }
};
