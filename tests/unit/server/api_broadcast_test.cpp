// Many publications of one request whose places are told: they are under way together, and those of
// one topic stay in order.

#include <chrono>
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "server/api_share.hpp"
#include "unit/server/server_api_kit.hpp"

using namespace ringcast;
using namespace ringcast::server;
using namespace std::chrono_literals;

namespace {

/// Shards whose topics keep what is published.
struct KeptKit : ApiKit {
    explicit KeptKit(shard::ShardsSetup setup = {}) : ApiKit{keeping(std::move(setup))} {}

    static shard::ShardsSetup keeping(shard::ShardsSetup setup) {
        setup.settings.topics.home.stream.count_max = 100;
        return setup;
    }
};

std::string list_of(const std::vector<std::string>& channels) {
    std::string text;
    for (const std::string& channel : channels)
        text += (text.empty() ? "\"" : ",\"") + channel + "\"";
    return "[" + text + "]";
}

/// The offsets that an answer tells, one after the other.
std::string offsets_in(const std::string& answer) {
    const std::string mark = R"("offset":)";
    std::string offsets;
    for (auto at = answer.find(mark); at != std::string::npos; at = answer.find(mark, at + 1)) {
        const auto begin = at + mark.size();
        offsets += (offsets.empty() ? "" : " ") +
                   answer.substr(begin, answer.find_first_of(",}", at) - begin);
    }
    return offsets;
}

/// 1 2 3 ...
std::string numbers_to(int count) {
    std::string text;
    for (int i = 1; i <= count; ++i) text += (i == 1 ? "" : " ") + std::to_string(i);
    return text;
}

/// A batch that publishes 1, 2, 3 ... to `topic`.
std::string batch_to(const std::string& topic, int count) {
    std::string commands;
    for (int i = 1; i <= count; ++i)
        commands += (i == 1 ? "" : ",") + (R"({"publish":{"channel":")" + topic + R"(","data":)") +
                    std::to_string(i) + "}}";
    return R"({"commands":[)" + commands + "]}";
}

}  // namespace

TEST_CASE("a broadcast to topics with history waits for many answers at a time") {
    KeptKit kit{{.shards = 3}};
    constexpr int count = 1000;
    std::vector<std::string> channels;
    for (int i = 0; i < count; ++i) channels.push_back("c" + std::to_string(i));
    const int fd = kit.send("broadcast", R"({"channels":)" + list_of(channels) + R"(,"data":1})");
    // A share goes with each journey: to the homes, and back.
    constexpr int journeys = count * static_cast<int>(publication_bytes + 1) / share_bytes_max + 1;
    kit.turn(4 * journeys);
    std::string ones = "1";
    for (int i = 1; i < count; ++i) ones += " 1";
    CHECK(offsets_in(kit.answer_to(fd)) == ones);
}

TEST_CASE("what is large waits for answers a few at a time, and at least one") {
    KeptKit kit;
    const std::string topic = kit.topic_of(1);
    const auto published = [&] { return kit.metrics(1).publications; };
    kit.freeze(1);
    constexpr int count = 6;
    const std::string channels = list_of(std::vector(count, topic));
    const int fd = kit.send("broadcast", R"({"channels":)" + channels + R"(,"data":)" +
                                             std::string(100 << 10, '1') + "}");
    kit.thaw(1);
    kit.turn();
    CHECK(published() == 2);  // In a share.
    kit.turn(20);
    CHECK(offsets_in(kit.answer_to(fd)) == numbers_to(count));
    kit.freeze(1);
    const int other = kit.send("broadcast", R"({"channels":)" + channels + R"(,"data":)" +
                                                std::string(share_bytes_max + 1, '1') + "}");
    kit.thaw(1);
    kit.turn();
    CHECK(published() == count + 1);
    kit.turn(40);
    CHECK(offsets_in(kit.answer_to(other)) == "7 8 9 10 11 12");
}

TEST_CASE("responses stand in the order of the channels, whoever answers first") {
    KeptKit kit{{.shards = 3}};
    const std::string here = kit.topic_of(0), there = kit.topic_of(1), late = kit.topic_of(2);
    for (const std::string& topic : {there, late, late})
        (void)kit.said("publish", R"({"channel":")" + topic + R"(","data":0})");
    kit.freeze(2);
    const std::vector<std::string> channels{late, here, "a:b", there, "", here, late};
    const int fd = kit.send("broadcast", R"({"channels":)" + list_of(channels) + R"(,"data":1})");
    kit.turn(20);
    CHECK(!kit.response(fd));
    kit.thaw(2);
    kit.turn(20);
    const std::string answer = kit.answer_to(fd);
    CHECK(offsets_in(answer) == "3 1 2 2 4");
    const auto unknown = answer.find(api_error(102, "unknown channel"));
    const auto bad = answer.find(api_bad_request);
    CHECK(answer.find(R"("offset":1)") < unknown);
    CHECK(unknown < answer.find(R"("offset":2)"));
    CHECK(answer.find(R"("offset":2)") < bad);
    CHECK(bad < answer.rfind(R"("offset":2)"));
}

TEST_CASE("a channel that is named twice has the place of its key twice") {
    KeptKit kit;
    const std::string topic = kit.topic_of(1);
    const auto client = kit.subscriber(0, topic);
    const std::string twice = R"({"channels":)" + list_of({topic, kit.topic_of(0), topic}) +
                              R"(,"data":1,"idempotency_key":"k"})";
    CHECK(offsets_in(kit.said("broadcast", twice)) == "1 1 1");
    CHECK(kit.received(client) == "1");
    CHECK(kit.metrics(1).publications_repeated == 1);
}

TEST_CASE("publications of a batch are under way together, and each has its reply") {
    KeptKit kit;
    const std::string topic = kit.topic_of(1);
    const auto client = kit.subscriber(0, topic);
    constexpr int count = 200;
    const int fd = kit.send("batch", batch_to(topic, count));
    kit.turn(8);
    CHECK(offsets_in(kit.answer_to(fd)) == numbers_to(count));
    CHECK(kit.received(client) == numbers_to(count));
    // What comes after them sees them; each has its own kind, tags and errors.
    const std::string to = R"({"publish":{"channel":")" + topic + R"(",)";
    const std::string answer = kit.said(
        "batch", R"({"commands":[)" + to + R"("b64data":"WzFd","kind":"json","tags":{"a":"b"}}},)" +
                     to + R"("data":1,"kind":"x"}},)" + to + R"("data":"x\n","kind":"text"}},)" +
                     to + R"("b64data":"eQ==","kind":"text"}},{"history":{"channel":")" + topic +
                     R"(","limit":1,"reverse":true}},)" + to + R"("data":[2]}}]})");
    CHECK(offsets_in(answer) == "201 202 203 203 203 204");
    CHECK(answer.contains(api_bad_request + R"(,{"publish":{"offset":202,)"));
    CHECK(kit.received(client) == "[1] x\n y [2]");
}

TEST_CASE("publications to one topic stay in order where its home has no room for them") {
    KeptKit kit{{.shards = 3, .mesh_bytes = 64 << 10}};
    const std::string topic = kit.topic_of(1);
    const auto client = kit.subscriber(2, topic);
    kit.freeze(2);
    // More than fits: the home tries again, turn by turn.
    const std::string pad(4000, ' ');
    constexpr int count = 40;
    std::string commands;
    for (int i = 1; i <= count; ++i)
        commands += (i == 1 ? "" : ",") + (R"({"publish":{"channel":")" + topic + R"(","data":[)") +
                    std::to_string(i) + pad + "]}}";
    const int fd = kit.send("batch", R"({"commands":[)" + commands + "]}");
    kit.turn(20);
    CHECK(!kit.response(fd));
    CHECK(kit.metrics(1).publications > 0);
    CHECK(kit.metrics(1).publications < count);
    kit.thaw(2);
    kit.turn(60);
    CHECK(offsets_in(kit.answer_to(fd)) == numbers_to(count));
    std::string numbers;
    for (std::string& message : kit.take_messages(client))
        numbers += (numbers.empty() ? "" : " ") + message.substr(1, message.find(' ') - 1);
    CHECK(numbers == numbers_to(count));
}

TEST_CASE("a key does not let a publication overtake the one before it") {
    ApiKit kit;  // Nothing is kept.
    const std::string topic = kit.topic_of(1);
    const auto client = kit.subscriber(1, topic);
    const std::string to = R"({"publish":{"channel":")" + topic + R"(","data":)";
    CHECK(kit.said("batch", R"({"commands":[)" + to + "1}}," + to +
                                R"(2,"idempotency_key":"k"}},)" + to + "3}}]}") ==
          R"({"replies":[{"publish":{}},{"publish":{}},{"publish":{}}]})");
    CHECK(kit.received(client) == "1 2 3");
    // Nor one of a request before, which has been answered or not.
    kit.freeze(1);
    const std::string body = R"({"channel":")" + topic + R"(","data":)";
    const std::vector<int> requests{kit.send("publish", body + "4}"),
                                    kit.send("publish", body + R"(5,"idempotency_key":"l"})"),
                                    kit.send("publish", body + "6}")};
    kit.thaw(1);
    kit.turn(12);
    CHECK(kit.received(client) == "4 5 6");
    for (const int request : requests) CHECK(kit.answer_to(request) == R"({"result":{}})");
}

TEST_CASE("a client that goes while its publications are under way harms nobody") {
    KeptKit kit{{.shards = 3, .mesh_bytes = 64 << 10}};
    const std::string topic = kit.topic_of(1);
    const auto client = kit.subscriber(2, topic);
    kit.freeze(1);
    const int fd = kit.send("batch", batch_to(topic, 50));
    kit.ring(0).finish_recv(fd, 0);
    kit.turn(3);
    kit.thaw(1);
    kit.turn(20);
    CHECK(kit.received(client) == numbers_to(50));
    CHECK(kit.said("info", "{}").contains("ringcast"));
}
