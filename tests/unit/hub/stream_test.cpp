#include "hub/stream.hpp"

#include <algorithm>
#include <cstdint>
#include <doctest/doctest.h>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer_pool.hpp"
#include "base/prng.hpp"
#include "unit/hub/stream_kit.hpp"

using namespace ringcast;
using namespace ringcast::hub;
using namespace std::chrono_literals;

TEST_CASE("an epoch is eight characters that need no escape, and each one is another") {
    Prng prng{1};
    std::vector<std::string> seen;
    for (int i = 0; i < 1000; ++i) {
        const Epoch epoch = Epoch::draw(prng);
        const std::string text{epoch.text()};
        CHECK(text.size() == 8);
        CHECK(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789-_") == std::string::npos);
        CHECK(std::ranges::find(seen, text) == seen.end());
        CHECK(Epoch::of(text) == epoch);
        CHECK_FALSE(epoch.is_any());
        seen.push_back(text);
    }
    CHECK(Epoch::of("").is_any());
    CHECK(Epoch{}.text() == "");
    for (const char* foreign : {"x", "1234567", "123456789"})
        CHECK(Epoch::of(foreign) == Epoch::of("????????"));
}

TEST_CASE("a stream that keeps nothing still numbers") {
    StreamKit kit{{.count_max = 0}};
    CHECK(sizeof kit.stream == 24);
    CHECK_FALSE(kit.stream.keeps());
    CHECK(History::number(kit.stream) == 1);
    CHECK(History::number(kit.stream) == 2);
    CHECK(kit.stream.position() == Position{2, kit.stream.epoch()});
    CHECK(kit.stream.first() == 3);
    CHECK(kit.stream.reaches_back_to(2));
    CHECK_FALSE(kit.stream.reaches_back_to(1));
    CHECK_FALSE(kit.stream.reaches_back_to(3));
    CHECK_FALSE(kit.stream.reaches_back_to(UINT64_MAX));
}

TEST_CASE("a stream keeps its newest publications, and numbers go on") {
    StreamKit kit{{.count_max = 3}};
    CHECK(kit.kept() == "");
    for (int i = 1; i <= 7; ++i) CHECK(kit.append("p" + std::to_string(i)) == std::uint64_t(i));
    CHECK(kit.kept() == "5:p5 6:p6 7:p7");
    CHECK(kit.history.count() == 3);
    CHECK(kit.stream.reaches_back_to(4));
    CHECK_FALSE(kit.stream.reaches_back_to(3));
    kit.history.clear(kit.stream);
    CHECK(kit.kept() == "");
    CHECK(kit.history.count() == 0);
    CHECK(kit.history.bytes() == 0);
    CHECK(kit.append("p8") == 8);
    CHECK(kit.kept() == "8:p8");
    CHECK(kit.history.evictions() == 0);
}

TEST_CASE("a stream knows the version of what was published to it last") {
    StreamKit kit{{.count_max = 2}};
    using Version = PublicationVersion;
    const auto publish = [&](const Version& version) {
        if (kit.stream.has_seen(version)) return false;
        kit.append("x");
        History::note(kit.stream, version);
        return true;
    };
    CHECK(publish({}));
    CHECK(publish({.number = 5}));
    CHECK_FALSE(publish({.number = 5}));
    CHECK_FALSE(publish({.number = 4}));
    CHECK(publish({}));  // Who says nothing of it leaves it as it is.
    CHECK_FALSE(publish({.number = 5}));
    CHECK(publish({.number = 6}));
    // In another epoch it may be anything, and that is the epoch from then on.
    CHECK(publish({.number = 2, .epoch = "b"}));
    CHECK_FALSE(publish({.number = 2, .epoch = "b"}));
    CHECK_FALSE(publish({.number = 1}));
    CHECK(publish({.number = 3}));
    CHECK(publish({.number = 3, .epoch = "b"}));
    CHECK(publish({.number = UINT64_MAX, .epoch = "b"}));
    // It belongs to the topic, not to what is kept of it.
    kit.history.clear(kit.stream);
    CHECK_FALSE(publish({.number = UINT64_MAX}));
    StreamKit keeps_nothing{{.count_max = 0}};
    CHECK_FALSE(keeps_nothing.stream.has_seen({.number = 1}));
}

TEST_CASE("what falls out is given back, whoever else still refers to it") {
    StreamKit kit{{.count_max = 1}};
    kit.append("one");
    SharedPayload& held = *kit.stream.at(1).payload;
    held.acquire(1);
    kit.append("two");
    kit.home.free_all();
    CHECK(kit.pool.blocks_in_use() == 2);
    CHECK(kit.text(held) == "one");
    held.release();
    kit.home.free_all();
    CHECK(kit.pool.blocks_in_use() == 1);
}

TEST_CASE("publications go when they are too old, each at its own time") {
    StreamKit kit{{.count_max = 10, .age_max = 10s}};
    kit.append("a");
    kit.now += 4s;
    kit.append("b");
    kit.now += 4s;
    kit.append("c");
    kit.history.expire(kit.now, 100);
    CHECK(kit.kept() == "1:a 2:b 3:c");
    kit.now += 3s;
    kit.history.expire(kit.now, 100);
    CHECK(kit.kept() == "2:b 3:c");
    kit.now += 9s;
    kit.history.expire(kit.now, 100);
    CHECK(kit.kept() == "");
    kit.append("d");
    CHECK(kit.kept() == "4:d");
    kit.now += 11s;
    kit.history.expire(kit.now, 0);
    CHECK(kit.kept() == "4:d");
    kit.history.expire(kit.now, 1);
    CHECK(kit.kept() == "");
}

TEST_CASE("over the budget the stream goes that was published to longest ago") {
    const std::uint64_t one = 256 + sizeof(StoredPublication);
    StreamKit kit{{.count_max = 10}, 4 * one};
    auto second = std::make_unique<Stream>(kit.stream.epoch(), StreamLimits{.count_max = 10});
    kit.append("a");
    kit.append_to(*second, "x");
    kit.append_to(*second, "y");
    kit.append("b");
    CHECK(kit.history.bytes() == 4 * one);
    CHECK(kit.history.evictions() == 0);
    kit.append("c");
    CHECK(kit.kept() == "1:a 2:b 3:c");
    CHECK(second->count() == 0);
    CHECK(second->position().offset == 2);
    CHECK(kit.history.evictions() == 2);
    // Alone, it loses its oldest.
    kit.append("d");
    kit.append("e");
    CHECK(kit.kept() == "2:b 3:c 4:d 5:e");
    CHECK(kit.history.evictions() == 3);
    // What is larger than all leaves nothing, and no gap.
    CHECK(kit.append(std::string(4000, 'f')) == 6);
    CHECK(kit.kept() == "");
    CHECK(kit.history.bytes() == 0);
    kit.append("g");
    CHECK(kit.kept() == "7:g");
}

TEST_CASE("streams of a shard, with random publications, limits and times, are as a naive one") {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        CAPTURE(seed);
        Prng prng{seed};
        const auto count_max = static_cast<std::uint32_t>(1 + prng.below(9));
        const Duration age_max = std::chrono::seconds{1 + prng.below(20)};
        StreamKit kit{{.count_max = count_max, .age_max = age_max}};
        std::vector<std::pair<std::string, Instant>> naive;
        std::uint64_t top = 0;
        for (int i = 0; i < 300; ++i) {
            if (prng.chance(2, 3)) {
                const std::string text = "p" + std::to_string(i);
                CHECK(kit.append(text) == ++top);
                naive.emplace_back(std::to_string(top) + ":" + text, kit.now);
                if (naive.size() > count_max) naive.erase(naive.begin());
            } else {
                kit.now += std::chrono::seconds{prng.below(5)};
                kit.history.expire(kit.now + 300ms, 10);  // Within a tick of the wheel.
                std::erase_if(naive, [&](const auto& one) {
                    return kit.now + 300ms - one.second >= age_max;
                });
            }
            std::string expected;
            for (const auto& [text, at] : naive) expected += (expected.empty() ? "" : " ") + text;
            CHECK(kit.kept() == expected);
        }
    }
}
