#include "shard/shard.hpp"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "shard/answers.hpp"

namespace ringcast::shard {

namespace {

/// What a session of any endpoint has room for in one go.
std::uint64_t burst_bytes_max(const Router& router) {
    std::uint64_t least = UINT64_MAX;
    router.for_each([&least](const Endpoint& endpoint) {
        least = std::min(least, endpoint.limits().delivery_burst_bytes());
    });
    return least;
}

}  // namespace

Shard::Shard(ring::Ring& ring, const Settings& settings, Router router, LogQueue& log,
             Metrics* metrics, Mesh* mesh, ClientLimits* client_limits)
    : ring_{ring},
      settings_{settings},
      log_{log},
      router_{std::move(router)},
      prng_{settings.seed},
      pool_{settings.pool_retain_bytes_max},
      output_{TurnOutput::arena_bytes_for(settings.early_flush_bytes)},
      deflate_{settings.compression},
      own_mesh_{mesh == nullptr ? std::make_unique<Mesh>(1) : nullptr},
      topics_{*this, own_mesh_ ? *own_mesh_ : *mesh, own_mesh_ ? 0 : settings.index,
              settings.topics, burst_bytes_max(router_)},
      connections_{settings.connections_max + settings.admin_connections_max},
      pacing_{settings.gather_per_send, settings.gather_max},
      metrics_{metrics == nullptr ? own_metrics_ : *metrics},
      client_limits_{client_limits},
      latest_{settings.topics.seed, {}} {
    inbox().open(ring_.waker());
    log_.set_now(ring_.now());
    timers_.schedule(tick_, ring_.now() + settings_.tick_interval);
}

Shard::~Shard() {
    RC_ASSERT(connections_.size() == 0);
    RC_ASSERT(metrics_.queue_bytes == 0);
    RC_ASSERT(metrics_.held_bytes == 0);
    drop_notes(inbox().close());
    limiters_.report_suppressed(log_, LogQueue::Report::at_once);
    timers_.cancel(tick_);
    for (Listener& listener : listeners_) timers_.cancel(listener);
}

void Shard::set_tokens(TokenMaterial material) {
    affinity_.check();
    RC_ASSERT(settings_.wall_clock != nullptr);
    if (tokens_) return tokens_->replace(std::move(material));
    tokens_ = std::make_unique<Tokens>(std::move(material), settings_.wall_clock, metrics_, log_,
                                       limiters_);
}

void Shard::turn() {
    affinity_.check();
    submit_output();
    const std::span<const ring::Completion> completions = ring_.turn(next_wait());
    topics_.get_up();
    log_.set_now(ring_.now());
    completions_last_turn_ = completions.size();

    std::size_t shortfalls = 0;
    while (shortfalls < completions.size() &&
           completions[shortfalls].token.opcode == ring::Opcode::send_quiet) {
        ++shortfalls;
    }
    settle(completions.first(shortfalls));
    forget_work();
    resume_worked();
    close_refused();
    read_newcomers();
    if (tls_ != nullptr) continue_handshakes();
    for (const ring::Completion& completion : completions.subspan(shortfalls)) complete(completion);
    if (is_accepting_ending_) end_accepting();
    read_inbox();
    topics_.serve();
    serve_timers();
    serve_attention();
    give_up_oldest();
    note_exhausted_buffers();
    update_metrics();
}

ring::Wait Shard::next_wait() {
    // A quiet send that goes at once posts nothing that would end a wait.
    const bool is_awaited = std::exchange(output_awaited_, false);
    const bool is_owed = std::exchange(is_turn_owed_, false);
    if (is_awaited || is_owed || !attention_.empty() || !worked_.empty() || !topics_.try_sleep())
        return {.until = ring_.now()};
    const Pacing::Advice advice = pacing_.next(completions_last_turn_, sends_submitted_);
    sends_submitted_ = 0;
    return {.until = std::min(timers_.next_deadline(), topics_.next_deadline()),
            .count = advice.count,
            .gather = advice.gather};
}

void Shard::complete(const ring::Completion& completion) {
    const ring::Token token = completion.token;
    switch (token.opcode) {
        case ring::Opcode::wake: return;  // The inbox is read every turn.
        case ring::Opcode::accept: return on_accept(completion);
        case ring::Opcode::recv:
        case ring::Opcode::send:
        case ring::Opcode::close: break;
        case ring::Opcode::send_quiet:
        case ring::Opcode::cancel:
        case ring::Opcode::shutdown:
            RC_ASSERT(false && "completion of an operation that posts none");
    }
    if (token.tag == static_cast<std::uint8_t>(Tag::refused)) {
        --refused_closing_;
        return;
    }
    Connection* const connection = connections_.find({token.slot, token.generation});
    RC_ASSERT(connection != nullptr);
    switch (token.opcode) {
        case ring::Opcode::recv: return on_recv(*connection, completion);
        case ring::Opcode::send: return on_sent(*connection, completion);
        default: return release(*connection);
    }
}

void Shard::read_inbox() {
    for (Note* next = inbox().take(); next != nullptr;) {
        const std::unique_ptr<Note> note{next};
        next = note->next;
        switch (note->kind) {
            case Note::Kind::verdict: resolve(note->session, std::move(note->verdict)); break;
            case Note::Kind::shutdown: begin_shutdown(note->code); break;
            case Note::Kind::end_admin: end_admin(); break;
            case Note::Kind::terminate: terminate_all(); break;
            case Note::Kind::tls: set_tls(std::move(*note->tls)); break;
            case Note::Kind::task: note->task(*this); break;
            case Note::Kind::tokens: set_tokens(std::move(*note->tokens)); break;
            case Note::Kind::publisher: topics_.add_publisher(*note->publisher); break;
        }
    }
}

void Shard::run_on(std::uint32_t shard, Task task) {
    affinity_.check();
    auto note = std::make_unique<Note>();
    note->kind = Note::Kind::task;
    note->task = std::move(task);
    (void)topics_.inbox(shard).post(std::move(note));
}

void Shard::serve_timers() {
    for (std::uint32_t served = 0; served < settings_.timers_per_turn; ++served) {
        Timer* const expired = timers_.pop_expired(ring_.now());
        if (expired == nullptr) return;
        auto& timer = static_cast<ShardTimer&>(*expired);
        switch (timer.kind) {
            case ShardTimer::Kind::connection: on_deadline(static_cast<Connection&>(timer)); break;
            case ShardTimer::Kind::listener:
                RC_ASSERT(static_cast<Listener&>(timer).end == Listener::End::open);
                arm_accept(static_cast<Listener&>(timer));
                break;
            case ShardTimer::Kind::tick:
                timers_.schedule(tick_, ring_.now() + settings_.tick_interval);
                on_tick();
                break;
        }
    }
}

void Shard::on_tick() {
    topics_.on_tick();
    for (const Router* router : {&router_, &admin_router_})
        router->for_each([this](Endpoint& endpoint) { endpoint.on_tick(*this); });
    limiters_.report_suppressed(log_, LogQueue::Report::after_interval);
    deflate_.on_tick();
}

void Shard::attend(Connection& connection) {
    if (connection.attention_listed) return;
    connection.attention_listed = true;
    attention_.push_back(connection.id);
}

/// Serves what was listed so far; what that brings about is for the next turn, which then does not
/// wait.
void Shard::serve_attention() {
    std::swap(attention_, attention_served_);
    for (const SlotId id : attention_served_) {
        Connection* const connection = connections_.find(id);
        if (connection == nullptr) continue;
        connection->attention_listed = false;
        serve(*connection);
    }
    attention_served_.clear();
}

void Shard::serve(Connection& connection) {
    if (connection.broken) terminate(connection);
    // What did not go at once although the client takes it.
    if (connection.tls != nullptr && connection.backlog) list_sender(connection);
    switch (connection.phase) {
        case Phase::request:
            if (connection.queued_bytes > settings_.http.low_water_bytes()) return;
            return resume(connection, Suspension::own_output);
        case Phase::answering: return serve_exchange(connection);
        case Phase::pending:
        case Phase::closed: return;
        case Phase::open:
            if (connection.queued_bytes > connection.endpoint->limits().low_water_bytes()) return;
            if (connection.skipped > 0) {
                if (!can_tell_skipped(connection)) return;  // It stays behind: sent() lists it.
                tell_skipped(connection);
            }
            if (connection.conflates && !send_latest(connection)) return;
            if (connection.behind) {
                connection.behind = false;
                Session session{*this, connection};
                connection.endpoint->on_drain(session);
            }
            return resume(connection, Suspension::own_output);
        case Phase::closing:
            if (is_streamed(connection.encoding)) return finish_session_stream(connection);
            return resume(connection, Suspension::own_output);
        case Phase::draining: return finish_drain(connection);
        case Phase::terminating: return join(connection);
    }
}

void Shard::report_handler_exception(const char* hook, std::string_view what) noexcept {
    ++metrics_.handler_exceptions;
    log_.limited(limiters_.exception).field("hook", hook).field("what", what);
}

void Shard::update_metrics() {
    const ring::Counters& counters = ring_.counters();
    metrics_.ring_turns = counters.turns;
    metrics_.ring_calls = counters.calls;
    metrics_.ring_work_nanoseconds = static_cast<std::uint64_t>(counters.busy.count());
    metrics_.quiet_shortfalls = counters.quiet_shortfalls;
    metrics_.connections = client_connections();
    metrics_.pool_bytes = pool_.bytes_in_use();
    metrics_.input_bytes = inputs_.memory_bytes();
    metrics_.contexts_refused = deflate_.contexts_refused();
    const ws::DeflateCounts& inflated = deflate_.inflaters().counts();
    metrics_.inflated_messages = inflated.messages;
    metrics_.inflated_bytes_in = inflated.payload_bytes;
    metrics_.inflated_bytes_out = inflated.message_bytes;
    const ws::DeflateCounts& deflated = deflate_.deflaters().counts();
    metrics_.deflated_messages = deflated.messages;
    metrics_.deflated_bytes_in = deflated.message_bytes;
    metrics_.deflated_bytes_out = deflated.payload_bytes;
    metrics_.deflate_memory_bytes = deflate_.memory_bytes();
}

void Shard::begin_shutdown(CloseCode code) {
    affinity_.check();
    if (shutdown_code_) return;
    shutdown_code_ = code;
    begin_ending(Access::clients);
    connections_.for_each([&](Connection& connection) {
        if (connection.access == Access::admin) return;
        switch (connection.phase) {
            case Phase::request:
            case Phase::pending: refuse_ending(connection); break;
            case Phase::answering:  // Streams, as sessions, end behind what was published before.
                if (!std::get<Exchange>(connection.parser).is_stream)
                    end_exchange(connection, HttpEnd::shutdown);
                break;
            case Phase::open:
            case Phase::closing:
            case Phase::draining:
            case Phase::terminating:
            case Phase::closed: break;
        }
    });
    topics_.begin_flush();
    if (topics_.is_flushed()) return;
    connections_.for_each([&](Connection& connection) {
        if (connection.phase == Phase::open) suspend(connection, Suspension::shutdown);
    });
}

void Shard::on_flushed(bool is_complete) {
    if (!is_complete) log_.warn("publications_not_flushed");
    connections_.for_each([&](Connection& connection) {
        if (connection.phase == Phase::open) {
            const auto why = connection.endpoint->reason_of_shutdown(*shutdown_code_);
            start_close(connection, why.code, why.reason);
        }
        if (connection.phase == Phase::answering && connection.access == Access::clients)
            end_exchange(connection, HttpEnd::shutdown);
    });
}

void Shard::end_admin() {
    affinity_.check();
    if (!shutdown_code_ || is_admin_ending_) return;
    is_admin_ending_ = true;
    begin_ending(Access::admin);
    connections_.for_each([&](Connection& connection) {
        if (connection.access != Access::admin || connection.phase > Phase::pending) return;
        if (connection.phase == Phase::answering)
            return end_exchange(connection, HttpEnd::shutdown);
        refuse_ending(connection);
    });
}

void Shard::terminate_all() {
    affinity_.check();
    end_admin();
    topics_.cut_flush();
    connections_.for_each([&](Connection& connection) { terminate(connection); });
}

/// Until it is flushed the others may have something for it, and wait if it gives them no room.
bool Shard::drained() const noexcept {
    return shutdown_code_ && !is_accepting_ending_ && client_connections() == 0 &&
           refused_closing_ == 0 && topics_.is_flushed() && topics_.has_told_all();
}

bool Shard::finished() const noexcept {
    const auto has_ended = [](const Listener& listener) {
        return listener.end == Listener::End::told;
    };
    return drained() && admin_connections_ == 0 && std::ranges::all_of(listeners_, has_ended);
}

void Shard::forget_history(std::string_view topic) {
    affinity_.check();
    topics_.forget_history(topic);
}

std::optional<Session> Shard::session_at(std::uint32_t slot) {
    affinity_.check();
    if (!connections_.is_live(slot)) return std::nullopt;
    Connection& connection = connections_.at(slot);
    if (!connection.session_open) return std::nullopt;
    return Session{*this, connection};
}

std::optional<Session> Shard::find(SlotId id) {
    affinity_.check();
    Connection* const connection = connections_.find(id);
    if (connection == nullptr || !connection->session_open) return std::nullopt;
    return Session{*this, *connection};
}

}  // namespace ringcast::shard
