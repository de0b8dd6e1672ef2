#pragma once
// What a program is told of the shards' metrics: their sum, in the public API's words.

#include <span>

#include "ringcast/server.hpp"
#include "shard/metrics.hpp"

namespace ringcast::server {

[[nodiscard]] Stats total_of(std::span<const shard::Metrics> shards) noexcept;

}  // namespace ringcast::server
