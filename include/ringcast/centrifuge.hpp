#pragma once
// The Centrifuge client protocol, version 2: what its SDKs in seven languages speak, which bring
// reconnecting, resubscribing and recovery with them.
//
//     server.mount_centrifuge("/connection", {.anonymous = ringcast::TopicAccess::publish});
//
// Clients come to ws://host/connection/websocket, with JSON or, where they offer the subprotocol
// `centrifuge-protobuf` or add `?format=protobuf`, with Protobuf. Their channels are the topics
// that all other clients see. Where WebSocket is blocked the SDKs fall back to
// /connection/http_stream and /connection/sse, with /emulation for what they say; who only listens
// comes to /connection/uni_websocket, /connection/uni_http_stream or /connection/uni_sse.

#include <chrono>
#include <cstdint>

#include "ringcast/topic.hpp"

namespace ringcast {

/// Who may do what, and how long clients may be silent.
struct CentrifugePolicy {
    /// What clients may do with topics without a namespace that come without a token. By default
    /// they may not come, unless a namespace is open to anyone: 3507.
    TopicAccess anonymous = TopicAccess::none;
    /// And those whose token names a user; a token that names a topic lets its client subscribe.
    TopicAccess users = TopicAccess::subscribe;
    /// Between two pings of the server to one client, whichever way it comes: ping_interval of the
    /// server is not for these. Clients give up 10 s after one that is missing. Whole seconds; 0:
    /// none.
    std::chrono::seconds ping_interval{25};
    /// How long a client may take for its answer to a ping: closed with 3012 beyond.
    std::chrono::nanoseconds pong_timeout = std::chrono::seconds{8};
    /// How long a connection may be open without a connect command: closed with 3502 beyond.
    std::chrono::nanoseconds stale_timeout = std::chrono::seconds{10};
    /// Subscriptions that one client may have; `subscriptions-max` of the server holds besides.
    std::uint32_t subscriptions_max = 128;
    /// http_stream, sse, emulation, uni_http_stream and uni_sse.
    PlainHttp plain_http = PlainHttp::on;
};

}  // namespace ringcast
