#include "hub/local_topics.hpp"

#include <algorithm>
#include <cstdint>
#include <doctest/doctest.h>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "base/prng.hpp"
#include "unit/hub/hub_kit.hpp"

using namespace ringcast;
using namespace ringcast::hub;

TEST_CASE("a subscription waits for the home, later ones of the same topic are live at once") {
    HubKit kit;
    CHECK(kit.subscribe(1, "a") == Outcome::waiting);
    CHECK(kit.subscribe(2, "a") == Outcome::waiting);
    CHECK(kit.local.unsettled_count() == 1);
    CHECK(kit.state("a") == HomeState::unaware);
    CHECK(kit.settle() == "+a");
    CHECK(kit.local.unsettled_count() == 0);
    CHECK(kit.state("a") == HomeState::asked);
    CHECK(kit.subscribe(3, "a") == Outcome::waiting);
    CHECK(kit.settle() == "");
    CHECK(kit.confirm("a", kit.join_number("a")) == "1 2 3");
    CHECK(kit.state("a") == HomeState::aware);
    CHECK(kit.subscribe(4, "a") == Outcome::live);
    CHECK(kit.confirm("a", kit.join_number("a")) == "");  // A second time it means nothing.
    CHECK(kit.settle() == "");
    CHECK(kit.local.find("a")->count() == 4);
    CHECK(kit.local.find("a")->home() == home_of("a", 7, 4));
    CHECK(kit.local.subscriptions() == 4);
}

TEST_CASE("all topics are visited in parts, also while there come more of them") {
    HubKit kit{{.subscriptions_max = 100'000, .session_subscriptions_max = 100'000}};
    const auto name_of = [](int i) { return "topic " + std::to_string(i); };
    for (int i = 0; i < 1000; ++i)
        (void)kit.subscribe(1 + static_cast<std::uint32_t>(i) % 2, name_of(i));
    LocalTopics::Cursor cursor;
    std::map<std::string, int> seen;
    int parts = 0;
    const auto visit = [&] {
        ++parts;
        std::size_t count_of_part = 0;
        const bool is_done =
            kit.local.visit(cursor, 100, [&](std::string_view name, std::size_t count) {
                CHECK(count == 1);
                ++seen[std::string{name}];
                ++count_of_part;
            });
        CHECK(count_of_part < 400);
        return is_done;
    };
    while (!visit()) {
    }
    CHECK(parts > 5);
    CHECK(seen.size() == 1000);
    for (const auto& [name, count] : seen) CHECK(count == 1);
    cursor = {};
    seen.clear();
    CHECK(!visit());
    for (int i = 1000; i < 5000; ++i) (void)kit.subscribe(3, name_of(i));
    while (!visit()) {
    }
    CHECK(seen.size() == 5000);
}

TEST_CASE("a session is subscribed once to each of its topics, and to so many as it may") {
    HubKit kit{{.subscriptions_max = 4, .session_subscriptions_max = 3}};
    for (const char* name : {"a", "b", "c"}) CHECK(kit.subscribe(1, name) == Outcome::waiting);
    CHECK(kit.subscribe(1, "b") == Outcome::already);
    CHECK(kit.subscribe(1, "d") == Outcome::limit);
    CHECK(kit.local.size() == 3);
    CHECK(kit.local.find("d") == nullptr);
    CHECK(kit.subscribe(2, "d") == Outcome::waiting);
    CHECK(kit.subscribe(3, "e") == Outcome::limit);  // Of the shard.
    CHECK(kit.local.find("e") == nullptr);
    CHECK(kit.session(3).topics.count == 0);
    CHECK(kit.unsubscribe(1, "b"));
    CHECK_FALSE(kit.unsubscribe(1, "b"));
    CHECK_FALSE(kit.unsubscribe(1, "never heard of"));
    CHECK(kit.subscribe(3, "e") == Outcome::waiting);
    CHECK(kit.subscribe(1, "b") == Outcome::limit);
    kit.unsubscribe_all(1);
    CHECK(kit.session(1).topics.count == 0);
    CHECK(kit.session(1).topics.first == SessionTopics::none);
    CHECK(kit.local.subscriptions() == 2);
    kit.unsubscribe_all(1);
    CHECK(kit.subscribe(1, "a") == Outcome::waiting);
}

TEST_CASE("the newest subscription of a session is the last one that is left") {
    HubKit kit;
    const auto newest = [&kit] {
        const LocalTopic* const topic = kit.local.newest(kit.session(1).topics);
        return topic == nullptr ? std::string{"none"} : std::string{topic->name()};
    };
    CHECK(newest() == "none");
    for (const char* name : {"a", "b", "c"}) (void)kit.subscribe(1, name);
    CHECK(newest() == "c");
    CHECK(kit.unsubscribe(1, "b"));
    CHECK(newest() == "c");
    CHECK(kit.unsubscribe(1, "c"));
    CHECK(newest() == "a");
    CHECK(kit.unsubscribe(1, "a"));
    CHECK(newest() == "none");
}

TEST_CASE("a topic that nobody wants any more is forgotten, and the home is told if it knows") {
    HubKit kit;
    SUBCASE("before anybody was asked") {
        (void)kit.subscribe(1, "a");
        CHECK(kit.unsubscribe(1, "a"));
        CHECK(kit.local.find("a") != nullptr);  // Until it is settled.
        CHECK(kit.settle() == "");
    }
    SUBCASE("while it is asked") {
        (void)kit.subscribe(1, "a");
        CHECK(kit.settle() == "+a");
        CHECK(kit.unsubscribe(1, "a"));
        CHECK(kit.settle() == "-a");
    }
    SUBCASE("when it is aware") {
        (void)kit.subscribe(1, "a");
        kit.settle_and_confirm();
        kit.unsubscribe_all(1);
        CHECK_FALSE(kit.local.find("a")->is_wanted());
        CHECK(kit.settle() == "-a");
    }
    CHECK(kit.local.find("a") == nullptr);
    CHECK(kit.local.size() == 0);
    CHECK(kit.local.unsettled_count() == 0);
    CHECK(kit.settle() == "");
}

TEST_CASE("who leaves and comes back before the home was told changes nothing") {
    HubKit kit;
    (void)kit.subscribe(1, "a");
    SUBCASE("while it is asked") {
        CHECK(kit.settle() == "+a");
        CHECK(kit.unsubscribe(1, "a"));
        CHECK(kit.subscribe(2, "a") == Outcome::waiting);
        CHECK(kit.settle() == "");
        CHECK(kit.confirm("a", kit.join_number("a")) == "2");
    }
    SUBCASE("when it is aware") {
        kit.settle_and_confirm();
        CHECK(kit.unsubscribe(1, "a"));
        CHECK(kit.subscribe(2, "a") == Outcome::live);
        CHECK(kit.settle() == "");
    }
    SUBCASE("when the home could not be told") {
        kit.settle_and_confirm();
        CHECK(kit.unsubscribe(1, "a"));
        CHECK(kit.settle(false) == "-a");
        CHECK(kit.local.unsettled_count() == 1);
        CHECK(kit.state("a") == HomeState::aware);
        CHECK(kit.subscribe(2, "a") == Outcome::live);
        CHECK(kit.settle() == "");
    }
    CHECK(kit.state("a") == HomeState::aware);
    CHECK(kit.local.find("a")->count() == 1);
}

TEST_CASE("the reply to an older join means nothing") {
    HubKit kit;
    (void)kit.subscribe(1, "a");
    CHECK(kit.settle() == "+a");
    const std::uint64_t first = kit.join_number("a");
    CHECK(kit.unsubscribe(1, "a"));
    CHECK(kit.settle() == "-a");
    CHECK(kit.confirm("a", first) == "");  // Forgotten.
    CHECK(kit.subscribe(2, "a") == Outcome::waiting);
    CHECK(kit.confirm("a", first) == "");  // Not asked yet.
    CHECK(kit.settle() == "+a");
    CHECK(kit.join_number("a") != first);
    CHECK(kit.confirm("a", first) == "");
    CHECK(kit.refuse("a", first) == "");
    CHECK(kit.state("a") == HomeState::asked);
    CHECK(kit.confirm("a", kit.join_number("a")) == "2");
}

TEST_CASE("a home that cannot be told is told the next time") {
    HubKit kit;
    (void)kit.subscribe(1, "a");
    CHECK(kit.settle(false) == "+a");
    CHECK(kit.state("a") == HomeState::unaware);
    CHECK(kit.local.unsettled_count() == 1);
    CHECK(kit.settle() == "+a");
    CHECK(kit.confirm("a", kit.join_number("a")) == "1");
    CHECK(kit.unsubscribe(1, "a"));
    CHECK(kit.settle(false) == "-a");
    CHECK(kit.local.find("a") != nullptr);
    CHECK(kit.settle() == "-a");
    CHECK(kit.local.find("a") == nullptr);
}

TEST_CASE("a refusal names those who waited, whose end lets the topic go without a word") {
    HubKit kit;
    (void)kit.subscribe(1, "a");
    (void)kit.subscribe(2, "a");
    CHECK(kit.settle() == "+a");
    CHECK(kit.unsubscribe(1, "a"));
    CHECK(kit.refuse("a", kit.join_number("a")) == "2");
    CHECK(kit.state("a") == HomeState::unaware);
    SUBCASE("all end") {
        kit.unsubscribe_all(2);
        CHECK(kit.settle() == "");
        CHECK(kit.local.size() == 0);
    }
    SUBCASE("somebody else comes: asked anew") {
        kit.unsubscribe_all(2);
        CHECK(kit.subscribe(3, "a") == Outcome::waiting);
        CHECK(kit.settle() == "+a");
        CHECK(kit.confirm("a", kit.join_number("a")) == "3");
    }
}

TEST_CASE("what a home has lost concerns all subscribers of its topics, and is asked for anew") {
    HubKit kit{{}, 2};
    std::string here, there;  // Topics of home 0 and home 1.
    for (char letter = 'a'; here.empty() || there.empty(); ++letter) {
        const std::string name{letter};
        (home_of(name, 7, 2) == 0 ? here : there) = name;
    }
    (void)kit.subscribe(1, here);
    (void)kit.subscribe(2, there);
    kit.settle_and_confirm();
    (void)kit.subscribe(3, here);
    CHECK(kit.lose(0) == "1 3");
    CHECK(kit.state(here) == HomeState::unsure);
    CHECK(kit.state(there) == HomeState::aware);

    SUBCASE("nobody is left: the home is told") {
        kit.unsubscribe_all(1);
        kit.unsubscribe_all(3);
        CHECK(kit.settle() == "-" + here);
        CHECK(kit.local.find(here) == nullptr);
    }
    SUBCASE("who comes back waits for a new answer") {
        const std::uint64_t before = kit.join_number(here);
        kit.unsubscribe_all(1);
        kit.unsubscribe_all(3);
        CHECK(kit.subscribe(1, here) == Outcome::waiting);
        CHECK(kit.confirm(here, before) == "");
        CHECK(kit.settle() == "+" + here);
        CHECK(kit.confirm(here, kit.join_number(here)) == "1");
    }
    SUBCASE("a join on its way is in doubt, too") {
        const std::string other = [&] {
            for (int i = 0;; ++i) {
                if (home_of(std::to_string(i), 7, 2) == 0) return std::to_string(i);
            }
        }();
        (void)kit.subscribe(4, other);
        CHECK(kit.settle() == "+" + here + " +" + other);  // `here` still has subscribers.
        const std::uint64_t before = kit.join_number(other);
        CHECK(kit.lose(0).find('4') != std::string::npos);
        CHECK(kit.confirm(other, before) == "");
        CHECK(kit.state(other) == HomeState::unsure);
    }
    SUBCASE("a topic whose home knows nothing of it loses nothing") {
        const std::string other = [&] {
            for (int i = 0;; ++i) {
                if (home_of(std::to_string(i), 7, 2) == 0) return std::to_string(i);
            }
        }();
        (void)kit.subscribe(4, other);
        CHECK(kit.lose(0).find('4') == std::string::npos);
        CHECK(kit.state(other) == HomeState::unaware);
    }
}

TEST_CASE("whoever is told may end subscriptions, its own and those of others") {
    HubKit kit;
    for (const std::uint32_t number : {1u, 2u, 3u}) (void)kit.subscribe(number, "a");
    CHECK(kit.settle() == "+a");
    int called = 0;
    SUBCASE("of a confirmation") {
        kit.local.confirm("a", kit.join_number("a"), [&](SlotId id, SlotId) {
            ++called;
            if (id.slot == 1) kit.unsubscribe_all(1);
            if (id.slot == 2) CHECK(kit.subscribe(2, "b") == Outcome::waiting);
        });
        CHECK(kit.local.find("a")->count() == 2);
        CHECK(kit.settle() == "+b");
    }
    SUBCASE("of a refusal") {
        kit.local.refuse("a", kit.join_number("a"), [&](SlotId id, SlotId) {
            ++called;
            kit.unsubscribe_all(id.slot);
        });
        CHECK(kit.settle() == "");
        CHECK(kit.local.size() == 0);
    }
    SUBCASE("of a loss") {
        kit.local.lose(kit.local.find("a")->home(), [&](SlotId id, SlotId) {
            ++called;
            kit.unsubscribe_all(id.slot);
        });
        CHECK(kit.settle() == "-a");
        CHECK(kit.local.size() == 0);
    }
    CHECK(called == 3);
}

namespace {

/// LocalTopics as one would write it without a thought for cost.
struct NaiveTopics {
    struct Topic {
        HomeState state = HomeState::unaware;
        std::uint64_t join_number = 0;
        std::vector<std::pair<std::uint32_t, bool>> subscribers;  // Session, is it live.
        bool is_unsettled = false;

        [[nodiscard]] bool has(std::uint32_t session) const {
            return std::ranges::any_of(subscribers,
                                       [&](const auto& entry) { return entry.first == session; });
        }
    };
    std::map<std::string, Topic> topics;
    std::map<std::uint32_t, std::vector<std::string>> sessions;

    void remove(std::uint32_t session, const std::string& name) {
        std::erase(sessions[session], name);
        Topic& topic = topics.at(name);
        std::erase_if(topic.subscribers, [&](const auto& entry) { return entry.first == session; });
        topic.is_unsettled |= topic.subscribers.empty();
    }
    [[nodiscard]] std::size_t subscriptions() const {
        std::size_t count = 0;
        for (const auto& [name, topic] : topics) count += topic.subscribers.size();
        return count;
    }
};

/// "3 5 9", in order of numbers.
std::string sorted(std::vector<std::uint32_t> numbers) {
    std::ranges::sort(numbers);
    std::string text;
    for (const std::uint32_t number : numbers)
        text += (text.empty() ? "" : " ") + std::to_string(number);
    return text;
}

/// One random history of a LocalTopics, beside the naive one.
class Differential {
public:
    static constexpr std::uint32_t sessions = 6, names = 5, shards = 3;
    static constexpr LocalTopics::Limits limits{.subscriptions_max = 15,
                                                .session_subscriptions_max = 3};

    explicit Differential(std::uint64_t seed) : prng_{seed} {}

    void step() {
        const auto session = static_cast<std::uint32_t>(1 + prng_.below(sessions));
        const std::string name = "t" + std::to_string(prng_.below(names));
        switch (prng_.below(9)) {
            case 0:
            case 1:
            case 2: subscribe(session, name); break;
            case 3: unsubscribe(session, name); break;
            case 4:
                kit_.unsubscribe_all(session);
                while (!naive_.sessions[session].empty())
                    naive_.remove(session, std::string{naive_.sessions[session].back()});
                break;
            case 5: settle(); break;
            case 6:
            case 7: answer(name); break;
            case 8:
                if (prng_.chance(1, 4)) lose();
                break;
        }
        compare();
    }

private:
    void subscribe(std::uint32_t session, const std::string& name) {
        const Outcome outcome = kit_.subscribe(session, name);
        auto& own = naive_.sessions[session];
        if (std::ranges::count(own, name) != 0) {
            CHECK(outcome == Outcome::already);
        } else if (own.size() == limits.session_subscriptions_max ||
                   naive_.subscriptions() == limits.subscriptions_max) {
            CHECK(outcome == Outcome::limit);
        } else {
            NaiveTopics::Topic& topic = naive_.topics[name];
            const bool is_live = topic.state == HomeState::aware;
            CHECK(outcome == (is_live ? Outcome::live : Outcome::waiting));
            topic.subscribers.emplace_back(session, is_live);
            topic.is_unsettled |= topic.state == HomeState::unaware;
            own.push_back(name);
        }
    }
    void unsubscribe(std::uint32_t session, const std::string& name) {
        const bool is_subscribed = std::ranges::count(naive_.sessions[session], name) != 0;
        CHECK(kit_.unsubscribe(session, name) == is_subscribed);
        if (is_subscribed) naive_.remove(session, name);
    }
    void settle() {
        std::map<std::string, bool> joined, left;  // Whether the home could be told.
        kit_.local.settle(
            [&](const LocalTopic& topic) {
                std::string name{topic.name()};
                CHECK(topic.is_wanted());
                CHECK(topic.join_number() > last_join_number_);  // Each join has its own.
                last_join_number_ = topic.join_number();
                naive_.topics.at(name).join_number = topic.join_number();
                return joined[name] = prng_.chance(2, 3);
            },
            [&](const LocalTopic& topic) {
                CHECK_FALSE(topic.is_wanted());
                return left[std::string{topic.name()}] = prng_.chance(2, 3);
            });
        for (auto place = naive_.topics.begin(); place != naive_.topics.end();) {
            auto& [name, topic] = *place;
            const bool is_forgotten = topic.is_unsettled && settle(name, topic, joined, left);
            place = is_forgotten ? naive_.topics.erase(place) : std::next(place);
        }
        CHECK(joined.empty());
        CHECK(left.empty());
    }
    /// What has become of one topic; true if it is forgotten.
    bool settle(const std::string& name, NaiveTopics::Topic& topic,
                std::map<std::string, bool>& joined, std::map<std::string, bool>& left) {
        if (!topic.subscribers.empty()) {
            const bool is_due =
                topic.state == HomeState::unaware || topic.state == HomeState::unsure;
            CHECK(joined.contains(name) == is_due);
            CHECK_FALSE(left.contains(name));
            topic.is_unsettled = is_due && !joined[name];
            if (is_due && joined[name]) topic.state = HomeState::asked;
            joined.erase(name);
            return false;
        }
        const bool is_known = topic.state != HomeState::unaware;
        CHECK_FALSE(joined.contains(name));
        CHECK(left.contains(name) == is_known);
        const bool is_forgotten = !is_known || left[name];
        left.erase(name);
        return is_forgotten;
    }
    /// The home confirms or refuses: the last join, or an older one.
    void answer(const std::string& name) {
        const auto place = naive_.topics.find(name);
        const bool is_known = place != naive_.topics.end();
        const std::uint64_t newest = is_known ? place->second.join_number : last_join_number_;
        const bool is_outdated = prng_.chance(1, 4);
        const std::uint64_t number = is_outdated ? newest + 1 : newest;
        const bool is_refused = prng_.chance(1, 4);
        std::vector<std::uint32_t> named;
        const auto note = [&](SlotId id, SlotId) { named.push_back(id.slot); };
        is_refused ? kit_.local.refuse(name, number, note) : kit_.local.confirm(name, number, note);
        std::vector<std::uint32_t> expected;
        if (is_known && !is_outdated && place->second.state == HomeState::asked) {
            NaiveTopics::Topic& topic = place->second;
            topic.state = is_refused ? HomeState::unaware : HomeState::aware;
            topic.is_unsettled |= is_refused;
            for (auto& [session, is_live] : topic.subscribers) {
                if (!is_live) expected.push_back(session);
                if (!is_refused) is_live = true;
            }
        }
        CHECK(sorted(named) == sorted(expected));
        if (is_refused) {
            for (const std::uint32_t session : expected) unsubscribe(session, name);
        }
    }
    void lose() {
        const auto home = static_cast<std::uint32_t>(prng_.below(shards));
        std::vector<std::uint32_t> named, expected;
        kit_.local.lose(home, [&](SlotId id, SlotId) { named.push_back(id.slot); });
        for (auto& [name, topic] : naive_.topics) {
            if (home_of(name, 7, shards) != home || topic.state == HomeState::unaware) continue;
            topic.state = HomeState::unsure;
            topic.is_unsettled = true;
            for (const auto& [session, is_live] : topic.subscribers) expected.push_back(session);
        }
        CHECK(sorted(named) == sorted(expected));
        for (const std::uint32_t session : named) {
            kit_.unsubscribe_all(session);
            while (!naive_.sessions[session].empty())
                naive_.remove(session, std::string{naive_.sessions[session].back()});
        }
    }
    void compare() {
        REQUIRE(kit_.local.size() == naive_.topics.size());
        REQUIRE(kit_.local.subscriptions() == naive_.subscriptions());
        std::size_t unsettled = 0;
        for (const auto& [name, topic] : naive_.topics) {
            const LocalTopic* const found = kit_.local.find(name);
            REQUIRE(found != nullptr);
            REQUIRE(found->count() == topic.subscribers.size());
            REQUIRE(found->is_wanted() == !topic.subscribers.empty());
            REQUIRE(found->home_state() == topic.state);
            unsettled += topic.is_unsettled ? 1u : 0u;
        }
        REQUIRE(kit_.local.unsettled_count() == unsettled);
        for (const auto& [session, own] : naive_.sessions) {
            REQUIRE(kit_.session(session).topics.count == own.size());
            const LocalTopic* const newest = kit_.local.newest(kit_.session(session).topics);
            REQUIRE((newest == nullptr ? "" : newest->name()) == (own.empty() ? "" : own.back()));
        }
    }

    Prng prng_;
    HubKit kit_{limits, shards};
    NaiveTopics naive_;
    std::uint64_t last_join_number_ = 0;
};

}  // namespace

TEST_CASE("whatever sessions and homes do, the tables are as naive ones") {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        Differential differential{seed};
        for (int step = 0; step < 1500; ++step) {
            CAPTURE(step);
            differential.step();
        }
    }
}

TEST_CASE("whoever gave a subscription an entry learns that it has ended, whichever way") {
    HubKit kit;
    const auto enter = [&](std::uint32_t number, const char* name, std::uint32_t entry) {
        (void)kit.subscribe(number, name);
        const SlotId subscription = kit.local.newest_subscription(kit.session(number).topics);
        CHECK(kit.local.entry_of(subscription) == LocalTopics::no_entry);
        kit.local.set_entry(subscription, entry);
        return subscription;
    };
    const SlotId first = enter(1, "a", 10);
    (void)enter(1, "b", 11);
    (void)enter(2, "a", 12);
    (void)kit.subscribe(3, "a");
    CHECK(kit.local.entry_of(first) == 10);
    CHECK(kit.unsubscribe(1, "a"));
    CHECK(kit.local.entry_of(first) == LocalTopics::no_entry);
    kit.unsubscribe_all(1);
    kit.unsubscribe_all(3);
    kit.unsubscribe_all(2);
    std::string said;
    for (const auto& departure : kit.local.departures())
        said += departure.topic + std::to_string(departure.entry) + " ";
    CHECK(said == "a10 b11 a12 ");
    CHECK(kit.local.departures()[0].home == home_of("a", 7, 4));
    CHECK(kit.settle() == "");  // The names outlive their topics.
    CHECK(kit.local.departures()[1].topic == "b");
}

TEST_CASE("a topic knows whether somebody hears of presence there") {
    HubKit kit;
    using Hears = LocalTopics::Hears;
    (void)kit.subscribe(1, "a");
    CHECK_FALSE(kit.local.find("a")->hears_presence());
    (void)kit.subscribe(2, "a", Hears::presence_too);
    (void)kit.subscribe(3, "a", Hears::presence_too);
    CHECK(kit.local.find("a")->hears_presence());
    CHECK(kit.unsubscribe(2, "a"));
    CHECK(kit.local.find("a")->hears_presence());
    kit.unsubscribe_all(3);
    CHECK_FALSE(kit.local.find("a")->hears_presence());
}

TEST_CASE("a topic keeps its last publication while somebody takes deltas there") {
    BufferPool pool;
    HubKit kit;
    const auto publish = [&](std::size_t size) {
        return kit.local.replace_previous(*kit.local.find("a"), {.frame = {pool, size}}, 1 << 20);
    };
    (void)kit.subscribe(1, "a");
    CHECK_FALSE(kit.local.find("a")->takes_deltas());
    (void)kit.subscribe_for_deltas(2, "a");
    (void)kit.subscribe_for_deltas(3, "a");
    (void)kit.subscribe_for_deltas(3, "b");
    CHECK(kit.local.find("a")->takes_deltas());
    CHECK_FALSE(publish(5).frame);
    CHECK(kit.unsubscribe(2, "a"));
    CHECK(publish(6).frame.size() == 5);
    CHECK(kit.local.previous_bytes() > 0);
    kit.unsubscribe_all(3);
    CHECK_FALSE(kit.local.find("a")->takes_deltas());
    CHECK(kit.local.previous_bytes() == 0);
    CHECK(pool.blocks_in_use() == 0);
    // It does not come back with the next one.
    (void)kit.subscribe_for_deltas(4, "a");
    CHECK_FALSE(publish(7).frame);
    kit.unsubscribe_all(4);
}
