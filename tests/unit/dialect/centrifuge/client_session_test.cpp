#include "dialect/centrifuge/client_session.hpp"

#include <algorithm>
#include <chrono>
#include <doctest/doctest.h>
#include <string>
#include <string_view>
#include <vector>

#include "base/prng.hpp"
#include "dialect/centrifuge/decoder.hpp"
#include "support/centrifuge_client.hpp"
#include "support/centrifuge_text.hpp"

using namespace ringcast;
using namespace ringcast::dialect::centrifuge;
using namespace std::chrono_literals;
using Step = ClientSession::Step;

namespace {

constexpr std::string_view connect_line = R"({"id":1,"connect":{"token":"t"}})";
constexpr std::string_view connect_reply =
    R"({"id":1,"connect":{"client":"cl","ping":25,"pong":true}})";

std::string text_of(std::monostate) {
    return {};
}
std::string text_of(const auto& request) {
    return test::CentrifugeText{request}.text;
}

/// A session and a host that does what the test says: `asked` is what the session wanted of it.
struct Scene {
    explicit Scene(Wire wire = {}, SessionSettings chosen = {})
        : settings(chosen), session(settings, wire, now) {}

    /// Hands in a message; what it leaves over is kept for go_on.
    Step say(std::string_view text) {
        message.assign(text.begin(), text.end());
        left = message;
        return go_on();
    }
    Step go_on() {
        const Step step = session.receive(left, out);
        if (step == Step::request) {
            asked =
                std::visit([](const auto& what) { return text_of(what); }, session.request().what);
            ticket = session.request().ticket;
        }
        return step;
    }
    void answer(const SessionAnswer& with) { session.answer(ticket, with, now, prng, out); }
    void connect(ConnectResult result = {.client = "cl"}) {
        REQUIRE(say(connect_line) == Step::request);
        answer(result);
        REQUIRE(session.is_connected());
        out.clear();
    }
    void subscribe(std::string_view channel, SubscribeResult result = {}) {
        REQUIRE(say(R"({"id":2,"subscribe":{"channel":")" + std::string{channel} + "\"}}") ==
                Step::request);
        answer(result);
        REQUIRE(session.is_subscribed(channel));
        out.clear();
    }
    /// What came out since the last look.
    std::string take_out() { return std::exchange(out, {}); }
    void pass(Duration time) {
        now += time;
        session.on_time(now, out);
    }
    /// Why it ended; 0: it did not.
    int code() const { return session.disconnect() ? static_cast<int>(*session.disconnect()) : 0; }

    SessionSettings settings;
    Instant now{1000s};
    Prng prng{1};
    ClientSession session;
    std::vector<char> message;
    std::span<char> left;
    std::string out;
    std::string asked;
    Ticket ticket = 0;
};

}  // namespace

TEST_CASE("a message has so many commands at most, however often it waits for the host") {
    const auto commands = [](std::size_t count) {
        std::string text;
        for (std::size_t i = 0; i < count; ++i)
            text += R"({"id":)" + std::to_string(i + 2) +
                    R"(,"publish":{"channel":"a","data":1}})"
                    "\n";
        return text;
    };
    for (const std::size_t count : {commands_per_message_max, commands_per_message_max + 1}) {
        Scene scene;
        scene.connect();
        std::size_t asked = 0;
        Step step = scene.say(commands(count));
        while (step == Step::request) {
            ++asked;
            scene.answer(PublishResult{});
            if (scene.left.empty()) break;
            step = scene.go_on();
        }
        CHECK(asked == commands_per_message_max);
        CHECK(scene.session.is_closed() == (count > commands_per_message_max));
        // The next message counts for itself.
        if (!scene.session.is_closed()) CHECK(scene.say(commands(1)) == Step::request);
    }
}

TEST_CASE("connect comes first, and once (digest, section 3)") {
    for (const char* const other :
         {R"({"id":1,"subscribe":{"channel":"c"}})", R"({"id":1,"ping":{}})", "{}",
          R"({"send":{}})", R"({"id":1})", R"({"id":1,"rpc":{}})"}) {
        CAPTURE(other);
        Scene scene;
        CHECK(scene.say(other) == Step::closed);
        CHECK(scene.code() == 3501);
        CHECK(scene.out.empty());
    }
    Scene scene;
    scene.connect();
    CHECK(scene.say(connect_line) == Step::closed);
    CHECK(scene.code() == 3501);
}

TEST_CASE("what is pipelined waits for the answer before it (digest, section 3)") {
    Scene scene;
    const std::string message = std::string{connect_line} +
                                "\n"
                                R"({"id":2,"subscribe":{"channel":"a","recoverable":true}})"
                                "\n"
                                R"({"id":3,"ping":{}})"
                                "\n"
                                R"({"id":4,"publish":{"channel":"a","data":1}})"
                                "\n";
    REQUIRE(scene.say(message) == Step::request);
    CHECK(scene.asked == "token=t");
    CHECK(scene.go_on() == Step::held);
    CHECK(scene.out.empty());
    scene.answer(ConnectResult{.client = "cl"});
    CHECK(scene.take_out() == connect_reply);

    REQUIRE(scene.go_on() == Step::request);
    CHECK(scene.asked == "channel=a recoverable=1");
    CHECK(scene.go_on() == Step::held);
    scene.answer(SubscribeResult{.recoverable = true, .epoch = "e", .offset = 5});
    CHECK(scene.take_out() ==
          R"({"id":2,"subscribe":{"recoverable":true,"epoch":"e","offset":5}})");

    REQUIRE(scene.go_on() == Step::request);
    CHECK(scene.take_out() == R"({"id":3,"ping":{}})");
    CHECK(scene.asked == "channel=a data=<1>");
    CHECK(scene.left.empty());
    scene.answer(PublishResult{});
    CHECK(scene.take_out() == R"({"id":4,"publish":{}})");
}

TEST_CASE("Protobuf is served like JSON") {
    Scene scene{{.format = Format::protobuf}};
    const std::string message = test::client_message(
        Format::protobuf,
        {Command{1, ConnectRequest{.token = "t"}}, Command{2, HistoryRequest{.channel = "c"}}});
    REQUIRE(scene.say(message) == Step::request);
    scene.answer(ConnectResult{.client = "c"});
    CHECK(scene.take_out() == test::from_hex("0b 08 01 2a 07 0a 01 63 38 19 40 01"));
    REQUIRE(scene.go_on() == Step::request);
    scene.answer(HistoryResult{.epoch = "e"});
    CHECK(scene.take_out() == test::from_hex("07 08 02 5a 03 12 01 65"));
}

TEST_CASE("a refused connect leaves nothing to do (digest, section 3)") {
    Scene scene;
    REQUIRE(scene.say(connect_line) == Step::request);
    scene.answer(ErrorCode::token_expired);
    CHECK(scene.take_out() == R"({"id":1,"error":{"code":109,"message":"token expired"}})");
    CHECK_FALSE(scene.session.is_connected());
    SUBCASE("another command is too much") {
        CHECK(scene.say(connect_line) == Step::closed);
        CHECK(scene.code() == 3501);
    }
    SUBCASE("who stays is stale") {
        scene.pass(10s);
        CHECK(scene.code() == 3502);
    }
    Scene forged;
    REQUIRE(forged.say(connect_line) == Step::request);
    forged.answer(DisconnectCode::invalid_token);
    CHECK(forged.code() == 3500);
    CHECK(forged.take_out() == "");
    CHECK(forged.say("{}") == Step::closed);
}

TEST_CASE("who does not connect is stale (digest, section 3)") {
    Scene scene;
    CHECK(scene.session.deadline() == scene.now + 10s);
    scene.pass(10s - 1ns);
    CHECK(scene.code() == 0);
    scene.pass(1ns);
    CHECK(scene.code() == 3502);
    CHECK(scene.session.deadline() == instant_never);
}

TEST_CASE("malformed messages end it; what was good before is done (digest, section 3)") {
    Scene scene;
    scene.connect();
    CHECK(scene.say("{\"id\":5,\"ping\":{}}\n{") == Step::closed);
    CHECK(scene.out == R"({"id":5,"ping":{}})");
    CHECK(scene.code() == 3501);
    CHECK(scene.session.malformed() == Malformed::not_json);
    Scene empty;
    CHECK(empty.say("") == Step::closed);
    CHECK(empty.session.malformed() == Malformed::empty_message);
}

TEST_CASE("pings begin at a drawn time and want pongs (digest, section 4)") {
    std::vector<Duration> firsts;
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        Scene scene;
        scene.prng = Prng{seed};
        scene.connect();
        const Duration first = scene.session.deadline() - scene.now;
        CHECK(first >= 12s);
        CHECK(first <= 25s);
        firsts.push_back(first);
    }
    CHECK(*std::min_element(firsts.begin(), firsts.end()) < 15s);
    CHECK(*std::max_element(firsts.begin(), firsts.end()) > 22s);

    Scene scene;
    scene.connect();
    scene.pass(scene.session.deadline() - scene.now);
    CHECK(scene.take_out() == "{}");
    SUBCASE("a pong in time is all it takes") {
        scene.pass(7s);
        CHECK(scene.say("{}") == Step::idle);
        CHECK(scene.session.deadline() == scene.now + 18s);
        scene.pass(18s);
        CHECK(scene.take_out() == "{}");
        CHECK(scene.code() == 0);
    }
    SUBCASE("no pong ends it") {
        scene.pass(8s);
        CHECK(scene.code() == 3012);
    }
    SUBCASE("a second pong is one too many") {
        CHECK(scene.say("{}\n{}") == Step::closed);
        CHECK(scene.code() == 3501);
    }
    SUBCASE("a pong that is held back by a request is not missing") {
        REQUIRE(scene.say("{\"id\":5,\"presence\":{\"channel\":\"c\"}}\n{}") == Step::request);
        scene.pass(9s);
        CHECK(scene.code() == 0);
        scene.answer(PresenceResult{});
        CHECK(scene.go_on() == Step::idle);
        scene.pass(9s);
        CHECK(scene.code() == 0);
    }
    SUBCASE("nor is one that the host does not look at") {
        scene.now += 9s;
        scene.session.on_time(scene.now, scene.out, true);
        CHECK(scene.code() == 0);
        scene.pass(7s);
        CHECK(scene.code() == 0);
        scene.pass(1s);
        CHECK(scene.code() == 3012);
    }
    SUBCASE("so many pings, so many pongs") {
        for (int i = 0; i < 4; ++i) {
            scene.now += 8s;
            scene.session.on_time(scene.now, scene.out, true);
        }
        CHECK(scene.take_out() == "{}");
        CHECK(scene.say("{}\n{}") == Step::idle);
        CHECK(scene.say("{}") == Step::closed);
        CHECK(scene.code() == 3501);
    }
}

TEST_CASE("pings that are frames are the host's to send (digest, section 1)") {
    const SessionSettings settings;
    const Instant begin{1000s};
    ClientSession session{settings, {}, begin, Pings::frame};
    Prng prng{1};
    std::string out, text{connect_line};
    std::span<char> message{text};
    REQUIRE(session.receive(message, out) == Step::request);
    session.answer(session.request().ticket, ConnectResult{.client = "cl"}, begin, prng, out);
    CHECK(out == R"({"id":1,"connect":{"client":"cl"}})");
    out.clear();
    CHECK_FALSE(session.take_ping());
    for (const Duration after : {25s, 50s, 75s}) {
        session.on_time(begin + after, out);
        CHECK(session.take_ping());
        CHECK_FALSE(session.take_ping());
    }
    CHECK(out == "");
    CHECK_FALSE(session.is_closed());
}

TEST_CASE("without a pong timeout no pong is asked for or taken") {
    Scene scene{{}, {.pong_timeout = {}}};
    REQUIRE(scene.say(connect_line) == Step::request);
    scene.answer(ConnectResult{.client = "cl"});
    CHECK(scene.take_out() == R"({"id":1,"connect":{"client":"cl","ping":25}})");
    scene.pass(25s);
    CHECK(scene.take_out() == "{}");
    scene.pass(25s);
    CHECK(scene.take_out() == "{}");
    CHECK(scene.say("{}") == Step::closed);
    CHECK(scene.code() == 3501);
}

TEST_CASE("a subscription is refused for a reason (digest, section 5)") {
    Scene scene{{}, {.subscriptions_max = 2}};
    scene.connect();
    scene.subscribe("a");
    const auto refused = [&](const std::string& channel) {
        CHECK(scene.say(R"({"id":3,"subscribe":{"channel":")" + channel + "\"}}") == Step::idle);
        return scene.take_out();
    };
    CHECK(refused("a") == R"({"id":3,"error":{"code":105,"message":"already subscribed"}})");
    CHECK(refused(std::string(256, 'x')) ==
          R"({"id":3,"error":{"code":107,"message":"bad request"}})");
    scene.subscribe(std::string(255, 'x'));
    CHECK(refused("c") == R"({"id":3,"error":{"code":106,"message":"limit exceeded"}})");
    CHECK(scene.say(R"({"id":4,"subscribe":{}})") == Step::closed);
    CHECK(scene.code() == 3501);

    Scene other;
    other.connect();
    REQUIRE(other.say(R"({"id":3,"subscribe":{"channel":"a"}})") == Step::request);
    other.answer(ErrorCode::permission_denied);
    CHECK(other.take_out() == R"({"id":3,"error":{"code":103,"message":"permission denied"}})");
    CHECK_FALSE(other.session.is_subscribed("a"));
    other.subscribe("a");
}

TEST_CASE("unsubscribing always succeeds, and is told to the host once (digest, section 5)") {
    Scene scene;
    scene.connect();
    scene.subscribe("a");
    const std::string_view line = R"({"id":5,"unsubscribe":{"channel":"a"}})";
    REQUIRE(scene.say(line) == Step::request);
    CHECK(scene.asked == "channel=a");
    CHECK(scene.ticket == 0);
    CHECK(scene.take_out() == R"({"id":5,"unsubscribe":{}})");
    CHECK_FALSE(scene.session.is_subscribed("a"));
    CHECK(scene.say(line) == Step::idle);
    CHECK(scene.take_out() == R"({"id":5,"unsubscribe":{}})");
    CHECK(scene.say(R"({"id":5,"unsubscribe":{}})") == Step::closed);
    CHECK(scene.code() == 3501);
}

TEST_CASE("every other request goes to the host and comes back (digest, section 5)") {
    const ClientInfo info{.user = "42", .client = "cl"};
    const std::pair<std::string_view, ClientInfo> presence[] = {{"cl", info}};
    struct {
        std::string_view line, asked;
        SessionAnswer answer;
        std::string_view reply;
    } const cases[] = {
        {R"({"id":5,"publish":{"channel":"c","data":{"a":1}}})", "channel=c data=<{\"a\":1}>",
         PublishResult{}, R"({"id":5,"publish":{}})"},
        {R"({"id":5,"presence":{"channel":"c"}})", "channel=c", PresenceResult{presence},
         R"({"id":5,"presence":{"presence":{"cl":{"user":"42","client":"cl"}}}})"},
        {R"({"id":5,"presence_stats":{"channel":"c"}})", "channel=c", PresenceStatsResult{1, 1},
         R"({"id":5,"presence_stats":{"num_clients":1,"num_users":1}})"},
        {R"({"id":5,"history":{"channel":"c","limit":-1}})", "channel=c limit=-1",
         HistoryResult{{}, "e", 5}, R"({"id":5,"history":{"epoch":"e","offset":5}})"},
        {R"({"id":5,"history":{"channel":"c"}})", "channel=c", ErrorCode::unrecoverable_position,
         R"({"id":5,"error":{"code":112,"message":"unrecoverable position"}})"},
    };
    for (const auto& [line, asked, answer, reply] : cases) {
        CAPTURE(line);
        Scene scene;
        scene.connect();
        REQUIRE(scene.say(line) == Step::request);
        CHECK(scene.asked == asked);
        scene.answer(answer);
        CHECK(scene.take_out() == reply);
        // A second answer finds nothing to answer.
        scene.answer(answer);
        CHECK(scene.take_out() == "");
    }
}

TEST_CASE("what needs a backend is refused") {
    Scene scene;
    scene.connect();
    CHECK(scene.say(R"({"id":5,"rpc":{"method":"m"}})") == Step::idle);
    CHECK(scene.take_out() == R"({"id":5,"error":{"code":108,"message":"not available"}})");
    CHECK(scene.say(R"({"id":6,"dance":{}})") == Step::idle);
    CHECK(scene.take_out() == R"({"id":6,"error":{"code":104,"message":"method not found"}})");
    CHECK(scene.say(R"({"id":7,"publish":{"channel":"c"}})") == Step::idle);
    CHECK(scene.take_out() == R"({"id":7,"error":{"code":107,"message":"bad request"}})");
    CHECK(scene.say(R"({"send":{"data":1}})") == Step::closed);
    CHECK(scene.code() == 3508);
}

TEST_CASE("a connection that expires is refreshed or ends (digest, section 5)") {
    Scene scene{{}, {.ping_interval = 0s}};
    scene.connect({.client = "cl", .expires = true, .ttl = 60});
    CHECK(scene.session.deadline() == scene.now + 85s);
    scene.pass(60s);
    REQUIRE(scene.say(R"({"id":5,"refresh":{"token":"u"}})") == Step::request);
    CHECK(scene.asked == "token=u");
    scene.answer(RefreshResult{.client = "cl", .expires = true, .ttl = 60});
    CHECK(scene.take_out() == R"({"id":5,"refresh":{"client":"cl","expires":true,"ttl":60}})");
    CHECK(scene.session.deadline() == scene.now + 85s);
    scene.session.refresh(true, 100, scene.now, scene.out);
    CHECK(scene.take_out() == R"({"push":{"refresh":{"expires":true,"ttl":100}}})");
    CHECK(scene.session.deadline() == scene.now + 125s);
    scene.pass(125s);
    CHECK(scene.code() == 3005);

    Scene lasting;
    lasting.connect();
    CHECK(lasting.say(R"({"id":5,"refresh":{"token":"u"}})") == Step::closed);
    CHECK(lasting.code() == 3501);
}

TEST_CASE("a subscription that expires is refreshed or ends (digest, section 5)") {
    Scene scene{{}, {.ping_interval = 0s}};
    scene.connect();
    scene.subscribe("a", {.expires = true, .ttl = 10});
    scene.subscribe("b", {.expires = true, .ttl = 10});
    scene.subscribe("c");
    REQUIRE(scene.say(R"({"id":5,"sub_refresh":{"channel":"a","token":"u"}})") == Step::request);
    CHECK(scene.asked == "channel=a token=u");
    scene.answer(SubRefreshResult{true, 60});
    CHECK(scene.take_out() == R"({"id":5,"sub_refresh":{"expires":true,"ttl":60}})");
    scene.pass(35s);
    CHECK(scene.take_out() == R"({"push":{"channel":"b","unsubscribe":{"code":2501,)"
                              R"("reason":"subscription expired"}}})");
    CHECK(scene.session.take_expired() == "b");
    CHECK_FALSE(scene.session.take_expired());
    CHECK(scene.session.is_subscribed("a"));
    CHECK(scene.session.deadline() == scene.now + 50s);
    CHECK(scene.say(R"({"id":6,"sub_refresh":{"channel":"b","token":"u"}})") == Step::idle);
    CHECK(scene.take_out() == R"({"id":6,"error":{"code":103,"message":"permission denied"}})");
    CHECK(scene.session.subscription_count() == 2);
}

TEST_CASE("the host ends subscriptions and the session") {
    Scene scene;
    scene.connect();
    scene.subscribe("a");
    CHECK(scene.session.unsubscribe("a", UnsubscribeCode::insufficient_state, scene.out));
    CHECK(scene.take_out() == R"({"push":{"channel":"a","unsubscribe":{"code":2500,)"
                              R"("reason":"insufficient state"}}})");
    CHECK_FALSE(scene.session.unsubscribe("a", UnsubscribeCode::server, scene.out));
    REQUIRE(scene.say(R"({"id":5,"history":{"channel":"c"}})") == Step::request);
    scene.session.close(DisconnectCode::shutdown, scene.out);
    CHECK(scene.take_out() == "");
    CHECK(scene.code() == 3001);
    scene.answer(HistoryResult{});
    CHECK(scene.take_out() == "");
    scene.pass(100s);
    CHECK(scene.take_out() == "");

    Scene stream{{.framing = Framing::line}};
    stream.connect();
    stream.session.close(DisconnectCode::shutdown, stream.out);
    CHECK(stream.take_out() ==
          "{\"push\":{\"disconnect\":{\"code\":3001,\"reason\":\"shutdown\"}}}\n");
}

TEST_CASE("subscriptions that the host makes count, and are the client's to end") {
    Scene scene{{}, {.subscriptions_max = 3}};
    REQUIRE(scene.say(connect_line) == Step::request);
    scene.pass(1min);  // Whoever waits for the answer is not stale.
    const std::pair<std::string_view, SubscribeResult> subs[] = {
        {"a", {.epoch = "e", .offset = 4}}, {"b", {.expires = true, .ttl = 10}}};
    scene.answer(ConnectResult{.client = "cl", .subs = subs});
    CHECK(scene.take_out() ==
          R"({"id":1,"connect":{"client":"cl","subs":{"a":{"epoch":"e","offset":4},)"
          R"("b":{"expires":true,"ttl":10}},"ping":25,"pong":true}})");
    CHECK(scene.session.subscribed_by("a") == SubscribedBy::token);
    CHECK(scene.session.subscribe("c", {.data = {.bytes = "1"}}, {}, scene.now, scene.out));
    CHECK(scene.take_out() == R"({"push":{"channel":"c","subscribe":{"data":1}}})");
    CHECK(scene.session.subscribed_by("c") == SubscribedBy::host);
    CHECK_FALSE(scene.session.subscribe("c", {}, {}, scene.now, scene.out));
    CHECK(scene.say(R"({"id":2,"subscribe":{"channel":"a"}})") == Step::idle);
    CHECK(scene.say(R"({"id":3,"subscribe":{"channel":"d"}})") == Step::idle);
    CHECK(scene.take_out() == R"({"id":2,"error":{"code":105,"message":"already subscribed"}})"
                              "\n"
                              R"({"id":3,"error":{"code":106,"message":"limit exceeded"}})");
    CHECK(scene.say(R"({"id":4,"sub_refresh":{"channel":"a","token":"t"}})") == Step::idle);
    CHECK(scene.take_out() == R"({"id":4,"error":{"code":103,"message":"permission denied"}})");
    CHECK(scene.say(R"({"id":5,"unsubscribe":{"channel":"a"}})") == Step::request);
    CHECK(scene.take_out() == R"({"id":5,"unsubscribe":{}})");
    std::string rest;
    scene.session.for_each_subscription(
        [&](std::string_view channel, SubscribedBy) { rest += channel; });
    CHECK(rest == "bc");
    scene.session.push("c", {.data = {.bytes = "2"}, .offset = 7}, scene.out);
    scene.session.pass_on("{}", scene.out);
    scene.session.pass_on("", scene.out);
    CHECK(scene.take_out() == R"({"push":{"channel":"c","pub":{"data":2,"offset":7}}})"
                              "\n{}");
    // One that has an end, and the time that clients have beyond that to do something about it.
    CHECK(scene.session.subscribe("e", {}, 10, scene.now, scene.out));
    CHECK(scene.take_out() == R"({"push":{"channel":"e","subscribe":{}}})");
    scene.pass(34s);
    CHECK(scene.session.is_subscribed("e"));
    scene.pass(2s);
    CHECK(scene.take_out().contains(
        R"({"push":{"channel":"e","unsubscribe":{"code":2501,"reason":"subscription expired"}}})"));
    scene.session.close(DisconnectCode::shutdown, scene.out);
    scene.session.pass_on("{}", scene.out);
    CHECK_FALSE(scene.session.subscribe("d", {}, {}, scene.now, scene.out));
    CHECK(scene.take_out() == "");
}

TEST_CASE("a unidirectional client only connects (digest, section 8)") {
    Scene scene{{.framing = Framing::event, .is_unidirectional = true}};
    const ConnectRequest request{.token = "t"};
    REQUIRE(scene.session.connect(request, scene.out) == Step::request);
    CHECK(std::get<ConnectRequest>(scene.session.request().what).token == "t");
    scene.ticket = scene.session.request().ticket;
    scene.answer(ConnectResult{.client = "cl"});
    CHECK(scene.take_out() == "data: {\"connect\":{\"client\":\"cl\",\"ping\":25}}\n\n");
    scene.pass(25s);
    CHECK(scene.take_out() == "data: {}\n\n");
    scene.pass(25s);
    CHECK(scene.code() == 0);
    CHECK(scene.take_out() == "data: {}\n\n");
    CHECK(scene.session.connect(request, scene.out) == Step::closed);
    CHECK(scene.take_out() ==
          "data: {\"disconnect\":{\"code\":3501,\"reason\":\"bad request\"}}\n\n");

    for (const auto& [error, code] :
         {std::pair{ErrorCode::token_expired, 3005}, std::pair{ErrorCode::unauthorized, 3507},
          std::pair{ErrorCode::internal, 3004}, std::pair{ErrorCode::bad_request, 3501},
          std::pair{ErrorCode::too_many_requests, 3013}}) {
        Scene refused{{.framing = Framing::line, .is_unidirectional = true}};
        REQUIRE(refused.session.connect(request, refused.out) == Step::request);
        refused.ticket = refused.session.request().ticket;
        refused.answer(error);
        CHECK(refused.code() == code);
        CHECK(refused.take_out().starts_with("{\"disconnect\":"));
    }
}
