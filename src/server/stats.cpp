#include "server/stats.hpp"

namespace ringcast::server {

Stats total_of(std::span<const shard::Metrics> shards) noexcept {
    Stats total;
    for (const shard::Metrics& metrics : shards) {
        total.accepts += metrics.accepts;
        total.handshakes += metrics.handshakes;
        total.handshakes_refused += metrics.handshakes_refused;
        total.messages_received += metrics.messages_received;
        total.messages_sent += metrics.messages_sent;
        total.messages_dropped += metrics.messages_dropped;
        total.publications += metrics.publications;
        total.deliveries += metrics.deliveries;
        total.deliveries_dropped += metrics.deliveries_dropped;
        total.bytes_received += metrics.bytes_received;
        total.bytes_sent += metrics.bytes_sent;
        total.protocol_errors += metrics.protocol_errors;
        total.messages_too_big += metrics.messages_too_big;
        total.handler_exceptions += metrics.handler_exceptions;
        total.timeouts += metrics.timeouts;
        total.ring_calls += metrics.ring_calls;
        total.connections += metrics.connections;
        total.sessions += metrics.sessions;
        total.subscriptions += metrics.subscriptions;
    }
    return total;
}

}  // namespace ringcast::server
