#pragma once
// Who the server is: a certificate, what leads from it to its issuer, and its private key. From PEM
// (RFC 7468) that somebody else has read.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/secret.hpp"

namespace ringcast::tls {

/// Why a context could not be made.
enum class LoadReason : std::uint8_t {
    no_identity,            // There has to be at least one.
    no_certificate,         // The text holds none.
    malformed_certificate,  // What looks like one is none.
    no_key,                 // The text holds no private key.
    encrypted_key,          // Nobody is there to be asked for the password.
    malformed_key,          // What looks like one is none.
    key_mismatch,           // The private key belongs to another certificate.
    refused_identity,       // By OpenSSL: the key is too short, the digest too weak.
    bad_ciphers,            // The list names none that is known.
    bad_cipher_suites,      // The list names one that is not known.
    bad_client_ca,          // The text holds no certificate, or what looks like one is none.
};

/// One line for the operator, which starts with the name of the file.
struct [[nodiscard]] LoadError {
    LoadReason reason;
    std::string text;
};

/// An identity as it comes from files. Both texts may be the same, of one file that holds all; so
/// either is a secret.
struct Identity {
    std::string certificate_name;  ///< What messages call the certificates: their file.
    Secret certificate_pem;        ///< The server's own first, then its issuer's and so on.
    std::string key_name;
    Secret key_pem;
};

/// Whether `pem` has what at least looks like one, encrypted or not.
[[nodiscard]] constexpr bool holds_private_key(std::string_view pem) noexcept {
    return pem.contains("PRIVATE KEY-----");
}

}  // namespace ringcast::tls
