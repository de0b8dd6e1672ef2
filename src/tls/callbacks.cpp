#include "tls/callbacks.hpp"

#include <cstring>
#include <openssl/core_names.h>
#include <openssl/params.h>

#include "base/secret.hpp"
#include "tls/memory_bio.hpp"

namespace ringcast::tls {

namespace {

constexpr unsigned char alpn_http_1_1[] = "\x08http/1.1";

/// As many key updates in a row as other servers take: each costs some microseconds and an answer.
constexpr std::uint8_t key_updates_max = 32;

bool set_mac_key(EVP_MAC_CTX* mac, const TicketKey& key) noexcept {
    char digest[] = "SHA256";
    auto mac_key = key.mac_key;  // The parameter wants memory that it could write to.
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, mac_key.data(), mac_key.size()),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    const bool is_set = EVP_MAC_CTX_set_params(mac, parameters) == 1;
    wipe(mac_key);
    return is_set;
}

}  // namespace

int choose_ticket_key(SSL* ssl, unsigned char* name, unsigned char* nonce, EVP_CIPHER_CTX* cipher,
                      EVP_MAC_CTX* mac, int is_sealing) noexcept {
    const TicketKeys& keys = *transfer_of(ssl).ticket_keys;
    const TicketKey* key = &keys.current();
    if (is_sealing != 0) {
        std::memcpy(name, key->name.data(), key->name.size());
        keys.fill_random(std::as_writable_bytes(std::span{nonce, 16}));
    } else {
        key = keys.find(std::as_bytes(std::span{name, 16}).first<16>());
        if (key == nullptr) return 0;
    }
    const auto* const cipher_key = reinterpret_cast<const unsigned char*>(key->cipher_key.data());
    if (EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, cipher_key, nonce, is_sealing) != 1 ||
        !set_mac_key(mac, *key))
        return -1;
    // A ticket of TLS 1.3 is used once (RFC 8446 section C.4).
    const bool is_kept = key == &keys.current() && SSL_version(ssl) < TLS1_3_VERSION;
    return is_sealing != 0 || is_kept ? 1 : 2;
}

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned offered_size, void*) noexcept {
    unsigned char* selected = nullptr;
    const int result = SSL_select_next_proto(&selected, chosen_size, alpn_http_1_1,
                                             sizeof alpn_http_1_1 - 1, offered, offered_size);
    *chosen = selected;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

void watch_message(int is_written, int, int content_type, const void* message, std::size_t size,
                   SSL* ssl, void*) noexcept {
    if (content_type != SSL3_RT_HANDSHAKE || is_written != 0 || size == 0) return;
    Transfer& transfer = transfer_of(ssl);
    if (transfer.is_handshaking) return;
    switch (*static_cast<const unsigned char*>(message)) {
        case SSL3_MT_CLIENT_HELLO: transfer.forbidden = Reason::renegotiation; break;
        case SSL3_MT_KEY_UPDATE:
            if (++transfer.key_updates > key_updates_max)
                transfer.forbidden = Reason::too_many_key_updates;
            break;
        default: break;  // OpenSSL refuses what does not belong there.
    }
}

}  // namespace ringcast::tls
