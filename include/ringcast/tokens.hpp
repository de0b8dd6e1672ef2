#pragma once
// Where the keys come from that clients' tokens (JSON Web Tokens, RFC 7519) are checked with.

#include <chrono>
#include <string>
#include <vector>

namespace ringcast {

/// Files of keys that are replaced together.
struct TokenKeyFiles {
    /// Each has a secret: HS256 needs 32 bytes, HS384 48, HS512 64. A line feed at its end is none.
    std::vector<std::string> secret_files{};
    /// PEM files with public keys or certificates: RSA from 2048 bits on, EC, Ed25519.
    std::vector<std::string> public_key_files{};
};

/// Without any file there are no tokens.
struct TokenSettings {
    TokenKeyFiles keys{};
    /// A JSON file with public keys (JWKS, RFC 7517), whose names tokens give as `kid`.
    std::string jwks_file{};
    /// What was in `keys` before, for tokens that are still about: taken until `previous_until`.
    TokenKeyFiles previous_keys{};
    std::chrono::sys_seconds previous_until{};
    /// What `iss` has to be, and one of `aud`; empty: anything.
    std::string issuer{};
    std::string audience{};
    /// By how much the clocks of those who make tokens may differ from ours.
    std::chrono::seconds leeway{0};
    /// Where a token is looked for besides `Authorization: Bearer`, in this order; empty: not
    /// there. A query is seen by proxies and their logs.
    std::string subprotocol_prefix{};
    std::string cookie{};
    std::string query_parameter{};
};

}  // namespace ringcast
