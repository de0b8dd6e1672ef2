#include "auth/key.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rsa.h>

#include "auth/openssl.hpp"
#include "base/assert.hpp"

namespace ringcast::auth {

namespace {

constexpr std::array hmac_algorithms{Algorithm::hs256, Algorithm::hs384, Algorithm::hs512};
constexpr std::array rsa_algorithms{Algorithm::rs256, Algorithm::rs384, Algorithm::rs512,
                                    Algorithm::ps256, Algorithm::ps384, Algorithm::ps512};

const char* digest_name(Algorithm algorithm) noexcept {
    switch (hash_bits(algorithm)) {
        case 256: return "SHA256";
        case 384: return "SHA384";
        case 512: return "SHA512";
        default: return nullptr;  // EdDSA has its own.
    }
}

bool is_pss(Algorithm algorithm) noexcept {
    return algorithm == Algorithm::ps256 || algorithm == Algorithm::ps384 ||
           algorithm == Algorithm::ps512;
}

/// Octets of each of the two numbers of an ECDSA signature (RFC 7518 section 3.4); 0 for others.
std::size_t coordinate_bytes(Algorithm algorithm) noexcept {
    switch (algorithm) {
        case Algorithm::es256: return 32;
        case Algorithm::es384: return 48;
        case Algorithm::es512: return 66;
        default: return 0;
    }
}

/// What everybody may know must not do as a secret, or whoever knows it could sign with HS256
/// (RFC 8725 section 2.1).
bool is_public_key(std::string_view secret) {
    constexpr std::array<std::string_view, 4> begins{"ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"};
    const auto begins_with = [secret](std::string_view begin) { return secret.starts_with(begin); };
    if (secret.contains("-----BEGIN ") || std::ranges::any_of(begins, begins_with)) return true;
    if (secret.contains("\"kty\"")) return true;
    const auto size = static_cast<long>(secret.size());
    const unsigned char* in = octets_of(secret);
    if (KeyPointer{d2i_PUBKEY(nullptr, &in, size)}) return true;
    in = octets_of(secret);
    return CertificatePointer{d2i_X509(nullptr, &in, size)} != nullptr;
}

/// As editors leave it behind.
std::string_view without_line_end(std::string_view text) {
    if (text.ends_with('\n')) text.remove_suffix(1);
    if (text.ends_with('\r')) text.remove_suffix(1);
    return text;
}

/// The curve's algorithm, by either of OpenSSL's names for it.
std::optional<Algorithm> algorithm_of_curve(const EVP_PKEY* key) {
    std::array<char, 64> name{};
    if (EVP_PKEY_get_group_name(key, name.data(), name.size(), nullptr) != 1) return std::nullopt;
    const std::string_view curve{name.data()};
    if (curve == "prime256v1" || curve == "P-256") return Algorithm::es256;
    if (curve == "secp384r1" || curve == "P-384") return Algorithm::es384;
    if (curve == "secp521r1" || curve == "P-521") return Algorithm::es512;
    return std::nullopt;
}

/// With an even exponent, or with 1, anybody can sign.
bool has_sound_exponent(const EVP_PKEY* key) {
    BIGNUM* number = nullptr;
    if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &number) != 1) return false;
    const NumberPointer exponent{number};
    return BN_is_odd(number) == 1 && BN_is_one(number) == 0;
}

/// The DER form that OpenSSL reads of two numbers side by side (RFC 7518 section 3.4).
std::string der_signature(std::string_view numbers) {
    const int size = static_cast<int>(numbers.size() / 2);
    NumberPointer r{BN_bin2bn(octets_of(numbers), size, nullptr)};
    NumberPointer s{BN_bin2bn(octets_of(numbers) + size, size, nullptr)};
    const SignaturePointer both{ECDSA_SIG_new()};
    RC_ASSERT(r && s && both);
    RC_ASSERT(ECDSA_SIG_set0(both.get(), r.release(), s.release()) == 1);
    std::string der(static_cast<std::size_t>(i2d_ECDSA_SIG(both.get(), nullptr)), '\0');
    auto* out = reinterpret_cast<unsigned char*>(der.data());
    RC_ASSERT(i2d_ECDSA_SIG(both.get(), &out) == static_cast<int>(der.size()));
    return der;
}

}  // namespace

std::expected<Key, std::string> Key::from_secret(std::string_view content) {
    const ErrorQueueGuard guard;
    // As it is: the last octet of a binary key may be a line end.
    if (is_public_key(content)) return std::unexpected{"it is a key of another kind, not a secret"};
    const std::string_view secret = without_line_end(content);
    if (secret.size() < secret_bytes_min) {
        return std::unexpected{std::to_string(secret.size()) + " bytes are too few for a secret; " +
                               std::to_string(secret_bytes_min) + " are needed"};
    }
    Key key;
    for (const Algorithm algorithm : hmac_algorithms) {
        if (secret.size() >= hash_bits(algorithm) / 8)
            RC_ASSERT(key.add_secret_check(algorithm, secret));
    }
    return key;
}

std::expected<Key, std::string> Key::from_public_key(evp_pkey_st* public_key) {
    const ErrorQueueGuard guard;
    std::vector<Algorithm> algorithms;
    const bool is_pss_only = EVP_PKEY_is_a(public_key, "RSA-PSS") == 1;
    if (EVP_PKEY_is_a(public_key, "RSA") == 1 || is_pss_only) {
        if (const int bits = EVP_PKEY_get_bits(public_key); bits < rsa_bits_min) {
            return std::unexpected{"an RSA key of " + std::to_string(bits) + " bits; at least " +
                                   std::to_string(rsa_bits_min) + " are needed"};
        }
        if (!has_sound_exponent(public_key))
            return std::unexpected{"an RSA key whose exponent is even or 1"};
        for (const Algorithm algorithm : rsa_algorithms) {
            if (is_pss(algorithm) || !is_pss_only) algorithms.push_back(algorithm);
        }
    } else if (EVP_PKEY_is_a(public_key, "EC") == 1) {
        const auto algorithm = algorithm_of_curve(public_key);
        if (!algorithm) return std::unexpected{"a key on a curve other than P-256, P-384, P-521"};
        algorithms.push_back(*algorithm);
    } else if (EVP_PKEY_is_a(public_key, "ED25519") == 1) {
        algorithms.push_back(Algorithm::eddsa);
    } else {
        return std::unexpected{"a key of a kind other than RSA, EC and Ed25519"};
    }
    Key key;
    // Keys for RSA-PSS may be for some of its digests only.
    for (const Algorithm algorithm : algorithms) (void)key.add_public_check(algorithm, public_key);
    if (key.checks_.empty()) return std::unexpected{"a key that OpenSSL cannot use"};
    return key;
}

Key::Key(const Key& other) {
    for (const Check& check : other.checks_)
        checks_.push_back({check.algorithm, copy(check.mac), copy(check.digest)});
}

Key& Key::operator=(const Key& other) {
    return *this = Key{other};
}

bool Key::restrict_to(Algorithm algorithm) noexcept {
    if (!is_for(algorithm)) return false;
    std::erase_if(checks_, [=](const Check& check) { return check.algorithm != algorithm; });
    return true;
}

bool Key::is_for(Algorithm algorithm) const noexcept {
    return find(algorithm) != nullptr;
}

bool Key::shares_algorithm_with(const Key& other) const noexcept {
    return std::ranges::any_of(
        checks_, [&other](const Check& check) { return other.is_for(check.algorithm); });
}

bool Key::verifies(Algorithm algorithm, std::string_view input,
                   std::string_view signature) const noexcept {
    const Check* const check = find(algorithm);
    if (check == nullptr) return false;
    const ErrorQueueGuard guard;
    if (check->mac) {
        const Mac mac = copy(check->mac);
        std::array<unsigned char, EVP_MAX_MD_SIZE> expected;
        std::size_t size = 0;
        if (EVP_MAC_update(mac.get(), octets_of(input), input.size()) != 1 ||
            EVP_MAC_final(mac.get(), expected.data(), &size, expected.size()) != 1)
            return false;
        return signature.size() == size &&
               CRYPTO_memcmp(signature.data(), expected.data(), size) == 0;
    }
    std::string der;
    if (const std::size_t size = coordinate_bytes(algorithm); size != 0) {
        if (signature.size() != 2 * size) return false;
        signature = der = der_signature(signature);
    }
    const Digest digest = copy(check->digest);
    return EVP_DigestVerify(digest.get(), octets_of(signature), signature.size(), octets_of(input),
                            input.size()) == 1;
}

bool Key::add_secret_check(Algorithm algorithm, std::string_view secret) {
    const MacTypePointer type{EVP_MAC_fetch(nullptr, "HMAC", nullptr)};
    Mac mac{EVP_MAC_CTX_new(type.get())};
    std::string digest = digest_name(algorithm);
    const std::array parameters{
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
        OSSL_PARAM_construct_end()};
    if (EVP_MAC_init(mac.get(), octets_of(secret), secret.size(), parameters.data()) != 1)
        return false;
    checks_.push_back({algorithm, std::move(mac), nullptr});
    return true;
}

bool Key::add_public_check(Algorithm algorithm, evp_pkey_st* key) {
    Digest digest{EVP_MD_CTX_new()};
    EVP_PKEY_CTX* parameters = nullptr;  // The digest's own.
    if (EVP_DigestVerifyInit_ex(digest.get(), &parameters, digest_name(algorithm), nullptr, nullptr,
                                key, nullptr) != 1)
        return false;
    if (is_pss(algorithm) &&
        (EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) != 1 ||
         EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) != 1))
        return false;  // The mask's digest is the same (RFC 7518 section 3.5).
    checks_.push_back({algorithm, nullptr, std::move(digest)});
    return true;
}

Key::Mac Key::copy(const Mac& mac) noexcept {
    if (!mac) return nullptr;
    Mac copied{EVP_MAC_CTX_dup(mac.get())};
    RC_ASSERT(copied != nullptr);
    return copied;
}

Key::Digest Key::copy(const Digest& digest) noexcept {
    if (!digest) return nullptr;
    Digest copied{EVP_MD_CTX_new()};
    RC_ASSERT(copied && EVP_MD_CTX_copy_ex(copied.get(), digest.get()) == 1);
    return copied;
}

const Key::Check* Key::find(Algorithm algorithm) const noexcept {
    const auto found = std::ranges::find(checks_, algorithm, &Check::algorithm);
    return found == checks_.end() ? nullptr : &*found;
}

void Key::FreeMac::operator()(evp_mac_ctx_st* context) const noexcept {
    EVP_MAC_CTX_free(context);
}

void Key::FreeDigest::operator()(evp_md_ctx_st* context) const noexcept {
    EVP_MD_CTX_free(context);
}

}  // namespace ringcast::auth
