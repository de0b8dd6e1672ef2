#pragma once
// Joins and leaves, from a topic's home to the subscribers who asked for them.
//
//   home:        Presence::put -> joined     Presence::remove, remove_doubted -> left
//                        |  PresenceEvent, in the order of the topic's deliveries
//   each shard:  PresenceFeed: the newest event that this shard knows to be behind it
//                        |
//   subscriber:  PresenceWatch: is the event for it?
//
// What a subscriber sees: the join of a client before its leave, both once, and no leave of a
// client that it never heard of, by a join or by a presence reply. The same client cannot join
// twice without a leave; one that reconnects is another client, and so another member. Nothing is
// held back: a connection that comes and goes is two events.
//
// Each event has a number, and a leave says which number the join had. A subscriber that became
// live behind event 40 does not see the leave of a member that joined by event 30; but once it has
// been told who is there, it sees all leaves, or that member would stay in its list for ever.
//
// A presence reply is collected on the shard that asked, in a Presence of its own under the number
// of the request: the portions are put there, and the topic's events that come between them are
// applied. So what it says is true at its place among the events, however many portions it took.

#include <algorithm>
#include <cstdint>

#include "base/assert.hpp"
#include "hub/presence.hpp"

namespace ringcast::hub {

/// What the home makes of put(), where the answer is `joined`, and of a removal: then its newest
/// event is this one.
struct PresenceEvent {
    enum class Kind : std::uint8_t { join, leave };
    Kind kind;
    std::uint64_t number;  ///< Of this event; `member.joined` is that of the join.
    Member member;
};

/// Of one topic on one shard that is not its home, or is: 8 bytes.
class PresenceFeed {
public:
    /// The home confirms this shard's interest in the topic: events up to `number`, its newest one
    /// at that place in the order of deliveries, are not for this shard.
    void confirm(std::uint64_t number) noexcept { last_ = std::max(last_, number); }
    /// An event of the topic has come.
    void take(const PresenceEvent& event) noexcept {
        RC_ASSERT(event.number > last_);
        last_ = event.number;
    }
    [[nodiscard]] std::uint64_t last() const noexcept { return last_; }

private:
    std::uint64_t last_ = 0;
};

/// Of one subscriber who asked for events, from the moment when its subscription is live: 8 bytes.
class PresenceWatch {
public:
    explicit PresenceWatch(const PresenceFeed& feed) noexcept : unheard_up_to_{feed.last()} {}

    /// Events have to be asked about in their order, none left out.
    [[nodiscard]] bool sees(const PresenceEvent& event) const noexcept {
        return event.member.joined > unheard_up_to_;
    }
    /// It has been told who is there, at this place among the events.
    void inform() noexcept { unheard_up_to_ = 0; }

private:
    std::uint64_t unheard_up_to_;  // Members that joined by then it has not heard of.
};

}  // namespace ringcast::hub
