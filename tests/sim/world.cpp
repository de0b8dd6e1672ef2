#include "sim/world.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "shard/shard.hpp"
#include "sim/echo_endpoint.hpp"
#include "sim/network.hpp"
#include "sim/rules.hpp"
#include "sim/sim_ring.hpp"

namespace ringcast::sim {
namespace {

constexpr std::uint64_t turns_max = 400'000;
constexpr Duration virtual_time_max = std::chrono::hours{1};
constexpr std::size_t shards_count = 1;
/// What an open session queues besides messages: a 101 and a control frame.
constexpr std::uint64_t queue_extra_bytes = 1024;

template <class T, std::size_t N>
T pick(Prng& prng, const T (&values)[N]) {
    return values[prng.below(N)];
}

/// The kind of client that notices `broken`.
Behaviour behaviour_to_show(Break broken) {
    switch (broken) {
        case Break::flip_pong: return Behaviour::fragmented;
        case Break::lose_echo:
        case Break::swap_echoes: return Behaviour::pipelined;
        case Break::change_status: return Behaviour::refused;
        case Break::none:
        case Break::repeat_echo:
        case Break::flip_octet:
        case Break::change_kind:
        case Break::change_code:
        case Break::lose_close:
        case Break::change_accept:
        case Break::mask_frame:
        case Break::stall:
        case Break::leak:
        case Break::overfill: return Behaviour::lockstep;
    }
    return Behaviour::lockstep;
}

/// A shard and what it stands on.
struct Host {
    Host(Network& network, Faults& faults, Prng& prng, const shard::Settings& settings,
         const shard::SessionLimits& limits, std::uint64_t pending_odds)
        : listener{network.listen()},
          ring{network, faults, SimRingSettings::draw(prng), prng.next()},
          log{0, shard::LogLevel::info, 16},
          shard{ring, settings, make_router(limits, ledger, pending_odds, prng.next()), log} {
        shard.listen(listener);
    }

    static shard::Router make_router(const shard::SessionLimits& limits, EchoLedger& ledger,
                                     std::uint64_t pending_odds, std::uint64_t seed) {
        shard::Router router;
        router.mount(*shard::PathPattern::parse("/echo"),
                     std::make_unique<EchoEndpoint>(limits, ledger, pending_odds, seed));
        return router;
    }

    int listener;
    EchoLedger ledger;
    SimRing ring;
    shard::LogQueue log;
    shard::Shard shard;
};

class World {
public:
    explicit World(const WorldOptions& options);
    Tally run();

private:
    void draw_limits();
    void draw_clients();
    [[nodiscard]] Link draw_link();
    void turn();
    void close_listeners();
    void resolve_some();
    template <class Done>
    void run_until(Done&& done);
    void begin_shutdown();
    void check_queues() const;
    void check_end();
    [[nodiscard]] bool all_waiting() const;
    [[nodiscard]] Tally tally() const;

    WorldOptions options_;
    Prng prng_;
    Faults faults_;
    Network network_;
    ServerLimits limits_;
    shard::Settings settings_;
    shard::SessionLimits session_limits_;
    std::vector<std::unique_ptr<Host>> hosts_;
    std::vector<std::unique_ptr<WsPeer>> peers_;
    std::vector<bool> excused_;  // By peer: the shutdown came while it was busy.
    std::uint64_t turns_ = 0, late_admissions_ = 0;
    Instant start_;
    bool shut_down_early_ = false;
};

World::World(const WorldOptions& options)
    : options_{options},
      prng_{options.seed},
      faults_{options.walk ? Faults::walk(*options.walk) : Faults::swarm(options.seed)},
      network_{prng_.next(), faults_},
      start_{network_.now()} {
    draw_limits();
    const std::uint64_t pending_odds = pick<std::uint64_t>(prng_, {0, 0, 2, 5});
    for (std::size_t i = 0; i < shards_count; ++i) {
        settings_.index = static_cast<std::uint32_t>(i);
        settings_.seed = prng_.next();
        hosts_.push_back(std::make_unique<Host>(network_, faults_, prng_, settings_,
                                                session_limits_, pending_odds));
        if (options.prints_trace) hosts_.back()->ring.print_trace();
    }
    draw_clients();
}

void World::draw_limits() {
    limits_.message_bytes_max = pick<std::size_t>(prng_, {300, 1000, 4096, 4096, 16384, 65536});
    limits_.shutdown_code = prng_.chance(1, 2) ? 1001 : 1012;
    settings_.head.head_bytes_max = static_cast<std::uint32_t>(limits_.head_bytes_max);
    settings_.head.target_bytes_max = static_cast<std::uint32_t>(limits_.target_bytes_max);
    settings_.early_flush_bytes = pick<std::uint32_t>(prng_, {1, 500, 4096, 256 << 10});
    settings_.pool_retain_bytes_max = pick<std::size_t>(prng_, {0, 4096, 16u << 20});
    settings_.timers_per_turn = pick<std::uint32_t>(prng_, {1, 2, 1024});
    settings_.tick_interval = std::chrono::seconds{1 + prng_.below(20)};
    // From the start of the closing handshake to its end, the output before it included.
    settings_.close_timeout = std::chrono::seconds{20};
    session_limits_.message_bytes_max = limits_.message_bytes_max;
    session_limits_.send_queue_bytes_max = pick<std::uint64_t>(prng_, {600, 2000, 16384, 1 << 20});
    session_limits_.idle_timeout = std::chrono::seconds{60 + prng_.below(60)};
    session_limits_.ping_interval = std::chrono::seconds{5 + prng_.below(25)};
}

Link World::draw_link() {
    Link link;
    link.latency = std::chrono::microseconds{pick<int>(prng_, {0, 10, 100, 1000, 20'000})};
    link.jitter = std::chrono::microseconds{pick<int>(prng_, {0, 10, 1000})};
    link.buffer_bytes = pick<std::size_t>(prng_, {512, 2048, 16384, 65536});
    // Thin and slow at once would need more time than the timeouts leave.
    const bool is_slow = link.latency > std::chrono::milliseconds{1};
    link.buffer_bytes =
        std::max<std::size_t>(link.buffer_bytes, is_slow ? 16384 : limits_.message_bytes_max / 4);
    return link;
}

void World::draw_clients() {
    // A few kinds per run, so that runs differ in character.
    std::vector<Behaviour> kinds;
    for (std::uint64_t left = 1 + prng_.below(6); left > 0; --left) {
        kinds.push_back(static_cast<Behaviour>(prng_.below(behaviours_count)));
    }
    const std::size_t count = 1 + prng_.below(8);
    const Duration arrival_span = std::chrono::microseconds{pick<int>(prng_, {1, 1000, 1'000'000})};
    for (std::size_t i = 0; i < count; ++i) {
        const Break broken = i == 0 ? options_.broken : Break::none;
        const Behaviour behaviour =
            broken == Break::none ? kinds[prng_.below(kinds.size())] : behaviour_to_show(broken);
        std::string name{"client "};
        name += std::to_string(i);
        peers_.push_back(std::make_unique<WsPeer>(draw_script(prng_, behaviour, limits_), limits_,
                                                  std::move(name), broken));
        const Duration delay{static_cast<std::int64_t>(
            prng_.below(static_cast<std::uint64_t>(arrival_span.count())))};
        // One draw a statement: the order of arguments is the compiler's choice.
        const int listener = hosts_[prng_.below(hosts_.size())]->listener;
        const Link link = draw_link();
        network_.connect(*peers_.back(), listener, start_ + delay, link);
    }
    excused_.resize(count);
}

void World::turn() {
    Host& host = *hosts_[prng_.below(hosts_.size())];
    Instant horizon = instant_never;
    for (const auto& other : hosts_) {
        if (other.get() == &host) continue;
        horizon = std::min(horizon,
                           other->ring.is_runnable() ? network_.now() : other->ring.sleeps_until());
    }
    // A late admission is decided soon, whatever the shard waits for.
    const bool is_pending =
        std::ranges::any_of(hosts_, [](const auto& each) { return !each->ledger.pending.empty(); });
    if (is_pending)
        horizon = std::min(horizon, network_.now() + std::chrono::milliseconds{prng_.below(50)});
    host.ring.set_horizon(horizon);
    host.shard.turn();
    close_listeners();
    check_queues();
    resolve_some();
    ++turns_;
}

/// Who finds no shard behind a listener any more is refused, as by a server that has gone.
void World::close_listeners() {
    for (const auto& host : hosts_) {
        if (host->shard.finished() && network_.is_listener(host->listener))
            network_.close_listener(host->listener);
    }
}

/// The application makes up its mind about late admissions, on another thread as it were.
void World::resolve_some() {
    for (const auto& host : hosts_) {
        std::deque<SlotId>& pending = host->ledger.pending;
        if (pending.empty() || prng_.chance(1, 2)) continue;
        auto note = std::make_unique<shard::Note>();
        note->session = pending.front();
        note->verdict = EchoEndpoint::admit(host->ledger);
        pending.pop_front();
        host->shard.inbox().post(std::move(note));
        ++late_admissions_;
    }
}

template <class Done>
void World::run_until(Done&& done) {
    while (!done()) {
        turn();
        const bool is_stuck = hosts_.size() == 1 && hosts_.front()->ring.is_stuck();
        if (turns_ < turns_max && network_.now() - start_ < virtual_time_max && !is_stuck) continue;
        std::string text =
            is_stuck ? "nothing can happen any more" : "too many turns or too much time";
        for (const auto& peer : peers_) {
            if (!peer->is_done())
                text.append(", waiting: ").append(to_string(peer->script().behaviour));
        }
        throw Violation{Rule::liveness, text};
    }
}

bool World::all_waiting() const {
    return std::ranges::all_of(peers_,
                               [](const auto& peer) { return peer->is_waiting_for_shutdown(); });
}

Tally World::run() {
    // Most runs let everybody finish; some servers are stopped in the middle.
    shut_down_early_ = options_.broken == Break::none && prng_.chance(1, 8);
    const std::uint64_t turns_before = shut_down_early_ ? prng_.below(200) : UINT64_MAX;
    run_until([&] { return turns_ >= turns_before || all_waiting(); });
    begin_shutdown();
    run_until([&] {
        return std::ranges::all_of(peers_, [](const auto& peer) { return peer->is_done(); }) &&
               std::ranges::all_of(hosts_, [](const auto& host) { return host->shard.finished(); });
    });
    for (std::size_t i = 0; i < peers_.size(); ++i) peers_[i]->check(excused_[i]);
    check_end();
    return tally();
}

void World::begin_shutdown() {
    for (std::size_t i = 0; i < peers_.size(); ++i)
        excused_[i] = !peers_[i]->is_waiting_for_shutdown();
    for (const auto& host : hosts_) {
        host->shard.begin_shutdown(static_cast<CloseCode>(limits_.shutdown_code));
    }
    close_listeners();
}

void World::check_queues() const {
    const std::uint64_t per_session = options_.broken == Break::overfill
                                          ? 0
                                          : session_limits_.high_water_bytes() +
                                                session_limits_.message_bytes_max +
                                                queue_extra_bytes;
    for (const auto& host : hosts_) {
        const shard::Metrics& metrics = host->shard.metrics();
        if (metrics.queue_bytes > host->shard.connections() * per_session) {
            throw Violation{Rule::queues_bounded,
                            std::to_string(metrics.queue_bytes) + " bytes are queued"};
        }
    }
}

void World::check_end() {
    if (options_.broken == Break::leak) (void)network_.listen();
    for (const auto& host : hosts_) {
        // Received slices live for two turns; a verdict that came too late is read and destroyed.
        for (int i = 0; i < 2; ++i) host->shard.turn();
        if (!host->ring.idle()) throw Violation{Rule::end_state_empty, host->ring.what_is_left()};
        const shard::Metrics& metrics = host->shard.metrics();
        const EchoLedger& ledger = host->ledger;
        const std::uint64_t left = host->shard.connections() + metrics.connections +
                                   metrics.sessions + metrics.queue_bytes + metrics.held_bytes +
                                   host->shard.pool().blocks_in_use();
        if (left != 0) {
            std::string text = std::to_string(metrics.connections) + " connections, ";
            text += std::to_string(metrics.sessions) + " sessions, " +
                    std::to_string(metrics.queue_bytes) + " queued, ";
            text += std::to_string(metrics.held_bytes) + " held, ";
            text += std::to_string(host->shard.pool().blocks_in_use()) + " blocks";
            throw Violation{Rule::end_state_empty, text};
        }
        if (ledger.opened != ledger.closed || ledger.states != 0) {
            throw Violation{Rule::end_state_empty,
                            std::to_string(ledger.opened) + " sessions opened, " +
                                std::to_string(ledger.closed) + " closed, " +
                                std::to_string(ledger.states) + " states left"};
        }
    }
    if (network_.descriptors_open() != 0) {
        throw Violation{Rule::end_state_empty, "a descriptor is open"};
    }
}

Tally World::tally() const {
    Tally tally{.runs = 1, .turns = turns_, .clients = peers_.size()};
    for (const auto& host : hosts_) {
        const shard::Metrics& metrics = host->shard.metrics();
        tally.echoes += metrics.messages_sent;
        tally.handshakes += metrics.handshakes;
        tally.refusals += metrics.handshakes_refused;
        tally.protocol_errors += metrics.protocol_errors;
        tally.timeouts += metrics.timeouts;
        tally.suspensions += metrics.suspensions;
        tally.shortfalls += host->ring.counters().quiet_shortfalls;
        tally.early_flushes += host->ring.counters().early_flushes;
        tally.trace_hash += host->ring.trace_hash();
    }
    for (const auto& peer : peers_)
        ++tally.behaviours[static_cast<std::size_t>(peer->script().behaviour)];
    tally.faults = faults_.counts();
    tally.decisions = faults_.decisions();
    tally.early_shutdowns = shut_down_early_ ? 1 : 0;
    tally.late_admissions = late_admissions_;
    tally.walk_struck = faults_.struck() ? 1 : 0;
    return tally;
}

}  // namespace

void Tally::add(const Tally& other) {
    runs += other.runs;
    turns += other.turns;
    clients += other.clients;
    echoes += other.echoes;
    handshakes += other.handshakes;
    refusals += other.refusals;
    protocol_errors += other.protocol_errors;
    timeouts += other.timeouts;
    suspensions += other.suspensions;
    shortfalls += other.shortfalls;
    early_flushes += other.early_flushes;
    decisions += other.decisions;
    early_shutdowns += other.early_shutdowns;
    late_admissions += other.late_admissions;
    for (std::size_t i = 0; i < faults.size(); ++i) faults[i] += other.faults[i];
    for (std::size_t i = 0; i < behaviours.size(); ++i) behaviours[i] += other.behaviours[i];
    trace_hash += other.trace_hash;
    walk_struck += other.walk_struck;
}

Tally run_world(const WorldOptions& options) {
    // Not destroyed after a violation: a shard asserts that it ends empty, which would hide what
    // went wrong.
    auto world = std::make_unique<World>(options).release();
    const Tally tally = world->run();
    delete world;
    return tally;
}

}  // namespace ringcast::sim
