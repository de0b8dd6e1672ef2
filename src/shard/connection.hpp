#pragma once
// One TCP connection and, once the opening handshake is through, the WebSocket session on it. Plain
// state: what happens to it is decided by the shard, in accept.cpp, receive.cpp, upgrade.cpp,
// plain_http.cpp, exchange.cpp, session_stream.cpp, secure.cpp, transmit.cpp and closing.cpp.
//
//   request -> [pending ->] open -> closing -> draining -> terminating -> closed
//    |  ^ |        |          |        |          ^             ^
//    |  v +--------+----------+--------+----------+ refusal,    |  any phase: reset, time-out
//   answering                                       failure, Close handshake done
//
// A session that is the answer to a plain request (session_stream.hpp) goes the same way, without
// waiting for anybody in `closing`.

#include <cstdint>
#include <memory>
#include <utility>
#include <variant>

#include "base/buffer_pool.hpp"
#include "base/slab.hpp"
#include "base/time.hpp"
#include "base/timer_wheel.hpp"
#include "http/body.hpp"
#include "http/request_parser.hpp"
#include "hub/local_topics.hpp"
#include "shard/backlog.hpp"
#include "shard/endpoint.hpp"
#include "shard/guest.hpp"
#include "shard/http_exchange.hpp"
#include "shard/permessage_deflate.hpp"
#include "shard/secure.hpp"
#include "shard/session_stream.hpp"
#include "shard/turn_output.hpp"
#include "shard/unfinished.hpp"
#include "ws/assembler.hpp"

namespace ringcast::shard {

/// A deadline of a shard and what it is for.
struct ShardTimer : Timer {
    enum class Kind : std::uint8_t { connection, listener, tick };
    explicit ShardTimer(Kind timer_kind) noexcept : kind{timer_kind} {}
    const Kind kind;
};

enum class Phase : std::uint8_t {
    request,      ///< A request is arriving, its head, then perhaps a body; or awaited.
    answering,    ///< An endpoint has the request and has not answered all; input is kept.
    pending,      ///< The application has not decided yet; input is suspended.
    open,         ///< Messages flow.
    closing,      ///< Our Close is out; waiting for the peer's. Messages are read and dropped.
    draining,     ///< Nothing will be added to the output. When it is gone: FIN, then wait for the
                  ///< peer's. Input is dropped.
    terminating,  ///< Waiting for receive and send to come home.
    closed,       ///< The descriptor's close is submitted.
};

/// What a connection speaks beneath HTTP.
enum class Transport : std::uint8_t { plain, tls };

/// What a connection is for, by the listener that it came through.
enum class Access : std::uint8_t { clients, admin };

/// Why input is suspended. Several reasons may hold at once.
enum class Suspension : std::uint8_t {
    pending_admission = 1,  ///< The application, or a topic's home, has to speak first.
    own_output = 2,         ///< The client has to read what it caused, or to let others go first.
    mesh = 4,               ///< There is no room for what the client publishes.
    shutdown = 8,           ///< What was accepted before goes out before the Close.
    publications = 16,      ///< What it has published has to reach send queues first.
    work = 32,              ///< It has had its share of this turn's work.
    rate = 64,              ///< The client has sent too much, too fast.
    tls_handshake = 128,    ///< It is another turn's: `held` is ciphertext.
};

/// What an opening is answered with.
struct Opening {
    std::string_view key;       ///< Of the 101; empty: with the head of a stream ...
    http::ResponseRules rules;  ///< ... by these rules.

    [[nodiscard]] bool is_stream() const noexcept { return key.empty(); }
};

/// An answer that has to wait: for the application's verdict, or for the home of `verdict.topic`.
struct PendingUpgrade {
    std::string key;
    http::ResponseRules rules;
    Verdict verdict{};

    [[nodiscard]] Opening opening() const noexcept { return {.key = key, .rules = rules}; }
};
using UpgradePointer = std::unique_ptr<PendingUpgrade>;
using StreamPointer = std::unique_ptr<SessionStream>;

/// The bases stand in this order so that flags lie in the room behind the timer's kind.
struct Connection : UnfinishedInputs::Entry, ShardTimer {
    enum class Recv : std::uint8_t { idle, armed, cancelling };
    static constexpr std::uint8_t no_shard = UINT8_MAX;
    /// Who reads the input, or why nobody does.
    using Parser = std::variant<http::RequestParser, http::BodyParser, Exchange, UpgradePointer,
                                ws::Assembler, StreamPointer>;

    Connection(SlotId slot_id, int descriptor) noexcept
        : ShardTimer{Kind::connection}, id{slot_id}, fd{descriptor} {}

    [[nodiscard]] bool is_suspended() const noexcept { return suspensions != 0; }
    [[nodiscard]] bool has(Suspension reason) const noexcept {
        return (suspensions & static_cast<std::uint8_t>(reason)) != 0;
    }
    /// True while received bytes are parsed.
    [[nodiscard]] bool reads_input() const noexcept { return phase <= Phase::closing; }
    /// Of TLS there may be a backlog of nothing but ciphertext.
    [[nodiscard]] bool has_output() const noexcept {
        return queued_bytes != 0 || backlog != nullptr;
    }
    [[nodiscard]] bool is_tls_handshaking() const noexcept {
        return tls != nullptr && tls->stream.is_handshaking();
    }
    /// True if TLS has not said that the stream ends: it may not have been the peer who ended it.
    [[nodiscard]] bool is_cut_off() const noexcept {
        return tls != nullptr && !tls->stream.has_peer_closed();
    }
    /// True if something has to be done once output has gone: on_drain, resume, the end.
    [[nodiscard]] bool awaits_output() const noexcept {
        return phase >= Phase::closing || behind || is_suspended();
    }

    Phase phase = Phase::request;
    Recv recv = Recv::idle;
    Access access = Access::clients;
    std::uint8_t suspensions = 0;
    bool send_in_flight = false;    // An ordinary send, of the backlog.
    bool quiet_in_flight = false;   // A quiet send, of this turn's chain.
    bool sender_listed = false;     // In Shard::senders_.
    bool attention_listed = false;  // In Shard::attention_.
    bool session_open = false;      // on_open was called, on_close not yet.
    bool behind = false;            // send() said so; on_drain is owed.
    bool pinged = false;            // A ping is out and nothing has come since.
    bool broken = false;  // The stream failed; terminate as soon as nobody is in the middle of it.
    bool peer_finished = false;             // The peer's FIN has come.
    bool sending_shut : 1 = false;          // Our FIN is out.
    bool conflates : 1 = false;             // Something is in Shard::latest_.
    bool holds_publications : 1 = false;    // Its endpoint keeps them.
    Encoding encoding : 5 = Encoding::raw;  // Of publications.
    std::uint8_t publishes_to = no_shard;   // The home of what its messages are published to.

    const SlotId id;
    const int fd;
    std::uint32_t held_size = 0;
    Block held;           // Input kept while suspended or answering.
    Instant opened_at{};  // Accepted; later: the newest request's head came, or its answer was
                          // given; then: the 101 was sent.
    Instant active_at{};  // Bytes last came, or a backlog last made progress.

    hub::SessionTopics topics;
    std::uint64_t published_bytes = 0;  // Since it was last told that all is passed on.
    std::uint32_t skipped = 0;          // Publications dropped since the client was last told.
    std::uint16_t work_done = 0;        // In this turn, of Settings::work_per_turn, if it is much.
    std::uint16_t requests_count = 0;   // Heads that have come.

    TurnOutput::Chain chain;
    std::uint64_t queued_bytes = 0;  // Chain and backlog.
    std::uint64_t untaken_bytes =
        0;  // Of the output, when the end was last waited for; 0: unknown.
    std::unique_ptr<Backlog> backlog;
    std::unique_ptr<SecureChannel> tls;  // Null: plain.

    Endpoint* endpoint = nullptr;
    StatePointer state = no_state();
    std::unique_ptr<DeflateSession> deflate;  // If that was agreed on; as long as input is read.
    std::unique_ptr<Guest> guest;             // Null: of no consequence who it is.
    Parser parser;
};
static_assert(sizeof(Connection) <= 280, "an idle connection must stay small");

}  // namespace ringcast::shard
