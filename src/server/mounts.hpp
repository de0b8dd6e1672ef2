#pragma once
// What is served where: the handlers, topics and pages that a program has mounted on paths. Filled
// before the server starts; from then on each shard makes its router from it.

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/page.hpp"
#include "ringcast/page.hpp"
#include "ringcast/settings.hpp"
#include "shard/endpoint.hpp"
#include "shard/router.hpp"

namespace ringcast::server {

class Mounts {
public:
    /// Makes one shard's endpoint, on its thread; may throw what a handler's constructor throws.
    using EndpointFactory =
        std::function<std::unique_ptr<shard::Endpoint>(const shard::SessionLimits&)>;

    /// What is served to plain requests beside an endpoint, which outlives it.
    struct PlainRoute {
        std::string path;
        std::function<std::unique_ptr<shard::HttpEndpoint>(shard::Endpoint&)> make;
    };

    /// A path that is malformed is reported by check().
    void mount(std::string_view path, const RouteOptions& options, EndpointFactory factory,
               std::vector<PlainRoute> plain = {});
    /// Likewise a header that HTTP does not allow.
    void mount_page(std::string_view path, Page page);

    /// Checks all that was mounted, and `settings` alone and with the options of each route. The
    /// error is one sentence.
    [[nodiscard]] std::expected<void, std::string> check(const Settings& settings) const;

    /// The router of one shard. Its pages are views: this outlives it.
    [[nodiscard]] shard::Router make_router(const Settings& settings) const;

private:
    struct Route {
        shard::PathPattern pattern;
        RouteOptions options;
        EndpointFactory factory;
        std::vector<PlainRoute> plain;
    };
    struct PageRoute {
        shard::PathPattern pattern;
        api::PreparedPage page;
    };

    [[nodiscard]] std::optional<shard::PathPattern> parse_path(std::string_view path);
    void fail(std::string error);

    std::vector<Route> routes_;
    std::vector<PageRoute> pages_;
    std::string error_;  // Of the first mount that failed.
};

}  // namespace ringcast::server
