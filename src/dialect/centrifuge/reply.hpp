#pragma once
// What the server says to clients of the Centrifuge protocol. Views of what the caller has; each
// struct lists its fields as those in command.hpp do, in the order in which they are sent.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <variant>

#include "base/publication_info.hpp"
#include "dialect/centrifuge/codes.hpp"
#include "dialect/centrifuge/command.hpp"
#include "dialect/centrifuge/payload.hpp"

namespace ringcast::dialect::centrifuge {

/// A map that is sent; the keys differ.
template <class Value>
using EntriesView = std::span<const std::pair<std::string_view, Value>>;

struct ClientInfo {
    std::string_view user;
    std::string_view client;
    Payload conn_info;
    Payload chan_info;

    static void fields(auto& self, auto&& field) {
        field(1, "user", self.user);
        field(2, "client", self.client);
        field(3, "conn_info", self.conn_info);
        field(4, "chan_info", self.chan_info);
    }
};

struct Publication {
    Payload data;
    const ClientInfo* info = nullptr;  ///< Who published it, if a client did.
    std::uint64_t offset = 0;          ///< 0: not in a stream.
    Tags tags;
    bool delta = false;  ///< `data` is the difference to the publication before it.
    /// For who takes such differences: in JSON, `data` is a string with that text, of whatever kind
    /// the publication is.
    bool is_quoted = false;
    std::uint64_t skipped = 0;  ///< So many before it were not sent; told as one more tag.

    static void fields(auto& self, auto&& field) {
        field.data(4, "data", self.data, self.is_quoted);
        field.pointer(5, "info", self.info);
        field(6, "offset", self.offset);
        field.tags(7, "tags", self);
        field(8, "delta", self.delta);
    }
};

/// Whoever gets a publication that stands for others, too, finds on it how many.
inline constexpr std::string_view skipped_tag_name = "skipped";
/// In JSON, whoever gets a binary publication finds this tag on it.
inline constexpr std::string_view base64_tag_name = "encoding";
inline constexpr std::string_view base64_tag_value = "base64";

struct SubscribeResult {
    bool expires = false;
    std::uint32_t ttl = 0;  ///< Seconds.
    bool recoverable = false;
    std::string_view epoch;
    std::span<const Publication> publications;
    bool recovered = false;
    std::uint64_t offset = 0;
    bool positioned = false;
    Payload data;
    bool was_recovering = false;
    bool delta = false;

    static void fields(auto& self, auto&& field) {
        field(1, "expires", self.expires);
        field(2, "ttl", self.ttl);
        field(3, "recoverable", self.recoverable);
        field(6, "epoch", self.epoch);
        field(7, "publications", self.publications);
        field(8, "recovered", self.recovered);
        field(9, "offset", self.offset);
        field(10, "positioned", self.positioned);
        field(11, "data", self.data);
        field(12, "was_recovering", self.was_recovering);
        field(13, "delta", self.delta);
    }
};

struct ConnectResult {
    std::string_view client;
    std::string_view version;
    bool expires = false;
    std::uint32_t ttl = 0;  ///< Seconds.
    Payload data;
    EntriesView<SubscribeResult> subs;
    std::uint32_t ping = 0;  ///< Seconds between pings of the server; 0: none come.
    bool pong = false;       ///< The client answers them.
    std::string_view session;
    std::string_view node;

    static void fields(auto& self, auto&& field) {
        field(1, "client", self.client);
        field(2, "version", self.version);
        field(3, "expires", self.expires);
        field(4, "ttl", self.ttl);
        field(5, "data", self.data);
        field(6, "subs", self.subs);
        field(7, "ping", self.ping);
        field(8, "pong", self.pong);
        field(9, "session", self.session);
        field(10, "node", self.node);
    }
};

struct UnsubscribeResult {
    static void fields(auto&, auto&&) {}
};

struct PublishResult {
    static void fields(auto&, auto&&) {}
};

struct PresenceResult {
    EntriesView<ClientInfo> presence;  ///< By client id.
    static void fields(auto& self, auto&& field) { field(1, "presence", self.presence); }
};

struct PresenceStatsResult {
    std::uint32_t num_clients = 0;
    std::uint32_t num_users = 0;
    static void fields(auto& self, auto&& field) {
        field(1, "num_clients", self.num_clients);
        field(2, "num_users", self.num_users);
    }
};

struct HistoryResult {
    std::span<const Publication> publications;
    std::string_view epoch;
    std::uint64_t offset = 0;
    static void fields(auto& self, auto&& field) {
        field(1, "publications", self.publications);
        field(2, "epoch", self.epoch);
        field(3, "offset", self.offset);
    }
};

struct PingResult {
    static void fields(auto&, auto&&) {}
};

struct RpcResult {
    Payload data;
    static void fields(auto& self, auto&& field) { field(1, "data", self.data); }
};

struct RefreshResult {
    std::string_view client;
    std::string_view version;
    bool expires = false;
    std::uint32_t ttl = 0;  ///< Seconds.
    static void fields(auto& self, auto&& field) {
        field(1, "client", self.client);
        field(2, "version", self.version);
        field(3, "expires", self.expires);
        field(4, "ttl", self.ttl);
    }
};

struct SubRefreshResult {
    bool expires = false;
    std::uint32_t ttl = 0;  ///< Seconds.
    static void fields(auto& self, auto&& field) {
        field(1, "expires", self.expires);
        field(2, "ttl", self.ttl);
    }
};

struct Error {
    std::uint32_t code = 0;
    std::string_view message;
    bool temporary = false;

    Error() = default;
    explicit Error(ErrorCode error) noexcept
        : code(static_cast<std::uint32_t>(error)),
          message(message_of(error)),
          temporary(is_temporary(error)) {}

    static void fields(auto& self, auto&& field) {
        field(1, "code", self.code);
        field(2, "message", self.message);
        field(3, "temporary", self.temporary);
    }
};

struct Join {
    ClientInfo info;
    static void fields(auto& self, auto&& field) { field.message(1, "info", self.info); }
};

struct Leave {
    ClientInfo info;
    static void fields(auto& self, auto&& field) { field.message(1, "info", self.info); }
};

struct Unsubscribe {
    std::uint32_t code = 0;
    std::string_view reason;

    Unsubscribe() = default;
    explicit Unsubscribe(UnsubscribeCode why) noexcept
        : code(static_cast<std::uint32_t>(why)), reason(reason_of(why)) {}

    static void fields(auto& self, auto&& field) {
        field(2, "code", self.code);
        field(3, "reason", self.reason);
    }
};

struct Message {
    Payload data;
    static void fields(auto& self, auto&& field) { field(1, "data", self.data); }
};

/// The server has subscribed the client.
struct Subscribe {
    bool recoverable = false;
    std::string_view epoch;
    std::uint64_t offset = 0;
    bool positioned = false;
    Payload data;
    static void fields(auto& self, auto&& field) {
        field(1, "recoverable", self.recoverable);
        field(4, "epoch", self.epoch);
        field(5, "offset", self.offset);
        field(6, "positioned", self.positioned);
        field(7, "data", self.data);
    }
};

struct Disconnect {
    std::uint32_t code = 0;
    std::string_view reason;

    Disconnect() = default;
    explicit Disconnect(DisconnectCode why) noexcept
        : code(static_cast<std::uint32_t>(why)), reason(reason_of(why)) {}

    static void fields(auto& self, auto&& field) {
        field(1, "code", self.code);
        field(2, "reason", self.reason);
    }
};

struct Refresh {
    bool expires = false;
    std::uint32_t ttl = 0;  ///< Seconds.
    static void fields(auto& self, auto&& field) {
        field(1, "expires", self.expires);
        field(2, "ttl", self.ttl);
    }
};

/// What nobody asked for. Without an event it is a ping to unidirectional clients.
struct Push {
    std::string_view channel;
    std::variant<std::monostate, Publication, Join, Leave, Unsubscribe, Message, Subscribe,
                 ConnectResult, Disconnect, Refresh>
        event;

    static void fields(auto& self, auto&& field) {
        field(2, "channel", self.channel);
        field.template one_of<Publication>(4, "pub", self.event);
        field.template one_of<Join>(5, "join", self.event);
        field.template one_of<Leave>(6, "leave", self.event);
        field.template one_of<Unsubscribe>(7, "unsubscribe", self.event);
        field.template one_of<Message>(8, "message", self.event);
        field.template one_of<Subscribe>(9, "subscribe", self.event);
        field.template one_of<ConnectResult>(10, "connect", self.event);
        field.template one_of<Disconnect>(11, "disconnect", self.event);
        field.template one_of<Refresh>(12, "refresh", self.event);
    }
};

/// The answer to a command, or a push. Without a result it is a ping.
struct Reply {
    std::uint32_t id = 0;
    std::variant<std::monostate, Error, Push, ConnectResult, SubscribeResult, UnsubscribeResult,
                 PublishResult, PresenceResult, PresenceStatsResult, HistoryResult, PingResult,
                 RpcResult, RefreshResult, SubRefreshResult>
        result;

    static void fields(auto& self, auto&& field) {
        field(1, "id", self.id);
        field.template one_of<Error>(2, "error", self.result);
        field.template one_of<Push>(4, "push", self.result);
        field.template one_of<ConnectResult>(5, "connect", self.result);
        field.template one_of<SubscribeResult>(6, "subscribe", self.result);
        field.template one_of<UnsubscribeResult>(7, "unsubscribe", self.result);
        field.template one_of<PublishResult>(8, "publish", self.result);
        field.template one_of<PresenceResult>(9, "presence", self.result);
        field.template one_of<PresenceStatsResult>(10, "presence_stats", self.result);
        field.template one_of<HistoryResult>(11, "history", self.result);
        field.template one_of<PingResult>(12, "ping", self.result);
        field.template one_of<RpcResult>(13, "rpc", self.result);
        field.template one_of<RefreshResult>(14, "refresh", self.result);
        field.template one_of<SubRefreshResult>(15, "sub_refresh", self.result);
    }
};

}  // namespace ringcast::dialect::centrifuge
