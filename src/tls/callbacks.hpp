#pragma once
// What OpenSSL asks or tells while it serves a Stream. All of it happens inside a Transfer.

#include "tls/openssl.hpp"

namespace ringcast::tls {

/// Chooses the key that seals (`is_sealing` is 1) or opens a ticket, and sets it in both contexts.
/// Returns 1, or 2 for a ticket that shall be replaced, 0 for one whose key is unknown, -1 for an
/// error.
int choose_ticket_key(SSL* ssl, unsigned char* name, unsigned char* nonce, EVP_CIPHER_CTX* cipher,
                      EVP_MAC_CTX* mac, int is_sealing) noexcept;

/// ALPN (RFC 7301): http/1.1 is all that we speak. Who offers protocols and not this one is
/// answered by the alert that section 3.2 demands: a client that goes on with another protocol
/// would understand nothing.
int choose_protocol(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned offered_size, void*) noexcept;

/// Sees each message of a handshake, to notice what is forbidden afterwards: a second one, and key
/// updates without end.
void watch_message(int is_written, int version, int content_type, const void* message,
                   std::size_t size, SSL* ssl, void*) noexcept;

}  // namespace ringcast::tls
