#pragma once
// Who opens a session: the token of an opening handshake, or of a request for a stream, for every
// endpoint whose clients show theirs there.

#include <expected>
#include <optional>
#include <string>

#include "auth/claims.hpp"
#include "base/time.hpp"
#include "ringcast/upgrade.hpp"
#include "shard/endpoint.hpp"

namespace ringcast::api {

/// A token that is in order and, where it came as one of the subprotocols, which one the answer
/// names: a browser wants one of those that it has offered.
struct ShownToken {
    auth::ConnectionClaims claims;
    std::string subprotocol{};
    Instant ends_at = instant_never;  ///< When the token does.
};

/// Nothing if there are no keys, or no token; the refusal (401) if it is not in order. That says
/// that a token has expired, whose signature was good then, and nothing else about why.
[[nodiscard]] std::expected<std::optional<ShownToken>, shard::Verdict> shown_token(
    const shard::Upgrade& upgrade);

/// Who that is; the rest is as of the token.
struct Authenticated {
    User user;
    std::string subprotocol{};
    Instant ends_at = instant_never;
    std::string publisher{};  ///< A packed PublicationInfo; empty if it names nobody.
};

/// Likewise: nobody, or the refusal.
[[nodiscard]] std::expected<std::optional<Authenticated>, shard::Verdict> authenticate(
    const shard::Upgrade& upgrade);

}  // namespace ringcast::api
