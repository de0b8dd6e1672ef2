#pragma once
// Why a token is refused, so that tests, logs and counters can tell the cases apart. Clients learn
// less: see Answer.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ringcast::auth {

/// In the order in which a token is looked at: what is in the claims is known to come from whoever
/// has a key.
enum class Reason : std::uint8_t {
    too_long,               // Longer than token_bytes_max.
    malformed,              // RFC 7515 section 7.1: no three parts in base64url
    malformed_header,       // RFC 7515 section 4: no JSON object, a name twice, `alg` no string
    critical_extension,     // RFC 7515 section 4.1.11: `crit`, and none is known here
    unsecured,              // RFC 7518 section 3.6: `alg` is none
    unsupported_algorithm,  // RFC 7515 section 4.1.1: `alg` is unknown
    no_key,                 // No key is there for that `alg` and `kid`, or not any longer.
    bad_signature,          // RFC 7515 section 5.2
    malformed_claims,       // RFC 7519 section 7.2: no JSON object, a name twice, too deep
    bad_claim,              // RFC 7519 section 4.1: of another type, out of range
    long_claim,             // Longer than name_bytes_max, info_bytes_max or data_bytes_max.
    expired,                // RFC 7519 section 4.1.4, or `expire_at`
    not_yet_valid,          // RFC 7519 section 4.1.5
    wrong_issuer,           // RFC 7519 section 4.1.1
    wrong_audience,         // RFC 7519 section 4.1.3
    wrong_kind,             // For a subscription where one for a connection belongs, or contrary
    wrong_user,             // For a subscription of somebody else.
    wrong_channel,          // For a subscription to something else.
    wrong_client,           // For a subscription of another connection.
};
inline constexpr std::size_t reasons_count = static_cast<std::size_t>(Reason::wrong_client) + 1;

/// A phrase for logs. Static storage.
[[nodiscard]] std::string_view to_string(Reason reason) noexcept;

/// What a client is told, and can do about it.
enum class Answer : std::uint8_t {
    token_expired,  ///< Come back with a new one (Centrifuge: error 109).
    invalid_token,  ///< Do not come back (Centrifuge: disconnect 3500).
};

[[nodiscard]] constexpr Answer answer_to(Reason reason) noexcept {
    return reason == Reason::expired ? Answer::token_expired : Answer::invalid_token;
}

}  // namespace ringcast::auth
