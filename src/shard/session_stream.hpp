#pragma once
// A session whose messages are the content of an answer to a plain HTTP request, for as long as it
// lasts: Server-Sent Events, and clients for whom WebSocket is blocked. To its endpoint it is a
// session like any other, but for what it sends, which goes out as it is, a chunk each.
//
//   client  -- GET /topics/a ------------------> HttpEndpoint: HttpAnswer of kind `session`
//           <- 200, event, event ... ----------- Endpoint: Session::send, publications
//           -- POST, on any connection, to any shard -> Session::receive -> on_message
//
// Nothing that comes on its own connection is looked at. The answer ends with the session, and the
// connection with the answer.

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "ringcast/close_code.hpp"
#include "ringcast/message.hpp"

namespace ringcast::shard {

/// What a connection keeps of it. Belongs to the connection.
struct SessionStream {
    /// Messages that wait because the session's input is suspended; more are refused.
    static constexpr std::size_t inputs_max = 1024;
    /// Of these together, but for one, which is always taken.
    static constexpr std::uint64_t input_bytes_max = 256 << 10;

    struct Input {
        std::string payload;
        MessageKind kind;
    };

    bool takes_chunks;  ///< HTTP/1.0 does not: the end of the connection is that of the content.
    std::vector<Input> inputs;
    std::uint64_t input_bytes = 0;
    Instant ping_at = instant_never;    ///< The next one.
    Instant looked_at{};                ///< Whether its client takes what is sent ...
    Instant behind_at = instant_never;  ///< ... and output was found that had not gone.
    // Of a session that is closing:
    CloseCode code = CloseCode::no_status;
    std::string reason;
};

}  // namespace ringcast::shard
