#pragma once
// TLS, for listeners at `wss://`.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace ringcast {

enum class TlsVersion : std::uint8_t { tls_1_2, tls_1_3 };

/// What a client without a certificate meets where `client_ca` is given.
enum class ClientCertificates : std::uint8_t {
    required,  ///< An alert.
    optional,  ///< Nothing; but a certificate that is shown has to be valid.
};

/// Two PEM files. The first holds the server's certificate and then its issuers, as far as clients
/// do not know them (`fullchain.pem`); without a key file it holds the private key, too.
struct TlsCertificate {
    std::string certificate_file;
    std::string key_file{};
};

/// Files are read when the server starts and by Server::reload_certificates().
struct TlsSettings {
    /// By the names in them the client's wish is answered (SNI); the first is for all others. A
    /// server may have one for the same names with RSA and one with ECDSA.
    std::vector<TlsCertificate> certificates{};
    /// More of them, in the order of their names: each `NAME.crt` or `NAME.pem` with `NAME.key` or
    /// `NAME-key.pem`, or with its key in itself; each folder with `fullchain.pem` and
    /// `privkey.pem`. A folder with one of the two, and what cannot be looked at, is an error.
    std::string directory{};
    /// PEM file with the issuers of clients' certificates; empty: clients are asked for none.
    std::string client_ca_file{};
    ClientCertificates client_certificates = ClientCertificates::required;

    TlsVersion version_min = TlsVersion::tls_1_2;
    /// Of TLS 1.2 and 1.3, as OpenSSL names them, separated by colons. Empty: Mozilla's
    /// "intermediate" configuration.
    std::string ciphers{};
    std::string cipher_suites{};

    /// How long a client may come back with a session ticket, at most; at least half as long.
    std::chrono::nanoseconds ticket_lifetime = std::chrono::hours{12};
    /// Steps of handshakes that a shard answers before it serves its other connections again, each
    /// of 0.1 to 0.5 ms.
    std::uint32_t handshakes_per_turn = 4;
};

}  // namespace ringcast
