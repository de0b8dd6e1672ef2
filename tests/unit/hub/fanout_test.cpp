#include "hub/fanout.hpp"

#include <cstdint>
#include <deque>
#include <doctest/doctest.h>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/prng.hpp"
#include "unit/hub/hub_kit.hpp"

using namespace ringcast;
using namespace ringcast::hub;

namespace {

constexpr std::size_t all = SIZE_MAX;

/// A HubKit with a Fanout of texts. Deliveries are noted as `session:item`.
struct FanoutKit : HubKit {
    using Start = Fanout<std::string>::Start;
    explicit FanoutKit(std::uint32_t items_max = 64, std::uint64_t batch_bytes_max = UINT64_MAX,
                       Start start = Start::at_once)
        : fanout{{.items_max = items_max, .batch_bytes_max = batch_bytes_max}, start} {}

    /// Sessions `first` to `last`, live.
    void subscribe_live(std::uint32_t first, std::uint32_t last, const std::string& name) {
        for (std::uint32_t number = first; number <= last; ++number) (void)subscribe(number, name);
        settle_and_confirm();
    }
    void add(std::string_view name, std::string item) {
        REQUIRE(local.find(name) != nullptr);
        const std::size_t bytes = item.size();
        fanout.add(*local.find(name), std::move(item), bytes);
    }
    std::string run(std::size_t count_max = all, std::size_t quantum = all) {
        std::string delivered;
        counted = fanout.run(
            local, count_max, quantum, [&](const Subscriber& subscriber, const std::string& item) {
                const SlotId id = subscriber.session;
                delivered += (delivered.empty() ? "" : " ") + std::to_string(id.slot) + ":" + item;
                if (delivering) delivering(id.slot, item);
            });
        return delivered;
    }

    Fanout<std::string> fanout;
    std::function<void(std::uint32_t, const std::string&)> delivering;
    std::size_t counted = 0;  // What the last run() said.
};

}  // namespace

TEST_CASE("every live subscriber gets every item, in order") {
    FanoutKit kit;
    CHECK(kit.fanout.is_idle());
    CHECK(kit.run() == "");
    kit.subscribe_live(1, 3, "a");
    kit.add("a", "x");
    kit.add("a", "y");
    CHECK(!kit.fanout.is_idle());
    CHECK(kit.run() == "1:x 1:y 2:x 2:y 3:x 3:y");
    CHECK(kit.counted == 6);
    CHECK(kit.fanout.is_idle());
    CHECK(kit.run() == "");
    kit.add("a", "z");
    CHECK(kit.run() == "1:z 2:z 3:z");
}

TEST_CASE("an item is for those who were live when it was added, and for nobody else") {
    FanoutKit kit;
    kit.subscribe_live(1, 1, "a");
    kit.add("a", "before");
    CHECK(kit.subscribe(2, "a") == Outcome::live);
    kit.add("a", "after");
    CHECK(kit.run() == "1:before 1:after 2:after");
    kit.add("a", "later");
    CHECK(kit.run() == "1:later 2:later");
    // Who waits is not live, however long an item is under way.
    FanoutKit waiting;
    waiting.subscribe_live(1, 1, "a");
    CHECK(waiting.lose(waiting.local.find("a")->home()) == "1");
    CHECK(waiting.subscribe(2, "a") == Outcome::waiting);
    waiting.add("a", "x");
    CHECK(waiting.settle() == "+a");
    CHECK(waiting.confirm("a", waiting.join_number("a")) == "2");
    CHECK(waiting.run() == "1:x");
}

TEST_CASE("a run stops at its limit and goes on where it stopped") {
    FanoutKit kit;
    kit.subscribe_live(1, 5, "a");
    kit.add("a", "x");
    CHECK(kit.run(2) == "1:x 2:x");
    CHECK(kit.counted == 2);
    CHECK_FALSE(kit.fanout.is_idle());
    CHECK(kit.run(1) == "3:x");
    CHECK(kit.run(0) == "");
    CHECK(kit.run(2) == "4:x 5:x");
    CHECK(kit.fanout.is_idle());
    // Among the items of one subscriber, too.
    kit.add("a", "y");
    kit.add("a", "z");
    CHECK(kit.run(3) == "1:y 1:z 2:y");
    CHECK(kit.run(1) == "2:z");
    CHECK(kit.run(5) == "3:y 3:z 4:y 4:z 5:y");
    CHECK(kit.run(1) == "5:z");
    CHECK(kit.fanout.is_idle());
}

TEST_CASE("what comes behind the start of a batch is the next one") {
    FanoutKit kit;
    kit.subscribe_live(1, 3, "a");
    kit.add("a", "v");
    kit.add("a", "w");
    CHECK(kit.run(3) == "1:v 1:w 2:v");
    kit.add("a", "x");
    kit.add("a", "y");
    CHECK(kit.subscribe(4, "a") == Outcome::live);
    kit.add("a", "z");
    CHECK(kit.run() == "2:w 3:v 3:w 1:x 1:y 1:z 2:x 2:y 2:z 3:x 3:y 3:z 4:z");
}

TEST_CASE("a batch ends with the item that reaches its limit of bytes") {
    FanoutKit kit{64, 10};
    kit.subscribe_live(1, 2, "a");
    SUBCASE("one that is larger is a batch by itself") {
        kit.add("a", std::string(11, 'x'));
        kit.add("a", "y");
        const std::string large(11, 'x');
        CHECK(kit.run() == "1:" + large + " 2:" + large + " 1:y 2:y");
    }
    SUBCASE("small ones are added up") {
        for (const char* const item : {"aaaa", "bbbbb", "c", "dddd", "eeee", "ff", "g"})
            kit.add("a", item);
        CHECK(kit.run(6) == "1:aaaa 1:bbbbb 1:c 2:aaaa 2:bbbbb 2:c");
        CHECK(kit.run(6) == "1:dddd 1:eeee 1:ff 2:dddd 2:eeee 2:ff");
        CHECK(kit.run() == "1:g 2:g");
    }
    CHECK(kit.fanout.is_idle());
}

TEST_CASE("items may have to wait until all of them are released") {
    FanoutKit kit{64, 4, FanoutKit::Start::when_released};
    kit.subscribe_live(1, 2, "a");
    kit.subscribe_live(3, 3, "b");
    CHECK_FALSE(kit.fanout.is_waiting());
    kit.add("a", "v");
    kit.add("b", "w");
    kit.add("a", "x");
    CHECK(kit.fanout.is_waiting());
    CHECK_FALSE(kit.fanout.is_under_way());
    CHECK_FALSE(kit.fanout.fills_batch());
    CHECK(kit.run() == "");
    CHECK_FALSE(kit.fanout.is_idle());
    kit.fanout.release();
    CHECK(kit.fanout.is_under_way());
    CHECK_FALSE(kit.fanout.is_waiting());
    CHECK(kit.run(3) == "1:v 1:x 2:v");
    // Behind a batch that has begun an item waits for the next release; before that it is in time.
    kit.add("a", "y");
    kit.add("b", "z");
    CHECK(kit.run(1, 1) == "3:w");
    CHECK_FALSE(kit.fanout.is_waiting());
    kit.add("b", "123");
    CHECK(kit.fanout.fills_batch());
    CHECK(kit.run() == "2:x 3:z");
    CHECK(kit.fanout.is_waiting());
    CHECK_FALSE(kit.fanout.is_under_way());
    kit.fanout.release();
    CHECK(kit.run() == "1:y 2:y 3:123");
    CHECK(kit.fanout.is_idle());
    CHECK_FALSE(kit.fanout.fills_batch());
}

TEST_CASE("topics are served in turn, a quantum each, and small ones do not wait for large ones") {
    FanoutKit kit;
    kit.subscribe_live(1, 6, "large");
    kit.subscribe_live(11, 12, "small");
    kit.add("large", "L");
    kit.add("small", "S");
    CHECK(kit.run(all, 2) == "1:L 2:L 11:S 12:S 3:L 4:L 5:L 6:L");
    kit.add("large", "L");
    kit.add("small", "S");
    CHECK(kit.run(4, 2) == "1:L 2:L 11:S 12:S");
    kit.add("small", "T");  // Stands behind nothing of its own.
    std::string rest;
    while (!kit.fanout.is_idle()) rest += kit.run(2, 2) + " ";
    CHECK(rest.find("11:T") < rest.find("6:L"));
}

TEST_CASE("a topic with few subscribers uses up no more of a run than it needs") {
    constexpr std::uint32_t topics = 100;
    FanoutKit kit{topics};
    for (std::uint32_t i = 1; i <= topics; ++i)
        kit.subscribe_live(i, i, "topic " + std::to_string(i));
    for (std::uint32_t i = 1; i <= topics; ++i) kit.add("topic " + std::to_string(i), "x");
    // An item costs its subscribers and one step for its end.
    (void)kit.run(2 * topics, 64);
    CHECK(kit.counted == topics);
    CHECK(kit.fanout.is_idle());
}

TEST_CASE("the number of items is limited over all topics") {
    FanoutKit kit{3};
    kit.subscribe_live(1, 1, "a");
    kit.subscribe_live(2, 2, "b");
    kit.add("a", "1");
    kit.add("b", "2");
    CHECK_FALSE(kit.fanout.is_full());
    kit.add("a", "3");
    CHECK(kit.fanout.is_full());
    (void)kit.run(2, 1);
    CHECK_FALSE(kit.fanout.is_full());
    (void)kit.run();
    CHECK(kit.fanout.is_idle());
}

TEST_CASE("items live no longer than their delivery") {
    HubKit kit;
    (void)kit.subscribe(1, "a");
    (void)kit.subscribe(2, "a");
    kit.settle_and_confirm();
    const auto item = std::make_shared<int>(0);
    {
        Fanout<std::shared_ptr<int>> fanout{{.items_max = 4, .batch_bytes_max = 1}};
        fanout.add(*kit.local.find("a"), item, 1);
        fanout.add(*kit.local.find("a"), item, 1);
        CHECK(item.use_count() == 3);
        (void)fanout.run(kit.local, 3, 3, [](const Subscriber&, const std::shared_ptr<int>&) {});
        CHECK(item.use_count() == 2);
        (void)fanout.run(kit.local, 1, 1, [](const Subscriber&, const std::shared_ptr<int>&) {});
    }
    CHECK(item.use_count() == 1);
}

TEST_CASE("who leaves during a delivery gets nothing more, and nobody is passed over") {
    FanoutKit kit;
    kit.subscribe_live(1, 5, "a");
    kit.add("a", "x");
    kit.add("a", "y");
    SUBCASE("between two runs: one that is behind the cursor, one before it") {
        CHECK(kit.run(3) == "1:x 1:y 2:x");
        kit.unsubscribe_all(1);
        kit.unsubscribe_all(4);
        CHECK(kit.run() == "2:y 3:x 3:y 5:x 5:y");
    }
    SUBCASE("between two runs: the one at the cursor") {
        CHECK(kit.run(3) == "1:x 1:y 2:x");
        kit.unsubscribe_all(2);
        CHECK(kit.run() == "3:x 3:y 4:x 4:y 5:x 5:y");
    }
    SUBCASE("from within its own delivery") {
        kit.delivering = [&](std::uint32_t session, const std::string&) {
            if (session == 2) kit.unsubscribe_all(2);
        };
        CHECK(kit.run() == "1:x 1:y 2:x 3:x 3:y 4:x 4:y 5:x 5:y");
    }
    SUBCASE("from within another one's") {
        kit.delivering = [&](std::uint32_t session, const std::string& item) {
            if (session != 3 || item != "x") return;
            kit.unsubscribe_all(1);
            kit.unsubscribe_all(4);
        };
        CHECK(kit.run() == "1:x 1:y 2:x 2:y 3:x 3:y 5:x 5:y");
    }
    SUBCASE("all of them") {
        kit.delivering = [&](std::uint32_t, const std::string&) {
            for (std::uint32_t number = 1; number <= 5; ++number) kit.unsubscribe_all(number);
        };
        CHECK(kit.run() == "1:x");
        CHECK(kit.fanout.is_idle());
        CHECK(kit.settle() == "-a");
        CHECK(kit.local.size() == 0);
        return;
    }
    // Positions are right again after the sweep: everybody can leave.
    kit.delivering = nullptr;
    for (std::uint32_t number = 1; number <= 5; ++number) kit.unsubscribe_all(number);
    CHECK(kit.settle() == "-a");
    CHECK(kit.local.size() == 0);
    CHECK(kit.local.subscriptions() == 0);
}

TEST_CASE("who joins during a delivery gets what is added from then on") {
    FanoutKit kit;
    kit.subscribe_live(1, 2, "a");
    kit.add("a", "x");
    kit.add("a", "y");
    kit.delivering = [&](std::uint32_t session, const std::string& item) {
        if (session != 1 || item != "x") return;
        // So many that the list has to find other memory.
        for (std::uint32_t number = 10; number < 100; ++number)
            CHECK(kit.subscribe(number, "a") == Outcome::live);
    };
    CHECK(kit.run() == "1:x 1:y 2:x 2:y");
    kit.add("a", "z");
    (void)kit.run();
    CHECK(kit.counted == 92);
}

TEST_CASE("who leaves and comes back during a delivery starts with the next item") {
    FanoutKit kit;
    kit.subscribe_live(1, 3, "a");
    kit.add("a", "x");
    CHECK(kit.run(1) == "1:x");
    CHECK(kit.unsubscribe(2, "a"));
    CHECK(kit.subscribe(2, "a") == Outcome::live);
    kit.add("a", "y");
    CHECK(kit.run() == "3:x 1:y 3:y 2:y");
}

TEST_CASE("a topic that everybody leaves during a delivery is asked for anew when one comes back") {
    FanoutKit kit;
    kit.subscribe_live(1, 2, "a");
    kit.add("a", "x");
    kit.add("a", "y");
    CHECK(kit.run(1) == "1:x");
    kit.unsubscribe_all(1);
    kit.unsubscribe_all(2);
    CHECK(kit.settle() == "-a");
    CHECK(kit.local.find("a") != nullptr);  // Its items are still under way.
    CHECK(kit.state("a") == HomeState::unaware);
    CHECK(kit.local.unsettled_count() == 1);
    SUBCASE("after the delivery it is forgotten") {
        CHECK(kit.run() == "");
        CHECK(kit.fanout.is_idle());
        CHECK(kit.settle() == "");
        CHECK(kit.local.size() == 0);
    }
    SUBCASE("before that it is joined again, and nothing of before is delivered") {
        CHECK(kit.subscribe(2, "a") == Outcome::waiting);
        CHECK(kit.settle() == "+a");
        CHECK(kit.confirm("a", kit.join_number("a")) == "2");
        CHECK(kit.run() == "");
        kit.add("a", "z");
        CHECK(kit.run() == "2:z");
    }
}

TEST_CASE(
    "however many have gone, a crowd that leaves during a delivery does not stay in the list") {
    FanoutKit kit;
    kit.subscribe_live(1, 100, "a");
    kit.add("a", "x");
    CHECK(kit.run(1) == "1:x");
    for (std::uint32_t number = 2; number <= 100; ++number) kit.unsubscribe_all(number);
    kit.add("a", "y");
    kit.add("a", "z");
    // The rest of x is 99 steps over gaps; they are swept before y.
    CHECK(kit.run(100) == "");
    CHECK(kit.run(1) == "1:y");
    CHECK(kit.run(all) == "1:z");
}

namespace {

/// What subscribers are owed, by the rule alone: who is live when an item is added gets it, once,
/// in order, unless it leaves before.
class FanOutDifferential {
public:
    static constexpr std::uint32_t sessions = 12, topics = 4;

    explicit FanOutDifferential(std::uint64_t seed)
        : prng_{seed},
          fanout_{{.items_max = 16, .batch_bytes_max = 16},
                  seed % 2 == 0 ? Start::at_once : Start::when_released} {}

    void step() {
        const auto session = random_session();
        const std::string name = random_topic();
        switch (prng_.below(11)) {
            case 0:
            case 1: subscribe(session, name); break;
            case 2: leave(session, name); break;
            case 3: leave_all(session); break;
            case 4: settle(); break;
            case 5: answer(name); break;
            case 6:
            case 7: add(name); break;
            case 8:
            case 9: run(1 + prng_.below(20), 1 + prng_.below(5)); break;
            case 10: fanout_.release(); break;
        }
    }
    void finish() {
        while (!fanout_.is_idle()) {
            fanout_.release();
            run(1 + prng_.below(20), 1 + prng_.below(5));
        }
        CHECK_FALSE(fanout_.fills_batch());
        for (const auto& [key, owed] : owed_) CHECK(owed.empty());
        for (std::uint32_t session = 1; session <= sessions; ++session) leave_all(session);
        kit_.settle();
        CHECK(kit_.local.size() == 0);
        CHECK(kit_.local.subscriptions() == 0);
        CHECK(deliveries_ > 100);
    }

private:
    struct Item {
        std::string topic;
        std::uint64_t number;
    };
    using Key = std::pair<std::uint32_t, std::string>;
    using Start = Fanout<Item>::Start;

    std::uint32_t random_session() { return static_cast<std::uint32_t>(1 + prng_.below(sessions)); }
    std::string random_topic() { return "t" + std::to_string(prng_.below(topics)); }

    void subscribe(std::uint32_t session, const std::string& name) {
        if (kit_.subscribe(session, name) == Outcome::live) owed_[{session, name}];
    }
    void leave(std::uint32_t session, const std::string& name) {
        (void)kit_.unsubscribe(session, name);
        owed_.erase({session, name});
    }
    void leave_all(std::uint32_t session) {
        kit_.unsubscribe_all(session);
        std::erase_if(owed_, [&](const auto& entry) { return entry.first.first == session; });
    }
    void settle() {
        kit_.local.settle([](const LocalTopic&) { return true; },
                          [](const LocalTopic&) { return true; });
    }
    void answer(const std::string& name) {
        LocalTopic* const topic = kit_.local.find(name);
        if (topic == nullptr) return;
        kit_.local.confirm(name, topic->join_number(),
                           [&](SlotId id, SlotId) { owed_[{id.slot, name}]; });
    }
    void add(const std::string& name) {
        LocalTopic* const topic = kit_.local.find(name);
        if (topic == nullptr || fanout_.is_full()) return;
        if (!topic->is_wanted() || topic->home_state() != HomeState::aware) return;
        fanout_.add(*topic, {name, ++items_}, 1 + prng_.below(8));
        for (auto& [key, owed] : owed_) {
            if (key.second == name) owed.push_back(items_);
        }
    }
    void run(std::size_t count_max, std::size_t quantum) {
        std::size_t delivered = 0;
        const std::size_t counted = fanout_.run(
            kit_.local, count_max, quantum, [&](const Subscriber& subscriber, const Item& item) {
                const SlotId id = subscriber.session;
                ++delivered;
                deliver(id.slot, item);
            });
        CHECK(counted == delivered);
        CHECK(delivered <= count_max);
        deliveries_ += delivered;
    }
    void deliver(std::uint32_t session, const Item& item) {
        const auto place = owed_.find({session, item.topic});
        REQUIRE(place != owed_.end());
        REQUIRE_FALSE(place->second.empty());
        REQUIRE(place->second.front() == item.number);
        place->second.pop_front();
        // What user code may do meanwhile.
        switch (prng_.below(12)) {
            case 0: leave_all(session); break;
            case 1: leave_all(random_session()); break;
            case 2: subscribe(random_session(), random_topic()); break;
            case 3: subscribe(random_session(), item.topic); break;
            case 4: leave(random_session(), item.topic); break;
            default: break;
        }
    }

    Prng prng_;
    HubKit kit_;
    Fanout<Item> fanout_;
    std::map<Key, std::deque<std::uint64_t>> owed_;  // Of live subscriptions.
    std::uint64_t items_ = 0;
    std::uint64_t deliveries_ = 0;
};

}  // namespace

TEST_CASE("whoever comes and goes meanwhile, each subscriber gets exactly what it is owed") {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        FanOutDifferential differential{seed};
        for (int step = 0; step < 2000; ++step) differential.step();
        differential.finish();
    }
}

TEST_CASE("what only those get who hear of presence keeps its place among what all get") {
    FanoutKit kit;
    (void)kit.subscribe(1, "a");
    (void)kit.subscribe(2, "a", LocalTopics::Hears::presence_too);
    kit.settle_and_confirm();
    const auto tell = [&](std::string item) {
        kit.fanout.add(*kit.local.find("a"), std::move(item), 1,
                       Fanout<std::string>::Audience::presence_hearers);
    };
    kit.add("a", "x");
    tell("+");
    kit.add("a", "y");
    tell("-");
    CHECK(kit.run() == "1:x 1:y 2:x 2:+ 2:y 2:-");
    CHECK(kit.counted == 6);
    // Whoever has come in the middle.
    tell("+");
    (void)kit.subscribe(3, "a", LocalTopics::Hears::presence_too);
    tell("-");
    CHECK(kit.run() == "2:+ 2:- 3:-");
}

TEST_CASE("whoever delivers says which subscribers that take deltas have the previous item") {
    FanoutKit kit;
    (void)kit.subscribe(1, "a");
    (void)kit.subscribe_for_deltas(2, "a");
    (void)kit.subscribe_for_deltas(3, "a");
    kit.settle_and_confirm();
    const auto run = [&] {
        std::string delivered;
        kit.fanout.run(kit.local, all, all, [&](Subscriber& subscriber, const std::string& item) {
            delivered += (delivered.empty() ? "" : " ") + std::to_string(subscriber.session.slot) +
                         (subscriber.has_previous ? "+" : ":") + item;
            // While the list grows, and its memory moves.
            if (item == "y") {
                for (std::uint32_t number = 10; number < 40; ++number)
                    (void)kit.subscribe(number, "a");
            }
            subscriber.has_previous = subscriber.session.slot != 3 || item != "y";
            if (item == "z" && subscriber.session.slot == 2) (void)kit.unsubscribe(2, "a");
        });
        return delivered;
    };
    kit.add("a", "x");
    kit.add("a", "y");
    kit.add("a", "z");
    CHECK(run() == "1:x 1:y 1:z 2:x 2+y 2+z 3:x 3+y 3:z");
    for (std::uint32_t number = 10; number < 40; ++number) (void)kit.unsubscribe(number, "a");
    CHECK(kit.subscribe_for_deltas(2, "a") == Outcome::live);
    kit.add("a", "w");
    CHECK(run() == "1:w 3+w 2:w");
}
