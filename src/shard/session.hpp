#pragma once
// What an endpoint may do with a session. A view: made for one call, never kept; a SlotId finds the
// session later.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/publication.hpp"
#include "base/slab.hpp"
#include "ring/address.hpp"
#include "ringcast/close_code.hpp"
#include "ringcast/message.hpp"
#include "ringcast/topic.hpp"
#include "shard/endpoint.hpp"

namespace ringcast::shard {

struct Connection;
class Shard;

/// What became of a message of a client that has come another way than by its session's connection.
enum class ReceiveStatus : std::uint8_t {
    accepted,  ///< Endpoint::on_message() has brought it, or will.
    full,      ///< Too many wait for those before them.
    closed,    ///< The session is over, or takes messages only by its own connection.
};

class Session {
public:
    Session(Shard& shard, Connection& connection) noexcept
        : shard_{&shard}, connection_{&connection} {}

    /// Sends one message in one frame; where the session is a stream, `payload` as it is. Never
    /// blocks, never throws; the payload is copied, or taken over without a copy when it is the
    /// message just received. A message for an empty queue is always accepted; so is one that a
    /// session sends to itself while it handles a message and is not behind, because then its own
    /// input waits.
    SendStatus send(std::string_view payload, MessageKind kind);
    SendStatus send(const Message& message) { return send(message.payload, message.kind); }
    /// Publishes to `topic`, a valid name. If there is no room on the way there for another one,
    /// the session's input waits until there is. `info`: what goes with it, for subscribers
    /// whose protocol has a place for that; a packed PublicationInfo.
    PublishStatus publish(std::string_view topic, PublicationKind kind,
                          std::span<const std::byte> payload, std::span<const std::byte> info = {});
    /// True if the next publication to `topic` finds room; else the session's input waits for it.
    [[nodiscard]] bool has_room_for(std::string_view topic);
    /// Subscribes to `topic`, a valid name: its publications are sent once its home has confirmed,
    /// which Endpoint::on_subscribed tells. They end with unsubscribe(), or with the session, or
    /// with Endpoint::on_subscription_lost.
    /// `from`: with publications that are kept, if so, which on_subscribed brings. A session that
    /// subscribes so and publishes at once may find its publication among those, or before the
    /// position that it is told.
    /// `as`: who it is there, if it is somebody whom others may see.
    SubscribeStatus subscribe(std::string_view topic, const SubscribeFrom& from = {},
                              const SubscribeAs& as = {});
    /// False if the session was not subscribed.
    bool unsubscribe(std::string_view topic);
    /// Asks for publications of `topic`, a valid name, that are kept; Endpoint::on_history brings
    /// them, with `tag`. False if there are too many questions, or the session is closing.
    [[nodiscard]] bool history(std::string_view topic, const HistoryQuery& query,
                               std::uint64_t tag = 0);
    /// Likewise who is in `topic`; Endpoint::on_presence tells.
    [[nodiscard]] bool presence(std::string_view topic, PresenceQuery query, std::uint64_t tag = 0);
    /// Topics that the session is subscribed to, or about to be.
    [[nodiscard]] std::size_t subscription_count() const noexcept;
    [[nodiscard]] bool is_subscribed(std::string_view topic) const noexcept;  ///< Likewise.
    /// The topic that the session has subscribed to last; empty if it has none. Lives as long as
    /// the subscription.
    [[nodiscard]] std::string_view newest_topic() const noexcept;

    /// A message for a session that is a stream. In the order of the calls. Not from within a call
    /// of an endpoint.
    [[nodiscard]] ReceiveStatus receive(std::string message, MessageKind kind);

    /// The rest of the session's input waits, from the next message on, until release_input(),
    /// which has it go on in the next turn.
    void hold_input();
    void release_input();
    /// The rest of the session's input waits for so long, if that is any time. In on_message().
    void pace(Duration wait);
    /// For messages of several commands, before each of them. False: the client has to read first,
    /// or what it publishes has to find room, or it has had its share of this turn, or it is gone;
    /// the rest is for Endpoint::on_resume().
    [[nodiscard]] bool takes_more();
    /// Something for this session took as long as `messages` short messages.
    void count_work(std::uint32_t messages);
    /// True while nothing that the client says is looked at.
    [[nodiscard]] bool is_input_held() const noexcept;
    /// What is published to the session's topics is handed to Endpoint::on_held() instead of being
    /// sent, until release_publications(). Not of the raw encoding.
    void hold_publications();
    void release_publications();
    /// Sends a Ping (RFC 6455 section 5.5.2).
    void ping();
    /// Endpoint::on_time() is called as soon as Endpoint::deadline() is over, which is earlier than
    /// it was.
    void reschedule();

    /// Starts the closing handshake (RFC 6455 section 7.1.2): what was sent before still goes out.
    /// A stream ends behind Endpoint::append_farewell().
    /// `reason` is cut to what a Close frame holds; without a `code` that may be on the wire there
    /// is neither. Does nothing if the session is closing already.
    void close(CloseCode code, std::string_view reason = {});

    [[nodiscard]] void* state() const noexcept;
    /// Of the publications that it is sent.
    [[nodiscard]] Encoding encoding() const noexcept;
    [[nodiscard]] Endpoint& endpoint() const noexcept;
    [[nodiscard]] SlotId id() const noexcept;
    /// Output waiting for the peer, in bytes.
    [[nodiscard]] std::uint64_t queued_bytes() const noexcept;
    /// Of the client, behind trusted proxies, too. One system call where there are none.
    [[nodiscard]] ring::Address peer_address() const;
    [[nodiscard]] Shard& shard() const noexcept { return *shard_; }
    /// For whoever has to make this view again during the same call.
    [[nodiscard]] Connection& connection() const noexcept { return *connection_; }

private:
    Shard* shard_;
    Connection* connection_;
};

}  // namespace ringcast::shard
