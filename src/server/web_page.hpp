#pragma once
// Which requests to an admin listener may be from a web page that has no business there. An
// attacker can serve a page under a name of his own and then bind that name to this machine's
// address (DNS rebinding): to the browser, what is served here has the page's origin from then on.
// But the name stands in the Host field, and no attacker owns an address or `localhost`.

#include <string_view>

#include "http/request.hpp"

namespace ringcast::server {

/// True if a browser has sent it (it has an Origin, a Sec-Fetch-* or an Accept-Language field) to a
/// name other than `localhost`. Browsers leave out Origin in a GET of the same origin, and
/// Sec-Fetch-* where there is no TLS; Accept-Language they always send. Prometheus, curl and
/// Kubernetes send none of them, and may use any name.
[[nodiscard]] bool is_web_page_by_name(const http::Request& request) noexcept;

/// `authority` without its port is neither an address nor `localhost` nor below that. Numbers are
/// addresses in every form that browsers take: no domain ends in one.
[[nodiscard]] bool is_domain_name(std::string_view authority) noexcept;

}  // namespace ringcast::server
