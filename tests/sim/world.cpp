#include "sim/world.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "sim/host.hpp"
#include "sim/hostile_crowd.hpp"
#include "sim/network.hpp"
#include "sim/pick.hpp"
#include "sim/rules.hpp"
#include "sim/scenario.hpp"
#include "sim/ws_peer.hpp"

namespace ringcast::sim {
namespace {

constexpr std::uint64_t turns_max = 400'000;
constexpr Duration virtual_time_max = std::chrono::hours{1};
/// Set the sources of features apart from that of everything else. Chosen so that the regression
/// seeds that are older than the features draw none of them.
constexpr std::uint64_t features_salt = 53, compression_salt = 54, hostile_salt = 55,
                        secure_salt = 59;

/// The kind of client that notices `broken`.
Behaviour behaviour_to_show(Break broken) {
    const auto* const named = std::ranges::find(breaks, broken, &NamedBreak::broken);
    RC_ASSERT(named != std::end(breaks));
    return named->behaviour;
}

class World {
public:
    explicit World(const WorldOptions& options);
    Tally run();

private:
    using Circumstances = SessionChecker::Circumstances;
    using Excuse = SessionChecker::Excuse;

    [[nodiscard]] Scenario draw_scenario();
    void draw_hosts();
    void draw_clients();
    void draw_hostiles();
    void watch_witnesses();
    [[nodiscard]] std::unique_ptr<TlsEnd> draw_tls();
    [[nodiscard]] Link draw_link();
    void turn();
    void close_listeners();
    void decide_some();
    template <class Done>
    void run_until(Done&& done);
    void begin_shutdown();
    void terminate();
    void check_clients();
    void check_latencies();
    void check_end();
    [[nodiscard]] bool all_waiting() const;
    [[nodiscard]] bool all_done() const;
    [[nodiscard]] Tally tally() const;

    WorldOptions options_;
    Prng prng_;
    Prng features_;
    Prng hostile_, secure_;
    Faults faults_;
    Network network_;
    Scenario scenario_;
    std::vector<std::unique_ptr<Host>> hosts_;
    std::vector<std::unique_ptr<WsPeer>> peers_;
    std::vector<Circumstances> circumstances_;  // By peer.
    struct Witness {
        std::size_t peer;  // And its number in the network.
        std::size_t host;
    };
    std::vector<Witness> witnesses_;
    HostileCrowd crowd_;
    std::uint64_t latencies_ = 0, turns_waited_ = 0;
    std::uint64_t turns_ = 0;
    Instant start_;
    bool shut_down_early_ = false, terminated_ = false;
};

World::World(const WorldOptions& options)
    : options_{options},
      prng_{options.seed},
      features_{options.seed ^ features_salt},
      hostile_{options.seed ^ hostile_salt},
      secure_{options.seed ^ secure_salt},
      faults_{options.walk ? Faults::walk(*options.walk) : Faults::swarm(options.seed)},
      network_{prng_.next(), faults_},
      scenario_{draw_scenario()},
      crowd_{network_, scenario_.hostiles, scenario_.ground},
      start_{network_.now()} {
    draw_hosts();
    draw_clients();
    if (!crowd_.empty()) draw_hostiles();
}

/// A walk goes over a scenario once for each of its decisions, and a crowd would make too many.
Scenario World::draw_scenario() {
    Scenario scenario =
        sim::draw_scenario(prng_, features_, Prng{options_.seed ^ compression_salt});
    scenario.is_secure = scenario.limits.is_secure = secure_.chance(1, 8);
    scenario.settings.tls_handshakes_per_turn = pick<std::uint32_t>(secure_, {1, 2, 16});
    scenario.settings.newcomers_per_turn = pick<std::uint32_t>(secure_, {1, 2, 64});
    const bool may_be_hostile = options_.broken == Break::none || wants_hostiles(options_.broken);
    if (may_be_hostile && !options_.walk) add_hostiles(hostile_, scenario);
    return scenario;
}

void World::draw_hosts() {
    shard::Settings settings = scenario_.settings;
    if (options_.broken == Break::keep_turn || options_.broken == Break::take_all)
        settings.work_per_turn = UINT16_MAX;
    if (options_.broken == Break::forget_deadline)
        settings.handshake_timeout = std::chrono::hours{1};
    for (std::size_t i = 0; i < scenario_.shards_count; ++i) {
        settings.index = static_cast<std::uint32_t>(i);
        settings.seed = prng_.next();
        hosts_.push_back(
            std::make_unique<Host>(network_, faults_, prng_, scenario_, settings, options_.broken));
        if (options_.prints_trace) hosts_.back()->ring().print_trace();
    }
}

Link World::draw_link() {
    Link link;
    link.latency = std::chrono::microseconds{pick<int>(prng_, {0, 10, 100, 1000, 20'000})};
    link.jitter = std::chrono::microseconds{pick<int>(prng_, {0, 10, 1000})};
    link.buffer_bytes = pick<std::size_t>(prng_, {512, 2048, 16384, 65536});
    // Thin and slow at once would need more time than the timeouts leave.
    const bool is_slow = link.latency > std::chrono::milliseconds{1};
    link.buffer_bytes = std::max<std::size_t>(
        link.buffer_bytes, is_slow ? 16384 : scenario_.limits.message_bytes_max / 4);
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
        peers_.push_back(std::make_unique<WsPeer>(
            draw_script(prng_, behaviour, scenario_.limits, scenario_.compression.offer(i)),
            scenario_.limits, std::move(name), broken));
        const Duration delay{static_cast<std::int64_t>(
            prng_.below(static_cast<std::uint64_t>(arrival_span.count())))};
        // One draw a statement: the order of arguments is the compiler's choice.
        const int listener = hosts_[prng_.below(hosts_.size())]->listener();
        const Link link = draw_link();
        network_.connect(*peers_.back(), listener, start_ + delay, link, draw_tls());
    }
    circumstances_.resize(count);
}

std::unique_ptr<TlsEnd> World::draw_tls() {
    return scenario_.is_secure ? std::make_unique<TlsEnd>(Prng{secure_.next()}) : nullptr;
}

/// Hostile clients, and beside them honest ones whose echoes have to come in time.
void World::draw_hostiles() {
    for (std::uint64_t left = 1 + hostile_.below(2); left > 0; --left) {
        const Witness witness{.peer = peers_.size(), .host = hostile_.below(hosts_.size())};
        witnesses_.push_back(witness);
        const std::string offer = scenario_.compression.offer(hostile_.below(2));
        peers_.push_back(std::make_unique<WsPeer>(
            draw_witness_script(hostile_, scenario_.limits, offer), scenario_.limits,
            "witness " + std::to_string(witness.peer), Break::none));
        const std::uint32_t connection = network_.connect(
            *peers_.back(), hosts_[witness.host]->listener(), start_, {}, draw_tls());
        RC_ASSERT(connection == witness.peer);
    }
    circumstances_.resize(peers_.size());
    if (!scenario_.limits.is_memory_scarce) watch_witnesses();
    std::vector<int> listeners;
    for (const auto& host : hosts_) {
        host->keep_turns();
        listeners.push_back(host->listener());
    }
    crowd_.connect(hostile_, listeners);
    for (const auto& host : hosts_) crowd_.announce(host->turn_book());
}

/// The bounds are explained in turn_book.hpp.
void World::watch_witnesses() {
    std::uint64_t compressing = scenario_.compression.offers.empty() ? 0 : crowd_.size();
    for (const auto& peer : peers_) compressing += peer->script().offer.empty() ? 0u : 1u;
    for (const Witness& witness : witnesses_) {
        const bool compresses = !peers_[witness.peer]->script().offer.empty();
        hosts_[witness.host]->turn_book().watch(static_cast<std::uint32_t>(witness.peer),
                                                compresses ? 2 + (3 * compressing + 15) / 16 : 1,
                                                scenario_.application.notices_max == 0);
    }
}

void World::turn() {
    Host& host = *hosts_[prng_.below(hosts_.size())];
    Instant horizon = instant_never;
    for (const auto& other : hosts_) {
        if (other.get() == &host) continue;
        horizon = std::min(
            horizon, other->ring().is_runnable() ? network_.now() : other->ring().sleeps_until());
    }
    // A late admission is decided soon, whatever the shard waits for.
    const bool is_pending =
        std::ranges::any_of(hosts_, [](const auto& each) { return each->has_pending(); });
    if (is_pending)
        horizon = std::min(horizon, network_.now() + std::chrono::milliseconds{prng_.below(50)});
    host.ring().set_horizon(horizon);
    host.turn();
    close_listeners();
    decide_some();
    crowd_.watch();
    ++turns_;
}

/// Who finds no shard behind a listener any more is refused, as by a server that has gone.
void World::close_listeners() {
    for (const auto& host : hosts_) {
        if (host->finished() && network_.is_listener(host->listener()))
            network_.close_listener(host->listener());
    }
}

void World::decide_some() {
    for (const auto& host : hosts_) {
        if (host->has_pending() && !prng_.chance(1, 2)) host->decide_one();
    }
}

template <class Done>
void World::run_until(Done&& done) {
    while (!done()) {
        turn();
        const bool is_stuck =
            std::ranges::all_of(hosts_, [](const auto& host) { return host->ring().is_stuck(); });
        if (turns_ < turns_max && network_.now() - start_ < virtual_time_max && !is_stuck) continue;
        std::string text =
            is_stuck ? "nothing can happen any more" : "too many turns or too much time";
        for (const auto& peer : peers_) {
            if (!peer->is_done())
                text.append(", waiting: ").append(to_string(peer->script().behaviour));
        }
        text.append(crowd_.what_is_left());
        throw Violation{Rule::liveness, text};
    }
}

bool World::all_waiting() const {
    return crowd_.is_over() && std::ranges::all_of(peers_, [](const auto& peer) {
               return peer->is_waiting_for_shutdown();
           });
}

bool World::all_done() const {
    return crowd_.is_over() &&
           std::ranges::all_of(peers_, [](const auto& peer) { return peer->is_done(); }) &&
           std::ranges::all_of(hosts_, [](const auto& host) { return host->finished(); });
}

Tally World::run() {
    // Most runs let everybody finish; some servers are stopped in the middle.
    shut_down_early_ = options_.broken == Break::none &&
                       (prng_.chance(1, 8) || scenario_.termination_turns.has_value());
    const std::uint64_t turns_before = shut_down_early_ ? prng_.below(200) : UINT64_MAX;
    run_until([&] { return turns_ >= turns_before || all_waiting(); });
    begin_shutdown();
    if (scenario_.termination_turns) {
        const std::uint64_t turns = turns_ + *scenario_.termination_turns;
        run_until([&] { return turns_ >= turns || all_done(); });
        terminate();
    }
    run_until([&] { return all_done(); });
    check_clients();
    check_latencies();
    check_end();
    return tally();
}

void World::begin_shutdown() {
    for (std::size_t i = 0; i < peers_.size(); ++i) {
        if (!peers_[i]->is_waiting_for_shutdown()) circumstances_[i].excuse = Excuse::shutdown;
    }
    for (const auto& host : hosts_) host->begin_shutdown();
    close_listeners();
}

void World::terminate() {
    terminated_ = !all_done();
    for (std::size_t i = 0; i < peers_.size(); ++i) {
        if (!peers_[i]->is_done()) circumstances_[i].excuse = Excuse::termination;
    }
    for (const auto& host : hosts_) host->terminate();
}

void World::check_clients() {
    for (const auto& host : hosts_) {
        for (const Admission& admission : host->ledger().admissions) {
            if (admission.client >= peers_.size()) continue;  // Hostile.
            circumstances_[admission.client].verdict = admission.status;
            circumstances_[admission.client].notices = admission.notices;
        }
    }
    std::uint64_t turned_away = 0;
    for (std::size_t i = 0; i < peers_.size(); ++i) {
        peers_[i]->check(circumstances_[i]);
        if (peers_[i]->was_turned_away() && !peers_[i]->was_overloaded() &&
            circumstances_[i].excuse == Excuse::none)
            ++turned_away;
    }
    for (const auto& host : hosts_)
        turned_away -= std::min<std::uint64_t>(turned_away, host->metrics().accepts_refused);
    if (turned_away > 0) {
        throw Violation{Rule::turned_away_only_when_full,
                        std::to_string(turned_away) + " clients had no answer"};
    }
}

void World::check_latencies() {
    for (const Witness& witness : witnesses_) {
        for (const WsPeer::Wait& wait : peers_[witness.peer]->waits()) {
            const auto turns = hosts_[witness.host]->turn_book().turns_to_hear(
                static_cast<std::uint32_t>(witness.peer), wait.octets, wait.echoes - 1);
            if (!turns) continue;  // The end came first.
            ++latencies_;
            turns_waited_ = std::max(turns_waited_, *turns);
        }
    }
}

void World::check_end() {
    if (options_.broken == Break::leak) (void)network_.listen();
    for (const auto& host : hosts_) host->check_end();
    if (network_.descriptors_open() != 0) {
        throw Violation{Rule::end_state_empty, "a descriptor is open"};
    }
}

Tally World::tally() const {
    Tally tally{.runs = 1, .turns = turns_, .clients = peers_.size(), .shards = hosts_.size()};
    for (const auto& host : hosts_) host->add_to(tally);
    for (const auto& peer : peers_) {
        ++tally.behaviours[static_cast<std::size_t>(peer->script().behaviour)];
        if (peer->was_overloaded()) ++tally.overloads;
        if (peer->was_late()) ++tally.lates;
    }
    tally.faults = faults_.counts();
    tally.decisions = faults_.decisions();
    tally.early_shutdowns = shut_down_early_ ? 1 : 0;
    tally.terminations = terminated_ ? 1 : 0;
    crowd_.add_to(tally);
    tally.latencies = latencies_;
    tally.turns_waited = turns_waited_;
    tally.walk_struck = faults_.struck() ? 1 : 0;
    return tally;
}

}  // namespace

Tally run_world(const WorldOptions& options) {
    // Not destroyed after a violation: a shard asserts that it ends empty, which would hide what
    // went wrong.
    auto world = std::make_unique<World>(options).release();
    const Tally tally = world->run();
    delete world;
    return tally;
}

}  // namespace ringcast::sim
