// From messages to bytes on their way: queues, quiet sends and backlogs.

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/bytes.hpp"
#include "ring/error.hpp"
#include "shard/shard.hpp"

namespace ringcast::shard {

namespace {

/// From this size on a reply is sent from where the message lies. Below, a copy beside the
/// connection's other frames is cheaper than one more part in the send.
constexpr std::size_t reply_in_place_bytes_min = 4 << 10;

constexpr std::size_t chunk_overhead_bytes = http::chunk_begin_bytes_max + http::chunk_end.size();

constexpr ws::Opcode opcode_of(MessageKind kind) noexcept {
    return kind == MessageKind::text ? ws::Opcode::text : ws::Opcode::binary;
}

/// A whole frame, at `frame`.
void write_frame(std::byte* frame, ws::Opcode opcode, std::span<const std::byte> payload) noexcept {
    std::byte* const target = frame + ws::server_header_bytes(payload.size());
    ws::write_header_before(target, opcode, payload.size());
    if (!payload.empty()) std::memcpy(target, payload.data(), payload.size());
}

}  // namespace

// Flattened, as feed_frames is: what runs once per message is worth no calls.
[[gnu::flatten]] SendStatus Session::send(std::string_view payload, MessageKind kind) {
    return shard_->send(*connection_, payload, kind);
}

SendStatus Shard::send(Connection& connection, std::string_view text, MessageKind kind) {
    if (!connection.session_open || connection.phase != Phase::open || connection.broken)
        return SendStatus::closed;
    const std::span<const std::byte> payload = as_bytes(text);
    if (payload.size() > message_bytes_ceiling) {
        ++metrics_.messages_dropped;
        return SendStatus::dropped;
    }
    const bool is_stream = is_streamed(connection.encoding);
    const std::uint64_t size =
        payload.size() +
        (is_stream ? chunk_overhead_bytes : ws::server_header_bytes(payload.size()));
    if (!admits(connection, size)) {
        ++metrics_.messages_dropped;
        connection.behind = true;
        return SendStatus::dropped;
    }
    ++metrics_.messages_sent;
    if (is_stream) [[unlikely]]
        send_piece(connection, text);
    else if (connection.deflate == nullptr ||
             !enqueue_compressed(connection, opcode_of(kind), payload)) [[likely]]
        enqueue(connection, opcode_of(kind), payload);
    if (connection.queued_bytes <= connection.endpoint->limits().high_water_bytes())
        return SendStatus::accepted;
    connection.behind = true;
    return SendStatus::behind;
}

/// A queue takes something when it is empty, otherwise as long as it has room, and if its client
/// does not empty it, the shard's memory, too.
bool Shard::has_room(const Connection& connection, std::uint64_t size,
                     std::uint64_t queue_bytes_max) const noexcept {
    const std::uint64_t queued = connection.queued_bytes;
    if (queued == 0) return true;
    return queued + size <= queue_bytes_max &&
           (!connection.backlog || pool_.bytes_in_use() <= settings_.pool_bytes_max);
}

/// The rule of a session's queue: besides, a reply until the session is suspended, and word of what
/// was dropped.
bool Shard::admits(const Connection& connection, std::uint64_t size) const noexcept {
    const SessionLimits& limits = connection.endpoint->limits();
    if (telling_ == &connection || has_room(connection, size, limits.send_queue_bytes_max))
        return true;
    return dispatch_.connection == &connection &&
           connection.queued_bytes <= limits.high_water_bytes();
}

void Shard::enqueue(Connection& connection, ws::Opcode opcode, std::span<const std::byte> payload) {
    const std::size_t header_bytes = ws::server_header_bytes(payload.size());
    const std::size_t size = header_bytes + payload.size();
    std::byte* frame = nullptr;
    if (!connection.backlog && payload.size() < reply_in_place_bytes_min)
        frame = output_.reserve(connection.chain, size);
    if (frame != nullptr) {
        write_frame(frame, opcode, payload);
    } else {
        enqueue_large(connection, opcode, payload);
    }
    enqueued(connection, size);
}

/// Of a large message, or while there is a backlog or a full arena.
void Shard::enqueue_large(Connection& connection, ws::Opcode opcode,
                          std::span<const std::byte> payload) {
    if (connection.chain.pieces == TurnOutput::pieces_max) {
        output_.move_rest(connection.chain, 0, backlog_of(connection), pool_);
        connection.chain = {};
    }
    if (connection.backlog) {
        enqueue_behind(connection, opcode, payload);
    } else {
        enqueue_in_turn(connection, opcode, payload);
    }
}

/// Behind what the kernel did not take yet.
void Shard::enqueue_behind(Connection& connection, ws::Opcode opcode,
                           std::span<const std::byte> payload) {
    Backlog& backlog = *connection.backlog;
    const std::size_t header_bytes = ws::server_header_bytes(payload.size());
    // Small messages are copied beside each other: a block each would cost many times their size.
    if (payload.size() >= reply_in_place_bytes_min && !dispatch_.in_slice &&
        is_dispatched(connection, payload)) {
        dispatch_.reusable = false;
        const std::byte* const frame =
            ws::write_header_before(dispatch_.payload.data(), opcode, payload.size());
        backlog.append(std::get<ws::Assembler>(connection.parser).take_block(), frame,
                       header_bytes + payload.size());
        return;
    }
    std::array<std::byte, ws::server_header_bytes_max> header;
    ws::write_header_before(header.data() + header_bytes, opcode, payload.size());
    backlog.append(std::span{header}.first(header_bytes), pool_);
    backlog.append(payload, pool_);
}

/// With everything else that this connection sends in this turn.
void Shard::enqueue_in_turn(Connection& connection, ws::Opcode opcode,
                            std::span<const std::byte> payload) {
    if (payload.size() >= reply_in_place_bytes_min &&
        enqueue_dispatched(connection, opcode, payload))
        return;
    const std::size_t header_bytes = ws::server_header_bytes(payload.size());
    const std::size_t size = header_bytes + payload.size();
    if (size <= TurnOutput::arena_frame_bytes_max) {
        if (std::byte* const frame = output_.reserve(connection.chain, size)) {
            ws::write_header_before(frame + header_bytes, opcode, payload.size());
            if (!payload.empty()) std::memcpy(frame + header_bytes, payload.data(), payload.size());
            return;
        }
    }
    Block block = pool_.get(payload.size());
    std::memcpy(block.data(), payload.data(), payload.size());
    const std::byte* const frame = ws::write_header_before(block.data(), opcode, payload.size());
    output_.append(connection.chain, std::move(block), frame, size);
}

/// An echo without a copy: the message is sent from where it was unmasked. There is room for a
/// header before it: a client's is four bytes longer than a server's, and a block has its front.
bool Shard::enqueue_dispatched(Connection& connection, ws::Opcode opcode,
                               std::span<const std::byte> payload) {
    if (!is_dispatched(connection, payload)) return false;
    dispatch_.reusable = false;
    const std::byte* const frame =
        ws::write_header_before(dispatch_.payload.data(), opcode, payload.size());
    const std::size_t size = ws::server_header_bytes(payload.size()) + payload.size();
    if (dispatch_.in_slice) {
        output_.append_slice(connection.chain, frame, size);
    } else {
        output_.append(connection.chain, std::get<ws::Assembler>(connection.parser).take_block(),
                       frame, size);
    }
    return true;
}

bool Shard::is_dispatched(const Connection& connection,
                          std::span<const std::byte> payload) const noexcept {
    return dispatch_.reusable && dispatch_.connection == &connection &&
           payload.data() == dispatch_.payload.data() &&
           payload.size() == dispatch_.payload.size() && !payload.empty();
}

/// Bytes as they are: HTTP responses, or a frame with its header.
void Shard::enqueue_raw(Connection& connection, std::span<const std::byte> bytes) {
    RC_ASSERT(!connection.quiet_in_flight);
    if (connection.chain.pieces == TurnOutput::pieces_max) {
        output_.move_rest(connection.chain, 0, backlog_of(connection), pool_);
        connection.chain = {};
    }
    if (connection.backlog) {
        connection.backlog->append(bytes, pool_);
        return enqueued(connection, bytes.size());
    }
    std::byte* target = nullptr;
    if (bytes.size() <= TurnOutput::arena_frame_bytes_max)
        target = output_.reserve(connection.chain, bytes.size());
    if (target != nullptr) {
        std::memcpy(target, bytes.data(), bytes.size());
    } else {
        Block block = pool_.get(bytes.size());
        std::memcpy(block.data(), bytes.data(), bytes.size());
        const std::byte* const data = block.data();
        output_.append(connection.chain, std::move(block), data, bytes.size());
    }
    enqueued(connection, bytes.size());
}

void Shard::enqueued(Connection& connection, std::size_t bytes) {
    connection.queued_bytes += bytes;
    metrics_.queue_bytes += bytes;
    list_sender(connection);
}

void Shard::list_sender(Connection& connection) {
    if (connection.sender_listed) return;
    connection.sender_listed = true;
    senders_.push_back(connection.id);
}

Backlog& Shard::backlog_of(Connection& connection) {
    if (!connection.backlog) connection.backlog = std::make_unique<Backlog>();
    return *connection.backlog;
}

/// Appends a send for every connection with new output. The output must be settled before more is
/// added.
void Shard::submit_output() {
    if (tls_ != nullptr) submit_sealed_output();
    for (const SlotId id : senders_) {
        Connection* const connection = connections_.find(id);
        if (connection == nullptr) continue;
        connection->sender_listed = false;
        if (connection->phase >= Phase::terminating || connection->broken) continue;
        if (connection->backlog) {
            if (!connection->send_in_flight) send_backlog(*connection);
            continue;
        }
        RC_ASSERT(!connection->quiet_in_flight);
        output_.submit(ring_, token_of(*connection), connection->fd, connection->chain);
        connection->quiet_in_flight = true;
        quiet_.push_back(id);
        output_awaited_ |= connection->awaits_output();
    }
    sends_submitted_ += senders_.size();
    senders_.clear();
}

void Shard::send_backlog(Connection& connection) {
    RC_ASSERT(!connection.send_in_flight && !connection.quiet_in_flight);
    Backlog& backlog = *connection.backlog;
    const std::span<const ring::Part> parts = backlog.gather();
    connection.send_in_flight = true;
    ring_.send(token_of(connection), connection.fd, parts, backlog.gathered_bytes());
}

/// The ring has returned the memory of all quiet sends: what fell short goes to backlogs first of
/// all, then the rest is done.
void Shard::settle(std::span<const ring::Completion> shortfalls) {
    settle_sends(shortfalls);
    output_.reset();
    if (tls_ != nullptr) tls_->reset();
}

void Shard::settle_sends(std::span<const ring::Completion> shortfalls) {
    for (const ring::Completion& completion : shortfalls) on_shortfall(completion);
    for (const SlotId id : quiet_) {
        Connection* const connection = connections_.find(id);
        RC_ASSERT(connection != nullptr);  // A quiet send in flight keeps its connection.
        if (connection->quiet_in_flight) {
            connection->quiet_in_flight = false;
            if (connection->tls == nullptr) {
                sent(*connection, std::exchange(connection->chain, {}).bytes);
            } else {
                on_sealed_sent(*connection, std::exchange(connection->tls->quiet, {}).size());
            }
        }
    }
    quiet_.clear();
}

void Shard::on_shortfall(const ring::Completion& completion) {
    if (completion.token.tag == static_cast<std::uint8_t>(Tag::refused)) return;
    Connection* const connection =
        connections_.find({completion.token.slot, completion.token.generation});
    RC_ASSERT(connection != nullptr && connection->quiet_in_flight);
    connection->quiet_in_flight = false;
    if (connection->tls != nullptr) return on_sealed_shortfall(*connection, completion.result);
    const TurnOutput::Chain chain = std::exchange(connection->chain, {});
    if (completion.result < 0 && completion.result != -EAGAIN) {
        return on_send_error(*connection, -completion.result);
    }
    const auto bytes = static_cast<std::uint64_t>(completion.result < 0 ? 0 : completion.result);
    output_.move_rest(chain, bytes, backlog_of(*connection), pool_);
    sent(*connection, bytes);
    if (connection->phase < Phase::terminating) send_backlog(*connection);
}

void Shard::on_sent(Connection& connection, const ring::Completion& completion) {
    RC_ASSERT(connection.send_in_flight);
    connection.send_in_flight = false;
    if (connection.tls != nullptr) return on_ciphertext_sent(connection, completion.result);
    Backlog& backlog = *connection.backlog;
    if (completion.result < 0) {
        backlog.consume(0);
        return on_send_error(connection, -completion.result);
    }
    connection.active_at = ring_.now();
    backlog.consume(static_cast<std::uint64_t>(completion.result));
    const bool is_empty = backlog.empty();
    if (is_empty) connection.backlog.reset();
    sent(connection, static_cast<std::uint64_t>(completion.result));
    if (!is_empty && connection.phase < Phase::terminating && !connection.broken)
        send_backlog(connection);
}

void Shard::sent(Connection& connection, std::uint64_t bytes) {
    RC_ASSERT(bytes <= connection.queued_bytes);
    connection.queued_bytes -= bytes;
    metrics_.queue_bytes -= bytes;
    metrics_.bytes_sent += bytes;
    if (connection.awaits_output()) attend(connection);
}

void Shard::on_send_error(Connection& connection, int error) {
    if (error != ECANCELED && !ring::is_connection_lost(error)) {
        ++metrics_.unexpected_errors;
        log_.limited(limiters_.unexpected).field("operation", "send").field("errno", error);
    }
    connection.broken = true;
    attend(connection);
}

/// Hands what has been collected to the kernel in the middle of a turn, so that large replies leave
/// while they are in cache and their blocks are used again.
void Shard::flush_early() {
    submit_output();
    settle(ring_.flush());
    output_awaited_ = false;  // Settled: whoever has to be followed up is listed.
}

}  // namespace ringcast::shard
