#pragma once
// What a shard counts: plain numbers, written by the shard's thread alone, and a snapshot that
// other threads may read.

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "auth/reason.hpp"
#include "base/assert.hpp"
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

/// Counters since the start, but for the gauges at the end. All of them std::uint64_t (the snapshot
/// relies on it).
struct Metrics {
    std::uint64_t accepts = 0;            ///< Without those through admin listeners.
    std::uint64_t accepts_refused = 0;    ///< Over connections_max.
    std::uint64_t accept_errors = 0;      ///< EMFILE and the like.
    std::uint64_t clients_too_many = 0;   ///< Connections refused: of one client ...
    std::uint64_t clients_too_often = 0;  ///< ... at a time, ... in a second.
    std::uint64_t proxies_untrusted = 0;  ///< Connections that should have come from a proxy.
    std::uint64_t proxy_headers_malformed = 0;
    std::uint64_t handshakes = 0;          ///< 101 sent.
    std::uint64_t handshakes_refused = 0;  ///< Any other answer to what is no plain request.
    std::uint64_t origins_refused = 0;     ///< Of those.
    std::uint64_t http_requests = 0;       ///< Plain requests answered, admin ones included.
    std::uint64_t streams = 0;             ///< Of those: sessions that are the answer.
    std::uint64_t http_aborts = 0;         ///< Clients that went away before an answer or its end.
    std::uint64_t messages_received = 0;
    std::uint64_t messages_sent = 0;
    std::uint64_t messages_dropped = 0;  ///< send() on a full queue.
    std::uint64_t bytes_received = 0;    ///< As TCP payload.
    std::uint64_t bytes_sent = 0;
    std::uint64_t protocol_errors = 0;
    std::uint64_t messages_too_big = 0;  ///< Sessions failed with 1009.
    std::uint64_t handler_exceptions = 0;
    std::uint64_t timeouts = 0;              ///< Handshake, idle, message, close and stalled sends.
    std::uint64_t suspensions = 0;           ///< Times input was suspended.
    std::uint64_t rate_suspensions = 0;      ///< Of those: for a rate, also of a namespace.
    std::uint64_t publications_refused = 0;  ///< Beyond the rate of their namespace.
    std::uint64_t turn_suspensions = 0;      ///< Of those: until the next turn.
    std::uint64_t inputs_given_up = 0;       ///< Connections failed for want of memory for input.
    std::uint64_t sessions_closed = 0;
    std::array<std::uint64_t, close_counts_max> closes{};  ///< By close_index().
    // Of permessage-deflate.
    std::uint64_t handshakes_compressed = 0;  ///< 101 that agrees on it.
    std::uint64_t contexts_refused = 0;       ///< Agreed on without contexts, for want of memory.
    std::uint64_t messages_compressed = 0;    ///< Sent so: messages and deliveries.
    std::uint64_t inflated_messages = 0;
    std::uint64_t inflated_bytes_in = 0;  ///< Compressed payload that was received.
    std::uint64_t inflated_bytes_out = 0;
    std::uint64_t deflated_messages = 0;  ///< Compressed here: each once, however many are sent it.
    std::uint64_t deflated_bytes_in = 0;
    std::uint64_t deflated_bytes_out = 0;
    // Of topics.
    std::uint64_t subscribes = 0;
    std::uint64_t publications = 0;           ///< Accepted here.
    std::uint64_t publications_repeated = 0;  ///< Not published again, as their key was known.
    std::uint64_t publications_outdated = 0;  ///< Not published, as something as new had been.
    std::uint64_t publications_unheard = 0;   ///< At their home here, with no subscriber anywhere.
    std::uint64_t fan_outs = 0;               ///< Publications that reached subscribers here.
    std::uint64_t delivery_windows = 0;       ///< With publications; ended by time ...
    std::uint64_t delivery_windows_cut = 0;   ///< ... and ended early.
    std::uint64_t deliveries = 0;             ///< Publications times subscribers.
    std::uint64_t deliveries_dropped = 0;     ///< For slow consumers, by the policy `drop`.
    std::uint64_t deliveries_conflated = 0;   ///< By `latest`: replaced by a newer publication.
    std::uint64_t deltas_sent = 0;            ///< Deliveries as deltas.
    std::uint64_t delta_bytes_saved = 0;      ///< By these, before compression.
    std::uint64_t slow_consumers_closed = 0;
    std::uint64_t topics_refused = 0;          ///< Joins over the limit of topics.
    std::uint64_t subscriptions_lost = 0;      ///< Ended because publications or topics were lost.
    std::uint64_t recoveries = 0;              ///< Subscriptions that got all they had missed ...
    std::uint64_t recoveries_missed = 0;       ///< ... and that could not.
    std::uint64_t recovered_publications = 0;  ///< Handed to the former.
    std::uint64_t history_answers = 0;         ///< To sessions that asked for what is kept.
    std::uint64_t history_evictions = 0;       ///< Publications not kept for want of room.
    std::uint64_t presence_refused = 0;        ///< Clients that no list had a place for.
    std::uint64_t presence_answers = 0;        ///< To sessions that asked who is there.
    std::uint64_t presence_events = 0;         ///< Joins and leaves that somebody here hears of.
    std::uint64_t mesh_stalls = 0;             ///< Shards declared stalled by this one.
    std::uint64_t mesh_records_dropped = 0;    ///< For stalled shards.
    std::uint64_t mesh_suspensions = 0;        ///< Sessions that had to wait with publishing.
    std::uint64_t publish_windows_filled = 0;  ///< Sessions that waited for what they published.
    std::uint64_t mesh_gaps = 0;  ///< Times this shard was told that it missed something.
    // Of TLS.
    std::uint64_t tls_handshakes = 0;           ///< In full.
    std::uint64_t tls_resumptions = 0;          ///< With a ticket.
    std::uint64_t tls_handshakes_deferred = 0;  ///< Steps put off to the next turn.
    std::array<std::uint64_t, tls_failures_max> tls_failures{};  ///< By tls_failure_index().
    std::uint64_t unexpected_errors = 0;  ///< errno outside the set an operation is known to give.
    // Of the ring.
    std::uint64_t ring_turns = 0;
    std::uint64_t ring_work_nanoseconds = 0;  ///< ring::Counters::busy.
    std::uint64_t ring_calls = 0;
    std::uint64_t buffers_exhausted = 0;
    std::uint64_t quiet_shortfalls = 0;
    // Of clients' tokens.
    std::uint64_t tokens_accepted = 0;
    std::array<std::uint64_t, auth::reasons_count> tokens_refused{};  ///< By auth::Reason.
    // Gauges.
    std::uint64_t connections = 0;  ///< Without those through admin listeners.
    std::uint64_t sessions = 0;
    std::uint64_t queue_bytes = 0;           ///< Output waiting, of all connections.
    std::uint64_t held_bytes = 0;            ///< Input kept while suspended, of all connections.
    std::uint64_t input_bytes = 0;           ///< Memory of all input that has begun and not ended.
    std::uint64_t pool_bytes = 0;            ///< Pooled blocks in use.
    std::uint64_t deflate_memory_bytes = 0;  ///< Of all that compresses or decompresses.
    std::uint64_t topics = 0;       ///< With subscribers here; this and the next ones as of a tick.
    std::uint64_t home_topics = 0;  ///< With their home here.
    std::uint64_t history_publications = 0;  ///< Kept here, of these.
    std::uint64_t history_bytes = 0;
    std::uint64_t presence_clients = 0;  ///< In topics with their home here: one for each topic.
    std::uint64_t presence_bytes = 0;
    std::uint64_t subscriptions = 0;
    std::uint64_t tls_certificate_expires_at =
        0;  ///< The first to do so, in seconds since 1970; 0: there is no TLS.
    std::uint64_t mesh_bytes_waiting = 0;  ///< In the queues towards this shard.
};
static_assert(std::is_trivially_copyable_v<Metrics> &&
              sizeof(Metrics) % sizeof(std::uint64_t) == 0);

/// A copy of a shard's metrics that any thread may read. Values of one snapshot may be of
/// neighbouring turns.
class MetricsSnapshot {
public:
    /// The shard's thread, once a turn or less often.
    void store(const Metrics& metrics) noexcept {
        const auto values = std::bit_cast<Values>(metrics);
        // relaxed: each value stands alone; nothing else is published through them.
        for (std::size_t i = 0; i < count; ++i)
            values_[i].store(values[i], std::memory_order_relaxed);
    }
    /// Any thread.
    [[nodiscard]] Metrics load() const noexcept {
        Values values;
        for (std::size_t i = 0; i < count; ++i)
            values[i] = values_[i].load(std::memory_order_relaxed);
        return std::bit_cast<Metrics>(values);
    }

private:
    static constexpr std::size_t count = sizeof(Metrics) / sizeof(std::uint64_t);
    using Values = std::array<std::uint64_t, count>;
    std::array<std::atomic<std::uint64_t>, count> values_{};
};

}  // namespace ringcast::shard
