#pragma once
// What an application has the server do to sessions, whichever shard they are on: each shard
// carries the order out on its own, a part of them in each turn. All orders are for sessions of the
// Centrifuge protocol; a disconnect of a user is for its sessions of the raw dialect and of
// handlers, too.
//
//   application -> any shard -> carry_out() on every shard -> done, when all of it is

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "auth/claims.hpp"
#include "hub/position.hpp"
#include "ringcast/close_code.hpp"
#include "shard/inbox.hpp"

namespace ringcast::api {

/// What one order looks at in a turn where nobody has noted whose sessions they are.
inline constexpr std::uint32_t slots_per_turn = 4096;

/// Whose sessions: those of `user`, or of nobody in particular if it is empty. One of the raw
/// dialect, or of a handler, has no id: whoever names one does not mean it.
struct SessionFilter {
    std::string user;
    std::string client;                  ///< Empty: whichever.
    std::string session;                 ///< What an emulated client was told. Empty: whichever.
    std::vector<std::string> whitelist;  ///< Clients that are left alone.
};

/// Closes the session.
struct DisconnectOrder {
    CloseCode code;
    std::string reason;
};
/// Ends its subscription.
struct UnsubscribeOrder {
    std::string channel;  ///< Empty: all that it has.
};
/// Subscribes it, if it is not subscribed.
struct SubscribeOrder {
    std::string channel;                 ///< In order, as of check_topic().
    auth::SubscriptionOptions options;   ///< As of a token for the channel, while it lasts.
    std::optional<std::uint32_t> ttl;    ///< In seconds; none: no end.
    std::optional<hub::Position> since;  ///< With what came behind that.
};
/// Says when the connection ends, unless its client shows a new token before.
struct RefreshOrder {
    bool is_expired = false;            ///< Now.
    std::optional<std::uint32_t> ttl;   ///< In seconds; none: never.
    std::optional<auth::Payload> info;  ///< Who it is, from now on; none: who it was.
};

struct SessionOrder {
    SessionFilter whose;
    std::variant<DisconnectOrder, UnsubscribeOrder, SubscribeOrder, RefreshOrder> what;
};

/// Carries it out on the sessions of one shard that there are; then `done` runs there: when
/// subscriptions are live, too. A session whose connect waits for its subscriptions has its turn
/// when they are live. On that shard's thread.
void carry_out(shard::Shard& shard, const SessionOrder& order, shard::Task done);

/// Users of the shard's sessions, whom tokens have named; one who has some at two paths counts
/// twice. On that shard's thread.
[[nodiscard]] std::uint64_t user_count(const shard::Shard& shard);

}  // namespace ringcast::api
