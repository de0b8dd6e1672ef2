#pragma once
// On the path of a byte between feed_frames() and send(): where input comes from, and what
// an endpoint is looking at.

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "shard/connection.hpp"

namespace ringcast::shard {

/// So many bytes of a message's payload count as another message.
inline constexpr std::size_t work_bytes = 4096;

/// Where input comes from: a ring buffer that stays for the turn, or memory that does not: bytes
/// held while suspended, the plaintext of a record.
enum class Source : std::uint8_t { ring, held };

/// The message that an endpoint is looking at right now, so that an echo of it needs no copy.
struct Dispatch {
    const Connection* connection = nullptr;
    std::span<std::byte> payload;
    bool in_slice =
        false;  // The payload and room for a header lie in a receive buffer of this turn.
    bool reusable = false;  // Nobody has taken it yet.
};

/// While it lives, an endpoint answers what its client has asked for before: as if it looked at the
/// message now.
class Replying {
public:
    Replying(Dispatch& dispatch, const Connection& connection) noexcept
        : dispatch_{dispatch}, before_{std::exchange(dispatch, {})} {
        dispatch_.connection = &connection;
    }
    Replying(const Replying&) = delete;
    Replying& operator=(const Replying&) = delete;
    ~Replying() { dispatch_ = before_; }

private:
    Dispatch& dispatch_;
    const Dispatch before_;
};

}  // namespace ringcast::shard
