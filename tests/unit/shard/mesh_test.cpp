#include "shard/mesh.hpp"

#include <cstdint>
#include <deque>
#include <doctest/doctest.h>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "shard/publisher_lane.hpp"
#include "unit/shard/mesh_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;

namespace {

/// A mesh and all its ports, on one thread. `wakers[i]` counts how often shard i was woken.
struct MeshKit {
    explicit MeshKit(std::uint32_t shards, std::uint64_t bytes = Mesh::bytes_default)
        : mesh{shards, bytes}, wakers(shards) {
        for (std::uint32_t i = 0; i < shards; ++i) {
            ports.emplace_back(mesh, i);
            mesh.inbox(i).open(wakers[i].waker());
        }
    }
    ~MeshKit() {
        for (std::uint32_t i = 0; i < mesh.shards(); ++i) CHECK(mesh.inbox(i).close() == nullptr);
    }

    bool publish(std::uint32_t from, std::uint32_t home, std::string_view topic,
                 std::string_view payload) {
        return ports[from].publish(home, topic, PublicationKind::text, bytes_of(payload));
    }
    /// Ends a turn of `shard`.
    void end_turn(std::uint32_t shard) {
        ports[shard].make_visible();
        ports[shard].give_back();
    }
    /// The payload of the next request of `source` at `home`; "nothing" if there is none.
    std::string take_request(std::uint32_t home, std::uint32_t source) {
        Record record;
        if (!ports[home].front_request(source, record)) return "nothing";
        std::string payload{text_of(record.payload)};
        if (record.block != nullptr) record.block->release();
        ports[home].pop_request(source);
        return payload;
    }
    /// Fills the lane for requests; returns how many fit.
    int fill(std::uint32_t from, std::uint32_t home, std::size_t payload_bytes = 700) {
        int count = 0;
        while (publish(from, home, "t", std::string(payload_bytes, 'f'))) ++count;
        return count;
    }
    /// Pops all requests; returns how many there were.
    int drain(std::uint32_t home, std::uint32_t source) {
        int count = 0;
        while (take_request(home, source) != "nothing") ++count;
        return count;
    }

    Mesh mesh;
    std::vector<CountingWaker> wakers;
    std::deque<MeshPort> ports;
};

constexpr std::uint64_t smallest = 16 << 10;  // Queues of 4 KiB each, of two shards.

}  // namespace

TEST_CASE("requests arrive in order, each pair of shards by itself, and the own shard is one") {
    MeshKit kit{3};
    for (std::uint32_t from = 0; from < 3; ++from) {
        for (std::uint32_t home = 0; home < 3; ++home) {
            const std::string tag = std::to_string(from) + ">" + std::to_string(home);
            CHECK(kit.publish(from, home, "t", tag + " first"));
            CHECK(kit.publish(from, home, "t", tag + " second"));
        }
        CHECK(kit.take_request(from, from) == "nothing");  // Not before it is visible.
        kit.end_turn(from);
    }
    for (std::uint32_t home = 0; home < 3; ++home) {
        CHECK(kit.ports[home].take() == 0b111);
        for (std::uint32_t from = 0; from < 3; ++from) {
            const std::string tag = std::to_string(from) + ">" + std::to_string(home);
            CHECK(kit.take_request(home, from) == tag + " first");
            CHECK(kit.take_request(home, from) == tag + " second");
            CHECK(kit.take_request(home, from) == "nothing");
        }
        CHECK(kit.ports[home].take() == 0);
        kit.end_turn(home);
    }
}

TEST_CASE("a shard looks again for what is its own only if it has not taken it") {
    MeshKit kit{2};
    CHECK(kit.publish(0, 0, "t", "one"));
    CHECK(kit.publish(0, 0, "t", "two"));
    kit.ports[0].make_visible();
    CHECK(kit.take_request(0, 0) == "one");
    kit.end_turn(0);
    CHECK(kit.ports[0].take() == hub::set_of(0));
    CHECK(kit.publish(0, 1, "t", "three"));
    CHECK(kit.publish(0, 0, "t", "four"));
    kit.ports[0].make_visible();
    CHECK(kit.take_request(0, 0) == "two");
    CHECK(kit.take_request(0, 0) == "four");
    kit.end_turn(0);
    CHECK(kit.ports[0].take() == 0);
    CHECK(kit.ports[1].take() == hub::set_of(0));
    // A delivery, too.
    kit.ports[0].deliver(0, {.kind = RecordKind::joined, .topic = "t"});
    kit.end_turn(0);
    CHECK(kit.ports[0].take() == hub::set_of(0));
}

TEST_CASE("requests and deliveries do not mix") {
    MeshKit kit{2};
    CHECK(kit.ports[0].request(1, {.kind = RecordKind::join, .number = 5, .topic = "t"}));
    kit.ports[0].deliver(1, {.kind = RecordKind::joined, .number = 6, .topic = "u"});
    kit.end_turn(0);
    Record record;
    REQUIRE(kit.ports[1].front_delivery(0, record));
    CHECK(record.kind == RecordKind::joined);
    CHECK(record.number == 6);
    CHECK(record.topic == "u");
    kit.ports[1].pop_delivery(0);
    CHECK_FALSE(kit.ports[1].front_delivery(0, record));
    REQUIRE(kit.ports[1].front_request(0, record));
    CHECK(record.kind == RecordKind::join);
    CHECK(record.number == 5);
    kit.ports[1].pop_request(0);
    kit.end_turn(1);
}

TEST_CASE("small payloads lie in the record, large ones in a block that comes home") {
    for (const std::uint64_t bytes : {smallest, Mesh::bytes_default}) {
        CAPTURE(bytes);
        MeshKit kit{2, bytes};
        bool was_inline = false, was_block = false;
        for (const std::size_t size : {0u, 1u, 700u, 4096u, 4097u, 65536u, 1'000'000u}) {
            CAPTURE(size);
            const std::string payload(size, 'x');
            REQUIRE(kit.publish(0, 1, std::string(255, 't'), payload));
            kit.end_turn(0);
            (void)kit.ports[1].take();
            Record record;
            REQUIRE(kit.ports[1].front_request(0, record));
            CHECK(text_of(record.payload) == payload);
            CHECK(record.topic.size() == 255);
            if (record.block == nullptr) {
                was_inline = true;
                CHECK(size <= 4096);
            } else {
                was_block = true;
                CHECK(size >= 700);
                record.block->release();
            }
            kit.ports[1].pop_request(0);
            kit.end_turn(1);
            (void)kit.ports[0].take();
        }
        CHECK(was_inline);
        CHECK(was_block);
    }
}

TEST_CASE("where there was room, any request fits; where there was none, nothing has happened") {
    MeshKit kit{2, smallest};
    std::uint64_t turns = 0;
    for (int round = 0; round < 50; ++round) {
        int sent = 0;
        const std::size_t size = static_cast<std::size_t>(round * 37 % 5000);
        while (kit.ports[0].has_request_room(1)) {
            REQUIRE(kit.publish(0, 1, std::string(255, 't'), std::string(size, 'x')));
            ++sent;
            REQUIRE(sent < 1000);
        }
        CHECK(sent > 0);
        kit.end_turn(0);
        ++turns;
        CHECK(kit.drain(1, 0) == sent);
        kit.end_turn(1);
        (void)kit.ports[0].take();
    }
    CHECK(turns == 50);
}

TEST_CASE("who waits for room is rung for once there is some, and not before") {
    MeshKit kit{2, smallest};
    const int sent = kit.fill(0, 1);
    REQUIRE(sent > 1);
    CHECK_FALSE(kit.ports[0].has_request_room(1));
    CHECK_FALSE(kit.ports[0].await_request_room(1));  // Makes what is in there visible.
    kit.end_turn(0);
    CHECK(kit.ports[0].try_sleep());
    CHECK(kit.ports[1].take() == hub::set_of(0));
    kit.end_turn(1);  // Nothing taken, nothing to tell.
    CHECK(kit.wakers[0].wakes == 0);
    CHECK(kit.take_request(1, 0) != "nothing");
    kit.end_turn(1);
    CHECK(kit.wakers[0].wakes == 1);
    kit.ports[0].get_up();
    CHECK(kit.ports[0].take() == hub::set_of(1));
    // It may be too little still: then the next one rings, too.
    if (!kit.ports[0].has_request_room(1)) CHECK_FALSE(kit.ports[0].await_request_room(1));
    kit.drain(1, 0);
    kit.end_turn(1);
    CHECK(kit.ports[0].has_request_room(1));
}

TEST_CASE("who does not wait for room is not rung for") {
    MeshKit kit{2, smallest};
    (void)kit.fill(0, 1);
    kit.end_turn(0);
    CHECK(kit.ports[0].try_sleep());
    (void)kit.ports[1].take();
    kit.drain(1, 0);
    kit.end_turn(1);
    CHECK(kit.wakers[0].wakes == 0);
    CHECK(kit.ports[0].take() == 0);
    CHECK(kit.ports[0].has_request_room(1));
}

TEST_CASE("room for deliveries is waited for in the same way") {
    MeshKit kit{2, smallest};
    while (kit.ports[0].has_delivery_room(1))
        kit.ports[0].deliver(1, {.kind = RecordKind::publication, .topic = std::string(200, 't')});
    CHECK_FALSE(kit.ports[0].await_delivery_room(1));
    kit.end_turn(0);
    CHECK(kit.ports[0].try_sleep());
    Record record;
    while (kit.ports[1].front_delivery(0, record)) kit.ports[1].pop_delivery(0);
    kit.end_turn(1);
    CHECK(kit.wakers[0].wakes == 1);
    CHECK(kit.ports[0].take() == hub::set_of(1));
    CHECK(kit.ports[0].has_delivery_room(1));
}

TEST_CASE("a shard is woken only if it sleeps, once, and at the end of a turn") {
    MeshKit kit{2};
    CHECK(kit.publish(0, 1, "t", "x"));
    kit.end_turn(0);
    CHECK(kit.wakers[1].wakes == 0);  // It is awake and will look.
    CHECK_FALSE(kit.ports[1].try_sleep());
    CHECK(kit.ports[1].take() == hub::set_of(0));
    kit.drain(1, 0);
    kit.end_turn(1);
    CHECK(kit.ports[1].try_sleep());
    CHECK(kit.publish(0, 1, "t", "y"));
    kit.ports[0].make_visible();
    CHECK(kit.publish(0, 1, "t", "z"));
    kit.ports[0].make_visible();
    CHECK(kit.wakers[1].wakes == 0);
    kit.ports[0].give_back();
    CHECK(kit.wakers[1].wakes == 1);
    CHECK(kit.publish(0, 1, "t", "more"));
    kit.end_turn(0);
    CHECK(kit.wakers[1].wakes == 1);
    kit.ports[1].get_up();
    (void)kit.ports[1].take();
    CHECK(kit.drain(1, 0) == 3);
    kit.end_turn(1);
    CHECK(kit.ports[1].try_sleep());
    kit.end_turn(0);  // A turn that brought nothing.
    CHECK(kit.wakers[1].wakes == 1);
}

TEST_CASE("a queue holds large payloads of its own size") {
    MeshKit kit{2, 8 << 20};  // Queues of 1 MiB.
    for (const std::size_t size : {5'000u, 60'000u, 200'000u}) {
        CAPTURE(size);
        const std::string payload(size, 'x');
        std::size_t sent = 0;
        while (kit.publish(0, 1, "t", payload)) ++sent;
        CHECK(sent * size > (1 << 20) * 2 / 4);  // A quarter is kept free, and cut off at the end.
        CHECK(sent * size <= 1 << 20);
        CHECK_FALSE(kit.ports[0].has_request_room(1));
        CHECK(kit.ports[0].has_request_room(0));
        CHECK(kit.ports[0].has_delivery_room(1));
        CHECK_FALSE(kit.ports[0].await_request_room(1));
        kit.end_turn(0);
        CHECK(kit.ports[0].try_sleep());
        // A request without payload still goes.
        CHECK(kit.ports[0].request(1, {.kind = RecordKind::leave, .topic = "t"}));
        kit.ports[0].make_visible();

        (void)kit.ports[1].take();
        kit.wakers[0].wakes = 0;
        CHECK(kit.take_request(1, 0) == payload);
        kit.end_turn(1);
        CHECK(kit.wakers[0].wakes == 1);
        kit.ports[0].get_up();
        CHECK(kit.ports[0].take() == hub::set_of(1));
        CHECK(kit.drain(1, 0) == static_cast<int>(sent));  // And the leave.
        kit.end_turn(1);
        (void)kit.ports[0].take();
    }
}

TEST_CASE("a queue holds four payloads that are larger than a quarter of it") {
    MeshKit kit{2, smallest};
    const std::string payload(100'000, 'x');
    CHECK(kit.fill(0, 1, payload.size()) == 4);
    kit.end_turn(0);
    CHECK(kit.drain(1, 0) == 4);
    kit.end_turn(1);
    (void)kit.ports[0].take();
}

TEST_CASE("payloads that a shard does not take are in the way of no other") {
    MeshKit kit{3, 9 << 10};
    const std::string payload(100'000, 'x');
    while (kit.ports[1].has_delivery_room(2)) {
        REQUIRE(kit.publish(0, 1, "t", payload));
        kit.end_turn(0);
        Record record;
        REQUIRE(kit.ports[1].front_request(0, record));
        record.kind = RecordKind::publication;
        kit.ports[1].deliver(2, record);
        kit.ports[1].pop_request(0);
        kit.end_turn(1);
    }
    for (int i = 0; i < 20; ++i) {
        REQUIRE(kit.publish(0, 1, "t", payload));
        kit.end_turn(0);
        CHECK(kit.take_request(1, 0) == payload);
        kit.end_turn(1);
        (void)kit.ports[0].take();
    }
}

TEST_CASE("a block that several shards read goes home when the last one has read it") {
    MeshKit kit{3, smallest};
    const std::string payload(10'000, 'x');
    CHECK(kit.publish(0, 1, "t", payload));
    kit.end_turn(0);
    Record record;
    REQUIRE(kit.ports[1].front_request(0, record));
    record.block->acquire(2);
    record.kind = RecordKind::publication;
    for (const std::uint32_t target : {0u, 1u, 2u}) kit.ports[1].deliver(target, record);
    kit.ports[1].pop_request(0);
    kit.end_turn(1);
    for (const std::uint32_t target : {2u, 0u, 1u}) {
        (void)kit.ports[0].take();
        REQUIRE(kit.ports[target].front_delivery(1, record));
        CHECK(text_of(record.payload) == payload);
        record.block->release();
        kit.ports[target].pop_delivery(1);
        kit.end_turn(target);
    }
    (void)kit.ports[0].take();
    // The mesh's end asserts that nothing is out.
}

TEST_CASE("the budget is divided by the pairs, with a least and a largest queue") {
    struct {
        std::uint32_t shards;
        std::uint64_t bytes;
        std::size_t queue_bytes;
    } const cases[] = {{1, 1, 4 << 10},         {1, 32u << 20, 1 << 20}, {2, 32u << 20, 1 << 20},
                       {4, 32u << 20, 1 << 20}, {8, 32u << 20, 1 << 18}, {4, 8u << 20, 1 << 18},
                       {4, 7u << 20, 1 << 17},  {64, 32u << 20, 4 << 10}};
    for (const auto& [shards, bytes, queue_bytes] : cases) {
        CAPTURE(shards);
        CAPTURE(bytes);
        MeshKit kit{shards, bytes};
        // Records of 64 bytes with their header.
        std::size_t count = 0;
        const Record record{.kind = RecordKind::leave, .topic = "01234567890123456789012345"};
        while (kit.ports[0].request(shards - 1, record)) ++count;
        CHECK(count * 64 == queue_bytes);
    }
}

TEST_CASE("bytes in the queues towards a shard can be told") {
    MeshKit kit{2};
    CHECK(kit.ports[1].bytes_waiting() == 0);
    CHECK(kit.publish(0, 1, "t", "x"));
    CHECK(kit.ports[1].bytes_waiting() == 0);
    kit.end_turn(0);
    CHECK(kit.ports[1].bytes_waiting() > 0);
    CHECK(kit.ports[0].bytes_waiting() == 0);
    kit.drain(1, 0);
    kit.end_turn(1);
    CHECK(kit.ports[1].bytes_waiting() == 0);
}

TEST_CASE("notes for a shard that never began are dropped with the mesh") {
    std::size_t states = 1;
    PublisherLane* lane = nullptr;
    Inbox* inbox = nullptr;
    {
        Mesh mesh{2};
        inbox = &mesh.inbox(1);
        inbox->acquire();
        auto verdict = std::make_unique<Note>();
        verdict->verdict.state = {
            &states, [](void* count) noexcept { --*static_cast<std::size_t*>(count); }};
        CHECK(inbox->post(std::move(verdict)));
        lane = PublisherLane::make(4096, *inbox, hub::set_of(1));
        lane->acquire();
        auto publisher = std::make_unique<Note>();
        publisher->kind = Note::Kind::publisher;
        publisher->publisher = lane;
        CHECK(inbox->post(std::move(publisher)));
    }
    CHECK(states == 0);
    CHECK(lane->publish("t", PublicationKind::text, {}) == PublishStatus::closed);
    lane->release();
    CHECK_FALSE(inbox->post(std::make_unique<Note>()));
    inbox->release();
}

TEST_CASE("what nobody has read when the mesh ends is freed with it") {
    // The pools of a mesh assert that nothing is out when they die.
    SUBCASE("visible requests and deliveries") {
        MeshKit kit{2};
        CHECK(kit.publish(0, 1, "t", std::string(10'000, 'x')));
        CHECK(kit.publish(0, 1, "t", "small"));
        kit.end_turn(0);
        Record record;
        REQUIRE(kit.ports[1].front_request(0, record));
        record.block->acquire(1);
        kit.ports[1].deliver(0, record);
        kit.ports[1].deliver(1, record);
        kit.ports[1].pop_request(0);
        kit.end_turn(1);
    }
    SUBCASE("a block that is home and was not freed") {
        MeshKit kit{2};
        CHECK(kit.publish(0, 1, "t", std::string(10'000, 'x')));
        kit.end_turn(0);
        CHECK(kit.take_request(1, 0).size() == 10'000);
        kit.end_turn(1);
    }
    SUBCASE("a request that was popped and not given back") {
        MeshKit kit{2};
        CHECK(kit.publish(0, 1, "t", std::string(10'000, 'x')));
        CHECK(kit.publish(0, 1, "t", std::string(10'000, 'y')));
        kit.end_turn(0);
        CHECK(kit.take_request(1, 0).size() == 10'000);
    }
    SUBCASE("a request that never became visible") {
        MeshKit kit{2};
        CHECK(kit.publish(0, 1, "t", std::string(10'000, 'x')));
    }
}
