#pragma once
// OpenSSL's objects with one owner each. Only for the sources of this layer.

#include <memory>
#include <openssl/bio.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <string_view>

#include "base/freed_by.hpp"

namespace ringcast::auth {

using BioPointer = std::unique_ptr<BIO, FreedBy<BIO_free>>;
using KeyPointer = std::unique_ptr<EVP_PKEY, FreedBy<EVP_PKEY_free>>;
using KeyContextPointer = std::unique_ptr<EVP_PKEY_CTX, FreedBy<EVP_PKEY_CTX_free>>;
using CertificatePointer = std::unique_ptr<X509, FreedBy<X509_free>>;
using NumberPointer = std::unique_ptr<BIGNUM, FreedBy<BN_free>>;
using SignaturePointer = std::unique_ptr<ECDSA_SIG, FreedBy<ECDSA_SIG_free>>;
using MacTypePointer = std::unique_ptr<EVP_MAC, FreedBy<EVP_MAC_free>>;
using ParametersBuilderPointer = std::unique_ptr<OSSL_PARAM_BLD, FreedBy<OSSL_PARAM_BLD_free>>;
using ParametersPointer = std::unique_ptr<OSSL_PARAM, FreedBy<OSSL_PARAM_free>>;

/// Nothing that fails here is told in OpenSSL's words: empties this thread's error queue at the end
/// of a scope, or TLS would find there what is none of its own.
class ErrorQueueGuard {
public:
    ErrorQueueGuard() = default;
    ErrorQueueGuard(const ErrorQueueGuard&) = delete;
    ErrorQueueGuard& operator=(const ErrorQueueGuard&) = delete;
    ~ErrorQueueGuard() { ERR_clear_error(); }
};

[[nodiscard]] inline const unsigned char* octets_of(std::string_view text) noexcept {
    return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace ringcast::auth
