#pragma once
// What this shard asks of topics' homes beside publishing: publications that are kept there, for
// subscriptions that begin with them and for sessions that want to see them; and who is in a topic.
//
//   asked   [ a ][ b ][ c ]    in the order of the answers; a few at a time
//   waiting [ d ][ e ] ...     here, and not in the queue towards the home, before publications
//
// The home answers one inquiry after the other, so what it sends belongs to the oldest that was
// asked. Where answers were lost, a new round begins; what still comes of the old one is ignored.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/client_info.hpp"
#include "base/slab.hpp"
#include "hub/stream_cursor.hpp"
#include "shard/history_query.hpp"
#include "shard/presence_query.hpp"

namespace ringcast::shard {

/// One thing that was asked.
struct Inquiry {
    SlotId who;  ///< A session; or a subscription, if it follows.
    hub::StreamQuery query;
    std::string topic;  ///< Of a session's.
    std::uint64_t tag = 0;
    std::optional<PresenceQuery> presence{};  ///< That is asked, and `query` is not.
    bool tells_position = true;               ///< To a subscription.
    // Of a subscription: the client that enters the topic with it, packed, if it does.
    std::string entering{};
    hub::Visibility seen{};
};

/// A client that has left a topic.
struct Exit {
    std::string topic;
    ClientId client;
};

/// Of one home. For the shard's thread.
struct Inquiries {
    static constexpr std::size_t asked_max = 16;

    std::deque<Inquiry> waiting, asked;
    std::deque<Exit>
        exits;  ///< To be told in front of those that wait: who comes back does so again.
    std::vector<MissedPublication> collected;  ///< For the oldest asked; with a reference each.
    std::uint64_t round = 0;

    void drop_collected() noexcept {
        for (const MissedPublication& missed : collected) missed.block->release();
        collected.clear();
    }
};

/// One thing that was asked of this shard.
struct Recovery {
    std::uint64_t round;
    std::string topic;
    hub::StreamCursor cursor;
    // As of an Inquiry.
    std::optional<PresenceQuery> presence{};
    std::string entering{};
    hub::Visibility seen{};
};

}  // namespace ringcast::shard
