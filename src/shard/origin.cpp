#include "shard/origin.hpp"

#include <string_view>

namespace ringcast::shard {

namespace {

struct Authority {
    std::string_view host;
    std::string_view port;  ///< Empty: the scheme's own.
};

/// Splits `host:port`, `[v6]:port` or a bare host.
Authority split(std::string_view text) noexcept {
    const std::size_t bracket = text.rfind(']');
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) {
        return {.host = text, .port = {}};
    }
    return {.host = text.substr(0, colon), .port = text.substr(colon + 1)};
}

}  // namespace

bool is_same_origin(const http::Request& request) noexcept {
    const std::size_t count = request.field_count("Origin");
    if (count == 0) return true;
    std::string_view origin = *request.field("Origin");
    std::string_view default_port;
    if (origin.starts_with("http://")) {
        default_port = "80";
        origin.remove_prefix(7);
    } else if (origin.starts_with("https://")) {
        default_port = "443";
        origin.remove_prefix(8);
    } else {
        return false;  // `null`, or not a web page.
    }
    if (count != 1) return false;
    const Authority page = split(origin);
    const Authority host = split(request.authority);
    const std::string_view page_port = page.port.empty() ? default_port : page.port;
    const std::string_view host_port = host.port.empty() ? default_port : host.port;
    return http::equals_ignoring_case(page.host, host.host) && page_port == host_port;
}

}  // namespace ringcast::shard
