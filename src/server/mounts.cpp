#include "server/mounts.hpp"

#include <fmt/core.h>
#include <utility>

#include "server/check_settings.hpp"
#include "server/shard_settings.hpp"

namespace ringcast::server {

void Mounts::mount(std::string_view path, const RouteOptions& options, EndpointFactory factory,
                   std::vector<PlainRoute> plain) {
    for (const PlainRoute& route : plain) (void)parse_path(route.path);
    if (auto pattern = parse_path(path))
        routes_.push_back({std::move(*pattern), options, std::move(factory), std::move(plain)});
}

void Mounts::mount_page(std::string_view path, Page page) {
    auto prepared = api::prepare(std::move(page));
    if (!prepared) fail(fmt::format("page '{}': {}", path, prepared.error()));
    auto pattern = parse_path(path);
    if (prepared && pattern) pages_.push_back({std::move(*pattern), std::move(*prepared)});
}

std::expected<void, std::string> Mounts::check(const Settings& settings) const {
    if (!error_.empty()) return std::unexpected{error_};
    if (auto checked = check_settings(settings); !checked) return checked;
    for (const Route& route : routes_) {
        if (auto checked = check_settings(settings_for(settings, route.options)); !checked)
            return std::unexpected{fmt::format("{}: {}", route.pattern.text(), checked.error())};
    }
    return {};
}

shard::Router Mounts::make_router(const Settings& settings) const {
    shard::Router router;
    for (const Route& route : routes_) {
        auto endpoint = route.factory(session_limits(settings_for(settings, route.options)));
        for (const PlainRoute& plain : route.plain)
            router.mount(shard::PathPattern::parse(plain.path).value(), plain.make(*endpoint));
        router.mount(route.pattern, std::move(endpoint));
    }
    for (const PageRoute& route : pages_)
        router.mount(route.pattern, std::make_unique<api::PageEndpoint>(route.page));
    return router;
}

/// Nothing, and check() will say why, if that is no path.
std::optional<shard::PathPattern> Mounts::parse_path(std::string_view path) {
    auto pattern = shard::PathPattern::parse(path);
    if (pattern) return std::move(*pattern);
    fail(std::move(pattern.error()));
    return std::nullopt;
}

void Mounts::fail(std::string error) {
    if (error_.empty()) error_ = std::move(error);
}

}  // namespace ringcast::server
