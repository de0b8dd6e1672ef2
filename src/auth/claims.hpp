#pragma once
// What a token that is in order says, with all of it checked and within limits.

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/publication.hpp"

namespace ringcast::auth {

/// Longest token, in bytes; and of what it says: names of users, channels and clients, `info` and
/// `meta`, and `data`. It names as many channels as fit.
inline constexpr std::size_t token_bytes_max = 16 << 10, name_bytes_max = 255,
                             info_bytes_max = 4 << 10, data_bytes_max = 8 << 10;

/// `info` or `b64info`, `data` or `b64data`: the latter counts if there are both. JSON is one
/// value on one line.
struct Payload {
    PublicationKind kind = PublicationKind::json;  ///< Or binary.
    std::string bytes;

    friend bool operator==(const Payload&, const Payload&) = default;
};

/// What is not set is as the channel's namespace has it. The last two are read and change nothing:
/// every subscription to a channel that keeps something has a position and recovers, and of one
/// that keeps nothing there is no position to give.
struct Overrides {
    std::optional<bool> presence;
    std::optional<bool> join_leave;
    std::optional<bool> force_push_join_leave;
    std::optional<bool> force_positioning;
    std::optional<bool> force_recovery;

    friend bool operator==(const Overrides&, const Overrides&) = default;
};

struct SubscriptionOptions {
    std::optional<Payload> info;
    std::optional<Payload> data;
    Overrides overrides;
};

/// A channel that a connection is subscribed to by its token.
struct Grant {
    std::string channel;  ///< 1 to 255 bytes of UTF-8 without control characters.
    SubscriptionOptions options;
};

/// For a connection.
struct ConnectionClaims {
    std::string user;  ///< `sub`; empty: anonymous.
    std::string id;    ///< `jti`; empty without one.
    std::optional<Payload> info;
    std::optional<std::string> meta;  ///< A JSON object on one line, not for clients.
    std::vector<Grant> grants;        ///< `subs` and `channels`, each channel once, by name.
    /// When the connection ends, unless it shows a new token; never without. May have passed
    /// already, by the leeway at most.
    std::optional<std::chrono::sys_seconds> expires_at;
};

/// For one subscription of one user.
struct SubscriptionClaims {
    std::string id;  ///< `jti`; empty without one.
    SubscriptionOptions options;
    std::optional<std::chrono::sys_seconds> expires_at;  ///< Likewise, of the subscription.
};

}  // namespace ringcast::auth
