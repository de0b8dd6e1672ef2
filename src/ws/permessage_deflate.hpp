#pragma once
// What is agreed about permessage-deflate in the opening handshake (RFC 7692 sections 5 and 7.1).
// The work itself: ws/inflate and ws/deflate.

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "http/request.hpp"
#include "ringcast/compression.hpp"
#include "ws/handshake.hpp"

namespace ringcast::ws {

inline constexpr std::uint8_t window_bits_min = 8, window_bits_max = 15;

/// What a server agrees to. May differ from one handshake to the next: a server that is short of
/// memory goes on with `shared`.
struct DeflatePolicy {
    Compression compression = Compression::off;
    /// What each connection's window costs at most. Messages are sent with windows of this size
    /// even if more was offered.
    std::uint8_t server_window_bits_max = window_bits_max;
    /// A client that will not say that its window is as small may not take over its context, so
    /// that nothing has to be kept for it.
    std::uint8_t client_window_bits_max = window_bits_max;
};

/// The parameters of a negotiation response. Numbers are there if the response names them.
struct DeflateParameters {
    bool server_no_context_takeover = false;
    bool client_no_context_takeover = false;
    std::optional<std::uint8_t> server_max_window_bits = {};
    std::optional<std::uint8_t> client_max_window_bits = {};

    [[nodiscard]] std::uint8_t server_window_bits() const noexcept {
        return server_max_window_bits.value_or(window_bits_max);
    }
    [[nodiscard]] std::uint8_t client_window_bits() const noexcept {
        return client_max_window_bits.value_or(window_bits_max);
    }
    friend bool operator==(const DeflateParameters&, const DeflateParameters&) = default;
};

/// What has been through the decompressors, or the compressors, of a shard since its start.
struct DeflateCounts {
    std::uint64_t messages = 0;       ///< Also those that compressing did not make smaller.
    std::uint64_t message_bytes = 0;  ///< Of them, uncompressed; partial ones included.
    std::uint64_t payload_bytes = 0;  ///< Compressed.
};

/// Answers the first valid offer of permessage-deflate, over all Sec-WebSocket-Extensions lines; an
/// offer with a parameter that is unknown, repeated or has a wrong value is declined and the next
/// one looked at (RFC 7692 section 7.1). Nothing: there is none, or the policy is `off`. A header
/// that is malformed fails the handshake (RFC 6455 section 9.1), whatever the policy.
[[nodiscard]] std::expected<std::optional<DeflateParameters>, HandshakeFailure> negotiate_deflate(
    const http::Request& request, const DeflatePolicy& policy);

/// The header line of the response, ended by CRLF: one of the `fields` of
/// write_switching_protocols.
[[nodiscard]] std::string response_field(const DeflateParameters& parameters);

}  // namespace ringcast::ws
