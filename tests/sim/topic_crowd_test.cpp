// A publication to a crowd does not hold up another topic: its delivery comes within one more turn
// of bounded length, whatever the size of the crowd.

#include <doctest/doctest.h>
#include <memory>
#include <string>
#include <vector>

#include "api/publisher.hpp"
#include "hub/fanout.hpp"
#include "hub/local_topics.hpp"
#include "sim/network.hpp"
#include "sim/topic_host.hpp"
#include "sim/topic_peer.hpp"

namespace ringcast::sim {
namespace {

constexpr std::uint32_t crowd_count = 100'000;

/// One shard's subscribers: a crowd of one topic, and one of another.
struct Subscribers {
    Subscribers() : sessions(crowd_count + 1) {
        for (std::uint32_t i = 0; i < sessions.size(); ++i) {
            const char* const name = i < crowd_count ? "crowd" : "other";
            (void)local.subscribe({.slot = i, .generation = 1}, sessions[i], name);
        }
        const auto join = [&](const hub::LocalTopic& topic) {
            joined.emplace_back(topic.name(), topic.join_number());
            return true;
        };
        local.settle(join, [](const hub::LocalTopic&) { return true; });
        for (const auto& [name, number] : joined) local.confirm(name, number, [](SlotId) {});
    }

    hub::LocalTopics local{1, 1, {}};
    std::vector<hub::SessionTopics> sessions;
    std::vector<std::pair<std::string, std::uint64_t>> joined;
};

}  // namespace

TEST_CASE("a publication to 100,000 subscribers delays another topic by one bounded turn") {
    const shard::TopicSettings settings;
    Subscribers subscribers;
    hub::Fanout<int> fanout{settings.items_max};
    std::uint64_t to_crowd = 0;
    std::uint64_t to_other = 0;
    const auto turn = [&] {
        const auto deliver = [&](SlotId session, int) {
            ++(session.slot < crowd_count ? to_crowd : to_other);
        };
        const std::size_t delivered = fanout.run(subscribers.local, settings.deliveries_per_turn,
                                                 settings.deliveries_quantum, deliver);
        CHECK(delivered <= settings.deliveries_per_turn);
    };

    std::uint64_t others = 0;
    fanout.add(*subscribers.local.find("crowd"), 0);
    while (!fanout.is_idle()) {
        // One for the other topic, in every turn of the long delivery.
        fanout.add(*subscribers.local.find("other"), 0);
        turn();
        CHECK(to_other == ++others);
    }
    CHECK(to_crowd == crowd_count);
    CHECK(others >= crowd_count / settings.deliveries_per_turn);
}

namespace {

/// A server of one shard with a crowd on connections, calm. As soon as the first one of the crowd
/// has what a member of it publishes, a thread of the server publishes to the other topic.
class Crowd {
public:
    static constexpr std::uint32_t crowd_size = 500, other = crowd_size;  // Visits.

    Crowd() : host_{network_, faults_, prng_, scenario_, scenario_.settings, mesh_, book_, {}} {
        for (std::uint32_t i = 0; i <= other; ++i) {
            visits_[i].topic = i < crowd_size ? 0 : 1;
            book_.add_visit({.is_prompt = true});
        }
        const std::uint32_t id = book_.add_publication({.publisher = 0, .topic = 0, .size = 100});
        (void)book_.add_publication({.topic = 1, .size = 100});
        visits_[0].actions = {{.kind = Action::Kind::pause, .duration = std::chrono::seconds{1}},
                              {.kind = Action::Kind::publish, .number = id}};
        for (std::uint32_t i = 0; i <= other; ++i) {
            peers_.push_back(std::make_unique<TopicPeer>(
                i, visits_[i], scenario_, book_, TopicBreak::none,
                [this](std::uint32_t publication) { on_seen(publication); }));
            (void)network_.connect(*peers_[i], host_.listener(), network_.now(), visits_[i].link);
        }
    }

    template <class Done>
    void run_until(Done&& done) {
        while (!done()) {
            if (host_.is_due()) {
                host_.resume();
            } else {
                (void)network_.step(host_.sleeps_until());
            }
        }
    }
    void end() {
        host_.post(shard::Note::Kind::shutdown);
        run_until([this] { return host_.finished(); });
        host_.stop();
    }
    [[nodiscard]] std::uint32_t seen_by_crowd() const noexcept { return seen_by_crowd_; }
    [[nodiscard]] bool is_seen_by_other() const noexcept { return seen_in_ != 0; }
    /// Turns from the one in which the thread published.
    [[nodiscard]] std::uint64_t turns_to_other() const noexcept { return seen_in_ - published_in_; }

private:
    static TopicScenario make_scenario() {
        TopicScenario scenario;
        scenario.topics = {"crowd", "other"};
        scenario.mesh_bytes = 1 << 20;
        scenario.settings.topics.deliveries_per_turn = 20;
        scenario.settings.topics.deliveries_quantum = 10;
        return scenario;
    }
    void on_seen(std::uint32_t publication) {
        if (publication == 1) {
            seen_in_ = host_.turns();
        } else if (++seen_by_crowd_ == 1) {
            published_in_ = host_.turns();
            book_.on_accepted(1);
            CHECK(publisher_.publish(scenario_.topics[1], book_.payload_of(1)) ==
                  PublishStatus::accepted);
        }
    }
    Publisher make_publisher() {
        auto* const lane = shard::PublisherLane::make(4096, mesh_.inbox(0), 1);
        auto note = std::make_unique<shard::Note>();
        note->kind = shard::Note::Kind::publisher;
        note->publisher = lane;
        lane->acquire();
        CHECK(mesh_.inbox(0).post(std::move(note)));
        return Publisher{new Publisher::Impl{*lane}};
    }

    const TopicScenario scenario_ = make_scenario();
    Prng prng_{1};
    Faults faults_ = Faults::calm();
    Network network_{1, faults_};
    shard::Mesh mesh_{1, scenario_.mesh_bytes};
    TopicBook book_{{.drops = false, .shutdown_code = scenario_.shutdown_code}};
    TopicHost host_;
    Publisher publisher_ = make_publisher();
    std::vector<Visit> visits_{other + 1};
    std::vector<std::unique_ptr<TopicPeer>> peers_;
    std::uint32_t seen_by_crowd_ = 0;
    std::uint64_t published_in_ = 0, seen_in_ = 0;
};

}  // namespace

TEST_CASE("on connections, too, another topic's publication overtakes the one for a crowd") {
    Crowd crowd;
    crowd.run_until([&] { return crowd.is_seen_by_other(); });
    // One to take it from the thread and deliver it; that is handed to the kernel in the next one.
    CHECK(crowd.turns_to_other() <= 2);
    CHECK(crowd.seen_by_crowd() < Crowd::crowd_size / 2);
    crowd.run_until([&] { return crowd.seen_by_crowd() == Crowd::crowd_size; });
    crowd.end();
}

}  // namespace ringcast::sim
