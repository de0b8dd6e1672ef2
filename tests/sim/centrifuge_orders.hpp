#pragma once
// What the application of the simulated server wants of clients of the Centrifuge protocol, at any
// time: they are subscribed, unsubscribed, refreshed or closed, whatever they do themselves.
//
//   order -> every shard: api::carry_out() -> done, on every shard
//
// In runs with orders nobody is told of who is there.

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "api/session_orders.hpp"
#include "base/prng.hpp"
#include "base/time.hpp"
#include "sim/centrifuge_visit.hpp"
#include "sim/topic_book.hpp"
#include "sim/topic_scenario.hpp"

namespace ringcast::sim {

struct CentrifugeOrder {
    enum class Kind : std::uint8_t { subscribe, unsubscribe, unsubscribe_all, refresh, disconnect };
    Kind kind = Kind::subscribe;
    std::uint32_t visit = 0;
    bool is_for_user = false;          ///< All visits of that one's ...
    std::set<std::uint32_t> others{};  ///< ... which are these; or only for itself.
    bool is_for_present = false;  ///< Or for another visit, if that is there and this one is not.
    std::uint32_t topic = 0;
    std::uint16_t code = 0;            ///< Of a disconnect.
    std::optional<std::uint32_t> ttl;  ///< Of a refresh, and of a subscription: seconds.
    CentrifugeAction::From from = CentrifugeAction::From::nowhere;  ///< Of a subscription.
    Instant at{};

    // Since it was given.
    std::uint64_t given = 0;                     ///< In that order, as of the book; 0: not yet.
    std::optional<TopicBook::Standing> since{};  ///< Of a subscription.
    std::uint32_t shards_missing = 0;            ///< Those that have not carried it out.
    bool is_carried_out = false;                 ///< On all, before the shutdown.

    [[nodiscard]] bool means(std::uint32_t whom) const noexcept {
        return visit == whom || others.contains(whom);
    }
    [[nodiscard]] bool ends(std::uint32_t of) const noexcept {
        return kind == Kind::unsubscribe_all || (kind == Kind::unsubscribe && topic == of);
    }
    [[nodiscard]] bool subscribes(std::uint32_t to) const noexcept {
        return kind == Kind::subscribe && topic == to;
    }
    /// Of who is refreshed or subscribed at that time, with what is granted beyond it.
    [[nodiscard]] Instant end_after(Instant time) const noexcept {
        constexpr Duration grace = std::chrono::seconds{25};
        return ttl ? time + std::chrono::seconds{*ttl} + grace : instant_never;
    }
};

/// Those of a run, in their order in time.
[[nodiscard]] std::vector<CentrifugeOrder> draw_orders(const TopicScenario& scenario,
                                                       std::uint32_t visits_count, Instant start);
/// As an application says it.
[[nodiscard]] api::SessionOrder order_of(const CentrifugeOrder& order, std::uint32_t user,
                                         const TopicScenario& scenario);

}  // namespace ringcast::sim
