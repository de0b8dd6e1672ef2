#include "shard/origin.hpp"

#include <algorithm>
#include <optional>

#include "base/decimal.hpp"
#include "http/characters.hpp"

namespace ringcast::shard {

namespace {

constexpr std::string_view any = "*";
constexpr std::string_view opaque = "null";

/// The parts of a serialised origin, or of a pattern; not yet checked.
struct Origin {
    std::string_view scheme;
    std::string_view host;
    std::string_view port;  ///< Empty: none was given.
};

/// Splits `host:port`, `[v6]:port` or a bare host.
void split_authority(std::string_view text, Origin& origin) noexcept {
    const std::size_t bracket = text.rfind(']');
    const std::size_t colon = text.rfind(':');
    const bool has_port =
        colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
    origin.host = text.substr(0, has_port ? colon : text.size());
    if (has_port) origin.port = text.substr(colon + 1);
}

/// Without a scheme and `://` there is none.
std::optional<Origin> split(std::string_view text) noexcept {
    constexpr std::string_view separator = "://";
    const std::size_t scheme_end = text.find(separator);
    if (scheme_end == std::string_view::npos) return std::nullopt;
    Origin origin{.scheme = text.substr(0, scheme_end), .host = {}, .port = {}};
    split_authority(text.substr(scheme_end + separator.size()), origin);
    return origin;
}

std::string_view default_port(std::string_view scheme) noexcept {
    if (http::equals_ignoring_case(scheme, "https")) return "443";
    return http::equals_ignoring_case(scheme, "http") ? "80" : "";
}

std::string_view port_of(const Origin& origin) noexcept {
    return origin.port.empty() ? default_port(origin.scheme) : origin.port;
}

/// What a `*` in a host stands for.
bool is_label_character(char c) noexcept {
    return http::is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_';
}

std::string_view take_label(std::string_view& rest) noexcept {
    const std::size_t dot = rest.find('.');
    const std::string_view label = rest.substr(0, dot);
    rest = dot == std::string_view::npos ? std::string_view{} : rest.substr(dot + 1);
    return label;
}

bool label_matches(std::string_view pattern, std::string_view label) noexcept {
    const std::size_t star = pattern.find('*');
    if (star == std::string_view::npos) return http::equals_ignoring_case(pattern, label);
    const std::size_t literal_size = pattern.size() - 1;
    if (label.size() <= literal_size) return false;
    const std::size_t tail_size = literal_size - star;
    return http::equals_ignoring_case(pattern.substr(0, star), label.substr(0, star)) &&
           http::equals_ignoring_case(pattern.substr(star + 1),
                                      label.substr(label.size() - tail_size)) &&
           std::ranges::all_of(label, is_label_character);
}

bool host_matches(std::string_view pattern, std::string_view host) noexcept {
    if (std::ranges::count(pattern, '.') != std::ranges::count(host, '.')) return false;
    while (!pattern.empty()) {
        if (!label_matches(take_label(pattern), take_label(host))) return false;
    }
    return true;
}

/// A pattern's label: letters, digits, `-`, `_`, and one `*` at most.
bool is_label(std::string_view label) noexcept {
    const auto is_allowed = [](char c) { return is_label_character(c) || c == '*'; };
    return !label.empty() && std::ranges::all_of(label, is_allowed) &&
           std::ranges::count(label, '*') <= 1;
}

bool is_host(std::string_view host) noexcept {
    if (host.starts_with('[')) {
        const auto is_inside = [](char c) { return http::is_hex_digit(c) || c == ':' || c == '.'; };
        return host.size() > 2 && host.ends_with(']') &&
               std::ranges::all_of(host.substr(1, host.size() - 2), is_inside);
    }
    if (host.empty() || host.ends_with('.')) return false;
    for (std::string_view rest = host; !rest.empty();) {
        if (!is_label(take_label(rest))) return false;
    }
    return true;
}

/// As browsers write it.
bool is_port(std::string_view port) noexcept {
    return parse_decimal(port, 65535).value_or(0) != 0;
}

bool is_scheme(std::string_view scheme) noexcept {
    const auto is_allowed = [](char c) {
        return c != '_' && (is_label_character(c) || c == '+' || c == '.');
    };
    return !scheme.empty() && std::ranges::all_of(scheme, is_allowed);
}

}  // namespace

std::expected<OriginPattern, std::string> OriginPattern::parse(std::string_view text) {
    const auto refuse = [&](std::string_view why) {
        return std::unexpected{"'" + std::string{text} + "': " + std::string{why}};
    };
    if (text == any || text == opaque) return OriginPattern{text};
    const auto pattern = split(text);
    const bool has_path = pattern && (pattern->host.contains('/') || pattern->port.contains('/'));
    if (!pattern || !is_scheme(pattern->scheme) || has_path)
        return refuse("an origin is scheme://host or scheme://host:port, without a path");
    if (!is_host(pattern->host))
        return refuse("the host must be made of labels with one * each at most, or be [IPv6]");
    const bool has_colon = text.ends_with(':');
    if (has_colon || (!pattern->port.empty() && pattern->port != any && !is_port(pattern->port)))
        return refuse("the port must be a number from 1 to 65535, or *");
    return OriginPattern{text};
}

bool OriginPattern::matches(std::string_view origin) const noexcept {
    if (text_ == any) return true;
    if (text_ == opaque) return origin == opaque;
    const auto pattern = split(text_);
    const auto page = split(origin);
    if (!page || !http::equals_ignoring_case(pattern->scheme, page->scheme)) return false;
    const bool has_port = pattern->port == any ? page->port.empty() || is_port(page->port)
                                               : port_of(*pattern) == port_of(*page);
    return has_port && host_matches(pattern->host, page->host);
}

bool is_same_origin(const http::Request& request) noexcept {
    const std::size_t count = request.field_count("Origin");
    if (count == 0) return true;
    const auto page = split(*request.field("Origin"));
    // `null`, or not a web page.
    if (count != 1 || !page || default_port(page->scheme).empty()) return false;
    Origin host{.scheme = page->scheme, .host = {}, .port = {}};
    split_authority(request.authority, host);
    return http::equals_ignoring_case(page->host, host.host) && port_of(*page) == port_of(host);
}

bool is_origin_allowed(const http::Request& request,
                       std::span<const OriginPattern> patterns) noexcept {
    if (is_same_origin(request)) return true;
    if (request.field_count("Origin") != 1) return false;
    const std::string_view origin = *request.field("Origin");
    return std::ranges::any_of(
        patterns, [&](const OriginPattern& pattern) { return pattern.matches(origin); });
}

std::string cross_origin_fields(const http::Request& request) {
    std::string fields;
    if (const auto origin = request.field("Origin")) {
        fields.append("Access-Control-Allow-Origin: ").append(*origin);
        fields += "\r\nAccess-Control-Allow-Credentials: true";  // A cookie may hold a token.
        fields += "\r\nVary: Origin\r\n";
    }
    return fields;
}

}  // namespace ringcast::shard
