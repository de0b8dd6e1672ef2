// From received bytes to requests, frames and messages; suspending and resuming input.

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/bytes.hpp"
#include "ring/error.hpp"
#include "shard/shard.hpp"

namespace ringcast::shard {

namespace {

/// Less is not worth remembering until the turn has ended.
constexpr std::uint32_t work_noted_min = 16;

}  // namespace

void Shard::arm_recv(Connection& connection) {
    RC_ASSERT(connection.recv == Connection::Recv::idle);
    connection.recv = Connection::Recv::armed;
    ring_.recv(token_of(connection), connection.fd);
}

void Shard::on_recv(Connection& connection, const ring::Completion& completion) {
    RC_ASSERT(connection.recv != Connection::Recv::idle);
    if (!completion.has_more()) connection.recv = Connection::Recv::idle;
    if (completion.result > 0) {
        std::span bytes{completion.bytes, static_cast<std::size_t>(completion.result)};
        metrics_.bytes_received += bytes.size();
        connection.active_at = ring_.now();
        // An answered ping: silence is counted anew, and the timer stands far behind.
        if (std::exchange(connection.pinged, false) && connection.phase == Phase::open)
            schedule_open(connection);
        if (connection.guest != nullptr) take_from_guest(connection, bytes);
        if (connection.tls != nullptr) {
            on_ciphertext(connection, bytes);
        } else {
            feed(connection, bytes, Source::ring);
        }
    } else if (completion.result == 0) {
        connection.peer_finished = true;
        on_end_of_stream(connection);
    } else {
        on_recv_error(connection, -completion.result);
    }
    if (connection.recv == Connection::Recv::idle) continue_recv(connection);
}

void Shard::on_recv_error(Connection& connection, int error) {
    // ENOBUFS is weather: the ring has counted it, and nothing was lost.
    if (error == ENOBUFS || error == ECANCELED) return;
    if (!ring::is_connection_lost(error)) {
        ++metrics_.unexpected_errors;
        log_.limited(limiters_.unexpected).field("operation", "recv").field("errno", error);
    }
    connection.broken = true;
}

/// The ring had no buffer for somebody, who waits until the next turns give some back. One line
/// when that begins; what else comes in that minute is summed up in log_suppressed.
void Shard::note_exhausted_buffers() {
    const std::uint64_t times = ring_.counters().buffers_exhausted - metrics_.buffers_exhausted;
    if (times == 0) return;
    metrics_.buffers_exhausted += times;
    log_.limited(limiters_.buffers).field("times", times);
}

/// The receive has come home: arm it again, unless the stream has ended or has to wait.
void Shard::continue_recv(Connection& connection) {
    if (connection.phase >= Phase::terminating) return join(connection);
    if (connection.broken) return terminate(connection);
    if (!connection.peer_finished && !connection.is_suspended()) arm_recv(connection);
}

void Shard::feed(Connection& connection, std::span<std::byte> input, Source source) {
    while (!input.empty() && connection.reads_input() && !connection.broken) {
        const bool is_stream = is_streamed(connection.encoding);
        if (is_stream && connection.phase >= Phase::open) break;  // Nobody asks for anything here.
        if (connection.is_suspended() || connection.held_size > 0) {
            hold(connection, input);
            break;
        }
        if (connection.phase >= Phase::open) {
            feed_frames(connection, input, source);
        } else if (connection.phase == Phase::request) {
            feed_requests(connection, input);
        } else {
            hold(connection, input);  // Until the request before has been answered.
            break;
        }
    }
    note_unfinished(connection);
}

/// Leaves the rest of its input for the next turn if it has had its part of this one: what a
/// flooder has ready must not hold up the others.
void Shard::note_work(Connection& connection, std::uint32_t work) {
    if (connection.work_done == 0) busy_.push_back(connection.id);
    connection.work_done = static_cast<std::uint16_t>(std::min<std::uint32_t>(work, UINT16_MAX));
    if (work < settings_.work_per_turn || connection.has(Suspension::work)) return;
    if (connection.reads_input() && !connection.broken) suspend_for_turn(connection);
}

/// Another turn, in which everybody has as much again.
void Shard::forget_work() {
    for (const SlotId id : busy_) {
        Connection* const connection = connections_.find(id);
        if (connection == nullptr) continue;
        connection->work_done = 0;
        if (connection->tls != nullptr) connection->tls->small_reads = 0;
    }
    busy_.clear();
}

/// Flattened: what runs once per message is worth no calls.
[[gnu::flatten]] void Shard::feed_frames(Connection& connection, std::span<std::byte>& input,
                                         Source source) {
    auto& assembler = std::get<ws::Assembler>(connection.parser);
    const ws::AssemblerLimits limits{
        .message_bytes_max = connection.endpoint->limits().message_bytes_max,
    };
    ws::Inflation* const inflation = connection.deflate ? &connection.deflate->inflation : nullptr;
    const std::uint64_t work_before =
        inflation != nullptr ? deflate_.begin_share(*connection.deflate) : 0;
    std::uint32_t work = connection.work_done;
    while (!input.empty() && connection.reads_input() && !connection.is_suspended() &&
           !connection.broken && work < settings_.work_per_turn) {
        if (connection.publishes_to != Connection::no_shard && connection.phase == Phase::open &&
            !topics_.has_room(connection.publishes_to)) {
            suspend_until_room(connection, connection.publishes_to);
            break;
        }
        if (inflation != nullptr && !has_work_left(work_before)) [[unlikely]] {
            suspend_for_turn(connection);
            break;
        }
        // Apart, so that the event of nearly every message stays in registers.
        if (const std::size_t size = assembler.short_message_bytes(input, limits)) {
            ++work;
            on_event(connection, assembler.take_short(input, size), source);
        } else {
            const std::size_t size_before = input.size();
            const ws::Event event = assembler.next(input, pool_, limits, inflation);
            work += static_cast<std::uint32_t>((size_before - input.size()) / work_bytes);
            const bool is_begun = event.kind == ws::Event::Kind::need_more;
            if (!is_begun || !input.empty()) ++work;  // The rest of a slice is nobody's fault.
            if (is_begun) continue;
            on_event(connection, event, source);
        }
        if (connection.guest != nullptr) take_message_token(connection);
        if (output_.bytes() >= settings_.early_flush_bytes) flush_early();
        suspend_if_unread(connection);
    }
    if (inflation != nullptr && connection.deflate)
        deflate_.end_share(*connection.deflate, work_before);
    if (work >= work_noted_min || work >= settings_.work_per_turn)
        note_work(connection, std::max<std::uint32_t>(work, connection.work_done));
}

void Shard::on_control(Connection& connection, const ws::Event& event) {
    switch (event.kind) {
        case ws::Event::Kind::ping:
            if (connection.phase == Phase::open)
                enqueue(connection, ws::Opcode::pong, event.payload);
            return;
        case ws::Event::Kind::close: return on_peer_close(connection, event);
        case ws::Event::Kind::failure:
            // An honest client may have a message that is longer than we take.
            ++(event.reason == ws::Reason::message_too_big ? metrics_.messages_too_big
                                                           : metrics_.protocol_errors);
            return fail(connection, close_code(event.reason), to_string(event.reason));
        case ws::Event::Kind::pong:
        case ws::Event::Kind::message:
        case ws::Event::Kind::need_more: return;
    }
}

/// What the client itself caused to be sent has to be read by it before more of its input is looked
/// at. While the shard's memory is used up, anything that a client has left unread is too much:
/// otherwise many clients, each below its own limit, would take any amount together.
bool Shard::leaves_unread(const Connection& connection,
                          std::uint64_t high_water_bytes) const noexcept {
    const bool is_exhausted = pool_.bytes_in_use() > settings_.pool_bytes_max;
    return connection.queued_bytes > (is_exhausted && connection.backlog ? 0 : high_water_bytes);
}

void Shard::suspend_if_unread(Connection& connection) {
    if (connection.phase == Phase::open &&
        leaves_unread(connection, connection.endpoint->limits().high_water_bytes()))
        suspend(connection, Suspension::own_output);
}

void Shard::on_event(Connection& connection, const ws::Event& event, Source source) {
    if (event.kind == ws::Event::Kind::message) {
        on_message(connection, event, source);
    } else {
        on_control(connection, event);
    }
}

void Shard::on_message(Connection& connection, const ws::Event& event, Source source) {
    inputs_.remove(connection);
    if (connection.phase != Phase::open)
        return;  // We have sent our Close: nobody is interested any more.
    ++metrics_.messages_received;
    // Field by field: a copy of what was just written in smaller pieces would stall.
    dispatch_.connection = &connection;
    dispatch_.payload = {event.payload.data(), event.payload.size()};
    dispatch_.in_slice = event.in_slice;
    dispatch_.reusable = !event.in_slice || source == Source::ring;
    const std::string_view payload = as_text(event.payload);
    connection.endpoint->on_message({*this, connection}, payload, event.message_kind);
    dispatch_.connection = nullptr;
}

void Shard::hold(Connection& connection, std::span<const std::byte> input) {
    const std::size_t size = connection.held_size + input.size();
    connection.held = pool_.grow(std::move(connection.held), connection.held_size, size);
    std::memcpy(connection.held.data() + connection.held_size, input.data(), input.size());
    connection.held_size = static_cast<std::uint32_t>(size);
    metrics_.held_bytes += input.size();
    if (connection.phase == Phase::answering &&
        connection.held_size > settings_.http.pipelined_bytes_max)
        suspend(connection, Suspension::own_output);
}

/// After input was looked at or held: what the connection keeps of it counts from here on, and what
/// has been dealt with is not kept.
void Shard::note_unfinished(Connection& connection) {
    if (!connection.reads_input()) return;
    bool is_unfinished = connection.held_size > 0;
    std::uint64_t memory = is_unfinished ? connection.held.capacity() : 0;
    std::uint64_t message_bytes = 0;
    if (auto* const assembler = std::get_if<ws::Assembler>(&connection.parser)) {
        assembler->release_returned();
        is_unfinished |= assembler->is_partial();
        memory += assembler->memory_bytes();
        message_bytes = assembler->held_bytes();
        if (connection.deflate) [[unlikely]] {
            const ws::Inflation& inflation = connection.deflate->inflation;
            memory += inflation.memory_bytes();
            // Progress is what the client has sent, not what became of it.
            if (inflation.received_bytes() > 0) message_bytes = inflation.received_bytes();
        }
    } else if (const auto* const body = std::get_if<http::BodyParser>(&connection.parser)) {
        is_unfinished = true;
        memory += body->memory_bytes();
        message_bytes = body->held_bytes();
    } else if (const auto* const stream = std::get_if<StreamPointer>(&connection.parser)) {
        is_unfinished |= !(*stream)->inputs.empty();
        memory += (*stream)->input_bytes;
    } else if (auto* const head = std::get_if<http::RequestParser>(&connection.parser)) {
        if (!head->is_partial()) head->reset();
        is_unfinished |= head->is_partial();
        memory += head->memory_bytes();
    }
    if (is_unfinished) {
        inputs_.note(connection, message_bytes, memory, ring_.now());
        if (connection.phase == Phase::open) {
            schedule_by(connection, message_deadline(connection));
        } else if (connection.phase == Phase::request) {
            schedule_by(connection, request_deadline(connection));
        }
    } else {
        inputs_.remove(connection);
    }
}

/// Lazily: mostly the timer is due before.
void Shard::schedule_by(Connection& connection, Instant deadline) {
    if (deadline == instant_never) return;
    if (!connection.is_scheduled() || connection.deadline > deadline)
        timers_.schedule(connection, deadline);
}

/// Nobody will look at what has come.
void Shard::drop_input(Connection& connection) {
    metrics_.held_bytes -= std::exchange(connection.held_size, 0);
    connection.held.reset();
    if (connection.tls != nullptr) connection.tls->holds_ciphertext = false;
    connection.parser.emplace<http::RequestParser>();
    connection.deflate.reset();
    inputs_.remove(connection);
}

/// When unfinished input takes more than its share of the memory, whoever has made no progress for
/// longest pays for it. That is done at the end of a turn, in the middle of nothing; what comes in
/// one turn is bounded by the receive buffers.
void Shard::give_up_oldest() {
    while (inputs_.memory_bytes() > settings_.input_bytes_max) {
        auto& connection = static_cast<Connection&>(*inputs_.oldest());
        ++metrics_.inputs_given_up;
        log_.limited(limiters_.memory)
            .field("unfinished_for", ring_.now() - connection.unfinished_since())
            .field("memory_bytes", connection.unfinished_bytes())
            .field("input_bytes_max", settings_.input_bytes_max);
        if (connection.session_open) {
            fail(connection, CloseCode::try_again_later, "no memory for unfinished messages");
        } else if (connection.phase == Phase::answering) {
            terminate(connection);
        } else {
            refuse(connection, {.status = code_of(http::Status::service_unavailable),
                                .body = "no memory for unfinished requests\n"});
        }
    }
}

/// The peer will send no more. Its last messages may still be held; resume() comes back here.
void Shard::on_end_of_stream(Connection& connection) {
    if (connection.held_size > 0 && connection.phase != Phase::answering) return;
    switch (connection.phase) {
        case Phase::request:
            if (connection.has_output()) return drain(connection);  // Answers that it waits for.
            return terminate(connection);
        case Phase::answering:
        case Phase::pending: return terminate(connection);
        case Phase::open:
        case Phase::closing:
            end_session(connection, CloseCode::abnormal,
                        connection.is_cut_off() ? "connection was cut off: no close_notify"
                        : is_streamed(connection.encoding)
                            ? "the client has gone"
                            : "connection ended without a Close frame");
            return drain(connection);
        case Phase::draining: return attend(connection);
        case Phase::terminating:
        case Phase::closed: return;
    }
}

}  // namespace ringcast::shard
