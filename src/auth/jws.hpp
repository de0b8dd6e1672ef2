#pragma once
// The signature around a token's claims (RFC 7515).
//
// By OpenSSL, and not by libjose 11, which accepts an unknown `crit` (section 4.1.11 forbids that)
// and a header with two `alg`, knows no EdDSA, and builds a key anew for each token.

#include <chrono>
#include <expected>
#include <string>
#include <string_view>

#include "auth/key_set.hpp"
#include "auth/reason.hpp"

namespace ringcast::auth {

/// What somebody with one of `keys` has signed: the octets of the payload. The token is in compact
/// serialization (section 7.1).
[[nodiscard]] std::expected<std::string, Reason> open_jws(std::string_view token,
                                                          const KeySet& keys,
                                                          std::chrono::sys_seconds now);

}  // namespace ringcast::auth
