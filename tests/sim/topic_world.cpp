#include "sim/topic_world.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "sim/centrifuge_crowd.hpp"
#include "sim/centrifuge_tokens.hpp"
#include "sim/delivery_rounds.hpp"
#include "sim/hall.hpp"
#include "sim/hostile_crowd.hpp"
#include "sim/rules.hpp"
#include "sim/topic_host.hpp"
#include "sim/topic_thread.hpp"
#include "sim/topic_verdict.hpp"
#include "sim/visit_crowd.hpp"

namespace ringcast::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::uint64_t topic_turns_max = 40'000'000;
/// Before any of the long timers of a scenario that has no short ones.
constexpr Duration topic_time_max = minutes{45};
constexpr Duration between_publications = std::chrono::milliseconds{1};

/// A walk goes over a scenario once for each of its decisions, and a crowd would make too many.
TopicGuests guests_of(const TopicWorldOptions& options) {
    const bool is_whole = options.broken == TopicBreak::none;
    return {.hostile = !options.walk && (is_whole || wants_hostiles(options.broken)),
            .centrifuge = is_whole || wants_centrifuge(options.broken),
            .orders = wants_orders(options.broken),
            .tokens = wants_tokens(options.broken)};
}

bool may_have_halls(const TopicWorldOptions& options) {
    return !options.walk && (options.broken == TopicBreak::none || wants_guests(options.broken));
}

class TopicWorld {
public:
    explicit TopicWorld(const TopicWorldOptions& options);
    Tally run();

private:
    void live();
    void draw_hosts();
    void connect_visitors();
    /// One step of whoever is due, else time passes until somebody is.
    void step();
    void take_turn(std::uint32_t shard);
    void let_threads_publish();
    void close_listeners();
    template <class Done>
    void run_until(Instant limit, Done&& done);
    [[nodiscard]] bool is_quiet() const;
    void check_presence() const;
    void note_caught_up();
    [[nodiscard]] std::vector<int> listeners() const;
    void begin_shutdown();
    [[nodiscard]] TopicVerdict verdict() const;
    void check_end();
    [[nodiscard]] Instant freeze_end() const {
        return start_ + scenario_.freeze->after + scenario_.freeze->duration;
    }
    [[nodiscard]] bool is_frozen(std::uint32_t shard) const;
    [[nodiscard]] bool may_go_on(std::uint32_t shard) const;
    [[nodiscard]] bool all_waiting() const;
    [[nodiscard]] bool all_done() const;
    [[nodiscard]] Tally tally() const;
    [[nodiscard]] bool has(TopicBreak broken) const noexcept { return options_.broken == broken; }

    const TopicWorldOptions options_;
    Prng prng_;
    Faults faults_;
    Network network_;
    const TopicScenario scenario_;
    TopicBook book_;
    shard::Mesh mesh_;
    std::vector<std::unique_ptr<TopicHost>> hosts_;
    std::vector<std::unique_ptr<TopicThread>> threads_;
    HostileCrowd crowd_;
    HallCrowd halls_;
    std::unique_ptr<DeliveryRounds> rounds_;  // Of the last visit, beside hostile clients.
    VisitCrowd visitors_;
    CentrifugeCrowd centrifuge_;
    std::vector<std::uint32_t> due_;
    std::uint64_t turns_ = 0;
    Instant start_, shutdown_at_{};
    bool shut_down_early_ = false, is_shutting_down_ = false, is_over_ = false;
};

TopicWorld::TopicWorld(const TopicWorldOptions& options)
    : options_{options},
      prng_{options.seed},
      faults_{options.walk ? Faults::walk(*options.walk) : Faults::swarm(options.seed)},
      network_{prng_.next(), faults_},
      scenario_{draw_topic_scenario(prng_, guests_of(options))},
      book_{{.drops = scenario_.drops(),
             .conflates = scenario_.conflates(),
             .queue_bytes =
                 scenario_.is_memory_scarce ? 0 : scenario_.session_limits.send_queue_bytes_max,
             .shutdown_code = scenario_.shutdown_code,
             .kept_min = scenario_.kept_min(),
             .kept_for = scenario_.kept_for(),
             .may_forget = scenario_.may_forget(),
             .is_newest_enough = scenario_.settings.topics.home.stream.is_newest_enough}},
      mesh_{scenario_.shards_count, scenario_.mesh_bytes},
      crowd_{network_, scenario_.hostiles, scenario_.ground},
      halls_{scenario_, may_have_halls(options), options.broken},
      visitors_{network_, prng_, scenario_, book_, options.broken},
      centrifuge_{scenario_, book_, options.broken, network_.now()},
      start_{network_.now()} {
    draw_hosts();
    connect_visitors();
    if (!crowd_.empty()) crowd_.connect(prng_, listeners());
    halls_.connect(network_, listeners());
    centrifuge_.arrange(network_, listeners());
    if (prng_.chance(1, 4)) {
        const auto carrier = static_cast<std::uint32_t>(prng_.below(scenario_.shards_count));
        threads_.push_back(std::make_unique<TopicThread>(prng_, scenario_, book_, mesh_, carrier));
    }
}

void TopicWorld::draw_hosts() {
    shard::Settings settings = scenario_.settings;
    if (scenario_.has_tokens) settings.wall_clock = &wall_clock;
    if (has(TopicBreak::wait_forever)) settings.topics.mesh_stall_timeout = std::chrono::hours{1};
    if (has(TopicBreak::dawdle)) {
        settings.topics.items_max = settings.topics.deliveries_per_turn = 1;
        settings.topics.deliveries_quantum = 1;
    }
    if (has(TopicBreak::forget_missed)) settings.topics.home.stream.count_max = 0;
    if (has(TopicBreak::endless_window)) settings.topics.delivery_window = std::chrono::hours{1};
    for (std::uint32_t i = 0; i < scenario_.shards_count; ++i) {
        settings.index = i;
        settings.seed = prng_.next();
        settings.topics.epoch_seed = scenario_.settings.topics.seed + 100 + i;
        hosts_.push_back(std::make_unique<TopicHost>(network_, faults_, prng_, scenario_, settings,
                                                     mesh_, book_, options_.broken, &halls_.book(),
                                                     centrifuge_.stage()));
        if (options_.prints_trace) hosts_.back()->ring().print_trace();
        if (scenario_.freeze && scenario_.freeze->is_midway && scenario_.freeze->shard == i)
            hosts_.back()->halt_from(start_ + scenario_.freeze->after);
    }
}

void TopicWorld::connect_visitors() {
    const std::uint32_t last = visitors_.connect(listeners());
    // Nobody's turn brings a window to its end.
    const bool counts_rounds = scenario_.settings.topics.delivery_window == Duration{0};
    if (crowd_.empty() || !counts_rounds) return;
    const auto witness = static_cast<std::uint32_t>(visitors_.visits().size() - 1);
    rounds_ =
        std::make_unique<DeliveryRounds>(scenario_, book_, witness, last, halls_.topics_count());
    visitors_.count_with(*rounds_);
    hosts_[visitors_.visits().back().shard]->ring().observe_with(*rounds_);
}

std::vector<int> TopicWorld::listeners() const {
    std::vector<int> listeners;
    for (const auto& host : hosts_) listeners.push_back(host->listener());
    return listeners;
}

// ---- Running ----

bool TopicWorld::is_frozen(std::uint32_t shard) const {
    if (!scenario_.freeze || scenario_.freeze->shard != shard) return false;
    if (network_.now() < start_ + scenario_.freeze->after || network_.now() >= freeze_end())
        return false;
    return !scenario_.freeze->is_midway || hosts_[shard]->is_halted();
}

/// Who has finished goes on only once all have, to see that nothing is left.
bool TopicWorld::may_go_on(std::uint32_t shard) const {
    return !is_frozen(shard) && (is_over_ || !hosts_[shard]->finished());
}

void TopicWorld::step() {
    due_.clear();
    Instant limit = centrifuge_.next_order();
    for (std::uint32_t i = 0; i < hosts_.size(); ++i) {
        if (is_frozen(i)) limit = std::min(limit, freeze_end());
        if (!may_go_on(i)) continue;
        if (hosts_[i]->is_due())
            due_.push_back(i);
        else
            limit = std::min(limit, hosts_[i]->sleeps_until());
    }
    for (const auto& thread : threads_) {
        if (!thread->is_done()) limit = std::min(limit, network_.now() + between_publications);
    }
    if (due_.empty()) {
        if (!network_.step(limit) && limit == instant_never)
            throw Violation{Rule::liveness, "nothing can happen any more"};
    } else {
        take_turn(due_[prng_.below(due_.size())]);
        ++turns_;
    }
    crowd_.watch();
    close_listeners();
    visitors_.arrange(listeners(), is_shutting_down_);
    centrifuge_.arrange(network_, listeners());
    let_threads_publish();
    centrifuge_.give_orders(network_.now(), hosts_);
}

void TopicWorld::take_turn(std::uint32_t shard) {
    const std::uint64_t turns = hosts_[shard]->turns();
    hosts_[shard]->resume();
    if (rounds_ == nullptr || hosts_[shard]->turns() == turns) return;
    hub::ShardSet asleep = 0;
    for (std::uint32_t i = 0; i < hosts_.size(); ++i) {
        if (hosts_[i]->finished() || hosts_[i]->is_asleep()) asleep |= hub::set_of(i);
    }
    const shard::Metrics& counted = hosts_[visitors_.visits().back().shard]->metrics();
    rounds_->on_turns(hub::set_of(shard), asleep,
                      DeliveryRounds::requests_max(counted.publications, counted.subscribes,
                                                   halls_.book().questions()));
}

void TopicWorld::let_threads_publish() {
    for (const auto& thread : threads_) {
        if (!thread->is_done() && prng_.chance(1, 20)) thread->publish_one(network_.now());
    }
}

/// Who finds no shard behind a listener any more is refused, as by a server that has gone.
void TopicWorld::close_listeners() {
    for (const auto& host : hosts_) {
        if (host->finished() && network_.is_listener(host->listener()))
            network_.close_listener(host->listener());
    }
}

template <class Done>
void TopicWorld::run_until(Instant limit, Done&& done) {
    while (!done()) {
        step();
        if (turns_ < topic_turns_max && network_.now() < limit) continue;
        std::string text = "too many turns or too much time" + visitors_.what_is_left();
        text += crowd_.what_is_left() + centrifuge_.what_is_left();
        throw Violation{Rule::liveness, text};
    }
}

bool TopicWorld::all_waiting() const {
    return visitors_.is_waiting() && crowd_.is_over() && halls_.is_waiting() &&
           centrifuge_.is_waiting() &&
           std::ranges::all_of(threads_, [](const auto& thread) { return thread->is_done(); });
}

bool TopicWorld::all_done() const {
    return visitors_.is_done() && crowd_.is_over() && halls_.is_done() && centrifuge_.is_done() &&
           std::ranges::all_of(hosts_, [](const auto& host) { return host->finished(); });
}

Tally TopicWorld::run() {
    try {
        live();
    } catch (const Violation&) {
        if (options_.prints_trace) book_.print();
        throw;
    }
    return tally();
}

void TopicWorld::live() {
    shut_down_early_ = scenario_.shutdown_after_turns.has_value();
    const std::uint64_t turns_before = scenario_.shutdown_after_turns.value_or(UINT64_MAX);
    const Instant limit = start_ + topic_time_max;
    run_until(limit, [&] { return turns_ >= turns_before || all_waiting(); });
    // Whatever is on its way arrives now, without anybody's help.
    const Instant quiet_until = network_.now() + scenario_.quiet_time;
    network_.tick(quiet_until);
    run_until(limit, [&] { return network_.now() >= quiet_until; });
    check_presence();
    note_caught_up();
    begin_shutdown();
    run_until(limit, [&] { return all_done(); });
    is_over_ = true;
    verdict().check();
    centrifuge_.check_ends(shut_down_early_);
    book_.check({.deliveries_dropped = verdict().total(&shard::Metrics::deliveries_dropped) +
                                       verdict().total(&shard::Metrics::deliveries_conflated),
                 .is_flushed = !verdict().has_lost_publications()});
    check_end();
}

/// All has come to rest, unless a shard has stood still until now.
bool TopicWorld::is_quiet() const {
    const bool has_waited = !shut_down_early_ && scenario_.quiet_time > Duration{0};
    const bool was_frozen = scenario_.freeze && freeze_end() + delivery_time_max > network_.now();
    return has_waited && !was_frozen;
}

/// Those whose shard has nothing more to send.
void TopicWorld::note_caught_up() {
    if (!is_quiet()) return;
    for (std::uint32_t i = 0; i < book_.visitors().size(); ++i) {
        const TopicHost& host = *hosts_[book_.visitor(i).shard];
        if (!host.is_due() && host.queued_bytes() == 0) book_.on_caught_up(i);
    }
}

void TopicWorld::check_presence() const {
    if (!is_quiet()) return;
    // Those at that octet of their ids.
    const auto listed_at = [&](std::size_t octet) {
        return [this, octet](std::string_view topic) {
            const std::uint32_t home =
                hub::home_of(topic, scenario_.settings.topics.seed, scenario_.shards_count);
            GuestSet listed;
            hosts_[home]->presence().for_each(topic, [&](const ClientInfo& client) {
                listed.insert(std::to_integer<std::uint32_t>(client.id[octet]));
            });
            return listed;
        };
    };
    halls_.check(listed_at(0));
    centrifuge_.check_presence(listed_at(3));
}

void TopicWorld::begin_shutdown() {
    is_shutting_down_ = true;
    centrifuge_.begin_shutdown(network_.now());
    shutdown_at_ = network_.now();
    for (const auto& host : hosts_) host->post(shard::Note::Kind::shutdown);
}

// ---- Judging ----

TopicVerdict TopicWorld::verdict() const {
    return TopicVerdict{{.scenario = scenario_,
                         .book = book_,
                         .hosts = hosts_,
                         .peers = visitors_.peers(),
                         .is_arranged = visitors_.is_arranged(),
                         .is_late = visitors_.is_late(),
                         .freeze_end = scenario_.freeze ? freeze_end() : Instant{},
                         .shutdown_at = shutdown_at_,
                         .was_cut_short = shut_down_early_,
                         .broken = options_.broken}};
}

/// All topics are forgotten, all memory is home.
void TopicWorld::check_end() {
    threads_.clear();
    const shard::Settings& settings = scenario_.settings;
    Duration patience = settings.topics.home.idle_timeout + 4 * settings.tick_interval;
    if (settings.topics.home.stream.count_max > 0) {
        patience += settings.topics.home.idle_timeout + settings.topics.home.stream.age_max +
                    4 * settings.tick_interval;
    }
    if (scenario_.freeze) patience += scenario_.freeze->duration;
    const Instant limit = network_.now() + patience;
    turns_ = 0;
    while (network_.now() < limit && turns_ < topic_turns_max &&
           !std::ranges::all_of(hosts_, [](const auto& host) { return host->is_empty(); }))
        step();
    if (has(TopicBreak::leak)) (void)network_.listen();
    for (const auto& host : hosts_) host->check_end();
    if (network_.descriptors_open() != 0)
        throw Violation{Rule::end_state_empty, "a descriptor is open"};
    for (const auto& host : hosts_) host->stop();
}

Tally TopicWorld::tally() const {
    Tally tally{.runs = 1, .clients = visitors_.visits().size(), .shards = hosts_.size()};
    for (const auto& host : hosts_) host->add_to(tally);
    tally.faults = faults_.counts();
    tally.decisions = faults_.decisions();
    tally.early_shutdowns = shut_down_early_ ? 1 : 0;
    crowd_.add_to(tally);
    halls_.add_to(tally);
    centrifuge_.add_to(tally);
    if (rounds_ != nullptr) {
        tally.latencies = rounds_->counted();
        tally.turns_waited = rounds_->rounds_max();
    }
    tally.walk_struck = faults_.struck() ? 1 : 0;
    TopicTally& topics = tally.topics;
    visitors_.add_to(topics);
    topics.freezes = scenario_.freeze ? 1 : 0;
    topics.unflushed = verdict().has_lost_publications() ? 1 : 0;
    return tally;
}

}  // namespace

Tally run_topic_world(const TopicWorldOptions& options) {
    // Not destroyed after a violation: a shard asserts that it ends empty, which would hide what
    // went wrong.
    auto world = std::make_unique<TopicWorld>(options).release();
    const Tally tally = world->run();
    delete world;
    return tally;
}

}  // namespace ringcast::sim
