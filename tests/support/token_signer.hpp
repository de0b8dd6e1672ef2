#pragma once
// Signs tokens for tests, and shows their keys as PEM and as JWK. Keys are made when a test runs:
// none lies in the repository.

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string>
#include <string_view>

#include "auth/algorithm.hpp"
#include "base/assert.hpp"

namespace ringcast::test {

inline std::string base64url(std::string_view octets) {
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string text;
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const char octet : octets) {
        bits = bits << 8 | static_cast<std::uint8_t>(octet);
        for (count += 8; count >= 6;) text += digits[bits >> (count -= 6) & 63];
    }
    if (count > 0) text += digits[bits << (6 - count) & 63];
    return text;
}

/// A key pair, or a secret, and the algorithm that it signs with.
class TokenSigner {
public:
    /// `bits`: of RSA keys.
    explicit TokenSigner(auth::Algorithm algorithm, unsigned bits = 2048) : algorithm_{algorithm} {
        using enum auth::Algorithm;
        switch (algorithm) {
            case hs256:
            case hs384:
            case hs512: secret_ = std::string(64, 's'); return;
            case es256: key_.reset(EVP_EC_gen("P-256"), EVP_PKEY_free); return;
            case es384: key_.reset(EVP_EC_gen("P-384"), EVP_PKEY_free); return;
            case es512: key_.reset(EVP_EC_gen("P-521"), EVP_PKEY_free); return;
            case eddsa:
                key_.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), EVP_PKEY_free);
                return;
            default: key_.reset(EVP_RSA_gen(bits), EVP_PKEY_free);
        }
    }
    TokenSigner(auth::Algorithm algorithm, std::string secret)
        : algorithm_{algorithm}, secret_{std::move(secret)} {}

    /// The same key, for another algorithm.
    [[nodiscard]] TokenSigner with(auth::Algorithm algorithm) const {
        TokenSigner other = *this;
        other.algorithm_ = algorithm;
        return other;
    }

    [[nodiscard]] const std::string& secret() const { return secret_; }

    /// A token with those claims; the header names the algorithm.
    [[nodiscard]] std::string sign(std::string_view claims) const {
        return sign(R"({"alg":")" + std::string{to_string(algorithm_)} + R"(","typ":"JWT"})",
                    claims);
    }
    [[nodiscard]] std::string sign(std::string_view header, std::string_view claims) const {
        return sign_input(base64url(header) + "." + base64url(claims));
    }
    /// `input` with its signature behind it.
    [[nodiscard]] std::string sign_input(const std::string& input) const {
        return input + "." + base64url(signature_of(input));
    }

    [[nodiscard]] std::string public_pem() const {
        const std::unique_ptr<BIO, decltype(&BIO_free)> bio{BIO_new(BIO_s_mem()), BIO_free};
        PEM_write_bio_PUBKEY(bio.get(), key_.get());
        return text_of(bio.get());
    }
    [[nodiscard]] std::string private_pem() const {
        const std::unique_ptr<BIO, decltype(&BIO_free)> bio{BIO_new(BIO_s_mem()), BIO_free};
        PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
        return text_of(bio.get());
    }
    [[nodiscard]] std::string public_der() const {
        std::string der(static_cast<std::size_t>(i2d_PUBKEY(key_.get(), nullptr)), '\0');
        auto* out = reinterpret_cast<unsigned char*>(der.data());
        i2d_PUBKEY(key_.get(), &out);
        return der;
    }
    /// The members of the public key's JWK; `more` stands among them: `,"kid":"1"`.
    [[nodiscard]] std::string jwk(std::string_view more = {}) const {
        std::string text;
        if (EVP_PKEY_is_a(key_.get(), "RSA") == 1) {
            text = R"({"kty":"RSA","n":")" + number(OSSL_PKEY_PARAM_RSA_N) + R"(","e":")" +
                   number(OSSL_PKEY_PARAM_RSA_E) + '"';
        } else if (EVP_PKEY_is_a(key_.get(), "EC") == 1) {
            const std::size_t size = coordinate_bytes();
            const std::string curve = size == 32 ? "P-256" : size == 48 ? "P-384" : "P-521";
            text = R"({"kty":"EC","crv":")" + curve + R"(","x":")" +
                   number(OSSL_PKEY_PARAM_EC_PUB_X, size) + R"(","y":")" +
                   number(OSSL_PKEY_PARAM_EC_PUB_Y, size) + '"';
        } else {
            std::array<unsigned char, 32> octets;
            std::size_t size = octets.size();
            RC_ASSERT(EVP_PKEY_get_raw_public_key(key_.get(), octets.data(), &size) == 1);
            text = R"({"kty":"OKP","crv":"Ed25519","x":")" +
                   base64url({reinterpret_cast<const char*>(octets.data()), size}) + '"';
        }
        return text.append(more) + "}";
    }

private:
    [[nodiscard]] std::size_t coordinate_bytes() const {
        const int bits = EVP_PKEY_get_bits(key_.get());
        return static_cast<std::size_t>(bits + 7) / 8;
    }
    [[nodiscard]] std::string number(const char* name, std::size_t size = 0) const {
        BIGNUM* value = nullptr;
        RC_ASSERT(EVP_PKEY_get_bn_param(key_.get(), name, &value) == 1);
        std::string octets(size == 0 ? static_cast<std::size_t>(BN_num_bytes(value)) : size, '\0');
        BN_bn2binpad(value, reinterpret_cast<unsigned char*>(octets.data()),
                     static_cast<int>(octets.size()));
        BN_free(value);
        return base64url(octets);
    }
    [[nodiscard]] static std::string text_of(BIO* bio) {
        const char* text = nullptr;
        const long size = BIO_get_mem_data(bio, &text);
        return {text, static_cast<std::size_t>(size)};
    }
    [[nodiscard]] const EVP_MD* digest() const {
        switch (hash_bits(algorithm_)) {
            case 256: return EVP_sha256();
            case 384: return EVP_sha384();
            case 512: return EVP_sha512();
            default: return nullptr;
        }
    }
    [[nodiscard]] std::string signature_of(std::string_view input) const {
        const auto* octets = reinterpret_cast<const unsigned char*>(input.data());
        if (!key_) {
            std::array<unsigned char, EVP_MAX_MD_SIZE> mac;
            unsigned size = 0;
            HMAC(digest(), secret_.data(), static_cast<int>(secret_.size()), octets, input.size(),
                 mac.data(), &size);
            return {reinterpret_cast<const char*>(mac.data()), size};
        }
        const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(),
                                                                              EVP_MD_CTX_free};
        EVP_PKEY_CTX* parameters = nullptr;
        RC_ASSERT(EVP_DigestSignInit(context.get(), &parameters, digest(), nullptr, key_.get()) ==
                  1);
        if (to_string(algorithm_).starts_with("PS")) {
            EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING);
            EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST);
        }
        std::size_t size = 0;
        EVP_DigestSign(context.get(), nullptr, &size, octets, input.size());
        std::string signature(size, '\0');
        auto* out = reinterpret_cast<unsigned char*>(signature.data());
        RC_ASSERT(EVP_DigestSign(context.get(), out, &size, octets, input.size()) == 1);
        signature.resize(size);
        return EVP_PKEY_is_a(key_.get(), "EC") == 1 ? side_by_side(signature) : signature;
    }
    [[nodiscard]] std::string side_by_side(const std::string& der) const {
        const auto* in = reinterpret_cast<const unsigned char*>(der.data());
        ECDSA_SIG* const both = d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(der.size()));
        const int size = static_cast<int>(coordinate_bytes());
        std::string octets(2 * coordinate_bytes(), '\0');
        auto* const out = reinterpret_cast<unsigned char*>(octets.data());
        BN_bn2binpad(ECDSA_SIG_get0_r(both), out, size);
        BN_bn2binpad(ECDSA_SIG_get0_s(both), out + size, size);
        ECDSA_SIG_free(both);
        return octets;
    }

    auth::Algorithm algorithm_;
    std::string secret_;
    std::shared_ptr<EVP_PKEY> key_;
};

}  // namespace ringcast::test
