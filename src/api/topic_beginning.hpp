#pragma once
// Where a plain client says that its subscription begins: `?last=`, `?offset=&epoch=`, or a
// stream's Last-Event-ID.

#include <expected>
#include <optional>
#include <string_view>

#include "ringcast/upgrade.hpp"
#include "shard/history_query.hpp"

namespace ringcast::api {

/// Where the query of the URL says that a subscription begins, or what is wrong with it.
[[nodiscard]] std::expected<shard::SubscribeFrom, const char*> begin_of(const Upgrade& view);

/// Where a stream of events begins that its client has seen a part of, whatever the URL says, which
/// is the same each time. One that is not ours is of no epoch: the client is told of a gap.
[[nodiscard]] std::optional<shard::SubscribeFrom> begin_behind(std::string_view last_event_id);

}  // namespace ringcast::api
