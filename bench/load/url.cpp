#include "url.hpp"

#include <arpa/inet.h>
#include <charconv>
#include <cstdint>

namespace ringcast::bench {

Expected<Url> parse_url(std::string_view text) {
    constexpr std::string_view plain = "ws://", secure = "wss://";
    const bool is_secure = text.starts_with(secure);
    if (!is_secure && !text.starts_with(plain))
        return fail("the URL must start with ws:// or wss://, got '{}'", text);
    const std::string_view rest = text.substr((is_secure ? secure : plain).size());
    const std::size_t path_start = rest.find('/');
    const std::string_view authority = rest.substr(0, path_start);

    Url url;
    url.is_secure = is_secure;
    url.authority = authority;
    url.path = path_start == std::string_view::npos ? "/" : rest.substr(path_start);
    url.address.sin_family = AF_INET;

    const std::size_t colon = authority.rfind(':');
    std::uint16_t port = is_secure ? 443 : 80;
    if (colon != std::string_view::npos) {
        const std::string_view digits = authority.substr(colon + 1);
        const char* end = digits.data() + digits.size();
        const auto [parsed_end, code] = std::from_chars(digits.data(), end, port);
        if (code != std::errc{} || parsed_end != end || port == 0) {
            return fail("the port of '{}' must be a number from 1 to 65535", text);
        }
    }
    url.address.sin_port = htons(port);

    std::string host(authority.substr(0, colon));
    if (host == "localhost") host = "127.0.0.1";
    if (inet_pton(AF_INET, host.c_str(), &url.address.sin_addr) != 1) {
        return fail("the host of '{}' must be an IPv4 address or localhost", text);
    }
    return url;
}

}  // namespace ringcast::bench
