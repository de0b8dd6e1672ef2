#include "api/publication_rates.hpp"

#include <array>
#include <span>

#include "base/bytes.hpp"
#include "shard/client_limits.hpp"

namespace ringcast::api {

using shard::ClientLimits;

const TokenRate* rate_of(const shard::Shard& shard, std::string_view topic) noexcept {
    return shard.settings().topics.home.namespaces->rate_of(topic);
}

std::uint64_t publisher_of(const shard::Shard& shard, std::string_view user) noexcept {
    const ClientLimits* const limits = shard.client_limits();
    if (user.empty() || limits == nullptr) return 0;
    return limits->publisher(ClientLimits::Publisher::user, user);
}

std::uint64_t publisher_of(const shard::Session& session) noexcept {
    const ClientLimits* const limits = session.shard().client_limits();
    if (limits == nullptr) return 0;
    const std::array<std::uint32_t, 3> id{session.shard().topics().shard(), session.id().slot,
                                          session.id().generation};
    return limits->publisher(ClientLimits::Publisher::session,
                             as_text(std::as_bytes(std::span{id})));
}

std::uint64_t publisher_of(const shard::HttpExchange& exchange) {
    const ClientLimits* const limits = exchange.shard().client_limits();
    const auto endpoint = exchange.peer_address().ip_endpoint();
    return limits == nullptr || !endpoint ? 0 : limits->publisher(endpoint->ip);
}

}  // namespace ringcast::api
