#pragma once
// The keys that session tickets are sealed with (RFC 5077 section 4; RFC 8446 section 4.6.1). The
// server hands the same keys to all shards, so that a client that comes back resumes on whichever
// shard takes it.
//
//   rotate():   next ----> current ----> previous ----> gone
//               opens      seals, opens  opens
//
// Shards learn of a rotation a moment apart. Since `next` is known everywhere one rotation before
// it seals anything, each of them opens what any other has sealed. A ticket is good for at least
// one interval between rotations, and for less than two.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/time.hpp"

namespace ringcast::tls {

/// Fills the span with random bytes that nobody can guess. Cannot fail.
using Entropy = void (*)(std::span<std::byte>);

/// AES-256-CBC and HMAC-SHA-256, encrypt then authenticate (RFC 5077 section 4).
struct TicketKey {
    std::array<std::byte, 16> name{};  ///< In each ticket, in the clear: which key opens it.
    std::array<std::byte, 32> cipher_key{};
    std::array<std::byte, 32> mac_key{};
};

/// A value: the server thread has the one that is rotated, each shard a copy of its own. Wiped in
/// the end.
class TicketKeys {
public:
    /// Two fresh keys from `entropy`, which it goes on using. `now` is on the clock of the caller.
    TicketKeys(Instant now, Entropy entropy);
    TicketKeys(const TicketKeys&) = default;
    TicketKeys& operator=(const TicketKeys&) = default;
    ~TicketKeys();

    /// A fresh key comes, the oldest goes.
    void rotate(Instant now);
    [[nodiscard]] Instant rotated_at() const noexcept { return rotated_at_; }

    [[nodiscard]] const TicketKey& current() const noexcept { return keys_[current_index]; }
    /// The key of that name; null if it is unknown, or gone.
    [[nodiscard]] const TicketKey* find(std::span<const std::byte, 16> name) const noexcept;
    /// Random bytes, for the nonce of a ticket.
    void fill_random(std::span<std::byte> bytes) const { entropy_(bytes); }

private:
    static constexpr std::size_t next_index = 0, current_index = 1, previous_index = 2;

    Entropy entropy_;
    std::array<TicketKey, 3> keys_{};
    Instant rotated_at_;
    bool has_previous_ = false;
};

}  // namespace ringcast::tls
