#pragma once
// The server API: what applications tell the server over HTTP, with a key, as Centrifugo's SDKs and
// curl do it.
//
//   POST /api/{method}   X-API-Key: K   -> 200, and what came of it, be it an error
//                                       -> 401 without a key of ours, 404 for another method

#include <memory>

#include "server/api_call.hpp"
#include "server/api_keys.hpp"
#include "shard/http_endpoint.hpp"

namespace ringcast::server {

/// One per shard, as the keys are; the node is for all of them. Both outlive it. Its path has a
/// parameter.
class ServerApi final : public shard::HttpEndpoint {
public:
    static constexpr std::uint64_t body_bytes_max = 1 << 20;

    ServerApi(const ApiKeys& keys, const ApiNode& node)
        : HttpEndpoint{shard::HttpMethods::post, body_bytes_max}, keys_{keys}, node_{node} {}

    shard::HttpAnswer on_request(shard::HttpExchange& exchange, const http::Request& request,
                                 std::span<const shard::PathParameter> parameters,
                                 std::span<const std::byte> body) override;
    void on_history(shard::HttpExchange& exchange, const shard::HistoryAnswer& answer) override;

private:
    const ApiKeys& keys_;
    const ApiNode& node_;
    std::unique_ptr<ApiCall> spare_;  // For the next request, unless it is held.
};

}  // namespace ringcast::server
