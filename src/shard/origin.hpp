#pragma once
// The Origin check (RFC 6455 section 10.2): a browser tells which page opened the WebSocket; a page
// of another site must not use its visitor's connection.

#include "http/request.hpp"

namespace ringcast::shard {

/// True if the request has no Origin (not a browser), or exactly one whose host and port are those
/// of the Host field. The scheme is not compared: a proxy may have taken TLS off.
[[nodiscard]] bool is_same_origin(const http::Request& request) noexcept;

}  // namespace ringcast::shard
