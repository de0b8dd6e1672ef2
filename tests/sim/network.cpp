#include "sim/network.hpp"

#include <algorithm>
#include <cerrno>

#include "base/assert.hpp"

namespace ringcast::sim {
namespace {

constexpr std::size_t first_descriptor = 3;
constexpr Duration between_jumps = std::chrono::seconds{30};

}  // namespace

Network::Network(std::uint64_t seed, Faults& faults)
    : prng_{seed},
      faults_{&faults},
      descriptors_(first_descriptor),
      lowest_free_{first_descriptor} {}

// ---- Events ----

void Network::schedule(Instant at, EventKind kind, std::uint32_t connection) {
    const auto later = [](const Event& a, const Event& b) {
        return a.at != b.at ? a.at > b.at : a.order > b.order;
    };
    events_.push_back({.at = at, .order = order_++, .kind = kind, .connection = connection});
    std::push_heap(events_.begin(), events_.end(), later);
}

bool Network::step(Instant limit) {
    const auto later = [](const Event& a, const Event& b) {
        return a.at != b.at ? a.at > b.at : a.order > b.order;
    };
    if (events_.empty() || events_.front().at > limit) {
        if (limit != instant_never) now_ = std::max(now_, limit);
        return false;
    }
    std::pop_heap(events_.begin(), events_.end(), later);
    const Event event = events_.back();
    events_.pop_back();
    now_ = std::max(now_, event.at);
    run_event(event);
    return true;
}

void Network::run_event(const Event& event) {
    if (event.kind == EventKind::tick) {
        changed_ = true;
        return;
    }
    Connection& connection = *connections_[event.connection];
    bool run_peer = false;
    switch (event.kind) {
        case EventKind::tick: break;
        case EventKind::arrive_at_listener:
            if (is_listener(connection.listener)) {
                at(connection.listener).backlog.push_back(event.connection);
                touch(connection.listener);
            } else {
                schedule(now_, EventKind::reset_client, event.connection);  // Refused.
            }
            changed_ = true;
            break;
        case EventKind::established:
            connection.established = !connection.client_reset;
            run_peer = true;
            break;
        case EventKind::to_server:
            connection.to_server.arrive();
            if (connection.server_closed && connection.to_server.readable() > 0) {
                connection.to_server.discard();
                schedule(now_ + travel(connection.link), EventKind::reset_client, event.connection);
            }
            changed_ = true;
            break;
        case EventKind::to_client:
            connection.to_client.arrive();
            if (connection.client_closed && connection.to_client.readable() > 0) {
                connection.to_client.discard();
                schedule(now_ + travel(connection.link), EventKind::reset_server, event.connection);
            }
            run_peer = true;
            break;
        case EventKind::reset_server:
            connection.server_reset = true;
            connection.to_client.cut();
            // What had arrived may still be read, or is lost with the connection.
            if (prng_.chance(1, 2))
                connection.to_server.discard();
            else
                connection.to_server.cut();
            changed_ = true;
            break;
        case EventKind::reset_client:
            connection.client_reset = true;
            connection.to_client.cut();
            connection.to_server.cut();
            run_peer = true;
            break;
        case EventKind::run_peer:
            connection.run_scheduled = false;
            run_peer = true;
            break;
        case EventKind::timer:
            run_peer = connection.timer_at == event.at;
            if (run_peer) connection.timer_at = instant_never;
            break;
    }
    touch(connection.fd);
    if (run_peer && !connection.client_closed) {
        Wire wire{*this, event.connection};
        wire.carry();
        connection.peer->run(wire, now_);
    }
}

void Network::jump(Duration duration) {
    if (now_ < no_jump_before_) return;
    now_ += duration;
    no_jump_before_ = now_ + between_jumps;
}

Duration Network::travel(const Link& link) {
    const auto jitter = static_cast<std::uint64_t>(link.jitter.count());
    auto duration = link.latency + Duration{static_cast<std::int64_t>(prng_.below(jitter + 1))};
    if (faults_->strikes(Fault::segment_late)) {
        duration += std::chrono::microseconds{prng_.below(300'000)};
    }
    return duration;
}

void Network::transmit(Stream& stream, std::uint32_t connection, EventKind arrival,
                       std::span<const std::byte> bytes) {
    const Link& link = connections_[connection]->link;
    while (!bytes.empty()) {
        std::size_t size = bytes.size();
        if (faults_->strikes(Fault::segment_split)) size = 1 + prng_.below(size);
        const Instant at = std::max(now_ + travel(link), stream.last_arrival());
        stream.send(bytes.first(size), at);
        schedule(at, arrival, connection);
        bytes = bytes.subspan(size);
    }
}

void Network::finish(Stream& stream, std::uint32_t connection, EventKind arrival) {
    if (stream.is_finished()) return;
    const Instant at =
        std::max(now_ + travel(connections_[connection]->link), stream.last_arrival());
    stream.finish(at);
    schedule(at, arrival, connection);
}

void Network::run_peer_after(std::uint32_t connection, Duration delay) {
    if (std::exchange(connections_[connection]->run_scheduled, true)) return;
    schedule(now_ + delay, EventKind::run_peer, connection);
}

std::uint32_t Network::connect(Peer& peer, int listener, Instant at, const Link& link,
                               std::unique_ptr<TlsEnd> tls) {
    const auto index = static_cast<std::uint32_t>(connections_.size());
    auto connection = std::make_unique<Connection>();
    connection->peer = &peer;
    connection->listener = listener;
    connection->link = link;
    connection->tls = std::move(tls);
    connection->to_server = Stream{link.buffer_bytes};
    connection->to_client = Stream{link.buffer_bytes};
    connections_.push_back(std::move(connection));
    const Instant arrival = at + travel(link);
    schedule(arrival, EventKind::arrive_at_listener, index);
    schedule(arrival + travel(link), EventKind::established, index);
    return index;
}

bool Network::is_over(std::uint32_t index) const {
    const Connection& connection = *connections_[index];
    const bool has_ended =
        connection.server_closed || connection.client_reset || connection.severed;
    return has_ended && connection.fd < 0;
}

ring::Address Network::address_of(int fd) const noexcept {
    ring::Address address;
    if (!is_connection(fd)) return address;
    const std::uint32_t connection = connection_of(fd);
    address.family = ring::Address::Family::ipv4;
    address.ip = {10, static_cast<std::uint8_t>(connection >> 16),
                  static_cast<std::uint8_t>(connection >> 8),
                  static_cast<std::uint8_t>(connection)};
    address.port = 40000;
    return address;
}

std::uint32_t Network::client_at(const ring::Address& address) noexcept {
    return std::uint32_t{address.ip[1]} << 16 | std::uint32_t{address.ip[2]} << 8 | address.ip[3];
}

// ---- Descriptors ----

Network::DescriptorKind Network::kind(int fd) const noexcept {
    const auto index = static_cast<std::size_t>(fd);
    return fd >= 0 && index < descriptors_.size() ? descriptors_[index].kind : DescriptorKind::free;
}

int Network::take_descriptor() {
    while (lowest_free_ < descriptors_.size() &&
           descriptors_[lowest_free_].kind != DescriptorKind::free) {
        ++lowest_free_;
    }
    if (lowest_free_ == descriptors_.size()) descriptors_.emplace_back();
    return static_cast<int>(lowest_free_);
}

void Network::touch(int fd) {
    if (fd >= 0 && at(fd).changed != nullptr) at(fd).changed->insert(fd);
}

int Network::listen() {
    const int fd = take_descriptor();
    at(fd).kind = DescriptorKind::listener;
    return fd;
}

void Network::close_listener(int fd) {
    for (const std::uint32_t connection : at(fd).backlog) {
        schedule(now_, EventKind::reset_client, connection);
    }
    at(fd).backlog.clear();
    release(fd);
}

std::size_t Network::descriptors_open() const noexcept {
    return static_cast<std::size_t>(std::ranges::count_if(
        descriptors_, [](const Descriptor& entry) { return entry.kind != DescriptorKind::free; }));
}

int Network::accept(int listener) {
    const std::uint32_t connection = at(listener).backlog.front();
    at(listener).backlog.pop_front();
    const int fd = take_descriptor();
    at(fd).kind = DescriptorKind::connection;
    at(fd).connection = connection;
    connections_[connection]->fd = fd;
    return fd;
}

void Network::abort_accept(int listener) {
    const std::uint32_t connection = at(listener).backlog.front();
    at(listener).backlog.pop_front();
    connections_[connection]->severed = true;
    schedule(now_ + travel(connections_[connection]->link), EventKind::reset_client, connection);
}

// ---- The kernel's side of a connection ----

void Network::read(int fd, std::span<std::byte> target) {
    Stream& stream = conn(fd).to_server;
    std::ranges::copy(stream.peek().first(target.size()), target.begin());
    stream.consume(target.size());
    run_peer_after(at(fd).connection, conn(fd).link.latency);  // The window opens.
}

int Network::receive_state(int fd) const {
    const Connection& connection = conn(fd);
    if (connection.server_reset) return -ECONNRESET;
    return connection.server_shut_receiving || connection.to_server.at_end() ? 1 : 0;
}

bool Network::is_receiving_shut(int fd) const {
    return conn(fd).server_shut_receiving;
}

int Network::send_state(int fd) const {
    const Connection& connection = conn(fd);
    if (connection.server_reset) return -ECONNRESET;
    return connection.to_client.is_finished() ? -EPIPE : 0;
}

void Network::write(int fd, std::span<const std::byte> bytes) {
    transmit(conn(fd).to_client, at(fd).connection, EventKind::to_client, bytes);
}

void Network::shut(int fd, bool receiving_too) {
    Connection& connection = conn(fd);
    if (!connection.server_reset) {
        finish(connection.to_client, at(fd).connection, EventKind::to_client);
    }
    connection.server_shut_receiving = connection.server_shut_receiving || receiving_too;
    touch(fd);
    changed_ = true;
}

void Network::close(int fd) {
    const std::uint32_t index = at(fd).connection;
    Connection& connection = *connections_[index];
    connection.server_closed = true;
    if (connection.server_reset) return;
    if (connection.to_server.readable() > 0) {
        // Unread bytes: the kernel resets, and what it has not yet transmitted is lost.
        if (prng_.chance(1, 2)) connection.to_client.cut();
        connection.to_server.discard();
        const Instant at =
            std::max(now_ + travel(connection.link), connection.to_client.last_arrival());
        schedule(at, EventKind::reset_client, index);
    } else {
        finish(connection.to_client, index, EventKind::to_client);
    }
}

void Network::release(int fd) {
    Descriptor& descriptor = at(fd);
    if (descriptor.kind == DescriptorKind::connection) conn(fd).fd = -1;
    descriptor.kind = DescriptorKind::free;
    descriptor.changed = nullptr;
    lowest_free_ = std::min(lowest_free_, static_cast<std::size_t>(fd));
}

void Network::sever(int fd) {
    const std::uint32_t index = at(fd).connection;
    Connection& connection = *connections_[index];
    connection.severed = true;
    schedule(now_, EventKind::reset_server, index);
    connection.server_reset = true;
    touch(fd);
    schedule(now_ + travel(connection.link), EventKind::reset_client, index);
}

}  // namespace ringcast::sim
