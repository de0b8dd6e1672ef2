// What only connections do that have agreed on permessage-deflate (RFC 7692): compressed messages,
// the compressed frames of publications, and a bound on the work of a turn.

#include <utility>

#include "shard/shard.hpp"

namespace ringcast::shard {

/// False if the message is to be sent as it is: it is short, or does not get smaller. Otherwise its
/// place in the client's context is taken, so that it has to be sent, in this order.
bool Shard::enqueue_compressed(Connection& connection, ws::Opcode opcode,
                               std::span<const std::byte> payload) {
    if (!deflate_.is_worth(payload.size())) return false;
    const Block block = pool_.get(payload.size());
    const std::size_t size =
        connection.deflate->deflation.deflate(payload, {block.data(), block.capacity()});
    if (size == 0) return false;
    const std::byte* const frame = ws::write_header_before(block.data(), opcode, size, ws::rsv1);
    // A copy, so that what waits for a slow client takes no more memory than it must.
    enqueue_raw(connection, {frame, ws::server_header_bytes(size) + size});
    ++metrics_.messages_compressed;
    return true;
}

/// The frame of a publication for a client that has agreed on compression, or on another encoding
/// than the usual one. If it is compressed, the client's context is another one once it is sent.
const SharedFrame& Shard::frame_for(Connection& connection, EncodedPublication& publication,
                                    Shape shape) {
    const Encoding encoding = connection.encoding;
    if (connection.deflate == nullptr ||
        !deflate_.is_worth(publication.payload_bytes(encoding, pool_, shape)))
        return publication.frame(encoding, pool_, shape);
    return publication.compressed(encoding, connection.deflate->deflation.window_bits(),
                                  deflate_.deflaters(), pool_, shape);
}

/// Whether the turn, and the share of it of a connection, which began when `work_before` had been
/// done, allow more work.
bool Shard::has_work_left(std::uint64_t work_before) const noexcept {
    return deflate_.work() - work_before < PermessageDeflate::work_per_connection &&
           !deflate_.is_turn_over();
}

/// Its input waits for the next turn.
void Shard::suspend_for_turn(Connection& connection) {
    ++metrics_.turn_suspensions;
    worked_.push_back(connection.id);
    suspend(connection, Suspension::work);
}

/// What it has waited for is there: it goes on with those that have waited for their turn.
void Shard::release_input(Connection& connection) {
    if (!connection.has(Suspension::pending_admission) || connection.phase != Phase::open) return;
    connection.suspensions &=
        static_cast<std::uint8_t>(~static_cast<std::uint8_t>(Suspension::pending_admission));
    if (connection.has(Suspension::work)) return;
    worked_.push_back(connection.id);
    connection.suspensions |= static_cast<std::uint8_t>(Suspension::work);
}

/// A new turn: those that had to stop go on first, in the order in which they stopped.
void Shard::resume_worked() {
    if (deflate_.is_on()) deflate_.begin_turn();
    if (worked_.empty()) return;
    std::swap(worked_, worked_served_);
    std::size_t i = 0;
    for (; i < worked_served_.size() && !deflate_.is_turn_over(); ++i) {
        if (Connection* const connection = connections_.find(worked_served_[i]))
            resume(*connection, Suspension::work);
    }
    // Those that have stopped again meanwhile stand behind those that were not reached.
    worked_.insert(worked_.begin(), worked_served_.begin() + static_cast<std::ptrdiff_t>(i),
                   worked_served_.end());
    worked_served_.clear();
}

}  // namespace ringcast::shard
