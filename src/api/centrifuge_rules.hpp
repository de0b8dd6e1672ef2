#pragma once
// What clients' commands and the server API have in common in what they say of channels.

#include <cstdint>
#include <optional>
#include <string_view>

#include "dialect/centrifuge/codes.hpp"
#include "hub/topic_namespaces.hpp"
#include "shard/history_query.hpp"

namespace ringcast::api {

/// What is wrong with a channel of that name; nothing if it is in order.
[[nodiscard]] std::optional<dialect::centrifuge::ErrorCode> channel_fault(
    const hub::TopicNamespaces& namespaces, std::string_view channel) noexcept;

/// Why there is no history; nothing if there is one.
[[nodiscard]] std::optional<dialect::centrifuge::ErrorCode> history_fault(
    shard::HistoryAnswer::Outcome outcome) noexcept;

/// A HistoryRequest, of either.
[[nodiscard]] shard::HistoryQuery history_query_of(const auto& request) noexcept {
    shard::HistoryQuery query;
    if (request.reverse) query.order = hub::StreamQuery::Order::backward;
    query.count_max = request.limit < 0 ? UINT32_MAX : static_cast<std::uint32_t>(request.limit);
    if (request.has_since) {
        query.since = hub::Position{.offset = request.since.offset,
                                    .epoch = hub::Epoch::of(request.since.epoch)};
    }
    return query;
}

/// Where a subscription of a client begins, in whatever tells it so: a view of `begin`.
void set_position(auto& told, const hub::Position& begin) noexcept {
    told.offset = begin.offset;
    told.epoch = begin.epoch.text();
    told.recoverable = told.positioned = !told.epoch.empty();
}

}  // namespace ringcast::api
