// What one shard has another one do, and exchanges that wait for room.

#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "unit/shard/shards_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;

namespace {

/// Publishes what it is asked to, as often as the body is long, and answers when all of it is
/// accepted.
class PatientPublisher final : public HttpEndpoint {
public:
    PatientPublisher() : HttpEndpoint{HttpMethods::post, 1000} {}
    HttpAnswer on_request(HttpExchange& exchange, const http::Request&,
                          std::span<const PathParameter> parameters,
                          std::span<const std::byte> body) override {
        topic = parameters.front().value;
        rest = body.size();
        if (publishes(exchange)) return {.body = "done"};
        return {.kind = HttpAnswer::Kind::held};
    }
    void on_room(HttpExchange& exchange) override {
        ++calls;
        if (publishes(exchange)) exchange.answer({.body = "done"});
    }
    void on_end(HttpExchange&, HttpEnd reason) override { endings.push_back(reason); }

    std::string topic;
    std::size_t rest = 0;
    int calls = 0;
    std::vector<HttpEnd> endings;

private:
    bool publishes(HttpExchange& exchange) {
        const std::string payload(1000, 'x');
        for (; rest > 0; --rest) {
            const auto status = exchange.shard().publish(topic, PublicationKind::text,
                                                         std::as_bytes(std::span{payload}));
            if (status == PublishStatus::accepted) continue;
            CHECK(status == PublishStatus::full);
            exchange.await_room(topic);
            return false;
        }
        return true;
    }
};

struct RoomKit {
    PatientPublisher* endpoint = nullptr;
    ShardsKit kit{{.shards = 2, .mesh_bytes = 64 << 10, .make_admin_router = [this] {
                       auto made = std::make_unique<PatientPublisher>();
                       endpoint = made.get();
                       Router router;
                       router.mount(PathPattern::parse("/{topic}").value(), std::move(made));
                       return router;
                   }}};

    int post(const std::string& topic, std::size_t count) {
        const int fd = kit.ring(0).add_connection();
        kit.ring(0).complete_accept(ShardsKit::admin_listener, fd);
        kit.turn(2);
        kit.ring(0).deliver(fd, "POST /" + topic + " HTTP/1.1\r\nHost: a\r\nContent-Length: " +
                                    std::to_string(count) + "\r\n\r\n" + std::string(count, '.'));
        kit.turn(2);
        return fd;
    }
};

}  // namespace

TEST_CASE("a task runs once on the shard that it is for, in a turn of that shard") {
    ShardsKit kit{{.shards = 3}};
    std::vector<std::uint32_t> ran;
    for (std::uint32_t i = 0; i < 3; ++i) {
        kit.shard(0).run_on(i, [&ran, i](Shard& shard) {
            CHECK(shard.topics().shard() == i);
            ran.push_back(i);
        });
    }
    CHECK(ran.empty());
    kit.turn_one(2);
    CHECK(ran == std::vector<std::uint32_t>{2});
    kit.turn();
    CHECK(ran == std::vector<std::uint32_t>{2, 0, 1});
    kit.turn(3);
    CHECK(ran.size() == 3);
}

TEST_CASE("a shard knows its topics and how many sessions are subscribed to each") {
    ShardsKit kit;
    kit.subscriber(0, "a");
    kit.subscriber(0, "a");
    const auto last = kit.subscriber(0, "b");
    const auto topics = [&] {
        std::map<std::string, std::size_t> counts;
        hub::LocalTopics::Cursor cursor;
        while (!kit.shard(0).topics().visit_local(
            cursor, 1,
            [&](std::string_view name, std::size_t count) { counts[std::string{name}] = count; })) {
        }
        return counts;
    };
    CHECK(topics() == std::map<std::string, std::size_t>{{"a", 2}, {"b", 1}});
    CHECK(kit.shard(0).topics().subscriptions() == 3);
    const auto wanted = [&] {
        return kit.shard(0).topics().home_topics_wanted() +
               kit.shard(1).topics().home_topics_wanted();
    };
    CHECK(wanted() == 2);
    kit.ring(0).finish_recv(last.fd, 0);
    kit.settle();
    CHECK(topics() == std::map<std::string, std::size_t>{{"a", 2}});
    CHECK(wanted() == 1);
}

TEST_CASE("an exchange that publishes goes on when there is room") {
    RoomKit room;
    ShardsKit& kit = room.kit;
    const std::string topic = kit.topic_of(1);
    kit.freeze(1);
    const int fd = room.post(topic, 100);
    kit.turn(10);
    CHECK(kit.ring(0).socket(fd).output.empty());
    CHECK(room.endpoint->rest > 0);
    CHECK(room.endpoint->calls == 0);
    CHECK(kit.waits(0));
    kit.thaw(1);
    kit.turn(100);
    CHECK(room.endpoint->rest == 0);
    CHECK(room.endpoint->calls > 0);
    CHECK(kit.ring(0).socket(fd).output.ends_with("done"));
    // The connection's next request is another one's business.
    kit.ring(0).socket(fd).output.clear();
    kit.ring(0).deliver(fd, "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n.");
    kit.turn(3);
    CHECK(kit.ring(0).socket(fd).output.ends_with("done"));
    CHECK(kit.metrics(0).publications == 101);
}

TEST_CASE("an exchange that waits for room ends with its client, its time or its server") {
    const auto ending_of = [](auto&& happen) {
        RoomKit room;
        room.kit.freeze(1);
        const int fd = room.post(room.kit.topic_of(1), 100);
        happen(room.kit, fd);
        room.kit.turn(3);
        room.kit.thaw(1);
        room.kit.turn(20);
        REQUIRE(room.endpoint->endings.size() == 1);
        CHECK(room.endpoint->calls == 0);
        return room.endpoint->endings.front();
    };
    CHECK(ending_of([](ShardsKit& kit, int fd) { kit.ring(0).finish_recv(fd, 0); }) ==
          HttpEnd::aborted);
    CHECK(ending_of([](ShardsKit& kit, int) { kit.pass(std::chrono::seconds{61}); }) ==
          HttpEnd::timed_out);
    CHECK(ending_of([](ShardsKit& kit, int) {
              kit.shard(0).begin_shutdown(CloseCode::going_away);
              kit.shard(0).end_admin();
          }) == HttpEnd::shutdown);
}
