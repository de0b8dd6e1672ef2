#pragma once
// What all connections of a TLS listener have in common: the server's identities, what versions and
// ciphers it speaks, whom it takes as clients. Made from texts that somebody else has read; there
// is no file access here.
//
// Immutable. A new one replaces it as a whole (certificates are renewed): connections keep the one
// that they began with, and the last of them to go frees it.

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "tls/identity.hpp"

struct ssl_ctx_st;

namespace ringcast::tls {

enum class Version : std::uint8_t { tls_1_2, tls_1_3 };

enum class ClientCertificates : std::uint8_t {
    none,      ///< Not asked for.
    optional,  ///< Asked for; one that is sent has to be valid.
    required,
};

/// The defaults are Mozilla's "intermediate" configuration: AEAD ciphers with forward secrecy only.
struct ContextSettings {
    /// The first is for clients that name no server, or one that none has. Two with the same names
    /// and different kinds of keys are used side by side.
    std::vector<Identity> identities;

    Version version_min = Version::tls_1_2;
    /// For TLS 1.2, as OpenSSL names them. All are strong, so the order is the client's: it knows
    /// whether it has AES in hardware. Mozilla's three with finite-field Diffie-Hellman are
    /// missing: clients that need them are extinct, and they cost the server most where they cost
    /// an attacker nothing (CVE-2002-20001).
    std::string ciphers =
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
        "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
        "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
    /// For TLS 1.3.
    std::string cipher_suites =
        "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

    ClientCertificates client_certificates = ClientCertificates::none;
    std::string client_ca_name;  ///< What messages call it: its file.
    Secret client_ca_pem;        ///< The issuers of clients' certificates; perhaps with a key.

    /// How long a client may come back with a ticket; less than two rotations of the ticket keys.
    std::chrono::seconds ticket_lifetime = std::chrono::hours{12};
    /// Records that are encrypted with one key before TLS 1.3 gets the next: 2^24.5 full ones are
    /// the limit of AES-GCM (RFC 8446 section 5.5).
    std::uint32_t records_per_key = 1u << 24;
};

struct LoadedContext;

/// One pointer wide. Copies share; a count of OpenSSL's own says when the last is gone, so that
/// copies may be made and dropped on any thread.
class Context {
public:
    /// `now` is what certificates are too old for. Takes some milliseconds.
    [[nodiscard]] static std::expected<LoadedContext, LoadError> load(
        const ContextSettings& settings, std::chrono::sys_seconds now);

    Context(const Context& other) noexcept;
    Context(Context&& other) noexcept : context_{std::exchange(other.context_, nullptr)} {}
    Context& operator=(Context other) noexcept {
        std::swap(context_, other.context_);
        return *this;
    }
    ~Context();

    /// When the first of the certificates expires.
    [[nodiscard]] std::chrono::sys_seconds expires_at() const noexcept;
    [[nodiscard]] std::uint32_t records_per_key() const noexcept;

private:
    friend class Stream;
    explicit Context(ssl_ctx_st* context) noexcept : context_{context} {}

    ssl_ctx_st* context_;  // Of the first identity; it owns those of the others.
};

struct LoadedContext {
    Context context;
    std::vector<std::string> warnings;  ///< A line each: certificates that have expired.
};

}  // namespace ringcast::tls
