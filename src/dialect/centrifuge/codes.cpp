#include "dialect/centrifuge/codes.hpp"

namespace ringcast::dialect::centrifuge {

std::string_view message_of(ErrorCode code) noexcept {
    switch (code) {
        case ErrorCode::internal: return "internal server error";
        case ErrorCode::unauthorized: return "unauthorized";
        case ErrorCode::unknown_channel: return "unknown channel";
        case ErrorCode::permission_denied: return "permission denied";
        case ErrorCode::method_not_found: return "method not found";
        case ErrorCode::already_subscribed: return "already subscribed";
        case ErrorCode::limit_exceeded: return "limit exceeded";
        case ErrorCode::bad_request: return "bad request";
        case ErrorCode::not_available: return "not available";
        case ErrorCode::token_expired: return "token expired";
        case ErrorCode::expired: return "expired";
        case ErrorCode::too_many_requests: return "too many requests";
        case ErrorCode::unrecoverable_position: return "unrecoverable position";
        case ErrorCode::concurrent_pagination: return "concurrent pagination";
    }
    return "";
}

bool is_temporary(ErrorCode code) noexcept {
    return code == ErrorCode::internal || code == ErrorCode::too_many_requests ||
           code == ErrorCode::concurrent_pagination;
}

std::string_view reason_of(DisconnectCode code) noexcept {
    switch (code) {
        case DisconnectCode::connection_closed: return "connection closed";
        case DisconnectCode::shutdown: return "shutdown";
        case DisconnectCode::server_error: return "internal server error";
        case DisconnectCode::expired: return "connection expired";
        case DisconnectCode::subscription_expired: return "subscription expired";
        case DisconnectCode::slow: return "slow";
        case DisconnectCode::write_error: return "write error";
        case DisconnectCode::insufficient_state: return "insufficient state";
        case DisconnectCode::force_reconnect: return "force reconnect";
        case DisconnectCode::no_pong: return "no pong";
        case DisconnectCode::too_many_requests: return "too many requests";
        case DisconnectCode::state_invalidated: return "state invalidated";
        case DisconnectCode::invalid_token: return "invalid token";
        case DisconnectCode::bad_request: return "bad request";
        case DisconnectCode::stale: return "stale";
        case DisconnectCode::force_disconnect: return "force disconnect";
        case DisconnectCode::connection_limit: return "connection limit";
        case DisconnectCode::channel_limit: return "channel limit";
        case DisconnectCode::inappropriate_protocol: return "inappropriate protocol";
        case DisconnectCode::permission_denied: return "permission denied";
        case DisconnectCode::not_available: return "not available";
        case DisconnectCode::too_many_errors: return "too many errors";
    }
    return "";
}

std::string_view reason_of(UnsubscribeCode code) noexcept {
    switch (code) {
        case UnsubscribeCode::server: return "server unsubscribe";
        case UnsubscribeCode::insufficient_state: return "insufficient state";
        case UnsubscribeCode::expired: return "subscription expired";
        case UnsubscribeCode::state_invalidated: return "state invalidated";
    }
    return "";
}

}  // namespace ringcast::dialect::centrifuge
