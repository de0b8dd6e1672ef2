#pragma once
// JSON Web Tokens (RFC 7519, as RFC 7515 signs them in compact form) for connections and
// subscriptions, with the claims of the Centrifuge protocol. Pure: time and keys are handed in.
//
// Of a token's header `alg` and `kid` are read, and a `crit` is refused; what else may stand there
// (`jwk`, `jku`, `x5c`, `x5u`) is never looked at. The claims are looked at when the signature has
// been found to be good, and not before.

#include <chrono>
#include <expected>
#include <string>
#include <string_view>

#include "auth/claims.hpp"
#include "auth/key_set.hpp"
#include "auth/reason.hpp"

namespace ringcast::auth {

/// What every token has to say.
struct Rules {
    std::string issuer{};    ///< Empty: anything.
    std::string audience{};  ///< One of the token's; empty: anything.
    /// By how much clocks may differ, where times are compared.
    std::chrono::seconds leeway{0};
};

/// Takes 2 us with HMAC, 20 with RSA, 75 with P-256, 100 with Ed25519 and 500 us with the larger
/// curves, be the signature good or bad (bench-auth); allocates.
[[nodiscard]] std::expected<ConnectionClaims, Reason> verify_connection(
    std::string_view token, const KeySet& keys, const Rules& rules, std::chrono::sys_seconds now);

/// Who wants to subscribe to what.
struct SubscriptionWish {
    std::string_view user;
    std::string_view channel;
    std::string_view client;  ///< The connection's id, which old tokens name.
};

/// Likewise; the token has to be for that wish.
[[nodiscard]] std::expected<SubscriptionClaims, Reason> verify_subscription(
    std::string_view token, const SubscriptionWish& wish, const KeySet& keys, const Rules& rules,
    std::chrono::sys_seconds now);

}  // namespace ringcast::auth
