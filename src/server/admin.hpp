#pragma once
// What an admin listener serves: health, metrics, and commands of local tools.
//
//   GET  /live               200 as long as this shard's loop turns
//   GET  /ready              200, or 503 once a stop has begun: for a load balancer
//   GET  /metrics            prometheus.hpp
//   POST /publish/{topic...} the body becomes a publication, whose kind the Content-Type decides
//   POST /api/{method}       server_api.hpp, if there are keys for it
//
// A browser may read here by address or as localhost, and publish never (web_page.hpp).

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/publication.hpp"
#include "ringcast/topic.hpp"
#include "server/api_call.hpp"
#include "server/api_keys.hpp"
#include "shard/router.hpp"

namespace ringcast::server {

/// Publishes on behalf of a local tool. Called on the shard's thread; `topic` is a valid name and
/// `payload` is what `kind` says; both die with the call. Must not throw.
using PublishFunction =
    std::function<PublishStatus(shard::Shard& shard, std::string_view topic, PublicationKind kind,
                                std::span<const std::byte> payload)>;

/// The functions are called on each shard's thread, concurrently.
struct AdminServices {
    std::function<std::string()> metrics_text;
    PublishFunction publish;
    std::uint64_t payload_bytes_max = 64 << 10;
    const ApiKeys* api_keys = nullptr;  ///< Null: no server API. This shard's; outlives the router.
    const ApiNode* api_node = nullptr;  ///< Likewise.
};

/// The router of one shard's admin listeners.
[[nodiscard]] shard::Router make_admin_router(const AdminServices& services);

}  // namespace ringcast::server
