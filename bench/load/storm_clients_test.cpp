#include "storm_clients.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <doctest/doctest.h>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "memory_io.hpp"
#include "publication.hpp"
#include "test_frame.hpp"

namespace {

using namespace ringcast;
using namespace ringcast::bench;
using std::chrono::milliseconds;
using Stage = StormClients::Stage;

constexpr Clock::time_point storm_start{std::chrono::seconds(1000)};
constexpr std::uint32_t storm_publisher = 2;

/// Two clients that miss three publications, and their publisher.
class Storm {
public:
    Storm() { clients.start(storm_start); }

    /// Empty if all is well, else what is wrong.
    std::string turn(int time = 0) {
        const auto turned = io.turn_of(clients, storm_start + milliseconds(time));
        return turned ? "" : turned.error().message;
    }
    void say(std::uint32_t index, std::string_view text) {
        io.deliver(index, server_frame(0x81, text));
    }
    static std::string publication(std::uint64_t number) {
        std::string payload(16, '\0');
        write_publication({.publisher = 0, .sequence = number},
                          std::as_writable_bytes(std::span(payload)));
        return fmt::format(R"({{"data":"{}","offset":{}}})", payload, 42 + number);
    }
    void push(std::uint32_t index, std::uint64_t number) {
        say(index,
            fmt::format(R"({{"push":{{"channel":"bench-storm","pub":{}}}}})", publication(number)));
    }
    void receipt(std::uint64_t number) {
        say(storm_publisher, fmt::format(R"({{"id":{},"publish":{{}}}})", 3 + number));
    }
    void connect(std::uint32_t index) { say(index, R"({"id":1,"connect":{"client":"a"}})"); }
    /// Until all are away.
    std::string cut_off() {
        for (const std::uint32_t index : {0U, 1U, storm_publisher}) {
            connect(index);
            say(index, R"({"id":2,"subscribe":{"recoverable":true,"epoch":"e","offset":41}})");
        }
        std::string wrong = turn();
        CHECK(clients.stage() == Stage::listening);
        clients.cut_off(storm_start);
        for (const std::uint32_t index : {0U, 1U, storm_publisher}) push(index, 0);
        receipt(0);
        wrong += turn();
        CHECK(clients.stage() == Stage::publishing);
        wrong += turn();
        for (const std::uint64_t number : {1U, 2U, 3U}) {
            push(storm_publisher, number);
            receipt(number);
        }
        wrong += turn();
        CHECK(clients.stage() == Stage::away);
        return wrong;
    }
    /// Until both have asked for what they have missed.
    std::string come_back() {
        std::string wrong = cut_off();
        clients.come_back(storm_start);
        wrong += turn();
        for (const std::uint32_t index : {0U, 1U}) io.accept(index);
        wrong += turn();
        for (const std::uint32_t index : {0U, 1U}) connect(index);
        return wrong;
    }
    void recover(std::uint32_t index, std::vector<std::uint64_t> numbers) {
        std::string publications;
        for (const std::uint64_t number : numbers)
            publications += (publications.empty() ? "" : ",") + publication(number);
        say(index, fmt::format(R"({{"id":2,"subscribe":{{"epoch":"e","publications":[{}],)"
                               R"("recovered":true,"offset":42,"was_recovering":true}}}})",
                               publications));
    }

    MemoryIo io;
    Url url = *parse_url("ws://127.0.0.1:8080/connection/websocket");
    Sources sources = *Sources::create({}, url);
    Opener opener{io, url, sources};
    StormClients clients{
        io, opener, {.clients = 2, .missed = 3, .message_bytes = 16}, milliseconds(500), 0};
};

/// What is said of a storm in which the server says what `act` does to client 0.
std::string outcome_of(const std::function<void(Storm&)>& act) {
    Storm storm;
    CHECK(storm.come_back() == "");
    act(storm);
    const std::string wrong = storm.turn();
    constexpr std::string_view who = "client 0, back, after ";
    return wrong.starts_with(who) ? wrong.substr(who.size()) : wrong;
}

}  // namespace

TEST_CASE("clients are cut off behind the first publication, and miss the others") {
    Storm storm;
    CHECK(storm.cut_off() == "");
    for (const std::uint32_t index : {0U, 1U}) {
        CHECK(storm.io.connections[index].is_closed);
        CHECK_FALSE(storm.io.connections[index].is_receiving);  // Or it would stay open.
    }
    CHECK_FALSE(storm.io.connections[storm_publisher].is_closed);
}

TEST_CASE("clients that get what they missed, and one that is honestly told otherwise") {
    Storm storm;
    CHECK(storm.come_back() == "");
    storm.recover(0, {1, 2, 3});
    CHECK(storm.turn(3) == "");
    CHECK(storm.clients.stage() == Stage::returning);
    storm.say(1, R"({"id":2,"subscribe":{"epoch":"e","offset":45,"was_recovering":true}})");
    CHECK(storm.turn(7) == "");
    CHECK(storm.clients.stage() == Stage::back);
    CHECK(storm.clients.recovered() == 1);
    CHECK(storm.clients.not_recovered() == 1);
    CHECK(storm.clients.recoveries().max() == 7'000'000);

    storm.clients.stop(storm_start);
    for (const std::uint32_t index : {0U, 1U, storm_publisher}) storm.push(index, 4);
    storm.receipt(4);
    CHECK(storm.turn() == "");
    CHECK(storm.clients.stage() == Stage::asking);
    for (const std::uint32_t index : {0U, 1U, storm_publisher})
        storm.io.deliver(
            index, {std::byte{0x8a}, std::byte{3}, std::byte{'e'}, std::byte{'n'}, std::byte{'d'}});
    CHECK_FALSE(storm.clients.is_finished());
    CHECK(storm.turn() == "");
    CHECK(storm.clients.is_finished());
}

TEST_CASE("whatever is missing, double, out of order or untrue ends the run") {
    const auto recovers = [](std::vector<std::uint64_t> numbers) {
        return outcome_of([&](Storm& storm) { storm.recover(0, numbers); });
    };
    const auto hears = [](std::string_view text) {
        return outcome_of([&](Storm& storm) { storm.say(0, text); });
    };
    CHECK(recovers({1, 2, 3}) == "");
    CHECK(recovers({1, 3}) == "2 publications: publication 3 came, 2 is missing");
    CHECK(recovers({2, 3}) == "1 publications: publication 2 came, 1 is missing");
    CHECK(recovers({1, 2}) ==
          "3 publications: the server recovered it, but 1 of 3 publications are missing");
    CHECK(recovers({}) ==
          "1 publications: the server recovered it, but 3 of 3 publications are missing");
    CHECK(recovers({1, 1, 2, 3}) == "2 publications: publication 1 came a second time");
    CHECK(recovers({0, 1, 2, 3}) == "1 publications: publication 0 came a second time");
    CHECK(recovers({2, 1, 3}) == "1 publications: publication 2 came, 1 is missing");
    CHECK(recovers({1, 2, 3, 3}) ==
          "4 publications: the publication with offset 45 came a second time");
    CHECK(hears(R"({"id":2,"subscribe":{"epoch":"e","offset":44,"was_recovering":true}})")
              .contains("is not that of the last publication, 45"));
    CHECK(hears(R"({"id":2,"subscribe":{"epoch":"f","offset":45,"was_recovering":true}})")
              .contains("the topic is in epoch e"));
    CHECK(hears(R"({"id":2,"subscribe":{"epoch":"e","offset":45}})").contains("did not recover"));
    CHECK(hears(R"({"id":2,"error":{"code":103,"message":"permission denied"}})")
              .contains("permission denied"));
    CHECK(outcome_of([](Storm& storm) {
              storm.recover(0, {1, 2, 3});
              storm.push(0, 3);
          }) == "4 publications: the publication with offset 45 came a second time");
    CHECK(outcome_of([](Storm& storm) { storm.push(0, 3); }).contains("the server sent"));
    CHECK(outcome_of([](Storm& storm) { storm.io.end(0); }).ends_with("closed the connection"));
}

TEST_CASE("a server that recovers nobody any more is given up") {
    Storm storm;
    CHECK(storm.come_back() == "");
    storm.recover(0, {1, 2, 3});
    CHECK(storm.turn(100) == "");
    CHECK(storm.turn(599) == "");
    CHECK(storm.turn(601) == "nothing happened for 0.5 s, and 1 recoveries are missing");
}
