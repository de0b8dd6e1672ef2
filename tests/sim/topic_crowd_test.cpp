// A publication to a crowd does not hold up another topic: its delivery comes within one more turn
// of bounded length, whatever the size of the crowd.

#include <algorithm>
#include <cstdlib>
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
        for (const auto& [name, number] : joined)
            local.confirm(name, number, [](SlotId, SlotId) {});
    }

    hub::LocalTopics local{1, 1, {}};
    std::vector<hub::SessionTopics> sessions;
    std::vector<std::pair<std::string, std::uint64_t>> joined;
};

}  // namespace

TEST_CASE("a publication to 100,000 subscribers delays another topic by one bounded turn") {
    const shard::TopicSettings settings;
    Subscribers subscribers;
    hub::Fanout<int> fanout{{.items_max = settings.items_max, .batch_bytes_max = 1}};
    std::uint64_t to_crowd = 0;
    std::uint64_t to_other = 0;
    const auto turn = [&] {
        const auto deliver = [&](const hub::Subscriber& subscriber, int) {
            ++(subscriber.session.slot < crowd_count ? to_crowd : to_other);
        };
        const std::size_t delivered = fanout.run(subscribers.local, settings.deliveries_per_turn,
                                                 settings.deliveries_quantum, deliver);
        CHECK(delivered <= settings.deliveries_per_turn);
    };

    std::uint64_t others = 0;
    fanout.add(*subscribers.local.find("crowd"), 0, 1);
    while (!fanout.is_idle()) {
        // One for the other topic, in every turn of the long delivery.
        fanout.add(*subscribers.local.find("other"), 0, 1);
        turn();
        CHECK(to_other == ++others);
    }
    CHECK(to_crowd == crowd_count);
    CHECK(others >= crowd_count / settings.deliveries_per_turn);
}

namespace {

/// A server of one shard with a crowd on connections, calm. As soon as the first one of the crowd
/// has what a member of it publishes, a thread of the server publishes to the other topic, and
/// again whenever that has arrived, until the crowd has all.
class Crowd {
public:
    explicit Crowd(std::uint32_t size)
        : size_{size},
          host_{network_, faults_, prng_, scenario_, scenario_.settings, mesh_, book_, {}},
          visits_{size + 1} {
        for (std::uint32_t i = 0; i <= size; ++i) {
            visits_[i].topic = i < size ? 0 : 1;
            book_.add_visit({.is_prompt = true});
        }
        const std::uint32_t id = book_.add_publication({.publisher = 0, .topic = 0, .size = 100});
        for (std::uint32_t i = 0; i < others_max; ++i)
            (void)book_.add_publication({.topic = 1, .size = 100});
        visits_[0].actions = {{.kind = Action::Kind::pause, .duration = std::chrono::seconds{10}},
                              {.kind = Action::Kind::publish, .number = id}};
        for (std::uint32_t i = 0; i <= size; ++i) {
            peers_.push_back(std::make_unique<TopicPeer>(
                i, visits_[i], scenario_, book_, TopicBreak::none,
                [this](std::uint32_t publication) { on_seen(publication); }));
            const Instant at = network_.now() + i * std::chrono::microseconds{10};
            (void)network_.connect(*peers_[i], host_.listener(), at, visits_[i].link);
        }
    }

    /// Until all have everything.
    void run() {
        run_until([this] { return seen_by_crowd_ == size_ && published_ == seen_by_other_; });
    }
    void end() {
        host_.post(shard::Note::Kind::shutdown);
        run_until([this] { return host_.finished(); });
        host_.stop();
    }
    [[nodiscard]] std::uint32_t published_to_other() const noexcept { return published_; }
    /// From the one in which the thread published.
    [[nodiscard]] std::uint64_t turns_to_other_max() const noexcept { return turns_to_other_max_; }
    /// From the first delivery to the last one.
    [[nodiscard]] std::uint64_t turns_to_crowd() const noexcept {
        return last_seen_in_ - first_seen_in_;
    }
    [[nodiscard]] std::uint64_t deliveries_per_turn() const noexcept {
        return scenario_.settings.topics.deliveries_per_turn;
    }

private:
    static constexpr std::uint32_t others_max = 200;

    TopicScenario make_scenario() const {
        TopicScenario scenario;
        scenario.topics = {"crowd", "other"};
        scenario.mesh_bytes = 1 << 20;
        scenario.settings.connections_max = size_ + 1;
        if (size_ < 1000) {
            scenario.settings.topics.deliveries_per_turn = 20;
            scenario.settings.topics.deliveries_quantum = 10;
        }
        return scenario;
    }
    template <class Done>
    void run_until(Done&& done) {
        while (!done()) {
            if (host_.is_due()) {
                const std::uint64_t before = host_.metrics().deliveries;
                host_.resume();
                CHECK_LE(host_.metrics().deliveries - before, deliveries_per_turn());
            } else {
                (void)network_.step(host_.sleeps_until());
            }
        }
    }
    void on_seen(std::uint32_t publication) {
        if (publication == 0) {
            last_seen_in_ = host_.turns();
            if (++seen_by_crowd_ == 1) {
                first_seen_in_ = last_seen_in_;
                publish_to_other();
            }
            return;
        }
        ++seen_by_other_;
        turns_to_other_max_ = std::max(turns_to_other_max_, host_.turns() - published_in_);
        if (seen_by_crowd_ < size_ && published_ < others_max) publish_to_other();
    }
    void publish_to_other() {
        published_in_ = host_.turns();
        const std::uint32_t id = ++published_;
        book_.on_accepted(id);
        CHECK(publisher_.publish(scenario_.topics[1], book_.payload_of(id)) ==
              PublishStatus::accepted);
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

    const std::uint32_t size_;
    const TopicScenario scenario_ = make_scenario();
    Prng prng_{1};
    Faults faults_ = Faults::calm();
    Network network_{1, faults_};
    shard::Mesh mesh_{1, scenario_.mesh_bytes};
    TopicBook book_{{.drops = false, .shutdown_code = scenario_.shutdown_code}};
    TopicHost host_;
    Publisher publisher_ = make_publisher();
    std::vector<Visit> visits_;
    std::vector<std::unique_ptr<TopicPeer>> peers_;
    std::uint32_t seen_by_crowd_ = 0, seen_by_other_ = 0, published_ = 0;
    std::uint64_t first_seen_in_ = 0, last_seen_in_ = 0;
    std::uint64_t published_in_ = 0, turns_to_other_max_ = 0;
};

/// Sanitizers want less (TOPICS_PERCENT).
std::uint32_t scaled_crowd() {
    const char* const percent = std::getenv("TOPICS_PERCENT");
    return percent == nullptr
               ? crowd_count
               : static_cast<std::uint32_t>(crowd_count / 100 * std::strtoul(percent, nullptr, 10));
}

}  // namespace

TEST_CASE("on connections, too, another topic's publications overtake the one for a crowd") {
    for (const std::uint32_t size : {500u, scaled_crowd()}) {
        CAPTURE(size);
        Crowd crowd{size};
        crowd.run();
        // One to take it from the thread and deliver it; that is handed to the kernel in the next.
        CHECK(crowd.turns_to_other_max() <= 2);
        CHECK(crowd.published_to_other() >= size / crowd.deliveries_per_turn() / 3);
        MESSAGE("a publication to " << size << " took " << crowd.turns_to_crowd()
                                    << " turns, each of " << crowd.published_to_other()
                                    << " to another topic at most " << crowd.turns_to_other_max());
        crowd.end();
    }
}

}  // namespace ringcast::sim
