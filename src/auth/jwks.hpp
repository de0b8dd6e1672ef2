#pragma once
// Sets of JSON Web Keys (RFC 7517 section 5).

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/key.hpp"

namespace ringcast::auth {

struct Jwk {
    Key key;
    std::optional<std::string> id;  ///< `kid`
};

struct Jwks {
    std::vector<Jwk> keys;             ///< Those for signatures, in their order.
    std::vector<std::string> skipped;  ///< A sentence for each other.
};

/// RSA, EC and Ed25519 keys, for the `alg` that they name, else for all of their type. Keys of
/// other kinds, for other uses, too weak, or secret (a set of keys is for everybody to read) are
/// skipped. The error is a phrase.
[[nodiscard]] std::expected<Jwks, std::string> parse_jwks(std::string_view text);

}  // namespace ringcast::auth
