#pragma once
// Where the server is: `ws://127.0.0.1:9001/echo`, or over TLS `wss://127.0.0.1:9443/echo`.

#include <netinet/in.h>
#include <string>
#include <string_view>

#include "error.hpp"

namespace ringcast::bench {

struct Url {
    std::string authority;   ///< As given, for the Host header: `127.0.0.1:9001`.
    std::string path;        ///< With its query; `/` if none was given.
    sockaddr_in address{};   ///< Ready for connect().
    bool is_secure = false;  ///< `wss`: the connections are TLS.

    /// True for 127.0.0.0/8, where connections can leave from any address of that network.
    [[nodiscard]] bool is_loopback() const noexcept {
        return (ntohl(address.sin_addr.s_addr) >> 24U) == 127;
    }
};

/// Reads a `ws://` or `wss://` URL whose host is an IPv4 address or `localhost`. No name is ever
/// looked up: a resolver's time has no place in a measurement.
[[nodiscard]] Expected<Url> parse_url(std::string_view text);

}  // namespace ringcast::bench
