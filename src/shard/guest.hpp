#pragma once
// What a connection keeps of its client where there are proxies in between, limits on what one
// client may have, or a page that asks. Connections that have none of these have no Guest, and pay
// one comparison for each receive and each message.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/ip_address.hpp"
#include "base/time.hpp"
#include "base/token_bucket.hpp"
#include "http/proxy_header.hpp"
#include "shard/client_limits.hpp"

namespace ringcast::shard {

struct Guest {
    std::unique_ptr<http::ProxyHeaderParser> proxy_header;  ///< Null: it has come, or none does.
    std::optional<IpEndpoint> proxied;    ///< Whose connection it is, by the PROXY header.
    std::optional<IpEndpoint> forwarded;  ///< Whose request it is, by trusted proxies.
    std::uint32_t place = ClientLimits::no_place;
    TokenBucket messages;
    TokenBucket bytes;
    Instant resumes_at{};  ///< While suspended for want of tokens.
    /// Until the request under way is answered: the lines that let the page read that which asks.
    std::string cross_origin;
};

}  // namespace ringcast::shard
