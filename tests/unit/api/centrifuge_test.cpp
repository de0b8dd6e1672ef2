// Clients of the Centrifuge protocol, over sockets: what they may say when, and the codes with
// which everything else is answered. What the protocol's own client does is in tests/interop.

#include <algorithm>
#include <chrono>
#include <doctest/doctest.h>
#include <string>
#include <string_view>
#include <vector>

#include "support/folder.hpp"
#include "support/token_signer.hpp"
#include "unit/api/server_kit.hpp"

using namespace ringcast;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view connect_command = R"({"connect":{},"id":1})";

Server& mounted(Server& server, const CentrifugePolicy& policy) {
    server.mount_centrifuge("/connection/", policy);
    server.mount_topics("/topics", {.anonymous = TopicAccess::publish});
    return server;
}

const CentrifugePolicy open_to_all{.anonymous = TopicAccess::publish};

SocketClient opened(const std::string& url) {
    SocketClient client{url};
    client.open({.target = "/connection/websocket"});
    return client;
}

void say(SocketClient& client, std::string_view commands) {
    client.send(test::text_frame(commands));
}

/// A client that is through its connect command.
SocketClient connected(const std::string& url) {
    SocketClient client = opened(url);
    say(client, connect_command);
    CHECK(client.message().starts_with(R"({"id":1,"connect":{"client":")"));
    return client;
}

/// What others are told of a client that was answered so.
std::string client_of(std::string_view connect_reply) {
    return R"({"client":")" + std::string{connect_reply.substr(29, 36)} + R"("})";
}

/// The replies in the next messages, until there are `count`.
std::vector<std::string> replies(SocketClient& client, std::size_t count) {
    std::vector<std::string> lines;
    while (lines.size() < count) {
        std::string message = client.message() + "\n";
        for (std::size_t end; (end = message.find('\n')) != std::string::npos;) {
            if (end > 0) lines.push_back(message.substr(0, end));
            message.erase(0, end + 1);
        }
    }
    return lines;
}

/// "3501 bad request" of the Close that answers `commands`.
std::string ending(SocketClient client, std::string_view commands) {
    if (!commands.empty()) say(client, commands);
    for (;;) {
        const test::ServerFrame frame = client.frame();
        if (frame.opcode != test::opcode_close) continue;
        return std::to_string(frame.close_code().value_or(0)) + " " + frame.payload.substr(2);
    }
}

std::string error(int id, int code, std::string_view message, bool is_temporary = false) {
    return "{\"id\":" + std::to_string(id) + ",\"error\":{\"code\":" + std::to_string(code) +
           ",\"message\":\"" + std::string{message} + "\"" +
           (is_temporary ? ",\"temporary\":true" : "") + "}}";
}

}  // namespace

TEST_CASE("pipelined commands are done in their order, those behind a subscription after it") {
    on_each_io([](Io io) {
        Server server{quiet(io, 2)};
        const std::string url = started(mounted(server, open_to_all));
        SocketClient client = opened(url);
        say(client, R"({"connect":{"name":"js"},"id":1}
{"subscribe":{"channel":"a"},"id":2}
{"publish":{"channel":"a","data":{"n":1}},"id":3}
{"subscribe":{"channel":"b"},"id":4}
{"publish":{"channel":"b","data":"two"},"id":5}
)");
        std::vector<std::string> answers, pushes;
        for (const std::string& reply : replies(client, 7))
            (reply.starts_with(R"({"push")") ? pushes : answers).push_back(reply);
        REQUIRE(answers.size() == 5);
        CHECK(answers[0].starts_with(R"({"id":1,"connect":{"client":")"));
        CHECK(answers[0].ends_with(R"(","ping":25,"pong":true}})"));
        CHECK(answers[1] == R"({"id":2,"subscribe":{}})");
        CHECK(answers[2] == R"({"id":3,"publish":{}})");
        CHECK(answers[3] == R"({"id":4,"subscribe":{}})");
        CHECK(answers[4] == R"({"id":5,"publish":{}})");
        REQUIRE(pushes.size() == 2);
        std::ranges::sort(pushes);  // There is no order between topics.
        const std::string who = client_of(answers[0]);
        CHECK(pushes[0] == R"({"push":{"channel":"a","pub":{"data":{"n":1},"info":)" + who + "}}}");
        CHECK(pushes[1] == R"({"push":{"channel":"b","pub":{"data":"two","info":)" + who + "}}}");
    });
}

TEST_CASE("Protobuf is spoken where the client asks for it, by subprotocol or query") {
    Server server{quiet()};
    const std::string url = started(mounted(server, open_to_all));
    const std::string connect{"\x0b\x08\x01\x22\x07\x22\x02js\x2a\x01\x31", 12};
    for (const char* target :
         {"/connection/websocket?format=protobuf", "/connection/websocket?cf_protocol=protobuf"}) {
        SocketClient client{url};
        client.open({.target = target});
        client.send(test::binary_frame(connect));
        const std::string reply = client.message(test::opcode_binary);
        CHECK(reply.substr(1, 3) == "\x08\x01\x2a");  // id 1, connect
    }
    SocketClient offering{url};
    const auto response = offering.request(
        {.target = "/connection/websocket", .subprotocols = "chat, centrifuge-protobuf"});
    CHECK(response.status == 101);
    CHECK(response.field("sec-websocket-protocol") == std::string{"centrifuge-protobuf"});
    offering.send(test::binary_frame(connect));
    CHECK(offering.message(test::opcode_binary).substr(1, 3) == "\x08\x01\x2a");
}

TEST_CASE("publications cross between plain clients and those of the protocol, by their kind") {
    Server server{quiet(Io::automatic, 2)};
    const std::string url = started(mounted(server, open_to_all));
    SocketClient client = connected(url);
    say(client, R"({"subscribe":{"channel":"mixed"},"id":2})");
    CHECK(client.message() == R"({"id":2,"subscribe":{}})");
    SocketClient plain{url};
    plain.open({.target = "/topics/mixed"});
    say(client, R"({"publish":{"channel":"mixed","data":{"a":[1,2]}},"id":3})");
    CHECK(plain.message() == R"({"a":[1,2]})");
    (void)replies(client, 2);
    plain.send(test::text_frame("a \"text\""));
    CHECK(client.message() == R"({"push":{"channel":"mixed","pub":{"data":"a \"text\""}}})");
    plain.send(test::binary_frame(std::string_view{"\0\xff", 2}));
    CHECK(client.message() ==
          R"({"push":{"channel":"mixed","pub":{"data":"AP8=","tags":{"encoding":"base64"}}}})");
}

TEST_CASE("what may not be said ends the connection with the code that the protocol has for it") {
    Server server{quiet()};
    const std::string url = started(mounted(server, open_to_all));
    CHECK(ending(opened(url), R"({"subscribe":{"channel":"a"},"id":1})") == "3501 bad request");
    CHECK(ending(connected(url), R"({"connect":{},"id":2})") == "3501 bad request");
    CHECK(ending(opened(url), "{") == "3501 bad request");
    CHECK(ending(opened(url), "\n") == "3501 bad request");
    SocketClient silent = connected(url);
    say(silent, "");
    CHECK(ending(std::move(silent), "") == "3501 bad request");
    CHECK(ending(opened(url), R"({"connect":{},"id":1,"id":2})") == "3501 bad request");
    CHECK(ending(connected(url), "{}") == "3501 bad request");  // A pong without a ping.
    CHECK(ending(connected(url), R"({"subscribe":{},"id":2})") == "3501 bad request");
    CHECK(ending(connected(url), R"({"refresh":{"token":"x"},"id":2})") == "3501 bad request");
    CHECK(ending(opened(url), R"({"connect":{"token":"a.b.c"},"id":1})") == "3500 invalid token");
    SocketClient binary = opened(url);
    binary.send(test::binary_frame("x"));
    CHECK(ending(std::move(binary), {}) == "3506 inappropriate protocol");
    const auto ending_of_protobuf = [&](const std::string& frame) {
        SocketClient client{url};
        client.open({.target = "/connection/websocket?format=protobuf"});
        client.send(frame);
        return ending(std::move(client), {});
    };
    using namespace std::string_view_literals;
    for (const std::string_view malformed :
         {"\xff"sv,                  // A length without its end.
          "\x05\x08\x01"sv,          // Less than its length.
          "\x04\x08\x01\x22\x07"sv,  // A connect that is longer than its command.
          "\x02\x08\x01"sv,          // A command without a method.
          "\x02\x0f\x01"sv,          // No wire type.
          ""sv})
        CHECK(ending_of_protobuf(test::binary_frame(malformed)) == "3501 bad request");
    CHECK(ending_of_protobuf(test::text_frame(connect_command)) == "3506 inappropriate protocol");
    SocketClient long_winded = opened(url);
    say(long_winded, std::string((64 << 10) + 1, ' '));
    CHECK(long_winded.close_code() == 1009);
}

TEST_CASE("whom the policy does not let in is told so") {
    Server server{quiet()};
    const std::string url = started(mounted(server, {}));
    CHECK(ending(opened(url), connect_command) == "3507 permission denied");
}

TEST_CASE("commands that cannot be done are answered with an error, and the rest goes on") {
    Server server{quiet()};
    const std::string url =
        started(mounted(server, {.anonymous = TopicAccess::subscribe, .subscriptions_max = 1}));
    SocketClient client = connected(url);
    say(client, R"({"subscribe":{"channel":"a"},"id":2}
{"subscribe":{"channel":"a"},"id":3}
{"subscribe":{"channel":"b"},"id":4}
{"publish":{"channel":"a","data":1},"id":5}
{"history":{"channel":"a"},"id":6}
{"presence":{"channel":"a"},"id":7}
{"rpc":{"method":"m"},"id":8}
{"unknown":{},"id":9}
{"unsubscribe":{"channel":"a"},"id":10}
{"subscribe":{"channel":"ns:a"},"id":11}
{"subscribe":{"channel":"$a"},"id":12}
{"subscribe":{"channel":"\u0001"},"id":13}
{"ping":{},"id":14})");
    const auto answers = replies(client, 13);
    CHECK(answers[0] == R"({"id":2,"subscribe":{}})");
    CHECK(answers[1] == error(3, 105, "already subscribed"));
    CHECK(answers[2] == error(4, 106, "limit exceeded"));
    CHECK(answers[3] == error(5, 103, "permission denied"));
    CHECK(answers[4] == error(6, 108, "not available"));
    CHECK(answers[5] == error(7, 108, "not available"));
    CHECK(answers[6] == error(8, 108, "not available"));
    CHECK(answers[7] == error(9, 104, "method not found"));
    CHECK(answers[8] == R"({"id":10,"unsubscribe":{}})");
    CHECK(answers[9] == error(11, 102, "unknown channel"));
    CHECK(answers[10] == error(12, 102, "unknown channel"));
    CHECK(answers[11] == error(13, 107, "bad request"));
    CHECK(answers[12] == R"({"id":14,"ping":{}})");
}

TEST_CASE("who says nothing is closed, and so is who does not answer a ping") {
    Server server{quiet()};
    const std::string url = started(mounted(server, {.anonymous = TopicAccess::publish,
                                                     .ping_interval = 1s,
                                                     .pong_timeout = 50ms,
                                                     .stale_timeout = 50ms}));
    CHECK(ending(opened(url), {}) == "3502 stale");
    SocketClient silent = connected(url);
    SocketClient answering = connected(url);
    CHECK(answering.message() == "{}");
    say(answering, "{}");
    CHECK(ending(std::move(silent), {}) == "3012 no pong");
    CHECK(answering.message() == "{}");  // The next one.
}

TEST_CASE("a token says who a client is, what it may do, and for how long") {
    const test::TokenSigner signer{auth::Algorithm::hs256, std::string(32, 's')};
    const test::Folder folder;
    Settings settings = quiet();
    settings.tokens.keys.secret_files = {folder.write("secret", signer.secret())};
    Server server{settings};
    const std::string url = started(mounted(server, {.users = TopicAccess::publish}));
    const auto token = [&](const std::string& claims) { return signer.sign(claims); };
    const auto command = [](std::string_view method, std::string_view fields,
                            const std::string& text, int id) {
        return R"({")" + std::string{method} + R"(":{)" + std::string{fields} + R"("token":")" +
               text + R"("},"id":)" + std::to_string(id) + "}";
    };
    const auto unix_now = std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::system_clock::now().time_since_epoch());
    const std::string soon = std::to_string(unix_now.count() + 600);

    CHECK(ending(opened(url), connect_command) == "3507 permission denied");
    CHECK(ending(opened(url), command("connect", "", token(R"({"sub":"7"})") + "x", 1)) ==
          "3500 invalid token");
    SocketClient late = opened(url);
    say(late, command("connect", "", token(R"({"sub":"7","exp":1})"), 1));
    CHECK(late.message() == error(1, 109, "token expired"));

    SocketClient client = opened(url);
    say(client, command("connect", "", token(R"({"sub":"7","exp":)" + soon + "}"), 1));
    CHECK(client.message().find(R"("expires":true,"ttl":600)") != std::string::npos);
    say(client, command("refresh", "", token(R"({"sub":"7"})"), 2));
    CHECK(client.message().starts_with(R"({"id":2,"refresh":{"client":")"));
    say(client, command("subscribe", R"("channel":"a",)",
                        token(R"({"sub":"7","channel":"a","exp":)" + soon + "}"), 3));
    CHECK(client.message() == R"({"id":3,"subscribe":{"expires":true,"ttl":600}})");
    say(client,
        command("subscribe", R"("channel":"b",)", token(R"({"sub":"7","channel":"a"})"), 4));
    CHECK(client.message() == error(4, 103, "permission denied"));
    say(client, command("sub_refresh", R"("channel":"a",)",
                        token(R"({"sub":"7","channel":"a","exp":1})"), 5));
    CHECK(client.message() == error(5, 109, "token expired"));
    say(client, R"({"publish":{"channel":"a","data":1},"id":6})");
    CHECK(replies(client, 2).size() == 2);
    SocketClient other = opened(url);
    say(other, command("connect", "", token(R"({"sub":"7","exp":)" + soon + "}"), 1));
    (void)other.message();
    CHECK(ending(std::move(other), command("refresh", "", token(R"({"sub":"8"})"), 2)) ==
          "3500 invalid token");
}

TEST_CASE("who asks for much at once gets it as it reads, and is not slow") {
    on_each_io([](Io io) {
        Settings settings = quiet(io, 2);
        settings.history_size = 20;
        Server server{settings};
        const std::string url = started(mounted(server, open_to_all));
        SocketClient client = connected(url);
        say(client, R"({"subscribe":{"channel":"a"},"id":2})");
        (void)client.message();
        const std::string data = '"' + std::string(20'000, 'x') + '"';
        for (int i = 0; i < 20; ++i) {
            say(client, R"({"publish":{"channel":"a","data":)" + data + R"(},"id":3})");
            CHECK(replies(client, 2).size() == 2);
        }
        // 60 histories of 400 KB, of which the client reads nothing until all are asked for.
        std::string commands;
        for (int id = 10; id < 70; ++id)
            commands +=
                R"({"history":{"channel":"a","limit":-1},"id":)" + std::to_string(id) + "}\n";
        say(client, commands + R"({"ping":{},"id":70})");
        say(client, R"({"ping":{},"id":71})");
        for (int id = 10; id < 70; ++id) {
            const std::string reply = client.message();
            CHECK(reply.starts_with(R"({"id":)" + std::to_string(id) +
                                    R"(,"history":{"publications":[)"));
            CHECK(reply.size() > 400'000);
        }
        CHECK(replies(client, 2) ==
              std::vector<std::string>{R"({"id":70,"ping":{}})", R"({"id":71,"ping":{}})"});
    });
}

TEST_CASE("subscribers are told who has published, as its tokens say, live and from history") {
    const test::TokenSigner signer{auth::Algorithm::hs256, std::string(32, 's')};
    const test::Folder folder;
    Settings settings = quiet(Io::automatic, 2);
    settings.history_size = 10;
    settings.tokens.keys.secret_files = {folder.write("secret", signer.secret())};
    Server server{settings};
    const std::string url = started(mounted(server, {.users = TopicAccess::publish}));
    const auto say_with = [&](SocketClient& client, std::string_view start,
                              const std::string& claims, std::string_view end) {
        say(client, std::string{start} + signer.sign(claims) + std::string{end});
    };
    SocketClient ann = opened(url), bob = opened(url);
    say_with(ann, R"({"connect":{"token":")",
             R"({"sub":"ann","info":{"name":"Ann"},"subs":{"b":{"info":[2]}}})", R"("},"id":1})");
    const std::string connected = ann.message();
    const std::string id = connected.substr(29, 36);
    say_with(ann, R"({"subscribe":{"channel":"a","token":")",
             R"({"sub":"ann","channel":"a","b64info":"AP8="})", R"("},"id":2})");
    (void)ann.message();
    say_with(bob, R"({"connect":{"token":")", R"({"sub":"bob"})", R"("},"id":1})");
    say(bob, R"({"subscribe":{"channel":"a"},"id":2}
{"subscribe":{"channel":"b"},"id":3}
{"subscribe":{"channel":"c"},"id":4})");
    (void)replies(bob, 4);

    const std::string who =
        R"(,"info":{"user":"ann","client":")" + id + R"(","conn_info":{"name":"Ann"})";
    say(ann, R"({"publish":{"channel":"a","data":1},"id":3})");
    CHECK(bob.message() == R"({"push":{"channel":"a","pub":{"data":1)" + who +
                               R"(,"chan_info":"AP8="},"offset":1}}})");
    (void)replies(ann, 2);
    // Not of a topic that it is not in.
    say(ann, R"({"publish":{"channel":"c","data":2},"id":4})");
    CHECK(bob.message() ==
          R"({"push":{"channel":"c","pub":{"data":2)" + who + R"(},"offset":1}}})");
    say(ann, R"({"publish":{"channel":"b","data":3},"id":6})");
    CHECK(bob.message() ==
          R"({"push":{"channel":"b","pub":{"data":3)" + who + R"(,"chan_info":[2]},"offset":1}}})");

    // A plain client has published this one, and sees the others without a word of whom.
    SocketClient plain{url};
    plain.open({.target = "/topics/a?last=1"});
    CHECK(plain.message().starts_with(R"({"epoch":)"));
    CHECK(plain.message() == "1");
    plain.send(test::text_frame("4"));
    CHECK(bob.message() == R"({"push":{"channel":"a","pub":{"data":"4","offset":2}}})");
    CHECK(plain.message() == "4");

    say(bob, R"({"history":{"channel":"a","limit":10},"id":4})");
    CHECK(
        bob.message().starts_with(R"({"id":4,"history":{"publications":[{"data":1)" + who +
                                  R"(,"chan_info":"AP8="},"offset":1},{"data":"4","offset":2}])"));
    SocketClient late = opened(url);
    say_with(late, R"({"connect":{"token":")", R"({"sub":"bob"})", R"("},"id":1})");
    say(late, R"({"subscribe":{"channel":"b","recover":true,"offset":0},"id":2})");
    CHECK(replies(late, 2)[1].find(R"("publications":[{"data":3)" + who +
                                   R"(,"chan_info":[2]},"offset":1}])") != std::string::npos);
}

TEST_CASE("subscribers ask who is there, and hear who comes and goes, as the settings say") {
    Settings settings = quiet(Io::automatic, 2);
    settings.presence = settings.join_leave = true;
    settings.namespaces = {{.name = "told",
                            .join_leave = true,
                            .force_push_join_leave = true,
                            .subscribe = TopicAudience::anyone},
                           {.name = "off", .subscribe = TopicAudience::anyone}};
    Server server{settings};
    const std::string url = started(mounted(server, open_to_all));
    SocketClient ann = opened(url), bob = opened(url);
    say(ann, connect_command);
    const std::string ann_is = client_of(ann.message());
    say(bob, connect_command);
    const std::string bob_is = client_of(bob.message());
    const auto id_of = [](const std::string& client) { return client.substr(10, 38); };
    const auto event = [](std::string_view channel, std::string_view what,
                          const std::string& client) {
        return R"({"push":{"channel":")" + std::string{channel} + R"(",")" + std::string{what} +
               R"(":{"info":)" + client + "}}}";
    };

    say(ann, R"({"subscribe":{"channel":"a","join_leave":true},"id":2})");
    CHECK(ann.message() == R"({"id":2,"subscribe":{}})");
    CHECK(ann.message() == event("a", "join", ann_is));
    say(bob, R"({"presence":{"channel":"a"},"id":2})");
    CHECK(bob.message() == error(2, 103, "permission denied"));
    say(bob, R"({"subscribe":{"channel":"a"},"id":3})");
    CHECK(bob.message() == R"({"id":3,"subscribe":{}})");
    CHECK(ann.message() == event("a", "join", bob_is));
    say(bob, R"({"presence":{"channel":"a"},"id":4}
{"presence_stats":{"channel":"a"},"id":5})");
    const auto answers = replies(bob, 2);
    CHECK(answers[0] == R"({"id":4,"presence":{"presence":{)" + id_of(ann_is) + ":" + ann_is + "," +
                            id_of(bob_is) + ":" + bob_is + "}}}");
    CHECK(answers[1] == R"({"id":5,"presence_stats":{"num_clients":2,"num_users":1}})");
    // Whoever has not asked for that hears of nobody, but where everybody does.
    say(ann, R"({"unsubscribe":{"channel":"a"},"id":3}
{"subscribe":{"channel":"told:a"},"id":4})");
    CHECK(replies(ann, 3)[2] == event("told:a", "join", ann_is));
    say(bob, R"({"subscribe":{"channel":"told:a"},"id":6}
{"presence":{"channel":"told:a"},"id":7}
{"subscribe":{"channel":"off:a","join_leave":true},"id":8}
{"presence_stats":{"channel":"off:a"},"id":9})");
    const auto others = replies(bob, 5);
    CHECK(others[0] == R"({"id":6,"subscribe":{}})");
    CHECK(std::ranges::count(others, event("told:a", "join", bob_is)) == 1);
    CHECK(std::ranges::count(others, error(7, 108, "not available")) == 1);
    CHECK(std::ranges::count(others, error(9, 108, "not available")) == 1);
    CHECK(ann.message() == event("told:a", "join", bob_is));
    say(bob, "{}");  // What ends the connection.
    CHECK(ann.message() == event("told:a", "leave", bob_is));
}

TEST_CASE("a token may hide its bearer, or show it where others are not") {
    const test::TokenSigner signer{auth::Algorithm::hs256, std::string(32, 's')};
    const test::Folder folder;
    Settings settings = quiet();
    settings.presence = true;
    settings.presence_clients_max = 1;
    settings.tokens.keys.secret_files = {folder.write("secret", signer.secret())};
    Server server{settings};
    const std::string url = started(mounted(server, open_to_all));
    const auto subscribe = [&](const std::string& claims) {
        return R"({"subscribe":{"channel":"a","token":")" +
               signer.sign(R"({"sub":"","channel":"a")" + claims + "}") + R"("},"id":2})";
    };
    SocketClient hidden = connected(url), seen = connected(url), crowd = connected(url);
    say(hidden, subscribe(R"(,"override":{"presence":{"value":false},)"
                          R"("force_push_join_leave":{"value":true}})"));
    CHECK(hidden.message() == R"({"id":2,"subscribe":{}})");
    say(seen, subscribe(R"(,"info":7,"override":{"join_leave":{"value":true}})"));
    CHECK(seen.message() == R"({"id":2,"subscribe":{}})");
    const std::string join = hidden.message();
    CHECK(join.starts_with(R"({"push":{"channel":"a","join":{"info":{"client":")"));
    CHECK(join.ends_with(R"(","chan_info":7}}}})"));
    say(crowd, R"({"subscribe":{"channel":"a"},"id":2}
{"subscribe":{"channel":"b"},"id":3})");
    CHECK(replies(crowd, 2) ==
          std::vector<std::string>{error(2, 106, "limit exceeded"), R"({"id":3,"subscribe":{}})"});
    say(hidden, R"({"presence_stats":{"channel":"a"},"id":3})");
    CHECK(hidden.message() == R"({"id":3,"presence_stats":{"num_clients":1,"num_users":1}})");
}
