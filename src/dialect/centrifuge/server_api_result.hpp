#pragma once
// What applications are answered over HTTP. Structs of views, as those of reply.hpp; but lists,
// maps and counts are there even if they are empty: SDKs insist on them.

#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>
#include <variant>

#include "dialect/centrifuge/codes.hpp"
#include "dialect/centrifuge/reply.hpp"

namespace ringcast::dialect::centrifuge::server_api {

/// Unlike those of clients it does not say whether to try again.
struct Error {
    std::uint32_t code = 0;
    std::string_view message;

    Error() = default;
    explicit Error(ErrorCode error) noexcept
        : code(static_cast<std::uint32_t>(error)), message(message_of(error)) {}

    static void fields(auto& self, auto&& field) {
        field(1, "code", self.code);
        field(2, "message", self.message);
    }
};

struct PublishResult {
    std::uint64_t offset = 0;  ///< 0: the channel keeps no history.
    std::string_view epoch;
    static void fields(auto& self, auto&& field) {
        field(1, "offset", self.offset);
        field(2, "epoch", self.epoch);
    }
};

/// `{"error":...}` or `{"result":...}`.
template <class... Results>
struct Response {
    std::variant<Error, Results...> outcome;

    static void fields(auto& self, auto&& field) {
        std::visit(
            [&]<class Outcome>(const Outcome& value) {
                if constexpr (std::is_same_v<Outcome, Error>) {
                    field.message(1, "error", value);
                } else {
                    field.message(2, "result", value);
                }
            },
            self.outcome);
    }
};

struct BroadcastResult {
    std::span<const Response<PublishResult>> responses;  ///< In the order of the channels.
    static void fields(auto& self, auto&& field) { field.always(1, "responses", self.responses); }
};

struct SubscribeResult {
    static void fields(auto&, auto&&) {}
};
struct UnsubscribeResult {
    static void fields(auto&, auto&&) {}
};
struct DisconnectResult {
    static void fields(auto&, auto&&) {}
};
struct RefreshResult {
    static void fields(auto&, auto&&) {}
};
struct PresenceResult {
    EntriesView<ClientInfo> presence;  ///< By client id.
    static void fields(auto& self, auto&& field) { field.always(1, "presence", self.presence); }
};

struct PresenceStatsResult {
    std::uint32_t num_clients = 0;
    std::uint32_t num_users = 0;
    static void fields(auto& self, auto&& field) {
        field.always(1, "num_clients", self.num_clients);
        field.always(2, "num_users", self.num_users);
    }
};

struct HistoryResult {
    std::span<const Publication> publications;
    std::string_view epoch;
    std::uint64_t offset = 0;
    static void fields(auto& self, auto&& field) {
        field.always(1, "publications", self.publications);
        field.always(2, "epoch", self.epoch);
        field.always(3, "offset", self.offset);
    }
};

struct HistoryRemoveResult {
    static void fields(auto&, auto&&) {}
};

struct NodeResult {
    std::string_view uid;
    std::string_view name;
    std::string_view version;
    std::uint32_t num_clients = 0;
    std::uint32_t num_users = 0;
    std::uint32_t num_channels = 0;
    std::uint32_t uptime = 0;  ///< Seconds.
    std::uint32_t num_subs = 0;

    static void fields(auto& self, auto&& field) {
        field(1, "uid", self.uid);
        field(2, "name", self.name);
        field(3, "version", self.version);
        field.always(4, "num_clients", self.num_clients);
        field.always(5, "num_users", self.num_users);
        field.always(6, "num_channels", self.num_channels);
        field.always(7, "uptime", self.uptime);
        field.always(10, "num_subs", self.num_subs);
    }
};

struct InfoResult {
    std::span<const NodeResult> nodes;
    static void fields(auto& self, auto&& field) { field.always(1, "nodes", self.nodes); }
};

struct ChannelInfo {
    std::uint32_t num_clients = 0;
    static void fields(auto& self, auto&& field) {
        field.always(1, "num_clients", self.num_clients);
    }
};

struct ChannelsResult {
    EntriesView<ChannelInfo> channels;
    static void fields(auto& self, auto&& field) { field.always(1, "channels", self.channels); }
};

/// What became of one command; by itself the answer to a request.
using Result = Response<PublishResult, BroadcastResult, SubscribeResult, UnsubscribeResult,
                        DisconnectResult, PresenceResult, PresenceStatsResult, HistoryResult,
                        HistoryRemoveResult, InfoResult, RefreshResult, ChannelsResult>;

/// The same among those of a batch, where it has the name of its method.
struct Reply {
    const Result& result;

    static void fields(auto& self, auto&& field) {
        const auto& outcome = self.result.outcome;
        field.template one_of<Error>(2, "error", outcome);
        field.template one_of<PublishResult>(4, "publish", outcome);
        field.template one_of<BroadcastResult>(5, "broadcast", outcome);
        field.template one_of<SubscribeResult>(6, "subscribe", outcome);
        field.template one_of<UnsubscribeResult>(7, "unsubscribe", outcome);
        field.template one_of<DisconnectResult>(8, "disconnect", outcome);
        field.template one_of<PresenceResult>(9, "presence", outcome);
        field.template one_of<PresenceStatsResult>(10, "presence_stats", outcome);
        field.template one_of<HistoryResult>(11, "history", outcome);
        field.template one_of<HistoryRemoveResult>(12, "history_remove", outcome);
        field.template one_of<InfoResult>(13, "info", outcome);
        field.template one_of<RefreshResult>(15, "refresh", outcome);
        field.template one_of<ChannelsResult>(16, "channels", outcome);
    }
};

}  // namespace ringcast::dialect::centrifuge::server_api
