#pragma once
// What mount_centrifuge() serves over plain HTTP, for clients for whom WebSocket is blocked, and
// for those that only listen.
//
//   POST /connection/http_stream      commands        -> 200, replies, one a line (or Protobuf)
//   GET  /connection/sse?cf_connect=  commands        -> 200, replies, one an event
//   POST /connection/sse              commands        -> "
//   POST /emulation  session, commands                -> 204: what such clients say from then on
//   POST /connection/uni_http_stream  connect request -> 200, pushes
//   GET  /connection/uni_sse?cf_connect=              -> "
//   POST /connection/uni_sse          connect request -> "

#include <string>
#include <string_view>

#include "api/centrifuge_endpoint.hpp"
#include "shard/http_endpoint.hpp"

namespace ringcast::api {

/// One per path of these and shard, beside the CentrifugeEndpoint that has the sessions.
class CentrifugeStreams final : public shard::HttpEndpoint {
public:
    enum class Kind : std::uint8_t { http_stream, sse, uni_http_stream, uni_sse };

    CentrifugeStreams(CentrifugeEndpoint& sessions, Kind kind);

    shard::HttpAnswer on_request(shard::HttpExchange& exchange, const http::Request& request,
                                 std::span<const shard::PathParameter> parameters,
                                 std::span<const std::byte> body) override;

private:
    [[nodiscard]] shard::Encoding encoding_of(const http::Request& request) const;

    CentrifugeEndpoint& sessions_;
    const Kind kind_;
};

/// Takes what clients of http_stream and sse say to the shards that have their sessions; in the
/// order in which it comes, as long as they wait for an answer before the next request.
class CentrifugeEmulation final : public shard::HttpEndpoint {
public:
    /// `body_bytes_max`: as of a message.
    CentrifugeEmulation(std::string_view node, std::uint64_t body_bytes_max);

    /// 204: the session has it, or is over, as its stream tells; 404: it is no session of this
    /// server; 400: malformed; 429: the session has not kept up with what it was sent before.
    shard::HttpAnswer on_request(shard::HttpExchange& exchange, const http::Request& request,
                                 std::span<const shard::PathParameter> parameters,
                                 std::span<const std::byte> body) override;

private:
    const std::string node_;
    std::string body_;  // A copy, since it is decoded in place.
};

}  // namespace ringcast::api
