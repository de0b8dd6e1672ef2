#include "server/metric_groups.hpp"

#include <fmt/format.h>
#include <iterator>

namespace ringcast::server {

void Samples::add(std::uint64_t value) {
    fmt::format_to(std::back_inserter(text_), "{}{{shard=\"{}\"}} {}\n", name_, shard_, value);
}

void Samples::add(std::string_view label, std::string_view label_value, std::uint64_t value) {
    fmt::format_to(std::back_inserter(text_), "{}{{shard=\"{}\",{}=\"{}\"}} {}\n", name_, shard_,
                   label, label_value, value);
}

void Samples::add_nanoseconds(std::uint64_t value) {
    constexpr std::uint64_t second = 1'000'000'000;
    fmt::format_to(std::back_inserter(text_), "{}{{shard=\"{}\"}} {}.{:09}\n", name_, shard_,
                   value / second, value % second);
}

namespace {

using shard::Metrics;
using Type = MetricType;

/// The codes of Metrics::closes.
void add_closes(Samples& samples, const Metrics& metrics) {
    for (std::size_t i = 0; i < 16; ++i)
        samples.add("code", fmt::format_int(1000 + i).str(), metrics.closes[i]);
    samples.add("code", "3xxx", metrics.closes[shard::close_index(CloseCode{3000})]);
    samples.add("code", "4xxx", metrics.closes[shard::close_index(CloseCode{4000})]);
}

/// By shard::tls_failure_index().
constexpr std::string_view tls_reasons[] = {
    "plain_http",
    "not_tls",
    "unsupported_version",
    "no_shared_cipher",
    "no_application_protocol",
    "certificate_required",
    "certificate_rejected",
    "renegotiation",
    "too_many_key_updates",
    "bad_record",
    "peer_alert",
    "malformed",
};
static_assert(std::size(tls_reasons) == shard::tls_failures_max);

void add_tls_failures(Samples& samples, const Metrics& metrics) {
    for (std::size_t i = 0; i < shard::tls_failures_max; ++i)
        samples.add("reason", tls_reasons[i], metrics.tls_failures[i]);
}

/// By auth::Reason.
constexpr std::string_view token_reasons[] = {
    "too_long",         "malformed",
    "malformed_header", "critical_extension",
    "unsecured",        "unsupported_algorithm",
    "no_key",           "bad_signature",
    "malformed_claims", "bad_claim",
    "long_claim",       "expired",
    "not_yet_valid",    "wrong_issuer",
    "wrong_audience",   "wrong_kind",
    "wrong_user",       "wrong_channel",
    "wrong_client",
};
static_assert(std::size(token_reasons) == auth::reasons_count);

void add_refused_tokens(Samples& samples, const Metrics& metrics) {
    for (std::size_t i = 0; i < auth::reasons_count; ++i)
        samples.add("reason", token_reasons[i], metrics.tokens_refused[i]);
}

constexpr MetricGroup groups[] = {
    // Connections and sessions.
    {"ringcast_connections", Type::gauge, "Client connections that are open.",
     [](Samples& to, const Metrics& m) { to.add(m.connections); }},
    {"ringcast_sessions", Type::gauge, "Sessions that are open, streams of plain HTTP included.",
     [](Samples& to, const Metrics& m) { to.add(m.sessions); }},
    {"ringcast_accepts_total", Type::counter,
     "Client connections by what became of them: refused means over the maximum, error one that "
     "the "
     "kernel could not give.",
     [](Samples& to, const Metrics& m) {
         to.add("result", "accepted", m.accepts);
         to.add("result", "refused", m.accepts_refused);
         to.add("result", "error", m.accept_errors);
     }},
    {"ringcast_clients_refused_total", Type::counter,
     "Connections refused because one client has too many, or makes them too often.",
     [](Samples& to, const Metrics& m) {
         to.add("reason", "too_many", m.clients_too_many);
         to.add("reason", "too_often", m.clients_too_often);
     }},
    {"ringcast_proxies_refused_total", Type::counter,
     "Connections refused because they came from no trusted proxy, or without a PROXY header.",
     [](Samples& to, const Metrics& m) {
         to.add("reason", "untrusted", m.proxies_untrusted);
         to.add("reason", "malformed", m.proxy_headers_malformed);
     }},
    {"ringcast_handshakes_total", Type::counter,
     "Opening handshakes: accepted with 101, refused with any other answer.",
     [](Samples& to, const Metrics& m) {
         to.add("result", "accepted", m.handshakes);
         to.add("result", "refused", m.handshakes_refused);
     }},
    {"ringcast_origins_refused_total", Type::counter,
     "Opening handshakes refused because the page's origin is not allowed.",
     [](Samples& to, const Metrics& m) { to.add(m.origins_refused); }},
    {"ringcast_tokens_accepted_total", Type::counter, "Clients' tokens that were in order.",
     [](Samples& to, const Metrics& m) { to.add(m.tokens_accepted); }},
    {"ringcast_tokens_refused_total", Type::counter, "Clients' tokens that were not, by reason.",
     add_refused_tokens},
    {"ringcast_http_requests_total", Type::counter,
     "Plain HTTP requests answered, those for these metrics included.",
     [](Samples& to, const Metrics& m) { to.add(m.http_requests); }},
    {"ringcast_streams_total", Type::counter,
     "Sessions that were the answer to a plain HTTP request: Server-Sent Events and the like.",
     [](Samples& to, const Metrics& m) { to.add(m.streams); }},
    {"ringcast_http_aborts_total", Type::counter,
     "Plain HTTP requests whose client went away before the answer, or before its end.",
     [](Samples& to, const Metrics& m) { to.add(m.http_aborts); }},
    {"ringcast_closes_total", Type::counter,
     "Sessions that ended, by close code; 1006 means without a Close frame.", add_closes},
    {"ringcast_protocol_errors_total", Type::counter,
     "Sessions failed because their client broke RFC 6455.",
     [](Samples& to, const Metrics& m) { to.add(m.protocol_errors); }},
    {"ringcast_messages_too_big_total", Type::counter,
     "Sessions failed because a message was longer than --message-bytes-max.",
     [](Samples& to, const Metrics& m) { to.add(m.messages_too_big); }},
    {"ringcast_timeouts_total", Type::counter,
     "Connections ended by a deadline: handshake, idle, close, or output that nobody took.",
     [](Samples& to, const Metrics& m) { to.add(m.timeouts); }},
    {"ringcast_handler_exceptions_total", Type::counter, "Exceptions that left a handler.",
     [](Samples& to, const Metrics& m) { to.add(m.handler_exceptions); }},

    // TLS.
    {"ringcast_tls_handshakes_total", Type::counter,
     "TLS handshakes that succeeded: in full, or resumed with a ticket.",
     [](Samples& to, const Metrics& m) {
         to.add("kind", "full", m.tls_handshakes);
         to.add("kind", "resumed", m.tls_resumptions);
     }},
    {"ringcast_tls_failures_total", Type::counter,
     "TLS connections that failed, by reason, during the handshake or later.", add_tls_failures},
    {"ringcast_tls_handshakes_deferred_total", Type::counter,
     "Steps of handshakes put off to a later turn because there were too many.",
     [](Samples& to, const Metrics& m) { to.add(m.tls_handshakes_deferred); }},
    {"ringcast_tls_certificate_expires_at_seconds", Type::gauge,
     "When the first of the certificates expires, in seconds since 1970; 0 without TLS.",
     [](Samples& to, const Metrics& m) { to.add(m.tls_certificate_expires_at); }},

    // Messages and bytes.
    {"ringcast_messages_total", Type::counter,
     "Messages by direction; publications that were delivered are counted by "
     "ringcast_deliveries_total.",
     [](Samples& to, const Metrics& m) {
         to.add("direction", "received", m.messages_received);
         to.add("direction", "sent", m.messages_sent);
     }},
    {"ringcast_messages_dropped_total", Type::counter,
     "Messages not sent because the queue of their session, or the memory for all, was full.",
     [](Samples& to, const Metrics& m) { to.add(m.messages_dropped); }},
    {"ringcast_bytes_total", Type::counter, "Bytes by direction, as TCP carries them.",
     [](Samples& to, const Metrics& m) {
         to.add("direction", "received", m.bytes_received);
         to.add("direction", "sent", m.bytes_sent);
     }},

    // permessage-deflate.
    {"ringcast_compressed_handshakes_total", Type::counter,
     "Opening handshakes that agreed on compression.",
     [](Samples& to, const Metrics& m) { to.add(m.handshakes_compressed); }},
    {"ringcast_compression_contexts_refused_total", Type::counter,
     "Times clients were offered compression without contexts because the memory for these was "
     "used up.",
     [](Samples& to, const Metrics& m) { to.add(m.contexts_refused); }},
    {"ringcast_compressed_messages_total", Type::counter,
     "Compressed messages by direction; sent ones are messages and deliveries.",
     [](Samples& to, const Metrics& m) {
         to.add("direction", "received", m.inflated_messages);
         to.add("direction", "sent", m.messages_compressed);
     }},
    {"ringcast_deflations_total", Type::counter,
     "Messages and publications compressed, each once for all that are sent it.",
     [](Samples& to, const Metrics& m) { to.add(m.deflated_messages); }},
    {"ringcast_deflate_bytes_total", Type::counter,
     "Bytes that went into the compressors, and what came out.",
     [](Samples& to, const Metrics& m) {
         to.add("side", "input", m.deflated_bytes_in);
         to.add("side", "output", m.deflated_bytes_out);
     }},
    {"ringcast_inflate_bytes_total", Type::counter,
     "Bytes that went into the decompressors, and what came out.",
     [](Samples& to, const Metrics& m) {
         to.add("side", "input", m.inflated_bytes_in);
         to.add("side", "output", m.inflated_bytes_out);
     }},

    // Topics.
    {"ringcast_topics", Type::gauge, "Topics with subscribers on the shard.",
     [](Samples& to, const Metrics& m) { to.add(m.topics); }},
    {"ringcast_home_topics", Type::gauge, "Topics whose home is the shard.",
     [](Samples& to, const Metrics& m) { to.add(m.home_topics); }},
    {"ringcast_subscriptions", Type::gauge, "Subscriptions of sessions.",
     [](Samples& to, const Metrics& m) { to.add(m.subscriptions); }},
    {"ringcast_subscribes_total", Type::counter, "Subscriptions ever begun.",
     [](Samples& to, const Metrics& m) { to.add(m.subscribes); }},
    {"ringcast_subscriptions_lost_total", Type::counter,
     "Subscriptions ended by the server because it could not keep them complete.",
     [](Samples& to, const Metrics& m) { to.add(m.subscriptions_lost); }},
    {"ringcast_topics_refused_total", Type::counter,
     "Subscriptions refused because there were too many, or too many topics.",
     [](Samples& to, const Metrics& m) { to.add(m.topics_refused); }},
    {"ringcast_publications_total", Type::counter, "Publications accepted on the shard.",
     [](Samples& to, const Metrics& m) { to.add(m.publications); }},
    {"ringcast_publications_repeated_total", Type::counter,
     "Publications that were not published again, as their idempotency key was known.",
     [](Samples& to, const Metrics& m) { to.add(m.publications_repeated); }},
    {"ringcast_publications_outdated_total", Type::counter,
     "Publications that were not published, as their topic had one of the same version or newer.",
     [](Samples& to, const Metrics& m) { to.add(m.publications_outdated); }},
    {"ringcast_publications_unheard_total", Type::counter,
     "Publications of topics at home on the shard that had no subscriber anywhere.",
     [](Samples& to, const Metrics& m) { to.add(m.publications_unheard); }},
    {"ringcast_fan_outs_total", Type::counter,
     "Publications that reached subscribers on the shard.",
     [](Samples& to, const Metrics& m) { to.add(m.fan_outs); }},
    {"ringcast_delivery_windows_total", Type::counter,
     "Times that publications were delivered together after a delivery window: at its end, or "
     "early, because somebody waited for one or there were too many.",
     [](Samples& to, const Metrics& m) {
         to.add("end", "in_time", m.delivery_windows);
         to.add("end", "early", m.delivery_windows_cut);
     }},
    {"ringcast_deliveries_total", Type::counter,
     "Publications times their subscribers: sent on, or, for one that was behind, dropped or "
     "replaced by a newer one.",
     [](Samples& to, const Metrics& m) {
         to.add("result", "sent", m.deliveries);
         to.add("result", "dropped", m.deliveries_dropped);
         to.add("result", "conflated", m.deliveries_conflated);
     }},
    {"ringcast_deltas_sent_total", Type::counter,
     "Deliveries as the difference to the publication before.",
     [](Samples& to, const Metrics& m) { to.add(m.deltas_sent); }},
    {"ringcast_delta_bytes_saved_total", Type::counter,
     "By so much these were shorter than their publications, before compression.",
     [](Samples& to, const Metrics& m) { to.add(m.delta_bytes_saved); }},
    {"ringcast_delta_base_bytes", Type::gauge,
     "What is kept of topics' last publications, for the next delta to be made to.",
     [](Samples& to, const Metrics& m) { to.add(m.delta_base_bytes); }},
    {"ringcast_slow_consumers_closed_total", Type::counter,
     "Sessions closed because they fell behind their topics.",
     [](Samples& to, const Metrics& m) { to.add(m.slow_consumers_closed); }},

    {"ringcast_history_publications", Type::gauge,
     "Publications kept by topics whose home is the shard.",
     [](Samples& to, const Metrics& m) { to.add(m.history_publications); }},
    {"ringcast_history_bytes", Type::gauge, "What they take.",
     [](Samples& to, const Metrics& m) { to.add(m.history_bytes); }},
    {"ringcast_history_evictions_total", Type::counter,
     "Publications forgotten before their time for want of room.",
     [](Samples& to, const Metrics& m) { to.add(m.history_evictions); }},
    {"ringcast_idempotency_key_evictions_total", Type::counter,
     "Idempotency keys forgotten before their time for want of room.",
     [](Samples& to, const Metrics& m) { to.add(m.publish_key_evictions); }},
    {"ringcast_history_answers_total", Type::counter,
     "Answers to sessions that asked for publications that are kept.",
     [](Samples& to, const Metrics& m) { to.add(m.history_answers); }},
    {"ringcast_recoveries_total", Type::counter,
     "Subscriptions that came back with a position: nothing was missing, or it was not kept.",
     [](Samples& to, const Metrics& m) {
         to.add("result", "recovered", m.recoveries);
         to.add("result", "missed", m.recoveries_missed);
     }},
    {"ringcast_recovered_publications_total", Type::counter,
     "Publications that they were sent because they had missed them.",
     [](Samples& to, const Metrics& m) { to.add(m.recovered_publications); }},

    {"ringcast_presence_clients", Type::gauge,
     "Clients listed in topics whose home is the shard, once for each topic.",
     [](Samples& to, const Metrics& m) { to.add(m.presence_clients); }},
    {"ringcast_presence_bytes", Type::gauge, "What the lists take.",
     [](Samples& to, const Metrics& m) { to.add(m.presence_bytes); }},
    {"ringcast_presence_refused_total", Type::counter,
     "Subscriptions refused because no further client could be listed.",
     [](Samples& to, const Metrics& m) { to.add(m.presence_refused); }},
    {"ringcast_presence_answers_total", Type::counter,
     "Answers to sessions that asked who is there.",
     [](Samples& to, const Metrics& m) { to.add(m.presence_answers); }},
    {"ringcast_presence_events_total", Type::counter,
     "Joins and leaves of clients that subscribers on the shard were told of.",
     [](Samples& to, const Metrics& m) { to.add(m.presence_events); }},

    // The mesh between the shards.
    {"ringcast_mesh_queue_bytes", Type::gauge, "Bytes that wait in the queues towards the shard.",
     [](Samples& to, const Metrics& m) { to.add(m.mesh_bytes_waiting); }},
    {"ringcast_mesh_stalls_total", Type::counter,
     "Times the shard went on without another one that had no room for too long.",
     [](Samples& to, const Metrics& m) { to.add(m.mesh_stalls); }},
    {"ringcast_mesh_records_dropped_total", Type::counter, "Records not sent to stalled shards.",
     [](Samples& to, const Metrics& m) { to.add(m.mesh_records_dropped); }},
    {"ringcast_mesh_gaps_total", Type::counter,
     "Times the shard was told that it had missed something.",
     [](Samples& to, const Metrics& m) { to.add(m.mesh_gaps); }},
    {"ringcast_mesh_suspensions_total", Type::counter,
     "Sessions that had to wait with publishing because the way to a home was full.",
     [](Samples& to, const Metrics& m) { to.add(m.mesh_suspensions); }},
    {"ringcast_publish_windows_filled_total", Type::counter,
     "Sessions that waited until what they had published was passed on.",
     [](Samples& to, const Metrics& m) { to.add(m.publish_windows_filled); }},

    // Memory and pressure.
    {"ringcast_queue_bytes", Type::gauge, "Output that clients have not taken yet.",
     [](Samples& to, const Metrics& m) { to.add(m.queue_bytes); }},
    {"ringcast_held_bytes", Type::gauge, "Input kept while its connection is suspended.",
     [](Samples& to, const Metrics& m) { to.add(m.held_bytes); }},
    {"ringcast_input_bytes", Type::gauge, "Memory of input that has begun and not ended.",
     [](Samples& to, const Metrics& m) { to.add(m.input_bytes); }},
    {"ringcast_inputs_given_up_total", Type::counter,
     "Connections ended because there was no memory for their unfinished input.",
     [](Samples& to, const Metrics& m) { to.add(m.inputs_given_up); }},
    {"ringcast_pool_bytes", Type::gauge, "Pooled memory in use for messages and output.",
     [](Samples& to, const Metrics& m) { to.add(m.pool_bytes); }},
    {"ringcast_compression_memory_bytes", Type::gauge,
     "Memory of compressors and decompressors, contexts that are kept included.",
     [](Samples& to, const Metrics& m) { to.add(m.deflate_memory_bytes); }},
    {"ringcast_suspensions_total", Type::counter, "Times the input of a connection was suspended.",
     [](Samples& to, const Metrics& m) { to.add(m.suspensions); }},

    {"ringcast_rate_suspensions_total", Type::counter,
     "Times a client had to wait because of --message-rate, --byte-rate or a namespace's rate.",
     [](Samples& to, const Metrics& m) { to.add(m.rate_suspensions); }},
    {"ringcast_publications_refused_total", Type::counter,
     "Publications of clients that were refused because of a namespace's rate.",
     [](Samples& to, const Metrics& m) { to.add(m.publications_refused); }},
    {"ringcast_turn_suspensions_total", Type::counter,
     "Times a client had to wait for the next turn of the loop, so that others had theirs.",
     [](Samples& to, const Metrics& m) { to.add(m.turn_suspensions); }},

    // The loop and the kernel.
    {"ringcast_loop_turns_total", Type::counter, "Turns of the event loop.",
     [](Samples& to, const Metrics& m) { to.add(m.ring_turns); }},
    {"ringcast_loop_seconds_total", Type::counter,
     "Time spent between the turns of the ring: neither waiting nor in its system calls.",
     [](Samples& to, const Metrics& m) { to.add_nanoseconds(m.ring_work_nanoseconds); }},
    {"ringcast_ring_calls_total", Type::counter, "System calls made by the event loop.",
     [](Samples& to, const Metrics& m) { to.add(m.ring_calls); }},
    {"ringcast_receive_buffers_exhausted_total", Type::counter,
     "Receives put off because all receive buffers were in use.",
     [](Samples& to, const Metrics& m) { to.add(m.buffers_exhausted); }},
    {"ringcast_quiet_shortfalls_total", Type::counter,
     "Sends that the kernel could not take at once.",
     [](Samples& to, const Metrics& m) { to.add(m.quiet_shortfalls); }},
    {"ringcast_unexpected_errors_total", Type::counter,
     "Errors of the kernel that its documentation does not lead to expect.",
     [](Samples& to, const Metrics& m) { to.add(m.unexpected_errors); }},
};

}  // namespace

std::span<const MetricGroup> metric_groups() noexcept {
    return groups;
}

}  // namespace ringcast::server
