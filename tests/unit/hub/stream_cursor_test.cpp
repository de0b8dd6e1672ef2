#include "hub/stream_cursor.hpp"

#include <cstdint>
#include <doctest/doctest.h>
#include <string>

#include "unit/hub/stream_kit.hpp"

using namespace ringcast;
using namespace ringcast::hub;

namespace {

using Start = StreamQuery::Start;
using Order = StreamQuery::Order;

/// "4 5 6", and how it ended, unless complete.
std::string rest(StreamCursor& cursor, const Stream& stream) {
    std::string all;
    while (cursor.step(stream) == StreamCursor::Step::publication)
        all += (all.empty() ? "" : " ") + std::to_string(cursor.offset());
    return cursor.result() == StreamResult::complete ? all : all + "!";
}
std::string read(const Stream& stream, const StreamQuery& query) {
    StreamCursor cursor{query};
    return rest(cursor, stream);
}

/// Numbers up to 10, of which 6 to 10 are kept.
struct TenKit : StreamKit {
    explicit TenKit(StreamLimits limits = {.count_max = 5}) : StreamKit{limits} {
        for (int i = 1; i <= 10; ++i) append(std::to_string(i));
    }
    [[nodiscard]] std::string behind(std::uint64_t offset, std::uint32_t count_max = 300) const {
        return read(stream, {.start = Start::since,
                             .follows = true,
                             .count_max = count_max,
                             .since = {offset, stream.epoch()}});
    }
};

}  // namespace

TEST_CASE("whoever comes back gets all that came behind its position, or none of it") {
    const TenKit kit;
    CHECK(kit.behind(10) == "");
    CHECK(kit.behind(9) == "10");
    CHECK(kit.behind(5) == "6 7 8 9 10");
    CHECK(kit.behind(4) == "!");
    CHECK(kit.behind(0) == "!");
    CHECK(kit.behind(11) == "!");
    CHECK(kit.behind(UINT64_MAX) == "!");
    CHECK(kit.behind(6, 4) == "7 8 9 10");
    CHECK(kit.behind(6, 3) == "!");
    CHECK(kit.behind(10, 0) == "");
    const auto in_epoch = [&](Epoch epoch, std::uint64_t offset) {
        return read(
            kit.stream,
            {.start = Start::since, .follows = true, .count_max = 300, .since = {offset, epoch}});
    };
    CHECK(in_epoch({}, 8) == "9 10");  // Any.
    CHECK(in_epoch(Epoch::of("another_"), 8) == "!");
    CHECK(in_epoch(Epoch::of("another_"), 10) == "!");
}

TEST_CASE("where nothing is kept, whoever has missed nothing is told so") {
    StreamKit kit{{.count_max = 0}};
    History::number(kit.stream);
    const auto behind = [&](std::uint64_t offset) {
        return read(kit.stream, {.start = Start::since,
                                 .follows = true,
                                 .count_max = 300,
                                 .since = {offset, kit.stream.epoch()}});
    };
    CHECK(behind(1) == "");
    CHECK(behind(0) == "!");
    CHECK(read(kit.stream, {.start = Start::newest, .follows = true}) == "");
}

TEST_CASE("where the newest says all, it is what whoever comes back gets") {
    TenKit kit{{.count_max = 1, .is_newest_enough = true}};
    CHECK(kit.behind(10) == "");
    CHECK(kit.behind(9) == "10");
    CHECK(kit.behind(2) == "10");
    CHECK(read(kit.stream, {.start = Start::since,
                            .follows = true,
                            .count_max = 300,
                            .since = {10, Epoch::of("another_")}}) == "10");
    kit.history.clear(kit.stream);
    CHECK(kit.behind(10) == "");
    CHECK(kit.behind(2) == "!");
}

TEST_CASE("what comes while it is handed out belongs to it, up to the top") {
    TenKit kit;
    StreamCursor cursor{{.start = Start::since,
                         .follows = true,
                         .count_max = 300,
                         .since = {7, kit.stream.epoch()}}};
    CHECK(cursor.step(kit.stream) == StreamCursor::Step::publication);
    CHECK(cursor.offset() == 8);
    SUBCASE("it keeps pace") {
        kit.append("11");
        kit.append("12");
        CHECK(rest(cursor, kit.stream) == "9 10 11 12");
    }
    SUBCASE("what is next has fallen out meanwhile") {
        for (int i = 11; i <= 14; ++i) kit.append("x");
        CHECK(rest(cursor, kit.stream) == "!");
    }
    SUBCASE("it has been emptied meanwhile") {
        kit.history.clear(kit.stream);
        CHECK(rest(cursor, kit.stream) == "!");
    }
}

TEST_CASE("what comes while it is handed out counts as what was there") {
    TenKit kit{{.count_max = 2000}};  // "1" to "10" are kept: 11 bytes.
    const auto steps_at_pace = [&kit](const StreamQuery& query) {
        StreamCursor cursor{query};
        int steps = 0;
        for (; cursor.step(kit.stream) == StreamCursor::Step::publication; ++steps) kit.append("x");
        CHECK(cursor.result() == StreamResult::missing);
        return steps;
    };
    StreamQuery query{
        .start = Start::since, .follows = true, .count_max = 30, .since = {0, kit.stream.epoch()}};
    SUBCASE("in number") {
        CHECK(steps_at_pace(query) == 30);
    }
    SUBCASE("in bytes") {
        query.bytes_max = 20;
        CHECK(steps_at_pace(query) == 19);
    }
    SUBCASE("where the newest are wanted, they are what is left of, or rather much more") {
        query.start = Start::newest;
        query.count_max = 2;
        CHECK(steps_at_pace(query) == 2 + 1024);
    }
    SUBCASE("but not for bytes") {
        query.start = Start::newest;
        query.count_max = 2;
        query.bytes_max = 20;
        CHECK(steps_at_pace(query) == 39);  // "9", "10" and then as many bytes as twice 20 has.
    }
}

TEST_CASE("history is read from either end, and from a position") {
    const TenKit kit;
    const auto history = [&](Start start, Order order, std::uint32_t count_max,
                             std::uint64_t offset = 0) {
        return read(kit.stream, {.start = start,
                                 .order = order,
                                 .count_max = count_max,
                                 .since = {offset, kit.stream.epoch()}});
    };
    CHECK(history(Start::oldest, Order::forward, 300) == "6 7 8 9 10");
    CHECK(history(Start::oldest, Order::forward, 2) == "6 7");
    CHECK(history(Start::oldest, Order::forward, 0) == "");
    CHECK(history(Start::newest, Order::backward, 300) == "10 9 8 7 6");
    CHECK(history(Start::newest, Order::backward, 2) == "10 9");
    CHECK(history(Start::newest, Order::forward, 2) == "9 10");
    CHECK(history(Start::newest, Order::forward, 300) == "6 7 8 9 10");
    CHECK(history(Start::since, Order::forward, 2, 7) == "8 9");
    CHECK(history(Start::since, Order::forward, 300, 10) == "");
    CHECK(history(Start::since, Order::forward, 300, 4) == "!");
    CHECK(history(Start::since, Order::forward, 300, 11) == "!");
    CHECK(history(Start::since, Order::backward, 300, 8) == "7 6");
    CHECK(history(Start::since, Order::backward, 1, 8) == "7");
    CHECK(history(Start::since, Order::backward, 300, 11) == "10 9 8 7 6");
    CHECK(history(Start::since, Order::backward, 300, 12) == "!");
    CHECK(history(Start::since, Order::backward, 300, 0) == "");
    CHECK(history(Start::since, Order::backward, 300, UINT64_MAX) == "!");
}

TEST_CASE("history that shrinks while it is read ends before the gap") {
    TenKit kit;
    StreamCursor cursor{{.start = Start::oldest, .count_max = 300}};
    CHECK(cursor.step(kit.stream) == StreamCursor::Step::publication);
    kit.append("x");
    CHECK(cursor.step(kit.stream) == StreamCursor::Step::publication);
    CHECK(cursor.offset() == 7);
    for (int i = 12; i <= 13; ++i) kit.append("x");
    CHECK(rest(cursor, kit.stream) == "");
    StreamCursor backward{{.start = Start::newest, .order = Order::backward, .count_max = 300}};
    CHECK(backward.step(kit.stream) == StreamCursor::Step::publication);
    kit.history.clear(kit.stream);
    CHECK(rest(backward, kit.stream) == "");
}

TEST_CASE("what has begun in a stream does not go on in another one of the same name") {
    for (const Order order : {Order::forward, Order::backward}) {
        TenKit kit;
        StreamCursor cursor{{.start = Start::newest, .order = order, .count_max = 5}};
        REQUIRE(cursor.step(kit.stream) == StreamCursor::Step::publication);
        Stream anew{Epoch::of("anew-one"), {.count_max = 5}};
        for (int i = 1; i <= 8; ++i) (void)kit.append_to(anew, std::to_string(i));
        CHECK(rest(cursor, anew) == "!");
        kit.history.clear(anew);
    }
}

TEST_CASE("what goes with a publication counts as its payload does") {
    StreamKit kit{{.count_max = 5}};
    for (int i = 0; i < 4; ++i) kit.append("x", "tags");
    CHECK(read(kit.stream, {.start = Start::newest, .count_max = 300, .bytes_max = 10}) == "3 4");
}

TEST_CASE("an answer has a bound in bytes, too; one publication is always within it") {
    StreamKit kit{{.count_max = 5}};
    for (const std::size_t size : {5u, 1u, 4u, 2u, 3u}) kit.append(std::string(size, 'x'));
    const auto newest = [&](std::uint32_t bytes_max, Order order = Order::forward) {
        return read(
            kit.stream,
            {.start = Start::newest, .order = order, .count_max = 300, .bytes_max = bytes_max});
    };
    CHECK(newest(15) == "1 2 3 4 5");
    CHECK(newest(14) == "2 3 4 5");
    CHECK(newest(5) == "4 5");
    CHECK(newest(4) == "5");
    CHECK(newest(2) == "5");
    CHECK(newest(9, Order::backward) == "5 4 3");
    CHECK(newest(2, Order::backward) == "5");
    const auto oldest = [&](std::uint32_t bytes_max) {
        return read(kit.stream, {.start = Start::oldest, .count_max = 300, .bytes_max = bytes_max});
    };
    CHECK(oldest(6) == "1 2");
    CHECK(oldest(4) == "1");
    const auto behind = [&](std::uint64_t offset, std::uint32_t bytes_max) {
        return read(kit.stream, {.start = Start::since,
                                 .follows = true,
                                 .count_max = 300,
                                 .bytes_max = bytes_max,
                                 .since = {offset, kit.stream.epoch()}});
    };
    CHECK(behind(2, 9) == "3 4 5");
    CHECK(behind(2, 8) == "!");
    CHECK(behind(4, 1) == "5");
}
