#pragma once
// The parts of a server, in the order in which they begin, and their reverse. Only for server.cpp
// and server_impl.cpp.

#include <cstdint>
#include <expected>
#include <fmt/core.h>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ringcast/server.hpp"
#include "server/api_call.hpp"
#include "server/api_key_keeper.hpp"
#include "server/entropy.hpp"
#include "server/limits.hpp"
#include "server/listeners.hpp"
#include "server/log_writer.hpp"
#include "server/mounts.hpp"
#include "server/placement.hpp"
#include "server/shard_group.hpp"
#include "server/tls_keeper.hpp"
#include "server/token_keeper.hpp"

namespace ringcast {

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

}  // namespace ringcast
