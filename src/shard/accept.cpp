// Listeners: how connections come in, and how a shutdown ends that.

#include <cerrno>
#include <utility>

#include "shard/answers.hpp"
#include "shard/shard.hpp"

namespace ringcast::shard {

namespace {

/// After an accept that failed for want of descriptors or memory: long enough not to spin, short
/// enough not to be noticed.
constexpr Duration accept_retry_interval = std::chrono::milliseconds{100};

/// Turns in which a shutdown goes on accepting, at most: clients that come back as soon as they are
/// told to go must not keep it from ending.
constexpr std::uint8_t last_accept_turns_max = 64;

}  // namespace

void Shard::listen(int fd, Transport transport) {
    affinity_.check();
    RC_ASSERT(transport == Transport::plain || tls_ != nullptr);
    const auto slot = static_cast<std::uint32_t>(listeners_.size());
    arm_accept(listeners_.emplace_back(slot, fd, Access::clients, transport));
}

void Shard::listen_admin(std::span<const int> fds, Router router) {
    affinity_.check();
    admin_router_ = std::move(router);
    for (const int fd : fds) {
        const auto slot = static_cast<std::uint32_t>(listeners_.size());
        arm_accept(listeners_.emplace_back(slot, fd, Access::admin, Transport::plain));
    }
}

void Shard::arm_accept(Listener& listener) {
    RC_ASSERT(!listener.armed);
    listener.armed = true;
    ring_.accept(token_of(listener), listener.fd);
}

void Shard::on_accept(const ring::Completion& completion) {
    Listener& listener = listeners_[completion.token.slot];
    RC_ASSERT(listener.armed);
    if (!completion.has_more()) listener.armed = false;
    if (completion.result >= 0) {
        accept_connection(completion.result, listener);
        if (!listener.armed && listener.end < Listener::End::cancelling) arm_accept(listener);
    } else {
        on_accept_error(listener, -completion.result);
    }
}

void Shard::on_accept_error(Listener& listener, int error) {
    // EINVAL: another shard that shares the socket has ended it, and so will this one.
    if (error == ECANCELED || error == EINVAL) return;
    ++metrics_.accept_errors;
    log_.limited(limiters_.accept).field("errno", error);
    if (!listener.armed && listener.end == Listener::End::open)
        timers_.schedule(listener, ring_.now() + accept_retry_interval);
}

/// Part of a shutdown: the listeners of that kind accept no more.
void Shard::begin_ending(Access access) {
    is_accepting_ending_ = is_turn_owed_ = true;
    for (Listener& listener : listeners_) {
        if (listener.access != access) continue;
        timers_.cancel(listener);
        listener.end = Listener::End::taking;
        listener.was_busy = true;
    }
}

/// Part of a shutdown: what the kernel has queued is taken first. A turn that brings something else
/// may have passed over a connection: where few descriptors are ready the epoll ring takes one a
/// turn, where many are so many at most. One that brings nothing may have been interrupted; two say
/// that there is no more. Then the socket ends: whoever comes now is told at once, rather than left
/// in a queue that nobody serves.
void Shard::end_accepting() {
    is_accepting_ending_ = false;
    const bool is_busy = completions_last_turn_ > 0;
    for (Listener& listener : listeners_) {
        if (listener.end == Listener::End::open || listener.end == Listener::End::told) continue;
        is_accepting_ending_ = true;
        if (is_busy) listener.was_busy = true;
        if (!listener.armed) {
            listener.end = Listener::End::told;
            ring_.shutdown(token_of(listener), listener.fd, ring::Shutdown::both);
        } else if (listener.end == Listener::End::cancelling) {
            continue;  // The accept's last completion ends the wait.
        } else if ((!is_busy && !std::exchange(listener.was_busy, false)) ||
                   ++listener.turns_taken == last_accept_turns_max) {
            listener.end = Listener::End::cancelling;
            ring_.cancel(token_of(listener), listener.fd, ring::Opcode::accept);
        }
        is_turn_owed_ = true;
    }
}

void Shard::accept_connection(int fd, const Listener& listener) {
    const Access access = listener.access;
    const bool is_admin = access == Access::admin;
    const bool has_room = is_admin ? admin_connections_ < settings_.admin_connections_max
                                   : client_connections() < settings_.connections_max;
    if (!has_room) return refuse_full(fd, listener);
    std::unique_ptr<Guest> guest;
    const bool looks_at_guests =
        limits_clients() || settings_.proxy_protocol == ProxyProtocol::required;
    if (!is_admin && looks_at_guests && (guest = receive_guest(fd, listener.transport)) == nullptr)
        return;
    Connection* const connection = connections_.insert(fd);
    RC_ASSERT(connection != nullptr);  // There is room for all that both kinds may have.
    connection->access = access;
    connection->guest = std::move(guest);
    if (listener.transport == Transport::tls) begin_tls(*connection);
    if (is_admin) {
        ++admin_connections_;
    } else {
        ++metrics_.accepts;
    }
    if (is_ending(access)) return refuse(*connection, shutting_down);
    // Whoever looks after the server does not stand in its clients' line.
    if (is_admin || newcomers_left_ > 0) return begin_reading(*connection);
    newcomers_.push_back(connection->id);
    is_turn_owed_ = true;
}

/// From here on it is the client's time that passes.
void Shard::begin_reading(Connection& connection) {
    if (newcomers_left_ > 0) --newcomers_left_;
    connection.opened_at = connection.active_at = ring_.now();
    timers_.schedule(connection, ring_.now() + settings_.handshake_timeout);
    arm_recv(connection);
}

/// Begins the turn's portion of those who have come: those who wait go first, in order. However
/// many come at once, a turn stays short: what they have sent already is read, and answered, when
/// it is their turn, and everybody else's input between.
void Shard::read_newcomers() {
    newcomers_left_ = settings_.newcomers_per_turn;
    while (!newcomers_.empty() && newcomers_left_ > 0) {
        Connection* const connection = connections_.find(newcomers_.front());
        newcomers_.pop_front();
        // A shutdown may have come before.
        if (connection == nullptr || connection->phase != Phase::request) continue;
        begin_reading(*connection);
    }
    is_turn_owed_ |= !newcomers_.empty();
}

/// Who has asked for something is told that it will not come. Who has been answered and asks for
/// nothing now would take that for the answer to its next request.
void Shard::refuse_ending(Connection& connection) {
    const bool is_between_requests = connection.phase == Phase::request &&
                                     connection.requests_count > 0 && !connection.is_unfinished();
    if (is_between_requests) return drain(connection);
    refuse(connection, shutting_down);
}

}  // namespace ringcast::shard
