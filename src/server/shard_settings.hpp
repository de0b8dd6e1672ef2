#pragma once
// What the settings of the server mean for one of its parts: a path, a shard, a ring.

#include <cstdint>

#include "hub/topic_namespaces.hpp"
#include "ring/make_ring.hpp"
#include "ringcast/settings.hpp"
#include "shard/client_limits.hpp"
#include "shard/endpoint.hpp"
#include "shard/settings.hpp"

namespace ringcast::server {

/// `settings` with what `route` says otherwise.
[[nodiscard]] Settings settings_for(Settings settings, const RouteOptions& route);

[[nodiscard]] shard::SessionLimits session_limits(const Settings& settings);

[[nodiscard]] hub::TopicNamespaces topic_namespaces(const Settings& settings);

/// `settings.shards` is known, `connections_max` is that of the whole server, and so is
/// `topic_seed`; `namespaces` outlives the shards. Draws a seed.
[[nodiscard]] shard::Settings shard_settings(const Settings& settings, std::uint32_t index,
                                             std::uint64_t connections_max,
                                             std::uint64_t topic_seed,
                                             const hub::TopicNamespaces& namespaces);

/// Of all shards together. Draws a seed. `connections_max` is that of the whole server.
[[nodiscard]] shard::ClientLimits::Options client_limits(const Settings& settings,
                                                         std::uint64_t connections_max);

/// Of each shard's ring; 0 in the settings is left to the ring. `direct_descriptors`: of its table.
[[nodiscard]] ring::Options ring_options(const Settings& settings, const ring::Features& features,
                                         std::uint32_t direct_descriptors);

}  // namespace ringcast::server
