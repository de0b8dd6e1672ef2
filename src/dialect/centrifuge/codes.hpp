#pragma once
// The numbers of the Centrifuge client protocol 2 for what goes wrong: errors answer one command,
// disconnects end the connection (as WebSocket close code and reason), unsubscribe codes end one
// subscription. Closed sets; clients act on them.

#include <cstdint>
#include <string_view>

namespace ringcast::dialect::centrifuge {

/// Why a command was not done.
enum class ErrorCode : std::uint16_t {
    internal = 100,
    unauthorized = 101,
    unknown_channel = 102,
    permission_denied = 103,
    method_not_found = 104,
    already_subscribed = 105,
    limit_exceeded = 106,
    bad_request = 107,
    not_available = 108,
    token_expired = 109,
    expired = 110,
    too_many_requests = 111,
    unrecoverable_position = 112,
    concurrent_pagination = 113,
};

/// The text that goes with the code. Static storage.
[[nodiscard]] std::string_view message_of(ErrorCode code) noexcept;
/// True if the same command may succeed later.
[[nodiscard]] bool is_temporary(ErrorCode code) noexcept;

/// Why the server ends a connection.
enum class DisconnectCode : std::uint16_t {
    connection_closed = 3000,
    shutdown = 3001,
    server_error = 3004,
    expired = 3005,
    subscription_expired = 3006,
    slow = 3008,
    write_error = 3009,
    insufficient_state = 3010,
    force_reconnect = 3011,
    no_pong = 3012,
    too_many_requests = 3013,
    state_invalidated = 3014,
    invalid_token = 3500,
    bad_request = 3501,
    stale = 3502,
    force_disconnect = 3503,
    connection_limit = 3504,
    channel_limit = 3505,
    inappropriate_protocol = 3506,
    permission_denied = 3507,
    not_available = 3508,
    too_many_errors = 3509,
};

/// The reason that goes with the code. Static storage; fits a Close frame.
[[nodiscard]] std::string_view reason_of(DisconnectCode code) noexcept;
/// True if clients come back by themselves after a connection that ended with this code, of ours or
/// of an application's (3000 to 4999). All SDKs have the rule built in.
[[nodiscard]] constexpr bool reconnects(std::uint32_t code) noexcept {
    return !((code >= 3500 && code < 4000) || (code >= 4500 && code < 5000));
}

/// Why the server ends a subscription.
enum class UnsubscribeCode : std::uint16_t {
    server = 2000,
    insufficient_state = 2500,
    expired = 2501,
    state_invalidated = 2502,
};

/// The reason that goes with the code. Static storage.
[[nodiscard]] std::string_view reason_of(UnsubscribeCode code) noexcept;
/// True if clients subscribe anew by themselves.
[[nodiscard]] constexpr bool resubscribes(std::uint32_t code) noexcept {
    return code >= 2500;
}

}  // namespace ringcast::dialect::centrifuge
