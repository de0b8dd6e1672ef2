#pragma once
// Close codes of the WebSocket protocol (RFC 6455 section 7.4 and the IANA registry). Part of the
// vocabulary that the public API and every layer of the server share.

#include <cstdint>

namespace ringcast {

/// Why a WebSocket connection ended (RFC 6455 section 7.4.1). Applications may use 3000 to 4999:
/// write `static_cast<CloseCode>(4001)`.
enum class CloseCode : std::uint16_t {
    normal = 1000,
    going_away = 1001,
    protocol_error = 1002,
    unsupported_data = 1003,
    no_status = 1005,  ///< Never on the wire: the peer's Close frame had no code.
    abnormal = 1006,   ///< Never on the wire: the connection ended without a Close frame.
    invalid_payload = 1007,
    policy_violation = 1008,
    message_too_big = 1009,
    mandatory_extension = 1010,
    internal_error = 1011,
    service_restart = 1012,
    try_again_later = 1013,
    bad_gateway = 1014,
};

}  // namespace ringcast
