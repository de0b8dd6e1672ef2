// The server API over shards that are turned by hand: what is answered, and when.

#include "server/server_api.hpp"

#include <doctest/doctest.h>
#include <string>

#include "server/api_share.hpp"
#include "server/version.hpp"
#include "unit/server/server_api_kit.hpp"

using namespace ringcast;
using namespace ringcast::server;

TEST_CASE("the server API is for those who have a key") {
    ApiKit kit;
    const std::string good = std::string{"0123456789abcdef"};
    CHECK(kit.ask("info", "{}", "X-API-Key: " + good + "\r\n").status == 200);
    CHECK(kit.ask("info", "{}", "X-API-Key: second-key-0123456\r\n").status == 200);
    CHECK(kit.ask("info", "{}", "Authorization: apikey " + good + "\r\n").status == 200);
    for (const std::string& lines :
         {std::string{}, std::string{"X-API-Key: wrong\r\n"}, std::string{"X-API-Key:\r\n"},
          "Authorization: Bearer " + good + "\r\n", "X-API-Key: " + good + "x\r\n"}) {
        CAPTURE(lines);
        const auto answer = kit.ask("publish", R"({"channel":"a","data":1})", lines);
        CHECK(answer.status == 401);
        CHECK(answer.field("www-authenticate") == "apikey");
        CHECK(kit.ask("there/is/none", "{}", lines).status == 404);  // Not below /api/.
        CHECK(kit.ask("nothing", "{}", lines).status == 401);
    }
    CHECK(kit.ask("nothing", "{}").status == 404);
    CHECK(kit.publications() == 0);
}

TEST_CASE("what is published reaches subscribers as what it is") {
    ApiKit kit;
    const std::string topic = kit.topic_of(1);
    const auto client = kit.subscriber(1, topic);
    const std::string to = R"({"channel":")" + topic + R"(",)";
    CHECK(kit.said("publish", to + R"("data":{"a": [1]}})") == R"({"result":{}})");
    CHECK(kit.said("publish", to + R"("data":"h\u00e4\n","kind":"text"})") == R"({"result":{}})");
    CHECK(kit.said("publish", to + R"("b64data":"eA==","kind":"text"})") == R"({"result":{}})");
    CHECK(kit.said("publish", to + R"("b64data":"WzFd","kind":"json"})") == R"({"result":{}})");
    // SDKs insist on data, and do not mean it.
    CHECK(kit.said("publish", to + R"("data":"","b64data":"/wA="})") == R"({"result":{}})");
    const auto messages = kit.take_messages(client);
    REQUIRE(messages.size() == 5);
    CHECK(messages[0] == R"({"a": [1]})");
    CHECK(messages[1] == "h\u00e4\n");
    CHECK(messages[2] == "x");
    CHECK(messages[3] == "[1]");
    CHECK(messages[4] == std::string{"\xff\0", 2});
}

TEST_CASE("what cannot be published is refused, and nothing is") {
    ApiKit kit;
    for (const char* const body :
         {"", "{}", "no json", R"({"channel":"a"})", R"({"data":1})", R"({"channel":"","data":1})",
          R"({"channel":"\u0001","data":1})", R"({"channel":"a","b64data":"AA"})",
          R"({"channel":"a","data":1,"kind":"text"})",
          R"({"channel":"a","data":"x","kind":"binary"})", R"({"channel":"a","data":1,"kind":"x"})",
          R"({"channel":"a","b64data":"/w==","kind":"text"})",
          R"({"channel":"a","b64data":"/w==","kind":"json"})"}) {
        CAPTURE(body);
        CHECK(kit.said("publish", body) == api_bad_request);
    }
    for (const char* const name : {"a:b", "$a", "#a"}) {
        CHECK(kit.said("publish", R"({"data":1,"channel":")" + std::string{name} + "\"}") ==
              api_error(102, "unknown channel"));
    }
    CHECK(kit.publications() == 0);
}

TEST_CASE("a broadcast has a response for each channel") {
    ApiKit kit;
    CHECK(kit.said("broadcast", R"({"channels":["a","","b:c","a"],"data":1})") ==
          R"({"result":{"responses":[{"result":{}},)" + api_bad_request + "," +
              api_error(102, "unknown channel") + R"(,{"result":{}}]}})");
    CHECK(kit.publications() == 2);
    CHECK(kit.said("broadcast", R"({"channels":["a","b"]})") ==
          R"({"result":{"responses":[)" + api_bad_request + "," + api_bad_request + "]}}");
    CHECK(kit.said("broadcast", R"({"channels":[],"data":1})") == api_bad_request);
    CHECK(kit.said("broadcast", R"({"data":1})") == api_bad_request);
}

TEST_CASE("channels and figures are those of all shards") {
    ApiKit kit{{.shards = 3}};
    CHECK(kit.said("channels", "{}") == R"({"result":{"channels":{}}})");
    const auto first = kit.subscriber(0, "news/a");
    kit.subscriber(1, "news/a");
    kit.subscriber(2, "news/b");
    kit.subscriber(2, "sport");
    CHECK(kit.said("channels", "") ==
          R"({"result":{"channels":{"news/a":{"num_clients":2},"news/b":{"num_clients":1},)"
          R"("sport":{"num_clients":1}}}})");
    CHECK(kit.said("channels", R"({"pattern":"*b"})") ==
          R"({"result":{"channels":{"news/b":{"num_clients":1}}}})");
    CHECK(kit.said("channels", R"({"pattern":"[a]"})") == api_bad_request);
    // Without uptime: the node says that it starts in future.
    CHECK(kit.said("info", "{}") ==
          R"({"result":{"nodes":[{"uid":"u","name":"ringcast","version":")" + std::string{version} +
              R"(","num_clients":4,"num_users":0,"num_channels":3,"uptime":0,"num_subs":4}]}})");
    kit.ring(0).finish_recv(first.fd, 0);
    kit.turn(6);
    CHECK(
        kit.said("info", "{}")
            .contains(R"("num_clients":3,"num_users":0,"num_channels":3,"uptime":0,"num_subs":3)"));
}

TEST_CASE("a batch does one command after the other, and refuses to nest") {
    ApiKit kit;
    const auto client = kit.subscriber(0, "a");
    CHECK(kit.said("batch",
                   R"({"parallel":true,"commands":[{"publish":{"channel":"a","data":1}},
                   {"channels":{}},{"batch":{"commands":[]}},{"presence":{"channel":"a"}},
                   {"publish":{"channel":"a"}},{"broadcast":{"channels":["a"],"data":2}},{}]})") ==
          R"({"replies":[{"publish":{}},{"channels":{"channels":{"a":{"num_clients":1}}}},)" +
              api_error(104, "method not found") + "," + api_not_available + "," + api_bad_request +
              R"(,{"broadcast":{"responses":[{"result":{}}]}},)" +
              api_error(104, "method not found") + "]}");
    const auto messages = kit.take_messages(client);
    REQUIRE(messages.size() == 2);
    CHECK(messages[0] == "1");
    CHECK(messages[1] == "2");
    CHECK(kit.said("batch", R"({"commands":[]})") == R"({"replies":[]})");
    CHECK(kit.said("batch", R"({"commands":1})") == api_bad_request);
}

TEST_CASE("what nobody can do yet is said to be so") {
    ApiKit kit;
    for (const char* const method : {"presence", "presence_stats"})
        CHECK(kit.said(method, R"({"channel":"a","user":"u"})") == api_not_available);
}

TEST_CASE("publications wait for a home that does not look, and are answered once it has them") {
    ApiKit kit{{.shards = 2, .mesh_bytes = 64 << 10}};
    const std::string topic = kit.topic_of(1);
    const auto client = kit.subscriber(1, topic);
    kit.freeze(1);
    std::string channels = "\"" + topic + "\"";
    constexpr int count = 200;
    for (int i = 1; i < count; ++i) channels += ",\"" + topic + "\"";
    const std::string data(100, '1');
    const int fd =
        kit.send("broadcast", R"({"channels":[)" + channels + R"(],"data":)" + data + "}");
    kit.turn(20);
    CHECK(!kit.response(fd));
    CHECK(kit.metrics(1).publications == 0);
    kit.thaw(1);
    kit.turn(100);
    const auto answer = kit.response(fd);
    REQUIRE(answer);
    CHECK(answer->status == 200);
    CHECK(!answer->body.contains("error"));
    CHECK(kit.metrics(1).publications == count);
    CHECK(kit.take_messages(client).size() == count);
    // The connection goes on.
    kit.ring(0).finish_recv(fd, 0);
    kit.turn(3);
}

TEST_CASE("a client that goes while its publication waits harms nobody") {
    ApiKit kit{{.shards = 2, .mesh_bytes = 64 << 10}};
    const std::string topic = kit.topic_of(1);
    kit.freeze(1);
    std::string channels = "\"" + topic + "\"";
    for (int i = 1; i < 200; ++i) channels += ",\"" + topic + "\"";
    const int fd = kit.send(
        "broadcast", R"({"channels":[)" + channels + R"(],"data":)" + std::string(100, '1') + "}");
    kit.ring(0).finish_recv(fd, 0);
    kit.turn(3);
    kit.thaw(1);
    kit.turn(20);
    const int survey = kit.send("info", "{}");
    kit.ring(0).finish_recv(survey, 0);
    kit.turn(20);
    CHECK(kit.said("info", "{}").contains("ringcast"));
}

TEST_CASE("a broadcast takes its share of a turn") {
    ApiKit kit{{.shards = 1}};
    std::string channels = "\"a\"";
    for (int i = 1; i < 1000; ++i) channels += ",\"a\"";
    const int fd = kit.send("broadcast", R"({"channels":[)" + channels + R"(],"data":1})");
    CHECK(kit.metrics(0).publications < 1000);
    kit.turn(10);
    CHECK(kit.metrics(0).publications == 1000);
    const auto answer = kit.response(fd);
    REQUIRE(answer);
    CHECK(!answer->body.contains("error"));
    kit.ring(0).finish_recv(fd, 0);
    kit.turn(3);
}

TEST_CASE("a batch that has asked who is there often enough gets no more lists") {
    shard::ShardsSetup setup;
    setup.settings.topics.home.presence.is_kept = true;
    ApiKit kit{{.anonymous = TopicAccess::subscribe, .ping_interval = {}}, setup};
    const std::string topic = kit.topic_of(1);
    constexpr std::size_t members = 16, info_bytes = 4000, commands = 300;
    for (std::size_t i = 0; i < members; ++i) {
        const auto client =
            kit.come_with(0, R"({"sub":"7","info":")" + std::string(info_bytes, 'x') + "\"}");
        kit.say(client, R"({"id":2,"subscribe":{"channel":")" + topic + "\"}}");
    }
    kit.settle();
    static_assert(members * info_bytes * commands > answer_bytes_max + (1 << 20));
    std::string batch = R"({"commands":[)";
    for (std::size_t i = 0; i < commands; ++i)
        batch += R"({"presence":{"channel":")" + topic + R"("}},)";
    batch += R"({"presence_stats":{"channel":")" + topic + R"("}}]})";
    const int request = kit.send("batch", batch);
    kit.turn(6 * commands);
    const auto answer = kit.response(request);
    REQUIRE(answer);
    CHECK(answer->body.size() < answer_bytes_max + (1 << 20));
    CHECK(answer->body.ends_with(R"({"error":{"code":106,"message":"limit exceeded"}},)"
                                 R"({"presence_stats":{"num_clients":16,"num_users":1}}]})"));
    kit.ring(0).finish_recv(request, 0);
    kit.turn(3);
}

TEST_CASE("who is in a channel is said where it is known") {
    shard::ShardsSetup setup;
    setup.settings.topics.home.presence.is_kept = true;
    ApiKit kit{setup};
    for (std::uint32_t home = 0; home < 2; ++home) {
        const std::string channel = R"({"channel":")" + kit.topic_of(home) + R"("})";
        CHECK(kit.said("presence", channel) == R"({"result":{"presence":{}}})");
        CHECK(kit.said("presence_stats", channel) ==
              R"({"result":{"num_clients":0,"num_users":0}})");
    }
    CHECK(kit.said("presence", R"({"channel":"a:b"})") == api_error(102, "unknown channel"));
    CHECK(kit.said("presence_stats", R"({"channel":""})") == api_bad_request);
}
