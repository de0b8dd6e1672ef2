// Publications that are handed to the home of their topic, which says what place they got.

#include <doctest/doctest.h>
#include <string>

#include "unit/shard/shards_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;

namespace {

std::span<const std::byte> octets(std::string_view text) {
    return std::as_bytes(std::span{text});
}

struct SubmitKit : ShardsKit {
    explicit SubmitKit(std::uint32_t kept = 3, std::uint64_t mesh_bytes = Mesh::bytes_default)
        : ShardsKit{{.shards = 2,
                     .settings = {.topics = {.home = {.stream = {.count_max = kept}}}},
                     .mesh_bytes = mesh_bytes}} {}

    Submitted submit(std::string_view payload, std::string_view key = {}) {
        const Submitted submitted =
            shard(0).submit(topic, PublicationKind::text, octets(payload), key);
        settle();
        return submitted;
    }
    const std::string topic = topic_of(0);
};

}  // namespace

TEST_CASE_FIXTURE(SubmitKit, "who submits a publication is told its place, and all are sent it") {
    const ShardClient here = subscriber(0, topic), there = subscriber(1, topic);
    const Submitted first = submit("one");
    CHECK(first.status == PublishStatus::accepted);
    CHECK(first.position.offset == 1);
    CHECK_FALSE(first.position.epoch.is_any());
    publish(publisher(1, topic), "two");
    settle();
    const Submitted third = submit(std::string(100'000, '3'));  // As a block.
    CHECK(third.position == hub::Position{3, first.position.epoch});
    for (const ShardClient client : {here, there})
        CHECK(received(client) == "one two " + std::string(100'000, '3'));
}

TEST_CASE_FIXTURE(SubmitKit, "under a key that is known nothing is published again") {
    const ShardClient client = subscriber(1, topic);
    const Submitted first = submit("one", "order-1");
    CHECK(submit("two", "order-2").position.offset == 2);
    CHECK(submit("one", "order-1").position == first.position);
    CHECK(metrics(0).publications_repeated == 1);
    CHECK(received(client) == "one two");
    // A key is of one topic, and its time is limited.
    CHECK(shard(0)
              .submit(topic_of(0, 1), PublicationKind::text, octets("x"), "order-1")
              .position.offset == 1);
    pass(std::chrono::minutes{6});
    CHECK(submit("one", "order-1").position.offset == 3);
}

TEST_CASE("where nothing is kept there is no place, and keys hold while there are subscribers") {
    SubmitKit kit{0};
    const Submitted unheard = kit.submit("nobody", "key");
    CHECK(unheard.status == PublishStatus::accepted);
    CHECK(unheard.position == hub::Position{});
    const ShardClient client = kit.subscriber(1, kit.topic);
    CHECK(kit.submit("one", "key").position == hub::Position{});
    CHECK(kit.submit("one", "key").position == hub::Position{});
    CHECK(kit.received(client) == "one");
}

TEST_CASE("a submission for which there is no room has not happened") {
    SubmitKit kit{3, 64 << 10};
    const ShardClient client = kit.subscriber(1, kit.topic);
    kit.freeze(1);
    int accepted = 0;
    while (kit.shard(0)
               .submit(kit.topic, PublicationKind::text, octets(std::string(1000, 'x')), "")
               .status == PublishStatus::accepted)
        ++accepted;
    CHECK(accepted > 0);
    kit.thaw(1);
    kit.settle();
    const Submitted later = kit.submit("y", "key");
    CHECK(later.status == PublishStatus::accepted);
    CHECK(later.position.offset == static_cast<std::uint64_t>(accepted) + 1);
    CHECK(kit.frames(client).size() == static_cast<std::size_t>(accepted) + 1);
}

TEST_CASE_FIXTURE(SubmitKit, "once a shard stops nothing is submitted to it") {
    shard(0).begin_shutdown(CloseCode::going_away);
    CHECK(submit("late").status == PublishStatus::closed);
}
