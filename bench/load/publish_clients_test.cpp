#include "publish_clients.hpp"

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <doctest/doctest.h>
#include <optional>
#include <string>
#include <string_view>

#include "memory_io.hpp"

namespace {

using namespace ringcast::bench;
using std::chrono::milliseconds;

constexpr Clock::time_point publish_start{std::chrono::seconds(1000)};

Url api_url() {
    Url url = *parse_url("http://127.0.0.1:9090/api");
    url.fields = "X-API-Key: k\r\n";
    return url;
}

std::string http_answer(std::string_view body) {
    return fmt::format("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{}", body.size(), body);
}

/// What is wrong with an answer, if anything is.
std::string fault_in(std::string_view body, std::uint32_t channels,
                     std::optional<std::uint64_t> offset = {}) {
    const auto checked = check_publish_answer(body, channels, offset);
    return checked ? "" : checked.error().message;
}

/// Two connections.
struct Publishers {
    Publishers() { clients.start(publish_start); }
    /// Empty if all is well, else what is wrong.
    std::string turn(int time = 0) {
        const auto turned = io.turn_of(clients, publish_start + milliseconds(time));
        return turned ? "" : turned.error().message;
    }
    void say(std::uint32_t index, std::string_view text) {
        const auto bytes = std::as_bytes(std::span(text));
        io.deliver(index, {bytes.begin(), bytes.end()});
    }
    MemoryIo io;
    Url url = api_url();
    Sources sources = *Sources::create({}, url);
    Opener opener{io, url, sources};
    PublishClients clients{
        io, opener, url, {.connections = 2, .message_bytes = 5}, milliseconds(500)};
};

}  // namespace

TEST_CASE("a request publishes to channels of its connection") {
    CHECK(publish_request(api_url(), {.message_bytes = 5}, 7) ==
          "POST /api/publish HTTP/1.1\r\nHost: 127.0.0.1:9090\r\nX-API-Key: k\r\n"
          "Content-Length: 36\r\n\r\n"
          R"({"channel":"bench-7-0","data":"xxx"})");
    CHECK(publish_request(api_url(), {.channels = 2, .topic_prefix = "a/", .message_bytes = 2}, 1)
              .ends_with("\r\n\r\n"
                         R"({"channels":["a/1-0","a/1-1"],"data":""})"));
}

TEST_CASE("an answer has a result for each channel, and offsets that follow those before") {
    const std::string one = R"({"result":{"offset":8,"epoch":"e"}})";
    CHECK(fault_in(R"({"result":{}})", 1).empty());
    CHECK(fault_in(one, 1).empty());
    CHECK(fault_in(one, 1, 7).empty());
    CHECK(fault_in(one, 1, 8).contains("another offset than 9"));
    CHECK(fault_in(R"({"result":{}})", 1, 8).contains("no offset any more"));
    CHECK(fault_in(R"({"error":{"code":107}})", 1).contains("0 results for 1"));
    const auto many = [](std::string_view first, std::string_view second) {
        return fmt::format(R"({{"result":{{"responses":[{},{}]}}}})", first, second);
    };
    CHECK(fault_in(many(one, one), 2).empty());
    CHECK(fault_in(many(one, one), 2, 7).empty());
    CHECK(fault_in(many(one, one), 3).contains("2 results for 3"));
    CHECK(fault_in(many(one, R"({"result":{"offset":9}})"), 2).contains("another offset than 8"));
    CHECK(fault_in(many(one, R"({"result":{}})"), 2).contains("1 offsets of 2"));
    CHECK(fault_in(many(one, R"({"error":{"code":102}})"), 2).contains("1 results for 2"));
    std::optional<std::uint64_t> offset;
    CHECK(check_publish_answer(one, 1, offset));
    CHECK(offset == 8);
}

TEST_CASE("a publisher sends its request again when all of the answer is there") {
    Publishers publishers;
    CHECK(publishers.turn() == "");
    CHECK(publishers.io.connections[1].sends == 1);
    const std::string answer = http_answer(R"({"result":{}})");
    publishers.say(1, answer.substr(0, 20));
    CHECK(publishers.turn(400) == "");
    publishers.say(1, answer.substr(20, answer.size() - 21));
    CHECK(publishers.turn(800) == "");
    CHECK(publishers.clients.count() == 0);
    publishers.say(1, answer.substr(answer.size() - 1));
    CHECK(publishers.turn(1200) == "");
    CHECK(publishers.clients.count() == 1);
    CHECK(publishers.io.connections[0].sends == 1);
    CHECK(publishers.io.connections[1].sends == 2);
    publishers.clients.stop(publish_start);
    for (const std::uint32_t index : {0U, 1U}) {
        CHECK(!publishers.clients.is_finished());
        publishers.say(index, answer);
        CHECK(publishers.turn(1300) == "");
    }
    CHECK(publishers.clients.is_finished());
    CHECK(publishers.turn(9000) == "");
    CHECK(publishers.io.connections[1].sends == 2);
}

TEST_CASE("a connection that the server has had enough of is followed by another one") {
    Publishers publishers;
    const std::string last =
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 13\r\n\r\n{\"result\":{}}";
    CHECK(publishers.turn() == "");
    for (const std::uint64_t count : {1U, 2U}) {
        publishers.say(1, last);
        CHECK(publishers.turn() == "");
        CHECK(publishers.clients.count() == count);
        CHECK(publishers.io.connections[1].sends == 1);
        publishers.io.end(1);
        CHECK(publishers.turn() == "");
        CHECK(!publishers.io.connections[1].is_closed);  // It is a new one.
        CHECK(publishers.io.connections[1].sends == 1);
    }
    publishers.clients.stop(publish_start);
    publishers.say(0, http_answer(R"({"result":{}})"));
    publishers.say(1, last);
    CHECK(publishers.turn() == "");
    CHECK(!publishers.clients.is_finished());
    CHECK(publishers.turn(600).contains("stopped answering"));
    publishers.io.end(1);
    CHECK(publishers.turn() == "");
    CHECK(publishers.clients.is_finished());
    CHECK(publishers.io.connections[1].is_closed);
}

TEST_CASE("whatever a server does instead of answering is noticed") {
    const auto fault_after = [](std::string_view text) {
        Publishers publishers;
        CHECK(publishers.turn() == "");
        publishers.say(1, text);
        return publishers.turn();
    };
    CHECK(fault_after("HTTP/1.1 401 Unauthorized\r\n\r\n").contains("'HTTP/1.1 401 Unauthorized'"));
    CHECK(fault_after("HTTP/1.1 200 OK\r\n\r\n{}").contains("how long"));
    CHECK(fault_after(http_answer("{}")).contains("connection 1: the server has 0 results"));
    CHECK(fault_after(http_answer(R"({"result":{}})") + "H").contains("more than its answer"));
    Publishers publishers;
    CHECK(publishers.turn() == "");
    CHECK(publishers.turn(500).contains("stopped answering"));
    publishers.io.end(0);
    CHECK(publishers.turn(100).contains("connection 0: the server closed"));
    publishers.io.end(1, -ECONNRESET);
    CHECK(publishers.turn(100).contains("cannot receive"));
}
