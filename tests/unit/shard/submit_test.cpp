// Publications that are handed to the home of their topic, which says what place they got.

#include <chrono>
#include <doctest/doctest.h>
#include <string>

#include "base/publication_info.hpp"
#include "unit/shard/shards_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;
using namespace std::chrono_literals;

namespace {

std::span<const std::byte> octets(std::string_view text) {
    return std::as_bytes(std::span{text});
}

struct SubmitKit : ShardsKit {
    explicit SubmitKit(std::uint32_t kept = 3, std::uint64_t mesh_bytes = Mesh::bytes_default)
        : ShardsKit{
              {.shards = 2,
               .settings = {.topics = {.home = {.stream = {.count_max = kept, .age_max = 1min}}}},
               .mesh_bytes = mesh_bytes}} {}

    Submitted submit(std::string_view payload, std::string_view key = {}) {
        const Submitted submitted =
            shard(0).submit(topic, PublicationKind::text, octets(payload), {.key = key});
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
              .submit(topic_of(0, 1), PublicationKind::text, octets("x"), {.key = "order-1"})
              .position.offset == 1);
    pass(6min);
    CHECK(submit("one", "order-1").position.offset == 3);
}

TEST_CASE("a key is known longer than its topic") {
    for (const std::uint32_t kept : {0u, 3u}) {
        SubmitKit kit{kept};
        const ShardClient leaver = kit.subscriber(1, kit.topic);
        const Submitted first = kit.submit("one", "order-1");
        kit.submit("two");
        CHECK(kit.received(leaver) == "one two");
        kit.send(leaver, test::close_frame(1000));
        kit.settle();
        kit.pass(4min);
        CHECK(kit.metrics(0).home_topics == 0);
        const ShardClient client = kit.subscriber(1, kit.topic);
        CHECK(kit.submit("one", "order-1").position == first.position);
        const Submitted third = kit.submit("three", "order-3");
        CHECK(third.position.offset == (kept > 0 ? 1 : 0));
        CHECK(kit.received(client) == "three");
        CHECK(kit.metrics(0).publications_repeated == 1);
    }
}

TEST_CASE_FIXTURE(SubmitKit, "what is not newer than the newest is not published") {
    const ShardClient client = subscriber(1, topic);
    const auto publish_version = [&](std::string_view payload, std::uint64_t number,
                                     std::string_view epoch = {}, std::string_view key = {}) {
        const Submitted submitted =
            shard(0).submit(topic, PublicationKind::text, octets(payload),
                            {.key = key, .version = {.number = number, .epoch = epoch}});
        settle();
        CHECK(submitted.status == PublishStatus::accepted);
        return submitted.position;
    };
    const hub::Position first = publish_version("three", 3);
    CHECK(first.offset == 1);
    CHECK(publish_version("two", 2) == first);
    CHECK(publish_version("three again", 3, {}, "key") == first);
    CHECK(metrics(0).publications_outdated == 2);
    CHECK(submit("unversioned").position.offset == 2);
    CHECK(publish_version("two", 2).offset == 2);
    CHECK(publish_version("four", 4).offset == 3);
    CHECK(publish_version("one", 1, "other").offset == 4);
    // The key knows what became of it, be it that nothing was published.
    CHECK(publish_version("nine", 9, {}, "key") == first);
    CHECK(metrics(0).publications_repeated == 1);
    CHECK(metrics(0).publications_outdated == 3);
    CHECK(received(client) == "three unversioned four one");
}

TEST_CASE("where nothing is kept versions are not looked at") {
    SubmitKit kit{0};
    const ShardClient client = kit.subscriber(1, kit.topic);
    for (const char* const payload : {"one", "two"}) {
        CHECK(kit.shard(0)
                  .submit(kit.topic, PublicationKind::text, octets(payload),
                          {.version = {.number = 1}})
                  .position == hub::Position{});
    }
    kit.settle();
    CHECK(kit.received(client) == "one two");
}

TEST_CASE_FIXTURE(SubmitKit,
                  "tags go with a publication, in a lane or in a block, and are kept with it") {
    scripted(1).upgraded = [](Upgrade&) {
        Verdict verdict;
        verdict.encoding = Encoding::centrifuge_json;
        return verdict;
    };
    std::string kept;
    scripted(1).received = [&](Session& session, Message message) {
        if (message.payload == "history") return (void)session.history(topic, {.count_max = 10});
        CHECK(session.subscribe(topic) == SubscribeStatus::accepted);
    };
    scripted(1).answered = [&](Session&, const HistoryAnswer& answer) {
        for (const MissedPublication& missed : answer.publications)
            kept += std::string{unpack_publication_info(missed.info()).tags.find("a")} + " ";
    };
    const ShardClient plain = subscriber(1, topic);
    const ShardClient client = open(1, "/echo");
    send(client, test::text_frame("subscribe"));
    settle();
    const Tag tags[] = {{"a", "b"}};
    const std::string info = pack(tags);
    const std::string large(100'000, '1');
    for (const std::string& payload : {std::string{"1"}, large}) {
        (void)shard(0).submit(topic, PublicationKind::json, octets(payload),
                              {.info = octets(info)});
        settle();
    }
    CHECK(shard(1).publish(topic, PublicationKind::json, octets("2"), octets(info)) ==
          PublishStatus::accepted);
    settle();
    CHECK(submit("plain").position.offset == 4);
    const auto push = [&](const std::string& data, int offset, const std::string& more) {
        return R"({"push":{"channel":")" + topic + R"(","pub":{"data":)" + data + R"(,"offset":)" +
               std::to_string(offset) + more + "}}}";
    };
    constexpr const char* as_tags = R"(,"tags":{"a":"b"})";
    CHECK(received(client) == push("1", 1, as_tags) + " " + push(large, 2, as_tags) + " " +
                                  push("2", 3, as_tags) + " " + push("\"plain\"", 4, ""));
    CHECK(received(plain) == "1 " + large + " 2 plain");
    send(client, test::text_frame("history"));
    settle();
    CHECK(kept == "b b  ");  // Of the newest three.
}

TEST_CASE("where nothing is kept there is no place, and keys hold, be it that nobody listens") {
    SubmitKit kit{0};
    const Submitted unheard = kit.submit("nobody", "key");
    CHECK(unheard.status == PublishStatus::accepted);
    CHECK(unheard.position == hub::Position{});
    const ShardClient client = kit.subscriber(1, kit.topic);
    CHECK(kit.submit("nobody", "key").position == hub::Position{});
    CHECK(kit.submit("one", "other key").position == hub::Position{});
    CHECK(kit.submit("one", "other key").position == hub::Position{});
    CHECK(kit.received(client) == "one");
}

TEST_CASE("a submission for which there is no room has not happened") {
    SubmitKit kit{3, 64 << 10};
    const ShardClient client = kit.subscriber(1, kit.topic);
    kit.freeze(1);
    int accepted = 0;
    while (kit.shard(0)
               .submit(kit.topic, PublicationKind::text, octets(std::string(1000, 'x')))
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
