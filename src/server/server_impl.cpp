#include "server/server_impl.hpp"

#include <algorithm>
#include <chrono>

#include "base/assert.hpp"
#include "server/admin.hpp"
#include "server/choices.hpp"
#include "server/process_figures.hpp"
#include "server/prometheus.hpp"
#include "server/shard_settings.hpp"
#include "server/stats.hpp"
#include "server/tls_files.hpp"
#include "server/token_files.hpp"

namespace ringcast {

namespace {

/// How long the end waits for somebody to read stderr.
constexpr Duration log_patience = std::chrono::seconds{1};

// The public names of three choices stand in the same order as those of the inside.
static_assert(static_cast<int>(LogLevel::debug) == static_cast<int>(shard::LogLevel::debug));
static_assert(static_cast<int>(LogFormat::json) == static_cast<int>(server::LogFormat::json));
static_assert(static_cast<int>(Pinning::off) == static_cast<int>(server::Pinning::off));

}  // namespace

std::expected<void, std::string> Server::Impl::check() const {
    if (auto checked = mounts.check(settings); !checked) return checked;
    if (auto features = ring::parse_features(settings.uring_features); !features)
        return std::unexpected{features.error()};
    return {};
}

std::expected<void, std::string> Server::Impl::start() {
    if (is_started) return std::unexpected{"the server has been started already"};
    if (auto checked = check(); !checked) return checked;
    const auto features = ring::parse_features(settings.uring_features);
    if (auto chosen = server::choose_mask_kernel(); !chosen) return chosen;
    is_started = true;
    start_time_seconds = server::unix_seconds();

    const auto asked = settings.shards == 0 ? std::nullopt : std::optional{settings.shards};
    const server::Placement placement = server::place_shards(
        server::this_machine(), asked, static_cast<server::Pinning>(settings.pinning));
    settings.shards = placement.shards;
    if (auto opened = open_log(); !opened) return opened;
    auto serving = serve(placement, *features);
    if (!serving) {
        shards.stop(CloseCode::going_away);
        end(Duration{0});  // Shards that never ran would be waited for by those that do.
        close_log();
    }
    return serving;
}

std::expected<void, std::string> Server::Impl::open_log() {
    log.emplace(server::LogOptions{.level = static_cast<shard::LogLevel>(settings.log_level),
                                   .format = static_cast<server::LogFormat>(settings.log_format)});
    for (std::uint32_t i = 0; i < settings.shards; ++i)
        shard_logs.push_back(&log->add_shard(static_cast<std::uint16_t>(i)));
    if (serves_tls()) tls.emplace(settings.tls, log->add_shard(shard::LogRecord::no_shard));
    if (server::has_token_keys(settings.tokens))
        tokens.emplace(settings.tokens, log->add_shard(shard::LogRecord::no_shard));
    if (!settings.api_key_file.empty()) {
        api_key_keeper.emplace(settings.api_key_file, log->add_shard(shard::LogRecord::no_shard));
    }
    auto started = log->start();
    is_log_open = started.has_value();
    return started;
}

/// All that start() does once somebody writes down what happens.
std::expected<void, std::string> Server::Impl::serve(const server::Placement& placement,
                                                     const ring::Features& features) {
    if (settings.listen.empty())
        settings.listen.push_back(fmt::format("ws://127.0.0.1:{}", settings.port));
    if (tls) {
        if (auto loaded = tls->load(); !loaded) return loaded;
    }
    if (auto loaded = load_api_keys(); !loaded) return loaded;
    std::optional<shard::TokenMaterial> token_material;
    if (tokens) {
        auto loaded = tokens->load();
        if (!loaded) return std::unexpected{std::move(loaded.error())};
        token_material = std::move(*loaded);
    }
    const auto backend =
        server::choose_backend(settings.io, settings.direct_descriptors, log->log());
    if (!backend) return std::unexpected{backend.error()};
    const auto plan = plan_connections();
    if (!plan) return std::unexpected{plan.error()};
    if (auto opened = listeners.open(settings, log->log()); !opened) return opened;
    auto plans = plan_shards(*backend, features, placement, *plan);
    for (server::ShardPlan& each : plans) each.tokens = token_material;
    if (auto started = shards.start(std::move(plans), shard_logs, settings.mesh_bytes); !started)
        return started;
    if (tls) {
        auto kept = tls->start([this](const auto& material) { shards.set_tls(material); });
        if (!kept) return kept;
    }
    if (tokens) tokens->start([this](const auto& material) { shards.set_tokens(material); });
    if (api_key_keeper) {
        api_key_keeper->start([this](const server::ApiKeys& keys) {
            shards.run_on_each(
                [this, keys](shard::Shard& shard) { api_keys[shard.settings().index] = keys; });
        });
    }
    description =
        fmt::format("io {}, kernel {}, {} shard{}{}, up to {} connections, {} open files",
                    server::describe(*backend, features, settings.direct_descriptors),
                    ring::kernel_release(), placement.shards, placement.shards == 1 ? "" : "s",
                    placement.cpus.empty() ? "" : " (pinned)", plan->connections_max, file_limit);
    return {};
}

std::expected<void, std::string> Server::Impl::load_api_keys() {
    if (!api_key_keeper) return {};
    auto loaded = api_key_keeper->load();
    if (!loaded) return std::unexpected{std::move(loaded.error())};
    api_keys.assign(settings.shards, *loaded);
    api_node = {.uid = fmt::format("{:016x}{:016x}", server::random_seed(), server::random_seed()),
                .start_time_seconds = start_time_seconds};
    return {};
}

std::expected<server::ConnectionPlan, std::string> Server::Impl::plan_connections() {
    const auto raised = server::raise_file_limit();
    if (!raised) return std::unexpected{raised.error()};
    file_limit = *raised;
    auto plan = server::plan_connections({
        .file_limit = file_limit,
        .shards = settings.shards,
        .listeners =
            static_cast<std::uint32_t>(settings.listen.size() + settings.admin_listen.size()),
        .admin_connections = settings.admin_listen.empty() ? 0 : settings.admin_connections_max,
        .connections_max = settings.connections_max == 0
                               ? std::nullopt
                               : std::optional<std::uint64_t>{settings.connections_max},
        .has_direct_descriptors = settings.direct_descriptors == DirectDescriptors::on,
    });
    if (plan && !plan->warning.empty())
        log->log().warn("file_limit_low").field("advice", plan->warning);
    return plan;
}

std::vector<server::ShardPlan> Server::Impl::plan_shards(ring::Backend backend,
                                                         const ring::Features& features,
                                                         const server::Placement& placement,
                                                         const server::ConnectionPlan& plan) {
    client_limits.emplace(server::client_limits(settings, plan.connections_max));
    const std::uint64_t topic_seed = server::random_seed();
    namespaces = server::topic_namespaces(settings);
    std::vector<server::ShardPlan> plans;
    for (std::uint32_t i = 0; i < placement.shards; ++i) {
        plans.push_back({
            .settings =
                server::shard_settings(settings, i, plan.connections_max, topic_seed, namespaces),
            .backend = backend,
            .ring = server::ring_options(settings, features, plan.direct_descriptors),
            .listeners = listeners.descriptors_of(i),
            .tls_listeners = listeners.tls_descriptors_of(i),
            .admin_listeners = listeners.admin_descriptors_of(i),
            .tls = tls ? std::optional{tls->material()} : std::nullopt,
            .cpu = placement.cpus.empty() ? std::nullopt : std::optional{placement.cpus[i]},
            .client_limits = &*client_limits,
            .make_router = [this] { return mounts.make_router(settings); },
            .make_admin_router = [this, i] { return make_admin_router(i); },
        });
    }
    return plans;
}

shard::Router Server::Impl::make_admin_router(std::uint32_t index) const {
    const auto metrics_text = [this] {
        return server::prometheus_text(shards.metrics_on_shard(),
                                       server::process_figures(start_time_seconds, file_limit));
    };
    const auto publish = [](shard::Shard& shard, std::string_view topic, PublicationKind kind,
                            std::span<const std::byte> payload) {
        return shard.publish(topic, kind, payload);
    };
    return server::make_admin_router({.metrics_text = metrics_text,
                                      .publish = publish,
                                      .payload_bytes_max = settings.message_bytes_max,
                                      .api_keys = api_keys.empty() ? nullptr : &api_keys[index],
                                      .api_node = &api_node});
}

void Server::Impl::wait() {
    end(settings.shutdown_timeout);
    if (is_log_open) log_totals();
    close_log();
}

/// Waits for a stop, and then until all shards have ended; what still lasts `timeout` after the
/// stop is cut.
void Server::Impl::end(Duration timeout) {
    shards.wait_for_stop();
    if (tls) tls->stop();
    // At once: a successor need not wait until the last connection has gone.
    listeners.remove_files();
    shards.end(timeout);
    listeners.remove_admin_files();
}

/// What it was all about, as the last line.
void Server::Impl::log_totals() {
    const Stats total = server::total_of(shards.metrics());
    log->log()
        .info("stopped")
        .field("handshakes", total.handshakes)
        .field("messages_received", total.messages_received)
        .field("messages_sent", total.messages_sent)
        .field("messages_dropped", total.messages_dropped)
        .field("protocol_errors", total.protocol_errors)
        .field("ring_calls", total.ring_calls);
}

/// What SIGHUP means: that certificates, and keys for tokens and the server API, are read again.
/// Where there are none, that the terminal has gone, if there was one: then false, and the server
/// is to stop.
bool Server::Impl::outlives_hangup(bool had_terminal) {
    if (tls) tls->reload();
    if (tokens) tokens->reload();
    if (api_key_keeper) api_key_keeper->reload();
    if (tls || tokens || api_key_keeper) return true;
    if (had_terminal) return false;
    log->log().info("hangup_ignored").field("reason", "there is nothing to read again");
    return true;
}

void Server::Impl::close_log() {
    if (std::exchange(is_log_open, false)) (void)log->stop(log_patience);
}

}  // namespace ringcast
