// ringcast::Server: the public face.

#include "ringcast/server.hpp"

#include <cerrno>
#include <cstdio>
#include <fmt/core.h>
#include <utility>

#include "api/centrifuge_endpoint.hpp"
#include "api/centrifuge_streams.hpp"
#include "api/endpoint.hpp"
#include "api/topic_endpoint.hpp"
#include "api/topic_streams.hpp"
#include "base/assert.hpp"
#include "server/server_impl.hpp"
#include "server/signals.hpp"
#include "server/stats.hpp"
#include "server/tls_files.hpp"
#include "server/token_files.hpp"
#include "server/version.hpp"

namespace ringcast {

namespace {

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
    using Direction = api::CentrifugeEndpoint::Direction;
    const auto endpoint = [policy, node](Direction direction) {
        return [policy, node, direction](shard::SessionLimits limits) {
            limits.ping_interval = {};  // The protocol has pings of its own.
            return std::make_unique<api::CentrifugeEndpoint>(limits, policy, server::fill_random,
                                                             server::version, node, direction);
        };
    };
    impl_->mounts.mount(fmt::format("{}/websocket", path), options, endpoint(Direction::both),
                        policy.plain_http == PlainHttp::on
                            ? plain_centrifuge(path, node)
                            : std::vector<server::Mounts::PlainRoute>{});
    impl_->mounts.mount(fmt::format("{}/uni_websocket", path), options,
                        endpoint(Direction::to_client));
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
