// The client's end of a connection.

#include <algorithm>
#include <utility>

#include "sim/network.hpp"

namespace ringcast::sim {

bool Wire::is_connected() const {
    const Network::Connection& connection = *network_->connections_[connection_];
    return connection.established && (!connection.tls || connection.tls->is_open());
}

std::size_t Wire::write(std::span<const std::byte> bytes) {
    const std::unique_ptr<TlsEnd>& tls = network_->connections_[connection_]->tls;
    if (!tls) return write_octets(bytes);
    carry();
    const std::size_t size = tls->encrypt(bytes);
    carry();
    return size;
}

std::size_t Wire::write_octets(std::span<const std::byte> bytes) {
    Network::Connection& connection = *network_->connections_[connection_];
    if (connection.client_reset || connection.client_closed) return 0;
    const std::size_t size = std::min(bytes.size(), connection.to_server.room());
    network_->transmit(connection.to_server, connection_, Network::EventKind::to_server,
                       bytes.first(size));
    connection.octets_written += size;
    return size;
}

void Wire::carry() {
    Network::Connection& connection = *network_->connections_[connection_];
    if (!connection.tls || !connection.established) return;
    TlsEnd& tls = *connection.tls;
    while (tls.plaintext().empty() && connection.to_client.readable() > 0) {
        const std::size_t size = connection.to_client.readable();
        tls.decrypt(connection.to_client.peek());
        take_octets(size);
    }
    tls.sent(write_octets(std::as_bytes(std::span{tls.ciphertext()})));
    if (connection.finishes && tls.ciphertext().empty())
        network_->finish(connection.to_server, connection_, Network::EventKind::to_server);
}

std::span<const std::byte> Wire::arrived() const {
    const Network::Connection& connection = *network_->connections_[connection_];
    return connection.tls ? connection.tls->plaintext() : connection.to_client.peek();
}

void Wire::consume(std::size_t size) {
    if (size == 0) return;
    const std::unique_ptr<TlsEnd>& tls = network_->connections_[connection_]->tls;
    if (!tls) return take_octets(size);
    tls->consume(size);
    carry();
}

void Wire::take_octets(std::size_t size) {
    Network::Connection& connection = *network_->connections_[connection_];
    connection.to_client.consume(size);
    network_->touch(connection.fd);
    network_->changed_ = true;
}

bool Wire::at_end() const {
    const Network::Connection& connection = *network_->connections_[connection_];
    return connection.to_client.at_end() &&
           (!connection.tls || connection.tls->plaintext().empty());
}
bool Wire::has_ended() const {
    return network_->connections_[connection_]->to_client.has_ended();
}
bool Wire::was_truncated() const {
    const std::unique_ptr<TlsEnd>& tls = network_->connections_[connection_]->tls;
    return tls && !tls->has_peer_closed();
}
std::string Wire::tls_error() const {
    const std::unique_ptr<TlsEnd>& tls = network_->connections_[connection_]->tls;
    return tls ? tls->error() : std::string{};
}
std::uint64_t Wire::octets_written() const {
    const Network::Connection& connection = *network_->connections_[connection_];
    return connection.octets_written + (connection.tls ? connection.tls->ciphertext().size() : 0);
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
    connection.finishes = !connection.tls || connection.tls->finish();
    if (connection.tls) return carry();
    network_->finish(connection.to_server, connection_, Network::EventKind::to_server);
}

void Wire::close() {
    Network::Connection& connection = *network_->connections_[connection_];
    if (connection.client_closed) return;
    if (!arrived().empty()) return reset();
    shutdown();
    // The kernel has been given all that it has room for.
    if (connection.tls && !connection.client_reset)
        network_->finish(connection.to_server, connection_, Network::EventKind::to_server);
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
