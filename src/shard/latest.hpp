#pragma once
// The policy `latest` for slow consumers: while a session is behind, its newest publications wait
// here instead of in its queue, and are sent once it has read what it has. What is kept, and in
// which order it is sent, is the work of hub/conflation.hpp.

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "hub/conflation.hpp"
#include "shard/connection.hpp"
#include "shard/encoded_publication.hpp"

namespace ringcast::shard {

/// One per shard, for its thread. `Connection::conflates` says whether something is kept for a
/// session; whoever ends a subscription of such a one says so here.
class Latest {
    struct Kept {
        EncodedPublication publication;
        /// Publications of a topic replace each other; those with a key those of the same.
        [[nodiscard]] std::string_view key() const noexcept { return publication.tag("key"); }
    };
    using Conflation = hub::Conflation<Kept>;

public:
    using Outcome = Conflation::Outcome;
    using Limits = Conflation::Limits;

    /// `seed` is secret.
    Latest(std::uint64_t seed, const Limits& limits) : conflation_{seed, limits} {}

    /// Keeps `publication` instead of an older one of that subscription of the session.
    [[nodiscard]] Outcome keep(Connection& connection, SlotId subscription,
                               const EncodedPublication& publication,
                               EncodedPublication::Shape shape) {
        hub::Conflated& session = sessions_[connection.id.slot];
        const Outcome outcome =
            conflation_.keep(session, subscription.slot, {publication.share(shape)});
        settle(connection, session);
        return outcome;
    }
    /// Of the topic whose turn it is: calls `give(skipped, publication)` for one, where `skipped`
    /// publications came between the last that was sent and that one.
    template <class Give>
    void take(Connection& connection, Give&& give) {
        hub::Conflated& session = sessions_.at(connection.id.slot);
        conflation_.take(session, [&](std::uint32_t, std::uint64_t skipped, Kept&& kept) {
            give(skipped, kept.publication);
        });
        settle(connection, session);
    }
    /// The subscription ends.
    void drop(Connection& connection, SlotId subscription) noexcept {
        hub::Conflated& session = sessions_.at(connection.id.slot);
        conflation_.drop(session, subscription.slot);
        settle(connection, session);
    }
    /// All of them do. Says how many publications it has not been sent, and is not told of by
    /// take(): those that were kept, and those in their place before.
    std::uint64_t forget(Connection& connection) {
        std::uint64_t count = 0;
        while (connection.conflates)
            take(connection,
                 [&](std::uint64_t skipped, EncodedPublication&) { count += skipped + 1; });
        return count;
    }

    /// Publications that are kept.
    [[nodiscard]] std::uint32_t size() const noexcept { return conflation_.items(); }

private:
    void settle(Connection& connection, const hub::Conflated& session) noexcept {
        connection.conflates = !session.is_empty();
        if (!connection.conflates) sessions_.erase(connection.id.slot);
    }

    std::unordered_map<std::uint32_t, hub::Conflated> sessions_;  // By the slot of the connection.
    Conflation conflation_;
};

}  // namespace ringcast::shard
