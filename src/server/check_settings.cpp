#include "server/check_settings.hpp"

#include <bit>
#include <chrono>
#include <cstdint>
#include <fmt/core.h>
#include <set>
#include <string_view>

#include "http/request_parser.hpp"
#include "hub/topic_namespaces.hpp"
#include "ring/make_ring.hpp"
#include "server/placement.hpp"
#include "shard/client_limits.hpp"
#include "shard/origin.hpp"
#include "shard/trusted_proxies.hpp"

namespace ringcast::server {

namespace {

using std::chrono::nanoseconds;

/// Longer than anybody waits, short enough to be added to any time.
constexpr nanoseconds time_max = std::chrono::hours{24 * 365};

constexpr std::uint32_t history_size_max = 1'000'000;

struct TimeRule {
    std::string_view name;
    nanoseconds value;
    nanoseconds min;
};

struct SizeRule {
    std::string_view name;
    std::uint64_t value;
    std::uint64_t min;
    std::uint64_t max;
};

/// 0 is for the ring to choose.
std::expected<void, std::string> check_ring(const Settings& settings) {
    const SizeRule counts[] = {
        {"ring_submissions", settings.ring_submissions, 1, 32'768},
        {"ring_completions", settings.ring_completions, 2, 65'536},
        {"buffers_count", settings.buffers_count, 2, 32'768},
    };
    for (const SizeRule& rule : counts) {
        const bool is_in_range = rule.value >= rule.min && rule.value <= rule.max;
        if (rule.value == 0 || (is_in_range && std::has_single_bit(rule.value))) continue;
        return std::unexpected{fmt::format("{}: {} is not a power of two between {} and {}",
                                           rule.name, rule.value, rule.min, rule.max)};
    }
    constexpr std::uint32_t buffer_min = 512;
    constexpr std::uint32_t buffer_max = 4 << 20;
    const std::uint64_t buffer = settings.buffer_bytes;
    if (buffer != 0 && (buffer < buffer_min || buffer > buffer_max)) {
        return std::unexpected{fmt::format("buffer_bytes: {} is not between {} and {}", buffer,
                                           buffer_min, buffer_max)};
    }
    if (settings.buffers_count * buffer > receive_bytes_max) {
        return std::unexpected{
            fmt::format("buffers_count: {} times buffer_bytes {} is more than {}",
                        settings.buffers_count, buffer, receive_bytes_max)};
    }
    return {};
}

std::expected<void, std::string> check_namespaces(const Settings& settings) {
    std::set<std::string_view> names;
    for (const TopicNamespace& space : settings.namespaces) {
        const auto error = [&](std::string_view what) {
            return std::unexpected{fmt::format("namespaces: '{}': {}", space.name, what)};
        };
        if (!hub::TopicNamespaces::is_name(space.name))
            return error("a name has 1 to 64 letters, digits, '_', '-' and '.'");
        if (!names.insert(space.name).second) return error("is there twice");
        if (space.history_size > history_size_max)
            return error(fmt::format("history_size is not between 0 and {}", history_size_max));
        if (space.history_ttl < std::chrono::seconds{1} || space.history_ttl > time_max)
            return error("history_ttl is not between 1 s and a year");
        if (space.history_mode == HistoryMode::cache && space.history_size == 0)
            return error("HistoryMode::cache needs a history_size");
        if (space.history_ttl != TopicNamespace{}.history_ttl && space.history_size == 0)
            return error("history_ttl needs a history_size");
        constexpr std::uint32_t rate_max = shard::ClientLimits::rate_max;
        constexpr std::uint32_t burst_max = shard::ClientLimits::burst_max;
        if (space.rate > rate_max)
            return error(fmt::format("rate is not between 0 and {}", rate_max));
        if (space.burst > burst_max)
            return error(fmt::format("burst is not between 0 and {}", burst_max));
        if (space.burst > 0 && space.rate == 0) return error("burst needs a rate");
        if (space.force_push_join_leave && !space.join_leave)
            return error("force_push_join_leave needs join_leave");
    }
    return {};
}

}  // namespace

std::expected<void, std::string> check_settings(const Settings& settings) {
    const TimeRule times[] = {
        {"handshake_timeout", settings.handshake_timeout, nanoseconds{1}},
        {"http_request_timeout", settings.http_request_timeout, nanoseconds{1}},
        {"http_answer_timeout", settings.http_answer_timeout, nanoseconds{1}},
        {"http_stream_timeout", settings.http_stream_timeout, nanoseconds{0}},
        {"http_idle_timeout", settings.http_idle_timeout, nanoseconds{1}},
        {"close_timeout", settings.close_timeout, nanoseconds{1}},
        {"tick_interval", settings.tick_interval, std::chrono::milliseconds{1}},
        {"idle_timeout", settings.idle_timeout, nanoseconds{0}},
        {"ping_interval", settings.ping_interval, nanoseconds{0}},
        {"message_timeout", settings.message_timeout, nanoseconds{0}},
        {"tcp_user_timeout", settings.tcp_user_timeout, nanoseconds{0}},
        {"shutdown_timeout", settings.shutdown_timeout, nanoseconds{0}},
        {"mesh_stall_timeout", settings.mesh_stall_timeout, nanoseconds{1}},
        {"tls.ticket_lifetime", settings.tls.ticket_lifetime, std::chrono::minutes{1}},
        {"history_ttl", settings.history_ttl, std::chrono::seconds{1}},
        {"topic_idle_timeout", settings.topic_idle_timeout, nanoseconds{0}},
    };
    for (const TimeRule& rule : times) {
        if (rule.value >= rule.min && rule.value <= time_max) continue;
        return std::unexpected{fmt::format("{}: {} ns is not between {} ns and a year", rule.name,
                                           rule.value.count(), rule.min.count())};
    }
    constexpr nanoseconds window_max = std::chrono::seconds{1};
    if (settings.delivery_window < nanoseconds{0} || settings.delivery_window > window_max) {
        return std::unexpected{fmt::format("delivery_window: {} ns is not between 0 and {} ns",
                                           settings.delivery_window.count(), window_max.count())};
    }
    constexpr std::uint64_t gib = std::uint64_t{1} << 30;
    const SizeRule sizes[] = {
        {"shards", settings.shards, 0, shards_max},
        {"admin_connections_max", settings.admin_connections_max, 1, 65'535},
        {"http_requests_max", settings.http_requests_max, 1, 65'535},
        {"http_requests_per_turn", settings.http_requests_per_turn, 1, 65'535},
        {"http_pipelined_bytes_max", settings.http_pipelined_bytes_max, 1, gib},
        {"header_bytes_max", settings.header_bytes_max, 256, gib},
        {"target_bytes_max", settings.target_bytes_max, 64, gib},
        {"header_fields_max", settings.header_fields_max, 8, http::HeadLimits::fields_capacity},
        {"message_bytes_max", settings.message_bytes_max, 1, gib},
        {"send_queue_bytes_max", settings.send_queue_bytes_max, 1, gib},
        {"compression_threshold", settings.compression_threshold, 1, gib},
        {"compression_memory_max", settings.compression_memory_max, 0, std::uint64_t{1} << 40},
        {"connections_per_ip_max", settings.connections_per_ip_max, 0,
         shard::ClientLimits::count_max},
        {"handshakes_per_ip", settings.handshakes_per_ip, 0, shard::ClientLimits::rate_max},
        {"message_rate", settings.message_rate, 0, 1'000'000},
        {"message_burst", settings.message_burst, 0, 1'000'000},
        // Less, and one full receive buffer would silence a client for minutes.
        {"byte_rate", settings.byte_rate, settings.byte_rate == 0 ? 0 : std::uint64_t{1} << 10,
         4 * gib},
        {"byte_burst", settings.byte_burst, 0, 4 * gib},
        {"tls.handshakes_per_turn", settings.tls.handshakes_per_turn, 1, 1'000'000},
        {"topics_max", settings.topics_max, 1, UINT32_MAX},
        {"subscriptions_max", settings.subscriptions_max, 1, UINT32_MAX},
        {"history_size", settings.history_size, 0, history_size_max},
        {"history_bytes_max", settings.history_bytes_max, 0, std::uint64_t{1} << 40},
        {"presence_clients_max", settings.presence_clients_max, 1, 1'000'000},
        {"presence_bytes_max", settings.presence_bytes_max, 0, std::uint64_t{1} << 40},
        {"mesh_bytes", settings.mesh_bytes, 64 << 10, std::uint64_t{1} << 40},
    };
    for (const SizeRule& rule : sizes) {
        if (rule.value >= rule.min && rule.value <= rule.max) continue;
        return std::unexpected{fmt::format("{}: {} is not between {} and {}", rule.name, rule.value,
                                           rule.min, rule.max)};
    }
    shard::TrustedProxies proxies;
    for (const std::string& proxy : settings.trusted_proxies) {
        if (auto added = proxies.add(proxy); !added)
            return std::unexpected{"trusted_proxies: " + added.error()};
    }
    if (settings.proxy_protocol == ProxyProtocol::required && proxies.empty())
        return std::unexpected{"proxy_protocol: without trusted_proxies nobody could connect"};
    for (const std::string& origin : settings.allowed_origins) {
        if (auto pattern = shard::OriginPattern::parse(origin); !pattern)
            return std::unexpected{"allowed_origins: " + pattern.error()};
    }
    if (auto checked = check_ring(settings); !checked) return checked;
    if (auto checked = check_namespaces(settings); !checked) return checked;
    if (settings.message_memory_max / longest_messages_min < settings.message_bytes_max) {
        return std::unexpected{fmt::format(
            "message_memory_max: {} is not {} times message_bytes_max, {}",
            settings.message_memory_max, longest_messages_min, settings.message_bytes_max)};
    }
    const std::uint64_t buffers = ring::receive_bytes(
        {.buffers_count = settings.buffers_count, .buffer_bytes = settings.buffer_bytes});
    if (settings.message_memory_max / receive_buffers_min < buffers) {
        return std::unexpected{
            fmt::format("message_memory_max: {} is not {} times buffers_count times buffer_bytes, "
                        "{} bytes of receive buffers",
                        settings.message_memory_max, receive_buffers_min, buffers)};
    }
    return {};
}

}  // namespace ringcast::server
