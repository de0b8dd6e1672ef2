// ringcast::Server: from settings and mounted handlers to listeners, threads and an orderly end.

#include "ringcast/server.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fmt/format.h>
#include <mutex>
#include <optional>
#include <utility>

#include "api/endpoint.hpp"
#include "api/page.hpp"
#include "api/publisher.hpp"
#include "api/topic_endpoint.hpp"
#include "base/assert.hpp"
#include "ring/make_ring.hpp"
#include "server/admin.hpp"
#include "server/check_settings.hpp"
#include "server/entropy.hpp"
#include "server/limits.hpp"
#include "server/listening.hpp"
#include "server/log_writer.hpp"
#include "server/placement.hpp"
#include "server/process_figures.hpp"
#include "server/prometheus.hpp"
#include "server/shard_settings.hpp"
#include "server/shard_thread.hpp"
#include "server/signals.hpp"
#include "shard/router.hpp"
#include "simd/mask.hpp"

namespace ringcast {

namespace {

/// The lane of one publisher. A quarter of it is the longest publication.
constexpr std::size_t publisher_lane_bytes = 1 << 20;
static_assert(Publisher::message_bytes_max + 1024 < publisher_lane_bytes / 4);

/// How long the end waits for somebody to read stderr.
constexpr Duration log_patience = std::chrono::seconds{1};

// The public names of three choices stand in the same order as those of the inside.
static_assert(static_cast<int>(LogLevel::debug) == static_cast<int>(shard::LogLevel::debug));
static_assert(static_cast<int>(LogFormat::json) == static_cast<int>(server::LogFormat::json));
static_assert(static_cast<int>(Pinning::off) == static_cast<int>(server::Pinning::off));

/// RINGCAST_SIMD names a kernel other than the best one: for tests, and for whoever doubts.
std::expected<void, std::string> choose_mask_kernel() {
    const char* const name = std::getenv("RINGCAST_SIMD");
    if (name == nullptr || *name == '\0' || simd::select_mask_kernel(name)) return {};
    std::string known;
    for (const simd::MaskKernel& kernel : simd::mask_kernels()) {
        if (kernel.supported()) known.append(known.empty() ? "" : ", ").append(kernel.name);
    }
    return std::unexpected{fmt::format("RINGCAST_SIMD={}: this machine has {}", name, known)};
}

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

}  // namespace

struct Server::Impl {
    using EndpointFactory =
        std::function<std::unique_ptr<shard::Endpoint>(const shard::SessionLimits&)>;
    struct Mount {
        shard::PathPattern pattern;
        RouteOptions options;
        EndpointFactory factory;
    };

    struct PageMount {
        shard::PathPattern pattern;
        api::PreparedPage page;
    };

    /// The first stop().
    struct StopRequest {
        CloseCode code;
        std::chrono::steady_clock::time_point time;
    };

    explicit Impl(Settings given) : settings{std::move(given)} {}

    [[nodiscard]] std::expected<void, std::string> start();
    [[nodiscard]] std::expected<void, std::string> open_log();
    [[nodiscard]] std::expected<void, std::string> serve(const server::Placement& placement,
                                                         const ring::Features& features);
    [[nodiscard]] std::expected<ring::Backend, std::string> choose_backend();
    [[nodiscard]] std::expected<void, std::string> open_listeners();
    [[nodiscard]] std::expected<void, std::string> start_shards(ring::Backend backend,
                                                                const ring::Features& features,
                                                                const server::Placement& placement,
                                                                std::uint64_t connections_max);
    [[nodiscard]] std::expected<void, std::string> check() const;
    [[nodiscard]] shard::Router make_router() const;
    void mount(std::string_view path, const RouteOptions& options, EndpointFactory factory);
    [[nodiscard]] Publisher make_publisher();
    [[nodiscard]] shard::Router make_admin_router() const;
    [[nodiscard]] std::string metrics_text() const;
    [[nodiscard]] std::optional<shard::PathPattern> parse_path(std::string_view path);
    void stop(CloseCode code);
    void wake_at_stop(server::SignalWaiter* signals);
    void wait();
    void end_shards();
    void log_totals();
    void close_log();
    [[nodiscard]] Stats stats() const;

    Settings settings;
    std::vector<Mount> mounts;
    std::vector<PageMount> pages;
    std::string mount_error;  // Of the first mount that failed; told by start().
    bool is_started = false;
    bool is_log_open = false;
    std::string description;
    double start_time_seconds = 0;
    std::uint64_t file_limit = 0;

    std::vector<server::Listening> listeners;
    std::vector<server::Listening> admin_listeners;
    std::optional<server::LogWriter> log;
    std::vector<shard::LogQueue*> shard_logs;
    // Its mutex guards the three below and the states of the shards.
    mutable server::ShardEvents events;
    std::optional<StopRequest> stop_request;
    server::SignalWaiter* signal_waiter = nullptr;
    std::optional<shard::Mesh> mesh;
    std::uint32_t publishers_count = 0;  // Guarded by the mutex of `events`.
    // One per shard, all made before the first thread starts: any of them may read all.
    std::deque<shard::MetricsSnapshot> snapshots;
    std::deque<server::ShardThread> shards;  // Last: the threads use everything above.
};

std::expected<void, std::string> Server::Impl::start() {
    if (is_started) return std::unexpected{"the server has been started already"};
    if (auto checked = check(); !checked) return checked;
    const auto features = ring::parse_features(settings.uring_features);
    if (!features) return std::unexpected{features.error()};
    if (auto chosen = choose_mask_kernel(); !chosen) return chosen;
    is_started = true;
    start_time_seconds = server::unix_seconds();

    const auto asked = settings.shards == 0 ? std::nullopt : std::optional{settings.shards};
    const server::Placement placement = server::place_shards(
        server::this_machine(), asked, static_cast<server::Pinning>(settings.pinning));
    settings.shards = placement.shards;
    if (auto opened = open_log(); !opened) return opened;
    auto serving = serve(placement, *features);
    if (!serving) {
        stop(CloseCode::going_away);
        end_shards();
        close_log();
    }
    return serving;
}

/// All that start() does once somebody writes down what happens.
std::expected<void, std::string> Server::Impl::serve(const server::Placement& placement,
                                                     const ring::Features& features) {
    const auto raised = server::raise_file_limit();
    if (!raised) return std::unexpected{raised.error()};
    file_limit = *raised;
    if (settings.listen.empty())
        settings.listen.push_back(fmt::format("ws://127.0.0.1:{}", settings.port));
    const auto plan = server::plan_connections({
        .file_limit = file_limit,
        .shards = placement.shards,
        .listeners =
            static_cast<std::uint32_t>(settings.listen.size() + settings.admin_listen.size()),
        .admin_connections =
            settings.admin_listen.empty() ? 0 : shard::Settings{}.admin_connections_max,
        .connections_max = settings.connections_max == 0
                               ? std::nullopt
                               : std::optional<std::uint64_t>{settings.connections_max},
    });
    if (!plan) return std::unexpected{plan.error()};
    if (!plan->warning.empty()) log->log().warn("file_limit_low").field("advice", plan->warning);
    const auto backend = choose_backend();
    if (!backend) return std::unexpected{backend.error()};
    if (auto opened = open_listeners(); !opened) return opened;
    if (auto started = start_shards(*backend, features, placement, plan->connections_max); !started)
        return started;
    const std::string io =
        *backend == ring::Backend::uring
            ? "io_uring (" + ring::probe_uring().features.intersect(features).to_string() + ")"
            : "epoll";
    description =
        fmt::format("io {}, kernel {}, {} shard{}{}, up to {} connections, {} open files", io,
                    ring::kernel_release(), placement.shards, placement.shards == 1 ? "" : "s",
                    placement.cpus.empty() ? "" : " (pinned)", plan->connections_max, file_limit);
    return {};
}

std::expected<void, std::string> Server::Impl::check() const {
    if (!mount_error.empty()) return std::unexpected{mount_error};
    if (auto checked = server::check_settings(settings); !checked) return checked;
    for (const Mount& mount : mounts) {
        if (auto checked = server::check_settings(server::settings_for(settings, mount.options));
            !checked)
            return std::unexpected{fmt::format("{}: {}", mount.pattern.text(), checked.error())};
    }
    return {};
}

std::expected<void, std::string> Server::Impl::open_log() {
    log.emplace(server::LogOptions{.level = static_cast<shard::LogLevel>(settings.log_level),
                                   .format = static_cast<server::LogFormat>(settings.log_format)});
    for (std::uint32_t i = 0; i < settings.shards; ++i)
        shard_logs.push_back(&log->add_shard(static_cast<std::uint16_t>(i)));
    auto started = log->start();
    is_log_open = started.has_value();
    return started;
}

std::expected<ring::Backend, std::string> Server::Impl::choose_backend() {
    if (settings.io == Io::epoll) return ring::Backend::epoll;
    const ring::Probe probe = ring::probe_uring();
    if (probe.usable) return ring::Backend::uring;
    if (settings.io == Io::uring)
        return std::unexpected{"io_uring cannot be used here: " + probe.reason};
    log->log().warn("falling_back_to_epoll").field("reason", probe.reason);
    return ring::Backend::epoll;
}

std::expected<void, std::string> Server::Impl::open_listeners() {
    for (const std::string& url : settings.listen) {
        auto listening = server::open_listener(url, "ws", settings.shards, settings.listen_backlog);
        if (!listening) return std::unexpected{std::move(listening.error())};
        listeners.push_back(std::move(*listening));
    }
    for (const std::string& url : settings.admin_listen) {
        auto listening =
            server::open_listener(url, "http", settings.shards, settings.listen_backlog);
        if (!listening) return std::unexpected{std::move(listening.error())};
        if (!listening->address.is_loopback()) {
            log->log()
                .warn("admin_listener_exposed")
                .field("url", listening->url())
                .field("advice", "whoever reaches it can publish: listen on 127.0.0.1 or [::1]");
        }
        admin_listeners.push_back(std::move(*listening));
    }
    return {};
}

std::expected<void, std::string> Server::Impl::start_shards(ring::Backend backend,
                                                            const ring::Features& features,
                                                            const server::Placement& placement,
                                                            std::uint64_t connections_max) {
    // At any time, and from the first thread on in a handler, somebody may call stop() or stats(),
    // which go through all shards.
    std::unique_lock lock{events.mutex};
    mesh.emplace(placement.shards, settings.mesh_bytes);
    const std::uint64_t topic_seed = server::random_seed();
    std::vector<server::ShardPlan> plans;
    for (std::uint32_t i = 0; i < placement.shards; ++i) {
        server::ShardPlan plan{
            .settings = server::shard_settings(settings, i, connections_max, topic_seed),
            .backend = backend,
            .ring = server::ring_options(settings, features),
            .listeners = {},
            .admin_listeners = {},
            .cpu = placement.cpus.empty() ? std::nullopt : std::optional{placement.cpus[i]},
            .mesh = &*mesh,
            .make_router = [this] { return make_router(); },
            .make_admin_router = [this] { return make_admin_router(); },
            .snapshot = &snapshots.emplace_back(),
        };
        for (const server::Listening& listening : listeners)
            plan.listeners.push_back(listening.descriptor_of(i));
        for (const server::Listening& listening : admin_listeners)
            plan.admin_listeners.push_back(listening.descriptor_of(i));
        plans.push_back(std::move(plan));
    }
    for (std::size_t i = 0; i < plans.size(); ++i)
        shards.emplace_back(std::move(plans[i]), *shard_logs[i], events);
    events.changed.wait(lock, [&] {
        return std::ranges::none_of(shards, [](const auto& shard) {
            return shard.state() == server::ShardThread::State::starting;
        });
    });
    for (const server::ShardThread& shard : shards) {
        if (shard.state() == server::ShardThread::State::failed)
            return std::unexpected{shard.error()};
    }
    // A handler may have stopped the server already, before the last shard could be told.
    if (stop_request) {
        for (server::ShardThread& shard : shards)
            shard.post(shard::Note::Kind::shutdown, stop_request->code);
    }
    return {};
}

shard::Router Server::Impl::make_router() const {
    shard::Router router;
    for (const Mount& mount : mounts) {
        router.mount(
            mount.pattern,
            mount.factory(server::session_limits(server::settings_for(settings, mount.options))));
    }
    for (const PageMount& mount : pages)
        router.mount(mount.pattern, std::make_unique<api::PageEndpoint>(mount.page));
    return router;
}

shard::Router Server::Impl::make_admin_router() const {
    const auto publish = [](shard::Shard& shard, std::string_view topic, PublicationKind kind,
                            std::span<const std::byte> payload) {
        return shard.publish(topic, kind, payload);
    };
    return server::make_admin_router({.metrics_text = [this] { return metrics_text(); },
                                      .publish = publish,
                                      .payload_bytes_max = settings.message_bytes_max});
}

/// Any shard's thread.
std::string Server::Impl::metrics_text() const {
    std::vector<shard::Metrics> metrics;
    for (const shard::MetricsSnapshot& snapshot : snapshots) metrics.push_back(snapshot.load());
    return server::prometheus_text(metrics,
                                   server::process_figures(start_time_seconds, file_limit));
}

void Server::Impl::stop(CloseCode code) {
    const std::lock_guard lock{events.mutex};
    if (stop_request) return;
    stop_request = {.code = code, .time = std::chrono::steady_clock::now()};
    for (server::ShardThread& shard : shards) shard.post(shard::Note::Kind::shutdown, code);
    events.changed.notify_all();
    if (signal_waiter != nullptr) signal_waiter->wake();
}

/// `signals`, or nobody any more, is woken when the server is stopped; at once, if it was already.
void Server::Impl::wake_at_stop(server::SignalWaiter* signals) {
    const std::lock_guard lock{events.mutex};
    signal_waiter = signals;
    if (signals != nullptr && stop_request) signals->wake();
}

void Server::Impl::wait() {
    end_shards();
    if (is_log_open) log_totals();
    close_log();
}

/// Waits for a stop(), and then until all shards have ended.
void Server::Impl::end_shards() {
    std::unique_lock lock{events.mutex};
    events.changed.wait(lock, [&] { return stop_request.has_value(); });
    // At once: a successor need not wait until the last connection has gone.
    for (server::Listening& listening : listeners) listening.remove_file();
    using State = server::ShardThread::State;
    const auto have_reached = [&](State state) {
        return [this, state] {
            return std::ranges::all_of(
                shards, [state](const auto& shard) { return shard.state() >= state; });
        };
    };
    const auto tell = [&](shard::Note::Kind kind) {
        for (server::ShardThread& shard : shards) shard.post(kind);
    };
    const auto cut_time = stop_request->time + settings.shutdown_timeout;
    // Whoever asks an admin listener is told "draining" until no shard has a client any more.
    if (events.changed.wait_until(lock, cut_time, have_reached(State::drained)))
        tell(shard::Note::Kind::end_admin);
    if (!events.changed.wait_until(lock, cut_time, have_reached(State::failed))) {
        tell(shard::Note::Kind::terminate);
        events.changed.wait(lock, have_reached(State::failed));
    }
    for (server::Listening& listening : admin_listeners) listening.remove_file();
}

/// What it was all about, as the last line.
void Server::Impl::log_totals() {
    const Stats total = stats();
    log->log()
        .info("stopped")
        .field("handshakes", total.handshakes)
        .field("messages_received", total.messages_received)
        .field("messages_sent", total.messages_sent)
        .field("messages_dropped", total.messages_dropped)
        .field("protocol_errors", total.protocol_errors)
        .field("ring_calls", total.ring_calls);
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
    impl_->mount(path, options, [factory = std::move(factory)](const shard::SessionLimits& limits) {
        return std::make_unique<api::HandlerEndpoint>(limits, factory());
    });
}

void Server::mount_topics(std::string_view path, TopicsPolicy policy, RouteOptions options) {
    while (path.ends_with('/')) path.remove_suffix(1);
    impl_->mount(fmt::format("{}/{{topic...}}", path), options,
                 [policy = std::move(policy)](const shard::SessionLimits& limits) {
                     return std::make_unique<api::TopicEndpoint>(limits, policy);
                 });
}

void Server::Impl::mount(std::string_view path, const RouteOptions& options,
                         EndpointFactory factory) {
    RC_ASSERT(!is_started);
    if (auto pattern = parse_path(path))
        mounts.push_back({std::move(*pattern), options, std::move(factory)});
}

void Server::mount_page(std::string_view path, Page page) {
    RC_ASSERT(!impl_->is_started);
    auto prepared = api::prepare(std::move(page));
    if (!prepared && impl_->mount_error.empty())
        impl_->mount_error = fmt::format("page '{}': {}", path, prepared.error());
    auto pattern = impl_->parse_path(path);
    if (prepared && pattern) impl_->pages.push_back({std::move(*pattern), std::move(*prepared)});
}

/// Nothing, and mount_error says why, if that is no path.
std::optional<shard::PathPattern> Server::Impl::parse_path(std::string_view path) {
    auto pattern = shard::PathPattern::parse(path);
    if (pattern) return std::move(*pattern);
    if (mount_error.empty()) mount_error = std::move(pattern.error());
    return std::nullopt;
}

Publisher Server::make_publisher() {
    return impl_->make_publisher();
}

/// Publishers are spread over the shards that carry them.
Publisher Server::Impl::make_publisher() {
    const std::lock_guard lock{events.mutex};
    if (shards.empty()) return Publisher{nullptr};
    const std::uint32_t carrier = publishers_count++ % mesh->shards();
    auto* const lane = shard::PublisherLane::make(publisher_lane_bytes, mesh->inbox(carrier),
                                                  std::uint64_t{1} << carrier);
    auto note = std::make_unique<shard::Note>();
    note->kind = shard::Note::Kind::publisher;
    note->publisher = lane;
    lane->acquire();
    if (!mesh->inbox(carrier).post(std::move(note))) {
        lane->close();
        lane->release();
    }
    return Publisher{new Publisher::Impl{*lane}};
}

std::expected<void, std::string> Server::start() {
    return impl_->start();
}

int Server::run(const std::function<void()>& on_started) {
    server::SignalWaiter signals;
    impl_->wake_at_stop(&signals);
    const ScopeExit forget_signals{[this] { impl_->wake_at_stop(nullptr); }};
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
    if (const auto signal = signals.wait()) {
        stop(*signal == server::StopSignal::interrupt ? CloseCode::going_away
                                                      : CloseCode::service_restart);
    }
    return 0;
}

void Server::stop(CloseCode code) noexcept {
    impl_->stop(code);
}

void Server::wait() {
    impl_->wait();
}

std::vector<std::string> Server::addresses() const {
    std::vector<std::string> urls;
    for (const server::Listening& listening : impl_->listeners) urls.push_back(listening.url());
    return urls;
}

std::vector<std::string> Server::admin_addresses() const {
    std::vector<std::string> urls;
    for (const server::Listening& listening : impl_->admin_listeners)
        urls.push_back(listening.url());
    return urls;
}

std::string Server::description() const {
    return impl_->description;
}

Stats Server::stats() const {
    return impl_->stats();
}

Stats Server::Impl::stats() const {
    const std::lock_guard lock{events.mutex};
    Stats total;
    for (const shard::MetricsSnapshot& snapshot : snapshots) {
        const shard::Metrics metrics = snapshot.load();
        total.accepts += metrics.accepts;
        total.handshakes += metrics.handshakes;
        total.handshakes_refused += metrics.handshakes_refused;
        total.messages_received += metrics.messages_received;
        total.messages_sent += metrics.messages_sent;
        total.messages_dropped += metrics.messages_dropped;
        total.publications += metrics.publications;
        total.deliveries += metrics.deliveries;
        total.deliveries_dropped += metrics.deliveries_dropped;
        total.bytes_received += metrics.bytes_received;
        total.bytes_sent += metrics.bytes_sent;
        total.protocol_errors += metrics.protocol_errors;
        total.messages_too_big += metrics.messages_too_big;
        total.handler_exceptions += metrics.handler_exceptions;
        total.timeouts += metrics.timeouts;
        total.ring_calls += metrics.ring_calls;
        total.connections += metrics.connections;
        total.sessions += metrics.sessions;
        total.subscriptions += metrics.subscriptions;
    }
    return total;
}

}  // namespace ringcast
