// The end of a server under load, and clients that do not keep up.

#include <algorithm>
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "sockets/topic_kit.hpp"

using namespace ringcast;
using namespace ringcast::sockets;

namespace {

/// The number under which a thread of the program publishes.
constexpr std::uint32_t program = 0;

/// Publishes from the program itself, once or more often, as long as there is room.
void publish_some(Publisher& publisher, TopicLog& log) {
    for (int i = 0; i < 3; ++i) {
        const auto [payload, is_text] = log.peek(program);
        const auto kind = is_text ? MessageKind::text : MessageKind::binary;
        const PublishStatus status = publisher.publish(log.name(), {payload, kind});
        if (status == PublishStatus::full) return;
        REQUIRE(status == PublishStatus::accepted);
        (void)log.publish(program);
    }
}

}  // namespace

TEST_CASE("a stop under load delivers to all what has reached one, and then says so") {
    for (const Scene& scene : scenes()) {
        for (const std::size_t stop_at : {std::size_t{1}, scaled(300, 10'000)}) {
            CAPTURE(scene);
            CAPTURE(stop_at);
            Settings with = settings_of(scene);
            with.shutdown_timeout = test::patience;
            TopicServer server{with};
            server.start();
            TopicLog log{"last"};
            Crowd crowd{server.url};
            const auto members = crowd.join_many(log, 200, {.first = 0});
            Publisher publisher = server.server.make_publisher();
            std::size_t next = 0;
            const auto load = [&] {
                while (log.published() < log.completed() + 64) {
                    Member& member = *members[next++ % 4];
                    if (member.is_open() && !member.close_code())
                        crowd.publish(member);
                    else
                        return;
                }
            };
            crowd.run_until([&] {
                load();
                publish_some(publisher, log);
                return log.size() >= stop_at;
            });
            const std::size_t by_program = log.published_by(program);
            server.server.stop(CloseCode::service_restart);
            crowd.run_until([&] {
                load();  // Nobody has told the clients yet.
                return std::ranges::all_of(members, &Member::has_ended);
            });
            CHECK(log.size() >= stop_at);
            for (const Member* member : members) {
                CHECK(member->received() == log.size());
                CHECK(member->close_code() == 1012);
                Crowd::check_run(*member);
            }
            CHECK(log.received_of(program) == by_program);
            server.server.wait();
            CHECK(server.server.stats().timeouts == 0);
        }
    }
}

namespace {

/// A crowd of which one does not read, and publications until all others have `count`.
struct SlowScene {
    SlowScene(const Settings& with, SlowConsumer policy, const std::string& query,
              std::size_t count)
        : server{[&] {
              Settings settings = with;
              settings.slow_consumer = policy;
              settings.send_queue_bytes_max = 256_KiB;
              return settings;
          }()} {
        server.start();
        crowd.emplace(server.url);
        members = crowd->join_many(log, 100, {.first = 0});
        slow = crowd->join_many(
            log, 1, {.first = 0, .receive_buffer_bytes = 8192, .reads = false, .query = query})[0];
        Load load{*crowd, {members.begin(), members.begin() + 4}, count, 16};
        crowd->run_until([&] {
            const std::size_t seen = log.completed();
            return load.publish_due(seen) && seen == count;
        });
        for (const Member* member : members) {
            CHECK(member->received() == count);
            CHECK(member->is_open());
        }
        CHECK(slow->received() == 0);
        crowd->read(*slow);
    }

    TopicServer server;
    TopicLog log{"slow", Sizes::large};
    std::optional<Crowd> crowd;
    std::vector<Member*> members;
    Member* slow = nullptr;
};

/// More than the kernel's buffers on the way to a client take.
constexpr std::size_t many = 2000;

/// Two, because they move much.
constexpr Scene slow_scenes[] = {{2, false}, {4, true}};

}  // namespace

TEST_CASE("one client that does not read is closed, and the others do not notice") {
    for (const Scene& scene : slow_scenes) {
        CAPTURE(scene);
        SlowScene slow{settings_of(scene), SlowConsumer::close, "", many};
        slow.crowd->run_until([&] { return slow.slow->has_ended(); });
        CHECK(slow.slow->close_code() == 1013);
        CHECK(slow.slow->received() > 0);
        CHECK(slow.slow->received() < many);
        Crowd::check_run(*slow.slow);
    }
}

TEST_CASE("one client that does not read is told exactly what it missed") {
    for (const Scene& scene : slow_scenes) {
        CAPTURE(scene);
        SlowScene slow{settings_of(scene), SlowConsumer::drop, "?gaps=1", many};
        Member& member = *slow.slow;
        slow.crowd->run_until([&] { return member.position() == many; });
        CHECK(member.skipped() > 0);
        CHECK(member.received() + member.skipped() == many);
        CHECK(slow.server.server.stats().deliveries_dropped == member.skipped());
        // From then on it has everything again.
        for (int i = 0; i < 20; ++i) slow.crowd->publish(*slow.members[0]);
        slow.crowd->run_until([&] { return slow.log.completed() == many + 20; });
        slow.crowd->run_until([&] { return member.position() == many + 20; });
        CHECK(member.received() + member.skipped() == many + 20);
        CHECK(member.is_open());
    }
}
