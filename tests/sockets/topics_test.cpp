// Topics over real sockets: every client gets every publication exactly once, octet by octet, in
// the topic's one order.

#include <algorithm>
#include <cstdint>
#include <deque>
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "base/prng.hpp"
#include "sockets/sockets_kit.hpp"
#include "sockets/topic_kit.hpp"

using namespace ringcast;
using namespace ringcast::sockets;

namespace {

/// `clients` of one topic, some of whom publish `count` together, all get all.
void see_one_order(const Scene& scene, std::size_t clients, std::size_t count) {
    CAPTURE(scene);
    TopicServer server{settings_of(scene)};
    server.start();
    TopicLog log{"crowd"};
    Crowd crowd{server.url};
    const std::size_t slow = clients / 25;
    auto members = crowd.join_many(log, clients - slow, {.first = 0});
    // Some can take but little at a time.
    for (Member* member : crowd.join_many(log, slow, {.first = 0, .receive_buffer_bytes = 8192}))
        members.push_back(member);
    Load load{crowd, {members.begin() + 40, members.begin() + 44}, count, 64};
    crowd.run_until([&] {
        const std::size_t seen = log.completed();
        return load.publish_due(seen) && seen == count;
    });
    CHECK(crowd.deliveries() == members.size() * count);
    for (const Member* member : members) Crowd::check_run(*member);
    server.server.stop();
    crowd.run_until([&] { return std::ranges::all_of(members, &Member::has_ended); });
    server.server.wait();
    const Stats stats = server.server.stats();
    CHECK(stats.publications == count);
    CHECK(stats.deliveries == members.size() * count);
    CHECK(stats.deliveries_dropped == 0);
}

}  // namespace

TEST_CASE("a thousand clients of a topic see one order") {
    for (const Scene& scene : scenes()) see_one_order(scene, 1000, scaled(500, 10'000));
}

TEST_CASE("ten thousand publications keep one order") {
    for (const Scene& scene : scenes()) {
        if (!scene.is_minimal) see_one_order(scene, 100, scaled(10'000, 10'000));
    }
}

TEST_CASE("a thousand topics with few subscribers keep their orders") {
    for (const Scene& scene : scenes()) {
        CAPTURE(scene);
        TopicServer server{settings_of(scene)};
        server.start();
        std::deque<TopicLog> logs;
        Crowd crowd{server.url};
        std::vector<std::vector<Member*>> members;
        for (std::size_t i = 0; i < 1000; ++i) {
            logs.emplace_back("few/" + std::to_string(i));
            members.emplace_back();
            for (std::size_t j = 0; j < 1 + i % 3; ++j)
                members.back().push_back(&crowd.join(logs.back(), {.first = 0}));
        }
        const auto are_all_open = [](const auto& some) {
            return std::ranges::all_of(some, &Member::is_open);
        };
        crowd.run_until([&] { return std::ranges::all_of(members, are_all_open); });
        std::size_t expected = 0;
        for (std::size_t round = 0; round < scaled(3, 10); ++round) {
            for (const auto& some : members) {
                crowd.publish(*some[round % some.size()]);
                expected += some.size();
            }
            crowd.run_until([&] { return crowd.deliveries() == expected; });
        }
        for (const TopicLog& log : logs) CHECK(log.completed() == log.published());
        CHECK(server.server.stats().deliveries_dropped == 0);
    }
}

namespace {

/// Clients that stay for some publications each and then leave in one of several ways.
class Churn {
public:
    /// `total` of them, `at_once` in each topic.
    Churn(Crowd& crowd, std::deque<TopicLog>& logs, std::size_t at_once, std::size_t total)
        : crowd_{crowd}, left_{total} {
        for (TopicLog& log : logs) guests_.resize(guests_.size() + at_once, {.log = &log});
    }

    /// True once the last one has gone.
    bool go_on() {
        for (Guest& guest : guests_) {
            if (guest.member == nullptr || guest.member->has_ended()) {
                invite(guest);
            } else if (guest.is_leaving) {
                continue;
            } else if (guest.member->is_open() && guest.member->received() >= guest.stays_for) {
                see_off(guest);
            }
        }
        return left_ == 0 && std::ranges::all_of(guests_, [](const Guest& guest) {
                   return guest.member->has_ended();
               });
    }

    [[nodiscard]] const std::vector<Member*>& all() const { return all_; }

private:
    struct Guest {
        TopicLog* log = nullptr;
        Member* member = nullptr;
        std::size_t stays_for = 0;
        bool is_leaving = false;
    };

    void invite(Guest& guest) {
        if (left_ == 0) return;
        --left_;
        guest = {
            .log = guest.log, .member = &crowd_.join(*guest.log), .stays_for = prng_.below(20)};
        all_.push_back(guest.member);
    }

    void see_off(Guest& guest) {
        guest.is_leaving = true;
        switch (prng_.below(4)) {
            case 0: return crowd_.reset(*guest.member);
            case 1: return crowd_.close(*guest.member);
            case 2:  // What it says last counts.
                crowd_.publish(*guest.member);
                return crowd_.close(*guest.member);
            default: crowd_.publish(*guest.member); return crowd_.finish(*guest.member);
        }
    }

    Crowd& crowd_;
    std::size_t left_;
    std::vector<Guest> guests_;
    std::vector<Member*> all_;
    Prng prng_{7};
};

}  // namespace

TEST_CASE("clients that come and go see a run without gaps") {
    struct {
        std::size_t topics, staying, at_once;
    } const inns[] = {
        {1, sized(50, 1000), 60}, {40, 1, 2},  // Most shards have somebody of a topic now and then.
    };
    for (const auto& [topics, staying, at_once] : inns) {
        for (const Scene& scene : scenes()) {
            CAPTURE(scene);
            CAPTURE(topics);
            TopicServer server{settings_of(scene)};
            server.start();
            std::deque<TopicLog> logs;
            std::deque<Load> loads;
            Crowd crowd{server.url};
            std::vector<Member*> members;
            for (std::size_t i = 0; i < topics; ++i) {
                logs.emplace_back("inn/" + std::to_string(i));
                const auto some = crowd.join_many(logs.back(), staying, {.first = 0});
                members.insert(members.end(), some.begin(), some.end());
                loads.emplace_back(crowd,
                                   std::vector(some.begin(), some.begin() + (staying > 3 ? 4 : 1)),
                                   SIZE_MAX, 32);
            }
            Churn churn{crowd, logs, at_once, scaled(1000, 10'000)};
            crowd.run_until([&] {
                for (std::size_t i = 0; i < topics; ++i) loads[i].publish_due(logs[i].completed());
                return churn.go_on();
            });
            // Those that stayed get what those that left had published.
            crowd.run_until([&] {
                return std::ranges::all_of(
                    logs, [](const TopicLog& log) { return log.completed() == log.published(); });
            });
            for (const Member* member : members) {
                CHECK(member->received() == member->log().published());
                CHECK(member->is_open());
            }
            std::size_t received = 0;
            for (const Member* member : churn.all()) {
                Crowd::check_run(*member);
                received += member->received();
            }
            CHECK(received > 0);
        }
    }
}
