// The client's end of a connection.

#include <algorithm>
#include <utility>

#include "sim/network.hpp"

namespace ringcast::sim {

bool Wire::is_connected() const {
    return network_->connections_[connection_]->established;
}

std::size_t Wire::write(std::span<const std::byte> bytes) {
    Network::Connection& connection = *network_->connections_[connection_];
    if (connection.client_reset || connection.client_closed) return 0;
    const std::size_t size = std::min(bytes.size(), connection.to_server.room());
    network_->transmit(connection.to_server, connection_, Network::EventKind::to_server,
                       bytes.first(size));
    return size;
}

std::span<const std::byte> Wire::arrived() const {
    return network_->connections_[connection_]->to_client.peek();
}

void Wire::consume(std::size_t size) {
    if (size == 0) return;
    Network::Connection& connection = *network_->connections_[connection_];
    connection.to_client.consume(size);
    network_->touch(connection.fd);
    network_->changed_ = true;
}

bool Wire::at_end() const {
    return network_->connections_[connection_]->to_client.at_end();
}
bool Wire::has_ended() const {
    return network_->connections_[connection_]->to_client.has_ended();
}
bool Wire::was_reset() const {
    return network_->connections_[connection_]->client_reset;
}
bool Wire::was_severed() const {
    return network_->connections_[connection_]->severed;
}

void Wire::shutdown() {
    Network::Connection& connection = *network_->connections_[connection_];
    if (connection.client_reset) return;
    network_->finish(connection.to_server, connection_, Network::EventKind::to_server);
}

void Wire::close() {
    Network::Connection& connection = *network_->connections_[connection_];
    if (connection.client_closed) return;
    if (connection.to_client.readable() > 0) return reset();
    shutdown();
    connection.client_closed = true;
}

void Wire::reset() {
    Network::Connection& connection = *network_->connections_[connection_];
    if (connection.client_closed) return;
    connection.client_closed = true;
    if (connection.client_reset) return;
    if (network_->prng_.chance(1, 2)) connection.to_server.cut();
    connection.to_client.discard();
    network_->touch(connection.fd);
    const Instant at = std::max(network_->now_ + network_->travel(connection.link),
                                connection.to_server.last_arrival());
    network_->schedule(at, Network::EventKind::reset_server, connection_);
}

void Wire::call_at(Instant at) {
    Network::Connection& connection = *network_->connections_[connection_];
    if (std::exchange(connection.timer_at, at) != at) {
        network_->schedule(at, Network::EventKind::timer, connection_);
    }
}

}  // namespace ringcast::sim
