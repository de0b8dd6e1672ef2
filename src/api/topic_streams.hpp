#pragma once
// What mount_topics() serves over plain HTTP, at the paths of its WebSocket clients: topics as
// streams of events, and publications that are posted.
//
//   GET /topics/a      Accept: text/event-stream   -> 200, events (dialect/event_stream.hpp)
//                      Last-Event-ID: k3VxQ_9a:41     what was missed since comes first
//   POST /topics/a     Content-Type: ...           -> 202

#include "api/topic_endpoint.hpp"
#include "shard/http_endpoint.hpp"

namespace ringcast::api {

/// One per mounted path and shard, beside its TopicEndpoint, which has the sessions and decides who
/// may do what.
class TopicStreams final : public shard::HttpEndpoint {
public:
    explicit TopicStreams(TopicEndpoint& topics)
        : HttpEndpoint{shard::HttpMethods::get_and_head | shard::HttpMethods::post |
                           shard::HttpMethods::options,
                       topics.limits().message_bytes_max},
          topics_{topics} {}

    shard::HttpAnswer on_request(shard::HttpExchange& exchange, const http::Request& request,
                                 std::span<const shard::PathParameter> parameters,
                                 std::span<const std::byte> body) override;
    /// Of a publication that waits for the application's word, or for room.
    void on_late_verdict(shard::HttpExchange& exchange, shard::Verdict verdict) override;
    void on_room(shard::HttpExchange& exchange) override;

private:
    struct Posted;

    [[nodiscard]] shard::HttpAnswer stream(shard::Upgrade& upgrade);
    [[nodiscard]] shard::HttpAnswer publish(shard::HttpExchange& exchange, shard::Upgrade& upgrade,
                                            std::span<const std::byte> body);
    [[nodiscard]] static shard::HttpAnswer publish(shard::HttpExchange& exchange, Posted& posted);

    TopicEndpoint& topics_;
};

}  // namespace ringcast::api
