#pragma once
// Public keys as PEM (RFC 7468).

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "auth/key.hpp"

namespace ringcast::auth {

/// All keys in `pem`, at least one: PUBLIC KEY, RSA PUBLIC KEY, or that of a CERTIFICATE, of which
/// nothing else is looked at. The error is a phrase; a private key, of which nothing is read, and
/// anything else between BEGIN and END are errors.
[[nodiscard]] std::expected<std::vector<Key>, std::string> keys_in_pem(std::string_view pem);

}  // namespace ringcast::auth
