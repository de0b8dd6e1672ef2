// TLS connections: from ciphertext to input, from output to ciphertext, and handshakes in portions.

#include "shard/secure.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/bytes.hpp"
#include "shard/shard.hpp"
#include "tls/record_filler.hpp"

namespace ringcast::shard {

namespace {

/// Where quiet sends are taken from.
class ArenaOutput final : public tls::Output {
public:
    explicit ArenaOutput(SecureService& service) noexcept : service_{service} {}
    void append(std::span<const std::byte> ciphertext) override { service_.append(ciphertext); }

private:
    SecureService& service_;
};

/// Of 64 records, and less data than this: so small are records of those who mean no good, or send
/// single messages. So many reads of them in a turn are half a millisecond's work.
constexpr std::size_t small_read_bytes = 4 << 10;
constexpr std::uint32_t small_reads_max = 8;

}  // namespace

void SecureService::append(std::span<const std::byte> ciphertext) noexcept {
    RC_ASSERT(ciphertext.size() <= flush_bytes_ + entry_bytes_max - used_);
    std::memcpy(arena_.get() + used_, ciphertext.data(), ciphertext.size());
    used_ += ciphertext.size();
}

/// What a stream says before anything that waits: handshakes, tickets, alerts; and to a client that
/// is behind, records.
class Shard::CiphertextOutput final : public tls::Output {
public:
    CiphertextOutput(Shard& shard, Connection& connection) noexcept
        : shard_{shard}, connection_{connection} {}
    void append(std::span<const std::byte> ciphertext) override {
        has_written_ = true;
        shard_.ciphertext_of(connection_).append(ciphertext, shard_.pool_);
        shard_.list_sender(connection_);
    }
    /// Whether anything was appended since the last call.
    [[nodiscard]] bool take_has_written() noexcept { return std::exchange(has_written_, false); }

private:
    Shard& shard_;
    Connection& connection_;
    bool has_written_ = false;
};

void Shard::set_tls(TlsMaterial material) {
    affinity_.check();
    metrics_.tls_certificate_expires_at =
        static_cast<std::uint64_t>(material.context.expires_at().time_since_epoch().count());
    if (tls_ == nullptr) {
        tls_ = std::make_unique<SecureService>(material, settings_.early_flush_bytes);
    } else {
        tls_->material = std::move(material);
    }
}

void Shard::begin_tls(Connection& connection) {
    connection.tls = std::make_unique<SecureChannel>(tls_->material);
}

// From ciphertext to input.

void Shard::on_ciphertext(Connection& connection, std::span<const std::byte> ciphertext) {
    if (!connection.tls->holds_ciphertext) return read_records(connection, ciphertext);
    hold(connection, ciphertext);
    note_unfinished(connection);
}

/// Records of a suspended connection are read, too: an alert or the end is seen, and what has come
/// is bounded, since the receive is being cancelled. Of another one, so many small ones in a turn,
/// unless what they say waits for an answer: that is bounded, too, and stays before what follows.
void Shard::read_records(Connection& connection, std::span<const std::byte> ciphertext) {
    tls::Stream& stream = connection.tls->stream;
    CiphertextOutput output{*this, connection};
    while (connection.reads_input() && !connection.broken) {
        if (connection.tls->small_reads >= small_reads_max && !ciphertext.empty() &&
            !connection.is_suspended() && connection.held_size == 0) {
            hold_ciphertext(connection, ciphertext);
            return suspend_for_turn(connection);
        }
        const bool was_handshaking = stream.is_handshaking();
        if (was_handshaking && tls_->steps_left == 0)
            return defer_handshake(connection, ciphertext);
        const tls::Stream::Event event = stream.read(ciphertext, tls_->plaintext(), output);
        if (was_handshaking) on_handshake_step(stream, output.take_has_written());
        switch (event.found) {
            case tls::Stream::Found::need_more: return;
            case tls::Stream::Found::plaintext:
                if (event.plaintext.size() < small_read_bytes && !ciphertext.empty())
                    note_small_read(connection);
                feed(connection, event.plaintext, Source::held);
                break;
            case tls::Stream::Found::end: return on_close_notify(connection);
            case tls::Stream::Found::failure: return on_tls_failure(connection, event);
        }
    }
}

/// One that ended for the number of its records. Those that end with their slice are too little to
/// be remembered.
void Shard::note_small_read(Connection& connection) {
    if (connection.tls->small_reads++ == 0) busy_.push_back(connection.id);
}

void Shard::hold_ciphertext(Connection& connection, std::span<const std::byte> ciphertext) {
    RC_ASSERT(connection.held_size == 0);
    connection.tls->holds_ciphertext = true;
    hold(connection, ciphertext);
    note_unfinished(connection);
}

/// The peer sends no more (RFC 8446 section 6.1); its FIN says nothing new.
void Shard::on_close_notify(Connection& connection) {
    if (std::exchange(connection.peer_finished, true)) return;
    on_end_of_stream(connection);
}

/// What waits to be sent can be told to nobody any more; the alert that says why has been written.
void Shard::on_tls_failure(Connection& connection, const tls::Stream::Event& event) {
    ++metrics_.tls_failures[tls_failure_index(event.reason)];
    log_.limited(limiters_.tls)
        .field("reason", to_string(event.reason))
        .field("detail", event.detail)
        .field("peer", client_address(connection).to_string());
    drop_output(connection);
    if (event.reason == tls::Reason::plain_http) {
        scratch_.clear();
        http::write_response(scratch_,
                             dated({.status = code_of(http::Status::bad_request),
                                    .body = "this port speaks TLS: use https:// or wss://\n"}));
        CiphertextOutput{*this, connection}.append(as_bytes(scratch_));
    }
    end_session(connection, CloseCode::abnormal, to_string(event.reason));
    if (connection.phase == Phase::answering) tell_end(connection, HttpEnd::aborted);
    drain(connection);
}

void Shard::drop_output(Connection& connection) {
    metrics_.queue_bytes -= std::exchange(connection.queued_bytes, 0);
    connection.tls->sealed_bytes = 0;
    connection.chain = {};
    if (connection.backlog) *connection.backlog = {};
}

// Handshakes in portions: each step costs a fraction of a millisecond, in which hundreds of
// messages could have been served.

/// A step is what is answered: bytes that only add to a message cost nothing worth counting.
void Shard::on_handshake_step(const tls::Stream& stream, bool has_answered) {
    if (has_answered) --tls_->steps_left;
    if (!stream.is_open()) return;
    ++(stream.is_resumed() ? metrics_.tls_resumptions : metrics_.tls_handshakes);
}

void Shard::defer_handshake(Connection& connection, std::span<const std::byte> ciphertext) {
    ++metrics_.tls_handshakes_deferred;
    hold_ciphertext(connection, ciphertext);
    suspend(connection, Suspension::tls_handshake);
    tls_->waiting.push_back(connection.id);
    is_turn_owed_ = true;
}

/// Begins the turn's portion: those that wait come first, in order.
void Shard::continue_handshakes() {
    tls_->steps_left = settings_.tls_handshakes_per_turn;
    while (!tls_->waiting.empty() && tls_->steps_left > 0) {
        Connection* const connection = connections_.find(tls_->waiting.front());
        tls_->waiting.pop_front();
        if (connection != nullptr && connection->has(Suspension::tls_handshake))
            resume(*connection, Suspension::tls_handshake);
    }
    is_turn_owed_ |= !tls_->waiting.empty();
}

// From output to ciphertext.

/// What it gets goes before everything that is not encrypted yet: what this turn has collected
/// becomes a backlog behind it.
Backlog& Shard::ciphertext_of(Connection& connection) {
    if (!connection.chain.empty()) {
        output_.move_rest(connection.chain, 0, backlog_of(connection), pool_);
        connection.chain = {};
    }
    backlog_of(connection);  // The invariant of SecureChannel.
    std::unique_ptr<Backlog>& ciphertext = connection.tls->ciphertext;
    if (!ciphertext) ciphertext = std::make_unique<Backlog>();
    return *ciphertext;
}

/// The first pass of submit_output(): TLS connections leave the list. What they send lies in the
/// arena, which is handed to the kernel whenever it is full.
void Shard::submit_sealed_output() {
    std::erase_if(senders_, [this](SlotId id) {
        Connection* const connection = connections_.find(id);
        if (connection == nullptr || connection->tls == nullptr) return false;
        connection->sender_listed = false;
        const bool can_send = connection->phase < Phase::terminating && !connection->broken &&
                              !connection->send_in_flight;
        if (can_send) submit_sealed(*connection);
        return true;
    });
}

void Shard::submit_sealed(Connection& connection) {
    SecureChannel& channel = *connection.tls;
    if (channel.ciphertext && channel.ciphertext->bytes() > SecureService::quiet_control_bytes_max)
        return send_ciphertext(connection);
    const std::size_t mark = tls_->mark();
    if (channel.ciphertext) {
        while (!channel.ciphertext->empty()) {
            for (const ring::Part& part : channel.ciphertext->gather())
                tls_->append({part.data, part.size});
            channel.ciphertext->consume(channel.ciphertext->gathered_bytes());
        }
        channel.ciphertext.reset();
    }
    ArenaOutput output{*tls_};
    seal(connection, output, SecureService::quiet_plaintext_bytes_max);
    if (connection.broken) return;
    channel.quiet = tls_->since(mark);
    if (channel.quiet.empty()) return on_sealed_sent(connection, 0);
    ring_.send_quiet(token_of(connection), connection.fd, channel.quiet);
    connection.quiet_in_flight = true;
    quiet_.push_back(connection.id);
    ++sends_submitted_;
    output_awaited_ |= awaits_sealed_output(connection);
    if (!tls_->is_full()) return;
    settle_sends(ring_.flush());
    tls_->reset();
}

/// Encrypts what waits, as much as is to be sent at once, and behind the last of all our
/// close_notify.
void Shard::seal(Connection& connection, tls::Output& output, std::uint64_t bytes_max) {
    SecureChannel& channel = *connection.tls;
    RC_ASSERT(channel.sealed_bytes == 0);
    if (!channel.stream.is_open()) return;
    if (connection.chain.bytes > bytes_max) {
        output_.move_rest(connection.chain, 0, backlog_of(connection), pool_);
        connection.chain = {};
    }
    tls::RecordFiller filler{channel.stream, output};
    bool is_sealed = true;
    if (connection.backlog) {
        RC_ASSERT(connection.chain.empty());
        Backlog& backlog = *connection.backlog;
        for (const ring::Part& part : backlog.gather(bytes_max))
            is_sealed = is_sealed && filler.append({part.data, part.size});
        channel.sealed_bytes = backlog.gathered_bytes();
        backlog.consume(channel.sealed_bytes);
    } else {
        output_.for_each_piece(connection.chain, [&](std::span<const std::byte> piece) {
            is_sealed = is_sealed && filler.append(piece);
        });
        channel.sealed_bytes = std::exchange(connection.chain, {}).bytes;
    }
    if (!is_sealed || !filler.finish()) {
        connection.broken = true;
        return attend(connection);
    }
    const bool is_last = !connection.backlog || connection.backlog->empty();
    if (connection.phase == Phase::draining && is_last) channel.stream.close(output);
}

void Shard::send_ciphertext(Connection& connection) {
    RC_ASSERT(!connection.send_in_flight && !connection.quiet_in_flight);
    Backlog& ciphertext = *connection.tls->ciphertext;
    const std::span<const ring::Part> parts = ciphertext.gather();
    connection.send_in_flight = true;
    ring_.send(token_of(connection), connection.fd, parts, ciphertext.gathered_bytes());
}

void Shard::on_sealed_shortfall(Connection& connection, std::int32_t result) {
    const std::span<const std::byte> quiet = std::exchange(connection.tls->quiet, {});
    if (result < 0 && result != -EAGAIN) return on_send_error(connection, -result);
    const auto bytes = static_cast<std::size_t>(result < 0 ? 0 : result);
    ciphertext_of(connection).append(quiet.subspan(bytes), pool_);
    on_sealed_sent(connection, bytes);
    if (connection.phase < Phase::terminating) send_ciphertext(connection);
}

/// A client that was behind gets the next by an ordinary send, as long as something waits.
void Shard::on_ciphertext_sent(Connection& connection, std::int32_t result) {
    SecureChannel& channel = *connection.tls;
    if (result < 0) {
        channel.ciphertext->consume(0);
        return on_send_error(connection, -result);
    }
    connection.active_at = ring_.now();
    channel.ciphertext->consume(static_cast<std::uint64_t>(result));
    if (channel.ciphertext->empty()) channel.ciphertext.reset();
    on_sealed_sent(connection, static_cast<std::uint64_t>(result));
    if (connection.phase >= Phase::terminating) return join(connection);  // The rest goes nowhere.
    if (connection.broken || !connection.backlog) return;
    if (!channel.ciphertext) {
        CiphertextOutput output{*this, connection};
        seal(connection, output, SecureService::send_plaintext_bytes_max);
    }
    if (channel.ciphertext && !connection.broken) send_ciphertext(connection);
}

/// `bytes` as TCP carries them. Plaintext counts as sent once all that it has become has gone.
void Shard::on_sealed_sent(Connection& connection, std::uint64_t bytes) {
    metrics_.bytes_sent += bytes;
    SecureChannel& channel = *connection.tls;
    if (channel.ciphertext) return;
    const std::uint64_t sealed_bytes = std::exchange(channel.sealed_bytes, 0);
    RC_ASSERT(sealed_bytes <= connection.queued_bytes);
    connection.queued_bytes -= sealed_bytes;
    metrics_.queue_bytes -= sealed_bytes;
    if (connection.backlog && connection.backlog->empty()) connection.backlog.reset();
    if (awaits_sealed_output(connection)) attend(connection);
}

/// Beside those of others, a connection that is not behind and could not send all at once.
bool Shard::awaits_sealed_output(const Connection& connection) const noexcept {
    const bool has_more = connection.backlog && !connection.backlog->empty();
    return has_more || connection.awaits_output();
}

}  // namespace ringcast::shard
