#pragma once
// Which endpoint serves a path, and which one plain requests to it. Patterns are literal segments
// and `{name}` for one segment; a last `{name...}` takes the rest of the path, slashes included.

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shard/endpoint.hpp"
#include "shard/http_endpoint.hpp"

namespace ringcast::shard {

/// A pattern taken apart. Immutable.
class PathPattern {
public:
    /// The error is one sentence that quotes the pattern: it must start with `/`, names must be
    /// identifiers and differ.
    [[nodiscard]] static std::expected<PathPattern, std::string> parse(std::string_view pattern);

    /// The parameters if `path` (still percent-encoded) matches; each segment is decoded once,
    /// after the path was split, so an encoded slash never separates. A segment that does not
    /// decode matches nothing.
    [[nodiscard]] std::optional<std::vector<PathParameter>> match(std::string_view path) const;

    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    struct Segment {
        enum class Kind : std::uint8_t { literal, parameter, rest };
        Kind kind;
        std::string text;  ///< Of a literal: what it must be; else the parameter's name.
    };

    std::string text_;
    std::vector<Segment> segments_;
};

/// The endpoints of one shard, in the order in which they were mounted: the first match of its kind
/// serves.
class Router {
public:
    struct Match {
        Endpoint* endpoint = nullptr;
        std::vector<PathParameter> parameters;  ///< The names live as long as the router.
    };

    struct HttpMatch {
        HttpEndpoint* endpoint = nullptr;
        std::vector<PathParameter> parameters;
    };

    void mount(PathPattern pattern, std::unique_ptr<Endpoint> endpoint);
    void mount(PathPattern pattern, std::unique_ptr<HttpEndpoint> endpoint);
    /// endpoint is null if no pattern matches.
    [[nodiscard]] Match match(std::string_view path) const;
    [[nodiscard]] HttpMatch match_http(std::string_view path) const;

    /// Calls `visit(Endpoint&)` for each WebSocket endpoint.
    template <class Visit>
    void for_each(Visit&& visit) const {
        for (const auto& route : routes_) visit(*route.endpoint);
    }

private:
    template <class AnyEndpoint>
    struct Route {
        PathPattern pattern;
        std::unique_ptr<AnyEndpoint> endpoint;
    };
    std::vector<Route<Endpoint>> routes_;
    std::vector<Route<HttpEndpoint>> http_routes_;
};

}  // namespace ringcast::shard
