// The ways to the end: closing handshake, failure, time-outs, and the join that gives a
// connection's memory back.

#include <algorithm>
#include <utility>

#include "base/bytes.hpp"
#include "shard/shard.hpp"

namespace ringcast::shard {

namespace {

constexpr Duration ping_jitter(const SessionLimits& limits) noexcept {
    return limits.ping_interval / 10;
}

bool is_pinged_when_quiet(const Connection& connection) noexcept {
    return connection.endpoint->limits().ping_interval > Duration{0} && !connection.pinged &&
           !connection.is_suspended();
}

}  // namespace

/// Our Close, after everything that was sent before (RFC 6455 section 7.1.2). Once it has left, the
/// peer has close_timeout to answer, and so it has for each part of the output before. A code that
/// may not be on the wire (section 7.4.1) is left out: an application that passes on what on_close
/// told it of another session has 1006, too.
void Shard::start_close(Connection& connection, CloseCode code, std::string_view reason) {
    if (!connection.session_open || connection.phase != Phase::open || connection.broken) return;
    RC_ASSERT(telling_ != &connection);  // Or there would be two Closes.
    if (!ws::may_be_received(static_cast<std::uint16_t>(code))) code = CloseCode::no_status;
    topics_.unsubscribe_all(connection);  // Nothing may follow a Close.
    // There is no later. The session is still open, since the client is told before its Close.
    if (connection.skipped > 0) tell_skipped(connection);
    send_close(connection, code, reason);
    connection.phase = Phase::closing;
    // Whatever it waited for: suspended input has to flow again, or the peer's Close is never seen.
    if (connection.is_suspended())
        connection.suspensions = static_cast<std::uint8_t>(Suspension::own_output);
    await_end(connection);
    attend(connection);
}

void Shard::send_close(Connection& connection, CloseCode code, std::string_view reason) {
    if (is_streamed(connection.encoding)) return send_farewell(connection, code, reason);
    std::array<std::byte, ws::control_payload_bytes_max> payload;
    const std::size_t size = ws::write_close_payload(payload.data(), code, reason);
    enqueue(connection, ws::Opcode::close, std::span{payload}.first(size));
}

/// The peer's Close: answered with its code, unless it is the answer to ours (RFC 6455
/// section 5.5.1).
void Shard::on_peer_close(Connection& connection, const ws::Event& event) {
    const std::string_view reason = as_text(event.payload);
    topics_.unsubscribe_all(connection);
    if (connection.phase == Phase::open) send_close(connection, event.code, {});
    end_session(connection, event.code, reason);
    drain(connection);
}

/// Fails the WebSocket connection (RFC 6455 section 7.1.7): what is owed still goes out, then the
/// Close; no input is looked at any more.
void Shard::fail(Connection& connection, CloseCode code, std::string_view reason) {
    topics_.unsubscribe_all(connection);
    if (connection.phase == Phase::open) send_close(connection, code, reason);
    end_session(connection, code, reason);
    drain(connection);
}

void Shard::end_session(Connection& connection, CloseCode code, std::string_view reason) {
    if (!connection.session_open) return;
    connection.session_open = false;
    --metrics_.sessions;
    ++metrics_.sessions_closed;
    ++metrics_.closes[close_index(code)];
    if (settings_.access_log) {
        log_.info("session_closed")
            .field("session", session_number(connection))
            .field("code", static_cast<std::uint16_t>(code))
            .field("reason", reason)
            .field("duration", ring_.now() - connection.opened_at);
    }
    if (connection.skipped > 0) tell_skipped(connection);  // The application alone hears of it now.
    Session session{*this, connection};
    connection.endpoint->on_close(session, code, reason);
    connection.state.reset();
}

/// Nothing is added to the output from now on. Input is read on and dropped, because closing a
/// socket with unread input would send a reset that may destroy our last bytes on their way.
void Shard::drain(Connection& connection) {
    RC_ASSERT(connection.phase < Phase::draining);
    RC_ASSERT(!connection.session_open);
    topics_.unsubscribe_all(connection);
    connection.phase = Phase::draining;
    connection.suspensions = 0;
    drop_input(connection);
    await_end(connection);
    if (connection.recv == Connection::Recv::idle && !connection.peer_finished)
        arm_recv(connection);
    attend(connection);
}

/// Gives the peer close_timeout for its Close, or its FIN.
void Shard::await_end(Connection& connection) {
    connection.untaken_bytes = 0;
    // Only where the kernel's buffer was full already it is worth a system call to know how full.
    if (connection.backlog) {
        connection.untaken_bytes =
            connection.queued_bytes + ring_.unacknowledged_bytes(connection.fd);
    }
    timers_.schedule(connection, ring_.now() + settings_.close_timeout);
}

/// A slow peer is no dead one: its time begins when our last byte has left, and as long as output
/// goes it gets as much again. What the kernel holds can be megabytes, of which it says nothing
/// unasked while a slow peer reads them.
bool Shard::takes_output(Connection& connection) {
    const std::uint64_t before = connection.untaken_bytes;
    const std::uint64_t untaken =
        connection.queued_bytes + ring_.unacknowledged_bytes(connection.fd);
    const bool is_progress = before == 0 ? untaken > 0 : untaken < before;
    if (!is_progress) return false;
    connection.untaken_bytes = untaken;
    timers_.schedule(connection, ring_.now() + settings_.close_timeout);
    return true;
}

void Shard::finish_drain(Connection& connection) {
    if (connection.has_output()) return;  // sent() lists it again.
    if (connection.tls != nullptr && connection.tls->stream.is_open())
        return list_sender(connection);  // For our close_notify.
    if (connection.peer_finished) return terminate(connection);
    if (connection.sending_shut) return;
    connection.sending_shut = true;
    ring_.shutdown(token_of(connection), connection.fd, ring::Shutdown::sending);
}

void Shard::terminate(Connection& connection) {
    if (connection.phase >= Phase::terminating) return;
    topics_.unsubscribe_all(connection);
    end_session(connection, CloseCode::abnormal, "connection lost");
    if (connection.phase == Phase::answering) tell_end(connection, HttpEnd::aborted);
    connection.phase = Phase::terminating;
    connection.suspensions = 0;
    drop_input(connection);
    timers_.cancel(connection);
    const bool is_busy = connection.recv != Connection::Recv::idle || connection.send_in_flight;
    if (is_busy) ring_.shutdown(token_of(connection), connection.fd, ring::Shutdown::both);
    join(connection);
}

/// Closes the descriptor once the ring holds nothing of this connection any more.
void Shard::join(Connection& connection) {
    RC_ASSERT(connection.phase >= Phase::terminating);
    if (connection.phase == Phase::closed || connection.recv != Connection::Recv::idle) return;
    if (connection.send_in_flight || connection.quiet_in_flight) return;
    connection.phase = Phase::closed;
    ring_.close(token_of(connection), connection.fd);
}

void Shard::release(Connection& connection) {
    RC_ASSERT(connection.phase == Phase::closed);
    RC_ASSERT(!connection.is_unfinished());
    if (connection.access == Access::admin) --admin_connections_;
    if (connection.guest) forget_client(*connection.guest);
    metrics_.queue_bytes -= connection.queued_bytes;  // What could not be sent.
    connections_.erase(connection.id.slot);
}

void Shard::on_deadline(Connection& connection) {
    switch (connection.phase) {
        case Phase::request: return on_request_deadline(connection);
        case Phase::answering: return on_exchange_deadline(connection);
        case Phase::pending:
            ++metrics_.timeouts;
            return refuse(connection, {.status = code_of(http::Status::service_unavailable),
                                       .body = "admission took too long\n"});
        case Phase::open: return on_open_deadline(connection);
        case Phase::closing:
        case Phase::draining:
            if (takes_output(connection)) return;
            ++metrics_.timeouts;
            return terminate(connection);
        case Phase::terminating:
        case Phase::closed: RC_ASSERT(false && "a deadline after the end");
    }
}

/// Deadlines of open sessions are lazy: traffic only notes the time, and the timer looks when it
/// fires. A suspended session is not asked for signs of life, but its backlog must make progress.
void Shard::on_open_deadline(Connection& connection) {
    const bool is_stream = is_streamed(connection.encoding);
    if (connection.has(Suspension::rate)) {
        if (!is_stream) return on_paced_deadline(connection);
        // What a stream is sent does not wait for what its client says elsewhere.
        if (ring_.now() >= connection.guest->resumes_at) resume(connection, Suspension::rate);
        if (connection.phase != Phase::open) return;
    }
    const bool goes_on = is_stream ? tend_stream(connection) : tend_socket(connection);
    if (!goes_on) return;
    Session session{*this, connection};
    if (ring_.now() >= connection.endpoint->deadline(session))
        connection.endpoint->on_time(session);
    if (connection.phase == Phase::open) schedule_open(connection);
}

/// While a WebSocket session waits for tokens, it is pinged on: not for the pong, which waits, too,
/// but so that TCP finds out whether anybody is there.
void Shard::on_paced_deadline(Connection& connection) {
    Session session{*this, connection};
    if (ring_.now() >= connection.endpoint->expiry(session)) {
        connection.endpoint->on_time(session);
    } else if (ring_.now() >= connection.guest->resumes_at) {
        resume(connection, Suspension::rate);
    } else if (connection.queued_bytes == 0) {
        ping(connection);
    }
    if (connection.phase == Phase::open) schedule_open(connection);
}

void Shard::ping(Connection& connection) {
    if (is_streamed(connection.encoding))
        return send_piece(connection, stream_ping_of(connection.encoding));
    enqueue(connection, ws::Opcode::ping, {});
}

/// Of a WebSocket session: does what is due; false if that was its end.
bool Shard::tend_socket(Connection& connection) {
    const SessionLimits& limits = connection.endpoint->limits();
    const Duration quiet = ring_.now() - connection.active_at;
    if (limits.idle_timeout > Duration{0} && quiet >= limits.idle_timeout) {
        ++metrics_.timeouts;
        if (connection.is_suspended()) {
            terminate(connection);
        } else {
            fail(connection, CloseCode::going_away, "idle timeout");
        }
        return false;
    }
    if (ring_.now() >= message_deadline(connection)) {
        ++metrics_.timeouts;
        fail(connection, CloseCode::policy_violation, "message took too long");
        return false;
    }
    if (is_pinged_when_quiet(connection) && quiet >= limits.ping_interval - ping_jitter(limits)) {
        connection.pinged = true;
        ping(connection);
    }
    return true;
}

/// When the message under way has to have ended or made progress; a client that is kept from it, by
/// something else than its own flood, has all its time again afterwards.
Instant Shard::message_deadline(const Connection& connection) noexcept {
    const Duration timeout = connection.endpoint->limits().message_timeout;
    const unsigned own = static_cast<unsigned>(Suspension::work);
    const bool is_kept = (connection.suspensions & ~own) != 0;
    const bool has_one = timeout > Duration{0} && connection.is_unfinished() && !is_kept;
    return has_one ? connection.unfinished_since() + timeout : instant_never;
}

void Shard::schedule_open(Connection& connection) {
    const SessionLimits& limits = connection.endpoint->limits();
    const bool is_stream = is_streamed(connection.encoding);
    if (connection.has(Suspension::rate) && !is_stream) {
        Instant next = std::min(connection.guest->resumes_at,
                                connection.endpoint->expiry(Session{*this, connection}));
        if (limits.ping_interval > Duration{0})
            next = std::min(next, ring_.now() + limits.ping_interval);
        timers_.schedule(connection, next);
        return;
    }
    Instant deadline =
        std::min(is_stream ? stream_deadline(connection) : socket_deadline(connection),
                 connection.endpoint->deadline(Session{*this, connection}));
    if (connection.has(Suspension::rate))
        deadline = std::min(deadline, connection.guest->resumes_at);
    if (deadline != instant_never) timers_.schedule(connection, deadline);
}

Instant Shard::socket_deadline(Connection& connection) noexcept {
    const SessionLimits& limits = connection.endpoint->limits();
    Instant deadline = message_deadline(connection);
    if (limits.idle_timeout > Duration{0})
        deadline = std::min(deadline, connection.active_at + limits.idle_timeout);
    if (is_pinged_when_quiet(connection)) {
        // Up to a tenth early, so that clients that came together do not stay in step.
        const auto early = prng_.below(static_cast<std::uint64_t>(ping_jitter(limits).count()) + 1);
        const Duration interval =
            limits.ping_interval - Duration{static_cast<Duration::rep>(early)};
        deadline = std::min(deadline, connection.active_at + interval);
    }
    return deadline;
}

}  // namespace ringcast::shard
