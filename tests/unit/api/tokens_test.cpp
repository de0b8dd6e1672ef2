// Clients that show a token as they come: who they are, what they may do, and for how long.

#include <chrono>
#include <cstdint>
#include <doctest/doctest.h>
#include <optional>
#include <string>
#include <utility>

#include "support/folder.hpp"
#include "support/token_signer.hpp"
#include "unit/api/server_kit.hpp"

using namespace ringcast;
using ringcast::test::Folder;
using ringcast::test::TokenSigner;

namespace {

const TokenSigner token_signer{auth::Algorithm::hs256, std::string(32, 's')};

/// A server's folder with the secret, and settings that name it.
struct TokenKit {
    Folder folder;
    Settings settings = quiet();

    TokenKit() {
        settings.tokens.keys.secret_files = {folder.write("secret", token_signer.secret())};
        settings.tokens.query_parameter = "token";
        settings.tokens.cookie = "session";
        settings.tokens.subprotocol_prefix = "bearer.";
    }
};

std::int64_t seconds_from_now(std::int64_t seconds) {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    return now.time_since_epoch().count() + seconds;
}

test::ServerResponse response_to(const std::string& url, test::UpgradeRequest request) {
    SocketClient client{url};
    return client.request(request);
}

int status_with(const std::string& url, const std::string& target, const std::string& claims) {
    return response_to(url, {.target = target + "?token=" + token_signer.sign(claims)}).status;
}

/// Says who somebody is.
struct WhoAmI {
    struct State {
        std::string name;
    };
    Admission<State> on_upgrade(Upgrade& upgrade) {
        const User* const user = upgrade.user();
        if (user == nullptr) return State{"nobody"};
        std::string topics;
        for (const std::string& topic : user->topics) topics += " " + topic;
        return State{user->name + " " + user->token_id + " " + user->info + " " + user->meta +
                     topics + (user->expires_at ? " for a time" : "")};
    }
    void on_message(Session<State>& session, Message) { session.send(session->name); }
};

}  // namespace

TEST_CASE("a handler is told who a client is by its token") {
    TokenKit kit;
    Server server{kit.settings};
    server.mount<WhoAmI>("/who");
    const std::string url = started(server);
    const auto answer = [&](const std::string& target) {
        SocketClient client{url};
        client.open({.target = target});
        client.send(test::text_frame("?"));
        return client.message();
    };
    CHECK(answer("/who") == "nobody");
    CHECK(answer("/who?token=" +
                 token_signer.sign(R"({"sub":"42","jti":"x","info":{"a":1},"meta":{"b":2},)"
                                   R"("subs":{"s":{}},"channels":["c"],"exp":)" +
                                   std::to_string(seconds_from_now(1000)) + "}")) ==
          R"(42 x {"a":1} {"b":2} c s for a time)");
    CHECK(response_to(url, {.target = "/who?token=forged"}).status == 401);
}

TEST_CASE("a token grants its topics, its user what users may do, and nobody else anything") {
    TokenKit kit;
    Server server{kit.settings};
    server.mount_topics("/granted", {});
    server.mount_topics("/users", {.users = TopicAccess::subscribe});
    server.mount_topics("/open", {.anonymous = TopicAccess::publish});
    const std::string url = started(server);
    const std::string user = R"({"sub":"42","channels":["a"]})", nobody = R"({"sub":""})";
    CHECK(status_with(url, "/granted/a", user) == 101);
    CHECK(status_with(url, "/granted/b", user) == 403);
    CHECK(status_with(url, "/users/b", user) == 101);
    CHECK(status_with(url, "/users/b", nobody) == 403);
    CHECK(status_with(url, "/open/b", user) == 101);
    CHECK(response_to(url, {.target = "/granted/a"}).status == 403);
    CHECK(response_to(url, {.target = "/users/b"}).status == 403);
    CHECK(response_to(url, {.target = "/open/b"}).status == 101);
}

TEST_CASE("what users may publish, a topic that a token grants may not be") {
    TokenKit kit;
    Server server{kit.settings};
    server.mount_topics("/topics", {.users = TopicAccess::publish});
    server.mount_topics("/granted", {});
    const std::string url = started(server);
    const std::string token = "?token=" + token_signer.sign(R"({"sub":"42","channels":["a"]})");
    SocketClient writer{url}, reader{url};
    writer.open({.target = "/topics/a" + token});
    writer.send(test::text_frame("hello"));
    CHECK(writer.message() == "hello");
    reader.open({.target = "/granted/a" + token});
    reader.send(test::text_frame("me too"));
    CHECK(reader.close_code() == 1008);
}

TEST_CASE("a token that is not in order is refused, whatever everybody may do") {
    TokenKit kit;
    Server server{kit.settings};
    server.mount_topics("/topics", {.anonymous = TopicAccess::publish});
    const std::string url = started(server);
    const auto refused = [&](const std::string& token) {
        const auto response = response_to(url, {.target = "/topics/a?token=" + token});
        CHECK(response.status == 401);
        CHECK(response.field("www-authenticate") == R"(Bearer error="invalid_token")");
        return response.body;
    };
    CHECK(refused("") == "the token is not valid\n");
    CHECK(refused("a.b.c") == "the token is not valid\n");
    CHECK(refused(TokenSigner{auth::Algorithm::hs256}.sign("{}")) == "the token is not valid\n");
    CHECK(refused(token_signer.sign(R"({"exp":1})")) == "the token has expired\n");
    // Who has no key learns nothing about what a forged token says.
    CHECK(refused(TokenSigner{auth::Algorithm::hs256}.sign(R"({"exp":1})")) ==
          "the token is not valid\n");
    CHECK(refused(token_signer.sign(R"({"nbf":)" + std::to_string(seconds_from_now(1000)) + "}")) ==
          "the token is not valid\n");
}

TEST_CASE("a token may come in a field, a cookie, a subprotocol or the query") {
    TokenKit kit;
    Server server{kit.settings};
    server.mount_topics("/topics", {.users = TopicAccess::subscribe});
    const std::string url = started(server);
    const std::string token = token_signer.sign(R"({"sub":"42"})");
    const auto response_with = [&](const std::string& field) {
        return response_to(url, {.target = "/topics/a", .fields = field + "\r\n"});
    };
    CHECK(response_with("Authorization: Bearer " + token).status == 101);
    CHECK(response_with("Cookie: session=" + token).status == 101);
    const auto beside = response_with("Sec-WebSocket-Protocol: bearer." + token + ", json, text");
    CHECK(beside.status == 101);
    CHECK(beside.field("sec-websocket-protocol") == "json");
    const auto alone = response_with("Sec-WebSocket-Protocol: bearer." + token);
    CHECK(alone.field("sec-websocket-protocol") == "bearer." + token);
    CHECK(status_with(url, "/topics/a", R"({"sub":"42"})") == 101);
}

TEST_CASE("a session ends with the token that it was opened with") {
    on_each_io([](Io io) {
        TokenKit kit;
        Settings settings = kit.settings;
        settings.io = io;
        Server server{settings};
        server.mount_topics("/topics", {.users = TopicAccess::publish});
        const std::string url = started(server);
        const auto token_until = [](std::int64_t time) {
            return "/topics/a?token=" +
                   token_signer.sign(R"({"sub":"42","exp":)" + std::to_string(time) + "}");
        };
        SocketClient lasting{url}, ending{url};
        lasting.open({.target = token_until(seconds_from_now(1000))});
        ending.open({.target = token_until(seconds_from_now(3))});
        CHECK(ending.close_code() == 3005);
        lasting.send(test::text_frame("still here"));
        CHECK(lasting.message() == "still here");
    });
}

TEST_CASE("whoever floods is no longer there than its token says") {
    TokenKit kit;
    kit.settings.message_rate = 1;
    Server server{kit.settings};
    server.mount_topics("/topics", {.users = TopicAccess::publish});
    const std::string url = started(server);
    SocketClient client{url};
    client.open({.target = "/topics/a?token=" +
                           token_signer.sign(R"({"sub":"42","exp":)" +
                                             std::to_string(seconds_from_now(3)) + "}")});
    for (int i = 0; i < 100; ++i) client.send(test::ping_frame("x"));
    std::optional<std::uint16_t> code;
    while (!code) code = client.frame().close_code();
    CHECK(code == 3005);
}

TEST_CASE("keys are read again when the program asks for it") {
    TokenKit kit;
    Server server{kit.settings};
    server.mount_topics("/topics", {.users = TopicAccess::subscribe});
    const std::string url = started(server);
    const TokenSigner next{auth::Algorithm::hs256, std::string(32, 'n')};
    (void)kit.folder.write("secret", next.secret());
    server.reload_tokens();
    CHECK(response_to(url, {.target = "/topics/a?token=" + next.sign(R"({"sub":"1"})")}).status ==
          101);
    CHECK(status_with(url, "/topics/a", R"({"sub":"1"})") == 401);
}
