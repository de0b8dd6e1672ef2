#pragma once
// What OpenSSL reads from and writes to: the memory of the caller of a Stream, for the length of
// one call. There is no buffer in between, and an idle connection points at nothing.

#include <cstdint>
#include <span>

#include "tls/openssl.hpp"
#include "tls/output.hpp"
#include "tls/reason.hpp"
#include "tls/ticket_keys.hpp"

namespace ringcast::tls {

/// One call of a Stream, seen from inside OpenSSL.
struct Transfer {
    std::span<const std::byte> input;  // Not read yet.
    Output* output = nullptr;
    const TicketKeys* ticket_keys = nullptr;
    bool is_handshaking = false;
    std::uint8_t key_updates = 0;     // Of the peer, since its last data.
    Reason forbidden = Reason::none;  // What the peer did; from here on nothing is read.
};

/// Reads and writes through the Transfer that it is attached to.
[[nodiscard]] BIO* make_memory_bio();

/// Attaches `transfer` to the BIO of `ssl` for its own lifetime.
class Attachment {
public:
    Attachment(SSL* ssl, Transfer& transfer) noexcept : bio_{SSL_get_rbio(ssl)} {
        BIO_set_data(bio_, &transfer);
    }
    Attachment(const Attachment&) = delete;
    Attachment& operator=(const Attachment&) = delete;
    ~Attachment() { BIO_set_data(bio_, nullptr); }

private:
    BIO* bio_;
};

/// For callbacks: the call that OpenSSL is in.
[[nodiscard]] inline Transfer& transfer_of(const SSL* ssl) noexcept {
    return *static_cast<Transfer*>(BIO_get_data(SSL_get_rbio(ssl)));
}

}  // namespace ringcast::tls
