#include "hub/conflation.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <doctest/doctest.h>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/prng.hpp"

using namespace ringcast;
using namespace ringcast::hub;

namespace {

struct Price {
    std::string tag;
    std::uint64_t offset;
    [[nodiscard]] std::string_view key() const noexcept { return tag; }
};

using Prices = Conflation<Price>;
using Kept = Prices::Outcome;

/// One publication: `subscription:key offset`, and `(-n)` for what was skipped.
std::string taken(Prices& prices, Conflated& session) {
    std::string text;
    prices.take(session, [&](std::uint32_t subscription, std::uint64_t skipped, Price item) {
        text += (text.empty() ? "" : " ") + std::to_string(subscription) + ":" + item.tag +
                std::to_string(item.offset);
        if (skipped > 0) text += "(-" + std::to_string(skipped) + ")";
    });
    return text;
}

}  // namespace

TEST_CASE("the newest publication of each topic is kept, in the order of their first ones") {
    Prices prices{1, {}};
    Conflated session;
    CHECK(session.is_empty());
    CHECK(taken(prices, session) == "");
    CHECK(prices.keep(session, 2, {"", 10}) == Kept::kept);
    CHECK(prices.keep(session, 1, {"", 5}) == Kept::kept);
    CHECK(prices.keep(session, 2, {"", 11}) == Kept::replaced);
    CHECK(prices.keep(session, 2, {"", 12}) == Kept::replaced);
    CHECK(session.items == 2);
    CHECK(taken(prices, session) == "2:12(-2)");
    CHECK_FALSE(session.is_empty());
    // It has had its turn, and waits behind the other one.
    CHECK(prices.keep(session, 2, {"", 13}) == Kept::kept);
    CHECK(taken(prices, session) == "1:5");
    CHECK(taken(prices, session) == "2:13");
    CHECK(session.is_empty());
    CHECK_FALSE(prices.take(session, [](std::uint32_t, std::uint64_t, const Price&) {}));
    CHECK(prices.items() == 0);
}

TEST_CASE("in its turn a topic's keys go out, in the order of their newest publications") {
    Prices prices{1, {}};
    Conflated session;
    CHECK(prices.keep(session, 1, {"a", 1}) == Kept::kept);
    CHECK(prices.keep(session, 1, {"b", 2}) == Kept::kept);
    CHECK(prices.keep(session, 2, {"a", 7}) == Kept::kept);
    CHECK(prices.keep(session, 1, {"", 3}) == Kept::kept);
    CHECK(prices.keep(session, 1, {"a", 4}) == Kept::replaced);
    CHECK(taken(prices, session) == "1:b2(-1)");
    CHECK(taken(prices, session) == "1:3");
    CHECK(taken(prices, session) == "1:a4");
    CHECK(taken(prices, session) == "2:a7");
}

TEST_CASE("what was skipped is counted at the place where it is missing") {
    Prices prices{1, {}};
    Conflated session;
    for (const std::uint64_t offset : {1u, 3u, 4u, 7u})
        (void)prices.keep(session, 1, {"a", offset});
    CHECK(prices.keep(session, 1, {"b", 8}) == Kept::kept);
    CHECK(prices.keep(session, 1, {"c", 9}) == Kept::kept);
    CHECK(prices.keep(session, 1, {"b", 10}) == Kept::replaced);
    // 1, 3 and 4 are missing before 7, and 8 before 9: whoever counts is at 7 behind the first.
    CHECK(taken(prices, session) == "1:a7(-3)");
    CHECK(prices.keep(session, 1, {"c", 11}) == Kept::replaced);
    CHECK(taken(prices, session) == "1:b10(-2)");
    CHECK(taken(prices, session) == "1:c11");
    CHECK(session.is_empty());
}

TEST_CASE("a topic that is published to all the time comes in its turn, and so do the others") {
    Prices prices{1, {}};
    Conflated session;
    std::string turns;
    for (std::uint64_t offset = 0; offset < 30; ++offset) {
        for (std::uint32_t topic = 0; topic < 3; ++topic)
            (void)prices.keep(session, topic, {"", offset});
        turns += taken(prices, session).substr(0, 1);
    }
    CHECK(turns == "012012012012012012012012012012");
}

TEST_CASE("a topic whose keys are published to all the time does not keep its turn") {
    Prices prices{1, {}};
    Conflated session;
    std::string turns;
    for (std::uint64_t offset = 0; offset < 15; ++offset) {
        for (const char* const key : {"x", "y", "z"}) (void)prices.keep(session, 1, {key, offset});
        (void)prices.keep(session, 2, {"", offset});
        turns += taken(prices, session).substr(0, 1);
    }
    CHECK(turns == "111211121112111");
}

TEST_CASE(
    "what is kept for a session is nothing to another, and is dropped with its subscription") {
    Prices prices{1, {}};
    Conflated ann, bob;
    CHECK(prices.keep(ann, 1, {"a", 1}) == Kept::kept);
    CHECK(prices.keep(bob, 2, {"a", 1}) == Kept::kept);
    CHECK(prices.keep(ann, 3, {"a", 8}) == Kept::kept);
    CHECK(prices.keep(ann, 3, {"b", 9}) == Kept::kept);
    CHECK(prices.keep(ann, 4, {"a", 3}) == Kept::kept);
    prices.drop(ann, 3);
    prices.drop(ann, 9);
    CHECK(ann.items == 2);
    CHECK(taken(prices, ann) == "1:a1");
    CHECK(taken(prices, ann) == "4:a3");
    CHECK(taken(prices, ann) == "");
    prices.clear(bob);
    CHECK(bob.is_empty());
    CHECK(prices.items() == 0);
    prices.clear(bob);
}

TEST_CASE("a limit is told, and what is kept already can be replaced all the same") {
    Prices prices{1, {.items_max = 3, .session_items_max = 2}};
    Conflated ann, bob;
    CHECK(prices.keep(ann, 1, {"a", 1}) == Kept::kept);
    CHECK(prices.keep(ann, 1, {"b", 2}) == Kept::kept);
    CHECK(prices.keep(ann, 1, {"c", 3}) == Kept::session_full);
    CHECK(prices.keep(ann, 2, {"", 3}) == Kept::session_full);
    CHECK(prices.keep(bob, 3, {"", 1}) == Kept::kept);
    CHECK(prices.keep(bob, 4, {"", 1}) == Kept::shard_full);
    CHECK(prices.keep(bob, 3, {"", 2}) == Kept::replaced);
    CHECK(prices.keep(ann, 1, {"a", 4}) == Kept::replaced);
    CHECK(taken(prices, ann) == "1:b2(-1)");
    CHECK(taken(prices, ann) == "1:a4");
    CHECK(prices.keep(bob, 4, {"", 1}) == Kept::kept);
}

TEST_CASE("whatever is kept, taken and dropped, each session gets what a naive list gives") {
    struct NaiveTurn {
        std::uint32_t subscription;
        std::vector<Price> items;
        std::size_t left = 0;
        std::vector<std::uint64_t> replaced = {};  // Their offsets, which are steps.
        /// Those before that offset, which are told then.
        std::size_t take_replaced(std::uint64_t offset) {
            return std::erase_if(replaced, [offset](std::uint64_t each) { return each < offset; });
        }
    };
    constexpr std::size_t items_max = 40, session_items_max = 15;
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        CAPTURE(seed);
        Prng prng{seed};
        Prices prices{seed, {.items_max = items_max, .session_items_max = session_items_max}};
        std::vector<Conflated> sessions(4);
        std::vector<std::deque<NaiveTurn>> naive(sessions.size());
        const auto count = [](const std::deque<NaiveTurn>& turns) {
            std::size_t items = 0;
            for (const NaiveTurn& turn : turns) items += turn.items.size();
            return items;
        };
        for (std::uint64_t step = 0; step < 4000; ++step) {
            const std::size_t number = prng.below(sessions.size());
            Conflated& session = sessions[number];
            auto& turns = naive[number];
            const auto subscription = static_cast<std::uint32_t>(number * 100 + prng.below(5));
            const auto place = std::ranges::find(turns, subscription, &NaiveTurn::subscription);
            switch (prng.below(20)) {
                default: {
                    const std::string key = prng.chance(1, 2) ? "" : std::to_string(prng.below(6));
                    std::size_t all = 0;
                    for (const auto& each : naive) all += count(each);
                    Kept expected = Kept::kept;
                    bool is_same = false;
                    if (place != turns.end()) {
                        const auto same = std::ranges::find(place->items, key, &Price::tag);
                        is_same = same != place->items.end();
                        if (is_same) {
                            place->replaced.push_back(same->offset);
                            place->items.erase(same);
                        }
                    }
                    if (is_same) {
                        expected = Kept::replaced;
                        place->items.push_back({key, step});
                    } else if (count(turns) == session_items_max) {
                        expected = Kept::session_full;
                    } else if (all == items_max) {
                        expected = Kept::shard_full;
                    } else if (place != turns.end()) {
                        place->items.push_back({key, step});
                    } else {
                        turns.push_back({.subscription = subscription, .items = {{key, step}}});
                    }
                    REQUIRE(prices.keep(session, subscription, {key, step}) == expected);
                    break;
                }
                case 0:
                case 1:
                case 2:
                case 3: {
                    std::string expected;
                    if (!turns.empty()) {
                        NaiveTurn turn = std::move(turns.front());
                        turns.pop_front();
                        if (turn.left == 0) turn.left = turn.items.size();
                        const Price item = turn.items.front();
                        turn.items.erase(turn.items.begin());
                        expected = std::to_string(turn.subscription) + ":" + item.tag +
                                   std::to_string(item.offset);
                        const std::size_t skipped = turn.take_replaced(item.offset);
                        if (skipped > 0) expected += "(-" + std::to_string(skipped) + ")";
                        const bool goes_on = --turn.left > 0;
                        if (!turn.items.empty()) {
                            goes_on ? turns.push_front(std::move(turn))
                                    : turns.push_back(std::move(turn));
                        }
                    }
                    REQUIRE(taken(prices, session) == expected);
                    break;
                }
                case 4:
                    prices.drop(session, subscription);
                    if (place != turns.end()) turns.erase(place);
                    break;
                case 5:
                    if (!prng.chance(1, 10)) break;
                    prices.clear(session);
                    turns.clear();
                    break;
            }
            REQUIRE(session.items == count(turns));
        }
        for (Conflated& session : sessions) prices.clear(session);
        CHECK(prices.items() == 0);
    }
}
