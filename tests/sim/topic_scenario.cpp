#include "sim/topic_scenario.hpp"

#include <algorithm>
#include <bit>

#include "sim/pick.hpp"
#include "ws/deflate.hpp"

namespace ringcast::sim {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// What an open session queues besides publications: a 101, answers, notices and control frames.
constexpr std::uint64_t queue_extra_bytes = 2048;
constexpr std::uint64_t frame_header_bytes_max = 10;
constexpr std::uint64_t backlog_block_bytes = 16 << 10;
/// The smallest and the largest queue of a mesh.
constexpr std::uint64_t mesh_queue_bytes_min = 4 << 10, mesh_queue_bytes_max = 1 << 20;
/// The head of a frame or payload that several share.
constexpr std::uint64_t shared_head_bytes = 64;

std::uint64_t mesh_bytes_min(std::uint32_t shards) noexcept {
    return 2 * shards * shards * mesh_queue_bytes_min;
}

void draw_budgets(Prng& prng, TopicScenario& scenario) {
    shard::TopicSettings& topics = scenario.settings.topics;
    topics.seed = prng.next();
    topics.requests_per_turn = pick<std::uint32_t>(prng, {1, 1, 2, 5, 1024});
    topics.deliveries_per_turn = pick<std::uint32_t>(prng, {1, 1, 2, 7, 1024});
    topics.deliveries_quantum =
        std::min(topics.deliveries_per_turn, pick<std::uint32_t>(prng, {1, 2, 256}));
    topics.items_max = pick<std::uint32_t>(prng, {1, 2, 8, 4096});
    topics.home.idle_timeout = pick<Duration>(prng, {Duration{0}, milliseconds{10}, minutes{1}});
    // From 4 KiB a queue to the default.
    const std::uint64_t least = mesh_bytes_min(scenario.shards_count);
    scenario.mesh_bytes = pick<std::uint64_t>(prng, {least, least, 64 << 10, 200'000, 32u << 20});
    scenario.publication_bytes_max = pick<std::size_t>(prng, {40, 40, 400, 1500, 20'000});
}

/// Nothing wakes a shard without need in most runs, so that a wake-up that gets lost stays lost.
void draw_timers(Prng& prng, TopicScenario& scenario) {
    shard::Settings& settings = scenario.settings;
    shard::SessionLimits& session = scenario.session_limits;
    settings.handshake_timeout = minutes{50};
    settings.close_timeout = minutes{5};
    settings.tick_interval = hours{2};
    session.idle_timeout = session.message_timeout = Duration{0};
    session.ping_interval = Duration{0};
    if (!prng.chance(1, 4)) return;
    settings.tick_interval = seconds{1 + prng.below(20)};
    session.ping_interval = seconds{5 + prng.below(25)};
}

void draw_freeze(Prng& prng, TopicScenario& scenario) {
    shard::TopicSettings& topics = scenario.settings.topics;
    topics.mesh_stall_timeout = minutes{4};
    topics.flush_timeout = minutes{10};
    if (scenario.shards_count == 1 || !prng.chance(1, 3)) return;
    Freeze freeze{.shard = static_cast<std::uint32_t>(prng.below(scenario.shards_count)),
                  .after = Duration{static_cast<Duration::rep>(
                      prng.below(static_cast<std::uint64_t>(scenario.activity_span.count())))}};
    freeze.duration = seconds{1 + prng.below(100)};
    // Of its own, so that the seeds on record are still what they were.
    Prng more{topics.seed + 1};
    freeze.is_midway = more.chance(1, 2);
    if (prng.chance(2, 3)) {
        topics.mesh_stall_timeout = pick<Duration>(prng, {milliseconds{100}, seconds{2}});
        // Long enough to tell a shard that stands still from bad weather.
        if (more.chance(1, 2)) topics.mesh_stall_timeout = seconds{20};
        freeze.duration = minutes{2} + seconds{prng.below(60)};
        // Soon full.
        scenario.mesh_bytes = mesh_bytes_min(scenario.shards_count);
        scenario.is_busy = true;
        scenario.publication_bytes_max =
            std::min<std::size_t>(scenario.publication_bytes_max, 1500);
        scenario.visits_count += 6;
        scenario.topics.resize(1 + prng.below(scenario.topics.size()));
        freeze.after = scenario.activity_span / 3;
    }
    scenario.freeze = freeze;
}

void draw_limits(Prng& prng, TopicScenario& scenario) {
    shard::Settings& settings = scenario.settings;
    shard::SessionLimits& session = scenario.session_limits;
    session.message_bytes_max = 64 << 10;
    session.slow_consumer = prng.chance(1, 2) ? SlowConsumer::drop : SlowConsumer::close;
    session.send_queue_bytes_max = 1 << 20;
    if (prng.chance(1, 2)) {
        scenario.has_slow_readers = true;
        session.send_queue_bytes_max = pick<std::uint64_t>(prng, {300, 1000, 5000, 40'000});
    }
    if (prng.chance(1, 6)) {
        scenario.has_small_limits = true;
        settings.topics.home.topics_max = static_cast<std::uint32_t>(1 + prng.below(2));
        settings.topics.local.subscriptions_max = static_cast<std::uint32_t>(1 + prng.below(6));
        settings.topics.local.session_subscriptions_max =
            static_cast<std::uint32_t>(1 + prng.below(2));
    }
    if (prng.chance(1, 8)) {
        scenario.is_memory_scarce = true;
        settings.pool_bytes_max = pick<std::uint64_t>(prng, {0, 5000, 70'000});
        settings.input_bytes_max = pick<std::uint64_t>(prng, {2000, 64u << 20});
    }
    settings.early_flush_bytes = pick<std::uint32_t>(prng, {1, 500, 4096, 256 << 10});
    settings.pool_retain_bytes_max = pick<std::size_t>(prng, {0, 4096, 16u << 20});
    settings.timers_per_turn = pick<std::uint32_t>(prng, {1, 2, 1024});
}

/// Sets its source apart, so that the seeds on record draw none and are still what they were.
constexpr std::uint64_t compression_salt = 22, hostile_salt = 28, secure_salt = 60, window_salt = 5,
                        history_salt = 6, centrifuge_salt = 2334, latest_salt = 781,
                        ordering_salt = 126, token_salt = 4003;

/// Its end wakes a shard, too: so in most runs there is none.
void draw_window(TopicScenario& scenario) {
    Prng prng{scenario.settings.topics.seed ^ window_salt};
    if (!prng.chance(1, 4)) return;
    scenario.settings.topics.delivery_window =
        pick<Duration>(prng, {milliseconds{1}, milliseconds{5}, milliseconds{5}, seconds{1}});
}

void draw_history(TopicScenario& scenario) {
    shard::TopicSettings& topics = scenario.settings.topics;
    Prng prng{topics.seed ^ history_salt};
    if (!prng.chance(1, 2)) return;
    scenario.asks_positions = true;
    topics.home.stream.count_max = pick<std::uint32_t>(prng, {0, 1, 4, 30, 1000, 1000});
    topics.home.stream.age_max = pick<Duration>(prng, {milliseconds{1}, seconds{2}, minutes{5}});
    topics.home.history_bytes_max = pick<std::uint64_t>(prng, {0, 3000, 64u << 20, 64u << 20});
    topics.home.stream.is_newest_enough = prng.chance(1, 8);
    topics.recovered_per_turn = pick<std::uint32_t>(prng, {1, 1, 3, 256});
    topics.recovered_max = pick<std::uint32_t>(prng, {2, 300, 300});
}

void draw_latest(TopicScenario& scenario) {
    Prng prng{scenario.settings.topics.seed ^ latest_salt};
    if (!prng.chance(1, 4)) return;
    shard::SessionLimits& session = scenario.session_limits;
    session.slow_consumer = SlowConsumer::latest;
    if (!scenario.has_slow_readers && prng.chance(1, 2)) {
        scenario.has_slow_readers = true;
        session.send_queue_bytes_max = pick<std::uint64_t>(prng, {300, 1000, 5000});
    }
    scenario.keys_count = pick<std::uint32_t>(prng, {0, 1, 3, 10});
}

}  // namespace

/// Deadlines, too, that end hostile clients: so a wake-up that gets lost may not stay lost. No
/// freeze, in which honest clients would miss theirs.
void draw_hostile_clients(TopicScenario& scenario) {
    Prng prng{scenario.settings.topics.seed ^ hostile_salt};
    if (!prng.chance(1, 4)) return;
    shard::Settings& settings = scenario.settings;
    shard::SessionLimits& session = scenario.session_limits;
    scenario.freeze.reset();
    settings.topics.mesh_stall_timeout = minutes{4};
    scenario.topics.emplace_back("witness");
    settings.topics.items_max = 16 << 10;
    settings.handshake_timeout = session.message_timeout = minutes{1};
    settings.close_timeout = seconds{20};
    session.idle_timeout = minutes{2};
    session.ping_interval = seconds{20};
    const std::size_t message_bytes_min = scenario.publication_bytes_max + 16;
    session.message_bytes_max =
        std::max(message_bytes_min, pick<std::size_t>(prng, {1000, 8000, 64 << 10}));
    scenario.ground =
        ground_of(settings, session, scenario.is_secure, {"/hostile/a", "/hostile/b"});
    for (std::size_t i = 0; i < scenario.shared_topics_count; ++i)
        scenario.ground.quiet_targets.push_back("/hostile/" + scenario.topics[i]);
    scenario.hostiles = draw_hostiles(prng, scenario.ground);
}

/// In half of them who is there is told.
void draw_centrifuge(TopicScenario& scenario, const TopicGuests& guests) {
    Prng prng{scenario.settings.topics.seed ^ centrifuge_salt};
    if (!prng.chance(1, scenario.asks_positions ? 2 : 8)) return;
    CentrifugePolicy& policy = scenario.centrifuge.emplace();
    policy.anonymous = TopicAccess::publish;
    policy.stale_timeout = minutes{2};
    policy.ping_interval = pick<seconds>(prng, {seconds{0}, seconds{0}, seconds{5}, seconds{25}});
    policy.pong_timeout = pick<seconds>(prng, {seconds{2}, minutes{2}});
    policy.subscriptions_max = pick<std::uint32_t>(prng, {2, 128, 128});
    hub::PresencePolicy& presence = scenario.settings.topics.home.presence;
    presence.is_kept = prng.chance(1, 2);
    presence.is_announced = prng.chance(1, 2);
    presence.is_forced = prng.chance(1, 4);
    if (prng.chance(1, 3)) scenario.settings.topics.home.delta = TopicDelta::fossil;
    Prng ordering{scenario.settings.topics.seed ^ ordering_salt};
    scenario.has_orders = ordering.chance(1, 3) || guests.orders;
    if (scenario.has_orders) presence = {};
    Prng showing{scenario.settings.topics.seed ^ token_salt};
    scenario.has_tokens = showing.chance(1, 3) || guests.tokens;
    if (!scenario.has_tokens) return;
    using enum TopicAccess;
    policy.anonymous = pick<TopicAccess>(showing, {publish, publish, subscribe, none});
    policy.users = pick<TopicAccess>(showing, {publish, subscribe, none});
}

TopicScenario draw_topic_scenario(Prng& prng, TopicGuests guests) {
    TopicScenario scenario;
    scenario.shards_count = pick<std::uint32_t>(prng, {1, 2, 2, 3, 4});
    scenario.visits_count = 2 + prng.below(12);
    scenario.activity_span = std::chrono::microseconds{pick<int>(prng, {100, 10'000, 1'000'000})};
    for (std::uint64_t i = 0, count = 1 + prng.below(4); i < count; ++i)
        scenario.topics.push_back("topic/" + std::to_string(i) + std::string(prng.below(30), '.'));
    draw_budgets(prng, scenario);
    draw_timers(prng, scenario);
    draw_freeze(prng, scenario);
    draw_limits(prng, scenario);
    scenario.shutdown_code = prng.chance(1, 2) ? 1001 : 1012;
    if (prng.chance(1, 4))
        scenario.shutdown_after_turns = prng.below(400);
    else if (prng.chance(1, 2))
        scenario.quiet_time = minutes{2};
    scenario.compression = draw_compression(Prng{scenario.settings.topics.seed ^ compression_salt});
    scenario.settings.compression = scenario.compression.settings;
    scenario.shared_topics_count = scenario.topics.size();
    Prng secure{scenario.settings.topics.seed ^ secure_salt};
    scenario.is_secure = secure.chance(1, 8);
    scenario.settings.tls_handshakes_per_turn = pick<std::uint32_t>(secure, {1, 2, 16});
    scenario.settings.newcomers_per_turn = pick<std::uint32_t>(secure, {1, 2, 64});
    draw_window(scenario);
    draw_history(scenario);
    draw_latest(scenario);
    if (guests.hostile) draw_hostile_clients(scenario);
    if (guests.centrifuge && scenario.hostiles.empty()) draw_centrifuge(scenario, guests);
    return scenario;
}

std::uint64_t TopicScenario::largest_bytes() const noexcept {
    return hostiles.empty() ? publication_bytes_max : session_limits.message_bytes_max;
}

/// In JSON: every other octet escaped, between the names of fields.
std::uint64_t TopicScenario::encoded_bytes_max() const noexcept {
    constexpr std::uint64_t push_bytes = 300, small_bytes_max = 220;
    if (!centrifuge) return largest_bytes();
    return 2 * std::max(largest_bytes(), small_bytes_max) + push_bytes;
}

/// Of those that a client has missed, and what comes while they are handed out.
std::uint64_t TopicScenario::message_bytes_max() const noexcept {
    if (!centrifuge) return largest_bytes();
    if (settings.topics.home.stream.count_max == 0) return encoded_bytes_max();
    return encoded_bytes_max() * settings.topics.recovered_max;
}

std::uint64_t TopicScenario::queue_bytes_max() const noexcept {
    return std::max<std::uint64_t>(session_limits.send_queue_bytes_max,
                                   message_bytes_max() + frame_header_bytes_max) +
           queue_extra_bytes;
}

/// Unfinished input keeps to its ceiling; so do frames that wait for their fan-out, but for one. On
/// top comes what waits in send queues: at worst in blocks of twice its size, between small frames
/// that open a backlog block each.
std::uint64_t TopicScenario::pool_bytes_max(std::uint64_t connections,
                                            std::uint64_t queued_bytes) const noexcept {
    const std::uint64_t frame_block_bytes =
        std::bit_ceil(encoded_bytes_max() + frame_header_bytes_max + shared_head_bytes);
    // Of a frame there may be one of each encoding.
    const std::uint64_t encodings = centrifuge ? 3 : 1;
    const std::uint64_t fan_out_bytes = settings.pool_bytes_max + encodings * frame_block_bytes;
    // Beside a frame that is being delivered, what it is compressed to for each window.
    const std::uint64_t compressed_bytes =
        compression.offers.empty() ? 0 : ws::Deflaters::windows * fan_out_bytes;
    return settings.input_bytes_max + fan_out_bytes + compressed_bytes + 6 * queued_bytes +
           connections * (frame_block_bytes + (is_secure ? 4 : 2) * backlog_block_bytes);
}

std::uint64_t TopicScenario::mesh_queue_bytes() const noexcept {
    return std::clamp(mesh_bytes / (2 * shards_count * shards_count), mesh_queue_bytes_min,
                      mesh_queue_bytes_max);
}

/// In the worst case all queues, but for the requests of other shards, hold payloads of that one:
/// each as many bytes as it has itself, or four, in blocks of up to twice their size.
std::uint64_t TopicScenario::payload_bytes_max() const noexcept {
    constexpr std::uint64_t payloads_min = 4;
    const std::uint64_t queues = shards_count + shards_count * shards_count;
    const std::uint64_t block_bytes = std::bit_ceil(largest_bytes() + shared_head_bytes);
    std::uint64_t bytes = queues * std::max(2 * mesh_queue_bytes(), payloads_min * block_bytes);
    if (settings.topics.home.stream.count_max == 0) return bytes;
    // What is kept, wherever it was made; what is on its way or collected, and kept no more.
    constexpr std::uint64_t small_block_bytes = 256, small_record_bytes = 32;
    constexpr std::uint64_t collected_max = 2000;
    bytes += shards_count * (settings.topics.home.history_bytes_max + block_bytes);
    bytes += queues * mesh_queue_bytes() / small_record_bytes * small_block_bytes;
    return bytes + shards_count * shards_count * collected_max * block_bytes;
}

}  // namespace ringcast::sim
