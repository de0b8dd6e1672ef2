#include "sim/topic_host.hpp"

#include <memory>
#include <string_view>
#include <utility>
#include <variant>

#include "api/endpoint.hpp"
#include "sim/centrifuge_application.hpp"
#include "sim/centrifuge_tokens.hpp"
#include "sim/rules.hpp"

namespace ringcast::sim {

TopicHost::TopicHost(Network& network, Faults& faults, Prng& prng, const TopicScenario& scenario,
                     const shard::Settings& settings, shard::Mesh& mesh, TopicBook& book,
                     TopicBreak broken, HallBook* hall, CentrifugeStage* centrifuge)
    : scenario_{scenario},
      book_{book},
      broken_{broken},
      hall_{hall},
      centrifuge_{centrifuge},
      index_{settings.index},
      mesh_{mesh},
      listener_{network.listen()},
      ring_{network, faults, SimRingSettings::draw(prng), prng.next()},
      log_{static_cast<std::uint16_t>(settings.index), shard::LogLevel::warn, 64},
      shard_{ring_, settings, make_router(), log_, nullptr, &mesh},
      fiber_{[this] { run(); }} {
    ring_.pause_with([this] {
        is_waiting_ = true;
        fiber_.pause();
        is_waiting_ = false;
    });
    ring_.end_turns_with([this, &network] {
        if (network.now() >= halt_from_) halt();
    });
    if (has(TopicBreak::lose_wakes)) ring_.lose_wakes();
    if (scenario.is_secure) {
        ring_.leave_contents_out();
        shard_.set_tls(tls_material());
    }
    if (scenario.has_tokens) shard_.set_tokens(token_material());
    shard_.listen(listener_, scenario.is_secure ? shard::Transport::tls : shard::Transport::plain);
}

shard::Router TopicHost::make_router() {
    const TopicScenario* const scenario = &scenario_;
    TopicBook* const book = &book_;
    shard::SessionLimits limits = scenario_.session_limits;
    if (has(TopicBreak::skip_early)) limits.send_queue_bytes_max = 1;
    if (has(TopicBreak::open_queue)) limits.send_queue_bytes_max = 1 << 30;
    if (has(TopicBreak::forget_deadline)) limits.message_timeout = Duration{0};
    shard::Router router;
    router.mount(*shard::PathPattern::parse("/topics/{topic...}"),
                 std::make_unique<OverheardTopics>(limits, book_, scenario_.asks_positions,
                                                   has(TopicBreak::mix_keys)));
    const TopicsPolicy anybody{.anonymous = TopicAccess::publish};
    router.mount(*shard::PathPattern::parse("/hostile/{topic...}"),
                 std::make_unique<api::TopicEndpoint>(limits, anybody));
    router.mount(*shard::PathPattern::parse("/rooms/{topic...}"),
                 std::make_unique<api::HandlerEndpoint>(
                     limits, std::make_unique<detail::TypedHandler<Rooms>>(
                                 scenario, book, has(TopicBreak::join_late))));
    if (hall_ != nullptr) {
        router.mount(*shard::PathPattern::parse("/hall/{guest}"),
                     std::make_unique<Hall>(limits, *hall_, broken_));
    }
    if (centrifuge_ != nullptr) {
        router.mount(*shard::PathPattern::parse("/connection/websocket"),
                     std::make_unique<OverheardCentrifuge>(limits, *centrifuge_));
    }
    return router;
}

void TopicHost::run() {
    while (!is_stopping_) {
        shard_.turn();
        ++turns_;
        fiber_.pause();
    }
}

void TopicHost::resume() {
    const std::uint64_t turns = turns_;
    constexpr Duration lateness = std::chrono::seconds{10};
    if (centrifuge_ != nullptr) set_wall_clock(centrifuge_->now);
    delay_wall_clock(has(TopicBreak::late_clock) ? lateness : Duration{0});
    fiber_.resume();
    if (turns_ == turns) return;
    const std::uint64_t deliveries =
        metrics().deliveries - std::exchange(deliveries_, metrics().deliveries);
    if (deliveries >= scenario_.settings.topics.deliveries_per_turn) ++fan_outs_cut_;
    read_log();
    check_turn();
}

void TopicHost::halt() {
    halt_from_ = instant_never;
    is_halted_ = true;
    fiber_.pause();
    is_halted_ = false;
}

void TopicHost::stop() {
    is_stopping_ = true;
    ring_.end_wait();
    while (!fiber_.has_ended()) fiber_.resume();
}

void TopicHost::post(shard::Note::Kind kind) {
    auto note = std::make_unique<shard::Note>();
    note->kind = kind;
    note->code = static_cast<CloseCode>(scenario_.shutdown_code);
    shard_.inbox().post(std::move(note));
}

void TopicHost::carry_out(api::SessionOrder order, std::function<void()> done) {
    auto* const subscribing = std::get_if<api::SubscribeOrder>(&order.what);
    if (has(TopicBreak::forget_since) && subscribing != nullptr) subscribing->since.reset();
    auto note = std::make_unique<shard::Note>();
    note->kind = shard::Note::Kind::task;
    note->task = [order = std::move(order), done = std::move(done),
                  is_ignored = has(TopicBreak::ignore_order)](shard::Shard& there) {
        is_ignored ? done() : api::carry_out(there, order, [done](shard::Shard&) { done(); });
    };
    shard_.inbox().post(std::move(note));
}

void TopicHost::read_log() {
    for (shard::LogRecord record; log_.pop(record);) {
        if (std::string_view{record.event} == "publications_not_flushed")
            has_lost_publications_ = true;
        if (std::string_view{record.event} == "shard_stalled")
            stalled_ |= hub::set_of(static_cast<std::uint32_t>(record.fields[0].value));
    }
}

bool TopicHost::is_empty() const noexcept {
    return ring_.idle() && metrics().topics == 0 && metrics().home_topics == 0 &&
           metrics().subscriptions == 0 && metrics().mesh_bytes_waiting == 0 &&
           mesh_.payload_bytes(index_) == 0;
}

void TopicHost::check_turn() const {
    const shard::Metrics& counted = metrics();
    const std::uint64_t connections = shard_.connections();
    check_bound(Rule::queues_bounded, "bytes queued", counted.queue_bytes,
                has(TopicBreak::overfill) ? 0 : connections * scenario_.queue_bytes_max());
    check_bound(Rule::memory_bounded, "bytes of unfinished input", counted.input_bytes,
                scenario_.settings.input_bytes_max);
    const std::uint64_t pool_bytes_max = scenario_.pool_bytes_max(connections, counted.queue_bytes);
    check_bound(Rule::memory_bounded, "bytes of memory", counted.pool_bytes,
                has(TopicBreak::hoard) ? 0 : pool_bytes_max);
    check_bound(Rule::memory_bounded, "bytes of large payloads", mesh_.payload_bytes(index_),
                has(TopicBreak::hoard_payload) ? 0 : scenario_.payload_bytes_max());
}

void TopicHost::check_end() const {
    if (!ring_.idle()) throw Violation{Rule::end_state_empty, ring_.what_is_left()};
    const auto check_none = [](const char* what, std::uint64_t count) {
        check_bound(Rule::end_state_empty, what, count, 0);
    };
    const shard::Metrics& counted = metrics();
    check_none("connections", shard_.connections() + counted.connections);
    check_none("sessions", counted.sessions);
    check_none("bytes queued", counted.queue_bytes);
    check_none("bytes held", counted.held_bytes);
    check_none("bytes of unfinished input", counted.input_bytes);
    check_none("blocks", counted.pool_bytes);
    check_none("topics", counted.topics + (has(TopicBreak::keep_topic) ? 1 : 0));
    check_none("home topics", counted.home_topics);
    check_none("subscriptions", counted.subscriptions);
    check_none("bytes in the mesh", counted.mesh_bytes_waiting);
    check_none("bytes of large payloads", mesh_.payload_bytes(index_));
}

void TopicHost::add_to(Tally& tally) const {
    const shard::Metrics& counted = metrics();
    TopicTally& topics = tally.topics;
    tally.handshakes += counted.handshakes;
    tally.tls_handshakes += counted.tls_handshakes;
    tally.tls_deferred += counted.tls_handshakes_deferred;
    for (const std::uint64_t failures : counted.tls_failures) tally.tls_failures += failures;
    tally.refusals += counted.handshakes_refused;
    tally.suspensions += counted.suspensions;
    tally.shortfalls += counted.quiet_shortfalls;
    tally.early_flushes += ring_.counters().early_flushes;
    tally.trace_hash += ring_.trace_hash();
    tally.turns += turns_;
    topics.subscribes += counted.subscribes;
    topics.publications += counted.publications;
    topics.publications_unheard += counted.publications_unheard;
    topics.deliveries += counted.deliveries;
    topics.windows += counted.delivery_windows;
    topics.windows_cut += counted.delivery_windows_cut;
    topics.compressed += counted.messages_compressed;
    topics.deflations += counted.deflated_messages;
    topics.inflations += counted.inflated_messages;
    topics.contexts_refused += counted.contexts_refused;
    topics.fan_outs_cut += fan_outs_cut_;
    topics.wakes += ring_.wakes();
    topics.deliveries_dropped += counted.deliveries_dropped;
    topics.deliveries_conflated += counted.deliveries_conflated;
    topics.slow_closes += counted.slow_consumers_closed;
    topics.topics_refused += counted.topics_refused;
    topics.subscriptions_lost += counted.subscriptions_lost;
    topics.stalls += counted.mesh_stalls;
    topics.records_dropped += counted.mesh_records_dropped;
    topics.mesh_suspensions += counted.mesh_suspensions;
    topics.gaps += counted.mesh_gaps;
    topics.histories += counted.history_answers;
    topics.recoveries += counted.recoveries;
    topics.recoveries_missed += counted.recoveries_missed;
    topics.recovered += counted.recovered_publications;
}

}  // namespace ringcast::sim
