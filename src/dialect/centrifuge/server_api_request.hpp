#pragma once
// What applications ask of the server over HTTP: POST /api/publish and its like, as Centrifugo has
// them, so that its server SDKs work unchanged. Views of the body that was decoded.
//
// Fields are listed as in command.hpp, with Centrifugo's numbers of Protobuf; only JSON is read.

#include <cstdint>
#include <string_view>
#include <variant>

#include "dialect/centrifuge/command.hpp"

namespace ringcast::dialect::centrifuge::server_api {

/// What is published, to one channel or to many.
struct NewPublication {
    Payload data;
    std::string_view b64data;  ///< Rather than `data`: octets in base64 (RFC 4648 section 4).
    std::string_view kind;     ///< json, text or binary; empty: json for data, binary for b64data.
    bool skip_history = false;
    Entries<std::string_view> tags;
    std::string_view idempotency_key;
    bool delta = false;
    std::uint64_t version = 0;
    std::string_view version_epoch;

    static void fields(auto& self, auto&& field) {
        field(2, "data", self.data);
        field(3, "b64data", self.b64data);
        field(4, "skip_history", self.skip_history);
        field(5, "tags", self.tags);
        field(6, "idempotency_key", self.idempotency_key);
        field(7, "delta", self.delta);
        field(8, "version", self.version);
        field(9, "version_epoch", self.version_epoch);
        field(100, "kind", self.kind);  // Centrifugo has no such field.
    }
};

struct PublishRequest : NewPublication {
    std::string_view channel;
    static void fields(auto& self, auto&& field) {
        field(1, "channel", self.channel);
        NewPublication::fields(self, field);
    }
};

struct BroadcastRequest : NewPublication {
    List<std::string_view> channels;
    static void fields(auto& self, auto&& field) {
        field(1, "channels", self.channels);
        NewPublication::fields(self, field);
    }
};

/// A bool that may be absent.
struct BoolValue {
    bool value = false;
    static void fields(auto& self, auto&& field) { field(1, "value", self.value); }
};

/// What differs for this subscription from what its channel has.
struct SubscribeOverride {
    bool has_presence = false, has_join_leave = false, has_force_recovery = false;
    bool has_force_positioning = false, has_force_push_join_leave = false;
    BoolValue presence, join_leave, force_recovery, force_positioning, force_push_join_leave;

    static void fields(auto& self, auto&& field) {
        field.optional(1, "presence", self.presence, self.has_presence);
        field.optional(2, "join_leave", self.join_leave, self.has_join_leave);
        field.optional(3, "force_recovery", self.force_recovery, self.has_force_recovery);
        field.optional(4, "force_positioning", self.force_positioning, self.has_force_positioning);
        field.optional(5, "force_push_join_leave", self.force_push_join_leave,
                       self.has_force_push_join_leave);
    }
};

struct SubscribeRequest {
    std::string_view channel;
    std::string_view user;
    std::int64_t expire_at = 0;  ///< Seconds since 1970; 0: never.
    Payload info;
    std::string_view b64info;
    std::string_view client;  ///< Empty: all of the user's.
    Payload data;
    std::string_view b64data;
    bool has_recover_since = false;
    StreamPosition recover_since;
    bool has_override = false;
    SubscribeOverride override_;
    std::string_view session;

    static void fields(auto& self, auto&& field) {
        field(1, "channel", self.channel);
        field(2, "user", self.user);
        field(3, "expire_at", self.expire_at);
        field(4, "info", self.info);
        field(5, "b64info", self.b64info);
        field(6, "client", self.client);
        field(7, "data", self.data);
        field(8, "b64data", self.b64data);
        field.optional(9, "recover_since", self.recover_since, self.has_recover_since);
        field.optional(10, "override", self.override_, self.has_override);
        field(11, "session", self.session);
    }
};

struct UnsubscribeRequest {
    std::string_view channel;  ///< Empty: all.
    std::string_view user;
    std::string_view client;
    std::string_view session;

    static void fields(auto& self, auto&& field) {
        field(1, "channel", self.channel);
        field(2, "user", self.user);
        field(3, "client", self.client);
        field(4, "session", self.session);
    }
};

struct DisconnectAdvice {
    std::uint32_t code = 0;
    std::string_view reason;
    static void fields(auto& self, auto&& field) {
        field(1, "code", self.code);
        field(2, "reason", self.reason);
    }
};

struct DisconnectRequest {
    std::string_view user;
    bool has_disconnect = false;
    DisconnectAdvice disconnect;
    std::string_view client;
    List<std::string_view> whitelist;  ///< Client ids that stay.
    std::string_view session;

    static void fields(auto& self, auto&& field) {
        field(1, "user", self.user);
        field.optional(2, "disconnect", self.disconnect, self.has_disconnect);
        field(3, "client", self.client);
        field(4, "whitelist", self.whitelist);
        field(5, "session", self.session);
    }
};

struct RefreshRequest {
    std::string_view user;
    std::string_view client;
    bool expired = false;
    std::int64_t expire_at = 0;  ///< Seconds since 1970.
    Payload info;
    std::string_view session;

    static void fields(auto& self, auto&& field) {
        field(1, "user", self.user);
        field(2, "client", self.client);
        field(3, "expired", self.expired);
        field(4, "expire_at", self.expire_at);
        field(5, "info", self.info);
        field(6, "session", self.session);
    }
};

struct HistoryRequest {
    std::string_view channel;
    std::int32_t limit = 0;  ///< As of centrifuge::HistoryRequest.
    bool has_since = false;
    StreamPosition since;
    bool reverse = false;

    static void fields(auto& self, auto&& field) {
        field(1, "channel", self.channel);
        field(2, "limit", self.limit);
        field.optional(3, "since", self.since, self.has_since);
        field(4, "reverse", self.reverse);
    }
};

struct HistoryRemoveRequest {
    std::string_view channel;
    static void fields(auto& self, auto&& field) { field(1, "channel", self.channel); }
};

struct InfoRequest {
    static void fields(auto&, auto&&) {}
};

struct ChannelsRequest {
    std::string_view pattern;  ///< See channel_pattern.hpp; empty: all.
    static void fields(auto& self, auto&& field) { field(1, "pattern", self.pattern); }
};

/// One thing to do. Without a request it is of a method that we do not know: a batch in a batch is.
struct Command {
    std::variant<std::monostate, PublishRequest, BroadcastRequest, SubscribeRequest,
                 UnsubscribeRequest, DisconnectRequest, PresenceRequest, PresenceStatsRequest,
                 HistoryRequest, HistoryRemoveRequest, InfoRequest, RefreshRequest, ChannelsRequest>
        request;

    static void fields(auto& self, auto&& field) {
        field.template one_of<PublishRequest>(4, "publish", self.request);
        field.template one_of<BroadcastRequest>(5, "broadcast", self.request);
        field.template one_of<SubscribeRequest>(6, "subscribe", self.request);
        field.template one_of<UnsubscribeRequest>(7, "unsubscribe", self.request);
        field.template one_of<DisconnectRequest>(8, "disconnect", self.request);
        field.template one_of<PresenceRequest>(9, "presence", self.request);
        field.template one_of<PresenceStatsRequest>(10, "presence_stats", self.request);
        field.template one_of<HistoryRequest>(11, "history", self.request);
        field.template one_of<HistoryRemoveRequest>(12, "history_remove", self.request);
        field.template one_of<InfoRequest>(13, "info", self.request);
        field.template one_of<RefreshRequest>(15, "refresh", self.request);
        field.template one_of<ChannelsRequest>(16, "channels", self.request);
    }
};

struct BatchRequest {
    List<Command> commands;
    bool parallel = false;  ///< Their order does not matter.

    static void fields(auto& self, auto&& field) {
        field(1, "commands", self.commands);
        field(2, "parallel", self.parallel);
    }
};

}  // namespace ringcast::dialect::centrifuge::server_api
