#pragma once
// TLS in a shard: what one connection, and all of them together, need beside a tls::Stream.
//
//   in    slice of the ring -> Stream::read -> plaintext of the shard -> feed, or held
//   out   chain or backlog -> Stream::write -> arena of the shard -> quiet send
//                                  what the kernel did not take, and alerts -> ciphertext -> send
//
// All that is counted and limited (queued_bytes, high water, input held) is plaintext. It is
// encrypted when it can be sent, and not before; from then on it is never dropped.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <utility>

#include "base/slab.hpp"
#include "shard/backlog.hpp"
#include "tls/context.hpp"
#include "tls/stream.hpp"
#include "tls/ticket_keys.hpp"

namespace ringcast::shard {

/// What TLS listeners show and seal their tickets with. The same on all shards; replaced as a whole
/// when certificates are renewed or ticket keys rotated.
struct TlsMaterial {
    tls::Context context;
    tls::TicketKeys ticket_keys;
};

/// The TLS side of one connection. Invariant: as long as there is `ciphertext`, the connection has
/// a backlog, be it empty; so whoever asks whether the client is behind need not know of TLS.
struct SecureChannel {
    /// `material` stays where it is as long as this lives.
    explicit SecureChannel(const TlsMaterial& material)
        : stream{material.context, material.ticket_keys} {}

    tls::Stream stream;
    std::span<const std::byte> quiet;     ///< In flight, in the arena.
    std::uint64_t sealed_bytes = 0;       ///< Of plaintext whose ciphertext has not all gone.
    std::unique_ptr<Backlog> ciphertext;  ///< Goes before anything that is not encrypted yet.
    /// What the connection holds of its input has not been decrypted, and goes before what comes.
    bool holds_ciphertext = false;
    std::uint32_t small_reads = 0;  ///< In this turn, of small_reads_max.
};

/// What the TLS connections of one shard share. Exists if the shard has been given material.
class SecureService {
public:
    /// The arena is emptied when it holds `flush_bytes`.
    explicit SecureService(const TlsMaterial& first, std::size_t flush_bytes)
        : material{first},
          plaintext_{std::make_unique<std::byte[]>(tls::record_bytes_max + slack_bytes)},
          arena_{std::make_unique<std::byte[]>(flush_bytes + entry_bytes_max)},
          flush_bytes_{flush_bytes} {}

    /// Plaintext that one quiet send takes at most.
    static constexpr std::size_t quiet_plaintext_bytes_max = 128 << 10;
    /// And an ordinary one, to a client that is behind: whole records that fit one gathering.
    static constexpr std::size_t send_plaintext_bytes_max = 3 * tls::record_bytes_max;
    /// Of handshakes, tickets and alerts, copied before it; more goes by itself.
    static constexpr std::size_t quiet_control_bytes_max = 16 << 10;

    /// Where records are decrypted to; what is there does not outlive the next record.
    [[nodiscard]] std::span<std::byte> plaintext() const noexcept {
        return {plaintext_.get(), tls::record_bytes_max};
    }

    // The arena: what quiet sends of this turn take, one connection behind the other.

    [[nodiscard]] std::size_t mark() const noexcept { return used_; }
    void append(std::span<const std::byte> ciphertext) noexcept;
    [[nodiscard]] std::span<const std::byte> since(std::size_t mark) const noexcept {
        return {arena_.get() + mark, used_ - mark};
    }
    [[nodiscard]] bool is_full() const noexcept { return used_ >= flush_bytes_; }
    void reset() noexcept { used_ = 0; }

    TlsMaterial material;          ///< Streams refer to its ticket keys.
    std::uint32_t steps_left = 0;  ///< Of handshakes, in this turn.
    std::deque<SlotId> waiting;    ///< Connections whose handshakes go on next, in order.

private:
    static constexpr std::size_t slack_bytes = 64;  // Behind the plaintext, for SIMD.
    static constexpr std::size_t entry_bytes_max =
        tls::ciphertext_bytes_max(quiet_plaintext_bytes_max) + quiet_control_bytes_max + 64;

public:
    /// What it takes of its own.
    [[nodiscard]] static constexpr std::size_t memory_bytes(std::size_t flush_bytes) noexcept {
        return tls::record_bytes_max + slack_bytes + flush_bytes + entry_bytes_max;
    }

private:
    std::unique_ptr<std::byte[]> plaintext_;
    std::unique_ptr<std::byte[]> arena_;
    std::size_t flush_bytes_;
    std::size_t used_ = 0;
};

}  // namespace ringcast::shard
