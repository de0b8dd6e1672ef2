#include "sim/scenario.hpp"

#include <algorithm>
#include <bit>

#include "sim/notice.hpp"
#include "sim/pick.hpp"

namespace ringcast::sim {
namespace {

/// What an open session queues besides messages: a 101 and a control frame.
constexpr std::uint64_t queue_extra_bytes = 1024;
constexpr std::uint64_t frame_header_bytes_max = 10;
/// The smallest block that a backlog copies output to.
constexpr std::uint64_t backlog_block_bytes = 16 << 10;
/// A reply of at least this size is queued in the block that the message came in.
constexpr std::uint64_t moved_bytes_min = 4 << 10;

void draw_limits(Prng& prng, Scenario& scenario) {
    ServerLimits& limits = scenario.limits;
    shard::Settings& settings = scenario.settings;
    shard::SessionLimits& session = scenario.session_limits;
    limits.message_bytes_max = pick<std::size_t>(prng, {300, 1000, 4096, 4096, 16384, 65536});
    limits.shutdown_code = prng.chance(1, 2) ? 1001 : 1012;
    settings.head.head_bytes_max = static_cast<std::uint32_t>(limits.head_bytes_max);
    settings.head.target_bytes_max = static_cast<std::uint32_t>(limits.target_bytes_max);
    settings.early_flush_bytes = pick<std::uint32_t>(prng, {1, 500, 4096, 256 << 10});
    settings.pool_retain_bytes_max = pick<std::size_t>(prng, {0, 4096, 16u << 20});
    settings.timers_per_turn = pick<std::uint32_t>(prng, {1, 2, 1024});
    settings.tick_interval = std::chrono::seconds{1 + prng.below(20)};
    // From the start of the closing handshake to its end, the output before it included.
    settings.close_timeout = std::chrono::seconds{20};
    session.message_bytes_max = limits.message_bytes_max;
    session.send_queue_bytes_max = pick<std::uint64_t>(prng, {600, 2000, 16384, 1 << 20});
    session.idle_timeout = std::chrono::seconds{60 + prng.below(60)};
    session.ping_interval = std::chrono::seconds{5 + prng.below(25)};
    scenario.application.pending_odds = pick<std::uint64_t>(prng, {0, 0, 2, 5});
}

void draw_scarce_memory(Prng& prng, Scenario& scenario) {
    scenario.limits.is_memory_scarce = scenario.limits.may_overload = true;
    shard::Settings& settings = scenario.settings;
    settings.pool_bytes_max = pick<std::uint64_t>(prng, {0, 600, 5000, 20'000, 70'000});
    settings.input_bytes_max = pick<std::uint64_t>(prng, {0, 300, 5000, 20'000, 64u << 20});
}

void draw_features(Prng& prng, Scenario& scenario) {
    ApplicationSettings& application = scenario.application;
    scenario.shards_count = pick<std::size_t>(prng, {1, 1, 1, 2, 3});
    if (prng.chance(1, 6)) {
        scenario.limits.may_turn_away = true;
        scenario.settings.connections_max = static_cast<std::uint32_t>(1 + prng.below(4));
    }
    if (prng.chance(1, 5)) draw_scarce_memory(prng, scenario);
    if (prng.chance(1, 5)) {
        application.refuse_odds = pick<std::uint64_t>(prng, {0, 2, 4});
        application.silent_odds = pick<std::uint64_t>(prng, {0, 2, 4});
    }
    if (prng.chance(1, 5)) {
        // Not more than a thin link carries within close_timeout.
        application.notices_max = 1 + prng.below(40);
        application.notices_per_tick = pick<std::uint64_t>(prng, {1, 2, 20});
        application.notice_bytes = pick<std::size_t>(prng, {notice_bytes_min, 200, 400});
        scenario.limits.notice_bytes = application.notice_bytes;
        scenario.limits.may_overload = true;
    }
    if (prng.chance(1, 8))
        scenario.termination_turns = prng.below(pick<std::uint64_t>(prng, {2, 60}));
    // Large messages on thin links, while the clock jumps, can take minutes.
    scenario.session_limits.message_timeout = Duration{0};
    if (prng.chance(1, 5)) {
        scenario.limits.may_be_late = true;
        scenario.session_limits.message_timeout =
            std::chrono::milliseconds{pick<int>(prng, {10, 300, 5'000, 20'000})};
    }
    if (prng.chance(1, 4)) scenario.settings.work_per_turn = pick<std::uint32_t>(prng, {1, 2, 10});
}

}  // namespace

Scenario draw_scenario(Prng& limits, Prng& features, const Prng& compression) {
    Scenario scenario;
    draw_limits(limits, scenario);
    draw_features(features, scenario);
    scenario.compression = draw_compression(compression);
    scenario.settings.compression = scenario.compression.settings;
    return scenario;
}

void add_hostiles(Prng& prng, Scenario& scenario) {
    if (!prng.chance(1, 4)) return;
    shard::Settings& settings = scenario.settings;
    shard::SessionLimits& session = scenario.session_limits;
    settings.handshake_timeout = std::chrono::seconds{30};
    if (session.message_timeout == Duration{0}) session.message_timeout = std::chrono::minutes{1};
    if (prng.chance(1, 2)) settings.work_per_turn = pick<std::uint32_t>(prng, {1, 2, 10, 100});
    scenario.ground = ground_of(settings, session, scenario.is_secure, {"/echo"});
    scenario.hostiles = draw_hostiles(prng, scenario.ground);
}

/// A reply is taken up to the high-water mark, any other message while it fits or nothing is
/// queued.
std::uint64_t Scenario::queue_bytes_max() const noexcept {
    std::uint64_t bytes = session_limits.high_water_bytes() + session_limits.message_bytes_max;
    if (application.notices_max > 0) {
        bytes = std::max({bytes, session_limits.send_queue_bytes_max,
                          application.notice_bytes + frame_header_bytes_max});
    }
    return bytes + queue_extra_bytes;
}

/// Unfinished input keeps to its ceiling. On top comes output, in blocks that are powers of two: at
/// worst small frames that open a backlog block each, between replies that stay in a block of at
/// most eight times their size; and where output waits a block begun at either end.
std::uint64_t Scenario::pool_bytes_max(std::uint64_t connections,
                                       std::uint64_t queued_bytes) const noexcept {
    constexpr std::uint64_t output_factor =
        (2 * moved_bytes_min + backlog_block_bytes) / moved_bytes_min;
    const std::uint64_t message_block_bytes =
        std::bit_ceil(session_limits.message_bytes_max + frame_header_bytes_max);
    const std::uint64_t per_queue =
        std::max(message_block_bytes, backlog_block_bytes) + backlog_block_bytes;
    // What TLS says on its own account is in no queue.
    const std::uint64_t tls_bytes = is_secure ? connections * 2 * backlog_block_bytes : 0;
    return settings.input_bytes_max + output_factor * queued_bytes +
           std::min(connections, queued_bytes) * per_queue + tls_bytes;
}

}  // namespace ringcast::sim
