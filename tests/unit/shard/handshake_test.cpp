// The opening handshake as the shard serves it: answers, admission at once and later.

#include <doctest/doctest.h>
#include <string>

#include "unit/shard/shard_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;
using namespace std::chrono_literals;

namespace {

Verdict refusal(std::uint16_t status) {
    Verdict verdict;
    verdict.kind = Verdict::Kind::refuse;
    verdict.status = status;
    return verdict;
}

/// A kit whose endpoint answers "later", and the session that waits.
struct PendingKit : ShardKit {
    explicit PendingKit(const SessionLimits& limits = {}, const Settings& settings = {})
        : ShardKit{limits, settings} {
        endpoint->upgraded = [this](Upgrade& upgrade) {
            id = upgrade.session.id();
            Verdict verdict;
            verdict.kind = Verdict::Kind::pending;
            return verdict;
        };
    }
    Verdict admission() {
        Verdict verdict;
        ++states;
        verdict.state = {&states, [](void* count) noexcept { --*static_cast<int*>(count); }};
        return verdict;
    }
    SlotId id;
    int states = 0;
};

}  // namespace

TEST_CASE("each refusal has its status, and then the connection is closed in order") {
    struct {
        test::UpgradeRequest request;
        int status;
    } const cases[] = {
        {{.target = "/nothing"}, 404},
        {{.method = "POST"}, 405},
        {{.upgrade = ""}, 426},
        {{.http_version = "HTTP/1.0"}, 426},
        {{.http_version = "HTTP/2.0"}, 505},
        {{.connection = "keep-alive"}, 400},
        {{.key = ""}, 400},
        {{.key = "short"}, 400},
        {{.version = ""}, 400},
        {{.version = "8"}, 426},
        {{.host = ""}, 400},
        {{.origin = "http://elsewhere"}, 403},
        {{.target = "/" + std::string(9000, 'x')}, 414},
        {{.fields = "X: " + std::string(17'000, 'x') + "\r\n"}, 431},
    };
    ShardKit kit;
    for (const auto& [request, status] : cases) {
        CAPTURE(status);
        const int fd = kit.accept();
        kit.send(fd, encode(request));
        CHECK(kit.take_response(fd).status == status);
        kit.turn();
        CHECK(kit.ring.socket(fd).sending_shut);
        CHECK_FALSE(kit.ring.socket(fd).closed);
        kit.ring.finish_recv(fd, 0);
        kit.turn(3);
        CHECK(kit.ring.socket(fd).closed);
    }
    CHECK(kit.endpoint->opened_count == 0);
    CHECK(kit.shard.metrics().handshakes_refused == std::size(cases));
    CHECK(kit.shard.connections() == 0);
}

TEST_CASE("a request may arrive octet by octet, with frames right behind it") {
    ShardKit kit;
    const int fd = kit.accept();
    for (const char octet : encode(test::UpgradeRequest{}) + test::text_frame("one"))
        kit.ring.deliver(fd, {&octet, 1});
    kit.turn(2);
    CHECK(kit.take_response(fd).status == 101);
    const auto frames = kit.take_frames(fd);
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].payload == "one");
}

TEST_CASE("what on_open sends follows the 101, and on_open may close") {
    ShardKit kit;
    kit.endpoint->opened = [](Session& session) {
        session.send(text("hello"));
        session.close(CloseCode::normal, "bye");
        CHECK(session.send(text("too late")) == SendStatus::closed);
    };
    const int fd = kit.open();
    const auto frames = kit.take_frames(fd);
    REQUIRE(frames.size() == 2);
    CHECK(frames[0].payload == "hello");
    CHECK(frames[1].payload == test::close_payload(1000, "bye"));
    kit.send(fd, test::close_frame(1000));
    REQUIRE(kit.endpoint->endings.size() == 1);
    CHECK(kit.endpoint->endings[0].code == CloseCode::normal);
}

TEST_CASE("a refusal of the application carries its status, fields and body") {
    ShardKit kit;
    kit.endpoint->upgraded = [](Upgrade&) {
        Verdict verdict = refusal(401);
        verdict.fields = "WWW-Authenticate: Bearer\r\n";
        verdict.body = "who are you?\n";
        return verdict;
    };
    const int fd = kit.accept();
    kit.send(fd, encode(test::UpgradeRequest{}));
    const auto response = kit.take_response(fd);
    CHECK(response.status == 401);
    CHECK(response.field("www-authenticate") == "Bearer");
    CHECK(response.body == "who are you?\n");
}

TEST_CASE("a late admission feeds what came meanwhile, in order") {
    PendingKit kit;
    const int fd = kit.accept();
    kit.ring.socket(fd).holds_cancel = true;
    kit.send(fd, encode(test::UpgradeRequest{}) + test::text_frame("one"));
    CHECK(kit.ring.socket(fd).cancelled);
    // The receive has not ended yet: two more slices come before it does.
    kit.send(fd, test::text_frame("two"));
    kit.send(fd, test::text_frame("three").substr(0, 5));
    CHECK(kit.shard.metrics().held_bytes > 0);
    CHECK(kit.ring.socket(fd).output.empty());

    SUBCASE("admitted before the cancelled receive has come home") {
        kit.shard.resolve(kit.id, kit.admission());
        kit.turn();
        CHECK(kit.ring.socket(fd).recv.has_value());
        kit.ring.deliver(fd, test::text_frame("three").substr(5), false);
    }
    SUBCASE("admitted afterwards") {
        kit.ring.finish_recv(fd, -ECANCELED);
        kit.turn();
        CHECK_FALSE(kit.ring.socket(fd).recv.has_value());
        kit.shard.resolve(kit.id, kit.admission());
        kit.turn();
        kit.ring.deliver(fd, test::text_frame("three").substr(5));
    }
    kit.turn(2);
    CHECK(kit.take_response(fd).status == 101);
    const auto frames = kit.take_frames(fd);
    REQUIRE(frames.size() == 3);
    CHECK(frames[0].payload == "one");
    CHECK(frames[1].payload == "two");
    CHECK(frames[2].payload == "three");
    CHECK(kit.shard.metrics().held_bytes == 0);
    CHECK(kit.ring.socket(fd).recv.has_value());
    CHECK(kit.states == 1);
}

TEST_CASE("a late refusal is answered, and a second word on the same admission is ignored") {
    PendingKit kit;
    const int fd = kit.accept();
    kit.send(fd, encode(test::UpgradeRequest{}) + test::text_frame("never seen"));
    kit.shard.resolve(kit.id, refusal(402));
    kit.shard.resolve(kit.id, kit.admission());
    CHECK(kit.states == 0);
    kit.turn(2);
    CHECK(kit.take_response(fd).status == 402);
    CHECK(kit.endpoint->messages_count == 0);
    CHECK(kit.shard.metrics().held_bytes == 0);
}

TEST_CASE("the state of a late admission dies if the client is gone") {
    PendingKit kit;
    const int fd = kit.accept();
    kit.ring.socket(fd).holds_cancel = true;
    kit.send(fd, encode(test::UpgradeRequest{}));
    kit.ring.finish_recv(fd, -ECONNRESET);
    kit.turn(3);
    CHECK(kit.ring.socket(fd).closed);
    const int other = kit.accept();  // The same slot, another generation.
    kit.shard.resolve(kit.id, kit.admission());
    CHECK(kit.states == 0);
    kit.turn(2);
    CHECK(kit.ring.socket(other).output.empty());
}

TEST_CASE("a client that ends its stream while it waits is told the verdict on what it sent") {
    PendingKit kit;
    const int fd = kit.accept();
    kit.ring.socket(fd).holds_cancel = true;
    kit.send(fd, encode(test::UpgradeRequest{}) + test::text_frame("last"));
    kit.ring.finish_recv(fd, 0);
    kit.turn(2);
    CHECK_FALSE(kit.ring.socket(fd).closed);
    kit.shard.resolve(kit.id, kit.admission());
    kit.turn(4);
    CHECK(kit.take_response(fd).status == 101);
    CHECK(kit.take_frames(fd).at(0).payload == "last");
    CHECK(kit.ring.socket(fd).closed);
    CHECK(kit.states == 0);
    REQUIRE(kit.endpoint->endings.size() == 1);
    CHECK(kit.endpoint->endings[0].code == CloseCode::abnormal);
}

TEST_CASE("an admission that takes too long is answered with 503") {
    PendingKit kit;
    const int fd = kit.accept();
    kit.send(fd, encode(test::UpgradeRequest{}));
    kit.pass(Settings{}.handshake_timeout + 10ms);
    CHECK(kit.take_response(fd).status == 503);
    kit.shard.resolve(kit.id, kit.admission());
    CHECK(kit.states == 0);
    kit.turn(2);
    CHECK(kit.ring.socket(fd).output.empty());
}

TEST_CASE("half a request is answered with 408 in time, silence with nothing") {
    ShardKit kit;
    const int talker = kit.accept();
    const int silent = kit.accept();
    kit.send(talker, "GET /echo HTTP/1.1\r\nHost: ");
    kit.pass(5s);
    kit.send(talker, "x");  // A slow drip does not buy time.
    kit.pass(5s + 10ms);
    CHECK(kit.take_response(talker).status == 408);
    kit.turn(2);
    CHECK(kit.ring.socket(silent).output.empty());
    CHECK(kit.ring.socket(silent).closed);
}

TEST_CASE("OPTIONS where sessions are says how they begin, and the connection stays") {
    ShardKit kit;
    const int fd = kit.accept();
    kit.send(fd, "OPTIONS /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto response = kit.take_response(fd);
    CHECK(response.status == 204);
    CHECK(response.field("allow") == "GET, HEAD, OPTIONS");
    kit.send(fd, test::encode(test::UpgradeRequest{}));
    CHECK(kit.take_response(fd).status == 101);
}
