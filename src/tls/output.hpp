#pragma once
// Where ciphertext goes.

#include <cstddef>
#include <span>

namespace ringcast::tls {

/// Takes everything that a stream has to send, in order: ciphertext is never refused and never
/// dropped. The caller bounds it by what it asks for: a write is as long as its plaintext and
/// `ciphertext_bytes_max` says; a flight of the handshake as long as the certificates, less than
/// 4 KiB beside them; an alert, or the answer to a key update, below 64 bytes.
class Output {
public:
    /// `ciphertext` is valid during the call: usually a whole record, straight from where it was
    /// encrypted. Once per record, so that the call costs nothing worth naming.
    virtual void append(std::span<const std::byte> ciphertext) = 0;

protected:
    ~Output() = default;
};

/// Plaintext in a full record (RFC 8446 section 5.1).
inline constexpr std::size_t record_bytes_max = 16 << 10;
/// A record's header, nonce, padding and tag, of the longest cipher (RFC 5246 section 6.2.3). With
/// TLS 1.3 it is 22.
inline constexpr std::size_t record_overhead_bytes_max = 5 + 320;

/// The most that `plaintext_bytes` become, the key update that may come before them included.
constexpr std::size_t ciphertext_bytes_max(std::size_t plaintext_bytes) noexcept {
    const std::size_t records = (plaintext_bytes + record_bytes_max - 1) / record_bytes_max;
    return plaintext_bytes + (records + 1) * record_overhead_bytes_max;
}

}  // namespace ringcast::tls
