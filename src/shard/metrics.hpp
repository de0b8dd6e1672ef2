#pragma once
// What a shard counts: numbers that its thread writes and any thread reads.

#include <array>
#include <cstddef>
#include <cstdint>

#include "auth/reason.hpp"
#include "base/assert.hpp"
#include "base/counter.hpp"
#include "ringcast/close_code.hpp"
#include "tls/reason.hpp"

namespace ringcast::shard {

/// Closes are counted by code: 1000 to 1015 each by itself, then two sums, of 3000 to 3999 and of
/// 4000 to 4999. No other code ends a session.
inline constexpr std::size_t close_counts_max = 18;

/// Where Metrics::closes counts `code`.
[[nodiscard]] constexpr std::size_t close_index(CloseCode code) noexcept {
    const auto number = static_cast<std::uint16_t>(code);
    if (number >= 3000) return number < 4000 ? 16 : 17;
    RC_ASSERT(number >= 1000 && number <= 1015);
    return number - std::size_t{1000};
}

/// TLS connections that fail are counted by reason.
inline constexpr std::size_t tls_failures_max = tls::reasons_count - 1;

/// Where Metrics::tls_failures counts `reason`.
[[nodiscard]] constexpr std::size_t tls_failure_index(tls::Reason reason) noexcept {
    RC_ASSERT(reason != tls::Reason::none);
    return static_cast<std::size_t>(reason) - 1;
}

/// Counters since the start, but for the gauges at the end. A copy that another thread makes holds
/// values of any moments of the turn. In cache lines of its own.
struct alignas(64) Metrics {
    Counter accepts;            ///< Without those through admin listeners.
    Counter accepts_refused;    ///< Over connections_max.
    Counter accept_errors;      ///< EMFILE and the like.
    Counter clients_too_many;   ///< Connections refused: of one client ...
    Counter clients_too_often;  ///< ... at a time, ... in a second.
    Counter proxies_untrusted;  ///< Connections that should have come from a proxy.
    Counter proxy_headers_malformed;
    Counter handshakes;          ///< 101 sent.
    Counter handshakes_refused;  ///< Any other answer to what is no plain request.
    Counter origins_refused;     ///< Of those.
    Counter http_requests;       ///< Plain requests answered, admin ones included.
    Counter streams;             ///< Of those: sessions that are the answer.
    Counter http_aborts;         ///< Clients that went away before an answer or its end.
    Counter messages_received;
    Counter messages_sent;
    Counter messages_dropped;  ///< send() on a full queue.
    Counter bytes_received;    ///< As TCP payload.
    Counter bytes_sent;
    Counter protocol_errors;
    Counter messages_too_big;  ///< Sessions failed with 1009.
    Counter handler_exceptions;
    Counter timeouts;              ///< Handshake, idle, message, close and stalled sends.
    Counter suspensions;           ///< Times input was suspended.
    Counter rate_suspensions;      ///< Of those: for a rate, also of a namespace.
    Counter publications_refused;  ///< Beyond the rate of their namespace.
    Counter turn_suspensions;      ///< Of those: until the next turn.
    Counter inputs_given_up;       ///< Connections failed for want of memory for input.
    Counter sessions_closed;
    std::array<Counter, close_counts_max> closes{};  ///< By close_index().
    // Of permessage-deflate.
    Counter handshakes_compressed;  ///< 101 that agrees on it.
    Counter contexts_refused;       ///< Agreed on without contexts, for want of memory.
    Counter messages_compressed;    ///< Sent so: messages and deliveries.
    Counter inflated_messages;
    Counter inflated_bytes_in;  ///< Compressed payload that was received.
    Counter inflated_bytes_out;
    Counter deflated_messages;  ///< Compressed here: each once, however many are sent it.
    Counter deflated_bytes_in;
    Counter deflated_bytes_out;
    // Of topics.
    Counter subscribes;
    Counter publications;           ///< Accepted here.
    Counter publications_repeated;  ///< Not published again, as their key was known.
    Counter publications_outdated;  ///< Not published, as something as new had been.
    Counter publications_unheard;   ///< At their home here, with no subscriber anywhere.
    Counter fan_outs;               ///< Publications that reached subscribers here.
    Counter delivery_windows;       ///< With publications; ended by time ...
    Counter delivery_windows_cut;   ///< ... and ended early.
    Counter deliveries;             ///< Publications times subscribers.
    Counter deliveries_dropped;     ///< For slow consumers, by the policy `drop`.
    Counter deliveries_conflated;   ///< By `latest`: replaced by a newer publication.
    Counter deltas_sent;            ///< Deliveries as deltas.
    Counter delta_bytes_saved;      ///< By these, before compression.
    Counter slow_consumers_closed;
    Counter topics_refused;          ///< Joins over the limit of topics.
    Counter subscriptions_lost;      ///< Ended because publications or topics were lost.
    Counter recoveries;              ///< Subscriptions that got all they had missed ...
    Counter recoveries_missed;       ///< ... and that could not.
    Counter recovered_publications;  ///< Handed to the former.
    Counter history_answers;         ///< To sessions that asked for what is kept.
    Counter history_evictions;       ///< Publications not kept for want of room.
    Counter publish_key_evictions;   ///< Keys forgotten before their time.
    Counter presence_refused;        ///< Clients that no list had a place for.
    Counter presence_answers;        ///< To sessions that asked who is there.
    Counter presence_events;         ///< Joins and leaves that somebody here hears of.
    Counter mesh_stalls;             ///< Shards declared stalled by this one.
    Counter mesh_records_dropped;    ///< For stalled shards.
    Counter mesh_suspensions;        ///< Sessions that had to wait with publishing.
    Counter publish_windows_filled;  ///< Sessions that waited for what they published.
    Counter mesh_gaps;               ///< Times this shard was told that it missed something.
    // Of TLS.
    Counter tls_handshakes;                                ///< In full.
    Counter tls_resumptions;                               ///< With a ticket.
    Counter tls_handshakes_deferred;                       ///< Steps put off to the next turn.
    std::array<Counter, tls_failures_max> tls_failures{};  ///< By tls_failure_index().
    Counter unexpected_errors;  ///< errno outside the set an operation is known to give.
    // Of the ring.
    Counter ring_turns;
    Counter ring_work_nanoseconds;  ///< ring::Counters::busy.
    Counter ring_calls;
    Counter buffers_exhausted;
    Counter quiet_shortfalls;
    // Of clients' tokens.
    Counter tokens_accepted;
    std::array<Counter, auth::reasons_count> tokens_refused{};  ///< By auth::Reason.
    // Gauges.
    Counter connections;  ///< Without those through admin listeners.
    Counter sessions;
    Counter queue_bytes;           ///< Output waiting, of all connections.
    Counter held_bytes;            ///< Input kept while suspended, of all connections.
    Counter input_bytes;           ///< Memory of all input that has begun and not ended.
    Counter pool_bytes;            ///< Pooled blocks in use.
    Counter deflate_memory_bytes;  ///< Of all that compresses or decompresses.
    Counter topics;                ///< With subscribers here; this and the next ones as of a tick.
    Counter home_topics;           ///< With their home here.
    Counter history_publications;  ///< Kept here, of these.
    Counter history_bytes;
    Counter delta_base_bytes;  ///< Of publications that the next deltas are made to.
    Counter presence_clients;  ///< In topics with their home here: one for each topic.
    Counter presence_bytes;
    Counter subscriptions;
    /// The first to do so, in seconds since 1970; 0: there is no TLS.
    Counter tls_certificate_expires_at;
    Counter mesh_bytes_waiting;  ///< In the queues towards this shard.
};

}  // namespace ringcast::shard
