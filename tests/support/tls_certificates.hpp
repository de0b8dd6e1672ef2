#pragma once
// Keys and certificates, made when a test runs: none lies in the repository.

#include <cstdint>
#include <memory>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string>
#include <string_view>

#include "base/assert.hpp"
#include "tls/identity.hpp"

namespace ringcast::test {

enum class KeyKind { p256, ed25519, rsa_1024, rsa_2048 };

/// An owned certificate with its key.
struct Certified {
    std::shared_ptr<EVP_PKEY> key;
    std::shared_ptr<X509> certificate;

    [[nodiscard]] std::string certificate_pem() const {
        const std::unique_ptr<BIO, decltype(&BIO_free)> bio{BIO_new(BIO_s_mem()), BIO_free};
        PEM_write_bio_X509(bio.get(), certificate.get());
        return text_of(bio.get());
    }
    /// Encrypted if there is a password.
    [[nodiscard]] std::string key_pem(const char* password = nullptr) const {
        const std::unique_ptr<BIO, decltype(&BIO_free)> bio{BIO_new(BIO_s_mem()), BIO_free};
        PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(),
                                      password == nullptr ? nullptr : EVP_aes_256_cbc(), password,
                                      password == nullptr ? 0 : 4, nullptr, nullptr);
        return text_of(bio.get());
    }
    [[nodiscard]] tls::Identity identity() const {
        return {.certificate_name = "server.crt",
                .certificate_pem = Secret{std::string_view{certificate_pem()}},
                .key_name = "server.key",
                .key_pem = Secret{std::string_view{key_pem()}}};
    }

private:
    static std::string text_of(BIO* bio) {
        const char* text = nullptr;
        const long size = BIO_get_mem_data(bio, &text);
        return {text, static_cast<std::size_t>(size)};
    }
};

struct CertificateRequest {
    const char* common_name = "ringcast test";
    const char* names = "";  ///< subjectAltName, as DNS:a.example,DNS:*.b.example
    KeyKind key_kind = KeyKind::p256;
    const Certified* issuer = nullptr;  ///< Null: it signs itself.
    bool is_ca = false;
    long days = 30;  ///< From now to its end; it began a year before that.
};

inline std::shared_ptr<EVP_PKEY> make_key(KeyKind kind) {
    EVP_PKEY* key = nullptr;
    switch (kind) {
        case KeyKind::p256: key = EVP_EC_gen("P-256"); break;
        case KeyKind::ed25519: key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"); break;
        case KeyKind::rsa_1024: key = EVP_RSA_gen(1024); break;
        case KeyKind::rsa_2048: key = EVP_RSA_gen(2048); break;
    }
    RC_ASSERT(key != nullptr);
    return {key, EVP_PKEY_free};
}

inline void add_extension(X509* certificate, int id, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, id, value);
    RC_ASSERT(extension != nullptr);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

inline Certified issue(const CertificateRequest& request) {
    constexpr long day = 24 * 60 * 60;
    static long serial = 0;
    const Certified made{make_key(request.key_kind), {X509_new(), X509_free}};
    X509* const certificate = made.certificate.get();
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), (request.days - 365) * day);
    X509_gmtime_adj(X509_getm_notAfter(certificate), request.days * day);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(request.common_name), -1, -1,
                               0);
    X509_set_pubkey(certificate, made.key.get());
    const Certified& issuer = request.issuer == nullptr ? made : *request.issuer;
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer.certificate.get()));
    if (request.is_ca) add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    if (*request.names != '\0') add_extension(certificate, NID_subject_alt_name, request.names);
    // Ed25519 has a digest of its own.
    const bool has_digest = EVP_PKEY_get_base_id(issuer.key.get()) == EVP_PKEY_ED25519;
    RC_ASSERT(X509_sign(certificate, issuer.key.get(), has_digest ? nullptr : EVP_sha256()) > 0);
    return made;
}

}  // namespace ringcast::test
