#include "tls/reason.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace ringcast::tls {

namespace {

/// OpenSSL's reason for an alert that came from the peer is this plus the alert's number.
constexpr int peer_alerts_begin = SSL_AD_REASON_OFFSET,
              peer_alerts_end = SSL_AD_REASON_OFFSET + 256;

}  // namespace

std::string_view to_string(Reason reason) noexcept {
    switch (reason) {
        case Reason::none: return "no error";
        case Reason::plain_http: return "plain HTTP on a TLS port";
        case Reason::not_tls: return "not TLS";
        case Reason::unsupported_version: return "unsupported protocol version";
        case Reason::no_shared_cipher: return "no shared cipher";
        case Reason::no_application_protocol: return "no shared application protocol";
        case Reason::certificate_required: return "no client certificate";
        case Reason::certificate_rejected: return "client certificate rejected";
        case Reason::renegotiation: return "renegotiation";
        case Reason::too_many_key_updates: return "too many key updates";
        case Reason::bad_record: return "bad record";
        case Reason::peer_alert: return "alert from the peer";
        case Reason::malformed: return "malformed handshake or record";
    }
    return "unknown";
}

Reason reason_of(unsigned long error_code) noexcept {
    if (ERR_GET_LIB(error_code) != ERR_LIB_SSL) return Reason::malformed;
    const int code = ERR_GET_REASON(error_code);
    if (code >= peer_alerts_begin && code < peer_alerts_end) return Reason::peer_alert;
    switch (code) {
        case SSL_R_UNSUPPORTED_PROTOCOL:
        case SSL_R_VERSION_TOO_LOW:
        case SSL_R_NO_PROTOCOLS_AVAILABLE:
        case SSL_R_INAPPROPRIATE_FALLBACK: return Reason::unsupported_version;
        case SSL_R_NO_SHARED_CIPHER:
        case SSL_R_NO_CIPHERS_SPECIFIED:
        case SSL_R_NO_SUITABLE_KEY_SHARE:
        case SSL_R_NO_SHARED_GROUPS:
        case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
        case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS: return Reason::no_shared_cipher;
        case SSL_R_NO_APPLICATION_PROTOCOL: return Reason::no_application_protocol;
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return Reason::certificate_required;
        case SSL_R_CERTIFICATE_VERIFY_FAILED:
        case SSL_R_BAD_SIGNATURE: return Reason::certificate_rejected;
        case SSL_R_HTTP_REQUEST:
        case SSL_R_HTTPS_PROXY_REQUEST: return Reason::plain_http;
        case SSL_R_WRONG_VERSION_NUMBER: return Reason::not_tls;
        case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
        case SSL_R_ENCRYPTED_LENGTH_TOO_LONG:
        case SSL_R_PACKET_LENGTH_TOO_LONG:
        case SSL_R_DATA_LENGTH_TOO_LONG:
        case SSL_R_BAD_RECORD_TYPE:
        case SSL_R_RECORD_TOO_SMALL: return Reason::bad_record;
        default: return Reason::malformed;
    }
}

}  // namespace ringcast::tls
