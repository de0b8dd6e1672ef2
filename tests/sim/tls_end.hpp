#pragma once
// TLS at the client's end of a virtual connection: OpenSSL over memory, the other side of what a
// shard has. Plaintext goes in records of any size, which the network cuts and joins as it likes.
//
// Contents differ from one process to the next (keys, certificates), sizes do not: the server's key
// is one for Ed25519, whose signatures are all of one size. So a seed still says how a run goes.

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/prng.hpp"
#include "shard/secure.hpp"
#include "support/tls_client.hpp"

namespace ringcast::sim {

class TlsEnd {
public:
    /// Draws its version, the sizes of its records and how it says that it has finished.
    /// `record_bytes`: none is larger; 0: that is drawn, too.
    explicit TlsEnd(Prng prng, std::size_t record_bytes = 0);

    /// The handshake is over.
    [[nodiscard]] bool is_open() const noexcept { return client_.is_open(); }
    /// The server has said that nothing follows (RFC 8446 section 6.1).
    [[nodiscard]] bool has_peer_closed() const noexcept { return client_.has_peer_closed(); }
    /// OpenSSL's words for what the server did wrong; empty if nothing.
    [[nodiscard]] const std::string& error() const noexcept { return client_.error(); }

    /// Takes a prefix, returns its size: 0 as long as there is ciphertext().
    [[nodiscard]] std::size_t encrypt(std::span<const std::byte> plaintext);
    /// For the server; sent() takes a prefix away.
    [[nodiscard]] std::string_view ciphertext() const noexcept { return ciphertext_; }
    void sent(std::size_t size) { ciphertext_.erase(0, size); }

    void decrypt(std::span<const std::byte> ciphertext);
    /// From the server; consume() takes a prefix away.
    [[nodiscard]] std::span<const std::byte> plaintext() const noexcept;
    void consume(std::size_t size) noexcept { consumed_ += size; }

    /// Nothing is written any more. True if a FIN is to follow: else a close_notify says it all.
    [[nodiscard]] bool finish();

private:
    void take_output() { ciphertext_ += client_.take_output(); }

    Prng prng_;
    const std::size_t record_bytes_max_;
    test::TlsClient client_;
    std::string ciphertext_;
    bool has_finished_ = false;
    std::size_t consumed_ = 0;  // Of what the client has received.
};

/// The same for all servers of a process.
[[nodiscard]] const shard::TlsMaterial& tls_material();

}  // namespace ringcast::sim
