#pragma once
// A key that signatures of tokens are checked with, bound to the algorithms that its type is for:
// which one a token names never decides what a key is taken for (RFC 8725 section 3.1).

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "auth/algorithm.hpp"

struct evp_mac_ctx_st;
struct evp_md_ctx_st;
struct evp_pkey_st;

namespace ringcast::auth {

/// Fewer bytes can be guessed (RFC 7518 section 3.2).
inline constexpr std::size_t secret_bytes_min = 32;
/// Likewise (RFC 7518 section 3.3).
inline constexpr int rsa_bits_min = 2048;

/// Holds what each algorithm needs, ready to be used: no key is parsed and no algorithm looked up
/// for a token. Immutable; copies share the public key by a count of OpenSSL's own, so that they
/// may be made, used and dropped on different threads. The secret lives within OpenSSL only, which
/// wipes it.
class Key {
public:
    /// For HMAC: HS256, from 48 bytes on HS384, from 64 on HS512 (RFC 7518 section 3.2). A line end
    /// behind the secret is not part of it. The error is a phrase. What is a public key in any of
    /// its usual forms is no secret.
    [[nodiscard]] static std::expected<Key, std::string> from_secret(std::string_view content);
    /// RSA: RS and PS. EC: the one of ES256, ES384 and ES512 for its curve. Ed25519: EdDSA. The
    /// error is a phrase. `key` is counted once more.
    [[nodiscard]] static std::expected<Key, std::string> from_public_key(evp_pkey_st* key);

    Key(const Key& other);
    Key(Key&&) noexcept = default;
    Key& operator=(const Key& other);
    Key& operator=(Key&&) noexcept = default;
    ~Key() = default;

    /// From now on for that one alone; false, and nothing changes, if the key is not for it.
    [[nodiscard]] bool restrict_to(Algorithm algorithm) noexcept;
    [[nodiscard]] bool is_for(Algorithm algorithm) const noexcept;
    [[nodiscard]] bool shares_algorithm_with(const Key& other) const noexcept;
    /// Whether `signature`, as octets, is that of `input`. False if the key is not for `algorithm`.
    /// Takes the same time for all wrong HMACs.
    [[nodiscard]] bool verifies(Algorithm algorithm, std::string_view input,
                                std::string_view signature) const noexcept;

private:
    struct FreeMac {
        void operator()(evp_mac_ctx_st* context) const noexcept;
    };
    struct FreeDigest {
        void operator()(evp_md_ctx_st* context) const noexcept;
    };
    using Mac = std::unique_ptr<evp_mac_ctx_st, FreeMac>;
    using Digest = std::unique_ptr<evp_md_ctx_st, FreeDigest>;

    /// A signature's check that has begun and seen no input; copied for each token. One of both.
    struct Check {
        Algorithm algorithm;
        Mac mac;
        Digest digest;
    };

    Key() = default;
    bool add_secret_check(Algorithm algorithm, std::string_view secret);
    bool add_public_check(Algorithm algorithm, evp_pkey_st* key);
    [[nodiscard]] static Mac copy(const Mac& mac) noexcept;
    [[nodiscard]] static Digest copy(const Digest& digest) noexcept;
    [[nodiscard]] const Check* find(Algorithm algorithm) const noexcept;

    std::vector<Check> checks_;  // Not empty, but for what was moved from.
};

}  // namespace ringcast::auth
