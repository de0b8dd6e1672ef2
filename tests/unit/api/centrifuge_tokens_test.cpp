// Clients of the Centrifuge protocol that show their token as they come, not in the connect
// command: over sockets, and in virtual time.

#include <chrono>
#include <doctest/doctest.h>
#include <string>
#include <utility>
#include <vector>

#include "support/folder.hpp"
#include "support/stream_client.hpp"
#include "unit/api/centrifuge_kit.hpp"
#include "unit/api/server_kit.hpp"

using namespace ringcast;
using namespace std::chrono_literals;

namespace {

/// A server that lets nobody in without a token.
struct ShownTokenServer {
    test::Folder folder;
    Server server{settings()};
    std::string url;

    explicit ShownTokenServer(const CentrifugePolicy& policy = {.users = TopicAccess::none}) {
        server.mount_centrifuge("/connection", policy);
        url = started(server);
    }
    Settings settings() {
        Settings settings = quiet();
        settings.tokens.keys.secret_files = {
            folder.write("secret", CentrifugeKit::signer().secret())};
        settings.tokens.query_parameter = "token";
        settings.tokens.cookie = "session";
        settings.tokens.subprotocol_prefix = "bearer.";
        return settings;
    }
};

std::string mine_token() {
    return CentrifugeKit::signer().sign(R"({"sub":"42","channels":["mine"]})");
}

/// The ways of a token besides the connect command: what is behind the target, and a field.
std::vector<std::pair<std::string, std::string>> ways_of(const std::string& token) {
    return {{"", "Authorization: Bearer " + token + "\r\n"},
            {"", "Cookie: a=b; session=" + token + "\r\n"},
            {"token=" + token, ""}};
}

const std::string nothing_said = R"({"id":1,"connect":{}})";
const std::string mine_subscribed = R"("subs":{"mine":{}})";

}  // namespace

TEST_CASE("a client's token may come with its WebSocket's request, in any of the ways") {
    const ShownTokenServer shown;
    const auto connected = [&](const std::string& query, const std::string& fields) {
        SocketClient client{shown.url};
        const auto response =
            client.request({.target = "/connection/websocket?" + query, .fields = fields});
        CHECK(response.status == 101);
        client.send(test::text_frame(nothing_said));
        CHECK(client.message().contains(mine_subscribed));
        return response.field("sec-websocket-protocol");
    };
    const std::string token = mine_token();
    for (const auto& [query, fields] : ways_of(token)) CHECK(!connected(query, fields));
    const std::string offered = "Sec-WebSocket-Protocol: bearer." + token;
    CHECK(connected("", offered + ", centrifuge-json\r\n") == "centrifuge-json");
    // A browser wants one of those that it has offered.
    CHECK(connected("", offered + "\r\n") == "bearer." + token);

    SocketClient listening{shown.url};
    listening.open({.target = "/connection/uni_websocket?cf_connect=%7B%7D&token=" + token});
    CHECK(listening.message().contains(mine_subscribed));
}

TEST_CASE("a client's token may come with the request for a stream") {
    const ShownTokenServer shown;
    for (const auto& [query, fields] : ways_of(mine_token())) {
        for (const test::PlainRequest& request :
             {test::PlainRequest{.method = "POST",
                                 .target = "/connection/http_stream?" + query,
                                 .fields = fields,
                                 .body = nothing_said},
              {.target =
                   "/connection/sse?cf_connect=%7B%22id%22:1,%22connect%22:%7B%7D%7D&" + query,
               .fields = fields},
              {.method = "POST",
               .target = "/connection/uni_http_stream?" + query,
               .fields = fields,
               .body = "{}"},
              {.target = "/connection/uni_sse?" + query, .fields = fields}}) {
            CAPTURE(request.target);
            test::StreamClient client{shown.url};
            REQUIRE(client.request(request).status == 200);
            std::string heard = client.line();
            while (!heard.contains("connect")) heard = client.line();
            CHECK(heard.contains(mine_subscribed));
        }
    }
}

TEST_CASE("a token that is not in order opens no session, whatever the connect command would say") {
    const ShownTokenServer shown{CentrifugePolicy{.anonymous = TopicAccess::publish}};
    for (const auto& [token, why] : std::vector<std::pair<std::string, std::string>>{
             {"forged", "the token is not valid\n"},
             {CentrifugeKit::signer().sign(R"({"exp":1})"), "the token has expired\n"}}) {
        for (const auto& [query, fields] : ways_of(token)) {
            SocketClient socket{shown.url};
            const auto refused =
                socket.request({.target = "/connection/websocket?" + query, .fields = fields});
            CHECK(refused.status == 401);
            CHECK(refused.body == why);
            CHECK(refused.field("www-authenticate") == R"(Bearer error="invalid_token")");
            const auto streamed =
                test::ask_once(shown.url, {.method = "POST",
                                           .target = "/connection/http_stream?" + query,
                                           .fields = fields,
                                           .body = nothing_said});
            CHECK(streamed.status == 401);
            CHECK(streamed.body == why);
            CHECK(streamed.field("www-authenticate") == R"(Bearer error="invalid_token")");
        }
    }
    SocketClient nobody{shown.url};
    nobody.open({.target = "/connection/websocket"});
    nobody.send(test::text_frame(nothing_said));
    CHECK(nobody.message().contains(R"("client":)"));
}

TEST_CASE("the token of the connect command comes before the one that was shown") {
    const ShownTokenServer shown;
    SocketClient client{shown.url};
    client.open({.target = "/connection/websocket?token=" + mine_token()});
    client.send(test::text_frame(CentrifugeKit::connect(R"({"sub":"7","channels":["other"]})")));
    const std::string heard = client.message();
    CHECK(heard.contains(R"("subs":{"other":{}})"));
}

TEST_CASE("a client cannot renew what it has shown: it is not told to, and ends with it") {
    CentrifugeKit kit{{.users = TopicAccess::publish, .ping_interval = 0s}};
    const auto come_showing = [&](const std::string& claims) {
        const shard::ShardClient client = kit.accept(0);
        kit.send(client, encode(test::UpgradeRequest{
                             .target = "/connection/websocket",
                             .fields = "Authorization: Bearer " +
                                       CentrifugeKit::signer().sign(claims) + "\r\n"}));
        kit.settle();
        REQUIRE(kit.response(client) == 101);
        kit.say(client, nothing_said);
        kit.settle();
        CHECK(kit.heard(client) == R"({"id":1,"connect":{"client":"ID"}})");
        return client;
    };
    const std::string for_a_minute =
        R"({"sub":"7","exp":)" + std::to_string(CentrifugeKit::wall_now + 60) + "}";
    const auto client = come_showing(for_a_minute), refreshing = come_showing(for_a_minute),
               lasting = come_showing(R"({"sub":"7"})");
    kit.say(refreshing, CentrifugeKit::with_token(2, "refresh", {}, for_a_minute));
    kit.settle();
    CHECK(kit.heard(refreshing) == "close:3501:bad request");
    kit.pass(59s);
    CHECK(kit.heard(client) == "");
    kit.pass(2s);
    CHECK(kit.heard(client) == "close:3005:connection expired");
    kit.pass(30s);
    CHECK(kit.heard(lasting) == "");
}
