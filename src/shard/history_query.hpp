#pragma once
// What sessions ask of a topic's stream, and what they are told: where a subscription begins, what
// was missed, what is kept.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/publication.hpp"
#include "base/shared_payload.hpp"
#include "hub/position.hpp"
#include "hub/stream_cursor.hpp"

namespace ringcast::shard {

/// Where a subscription begins.
struct SubscribeFrom {
    enum class Kind : std::uint8_t {
        live,    ///< With what is published from now on. Nothing is asked, and no position told.
        newest,  ///< With the newest `count_max` that are kept; 0: as `live`, with the position.
        since,   ///< Behind `since`, if all of that is kept and no more than `count_max`.
    };
    Kind kind = Kind::live;
    std::uint32_t count_max = UINT32_MAX;  ///< TopicSettings::recovered_max is the limit.
    hub::Position since;

    [[nodiscard]] static SubscribeFrom position() noexcept {
        return {.kind = Kind::newest, .count_max = 0, .since = {}};
    }
};

/// Which publications of a topic somebody wants to see.
struct HistoryQuery {
    hub::StreamQuery::Order order = hub::StreamQuery::Order::forward;
    std::uint32_t count_max = 0;  ///< 0: only the position. The limit is as of SubscribeFrom.
    std::optional<hub::Position> since;  ///< Not part of the answer. None: from the end.
};

/// One publication of a stream.
struct MissedPublication {
    std::uint64_t offset = 0;
    PublicationKind kind = PublicationKind::text;
    SharedPayload* block = nullptr;

    [[nodiscard]] std::span<const std::byte> payload() const noexcept { return block->bytes(); }
    /// What goes with it: a packed PublicationInfo, or nothing.
    [[nodiscard]] std::span<const std::byte> info() const noexcept { return block->info(); }
};

/// What became of a subscription. Views die with the call.
struct Subscribed {
    enum class Outcome : std::uint8_t {
        live,     ///< Publications behind this call are delivered.
        refused,  ///< There is no subscription; there may be one later.
        crowded,  ///< Likewise: no further client may be listed in the topic.
    };
    std::string_view topic;
    Outcome outcome = Outcome::live;
    std::string_view reason;  ///< refused, crowded: a short text for the peer.

    // If it did not begin with SubscribeFrom::Kind::live:

    bool was_recovering = false;  ///< It began `since` a position ...
    bool recovered = false;       ///< ... and `missed` is all that came behind that.
    /// Of the newest publication before those that are delivered. Each of those is one further, so
    /// that whoever counts them knows its position.
    hub::Position position;
    std::span<const MissedPublication> missed;  ///< In the topic's order.
};

/// The answer to a HistoryQuery. Views die with the call.
struct HistoryAnswer {
    enum class Outcome : std::uint8_t {
        complete,
        missing,      ///< `since` is of another epoch, or not kept any more.
        unavailable,  ///< The topic keeps nothing, and nobody is subscribed to it.
        lost,         ///< The answer was lost on its way; the question may be asked again.
    };
    std::string_view topic;
    std::uint64_t tag = 0;  ///< Of the question.
    Outcome outcome = Outcome::complete;
    hub::Position position;  ///< Of the newest publication: it may have come since.
    std::span<const MissedPublication> publications;
};

}  // namespace ringcast::shard
