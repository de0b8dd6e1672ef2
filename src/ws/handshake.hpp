#pragma once
// The server's side of the opening handshake (RFC 6455 section 4.2): is this request a WebSocket
// upgrade, and what is the answer.

#include <array>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "http/characters.hpp"
#include "http/request.hpp"

namespace ringcast::ws {

/// Why a request is not an acceptable opening handshake, with the status that answers it.
enum class HandshakeReason : std::uint8_t {
    not_an_upgrade,            // 426 with Upgrade: websocket
    method_not_get,            // 405 with Allow
    version_too_low,           // 426: HTTP/1.0, and RFC 6455 needs HTTP/1.1
    connection_lacks_upgrade,  // 400
    missing_key,               // 400
    repeated_key,              // 400
    malformed_key,             // 400: not 16 octets in base64
    missing_version,           // 400
    repeated_version,          // 400
    unsupported_version,       // 426 with Sec-WebSocket-Version: 13
    has_body,                  // 400
    malformed_subprotocol,     // 400: section 4.1 item 10: tokens, no repeats; subprotocols_max
    malformed_extensions,      // 400: section 9.1; found by ws/permessage_deflate
};

/// More subprotocols than that are refused: finding repeats is quadratic. Clients offer a handful.
inline constexpr std::size_t subprotocols_max = 64;

struct HandshakeFailure {
    http::Status status;
    HandshakeReason reason;
};

[[nodiscard]] std::string_view to_string(HandshakeReason reason) noexcept;
/// Header lines that the refusal must carry (Allow, Upgrade, Sec-WebSocket-Version), each ended by
/// CRLF; may be empty.
[[nodiscard]] std::string_view response_fields(HandshakeReason reason) noexcept;

/// What a valid opening handshake asks for; views into the request.
struct Handshake {
    std::string_view key;  ///< Sec-WebSocket-Key, 24 characters.
};

/// Checks `request` against RFC 6455 section 4.2.1. Origin and path are the caller's business. When
/// several rules are violated the reason is the first of this order: method, Upgrade, HTTP version,
/// Connection, protocol version, key, body, subprotocols.
[[nodiscard]] std::expected<Handshake, HandshakeFailure> read_handshake(
    const http::Request& request);

/// Calls `take(std::string_view)` for each subprotocol offered, in order, over all
/// Sec-WebSocket-Protocol lines, until it returns false.
template <class Take>
void for_each_subprotocol(const http::Request& request, Take&& take) {
    for (const http::Field& field : request.fields) {
        if (!http::equals_ignoring_case(field.name, "Sec-WebSocket-Protocol")) continue;
        for (std::string_view rest = field.value; !rest.empty();) {
            const std::string_view subprotocol = http::take_list_element(rest);
            if (!subprotocol.empty() && !take(subprotocol)) return;
        }
    }
}

/// Sec-WebSocket-Accept for `key` (RFC 6455 section 4.2.2): SHA-1 and base64, 28 characters.
[[nodiscard]] std::array<char, 28> accept_value(std::string_view key) noexcept;

/// Appends the 101 response to `out`. `subprotocol` may be empty; it must be one that was offered.
/// `fields` are extra header lines, each ended by CRLF.
void write_switching_protocols(std::string& out, std::string_view key, std::string_view subprotocol,
                               std::string_view fields = {});

}  // namespace ringcast::ws
