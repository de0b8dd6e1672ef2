#include "sim/host.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "sim/rules.hpp"

namespace ringcast::sim {

Host::Host(Network& network, Faults& faults, Prng& prng, const Scenario& scenario,
           const shard::Settings& settings, Break broken)
    : scenario_{scenario},
      broken_{broken},
      listener_{network.listen()},
      turn_book_{{.work_per_turn = scenario.settings.work_per_turn,
                  .message_bytes_max = scenario.session_limits.message_bytes_max,
                  .is_secure = scenario.is_secure}},
      ring_{network, faults, SimRingSettings::draw(prng), prng.next()},
      log_{static_cast<std::uint16_t>(settings.index), shard::LogLevel::info, 16},
      shard_{ring_, settings, make_router(prng.next()), log_} {
    if (scenario.shards_count > 1) ring_.share_network();
    if (scenario.is_secure) {
        ring_.leave_contents_out();
        shard_.set_tls(tls_material());
    }
    shard_.listen(listener_, scenario.is_secure ? shard::Transport::tls : shard::Transport::plain);
}

shard::Router Host::make_router(std::uint64_t seed) {
    shard::SessionLimits limits = scenario_.session_limits;
    if (has(Break::open_queue)) limits.send_queue_bytes_max = 1 << 30;
    ApplicationSettings application = scenario_.application;
    application.defers_echoes = has(Break::defer_echoes);
    auto endpoint = std::make_unique<EchoEndpoint>(limits, application, ledger_, seed);
    endpoint_ = endpoint.get();
    shard::Router router;
    router.mount(*shard::PathPattern::parse("/echo"), std::move(endpoint));
    return router;
}

void Host::turn() {
    const std::uint64_t sessions = metrics().sessions;
    const bool was_terminated = std::exchange(is_termination_posted_, false);
    turn_book_.begin_turn();
    shard_.turn();
    if (was_terminated) {
        terminated_ = true;
        sessions_cut_ = sessions - std::min<std::uint64_t>(sessions, metrics().sessions);
    }
    check_turn();
}

void Host::keep_turns() noexcept {
    ledger_.turns = &turn_book_;
    ring_.observe_with(turn_book_);
}

void Host::decide_one() {
    Admission& admission = *ledger_.pending.front();
    ledger_.pending.pop_front();
    auto note = std::make_unique<shard::Note>();
    note->session = admission.session;
    note->verdict = endpoint_->decide(admission);
    shard_.inbox().post(std::move(note));
    ++late_verdicts_;
}

void Host::begin_shutdown() {
    shard_.begin_shutdown(static_cast<CloseCode>(scenario_.limits.shutdown_code));
}

void Host::terminate() {
    is_termination_posted_ = true;
    if (has(Break::spare)) return;
    auto note = std::make_unique<shard::Note>();
    note->kind = shard::Note::Kind::terminate;
    shard_.inbox().post(std::move(note));
}

void Host::check_turn() const {
    const shard::Metrics& counted = metrics();
    const std::uint64_t connections = shard_.connections();
    check_bound(Rule::connections_bounded, "connections", connections,
                has(Break::overcrowd) ? 0 : scenario_.settings.connections_max);
    check_bound(Rule::connections_bounded, "sessions", counted.sessions, connections);
    check_bound(Rule::queues_bounded, "bytes queued", counted.queue_bytes,
                has(Break::overfill) ? 0 : connections * scenario_.queue_bytes_max());
    check_bound(Rule::memory_bounded, "bytes of unfinished input", counted.input_bytes,
                scenario_.settings.input_bytes_max);
    check_bound(Rule::memory_bounded, "bytes of memory", counted.pool_bytes,
                has(Break::hoard) ? 0 : scenario_.pool_bytes_max(connections, counted.queue_bytes));
    if (terminated_) check_bound(Rule::cut_at_once, "sessions after the end", counted.sessions, 0);
}

void Host::check_end() {
    // Received slices live for two turns; a verdict that came too late is read and destroyed.
    for (int i = 0; i < 2; ++i) shard_.turn();
    if (!ring_.idle()) throw Violation{Rule::end_state_empty, ring_.what_is_left()};
    const auto check_none = [](const char* what, std::uint64_t count) {
        check_bound(Rule::end_state_empty, what, count, 0);
    };
    check_none("connections", shard_.connections() + metrics().connections);
    check_none("sessions", metrics().sessions);
    check_none("bytes queued", metrics().queue_bytes);
    check_none("bytes held", metrics().held_bytes);
    check_none("bytes of unfinished input", metrics().input_bytes);
    check_none("blocks", shard_.pool().blocks_in_use());
    check_admissions();
}

void Host::check_admissions() const {
    for (const Admission& admission : ledger_.admissions) {
        const std::size_t closed = admission.closed + (has(Break::close_twice) ? 1 : 0);
        if (admission.opened > 1 || closed != admission.opened) {
            throw Violation{Rule::closed_once, "client " + std::to_string(admission.client) +
                                                   " opened " + std::to_string(admission.opened) +
                                                   " times, closed " + std::to_string(closed) +
                                                   " times"};
        }
        if (admission.has_state) throw Violation{Rule::end_state_empty, "a session's state"};
    }
}

void Host::add_to(Tally& tally) const {
    tally.echoes += metrics().messages_sent;
    tally.handshakes += metrics().handshakes;
    tally.tls_handshakes += metrics().tls_handshakes;
    tally.tls_deferred += metrics().tls_handshakes_deferred;
    for (const std::uint64_t failures : metrics().tls_failures) tally.tls_failures += failures;
    tally.refusals += metrics().handshakes_refused;
    tally.compressed += metrics().messages_compressed;
    tally.inflations += metrics().inflated_messages;
    tally.protocol_errors += metrics().protocol_errors + metrics().messages_too_big;
    tally.timeouts += metrics().timeouts;
    tally.suspensions += metrics().suspensions;
    tally.shortfalls += metrics().quiet_shortfalls;
    tally.early_flushes += ring_.counters().early_flushes;
    tally.turned_away += metrics().accepts_refused;
    tally.trace_hash += ring_.trace_hash();
    tally.late_verdicts += late_verdicts_;
    tally.sessions_cut += sessions_cut_;
    for (const Admission& admission : ledger_.admissions) {
        tally.verdicts_never += admission.is_silent ? 1 : 0;
        tally.verdicts_refuse += admission.status >= 400 && !admission.is_silent ? 1 : 0;
        tally.notices += admission.notices;
        tally.drops += admission.drops;
        tally.echoes -= admission.notices;
    }
}

}  // namespace ringcast::sim
