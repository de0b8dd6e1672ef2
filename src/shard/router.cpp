#include "shard/router.hpp"

#include <algorithm>
#include <utility>

#include "http/response.hpp"

namespace ringcast::shard {

namespace {

bool is_identifier(std::string_view name) noexcept {
    const auto is_letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    return !name.empty() && is_letter(name.front()) &&
           std::ranges::all_of(name, [&](char c) { return is_letter(c) || is_digit(c); });
}

/// Cuts the next segment, without its leading slash, off `path`.
std::string_view take_segment(std::string_view& path) noexcept {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    return segment;
}

template <class Found, class Routes>
Found find(const Routes& routes, std::string_view path) {
    for (const auto& route : routes) {
        if (auto parameters = route.pattern.match(path))
            return {.endpoint = route.endpoint.get(), .parameters = *std::move(parameters)};
    }
    return {};
}

}  // namespace

std::expected<PathPattern, std::string> PathPattern::parse(std::string_view pattern) {
    const auto error = [&](std::string_view what) {
        return std::unexpected{"path '" + std::string{pattern} + "': " + std::string{what}};
    };
    if (!pattern.starts_with('/')) return error("must start with '/'");
    PathPattern result;
    result.text_ = pattern;
    for (std::string_view rest = pattern; !rest.empty();) {
        std::string_view segment = take_segment(rest);
        if (segment.find_first_of("{}") == std::string_view::npos) {
            result.segments_.push_back({Segment::Kind::literal, std::string{segment}});
            continue;
        }
        if (!segment.starts_with('{') || !segment.ends_with('}')) {
            return error("a parameter must fill its segment, as in '/rooms/{room}'");
        }
        segment = segment.substr(1, segment.size() - 2);
        auto kind = Segment::Kind::parameter;
        if (segment.ends_with("...")) {
            if (!rest.empty()) return error("a '{name...}' must be the last segment");
            kind = Segment::Kind::rest;
            segment.remove_suffix(3);
        }
        if (!is_identifier(segment)) return error("a parameter's name must be an identifier");
        const bool repeated = std::ranges::any_of(result.segments_, [&](const Segment& other) {
            return other.kind != Segment::Kind::literal && other.text == segment;
        });
        if (repeated) return error("each parameter needs a name of its own");
        result.segments_.push_back({kind, std::string{segment}});
    }
    return result;
}

std::optional<std::vector<PathParameter>> PathPattern::match(std::string_view path) const {
    std::vector<PathParameter> parameters;
    for (const Segment& segment : segments_) {
        if (!path.starts_with('/')) return std::nullopt;
        std::string_view encoded;
        if (segment.kind == Segment::Kind::rest) {
            encoded = std::exchange(path, {}).substr(1);
        } else {
            encoded = take_segment(path);
        }
        http::Decoded decoded = http::percent_decode(encoded);
        if (!decoded.ok) return std::nullopt;
        if (segment.kind == Segment::Kind::literal) {
            if (decoded.text != segment.text) return std::nullopt;
        } else {
            if (decoded.text.empty()) return std::nullopt;
            parameters.push_back({.name = segment.text, .value = std::move(decoded.text)});
        }
    }
    if (!path.empty()) return std::nullopt;
    return parameters;
}

void Router::mount(PathPattern pattern, std::unique_ptr<Endpoint> endpoint) {
    routes_.push_back({std::move(pattern), std::move(endpoint)});
}

void Router::mount(PathPattern pattern, std::unique_ptr<HttpEndpoint> endpoint) {
    http_routes_.push_back({std::move(pattern), std::move(endpoint)});
}

Router::Match Router::match(std::string_view path) const {
    return find<Match>(routes_, path);
}

Router::HttpMatch Router::match_http(std::string_view path) const {
    return find<HttpMatch>(http_routes_, path);
}

}  // namespace ringcast::shard
