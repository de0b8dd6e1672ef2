#pragma once
// Why a TLS connection failed, so that tests, logs and counters can tell the cases apart. The alert
// that says so to the peer, where there is one, has been written by then.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ringcast::tls {

enum class Reason : std::uint8_t {
    none,
    plain_http,               // No TLS at all: a request in plain text. Nothing has been written.
    not_tls,                  // The first record is no handshake record.
    unsupported_version,      // Below the minimum.
    no_shared_cipher,         // RFC 8446 section 4.1.1, RFC 5246 section 7.4.1.3
    no_application_protocol,  // RFC 7301 section 3.2: ALPN without http/1.1
    certificate_required,     // RFC 8446 section 4.4.2.4: the client sent none
    certificate_rejected,  // The client's: expired, of an unknown issuer, not signed with its key
    renegotiation,         // RFC 5746: the client asked for a second handshake
    too_many_key_updates,  // RFC 8446 section 4.6.3: and no data between them
    bad_record,            // RFC 8446 section 5.2: not authentic, or too long
    peer_alert,            // The peer sent a fatal alert.
    malformed,             // Anything else that OpenSSL refuses.
};
inline constexpr std::size_t reasons_count = static_cast<std::size_t>(Reason::malformed) + 1;

/// A phrase for logs. Static storage.
[[nodiscard]] std::string_view to_string(Reason reason) noexcept;

/// The reason behind a code of OpenSSL's error queue.
[[nodiscard]] Reason reason_of(unsigned long error_code) noexcept;

}  // namespace ringcast::tls
