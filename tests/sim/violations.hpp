#pragma once
// What clients may do wrong, each with the answer that the RFCs ask for.

#include <cstdint>
#include <string>

#include "base/prng.hpp"
#include "sim/script.hpp"

namespace ringcast::sim {

/// Octets after which the server fails the connection (RFC 6455 sections 5 and 7.4).
struct Violating {
    std::string bytes;
    std::uint16_t close_code;
};

/// Octets that are no acceptable opening handshake (RFC 6455 section 4.2, RFC 9112).
struct Refused {
    std::string bytes;
    int status;
};

/// `is_compressing`: RSV1 alone means that a message is compressed.
[[nodiscard]] Violating draw_frame_violation(Prng& prng, const ServerLimits& limits,
                                             bool is_compressing);
[[nodiscard]] Refused draw_request_violation(Prng& prng, const ServerLimits& limits);

}  // namespace ringcast::sim
