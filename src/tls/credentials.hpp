#pragma once
// An identity on its way from PEM into OpenSSL.

#include <chrono>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "tls/identity.hpp"
#include "tls/openssl.hpp"

namespace ringcast::tls {

/// An identity, read and checked.
struct Credentials {
    X509Pointer certificate;
    std::vector<X509Pointer> chain;  // Without the certificate itself.
    KeyPointer key;
    /// DNS names of the certificate, in lower case, sorted; `*.` stands before those for a whole
    /// level. The common name is none (RFC 9525 section 2).
    std::vector<std::string> names;
    std::chrono::sys_seconds expires_at;  // The first that does, of the chain, too.
};

[[nodiscard]] std::expected<Credentials, LoadError> load(const Identity& identity);

/// All certificates in `pem`; the error is reason `reason_none` if there is none.
[[nodiscard]] std::expected<std::vector<X509Pointer>, LoadError> load_certificates(
    std::string_view pem, const std::string& name, LoadReason reason_none,
    LoadReason reason_malformed);

/// `name` with its ASCII letters in lower case.
[[nodiscard]] std::string lower_case(std::string_view name);

}  // namespace ringcast::tls
