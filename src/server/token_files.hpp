#pragma once
// From the files that token settings name to keys.

#include <expected>
#include <string>

#include "auth/key_set.hpp"
#include "auth/verify.hpp"
#include "http/credentials.hpp"
#include "ringcast/tokens.hpp"

namespace ringcast::server {

/// Whether clients may have tokens at all.
[[nodiscard]] bool has_token_keys(const TokenSettings& settings) noexcept;

/// Reads and checks all of it. The error is one sentence that names the file.
[[nodiscard]] std::expected<auth::LoadedKeys, std::string> load_token_keys(
    const TokenSettings& settings);

[[nodiscard]] auth::Rules token_rules(const TokenSettings& settings);
[[nodiscard]] http::TokenPlaces token_places(const TokenSettings& settings);

}  // namespace ringcast::server
