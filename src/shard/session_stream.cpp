// Sessions whose messages are the content of an answer: what is sent and received, and how they
// live and end.

#include "shard/session_stream.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/bytes.hpp"
#include "shard/shard.hpp"

namespace ringcast::shard {

namespace {

SessionStream& stream_of(Connection& connection) noexcept {
    return *std::get<StreamPointer>(connection.parser);
}

}  // namespace

ReceiveStatus Session::receive(std::string message, MessageKind kind) {
    return shard_->receive(*connection_, std::move(message), kind);
}

/// An endpoint has found whose session the answer becomes.
void Shard::offer_session(Connection& connection, const http::ResponseRules& rules,
                          SessionOffer offer) {
    if (rules.is_to_head && offer.verdict.kind != Verdict::Kind::refuse) {
        return answer(connection, rules,
                      {.fields = offer.verdict.fields,
                       .content_type = content_type_of(offer.verdict.encoding),
                       .body = {}});
    }
    if (!admit_forwarded(connection)) return;
    connection.endpoint = &offer.endpoint;
    apply(connection, std::move(offer.verdict), Opening{.key = {}, .rules = rules});
}

/// The head of the answer.
void Shard::begin_session_stream(Connection& connection, const Verdict& verdict,
                                 http::ResponseRules rules) {
    ++metrics_.http_requests;
    ++metrics_.streams;
    rules.persistence = http::Persistence::close;
    const http::Response response{
        .fields = verdict.fields, .content_type = content_type_of(verdict.encoding), .body = {}};
    scratch_.clear();
    http::write_stream_head(scratch_, completed(connection, response), rules);
    if (connection.guest) connection.guest->cross_origin = {};  // The stream may last.
    enqueue_raw(connection, as_bytes(scratch_));
    auto stream =
        std::make_unique<SessionStream>(SessionStream{.takes_chunks = rules.takes_chunks});
    stream->looked_at = ring_.now();
    stream->ping_at = next_stream_ping(connection);
    connection.parser = std::move(stream);
}

/// What an endpoint sends, or is to be sent in its name.
void Shard::send_piece(Connection& connection, std::string_view bytes) {
    if (!bytes.empty()) write_piece(connection, bytes, stream_of(connection).takes_chunks);
}

/// A publication's.
void Shard::send_chunk(Connection& connection, const SharedFrame& chunk) {
    if (stream_of(connection).takes_chunks) return enqueue_shared(connection, chunk);
    const std::span<const std::byte> bytes = chunk.bytes();
    const auto payload_at = std::ranges::find(bytes, std::byte{'\n'}) + 1;
    const auto begin_bytes = static_cast<std::size_t>(payload_at - bytes.begin());
    enqueue_raw(connection,
                bytes.subspan(begin_bytes, bytes.size() - begin_bytes - http::chunk_end.size()));
}

/// What the endpoint says instead of a Close, and the end of the content.
void Shard::send_farewell(Connection& connection, CloseCode code, std::string_view reason) {
    SessionStream& stream = stream_of(connection);
    stream.code = code;
    stream.reason = reason;
    scratch_.clear();
    connection.endpoint->append_farewell(Session{*this, connection}, code, reason, scratch_);
    send_piece(connection, scratch_);
    if (stream.takes_chunks) enqueue_raw(connection, as_bytes(http::last_chunk));
}

/// Its farewell is out, and nobody answers that.
void Shard::finish_session_stream(Connection& connection) {
    const SessionStream& stream = stream_of(connection);
    const std::string reason = stream.reason;
    end_session(connection, stream.code, reason);
    drain(connection);
}

ReceiveStatus Shard::receive(Connection& connection, std::string message, MessageKind kind) {
    affinity_.check();
    if (!connection.session_open || connection.phase != Phase::open || connection.broken ||
        !is_streamed(connection.encoding))
        return ReceiveStatus::closed;
    SessionStream& stream = stream_of(connection);
    const bool has_room = stream.inputs.size() < SessionStream::inputs_max &&
                          stream.input_bytes + message.size() <= SessionStream::input_bytes_max;
    if (!has_room && !stream.inputs.empty()) return ReceiveStatus::full;
    if (connection.guest != nullptr) {
        std::span<std::byte> bytes = std::as_writable_bytes(std::span{message});
        take_from_guest(connection, bytes);
    }
    stream.input_bytes += message.size();
    stream.inputs.push_back({std::move(message), kind});
    feed_stream(connection);
    note_unfinished(connection);
    return ReceiveStatus::accepted;
}

/// As feed_frames(), of messages that have come another way.
void Shard::feed_stream(Connection& connection) {
    std::uint32_t work = connection.work_done;
    std::size_t taken = 0;
    SessionStream& stream = stream_of(connection);
    while (taken < stream.inputs.size() && connection.phase == Phase::open &&
           !connection.is_suspended() && !connection.broken && work < settings_.work_per_turn) {
        const SessionStream::Input input = std::move(stream.inputs[taken++]);
        stream.input_bytes -= input.payload.size();
        work += static_cast<std::uint32_t>(1 + input.payload.size() / work_bytes);
        ++metrics_.messages_received;
        dispatch_.connection = &connection;
        dispatch_.reusable = false;
        connection.endpoint->on_message({*this, connection}, input.payload, input.kind);
        dispatch_.connection = nullptr;
        if (connection.guest != nullptr) take_message_token(connection);
        if (output_.bytes() >= settings_.early_flush_bytes) flush_early();
        suspend_if_unread(connection);
    }
    stream.inputs.erase(stream.inputs.begin(), stream.inputs.begin() + std::ptrdiff_t(taken));
    if (taken > 0) note_work(connection, std::max<std::uint32_t>(work, connection.work_done));
}

Instant Shard::next_stream_ping(const Connection& connection) noexcept {
    const Duration interval = connection.endpoint->limits().ping_interval;
    if (interval == Duration{0}) return instant_never;
    // Up to a tenth early, so that clients that came together do not stay in step.
    const auto early = prng_.below(static_cast<std::uint64_t>(interval.count() / 10) + 1);
    return ring_.now() + interval - Duration{static_cast<Duration::rep>(early)};
}

/// When the answer has gone on for long enough.
Instant Shard::stream_end(const Connection& connection) const noexcept {
    const Duration timeout = settings_.http.stream_timeout;
    return timeout > Duration{0} ? connection.opened_at + timeout : instant_never;
}

Instant Shard::stream_deadline(Connection& connection) const noexcept {
    const SessionStream& stream = stream_of(connection);
    const Duration patience = connection.endpoint->limits().idle_timeout;
    Instant deadline = std::min(stream.ping_at, stream_end(connection));
    if (patience > Duration{0}) deadline = std::min(deadline, stream.looked_at + patience);
    return deadline;
}

/// Does what is due; false if that was the session's end. Nothing comes from its client, so signs
/// of life are what it takes.
bool Shard::tend_stream(Connection& connection) {
    SessionStream& stream = stream_of(connection);
    const Instant now = ring_.now();
    if (now >= stream_end(connection)) {
        ++metrics_.timeouts;
        start_close(connection, CloseCode::going_away, "stream timeout");
        return false;
    }
    const Duration patience = connection.endpoint->limits().idle_timeout;
    if (patience > Duration{0} && now >= stream.looked_at + patience) {
        const bool was_behind = stream.behind_at != instant_never;
        if (connection.backlog && was_behind && connection.active_at < stream.behind_at) {
            ++metrics_.timeouts;
            terminate(connection);
            return false;
        }
        stream.looked_at = now;
        stream.behind_at = connection.backlog ? now : instant_never;
    }
    if (now >= stream.ping_at) {
        if (!connection.backlog) send_piece(connection, stream_ping_of(connection.encoding));
        stream.ping_at = next_stream_ping(connection);
    }
    return true;
}

}  // namespace ringcast::shard
