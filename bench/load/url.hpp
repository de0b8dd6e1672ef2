#pragma once
// Where the server is: `ws://127.0.0.1:9001/echo`, `ws://[::1]:9001/echo`, or over TLS
// `wss://example.org/echo`; `tcp://127.0.0.1:9001` is a server that sends every byte back and knows
// nothing of WebSocket. `http://127.0.0.1:9090/api` takes requests that are no upgrades.

#include <string>
#include <string_view>

#include "error.hpp"
#include "socket_address.hpp"

namespace ringcast::bench {

struct Url {
    std::string authority;   ///< As given, for the Host header: `127.0.0.1:9001`.
    std::string host;        ///< For the name that a TLS server is asked for.
    std::string path;        ///< With its query; `/` if none was given.
    std::string fields;      ///< Further header lines of its requests, each ended by CRLF.
    SocketAddress address;   ///< Ready for connect().
    bool is_secure = false;  ///< `wss`: the connections are TLS.
    bool is_bare = false;    ///< `tcp`: what is sent comes back as it is.
};

/// Reads a `ws://`, `wss://`, `tcp://` or `http://` URL. A name is looked up once, here: a
/// resolver's time has no place in a measurement. `localhost` is 127.0.0.1, whose network has many
/// addresses to connect from.
[[nodiscard]] Expected<Url> parse_url(std::string_view text);

}  // namespace ringcast::bench
