// Clients of the Centrifuge protocol for whom WebSocket is blocked, and those that only listen,
// over sockets. What the protocol's own client does is in tests/interop.

#include <chrono>
#include <doctest/doctest.h>
#include <string>
#include <string_view>

#include "support/folder.hpp"
#include "support/stream_client.hpp"
#include "support/token_signer.hpp"
#include "unit/api/server_kit.hpp"

using namespace ringcast;
using namespace std::chrono_literals;
using test::ask_once;
using test::StreamClient;

namespace {

const std::string connect_json = R"({"connect":{},"id":1})";

std::string serve(Server& server,
                  const CentrifugePolicy& policy = {.anonymous = TopicAccess::publish}) {
    server.mount_centrifuge("/connection", policy);
    server.mount_topics("/topics", {.anonymous = TopicAccess::publish});
    return started(server);
}

/// The text of a member of a JSON object.
std::string member(const std::string& json, const std::string& name) {
    const std::string key = "\"" + name + "\":\"";
    const std::size_t at = json.find(key);
    REQUIRE_MESSAGE(at != std::string::npos, json);
    const std::size_t begin = at + key.size();
    return json.substr(begin, json.find('"', begin) - begin);
}

std::string escaped(std::string_view text) {
    std::string result;
    for (const char c : text) {
        if (c == '"' || c == '\\') result += '\\';
        result += c == '\n' ? std::string{"\\n"} : std::string{c};
    }
    return result;
}

/// A client of http_stream or sse that is connected.
class Emulated {
public:
    Emulated(const std::string& url, const std::string& transport)
        : url_{url}, is_sse_{transport == "sse"}, stream_{url} {
        const auto response = stream_.request(
            is_sse_
                ? test::PlainRequest{.target = "/connection/sse?cf_connect=%7B%22connect%22%3A"
                                               "%7B%7D,%22id%22:1%7D"}
                : test::PlainRequest{
                      .method = "POST", .target = "/connection/http_stream", .body = connect_json});
        REQUIRE(response.status == 200);
        CHECK(response.field("x-accel-buffering") == "no");
        CHECK(response.field("content-type") ==
              (is_sse_ ? "text/event-stream; charset=utf-8" : "application/json"));
        if (is_sse_) CHECK(stream_.until("\n") == "\r\n");
        connected = reply();
        session = member(connected, "session");
        node = member(connected, "node");
    }
    std::string reply() {
        if (!is_sse_) return stream_.line();
        std::string event = stream_.event();
        REQUIRE(event.starts_with("data: "));
        return event.substr(6, event.size() - 8);
    }
    [[nodiscard]] std::string envelope(std::string_view commands) const {
        return R"({"session":")" + session + R"(","node":")" + node + R"(","data":")" +
               escaped(commands) + "\"}";
    }
    /// On a connection of its own, which any shard may have.
    int say(std::string_view commands) const {
        return ask_once(url_, {.method = "POST",
                               .target = "/emulation",
                               .fields = "Content-Type: application/json\r\n",
                               .body = envelope(commands)})
            .status;
    }
    std::string rest() { return stream_.rest(); }

    std::string connected, session, node;

private:
    std::string url_;
    bool is_sse_;
    StreamClient stream_;
};

}  // namespace

TEST_CASE("a client without WebSocket is told on a stream and speaks by posting") {
    on_each_io([](Io io) {
        for (const std::string transport : {"http_stream", "sse"}) {
            CAPTURE(transport);
            Server server{quiet(io, 2)};
            const std::string url = serve(server);
            Emulated client{url, transport};
            CHECK(client.connected.starts_with(R"({"id":1,"connect":{"client":")"));
            CHECK(client.session.size() == 46);
            CHECK(client.say("{\"subscribe\":{\"channel\":\"a\"},\"id\":2}\n"
                             "{\"publish\":{\"channel\":\"a\",\"data\":{\"n\":1}},\"id\":3}") ==
                  204);
            CHECK(client.reply() == R"({"id":2,"subscribe":{}})");
            std::string two[] = {client.reply(), client.reply()};
            if (two[0].starts_with(R"({"push")")) std::swap(two[0], two[1]);
            CHECK(two[0] == R"({"id":3,"publish":{}})");
            CHECK(two[1].starts_with(R"({"push":{"channel":"a","pub":{"data":{"n":1},"info":{)"));
            for (int id = 4; id < 30; ++id) {  // Wherever the kernel sends each connection.
                const std::string number = std::to_string(id);
                CHECK(client.say(R"({"ping":{},"id":)" + number + "}") == 204);
                CHECK(client.reply() == R"({"id":)" + number + R"(,"ping":{}})");
            }
            SocketClient socket{url};
            socket.open({.target = "/topics/a"});
            socket.send(test::text_frame("text"));
            CHECK(client.reply() == R"({"push":{"channel":"a","pub":{"data":"text"}}})");
            server.stop();
            CHECK(client.rest().find(
                      R"({"push":{"disconnect":{"code":3001,"reason":"shutdown"}}})") !=
                  std::string::npos);
        }
    });
}

TEST_CASE("Protobuf streams have replies behind their length") {
    Server server{quiet()};
    const std::string url = serve(server);
    StreamClient client{url};
    const std::string connect{"\x0b\x08\x01\x22\x07\x22\x02js\x2a\x01\x31", 12};
    const auto response = client.request({.method = "POST",
                                          .target = "/connection/http_stream",
                                          .fields = "Content-Type: application/octet-stream\r\n",
                                          .body = connect});
    CHECK(response.status == 200);
    CHECK(response.field("content-type") == "application/octet-stream");
    const std::string begin = client.until("\x08\x01\x2a");  // id 1, connect
    CHECK(begin.size() == 4);
}

TEST_CASE("what is said wrongly ends the stream with the code that the protocol has for it") {
    Server server{quiet()};
    const std::string url = serve(server);
    const auto ending = [&](const std::string& commands) {
        StreamClient client{url};
        CHECK(
            client
                .request({.method = "POST", .target = "/connection/http_stream", .body = commands})
                .status == 200);
        return client.rest();
    };
    const std::string bad = R"({"push":{"disconnect":{"code":3501,"reason":"bad request"}}})"
                            "\n";
    CHECK(ending("nonsense") == bad);
    CHECK(ending(R"({"subscribe":{"channel":"a"},"id":1})") == bad);
    CHECK(ending(R"({"connect":{"token":"a.b.c"},"id":1})") ==
          R"({"push":{"disconnect":{"code":3500,"reason":"invalid token"}}})"
          "\n");
    Emulated client{url, "http_stream"};
    CHECK(client.say(R"({"connect":{},"id":2})") == 204);
    CHECK(client.rest() == bad);
    CHECK(client.say(R"({"ping":{},"id":3})") == 204);  // It is over, as its stream has told.
}

TEST_CASE("only who was told of a session speaks for it") {
    Server server{quiet(Io::automatic, 2)};
    const std::string url = serve(server);
    Emulated client{url, "http_stream"};
    const auto post = [&](const std::string& body, const std::string& fields = {}) {
        return ask_once(url, {.method = "POST",
                              .target = "/connection/emulation",
                              .fields = fields,
                              .body = body})
            .status;
    };
    const std::string command = R"({"publish":{"channel":"a","data":1},"id":9})";
    const std::string good = client.envelope(command);
    const auto with = [&](const std::string& name, const std::string& value) {
        std::string body = good;
        const std::string old = name == "node" ? client.node : client.session;
        return body.replace(body.find(old), old.size(), value);
    };
    std::string forged = client.session;
    forged.back() = forged.back() == '0' ? '1' : '0';
    CHECK(post(with("session", forged)) == 204);
    std::string elsewhere = client.session;
    elsewhere.replace(0, 2, elsewhere[1] == '0' ? "01" : "00");
    CHECK(post(with("session", elsewhere)) == 204);
    CHECK(post(with("session", "")) == 404);
    CHECK(post(with("session", "ff" + client.session.substr(2))) == 404);
    CHECK(post(with("session", client.session + "0")) == 404);
    CHECK(post(with("node", "another")) == 404);
    CHECK(post("") == 400);
    CHECK(post("{") == 400);
    CHECK(post(R"({"session":1})") == 400);
    CHECK(post(good, "Origin: https://evil.test\r\n") == 403);
    CHECK(ask_once(url, {.target = "/emulation"}).status == 405);
    CHECK(post(good) == 204);
    CHECK(client.reply() == R"({"id":9,"publish":{}})");  // And nothing of what was refused.
    CHECK(post(client.envelope(R"({"ping":{},"id":10})")) == 204);
    CHECK(client.reply() == R"({"id":10,"ping":{}})");
}

TEST_CASE("streams have the protocol's pings, and who does not answer by a post is gone") {
    Server server{quiet()};
    const std::string url = serve(server, {.anonymous = TopicAccess::publish,
                                           .ping_interval = 1s,
                                           .pong_timeout = 200ms,
                                           .stale_timeout = 50ms});
    StreamClient stale{url};
    (void)stale.request({.method = "POST", .target = "/connection/http_stream", .body = "\n"});
    Emulated answering{url, "sse"};
    CHECK(answering.reply() == "{}");
    CHECK(answering.say("{}") == 204);
    CHECK(answering.reply() == "{}");
    CHECK(answering.reply() == R"({"push":{"disconnect":{"code":3012,"reason":"no pong"}}})");
}

TEST_CASE("WebSockets have no pings but the protocol's, which say that their clients are there") {
    on_each_io([](Io io) {
        for (const char* const target : {"/connection/websocket", "/connection/uni_websocket"}) {
            CAPTURE(target);
            // Whom the shard would ping would hear that first.
            Settings settings = quiet(io);
            settings.ping_interval = 10ms;
            settings.idle_timeout = 200ms;
            Server server{settings};
            SocketClient silent{serve(server, {.ping_interval = 0s})};
            silent.open({.target = target});
            CHECK(silent.close_code() == 1001);
        }
        Server server{quiet(io)};
        SocketClient listening{
            serve(server, {.anonymous = TopicAccess::subscribe, .ping_interval = 1s})};
        listening.open({.target = "/connection/uni_websocket?cf_connect=%7B%7D"});
        CHECK(listening.message().find("\"ping\"") == std::string::npos);
        CHECK(listening.message(test::opcode_ping).empty());
    });
}

TEST_CASE("who only listens connects with its request, and gets pushes that stand alone") {
    on_each_io([](Io io) {
        Server server{quiet(io)};
        const std::string url =
            serve(server, {.anonymous = TopicAccess::publish, .ping_interval = 1s});
        const auto is_connect = [](const std::string& push) {
            return push.starts_with(R"({"connect":{"client":")") &&
                   push.find("\"pong\"") == std::string::npos &&
                   push.find("\"session\"") == std::string::npos;
        };
        StreamClient lines{url};
        CHECK(lines
                  .request({.method = "POST",
                            .target = "/connection/uni_http_stream",
                            .body = R"({"name":"x"})"})
                  .status == 200);
        CHECK(is_connect(lines.line()));
        CHECK(lines.line() == "{}");
        StreamClient silent{url};
        CHECK(silent.request({.method = "POST", .target = "/connection/uni_http_stream"}).status ==
              200);
        CHECK(is_connect(silent.line()));
        StreamClient events{url};
        CHECK(events.request({.target = "/connection/uni_sse?cf_connect=%7B%7D"}).status == 200);
        CHECK(events.until("\n") == "\r\n");
        CHECK(is_connect(events.event().substr(6)));
        CHECK(events.event() == "data: {}\n\n");
        StreamClient wrong{url};
        CHECK(wrong.request({.target = "/connection/uni_sse?cf_connect=x"}).status == 200);
        CHECK(wrong.rest() ==
              "\r\ndata: {\"disconnect\":{\"code\":3501,\"reason\":\"bad request\"}}\n\n");

        SocketClient by_query{url}, by_message{url};
        by_query.open({.target = "/connection/uni_websocket?cf_connect=%7B%7D"});
        CHECK(is_connect(by_query.message()));
        by_message.open({.target = "/connection/uni_websocket"});
        by_message.send(test::text_frame("{}"));
        CHECK(is_connect(by_message.message()));
        by_message.send(test::text_frame("{}"));
        CHECK(by_message.close_code() == 3501);

        server.stop();
        CHECK(lines.rest().ends_with(R"({"disconnect":{"code":3001,"reason":"shutdown"}})"
                                     "\n"));
        CHECK(by_query.close_code() == 3001);
        by_query.send(test::close_frame(3001));
    });
}

TEST_CASE("who only listens is told what is published to the topics of its token") {
    on_each_io([](Io io) {
        const test::TokenSigner signer{auth::Algorithm::hs256, std::string(32, 's')};
        const test::Folder folder;
        Settings settings = quiet(io, 2);
        settings.tokens.keys.secret_files = {folder.write("secret", signer.secret())};
        Server server{settings};
        const std::string url = serve(server);
        const std::string by_list = signer.sign(R"({"sub":"7","channels":["a"]})");
        const std::string by_subs = signer.sign(R"({"sub":"8","subs":{"a":{"data":{"b":1}}}})");
        StreamClient lines{url}, events{url};
        SocketClient socket{url};
        (void)lines.request({.method = "POST",
                             .target = "/connection/uni_http_stream",
                             .body = R"({"token":")" + by_list + R"("})"});
        CHECK(lines.line().find(R"("subs":{"a":{}})") != std::string::npos);
        const std::string query = "?cf_connect=%7B%22token%22:%22" + by_subs + "%22%7D";
        (void)events.request({.target = "/connection/uni_sse" + query});
        (void)events.until("\n");
        CHECK(events.event().find(R"("subs":{"a":{"data":{"b":1}}})") != std::string::npos);
        socket.open({.target = "/connection/uni_websocket" + query});
        CHECK(socket.message().find(R"("subs":{"a":{"data":{"b":1}}})") != std::string::npos);

        SocketClient plain{url};
        plain.open({.target = "/topics/a"});
        for (const std::string text : {"one", "two"}) {
            plain.send(test::text_frame(text));
            const std::string push = R"({"channel":"a","pub":{"data":")" + text + R"("}})";
            CHECK(lines.line() == push);
            CHECK(events.event() == "data: " + push + "\n\n");
            CHECK(socket.message() == push);
        }
    });
}

TEST_CASE("plain HTTP can be switched off, and without a command there is no stream") {
    Server server{quiet()};
    server.mount_centrifuge("/off", {.plain_http = PlainHttp::off});
    const std::string url = serve(server);
    CHECK(ask_once(url, {.method = "POST", .target = "/off/http_stream", .body = "x"}).status ==
          404);
    CHECK(ask_once(url, {.target = "/connection/sse"}).status == 400);
    CHECK(ask_once(url, {.method = "POST", .target = "/connection/http_stream"}).status == 400);
    CHECK(ask_once(url, {.target = "/connection/http_stream"}).status == 405);
    const auto preflight =
        ask_once(url, {.method = "OPTIONS", .target = "/connection/http_stream"});
    CHECK(preflight.status == 204);
    CHECK(preflight.field("allow") == "POST, OPTIONS");
}
