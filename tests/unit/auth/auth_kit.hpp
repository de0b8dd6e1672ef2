#pragma once
// What the tests of this layer share: keys, and a token's fate in one line.

#include <chrono>
#include <doctest/doctest.h>
#include <string>
#include <string_view>
#include <vector>

#include "auth/key_set.hpp"
#include "auth/verify.hpp"
#include "support/token_signer.hpp"

namespace ringcast::auth {

inline constexpr std::chrono::sys_seconds now{std::chrono::seconds{1'700'000'000}};

/// An RSA key pair; made once, as that takes long. `number` tells apart two.
inline const test::TokenSigner& rsa_signer(std::size_t number = 0) {
    static const test::TokenSigner signers[] = {test::TokenSigner{Algorithm::rs256},
                                                test::TokenSigner{Algorithm::rs256}};
    return signers[number];
}

/// One for each algorithm with a public key.
inline test::TokenSigner signer_for(Algorithm algorithm, std::size_t number = 0) {
    const std::string_view name = to_string(algorithm);
    const bool is_rsa = name.starts_with("RS") || name.starts_with("PS");
    return is_rsa ? rsa_signer(number).with(algorithm) : test::TokenSigner{algorithm};
}

inline KeyFile file(std::string name, std::string_view text) {
    return {std::move(name), Secret{text}};
}

inline KeySet load(const KeySources& sources) {
    auto loaded = KeySet::load(sources);
    REQUIRE_MESSAGE(loaded.has_value(), (loaded ? "" : loaded.error()));
    return std::move(loaded->keys);
}

inline KeySet secret_keys(std::string_view secret) {
    KeySources sources;
    sources.current.secrets.push_back(file("secret", secret));
    return load(sources);
}

inline KeySet public_keys(std::string_view pem) {
    KeySources sources;
    sources.current.public_keys.push_back(file("key.pem", pem));
    return load(sources);
}

inline KeySet jwks(std::string_view text) {
    KeySources sources;
    sources.jwks = file("jwks.json", text);
    return load(sources);
}

/// `accepted`, or the reason.
inline std::string fate_of(std::string_view token, const KeySet& keys, const Rules& rules = {},
                           std::chrono::sys_seconds time = now) {
    const auto claims = verify_connection(token, keys, rules, time);
    return claims ? "accepted" : std::string{to_string(claims.error())};
}

inline std::string fate(Reason reason) {
    return std::string{to_string(reason)};
}

}  // namespace ringcast::auth
