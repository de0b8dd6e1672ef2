#pragma once
// Who opens a session: the token of an opening handshake, for every endpoint whose clients show
// theirs there.

#include <expected>
#include <optional>
#include <string>

#include "base/time.hpp"
#include "ringcast/upgrade.hpp"
#include "shard/endpoint.hpp"

namespace ringcast::api {

/// Who it is and, where the token came as one of the subprotocols, which one the answer names: a
/// browser wants one of those that it has offered.
struct Authenticated {
    User user;
    std::string subprotocol{};
    Instant ends_at = instant_never;  ///< When the token does.
    std::string publisher{};          ///< A packed PublicationInfo; empty if it names nobody.
};

/// Nobody if there are no keys, or no token; the refusal (401) if it is not in order. That says
/// that a token has expired, whose signature was good then, and nothing else about why.
[[nodiscard]] std::expected<std::optional<Authenticated>, shard::Verdict> authenticate(
    const shard::Upgrade& upgrade);

}  // namespace ringcast::api
