#pragma once
// How often a client may publish to a topic, where its namespace says so (hub::TopicPolicy::rate).

#include <cstdint>
#include <string_view>

#include "base/token_bucket.hpp"
#include "shard/http_exchange.hpp"
#include "shard/session.hpp"
#include "shard/shard.hpp"

namespace ringcast::api {

/// Null: as often as it wants.
[[nodiscard]] const TokenRate* rate_of(const shard::Shard& shard, std::string_view topic) noexcept;

/// Names a user who publishes, on every shard. 0: `user` is empty.
[[nodiscard]] std::uint64_t publisher_of(const shard::Shard& shard, std::string_view user) noexcept;
/// Likewise a session of nobody in particular, and by its address whoever posts as nobody.
[[nodiscard]] std::uint64_t publisher_of(const shard::Session& session) noexcept;
[[nodiscard]] std::uint64_t publisher_of(const shard::HttpExchange& exchange);

}  // namespace ringcast::api
