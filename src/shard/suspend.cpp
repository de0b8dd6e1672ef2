// Input that waits, and why it goes on.

#include <utility>

#include "shard/shard.hpp"

namespace ringcast::shard {

void Shard::suspend(Connection& connection, Suspension reason) {
    if (!connection.is_suspended()) {
        ++metrics_.suspensions;
        if (connection.recv == Connection::Recv::armed) {
            connection.recv = Connection::Recv::cancelling;
            ring_.cancel(token_of(connection), connection.fd);
        }
    }
    connection.suspensions |= static_cast<std::uint8_t>(reason);
}

/// Feeds the held bytes first; that may suspend again.
void Shard::resume(Connection& connection, Suspension reason) {
    if (!connection.has(reason)) return;
    connection.suspensions &= static_cast<std::uint8_t>(~static_cast<std::uint8_t>(reason));
    // Whoever is suspended is not late with the rest of its message, unless its own flood did it.
    if (reason != Suspension::work) inputs_.restart(connection, ring_.now());
    if (connection.is_suspended()) return;
    connection.active_at = ring_.now();
    if (connection.phase == Phase::open) {
        schedule_open(connection);
        resume_endpoint(connection);
        if (connection.is_suspended()) return;
    }
    if (connection.held_size > 0) {
        const Block held = std::move(connection.held);
        const std::size_t size = std::exchange(connection.held_size, 0);
        metrics_.held_bytes -= size;
        const std::span<std::byte> input{held.data(), size};
        if (connection.tls != nullptr && std::exchange(connection.tls->holds_ciphertext, false)) {
            read_records(connection, input);
            note_unfinished(connection);  // There may have been no plaintext to do so for.
        } else {
            feed(connection, input, Source::held);
        }
    }
    if (connection.phase == Phase::open && is_streamed(connection.encoding)) {
        feed_stream(connection);
        note_unfinished(connection);
    }
    if (connection.peer_finished) on_end_of_stream(connection);
    if (connection.recv == Connection::Recv::idle) continue_recv(connection);
}

/// A message may have been left unfinished.
void Shard::resume_endpoint(Connection& connection) {
    Session session{*this, connection};
    const Replying replying{dispatch_, connection};
    connection.endpoint->on_resume(session);
}

/// What it publishes goes to a topic whose home takes nothing now.
void Shard::suspend_until_room(Connection& connection, std::uint32_t home) {
    if (connection.phase != Phase::open || connection.has(Suspension::mesh)) return;
    ++metrics_.mesh_suspensions;
    topics_.wait_for_room(connection.id, home);
    suspend(connection, Suspension::mesh);
}

void Shard::on_room(SlotId id) {
    Connection* const connection = connections_.find(id);
    if (connection == nullptr) return;
    if (connection->phase == Phase::answering) return continue_exchange(*connection);
    if (!connection->has(Suspension::mesh)) return;  // An exchange that is over has waited.
    suspend_if_unread(*connection);  // Meanwhile its topic may have brought it more.
    resume(*connection, Suspension::mesh);
}

}  // namespace ringcast::shard
