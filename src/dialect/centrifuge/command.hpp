#pragma once
// What clients of the Centrifuge protocol say. Views of the message that was decoded.
//
// Each struct lists its fields once, with the number that they have in Protobuf and the name that
// they have in JSON; both decoders walk that list, so neither knows a field that the other lacks.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "dialect/centrifuge/payload.hpp"

namespace ringcast::dialect::centrifuge {

/// A map as it is on the wire: in the order of arrival, a name perhaps twice.
template <class Value>
using Entries = std::vector<std::pair<std::string_view, Value>>;

/// More entries of one map are refused. Whoever comes back has one for each subscription that its
/// token has named, of which there are fewer: a token has 16 KiB.
inline constexpr std::size_t map_entries_max = 4096;

template <class Element>
using List = std::vector<Element>;

/// More elements of one list are refused. No command of a client has a list, so this is for those
/// of applications: channels of one broadcast, commands of one batch.
inline constexpr std::size_t list_elements_max = 10'000;

/// The one kind of deltas that there is.
inline constexpr std::string_view fossil_delta_name = "fossil";

struct SubscribeRequest {
    std::string_view channel;
    std::string_view token;
    bool recover = false;
    std::string_view epoch;  ///< Empty: any.
    std::uint64_t offset = 0;
    Payload data;
    bool positioned = false;
    bool recoverable = false;
    bool join_leave = false;
    std::string_view delta;  ///< fossil_delta_name, or empty; what is unknown is not granted.
    std::int64_t flag = 0;   ///< Bits of subscribe_flag.

    static void fields(auto& self, auto&& field) {
        field(1, "channel", self.channel);
        field(2, "token", self.token);
        field(3, "recover", self.recover);
        field(6, "epoch", self.epoch);
        field(7, "offset", self.offset);
        field(8, "data", self.data);
        field(9, "positioned", self.positioned);
        field(10, "recoverable", self.recoverable);
        field(11, "join_leave", self.join_leave);
        field(12, "delta", self.delta);
        field(14, "flag", self.flag);
    }
};

namespace subscribe_flag {
inline constexpr std::int64_t channel_compaction = 1;  ///< The client understands it; unused.
inline constexpr std::int64_t reject_unrecovered = 2;  ///< An error 112 rather than a gap.
}  // namespace subscribe_flag

struct ConnectRequest {
    std::string_view token;
    Payload data;
    Entries<SubscribeRequest> subs;  ///< Positions in server-side subscriptions, to recover them.
    std::string_view name;
    std::string_view version;
    Entries<std::string_view> headers;

    static void fields(auto& self, auto&& field) {
        field(1, "token", self.token);
        field(2, "data", self.data);
        field(3, "subs", self.subs);
        field(4, "name", self.name);
        field(5, "version", self.version);
        field(6, "headers", self.headers);
    }
};

struct UnsubscribeRequest {
    std::string_view channel;
    static void fields(auto& self, auto&& field) { field(1, "channel", self.channel); }
};

struct PublishRequest {
    std::string_view channel;
    Payload data;
    static void fields(auto& self, auto&& field) {
        field(1, "channel", self.channel);
        field(2, "data", self.data);
    }
};

struct PresenceRequest {
    std::string_view channel;
    static void fields(auto& self, auto&& field) { field(1, "channel", self.channel); }
};

struct PresenceStatsRequest {
    std::string_view channel;
    static void fields(auto& self, auto&& field) { field(1, "channel", self.channel); }
};

struct StreamPosition {
    std::uint64_t offset = 0;
    std::string_view epoch;
    static void fields(auto& self, auto&& field) {
        field(1, "offset", self.offset);
        field(2, "epoch", self.epoch);
    }
};

struct HistoryRequest {
    std::string_view channel;
    std::int32_t limit = 0;  ///< 0: only where the stream ends; -1: as many as there may be.
    bool has_since = false;
    StreamPosition since;
    bool reverse = false;

    static void fields(auto& self, auto&& field) {
        field(1, "channel", self.channel);
        field(7, "limit", self.limit);
        field.optional(8, "since", self.since, self.has_since);
        field(9, "reverse", self.reverse);
    }
};

struct PingRequest {
    static void fields(auto&, auto&&) {}
};

struct SendRequest {
    Payload data;
    static void fields(auto& self, auto&& field) { field(1, "data", self.data); }
};

struct RpcRequest {
    Payload data;
    std::string_view method;
    static void fields(auto& self, auto&& field) {
        field(1, "data", self.data);
        field(2, "method", self.method);
    }
};

struct RefreshRequest {
    std::string_view token;
    static void fields(auto& self, auto&& field) { field(1, "token", self.token); }
};

struct SubRefreshRequest {
    std::string_view channel;
    std::string_view token;
    static void fields(auto& self, auto&& field) {
        field(1, "channel", self.channel);
        field(2, "token", self.token);
    }
};

/// One command. Without a request it is a pong if `id` is 0, else of a method that we do not know.
/// Any other request than `send` has an id, which its reply repeats.
struct Command {
    std::uint32_t id = 0;
    std::variant<std::monostate, ConnectRequest, SubscribeRequest, UnsubscribeRequest,
                 PublishRequest, PresenceRequest, PresenceStatsRequest, HistoryRequest, PingRequest,
                 SendRequest, RpcRequest, RefreshRequest, SubRefreshRequest>
        request;

    [[nodiscard]] bool is_pong() const noexcept { return id == 0 && request.index() == 0; }

    static void fields(auto& self, auto&& field) {
        field(1, "id", self.id);
        field.template one_of<ConnectRequest>(4, "connect", self.request);
        field.template one_of<SubscribeRequest>(5, "subscribe", self.request);
        field.template one_of<UnsubscribeRequest>(6, "unsubscribe", self.request);
        field.template one_of<PublishRequest>(7, "publish", self.request);
        field.template one_of<PresenceRequest>(8, "presence", self.request);
        field.template one_of<PresenceStatsRequest>(9, "presence_stats", self.request);
        field.template one_of<HistoryRequest>(10, "history", self.request);
        field.template one_of<PingRequest>(11, "ping", self.request);
        field.template one_of<SendRequest>(12, "send", self.request);
        field.template one_of<RpcRequest>(13, "rpc", self.request);
        field.template one_of<RefreshRequest>(14, "refresh", self.request);
        field.template one_of<SubRefreshRequest>(15, "sub_refresh", self.request);
    }
};

/// The envelope in which POSTs bring the commands of a session whose replies go another way. In
/// JSON its `data` is a string with the commands.
struct EmulationRequest {
    std::string_view node;
    std::string_view session;
    std::string_view data;  ///< Bytes in Protobuf.

    static void fields(auto& self, auto&& field) {
        field(1, "node", self.node);
        field(2, "session", self.session);
        field.bytes(3, "data", self.data);
    }
};

}  // namespace ringcast::dialect::centrifuge
