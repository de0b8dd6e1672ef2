#pragma once
// The event loop of one core, and the only place where ring, http, ws and the application meet.
// Written once, it runs on io_uring, on epoll and in the simulator, since all it knows of the world
// is a Ring.
//
// One turn: hand all output over and wait -> move what quiet sends left to backlogs -> completions
// -> notes from other threads -> topics -> timers -> connections that need attention -> memory.
// Nothing is acted on inside an event that could be acted on after it; user code is never called
// from within user code.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/buffer_pool.hpp"
#include "base/prng.hpp"
#include "base/shard_affinity.hpp"
#include "base/slab.hpp"
#include "base/timer_wheel.hpp"
#include "http/date.hpp"
#include "http/request_parser.hpp"
#include "http/response.hpp"
#include "ring/ring.hpp"
#include "shard/connection.hpp"
#include "shard/dispatch.hpp"
#include "shard/inbox.hpp"
#include "shard/latest.hpp"
#include "shard/listener.hpp"
#include "shard/log.hpp"
#include "shard/log_limiters.hpp"
#include "shard/metrics.hpp"
#include "shard/pacing.hpp"
#include "shard/router.hpp"
#include "shard/secure.hpp"
#include "shard/session.hpp"
#include "shard/settings.hpp"
#include "shard/submission.hpp"
#include "shard/tokens.hpp"
#include "shard/topics.hpp"
#include "shard/turn_output.hpp"
#include "shard/unfinished.hpp"

namespace ringcast::shard {

/// Owns its connections, endpoints and memory; borrows the ring, the log queue and the mesh, which
/// must outlive it; without a mesh it makes one for itself alone. It shares the limits on clients
/// with the other shards, if there are any; they outlive it, too. Every member is for the shard's
/// own thread, apart from what goes through the inbox. It counts in
/// `metrics`, if they are given, for other threads to read; they outlive it.
class Shard {
public:
    Shard(ring::Ring& ring, const Settings& settings, Router router, LogQueue& log,
          Metrics* metrics = nullptr, Mesh* mesh = nullptr, ClientLimits* client_limits = nullptr);
    /// All connections must be gone: see finished().
    ~Shard();
    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;

    /// What connections of TLS listeners get from now on; those that there are keep theirs, apart
    /// from the ticket keys. Before the first such listener, then at any time.
    void set_tls(TlsMaterial material);
    /// What clients' tokens are checked with from now on; whoever is in stays. Before the first
    /// turn, then at any time. Needs Settings::wall_clock.
    void set_tokens(TokenMaterial material);
    /// Accepts connections from `fd`, which the shard borrows. Before the first turn.
    void listen(int fd, Transport transport = Transport::plain);
    /// Accepts from these, too, connections that see `router` and nothing else, as the others never
    /// see it. They have a reserve of their own beside connections_max, and a shutdown leaves them
    /// alone until end_admin(). Once, before the first turn.
    void listen_admin(std::span<const int> fds, Router router);

    /// One turn of the loop; waits for as long as nothing is to be done.
    void turn();

    /// Stops accepting and reading, refuses requests under way with 503, and, once everything that
    /// was published before is on its way to its subscribers, sends a Close with `code` to every
    /// session.
    void begin_shutdown(CloseCode code);
    /// True once a shutdown has begun and only what admin listeners serve is left.
    [[nodiscard]] bool drained() const noexcept;
    /// During a shutdown: ends the admin listeners and what came through them, too.
    void end_admin();
    /// Cuts every connection that is still there; during a shutdown it ends the admin listeners.
    void terminate_all();
    /// True once a shutdown has begun and every connection and listener is gone. Where there are
    /// admin listeners, only end_admin() brings that about.
    [[nodiscard]] bool finished() const noexcept;
    [[nodiscard]] bool is_stopping() const noexcept { return shutdown_code_.has_value(); }

    /// The open session of that id, if it is still there.
    [[nodiscard]] std::optional<Session> find(SlotId id);
    /// The open session in that slot of slots(), if there is one.
    [[nodiscard]] std::optional<Session> session_at(std::uint32_t slot);
    [[nodiscard]] std::uint32_t slots() const noexcept { return connections_.slot_count(); }
    /// Calls `visit(Endpoint&)` for each endpoint of clients' sessions.
    template <class Visit>
    void for_each_endpoint(Visit&& visit) const {
        router_.for_each(visit);
    }
    /// The exchange of that id, if it is not over.
    [[nodiscard]] std::optional<HttpExchange> find_exchange(ExchangeId id);
    /// Brings the verdict on a pending admission. If the session is gone, its state is destroyed.
    void resolve(SlotId id, Verdict verdict);

    /// Publishes on behalf of no session. `topic` is a valid name; the payload is copied, as is
    /// `info`, a packed PublicationInfo or nothing. `full`: try again later, nobody is suspended.
    [[nodiscard]] PublishStatus publish(std::string_view topic, PublicationKind kind,
                                        std::span<const std::byte> payload,
                                        std::span<const std::byte> info = {});
    /// True if the next publication to `topic` finds room.
    [[nodiscard]] bool has_room_for(std::string_view topic) {
        return topics_.has_room(topics_.home_of(topic));
    }

    /// Of all shards; null: none.
    [[nodiscard]] const ClientLimits* client_limits() const noexcept { return client_limits_; }
    /// Before a publication by a client to a topic that has a rate. One that is refused is counted.
    [[nodiscard]] ClientLimits::Permit take_publication(std::uint64_t publisher,
                                                        std::string_view topic,
                                                        const TokenRate& rate,
                                                        ClientLimits::Excess excess);

    /// The shard that numbers the publications of `topic`.
    [[nodiscard]] std::uint32_t home_of(std::string_view topic) const noexcept {
        return topics_.home_of(topic);
    }
    /// As the home of `topic`, a valid name: publishes at once, unless `options` say otherwise, and
    /// says which place it got. `full`: try again in the next turn.
    [[nodiscard]] Submitted submit(std::string_view topic, PublicationKind kind,
                                   std::span<const std::byte> payload,
                                   const SubmitOptions& options = {});

    /// Runs `task` in the next turn of one of the server's shards, be it this one; never if that
    /// has ended. For what is rare: it costs allocations, and a wake-up.
    void run_on(std::uint32_t shard, Task task);
    [[nodiscard]] const Topics& topics() const noexcept { return topics_; }
    /// What a topic with its home here keeps is gone, not its position.
    void forget_history(std::string_view topic);

    /// Counts and logs (rate-limited) an exception that left the hook `hook` of a handler.
    void report_handler_exception(const char* hook, std::string_view what) noexcept;

    /// False if `request` is of a web page whose origin is not allowed; that is counted and logged.
    [[nodiscard]] bool admits_origin(const http::Request& request);

    /// Checks clients' tokens; null if there are no keys for them.
    [[nodiscard]] Tokens* tokens() noexcept { return tokens_.get(); }

    /// For other threads; acquire() a reference to keep it.
    [[nodiscard]] Inbox& inbox() noexcept { return topics_.inbox(); }
    [[nodiscard]] const Metrics& metrics() const noexcept { return metrics_; }
    [[nodiscard]] const Settings& settings() const noexcept { return settings_; }
    [[nodiscard]] std::size_t connections() const noexcept { return connections_.size(); }
    [[nodiscard]] BufferPool& pool() noexcept { return pool_; }
    [[nodiscard]] Instant now() const noexcept { return ring_.now(); }

private:
    friend class HttpExchange;
    friend class Session;
    friend class Topics;

    enum class Tag : std::uint8_t { connection, listener, refused };
    using Shape = EncodedPublication::Shape;

    // shard.cpp: the loop, and the end of it.
    void complete(const ring::Completion& completion);
    [[nodiscard]] bool is_ending(Access access) const noexcept {
        return access == Access::admin ? is_admin_ending_ : shutdown_code_.has_value();
    }
    [[nodiscard]] const Router& router_of(const Connection& connection) const noexcept {
        return connection.access == Access::admin ? admin_router_ : router_;
    }
    void read_inbox();
    void serve_timers();
    void on_tick();
    void serve_attention();
    void serve(Connection& connection);
    void on_flushed(bool is_complete);
    void attend(Connection& connection);
    void update_metrics();
    [[nodiscard]] ring::Wait next_wait();

    // accept.cpp: how connections come in.
    void arm_accept(Listener& listener);
    void on_accept(const ring::Completion& completion);
    void on_accept_error(Listener& listener, int error);
    void accept_connection(int fd, const Listener& listener);
    void begin_reading(Connection& connection);
    void read_newcomers();
    [[nodiscard]] std::size_t client_connections() const noexcept {
        return connections_.size() - admin_connections_;
    }
    void begin_ending(Access access);
    void end_accepting();
    void refuse_ending(Connection& connection);

    // receive.cpp: from bytes to messages.
    void arm_recv(Connection& connection);
    void on_recv(Connection& connection, const ring::Completion& completion);
    void on_recv_error(Connection& connection, int error);
    void note_exhausted_buffers();
    void continue_recv(Connection& connection);
    void feed(Connection& connection, std::span<std::byte> input, Source source);
    void feed_frames(Connection& connection, std::span<std::byte>& input, Source source);
    [[gnu::noinline]] void note_work(Connection& connection, std::uint32_t work);
    void forget_work();
    void on_event(Connection& connection, const ws::Event& event, Source source);
    [[gnu::noinline]] void on_control(Connection& connection, const ws::Event& event);
    void on_message(Connection& connection, const ws::Event& event, Source source);
    [[gnu::noinline]] void hold(Connection& connection, std::span<const std::byte> input);
    void note_unfinished(Connection& connection);
    void schedule_by(Connection& connection, Instant deadline);
    void drop_input(Connection& connection);
    void give_up_oldest();
    [[gnu::noinline]] void suspend(Connection& connection, Suspension reason);
    [[nodiscard]] bool leaves_unread(const Connection& connection,
                                     std::uint64_t high_water_bytes) const noexcept;
    void suspend_if_unread(Connection& connection);
    void suspend_until_room(Connection& connection, std::uint32_t home);
    void on_room(SlotId id);
    void suspend_until_published(Connection& connection);
    void on_published(SlotId id);
    void resume(Connection& connection, Suspension reason);
    void resume_endpoint(Connection& connection);
    void on_end_of_stream(Connection& connection);

    // guests.cpp: who is at the other end.
    void refuse_full(int fd, const Listener& listener);
    void refuse_accepted(int fd, Transport transport, const http::Response* answer);
    void close_refused();
    [[nodiscard]] std::unique_ptr<Guest> receive_guest(int fd, Transport transport);
    [[nodiscard]] bool admit(Guest& guest, const IpAddress& ip);
    void forget_client(Guest& guest);
    [[gnu::noinline]] void take_from_guest(Connection& connection, std::span<std::byte>& bytes);
    [[gnu::noinline]] void take_message_token(Connection& connection);
    void pace(Connection& connection, Instant resumes_at);
    void take_proxy_header(Connection& connection, std::span<std::byte>& bytes);
    [[nodiscard]] bool identify_client(Connection& connection, const http::Request& request,
                                       bool wants_upgrade);
    [[nodiscard]] bool admit_forwarded(Connection& connection);
    [[nodiscard]] ring::Address client_address(const Connection& connection) const;
    [[nodiscard]] bool limits_clients() const noexcept {
        return client_limits_ != nullptr && client_limits_->is_on();
    }

    // upgrade.cpp: the opening handshake.
    void on_request(Connection& connection, const http::Request& request,
                    std::span<std::byte>& input);
    void apply(Connection& connection, Verdict verdict, const Opening& opening);
    void open_session(Connection& connection, Verdict verdict, const Opening& opening);
    void switch_protocols(Connection& connection, Verdict& verdict, std::string_view key);
    void await_admission(Connection& connection, Verdict verdict, const Opening& opening);
    void refuse(Connection& connection, const http::Response& response);
    void subscribe_and_open(Connection& connection, Verdict verdict, const Opening& opening);
    template <class Bring>
    void bring_answer(Connection& connection, Bring&& bring);
    void on_subscribed(SlotId id, const Subscribed& subscribed);
    void on_history(SlotId id, const HistoryAnswer& answer);
    void tell_exchange(Connection& connection, const HistoryAnswer& answer);
    void on_presence(SlotId id, const PresenceAnswer& answer);
    void on_subscription_lost(SlotId id, std::string_view topic, std::string_view reason);

    // plain_http.cpp: requests, and the answers to those that ask for no upgrade.
    void feed_requests(Connection& connection, std::span<std::byte>& input);
    void feed_request(Connection& connection, std::span<std::byte>& input);
    void on_plain_request(Connection& connection, const Router::HttpMatch& match,
                          const http::Request& request, std::span<std::byte>& input);
    void feed_body(Connection& connection, std::span<std::byte>& input);
    [[nodiscard]] http::BodyLimits body_limits(const HttpEndpoint& endpoint) const noexcept;
    void call(Connection& connection, const Router::HttpMatch& match, const http::Request& request,
              std::span<const std::byte> body);
    [[nodiscard]] static http::ResponseRules closing_rules(const http::Request& request) noexcept;
    [[nodiscard]] static http::ResponseRules closing_rules(const Connection& connection) noexcept;
    [[nodiscard]] http::ResponseRules rules_for(const Connection& connection,
                                                const http::Request& request) const noexcept;
    void answer_whole(Connection& connection, const http::ResponseRules& rules,
                      const HttpAnswer& said);
    void answer_unread(Connection& connection, const http::Request& request,
                       const http::Response& response);
    void answer(Connection& connection, const http::ResponseRules& rules,
                const http::Response& response);
    void end_request(Connection& connection, http::Persistence persistence);
    void note_page(Connection& connection, const http::Request& request);
    [[nodiscard]] http::Response completed(const Connection& connection,
                                           const http::Response& response) noexcept;
    [[nodiscard]] http::Response dated(const http::Response& response) noexcept;
    [[nodiscard]] Instant request_deadline(const Connection& connection) const noexcept;
    void on_request_deadline(Connection& connection);

    // exchange.cpp: requests that endpoints have.
    void begin_exchange(Connection& connection, HttpEndpoint& endpoint,
                        const http::ResponseRules& rules, HttpAnswer& said);
    void start_stream(Connection& connection, const HttpAnswer& said);
    SendStatus write(Connection& connection, std::string_view bytes);
    void write_piece(Connection& connection, std::string_view bytes, bool takes_chunks);
    void finish_stream(Connection& connection);
    void serve_exchange(Connection& connection);
    void continue_exchange(Connection& connection);
    void resolve_exchange(Connection& connection, Verdict verdict);
    void tell_end(Connection& connection, HttpEnd reason);
    void end_exchange(Connection& connection, HttpEnd reason);
    [[nodiscard]] Instant exchange_deadline(const Exchange& exchange) const noexcept;
    void on_exchange_deadline(Connection& connection);

    // session_stream.cpp: sessions that are answers to plain requests.
    void offer_session(Connection& connection, const http::ResponseRules& rules,
                       SessionOffer offer);
    void begin_session_stream(Connection& connection, const Verdict& verdict,
                              http::ResponseRules rules);
    [[gnu::noinline]] void send_piece(Connection& connection, std::string_view bytes);
    [[gnu::noinline]] void send_chunk(Connection& connection, const SharedFrame& chunk);
    void send_farewell(Connection& connection, CloseCode code, std::string_view reason);
    void finish_session_stream(Connection& connection);
    [[nodiscard]] ReceiveStatus receive(Connection& connection, std::string message,
                                        MessageKind kind);
    void feed_stream(Connection& connection);
    [[nodiscard]] Instant next_stream_ping(const Connection& connection) noexcept;
    [[nodiscard]] Instant stream_end(const Connection& connection) const noexcept;
    [[nodiscard]] Instant stream_deadline(Connection& connection) const noexcept;
    [[nodiscard]] bool tend_stream(Connection& connection);

    // transmit.cpp: from messages to bytes.
    SendStatus send(Connection& connection, std::string_view payload, MessageKind kind);
    [[nodiscard]] bool has_room(const Connection& connection, std::uint64_t size,
                                std::uint64_t queue_bytes_max) const noexcept;
    [[nodiscard]] bool admits(const Connection& connection, std::uint64_t size) const noexcept;
    void enqueue(Connection& connection, ws::Opcode opcode, std::span<const std::byte> payload);
    [[gnu::noinline]] void enqueue_large(Connection& connection, ws::Opcode opcode,
                                         std::span<const std::byte> payload);
    void enqueue_behind(Connection& connection, ws::Opcode opcode,
                        std::span<const std::byte> payload);
    void enqueue_in_turn(Connection& connection, ws::Opcode opcode,
                         std::span<const std::byte> payload);
    bool enqueue_dispatched(Connection& connection, ws::Opcode opcode,
                            std::span<const std::byte> payload);
    [[nodiscard]] bool is_dispatched(const Connection& connection,
                                     std::span<const std::byte> payload) const noexcept;
    void enqueue_raw(Connection& connection, std::span<const std::byte> bytes);
    void enqueued(Connection& connection, std::size_t bytes);
    void list_sender(Connection& connection);
    Backlog& backlog_of(Connection& connection);
    PublishStatus publish(Connection& connection, std::string_view topic, PublicationKind kind,
                          std::span<const std::byte> payload, std::span<const std::byte> info);
    bool deliver(SlotId id, EncodedPublication& publication, Shape shape = Shape::plain);
    [[gnu::noinline]] void deliver_in_step(hub::Subscriber& subscriber,
                                           EncodedPublication& publication);
    [[gnu::noinline]] void hold_back(Connection& connection, EncodedPublication& publication,
                                     Shape shape);
    [[nodiscard]] bool admits_publication(const Connection& connection,
                                          std::uint64_t size) const noexcept;
    void enqueue_publication(Connection& connection, const SharedFrame& frame);
    [[nodiscard]] SlowConsumer slow_consumer_of(const Connection& connection,
                                                std::string_view topic) const noexcept;
    [[gnu::noinline]] void on_slow_consumer(Connection& connection,
                                            const EncodedPublication& publication, Shape shape);
    [[nodiscard]] bool keep_latest(Connection& connection, const EncodedPublication& publication,
                                   Shape shape);
    [[nodiscard]] bool send_latest(Connection& connection);
    [[gnu::noinline]] void drop_latest(Connection& connection);
    [[nodiscard]] bool can_tell_skipped(const Connection& connection) const noexcept;
    [[gnu::noinline]] void tell_skipped(Connection& connection);
    void enqueue_shared(Connection& connection, const SharedFrame& frame);
    void submit_output();
    void send_backlog(Connection& connection);
    void settle(std::span<const ring::Completion> shortfalls);
    void settle_sends(std::span<const ring::Completion> shortfalls);
    void on_shortfall(const ring::Completion& completion);
    void on_sent(Connection& connection, const ring::Completion& completion);
    void sent(Connection& connection, std::uint64_t bytes);
    void on_send_error(Connection& connection, int error);
    [[gnu::noinline]] void flush_early();

    // compress.cpp: what only connections with permessage-deflate do.
    [[gnu::noinline]] bool enqueue_compressed(Connection& connection, ws::Opcode opcode,
                                              std::span<const std::byte> payload);
    [[gnu::noinline]] const SharedFrame& frame_for(Connection& connection,
                                                   EncodedPublication& publication, Shape shape);
    [[nodiscard, gnu::noinline]] bool has_work_left(std::uint64_t work_before) const noexcept;
    void suspend_for_turn(Connection& connection);
    void release_input(Connection& connection);
    void resume_worked();
    // secure.cpp: TLS.
    class CiphertextOutput;
    void begin_tls(Connection& connection);
    [[gnu::noinline]] void on_ciphertext(Connection& connection,
                                         std::span<const std::byte> ciphertext);
    void read_records(Connection& connection, std::span<const std::byte> ciphertext);
    void on_close_notify(Connection& connection);
    void on_tls_failure(Connection& connection, const tls::Stream::Event& event);
    void drop_output(Connection& connection);
    void on_handshake_step(const tls::Stream& stream, bool has_answered);
    void defer_handshake(Connection& connection, std::span<const std::byte> ciphertext);
    void continue_handshakes();
    void note_small_read(Connection& connection);
    void hold_ciphertext(Connection& connection, std::span<const std::byte> ciphertext);
    Backlog& ciphertext_of(Connection& connection);
    void submit_sealed_output();
    void submit_sealed(Connection& connection);
    void seal(Connection& connection, tls::Output& output, std::uint64_t bytes_max);
    void send_ciphertext(Connection& connection);
    void on_sealed_shortfall(Connection& connection, std::int32_t result);
    void on_ciphertext_sent(Connection& connection, std::int32_t result);
    [[gnu::noinline]] void on_sealed_sent(Connection& connection, std::uint64_t bytes);
    [[nodiscard]] bool awaits_sealed_output(const Connection& connection) const noexcept;

    // closing.cpp: the ways to the end.
    void start_close(Connection& connection, CloseCode code, std::string_view reason);
    void send_close(Connection& connection, CloseCode code, std::string_view reason);
    void on_peer_close(Connection& connection, const ws::Event& event);
    void fail(Connection& connection, CloseCode code, std::string_view reason);
    void end_session(Connection& connection, CloseCode code, std::string_view reason);
    void drain(Connection& connection);
    void await_end(Connection& connection);
    [[nodiscard]] bool takes_output(Connection& connection);
    void finish_drain(Connection& connection);
    void terminate(Connection& connection);
    void join(Connection& connection);
    void release(Connection& connection);
    void on_deadline(Connection& connection);
    void on_open_deadline(Connection& connection);
    void on_paced_deadline(Connection& connection);
    [[nodiscard]] bool tend_socket(Connection& connection);
    [[nodiscard]] Instant socket_deadline(Connection& connection) noexcept;
    void ping(Connection& connection);
    void schedule_open(Connection& connection);
    [[nodiscard]] static Instant message_deadline(const Connection& connection) noexcept;

    /// For logs: unlike a SlotId alone it says the shard too.
    [[nodiscard]] std::uint64_t session_number(const Connection& connection) const noexcept {
        return std::uint64_t{settings_.index} << 48 | std::uint64_t{connection.id.slot} << 16 |
               connection.id.generation;
    }
    [[nodiscard]] ring::Token token_of(const Connection& connection) const noexcept {
        return {.slot = connection.id.slot,
                .generation = connection.id.generation,
                .tag = static_cast<std::uint8_t>(Tag::connection)};
    }
    [[nodiscard]] static ring::Token token_of(const Listener& listener) noexcept {
        return {.slot = listener.slot, .tag = static_cast<std::uint8_t>(Tag::listener)};
    }

    ring::Ring& ring_;
    const Settings settings_;
    LogQueue& log_;
    Router router_;
    Router admin_router_;
    ShardAffinity affinity_;
    Prng prng_;
    BufferPool pool_;  // Before everything that holds blocks.
    TurnOutput output_;
    PermessageDeflate deflate_;
    std::unique_ptr<SecureService> tls_;  // Null: there is no TLS listener.
    std::unique_ptr<Mesh> own_mesh_;      // Of a shard that was given none.
    Topics topics_;
    Slab<Connection> connections_;
    std::deque<Listener> listeners_;
    TimerWheel timers_;
    ShardTimer tick_{ShardTimer::Kind::tick};
    Pacing pacing_;
    Metrics own_metrics_;  // Of a shard that was given none.
    Metrics& metrics_;
    ClientLimits* client_limits_;

    std::deque<SlotId> newcomers_;      // Accepted connections that are not read yet, in order.
    std::uint32_t newcomers_left_ = 0;  // That this turn can still begin to read.
    UnfinishedInputs inputs_;
    std::vector<SlotId> senders_;    // Connections with output that has not been submitted.
    std::vector<SlotId> quiet_;      // Connections with a quiet send that has not come home.
    std::vector<SlotId> attention_;  // Connections to look at before the turn ends.
    std::vector<SlotId> attention_served_;
    std::vector<SlotId> worked_;  // Connections suspended for their work, in that order.
    std::vector<SlotId> worked_served_;
    std::vector<SlotId> busy_;  // Connections with work_done or small reads in this turn.
    Dispatch dispatch_;
    const Connection* telling_ = nullptr;  // Who is told right now that it has missed something.
    http::RequestStorage request_;
    std::string scratch_;
    http::DateText date_;
    std::uint32_t admin_connections_ = 0;
    std::uint32_t refused_closing_ = 0;  // Descriptors over a limit, not closed yet.
    std::vector<int> refused_told_;      // Of these, the ones whose answer the ring still has ...
    std::map<std::uint16_t, std::string> refusals_;  // ... by status; they are the same for all.
    std::uint64_t completions_last_turn_ = 0;
    std::uint64_t sends_submitted_ = 0;  // Since the last turn.
    bool output_awaited_ = false;        // A quiet send of these has to be followed up.
    std::optional<CloseCode> shutdown_code_;
    bool is_accepting_ending_ = false;  // A shutdown is taking what the kernel has queued.
    bool is_admin_ending_ = false;
    bool is_turn_owed_ = true;  // The next turn must not wait; the first one looks around.
    LogLimiters limiters_;
    std::unique_ptr<Tokens> tokens_;  // Null: there are no keys.
    Latest latest_;
    PublicationDeltas deltas_;
};

}  // namespace ringcast::shard
