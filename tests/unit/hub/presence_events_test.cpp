#include "hub/presence_events.hpp"

#include <cstdint>
#include <deque>
#include <doctest/doctest.h>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/prng.hpp"
#include "unit/hub/presence_kit.hpp"

using namespace ringcast;
using namespace ringcast::hub;

namespace {

using Kind = PresenceEvent::Kind;
using Clients = std::set<std::uint32_t>;

PresenceEvent event_of(Kind kind, std::uint64_t number, std::uint32_t who, std::uint64_t joined) {
    PresenceEvent event{kind, number, member(who, "u")};
    event.member.joined = joined;
    return event;
}

/// What a home sends to a shard, in order.
struct ToShard {
    enum class Kind : std::uint8_t { confirm, event, portion };
    Kind kind;
    std::uint64_t number = 0;  // The newest event, or that of the request.
    PresenceEvent event{};
    std::vector<std::uint32_t> portion{};
    bool is_last = false;
    Clients truth{};  // Who was there when the last portion was told.
};

struct TestSubscriber {
    bool is_live = false;
    bool is_informed = false;
    PresenceWatch watch{PresenceFeed{}};
    Clients known;              // As a client library keeps it.
    std::uint64_t request = 0;  // Under way, or 0.
};

/// A home of the topic "t" and shards with subscribers who all asked for events.
class EventsModel {
public:
    explicit EventsModel(std::uint64_t seed) : prng_{seed}, home_{seed, {}} {}

    void step() {
        const std::size_t shard = prng_.below(shards_.size());
        const auto who = static_cast<std::uint32_t>(prng_.below(12) + 100 * shard);
        switch (prng_.below(16)) {
            default: receive(shard); break;
            case 0:
            case 1: put(who, shard); break;
            case 2:
            case 3:
                home_.remove("t", client(who), [&](auto, const Member& gone) { send_left(gone); });
                shards_[shard].members.erase(who);
                break;
            case 4: subscribe(shard); break;
            case 5: unsubscribe(shard); break;
            case 6: ask(shard); break;
            case 7:
            case 8: tell_portion(); break;
            case 9:
                if (prng_.chance(1, 10)) stall(shard);
                break;
        }
    }
    void finish() {
        while (!requests_.empty()) tell_portion();
        for (std::size_t shard = 0; shard < shards_.size(); ++shard) {
            while (!shards_[shard].queue.empty()) receive(shard);
            for (const auto& [id, subscriber] : shards_[shard].subscribers) {
                CHECK(subscriber.is_live);
                if (subscriber.is_informed) CHECK(subscriber.known == present());
                for (const std::uint32_t who : subscriber.known) CHECK(present().contains(who));
            }
        }
    }
    std::uint64_t replies = 0, hidden = 0;

private:
    struct TestShard {
        bool is_interested = false;  // The home knows.
        bool is_aware = false;       // This shard knows that.
        std::deque<ToShard> queue;
        PresenceFeed feed;
        std::map<std::uint64_t, TestSubscriber> subscribers;
        Presence replies{5, {}};
        Clients members;  // Which it has told the home.
    };
    struct Request {
        std::size_t shard;
        Presence::Cursor cursor;
    };

    Clients present() const {
        Clients clients;
        (void)home_.visit("t", {}, SIZE_MAX, [&](const Member& each) {
            return clients.insert(number_of(each.client)).second;
        });
        return clients;
    }
    void send(Kind kind, const Member& about) {
        const PresenceEvent event =
            event_of(kind, home_.last_event(), number_of(about.client), about.joined);
        for (TestShard& shard : shards_) {
            if (shard.is_interested)
                shard.queue.push_back({.kind = ToShard::Kind::event, .event = event});
        }
    }
    void send_left(const Member& gone) { send(Kind::leave, gone); }
    void put(std::uint32_t who, std::size_t shard) {
        shards_[shard].members.insert(who);
        const auto outcome = home_.put("t", member(who, "u", static_cast<std::uint32_t>(shard)));
        if (outcome == Presence::Outcome::joined) send(Kind::join, *home_.find("t", client(who)));
    }
    void subscribe(std::size_t number) {
        TestShard& shard = shards_[number];
        if (shard.subscribers.size() == 4) return;
        TestSubscriber& subscriber = shard.subscribers[++ids_];
        if (shard.is_aware) begin(shard, subscriber);
        if (std::exchange(shard.is_interested, true)) return;
        shard.queue.push_back({.kind = ToShard::Kind::confirm, .number = home_.last_event()});
    }
    static void begin(TestShard& shard, TestSubscriber& subscriber) {
        subscriber.is_live = true;
        subscriber.watch = PresenceWatch{shard.feed};
    }
    void unsubscribe(std::size_t number) {
        TestShard& shard = shards_[number];
        if (shard.subscribers.empty()) return;
        cancel(shard, shard.subscribers.begin()->second);
        shard.subscribers.erase(shard.subscribers.begin());
        if (!shard.subscribers.empty() || !shard.is_aware) return;
        // What is on its way still is not for those who come next.
        shard.is_interested = shard.is_aware = false;
        shard.feed = {};
    }
    void cancel(TestShard& shard, TestSubscriber& subscriber) {
        requests_.erase(subscriber.request);
        shard.replies.clear(std::to_string(subscriber.request));
    }
    void ask(std::size_t number) {
        for (auto& [id, subscriber] : shards_[number].subscribers) {
            if (!subscriber.is_live || subscriber.request != 0) continue;
            subscriber.request = ++ids_;
            requests_[subscriber.request] = {number, {}};
            return;
        }
    }
    void tell_portion() {
        if (requests_.empty()) return;
        const auto place = requests_.begin();
        Request& request = place->second;
        ToShard told{.kind = ToShard::Kind::portion, .number = place->first};
        request.cursor = home_.visit("t", request.cursor, prng_.below(4), [&](const Member& each) {
            told.portion.push_back(number_of(each.client));
            return true;
        });
        told.is_last = request.cursor.is_at_end;
        told.truth = present();
        shards_[request.shard].queue.push_back(told);
        if (told.is_last) requests_.erase(place);
    }
    /// Its deliveries are lost, its subscribers told so, and its members told anew by and by.
    void stall(std::size_t number) {
        TestShard& shard = shards_[number];
        shard.queue.clear();
        for (auto& [id, subscriber] : shard.subscribers) cancel(shard, subscriber);
        shard.subscribers.clear();
        shard.is_interested = shard.is_aware = false;
        shard.feed = {};
        home_.doubt(static_cast<std::uint32_t>(number));
        Clients lost = std::exchange(shard.members, {});
        for (const std::uint32_t who : lost) {
            if (prng_.chance(1, 2)) put(who, number);
        }
        while (!home_.remove_doubted(static_cast<std::uint32_t>(number), prng_.below(3),
                                     [&](auto, const Member& gone) { send_left(gone); })) {
        }
        for (const std::uint32_t who : lost)
            CHECK(home_.find("t", client(who)).has_value() == shard.members.contains(who));
    }
    void receive(std::size_t number) {
        TestShard& shard = shards_[number];
        if (shard.queue.empty()) return;
        const ToShard got = std::move(shard.queue.front());
        shard.queue.pop_front();
        switch (got.kind) {
            case ToShard::Kind::confirm:
                shard.feed.confirm(got.number);
                shard.is_aware = true;
                for (auto& [id, subscriber] : shard.subscribers)
                    if (!subscriber.is_live) begin(shard, subscriber);
                break;
            case ToShard::Kind::event: take(shard, got.event); break;
            case ToShard::Kind::portion: collect(shard, got); break;
        }
    }
    void take(TestShard& shard, const PresenceEvent& event) {
        shard.feed.take(event);
        const std::uint32_t who = number_of(event.member.client);
        for (auto& [id, subscriber] : shard.subscribers) {
            if (!subscriber.is_live) continue;
            const std::string request = std::to_string(subscriber.request);
            const bool is_join = event.kind == Kind::join;
            if (is_join) {
                CHECK_FALSE(subscriber.known.contains(who));
                if (subscriber.request != 0) (void)shard.replies.put(request, event.member);
            } else {
                shard.replies.remove(request, event.member.client);
            }
            const bool is_for_it = is_join || subscriber.known.contains(who);
            hidden += is_for_it ? 0u : 1u;
            REQUIRE(subscriber.watch.sees(event) == is_for_it);
            if (is_join) subscriber.known.insert(who);
            if (!is_join) subscriber.known.erase(who);
        }
    }
    void collect(TestShard& shard, const ToShard& got) {
        const std::string request = std::to_string(got.number);
        for (auto& [id, subscriber] : shard.subscribers) {
            if (subscriber.request != got.number) continue;
            for (const std::uint32_t who : got.portion)
                (void)shard.replies.put(request, member(who, "u"));
            if (!got.is_last) continue;
            Clients told;
            (void)shard.replies.visit(request, {}, SIZE_MAX, [&](const Member& each) {
                return told.insert(number_of(each.client)).second;
            });
            CHECK(told == got.truth);
            if (subscriber.is_informed) CHECK(subscriber.known == told);
            subscriber.known = told;
            subscriber.is_informed = true;
            subscriber.watch.inform();
            subscriber.request = 0;
            ++replies;
            shard.replies.clear(request);
        }
    }

    Prng prng_;
    Presence home_;
    std::vector<TestShard> shards_ = std::vector<TestShard>(3);
    std::map<std::uint64_t, Request> requests_;
    std::uint64_t ids_ = 0;
};

}  // namespace

TEST_CASE("a subscriber sees joins, and leaves of those of whom it has heard") {
    PresenceFeed feed;
    feed.confirm(10);
    PresenceWatch watch{feed};
    const PresenceEvent leave_of_old = event_of(Kind::leave, 11, 1, 4);
    const PresenceEvent join = event_of(Kind::join, 12, 2, 12);
    const PresenceEvent leave = event_of(Kind::leave, 13, 2, 12);
    for (const PresenceEvent& event : {leave_of_old, join, leave}) feed.take(event);
    CHECK_FALSE(watch.sees(leave_of_old));
    CHECK(watch.sees(join));
    CHECK(watch.sees(leave));
    CHECK(feed.last() == 13);
    // One that comes later has not heard of those who were there before, until it is told.
    PresenceWatch later{feed};
    const PresenceEvent leave_of_other = event_of(Kind::leave, 14, 3, 9);
    CHECK_FALSE(later.sees(leave_of_other));
    later.inform();
    CHECK(later.sees(leave_of_other));
}

TEST_CASE("a client that leaves and comes back, under its id or another, is another member") {
    Presence presence{1, {}};
    CHECK(presence.put("t", member(1, "ann")) == Presence::Outcome::joined);
    CHECK(presence.put("t", member(2, "ann")) == Presence::Outcome::joined);
    CHECK(presence.find("t", client(2))->joined == 2);
    CHECK(presence.remove("t", client(1)));
    CHECK(presence.put("t", member(1, "ann")) == Presence::Outcome::joined);
    CHECK(presence.find("t", client(1))->joined == 4);
}

TEST_CASE("whoever comes, leaves and asks, and whatever is lost, nobody sees a wrong list") {
    std::uint64_t replies = 0, hidden = 0;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        CAPTURE(seed);
        EventsModel model{seed};
        for (int step = 0; step < 1000; ++step) model.step();
        model.finish();
        replies += model.replies;
        hidden += model.hidden;
    }
    CHECK(replies > 100);
    CHECK(hidden > 100);
}
