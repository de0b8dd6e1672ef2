#include "url.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace ringcast::bench {

Expected<Url> parse_url(std::string_view text) {
    const bool is_secure = text.starts_with("wss://");
    const bool is_bare = text.starts_with("tcp://");
    if (!is_secure && !is_bare && !text.starts_with("ws://") && !text.starts_with("http://"))
        return fail("the URL must start with ws://, wss://, tcp:// or http://, got '{}'", text);
    const std::string_view rest = text.substr(text.find("//") + 2);
    const std::size_t path_start = rest.find_first_of("/?");
    const std::string_view authority = rest.substr(0, path_start);

    Url url;
    url.is_secure = is_secure;
    url.is_bare = is_bare;
    url.authority = authority;
    const std::string_view target = rest.substr(std::min(path_start, rest.size()));
    url.path = fmt::format("{}{}", target.starts_with('/') ? "" : "/", target);

    // Of an IPv6 address, which has colons, the brackets end the host (RFC 3986 section 3.2.2).
    const std::size_t bracket = authority.rfind(']');
    const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
    std::uint16_t port = is_secure ? 443 : 80;
    if (colon != std::string_view::npos) {
        const std::string_view digits = authority.substr(colon + 1);
        const char* end = digits.data() + digits.size();
        const auto [parsed_end, code] = std::from_chars(digits.data(), end, port);
        if (code != std::errc{} || parsed_end != end || port == 0) {
            return fail("the port of '{}' must be a number from 1 to 65535", text);
        }
    }
    std::string_view host = authority.substr(0, colon);
    const bool is_bracketed = host.starts_with('[') && host.ends_with(']');
    if (is_bracketed) host = host.substr(1, host.size() - 2);
    if (host.empty() || is_bracketed != host.contains(':'))
        return fail("'{}' has no host: a name, an IPv4 address, or [an IPv6 address]", text);
    url.host = host;
    auto address = SocketAddress::resolve(host == "localhost" ? "127.0.0.1" : url.host, port);
    if (!address) return std::unexpected(std::move(address.error()));
    url.address = *address;
    return url;
}

}  // namespace ringcast::bench
