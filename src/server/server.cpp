// ringcast::Server: the order in which its parts begin and end, and the public face of them.

#include "ringcast/server.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fmt/core.h>
#include <optional>
#include <utility>

#include "api/centrifuge_endpoint.hpp"
#include "api/centrifuge_streams.hpp"
#include "api/endpoint.hpp"
#include "api/topic_endpoint.hpp"
#include "api/topic_streams.hpp"
#include "base/assert.hpp"
#include "server/admin.hpp"
#include "server/api_key_keeper.hpp"
#include "server/choices.hpp"
#include "server/entropy.hpp"
#include "server/limits.hpp"
#include "server/listeners.hpp"
#include "server/log_writer.hpp"
#include "server/mounts.hpp"
#include "server/placement.hpp"
#include "server/process_figures.hpp"
#include "server/prometheus.hpp"
#include "server/shard_group.hpp"
#include "server/shard_settings.hpp"
#include "server/signals.hpp"
#include "server/stats.hpp"
#include "server/tls_files.hpp"
#include "server/tls_keeper.hpp"
#include "server/token_files.hpp"
#include "server/token_keeper.hpp"
#include "server/version.hpp"

namespace ringcast {

namespace {

/// How long the end waits for somebody to read stderr.
constexpr Duration log_patience = std::chrono::seconds{1};

// The public names of three choices stand in the same order as those of the inside.
static_assert(static_cast<int>(LogLevel::debug) == static_cast<int>(shard::LogLevel::debug));
static_assert(static_cast<int>(LogFormat::json) == static_cast<int>(server::LogFormat::json));
static_assert(static_cast<int>(Pinning::off) == static_cast<int>(server::Pinning::off));

/// Calls `action` when its scope is left, be it by an exception of the user's.
template <class Action>
class ScopeExit {
public:
    explicit ScopeExit(Action action) : action_{std::move(action)} {}
    ~ScopeExit() { action_(); }
    ScopeExit(const ScopeExit&) = delete;
    ScopeExit& operator=(const ScopeExit&) = delete;

private:
    Action action_;
};

/// What is served beside `path`/websocket. Emulation is at the root, too, where clients look for it
/// unless they are told otherwise.
std::vector<server::Mounts::PlainRoute> plain_centrifuge(std::string_view path,
                                                         const std::string& node) {
    using Kind = api::CentrifugeStreams::Kind;
    std::vector<server::Mounts::PlainRoute> routes;
    for (const auto& [name, kind] :
         {std::pair{"http_stream", Kind::http_stream}, std::pair{"sse", Kind::sse},
          std::pair{"uni_http_stream", Kind::uni_http_stream},
          std::pair{"uni_sse", Kind::uni_sse}}) {
        routes.push_back({fmt::format("{}/{}", path, name), [kind](shard::Endpoint& endpoint) {
                              return std::make_unique<api::CentrifugeStreams>(
                                  static_cast<api::CentrifugeEndpoint&>(endpoint), kind);
                          }});
    }
    for (std::string place : {fmt::format("{}/emulation", path), std::string{"/emulation"}}) {
        routes.push_back({std::move(place), [node](shard::Endpoint& endpoint) {
                              return std::make_unique<api::CentrifugeEmulation>(
                                  node, endpoint.limits().message_bytes_max);
                          }});
    }
    return routes;
}

}  // namespace

struct Server::Impl {
    explicit Impl(Settings given) : settings{std::move(given)} {}

    [[nodiscard]] bool serves_tls() const {
        return std::ranges::any_of(settings.listen, [](const std::string& url) {
            return server::scheme_of(url) == "wss";
        });
    }

    [[nodiscard]] std::expected<void, std::string> start();
    [[nodiscard]] std::expected<void, std::string> open_log();
    [[nodiscard]] std::expected<void, std::string> serve(const server::Placement& placement,
                                                         const ring::Features& features);
    [[nodiscard]] std::expected<void, std::string> load_api_keys();
    [[nodiscard]] std::expected<server::ConnectionPlan, std::string> plan_connections();
    [[nodiscard]] std::vector<server::ShardPlan> plan_shards(ring::Backend backend,
                                                             const ring::Features& features,
                                                             const server::Placement& placement,
                                                             const server::ConnectionPlan& plan);
    [[nodiscard]] shard::Router make_admin_router(std::uint32_t index) const;
    [[nodiscard]] std::expected<void, std::string> check() const;
    void wait();
    void end(Duration timeout);
    void log_totals();
    [[nodiscard]] bool outlives_hangup(bool had_terminal);
    void close_log();

    Settings settings;
    server::Mounts mounts;
    const std::string node = fmt::format("{:016x}", server::random_seed());  // Of this run.
    bool is_started = false;
    bool is_log_open = false;
    std::string description;
    double start_time_seconds = 0;
    std::uint64_t file_limit = 0;

    server::Listeners listeners;
    std::vector<server::ApiKeys> api_keys;  // Each shard's own; none: there is no API.
    server::ApiNode api_node;
    std::optional<server::LogWriter> log;
    std::vector<shard::LogQueue*> shard_logs;
    std::optional<shard::ClientLimits> client_limits;
    hub::TopicNamespaces namespaces;
    server::ShardGroup shards;                  // The threads use everything above ...
    std::optional<server::TlsKeeper> tls;       // ... and this one uses them, if there is TLS ...
    std::optional<server::TokenKeeper> tokens;  // ... and so does this one, if there are keys ...
    std::optional<server::ApiKeyKeeper> api_key_keeper;  // ... and this one, if there is an API.
};

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

Server::Server(Settings settings) : impl_{std::make_unique<Impl>(std::move(settings))} {}

Server::~Server() {
    if (!impl_->is_started) return;
    stop();
    wait();
}

void Server::mount(std::string_view path, const RouteOptions& options, HandlerFactory factory) {
    RC_ASSERT(!impl_->is_started);
    impl_->mounts.mount(path, options,
                        [factory = std::move(factory)](const shard::SessionLimits& limits) {
                            return std::make_unique<api::HandlerEndpoint>(limits, factory());
                        });
}

void Server::mount_topics(std::string_view path, TopicsPolicy policy, RouteOptions options) {
    RC_ASSERT(!impl_->is_started);
    while (path.ends_with('/')) path.remove_suffix(1);
    const std::string pattern = fmt::format("{}/{{topic...}}", path);
    std::vector<server::Mounts::PlainRoute> plain;
    if (policy.plain_http == PlainHttp::on) {
        plain.push_back({pattern, [](shard::Endpoint& endpoint) {
                             return std::make_unique<api::TopicStreams>(
                                 static_cast<api::TopicEndpoint&>(endpoint));
                         }});
    }
    impl_->mounts.mount(
        pattern, options,
        [policy = std::move(policy)](const shard::SessionLimits& limits) {
            return std::make_unique<api::TopicEndpoint>(limits, policy);
        },
        std::move(plain));
}

void Server::mount_centrifuge(std::string_view path, CentrifugePolicy policy,
                              RouteOptions options) {
    RC_ASSERT(!impl_->is_started);
    while (path.ends_with('/')) path.remove_suffix(1);
    const std::string& node = impl_->node;
    impl_->mounts.mount(
        fmt::format("{}/websocket", path), options,
        [policy, node](shard::SessionLimits limits) {
            limits.ping_interval = {};  // The protocol has pings of its own.
            return std::make_unique<api::CentrifugeEndpoint>(limits, policy, server::fill_random,
                                                             server::version, node);
        },
        policy.plain_http == PlainHttp::on ? plain_centrifuge(path, node)
                                           : std::vector<server::Mounts::PlainRoute>{});
    impl_->mounts.mount(fmt::format("{}/uni_websocket", path), options,
                        [policy, node](const shard::SessionLimits& limits) {
                            return std::make_unique<api::CentrifugeEndpoint>(
                                limits, policy, server::fill_random, server::version, node,
                                api::CentrifugeEndpoint::Direction::to_client);
                        });
}

void Server::mount_page(std::string_view path, Page page) {
    RC_ASSERT(!impl_->is_started);
    impl_->mounts.mount_page(path, std::move(page));
}

Publisher Server::make_publisher() {
    return impl_->shards.make_publisher(impl_->namespaces);
}

std::expected<void, std::string> Server::check() const {
    if (auto checked = impl_->check(); !checked) return checked;
    if (const std::string& file = impl_->settings.api_key_file; !file.empty()) {
        if (auto loaded = server::ApiKeys::load(file); !loaded)
            return std::unexpected{std::move(loaded.error())};
    }
    const Settings& settings = impl_->settings;
    if (server::has_token_keys(settings.tokens)) {
        if (auto loaded = server::load_token_keys(settings.tokens); !loaded)
            return std::unexpected{std::move(loaded.error())};
    }
    if (!impl_->serves_tls()) return {};
    if (auto loaded = server::load_tls(settings.tls); !loaded)
        return std::unexpected{std::move(loaded.error())};
    return {};
}

std::expected<void, std::string> Server::start() {
    return impl_->start();
}

int Server::run(const std::function<void()>& on_started) {
    using Hangup = server::SignalWaiter::Hangup;
    const bool had_terminal = server::has_terminal();
    const bool has_files_to_read = impl_->serves_tls() ||
                                   server::has_token_keys(impl_->settings.tokens) ||
                                   !impl_->settings.api_key_file.empty();
    server::SignalWaiter signals{has_files_to_read ? Hangup::taken : Hangup::taken_unless_ignored};
    impl_->shards.wake_at_stop(&signals);
    const ScopeExit forget_signals{[this] { impl_->shards.wake_at_stop(nullptr); }};
    if (const auto started = start(); !started) {
        const std::string line =
            fmt::format("{}: {}\n", program_invocation_short_name, started.error());
        std::fputs(line.c_str(), stderr);  // Unlike fmt::print(), no exception where nobody reads.
        return 1;
    }
    const ScopeExit end{[this] {
        stop();
        wait();
    }};
    if (on_started) on_started();
    auto signal = signals.wait();
    while (signal == server::Signal::hangup && impl_->outlives_hangup(had_terminal))
        signal = signals.wait();
    if (signal) {
        stop(*signal == server::Signal::interrupt ? CloseCode::going_away
                                                  : CloseCode::service_restart);
    }
    return 0;
}

void Server::reload_certificates() noexcept {
    if (impl_->tls) impl_->tls->reload();
}

void Server::reload_tokens() noexcept {
    if (impl_->tokens) impl_->tokens->reload();
}

void Server::stop(CloseCode code) noexcept {
    impl_->shards.stop(code);
}

void Server::wait() {
    impl_->wait();
}

std::vector<std::string> Server::addresses() const {
    return impl_->listeners.urls();
}

std::vector<std::string> Server::admin_addresses() const {
    return impl_->listeners.admin_urls();
}

std::string Server::description() const {
    return impl_->description;
}

Stats Server::stats() const {
    return server::total_of(impl_->shards.metrics());
}

}  // namespace ringcast
