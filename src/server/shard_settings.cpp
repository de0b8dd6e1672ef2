#include "server/shard_settings.hpp"

#include <algorithm>
#include <ctime>
#include <span>
#include <string>
#include <vector>

#include "base/assert.hpp"
#include "server/entropy.hpp"
#include "server/limits.hpp"
#include "shard/origin.hpp"

namespace ringcast::server {

namespace {

/// Of a list that check_settings() has found in order.
std::vector<shard::OriginPattern> patterns_of(std::span<const std::string> texts) {
    std::vector<shard::OriginPattern> patterns;
    for (const std::string& text : texts)
        patterns.push_back(shard::OriginPattern::parse(text).value());
    return patterns;
}

shard::TrustedProxies proxies_of(std::span<const std::string> texts) {
    shard::TrustedProxies proxies;
    for (const std::string& text : texts) RC_ASSERT(proxies.add(text).has_value());
    return proxies;
}

/// By the second, for headers; a step of the system's clock is one here, too.
http::UnixSeconds wall_clock() noexcept {
    return std::time(nullptr);
}

// The public names stand in the same order as those of the inside.
static_assert(static_cast<int>(ProxyProtocol::required) ==
              static_cast<int>(shard::ProxyProtocol::required));
static_assert(static_cast<int>(ForwardedField::forwarded) ==
              static_cast<int>(http::ForwardedField::forwarded));

}  // namespace

Settings settings_for(Settings settings, const RouteOptions& route) {
    const auto take = [](auto& setting, const auto& option) { setting = option.value_or(setting); };
    take(settings.message_bytes_max, route.message_bytes_max);
    take(settings.send_queue_bytes_max, route.send_queue_bytes_max);
    take(settings.idle_timeout, route.idle_timeout);
    take(settings.ping_interval, route.ping_interval);
    take(settings.message_timeout, route.message_timeout);
    take(settings.slow_consumer, route.slow_consumer);
    take(settings.message_rate, route.message_rate);
    take(settings.message_burst, route.message_burst);
    take(settings.byte_rate, route.byte_rate);
    take(settings.byte_burst, route.byte_burst);
    return settings;
}

shard::SessionLimits session_limits(const Settings& settings) {
    return {.message_bytes_max = settings.message_bytes_max,
            .send_queue_bytes_max = settings.send_queue_bytes_max,
            .idle_timeout = settings.idle_timeout,
            .ping_interval = settings.ping_interval,
            .message_timeout = settings.message_timeout,
            .slow_consumer = settings.slow_consumer,
            .message_rate = {.rate = settings.message_rate, .burst = settings.message_burst},
            .byte_rate = {.rate = settings.byte_rate, .burst = settings.byte_burst}};
}

hub::TopicNamespaces topic_namespaces(const Settings& settings) {
    hub::TopicNamespaces namespaces;
    for (const TopicNamespace& space : settings.namespaces) {
        const bool is_new = namespaces.add(
            space.name, {.stream = {.count_max = space.history_size,
                                    .age_max = space.history_ttl,
                                    .is_newest_enough = space.history_mode == HistoryMode::cache},
                         .presence = {.is_kept = space.presence,
                                      .is_announced = space.join_leave,
                                      .is_forced = space.force_push_join_leave},
                         .delta = space.delta,
                         .subscribe = space.subscribe,
                         .publish = space.publish,
                         .rate = {.rate = space.rate, .burst = space.burst},
                         .slow_consumer = space.slow_consumer});
        RC_ASSERT(is_new);  // check_settings() has seen to that.
    }
    return namespaces;
}

shard::Settings shard_settings(const Settings& settings, std::uint32_t index,
                               std::uint64_t connections_max, std::uint64_t topic_seed,
                               const hub::TopicNamespaces& namespaces) {
    return {
        .index = index,
        .seed = random_seed(),
        // The kernel spreads connections evenly over the shards' listeners, by a hash.
        .connections_max = share_of(connections_max, settings.shards),
        .server_connections_max = connections_max,
        .admin_connections_max = settings.admin_connections_max,
        .head = {.head_bytes_max = settings.header_bytes_max,
                 .target_bytes_max = std::min(settings.header_bytes_max, settings.target_bytes_max),
                 .fields_max = settings.header_fields_max},
        .pool_bytes_max = settings.message_memory_max,
        // Half of it at least is for output. The longest message of all still fits by itself.
        .input_bytes_max = settings.message_memory_max / 2,
        .compression = {.mode = settings.compression,
                        .threshold_bytes = settings.compression_threshold,
                        .memory_bytes_max = settings.compression_memory_max},
        .trusted_proxies = proxies_of(settings.trusted_proxies),
        .proxy_protocol = static_cast<shard::ProxyProtocol>(settings.proxy_protocol),
        .forwarded_field = static_cast<http::ForwardedField>(settings.forwarded_field),
        .allowed_origins = patterns_of(settings.allowed_origins),
        .http = {.requests_max = static_cast<std::uint16_t>(settings.http_requests_max),
                 .requests_per_turn = settings.http_requests_per_turn,
                 .pipelined_bytes_max = settings.http_pipelined_bytes_max,
                 .send_queue_bytes_max = settings.send_queue_bytes_max,
                 .request_timeout = settings.http_request_timeout,
                 .answer_timeout = settings.http_answer_timeout,
                 .stream_timeout = settings.http_stream_timeout,
                 .idle_timeout = settings.http_idle_timeout},
        .wall_clock = &wall_clock,
        .handshake_timeout = settings.handshake_timeout,
        .close_timeout = settings.close_timeout,
        .tick_interval = settings.tick_interval,
        .tls_handshakes_per_turn = settings.tls.handshakes_per_turn,
        .access_log = settings.access_log == AccessLog::on,
        .topics =
            {
                .seed = topic_seed,
                .epoch_seed = random_seed(),
                .home = {.topics_max = share_of(settings.topics_max, settings.shards),
                         .idle_timeout = settings.topic_idle_timeout,
                         .stream = {.count_max = settings.history_size,
                                    .age_max = settings.history_ttl},
                         .presence = {.is_kept = settings.presence,
                                      .is_announced = settings.join_leave,
                                      .is_forced = settings.force_push_join_leave},
                         .delta = settings.delta,
                         .history_bytes_max = settings.history_bytes_max,
                         .namespaces = &namespaces},
                .local = {.session_subscriptions_max = settings.subscriptions_max},
                .presence = {.topic_clients_max = settings.presence_clients_max,
                             .bytes_max = settings.presence_bytes_max},
                .keys = {.keys_max =
                             share_of(hub::PublishKeys::Limits{}.keys_max, settings.shards)},
                .delivery_window = settings.delivery_window,
                .mesh_stall_timeout = settings.mesh_stall_timeout,
                // Half is left for the Close and its answer.
                .flush_timeout = settings.shutdown_timeout / 2,
            },
    };
}

shard::ClientLimits::Options client_limits(const Settings& settings,
                                           std::uint64_t connections_max) {
    return {.connections_per_client_max = settings.connections_per_ip_max,
            .handshakes_per_client = settings.handshakes_per_ip,
            .connections_max = connections_max,
            .has_publication_rates = std::ranges::any_of(
                settings.namespaces, [](const TopicNamespace& each) { return each.rate > 0; }),
            .seed = random_seed()};
}

ring::Options ring_options(const Settings& settings, const ring::Features& features,
                           std::uint32_t direct_descriptors) {
    ring::Options options{.features = features,
                          .buffers_count = settings.buffers_count,
                          .buffer_bytes = settings.buffer_bytes,
                          .direct_descriptors = direct_descriptors};
    if (settings.ring_submissions != 0) options.submissions_max = settings.ring_submissions;
    if (settings.ring_completions != 0) options.completions_max = settings.ring_completions;
    return options;
}

}  // namespace ringcast::server
