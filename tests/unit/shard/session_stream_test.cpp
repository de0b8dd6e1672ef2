// Sessions that are the answer to a plain request: how they open, what they are sent and send, and
// how they end.

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <string>
#include <utility>

#include "unit/shard/http_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;
using namespace std::chrono_literals;

namespace {

/// A kit whose page at `/` is a stream of the topic `a`, for the endpoint at `/echo`.
class StreamKit : public HttpKit {
public:
    explicit StreamKit(const Settings& settings = kept(), const SessionLimits& limits = {})
        : HttpKit{settings, limits} {
        page->asked = [this](HttpExchange& exchange) {
            id = exchange.id().connection;
            HttpAnswer answer{.kind = HttpAnswer::Kind::session};
            answer.session = std::make_unique<SessionOffer>(SessionOffer{*echo, make_verdict()});
            return answer;
        };
        echo->upgraded = [](Upgrade&) {
            Verdict verdict;
            verdict.topic = "a";
            return verdict;
        };
    }
    ~StreamKit() { CHECK(echo->endings.size() <= echo->opened_count); }

    static Settings kept() {
        Settings settings;
        settings.topics.home.stream.count_max = 10;
        return settings;
    }

    int open() {
        const int fd = accept();
        send(fd, http_request("GET /"));
        turn(3);
        return fd;
    }
    std::optional<Session> session() { return shard.find(id); }
    std::string take(int fd) { return std::exchange(ring.socket(fd).output, {}); }
    std::string take_content(int fd) {
        const std::string output = take(fd);
        return output.substr(output.find("\r\n\r\n") + 4);
    }
    std::string after(int fd, std::string_view payload,
                      PublicationKind kind = PublicationKind::text) {
        CHECK(shard.publish("a", kind, std::as_bytes(std::span{payload})) ==
              PublishStatus::accepted);
        turn(3);
        return take(fd);
    }

    std::function<Verdict()> make_verdict = [] {
        Verdict verdict;
        verdict.encoding = Encoding::event_stream;
        verdict.fields = "X-Accel-Buffering: no\r\n";
        verdict.topic = "a";
        verdict.from = SubscribeFrom::position();
        return verdict;
    };
    SlotId id;
};

std::string chunk(std::string_view payload) {
    return fmt::format("{:x}\r\n{}\r\n", payload.size(), payload);
}

/// `chunked` without its framing, up to where it is not complete.
std::string unchunked(std::string_view chunked) {
    std::string content;
    for (std::size_t end; (end = chunked.find("\r\n")) != std::string_view::npos;) {
        const std::size_t size = std::stoul(std::string{chunked.substr(0, end)}, nullptr, 16);
        if (size == 0 || chunked.size() < end + 4 + size) break;
        content += chunked.substr(end + 2, size);
        chunked.remove_prefix(end + 4 + size);
    }
    return content;
}

}  // namespace

TEST_CASE("a session may be an answer, whose content are its messages and publications") {
    StreamKit kit;
    const int fd = kit.open();
    CHECK(kit.take(fd) ==
          "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
          "Transfer-Encoding: chunked\r\nConnection: close\r\nX-Accel-Buffering: no\r\n\r\n");
    CHECK(kit.shard.metrics().sessions == 1);
    CHECK(kit.shard.metrics().streams == 1);
    CHECK(kit.shard.metrics().handshakes == 0);
    CHECK(kit.echo->opened_count == 1);
    const int socket = kit.accept();
    kit.send(socket, encode(test::UpgradeRequest{}));
    kit.turn(3);
    (void)kit.take(socket);

    const std::string first = kit.after(fd, "one");
    const std::size_t epoch_at = first.find("id: ") + 4;
    const std::string epoch = first.substr(epoch_at, 8);
    CHECK(first == chunk("id: " + epoch + ":1\ndata: one\n\n"));
    CHECK(kit.take(socket) == "\x81\x03one");
    CHECK(kit.after(fd, "two\nlines", PublicationKind::json) ==
          chunk("id: " + epoch + ":2\ndata: two\ndata: lines\n\n"));
    CHECK(kit.after(fd, "\xff", PublicationKind::binary) ==
          chunk("id: " + epoch + ":3\nevent: binary\ndata: /w==\n\n"));
    CHECK(kit.session()->encoding() == Encoding::event_stream);
    CHECK(kit.session()->send(text("as it is")) == SendStatus::accepted);
    CHECK(kit.session()->send(text("")) == SendStatus::accepted);
    kit.turn();
    CHECK(kit.take(fd) == chunk("as it is"));
    CHECK(kit.shard.metrics().deliveries == 6);
}

TEST_CASE("a large publication shares its chunk, and what is not kept has no id") {
    StreamKit kit{Settings{}};
    const int fd = kit.open(), other = kit.open();
    (void)kit.take(fd);
    (void)kit.take(other);
    const std::string large(20'000, 'x');
    CHECK(kit.after(fd, large) == chunk("data: " + large + "\n\n"));
    CHECK(kit.take(other) == chunk("data: " + large + "\n\n"));
}

TEST_CASE("HTTP/1.0 gets a stream without chunks, which ends with the connection") {
    StreamKit kit{Settings{}};
    const int fd = kit.accept();
    kit.send(fd, "GET / HTTP/1.0\r\n\r\n");
    kit.turn(3);
    CHECK(kit.take(fd).find("chunked") == std::string::npos);
    CHECK(kit.after(fd, "one") == "data: one\n\n");
    CHECK(kit.session()->send(text("as it is")) == SendStatus::accepted);
    kit.session()->close(CloseCode::normal, "done");
    kit.turn(3);
    CHECK(kit.take(fd) == "as it isbye 1000 done");
    CHECK(kit.ring.socket(fd).sending_shut);
}

TEST_CASE("a stream that is closed says so, ends, and its connection with it") {
    StreamKit kit;
    const int fd = kit.open();
    (void)kit.take(fd);
    kit.session()->close(CloseCode{3005}, "expired");
    CHECK(kit.echo->endings.empty());  // Not from within that call.
    CHECK(kit.session()->send(text("late")) == SendStatus::closed);
    kit.turn(3);
    CHECK(kit.take(fd) == chunk("bye 3005 expired") + "0\r\n\r\n");
    REQUIRE(kit.echo->endings.size() == 1);
    CHECK(kit.echo->endings[0].code == CloseCode{3005});
    CHECK(kit.echo->endings[0].reason == "expired");
    CHECK(kit.shard.metrics().sessions == 0);
    CHECK(kit.after(fd, "unheard").empty());
    CHECK(kit.ring.socket(fd).sending_shut);
    CHECK(kit.ends(fd));
}

TEST_CASE("what comes on a stream's own connection is dropped, and its end is the session's") {
    StreamKit kit;
    const int fd = kit.open();
    (void)kit.take(fd);
    kit.send(fd, http_request("GET /nothing"));
    kit.send(fd, std::string(50'000, 'x'));
    CHECK(kit.take(fd).empty());
    CHECK(kit.shard.metrics().held_bytes == 0);
    CHECK(kit.after(fd, "one").find("data: one") != std::string::npos);
    CHECK(kit.ends(fd));
    REQUIRE(kit.echo->endings.size() == 1);
    CHECK(kit.echo->endings[0].code == CloseCode::abnormal);
    CHECK(kit.echo->endings[0].reason == "the client has gone");
}

TEST_CASE("a stream receives messages that come another way, in order, as its input flows") {
    StreamKit kit;
    const int fd = kit.open();
    (void)kit.take(fd);
    std::string received;
    kit.echo->received = [&](Session& session, Message message) {
        received += message.payload;
        if (message.payload == "hold") session.hold_input();
        if (message.payload == "close") session.close(CloseCode::normal);
    };
    const auto receive = [&](std::string message) {
        return kit.session()->receive(std::move(message), MessageKind::text);
    };
    CHECK(receive("a") == ReceiveStatus::accepted);
    CHECK(received == "a");
    CHECK(receive("hold") == ReceiveStatus::accepted);
    CHECK(receive("b") == ReceiveStatus::accepted);
    CHECK(receive("c") == ReceiveStatus::accepted);
    kit.turn(3);
    CHECK(received == "ahold");
    CHECK(kit.shard.metrics().input_bytes > 0);
    kit.session()->release_input();
    kit.turn(3);
    CHECK(received == "aholdbc");
    CHECK(kit.shard.metrics().input_bytes == 0);

    CHECK(receive("hold") == ReceiveStatus::accepted);
    for (std::size_t i = 0; i < SessionStream::inputs_max; ++i)
        CHECK(receive("x") == ReceiveStatus::accepted);
    CHECK(receive("x") == ReceiveStatus::full);
    kit.session()->release_input();
    kit.turn(3);
    CHECK(receive("hold") == ReceiveStatus::accepted);
    CHECK(receive(std::string(SessionStream::input_bytes_max, 'y')) == ReceiveStatus::accepted);
    CHECK(receive("x") == ReceiveStatus::full);
    kit.session()->release_input();
    kit.turn(3);
    CHECK(receive("close") == ReceiveStatus::accepted);
    CHECK(receive("late") == ReceiveStatus::closed);
    kit.turn(3);
    CHECK(received.ends_with("close"));
    CHECK(kit.take(fd) == chunk("bye 1000 ") + "0\r\n\r\n");

    const int socket = kit.accept();
    kit.send(socket, encode(test::UpgradeRequest{}));
    kit.turn(3);
    kit.echo->received = [](Session& session, Message) {
        CHECK(session.receive("x", MessageKind::text) == ReceiveStatus::closed);
    };
    kit.send(socket, test::text_frame("x"));
}

TEST_CASE("a stream that its client does not read is closed, or told what it misses") {
    for (const SlowConsumer policy : {SlowConsumer::close, SlowConsumer::drop}) {
        Settings settings;
        settings.topics.home.stream.count_max = 100;
        StreamKit kit{settings, {.send_queue_bytes_max = 64 << 10, .slow_consumer = policy}};
        std::uint64_t skipped = 0;
        kit.echo->skipped = [&](Session& session, std::uint64_t count) {
            skipped += count;
            session.send(text("skipped!"));
        };
        const int fd = kit.open();
        kit.ring.socket(fd).room = 10;
        for (int i = 0; i < 20; ++i) kit.after(fd, std::string(10'000, 'x'));
        kit.ring.give_room(fd, test::FakeRing::unlimited);
        kit.turn(6);
        const std::string content = kit.take(fd);
        if (policy == SlowConsumer::close) {
            CHECK(content.ends_with(chunk("bye 1013 too slow") + "0\r\n\r\n"));
            CHECK(kit.echo->endings.size() == 1);
            CHECK(kit.shard.metrics().slow_consumers_closed == 1);
        } else {
            CHECK(content.ends_with(chunk("skipped!")));
            CHECK(skipped == kit.shard.metrics().deliveries_dropped);
            CHECK(skipped > 0);
            CHECK(kit.after(fd, "again").find("data: again") != std::string::npos);
        }
    }
}

TEST_CASE("an idle stream is sent comments, and one that takes nothing is cut") {
    StreamKit kit{StreamKit::kept(), {.idle_timeout = 60s, .ping_interval = 20s}};
    const int fd = kit.open();
    (void)kit.take(fd);
    kit.pass(17s);
    CHECK(kit.take(fd).empty());
    kit.pass(3s + 10ms);
    CHECK(kit.take(fd) == chunk(":\n\n"));
    for (int i = 0; i < 20; ++i) kit.pass(20s);
    CHECK(unchunked(kit.take(fd)).size() >= 20 * 3);
    CHECK(kit.shard.metrics().sessions == 1);  // However long its client is silent.
    kit.ring.socket(fd).room = 5;
    kit.after(fd, std::string(30'000, 'x'));
    (void)kit.take(fd);
    for (int i = 0; i < 7; ++i) kit.pass(20s);
    CHECK(kit.take(fd).find(':') == std::string::npos);
    CHECK(kit.echo->endings.size() == 1);
    CHECK(kit.shard.metrics().timeouts == 1);
}

TEST_CASE("a stream ends when it has gone on for long enough, so that its client comes back") {
    Settings settings = StreamKit::kept();
    settings.http.stream_timeout = 30s;
    StreamKit kit{settings, {.idle_timeout = 0s, .ping_interval = 0s}};
    const int fd = kit.open();
    (void)kit.take(fd);
    kit.pass(29s);
    CHECK(kit.take(fd).empty());
    kit.pass(1s + 10ms);
    kit.turn(2);
    CHECK(kit.take(fd) == chunk("bye 1001 stream timeout") + "0\r\n\r\n");
}

TEST_CASE("a verdict on a stream may come late, or refuse; HEAD is answered at once") {
    StreamKit kit;
    const auto make = kit.make_verdict;
    kit.make_verdict = [] {
        Verdict verdict;
        verdict.kind = Verdict::Kind::pending;
        return verdict;
    };
    const int late = kit.accept();
    kit.send(late, http_request("GET /") + http_request("GET /nothing"));
    CHECK(kit.take(late).empty());
    CHECK(kit.shard.metrics().held_bytes > 0);
    kit.shard.resolve(kit.id, make());
    kit.turn(3);
    CHECK(kit.take(late).starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(kit.after(late, "one").find("data: one") != std::string::npos);

    const int slow = kit.open();
    kit.pass(11s);
    CHECK(kit.take_response(slow).status == 503);

    kit.make_verdict = [] {
        Verdict verdict;
        verdict.kind = Verdict::Kind::refuse;
        verdict.status = 401;
        verdict.fields = "X-Why: because\r\n";
        verdict.body = "no\n";
        return verdict;
    };
    const int refused = kit.open();
    const auto response = kit.take_response(refused);
    CHECK(response.status == 401);
    CHECK(response.field("x-why") == "because");
    CHECK(kit.ring.socket(refused).sending_shut);

    kit.make_verdict = make;
    const int head = kit.accept();
    kit.send(head, http_request("HEAD /"));
    CHECK(kit.take_response(head, true).status == 200);
    CHECK(kit.shard.metrics().sessions == 1);
    kit.send(head, http_request("GET /"));
    kit.turn(3);
    CHECK(kit.take(head).find("chunked") != std::string::npos);
}

TEST_CASE("a stream ends with the server, behind what was published before") {
    StreamKit kit;
    const int fd = kit.open();
    (void)kit.take(fd);
    const std::string last = "last";
    CHECK(kit.shard.publish("a", PublicationKind::text, std::as_bytes(std::span{last})) ==
          PublishStatus::accepted);
    kit.shard.begin_shutdown(CloseCode::going_away);
    kit.turn(6);
    const std::string content = kit.take(fd);
    CHECK(content.find("data: last") != std::string::npos);
    CHECK(content.ends_with(chunk("bye 1001 server is shutting down") + "0\r\n\r\n"));
    CHECK(kit.echo->endings.size() == 1);
}

TEST_CASE("a stream has the rates of its endpoint") {
    StreamKit kit{StreamKit::kept(), {.message_rate = {.rate = 1, .burst = 2}}};
    const int fd = kit.open();
    (void)kit.take(fd);
    for (const char* message : {"1", "2", "3", "4", "5"})
        CHECK(kit.session()->receive(message, MessageKind::text) == ReceiveStatus::accepted);
    kit.turn(2);
    CHECK(kit.echo->messages_count == 2);
    CHECK(kit.shard.metrics().rate_suspensions >= 1);
    kit.pass(1s + 10ms);
    CHECK(kit.echo->messages_count == 3);
    kit.pass(1s + 10ms);
    CHECK(kit.echo->messages_count == 4);
}

TEST_CASE("a stream ends in time though its client says more than it may") {
    Settings settings = StreamKit::kept();
    settings.http.stream_timeout = 5s;
    StreamKit kit{settings, {.idle_timeout = 0s, .ping_interval = 0s, .message_rate = {.rate = 1}}};
    kit.echo->received = [](Session&, Message) {};
    const int fd = kit.open();
    (void)kit.take(fd);
    for (int i = 0; i < 20; ++i)
        CHECK(kit.session()->receive("x", MessageKind::text) == ReceiveStatus::accepted);
    kit.pass(4s);
    CHECK(kit.take(fd).empty());
    CHECK(kit.echo->messages_count < 20);
    kit.pass(1s + 10ms);
    kit.turn(2);
    CHECK(kit.take(fd) == chunk("bye 1001 stream timeout") + "0\r\n\r\n");
}
