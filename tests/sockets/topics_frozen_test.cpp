// One shard stands still, as in a page fault storm or a handler that blocks: the others go on, and
// nobody loses anything unnoticed.

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <doctest/doctest.h>
#include <mutex>
#include <string>
#include <vector>

#include "sockets/topic_kit.hpp"

using namespace ringcast;
using namespace ringcast::sockets;

namespace {

/// What a shard's thread waits at.
class Gate {
public:
    /// The shard: says that it is here, and waits until the gate opens, or for so long.
    void pass(std::chrono::milliseconds patience) {
        std::unique_lock lock{mutex_};
        is_waiting_ = true;
        changed_.notify_all();
        changed_.wait_for(lock, patience, [this] { return is_open_; });
        is_waiting_ = false;
        changed_.notify_all();
    }
    void close() {
        const std::lock_guard lock{mutex_};
        is_open_ = false;
    }
    void open() {
        const std::lock_guard lock{mutex_};
        is_open_ = true;
        changed_.notify_all();
    }
    void await_shard(bool is_waiting) {
        std::unique_lock lock{mutex_};
        REQUIRE(changed_.wait_for(lock, test::patience, [&] { return is_waiting_ == is_waiting; }));
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool is_waiting_ = false;
    bool is_open_ = false;
};

struct Freeze {
    Gate* gate;
    std::chrono::milliseconds patience;

    Admission<NoState> on_upgrade(Upgrade& upgrade) {
        upgrade.add_header("X-Shard", this_shard());
        return NoState{};
    }
    void on_message(Session<>&, Message) { gate->pass(patience); }
};

/// A server one of whose shards can be frozen: until thaw(), or for `patience`.
class FreezingServer {
public:
    FreezingServer(const Settings& with, std::chrono::milliseconds patience) : topics{with} {
        topics.server.mount<Freeze>("/freeze", {}, &gate_, patience);
        topics.start();
    }
    ~FreezingServer() { gate_.open(); }

    /// Freezes `shard`, or any one if it is empty; returns which.
    std::string freeze(const std::string& shard = {}) {
        gate_.close();
        for (;;) {
            SocketClient& client = clients_.emplace_back(topics.url);
            const auto response = client.request({.target = "/freeze"});
            const std::string here = response.field("x-shard").value_or("");
            if (!shard.empty() && here != shard) continue;
            client.send(test::text_frame(""));
            gate_.await_shard(true);
            return here;
        }
    }
    void thaw() {
        gate_.open();
        gate_.await_shard(false);
    }
    void await_thaw() { gate_.await_shard(false); }

private:
    Gate gate_;

public:
    TopicServer topics;

private:
    std::deque<SocketClient> clients_;
};

/// The members of `members` that are on `shard`, or those that are not.
std::vector<Member*> on(const std::string& shard, const std::vector<Member*>& members,
                        bool is_there = true) {
    std::vector<Member*> some;
    for (Member* const member : members) {
        if ((member->shard() == shard) == is_there) some.push_back(member);
    }
    return some;
}

std::size_t lowest_position(const std::vector<Member*>& members) {
    return (*std::ranges::min_element(members, {}, &Member::position))->position();
}

/// Clients of one topic, on all shards.
struct Room {
    Room(Crowd& crowd, TopicLog& topic, std::size_t count)
        : log{topic}, members{crowd.join_many(topic, count, {.first = topic.size()})} {}

    TopicLog& log;
    std::vector<Member*> members;
};

/// A topic that works while `frozen` stands still, so its home is elsewhere.
TopicLog& topic_at_home_elsewhere(FreezingServer& server, Crowd& crowd, std::deque<TopicLog>& logs,
                                  const std::string& frozen) {
    std::vector<Member*> members;
    for (int i = 0; i < 20; ++i) {
        TopicLog& log = logs.emplace_back("candidate/" + std::to_string(logs.size()));
        for (Member* member = nullptr; member == nullptr || member->shard() == frozen;) {
            if (member != nullptr) crowd.close(*member);
            member = crowd.join_many(log, 1, {.first = 0})[0];
            if (member->shard() != frozen) members.push_back(member);
        }
    }
    server.freeze(frozen);
    for (Member* const member : members) crowd.publish(*member);
    const auto has_received = [](const Member* member) { return member->received() > 0; };
    crowd.run_until([&] { return std::ranges::any_of(members, has_received); });
    TopicLog& found = (*std::ranges::find_if(members, has_received))->log();
    server.thaw();
    crowd.run_until([&] { return std::ranges::all_of(members, has_received); });
    for (Member* const member : members) crowd.close(*member);
    crowd.run_until([&] { return std::ranges::all_of(members, &Member::has_ended); });
    return found;
}

/// Lanes of 128 KiB with two shards, 32 KiB with four; 4 KiB to 8 KiB if they are minimal.
Settings frozen_settings(const Scene& scene) {
    Settings with = settings_of(scene);
    if (!scene.is_minimal) with.mesh_bytes = 1_MiB;
    return with;
}

}  // namespace

TEST_CASE("a shard that stands still for a while loses nothing") {
    for (const Scene& scene : scenes()) {
        CAPTURE(scene);
        Settings with = frozen_settings(scene);
        with.mesh_stall_timeout = std::chrono::seconds{60};
        FreezingServer server{with, std::chrono::milliseconds{sized(500, 5000)}};
        std::deque<TopicLog> logs;
        Crowd crowd{server.topics.url};
        std::vector<Room> rooms;  // Of several topics, whose homes are anywhere.
        for (int i = 0; i < 4; ++i)
            rooms.emplace_back(crowd, logs.emplace_back("room/" + std::to_string(i)),
                               sized(40, 250));
        const std::string frozen = server.freeze();
        const std::size_t count = scaled(400, 2500);
        std::vector<Load> loads;
        for (const Room& room : rooms) {
            auto publishers = on(frozen, room.members, false);
            REQUIRE(publishers.size() >= 4);
            publishers.resize(4);
            loads.emplace_back(crowd, publishers, count, count);
        }
        crowd.run_until([&] {
            for (Load& load : loads) load.publish_due(0);
            return std::ranges::all_of(
                rooms, [&](const Room& room) { return room.log.completed() == count; });
        });
        server.await_thaw();
        for (const Room& room : rooms) {
            for (const Member* member : room.members) {
                CHECK(member->received() == count);
                CHECK(member->is_open());
            }
        }
    }
}

TEST_CASE("a shard that stands still for too long is left behind and told") {
    for (const Scene& scene : scenes()) {
        CAPTURE(scene);
        Settings with = frozen_settings(scene);
        with.mesh_stall_timeout = std::chrono::milliseconds{200};
        FreezingServer server{with, 2 * test::patience};
        std::deque<TopicLog> logs;
        Crowd crowd{server.topics.url};
        const std::string frozen = server.freeze();
        server.thaw();
        TopicLog& log = topic_at_home_elsewhere(server, crowd, logs, frozen);
        Room room{crowd, log, 60};
        const auto victims = on(frozen, room.members), others = on(frozen, room.members, false);
        REQUIRE(victims.size() > 0);
        REQUIRE(others.size() >= 4);

        server.freeze(frozen);
        const std::size_t first = log.size(), count = first + 1000;
        Load load{crowd, {others.begin(), others.begin() + 4}, 1000, 64};
        // The gate stays closed until all others have everything.
        crowd.run_until([&] {
            const std::size_t seen = lowest_position(others);
            return load.publish_due(seen) && seen == count;
        });
        for (const Member* member : victims) CHECK(member->received() == 0);
        server.thaw();
        crowd.run_until([&] { return std::ranges::all_of(victims, &Member::has_ended); });
        for (const Member* member : victims) {
            CHECK(member->close_code() == 1013);
            CHECK(member->received() < 1000);
            Crowd::check_run(*member);
        }
        for (const Member* member : others) {
            CHECK(member->is_open());
            CHECK(member->received() == 1000);
        }
        // They come back.
        Room again{crowd, log, 30};
        REQUIRE(on(frozen, again.members).size() > 0);
        Load more{crowd, {again.members.begin(), again.members.begin() + 8}, 200, 32};
        crowd.run_until([&] {
            const std::size_t seen = log.completed();
            return more.publish_due(seen) && seen == count + 200;
        });
        for (const Member* member : again.members) CHECK(member->received() == 200);
        for (const Member* member : others) CHECK(member->received() == 1200);
    }
}

TEST_CASE("a topic at home on the shard that stands still waits and loses nothing") {
    for (const bool is_minimal : {false, true}) {
        CAPTURE(is_minimal);
        Settings with = frozen_settings({.shards = 2, .is_minimal = is_minimal});
        with.mesh_stall_timeout = std::chrono::milliseconds{200};
        FreezingServer server{with, 2 * test::patience};
        std::deque<TopicLog> logs;
        Crowd crowd{server.topics.url};
        const std::string frozen = server.freeze();
        server.thaw();
        const std::string other = frozen == "shard-0" ? "shard-1" : "shard-0";
        TopicLog& here = topic_at_home_elsewhere(server, crowd, logs, frozen);
        TopicLog& there = topic_at_home_elsewhere(server, crowd, logs, other);
        Room running{crowd, here, 30}, waiting{crowd, there, 30};
        auto running_others = on(other, running.members),
             waiting_others = on(other, waiting.members);
        REQUIRE(running_others.size() >= 2);
        REQUIRE(waiting_others.size() >= 2);

        server.freeze(frozen);
        const std::size_t here_count = here.size() + 600, there_count = there.size() + 300;
        Load load{crowd, {running_others.begin(), running_others.begin() + 2}, 600, 64};
        Load held{crowd, {waiting_others.begin(), waiting_others.begin() + 2}, 300, 300};
        held.publish_due(there.size());
        crowd.run_until([&] {
            const std::size_t seen = lowest_position(running_others);
            return load.publish_due(seen) && seen == here_count;
        });
        for (const Member* member : waiting.members) CHECK(member->received() == 0);
        server.thaw();
        crowd.run_until([&] { return there.completed() == there_count; });
        for (const Member* member : waiting.members) {
            CHECK(member->received() == 300);
            CHECK(member->is_open());
        }
    }
}
