#pragma once
// The word of permessage-deflate (RFC 7692) that the public API and every layer share.

#include <cstdint>

namespace ringcast {

/// Whether messages are compressed with clients that offer it, and what is kept for each of them.
enum class Compression : std::uint8_t {
    off,        ///< Every offer is declined.
    shared,     ///< No side takes over its context: no connection keeps a window.
    dedicated,  ///< Contexts are taken over where the client does not ask for less.
};

}  // namespace ringcast
