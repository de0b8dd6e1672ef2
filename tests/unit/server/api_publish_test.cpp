// What goes with a publication of the server API: its tags, as Centrifuge clients see them, and its
// version.

#include <chrono>
#include <doctest/doctest.h>
#include <string>

#include "base/publication_info.hpp"
#include "unit/server/server_api_kit.hpp"

using namespace ringcast;
using namespace ringcast::server;
using namespace std::chrono_literals;

namespace {

struct TagsKit : ApiKit {
    explicit TagsKit(std::uint32_t kept = 100)
        : ApiKit{{.anonymous = TopicAccess::publish, .ping_interval = 0s}, keeping(kept)} {}

    static shard::ShardsSetup keeping(std::uint32_t kept) {
        shard::ShardsSetup setup;
        setup.settings.topics.home.stream.count_max = kept;
        return setup;
    }
    /// What is answered to a publication in `topic` of 1 with `more` fields.
    std::string published(const std::string& more) {
        return said("publish", R"({"channel":")" + topic + R"(","data":1)" +
                                   (more.empty() ? "" : "," + more) + "}");
    }
    /// A Centrifuge client that is subscribed to `topic`, and asks for `fields` besides.
    shard::ShardClient listener(std::uint32_t index, const std::string& fields = {}) {
        const shard::ShardClient client = come_with(index, "{}");
        say(client, R"({"id":2,"subscribe":{"channel":")" + topic + "\"" + fields + "}}");
        settle();
        return client;
    }
    /// The offset that an answer tells.
    static std::string offset_in(const std::string& answer) {
        const std::string mark = R"({"result":{"offset":)";
        CHECK(answer.starts_with(mark));
        return answer.substr(mark.size(), answer.find(',') - mark.size());
    }
    [[nodiscard]] std::string push(const std::string& fields) const {
        return R"({"push":{"channel":")" + topic + R"(","pub":{"data":1)" + fields + "}}}";
    }
    const std::string topic = topic_of(1);
};

std::string many_tags(std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i)
        text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + R"(":"")";
    return R"("tags":{)" + text + "}";
}

}  // namespace

TEST_CASE("tags of a publication reach Centrifuge clients, live, recovered and in histories") {
    TagsKit kit;
    const auto live = kit.listener(0);
    const auto plain = kit.subscriber(1, kit.topic);
    const std::string welcome = kit.heard(live);
    const std::string mark = R"("epoch":")";
    const std::string epoch = welcome.substr(welcome.find(mark) + mark.size(), 8);
    CHECK(TagsKit::offset_in(kit.published(R"("tags":{"a":"b","\u00e4\"":"c\n"})")) == "1");
    CHECK(TagsKit::offset_in(kit.published("")) == "2");
    const std::string tagged = R"(,"tags":{"a":"b","ä\"":"c\n"})";
    CHECK(kit.heard(live) ==
          kit.push(R"(,"offset":1)" + tagged) + " " + kit.push(R"(,"offset":2)"));
    CHECK(kit.received(plain) == "1 1");
    const std::string kept =
        R"("publications":[{"data":1,"offset":1)" + tagged + R"(},{"data":1,"offset":2}])";
    const auto back = kit.listener(1, R"(,"recover":true,"offset":0,"epoch":")" + epoch + "\"");
    CHECK(kit.heard(back).contains(kept));
    kit.say(back, R"({"id":3,"history":{"channel":")" + kit.topic + R"(","limit":9}})");
    kit.settle();
    CHECK(kit.heard(back).contains(kept));
    CHECK(kit.said("history", R"({"channel":")" + kit.topic + R"(","limit":9})").contains(kept));
}

TEST_CASE("tags need no history, and are those of each channel of a broadcast") {
    TagsKit kit{0};
    const auto client = kit.listener(0);
    (void)kit.heard(client);
    CHECK(kit.published(R"("tags":{"a":"b"})") == R"({"result":{}})");
    CHECK(kit.said("broadcast", R"({"channels":["x",")" + kit.topic +
                                    R"("],"b64data":"MQ==","tags":{"a":"c"}})") ==
          R"({"result":{"responses":[{"result":{}},{"result":{}}]}})");
    // Of one command only, also within a batch.
    const std::string to = R"({"channel":")" + kit.topic + R"(","data":1)";
    CHECK(kit.said("batch", R"({"commands":[{"publish":)" + to +
                                R"(,"tags":{"a":"d"}}},{"publish":)" + to + "}}]}") ==
          R"({"replies":[{"publish":{}},{"publish":{}}]})");
    CHECK(kit.heard(client) ==
          kit.push(R"(,"tags":{"a":"b"})") + " " + R"({"push":{"channel":")" + kit.topic +
              R"(","pub":{"data":"MQ==","tags":{"encoding":"base64","a":"c"}}}})" + " " +
              kit.push(R"(,"tags":{"a":"d"})") + " " + kit.push(""));
}

TEST_CASE("tags beyond their limits are refused, and those that would pass for the server's own") {
    TagsKit kit{0};
    const auto tag = [](std::size_t name_bytes, std::size_t value_bytes) {
        return R"("tags":{")" + std::string(name_bytes, 'n') + "\":\"" +
               std::string(value_bytes, 'v') + "\"}";
    };
    for (const std::string& good :
         {many_tags(Tags::count_max), tag(255, Tags::bytes_max - 255), tag(0, 0),
          std::string{R"("tags":{"key":"k"})"}, std::string{R"("tags":{})"}})
        CHECK(kit.published(good) == R"({"result":{}})");
    for (const std::string& bad :
         {many_tags(Tags::count_max + 1), tag(256, 0), tag(1, Tags::bytes_max),
          std::string{R"("tags":{"skipped":"1"})"}, std::string{R"("tags":{"a":"1","a":"2"})"},
          std::string{R"("tags":{"encoding":"none"})"}, std::string{R"("tags":{"a":1})"},
          std::string{R"("tags":["a"])"}}) {
        CAPTURE(bad);
        CHECK(kit.published(bad) == api_bad_request);
    }
    CHECK(kit.publications() == 5);
}

TEST_CASE("what is not newer than the newest of its channel is not published") {
    TagsKit kit;
    const auto plain = kit.subscriber(0, kit.topic);
    CHECK(TagsKit::offset_in(kit.published(R"("version":7)")) == "1");
    CHECK(TagsKit::offset_in(kit.published(R"("version":7)")) == "1");
    CHECK(TagsKit::offset_in(kit.published(R"("version":6,"tags":{"a":"b"})")) == "1");
    CHECK(TagsKit::offset_in(kit.published(R"("version":8)")) == "2");
    CHECK(TagsKit::offset_in(kit.published(R"("version":1,"version_epoch":"new")")) == "3");
    CHECK(TagsKit::offset_in(kit.published(R"("version":1,"version_epoch":"new")")) == "3");
    CHECK(TagsKit::offset_in(kit.published(R"("version":18446744073709551615)")) == "4");
    CHECK(kit.metrics(1).publications_outdated == 3);
    CHECK(kit.received(plain) == "1 1 1 1");
    const std::string epoch(64, 'e');
    CHECK(TagsKit::offset_in(kit.published(R"("version":1,"version_epoch":")" + epoch + "\"")) ==
          "5");
    CHECK(kit.published(R"("version":2,"version_epoch":")" + epoch + "e\"") == api_bad_request);
    CHECK(kit.published(R"("version":-1)") == api_bad_request);
    const std::string both = R"({"channels":[")" + kit.topic +
                             R"(","other"],"data":1,"version":1,)" + R"("version_epoch":")" +
                             epoch + "\"}";
    const std::string answer = kit.said("broadcast", both);
    CHECK(answer.contains(R"({"result":{"offset":5,)"));
    CHECK(answer.contains(R"({"result":{"offset":1,)"));
}

TEST_CASE("a channel that keeps nothing takes every version") {
    TagsKit kit{0};
    const auto plain = kit.subscriber(0, kit.topic);
    for (int i = 0; i < 2; ++i) CHECK(kit.published(R"("version":7)") == R"({"result":{}})");
    CHECK(kit.received(plain) == "1 1");
}
