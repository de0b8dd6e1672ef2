#pragma once
// A socket that a shard accepts connections from: plain state, as of a Connection; what happens to
// it is decided in accept.cpp.

#include <cstdint>

#include "shard/connection.hpp"

namespace ringcast::shard {

/// Stays where it is as long as the shard lives.
struct Listener : ShardTimer {
    Listener(std::uint32_t listener_slot, int descriptor, Access its_access,
             Transport its_transport) noexcept
        : ShardTimer{Kind::listener},
          slot{listener_slot},
          fd{descriptor},
          access{its_access},
          transport{its_transport} {}
    std::uint32_t slot;
    int fd;
    Access access;
    Transport transport;
    bool armed = false;
    bool was_busy = false;         // The turn before brought something, in a shutdown.
    std::uint8_t turns_taken = 0;  // That a shutdown let it go on.
    enum class End : std::uint8_t { open, taking, cancelling, told } end = End::open;
};

}  // namespace ringcast::shard
