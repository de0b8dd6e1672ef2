#pragma once
// OpenSSL's objects with one owner each. Only for the sources of this layer: its interfaces name
// the types by forward declarations.

#include <memory>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string_view>

#include "base/freed_by.hpp"

namespace ringcast::tls {

using BioPointer = std::unique_ptr<BIO, FreedBy<BIO_free>>;
using X509Pointer = std::unique_ptr<X509, FreedBy<X509_free>>;
using KeyPointer = std::unique_ptr<EVP_PKEY, FreedBy<EVP_PKEY_free>>;
using DigestPointer = std::unique_ptr<EVP_MD_CTX, FreedBy<EVP_MD_CTX_free>>;
using StorePointer = std::unique_ptr<X509_STORE, FreedBy<X509_STORE_free>>;
using SslContextPointer = std::unique_ptr<SSL_CTX, FreedBy<SSL_CTX_free>>;

/// Reads from `text`, which must outlive it.
[[nodiscard]] inline BioPointer bio_over(std::string_view text) {
    return BioPointer{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

/// An entry of the error queue.
struct ErrorEntry {
    unsigned long code = 0;
    std::string_view text = "unknown error";  // Static memory.
};

/// Empties this thread's error queue. Of what it held, the oldest entry of libssl: what a provider
/// has said before it is no more than how it came to that.
[[nodiscard]] inline ErrorEntry take_error() noexcept {
    unsigned long code = 0;
    while (const unsigned long next = ERR_get_error()) {
        if (code == 0 || (ERR_GET_LIB(code) != ERR_LIB_SSL && ERR_GET_LIB(next) == ERR_LIB_SSL))
            code = next;
    }
    const char* const text = ERR_reason_error_string(code);
    return text == nullptr ? ErrorEntry{code} : ErrorEntry{code, text};
}

}  // namespace ringcast::tls
