#include "base/slab.hpp"

#include <doctest/doctest.h>
#include <map>
#include <string>
#include <vector>

#include "base/prng.hpp"

using ringcast::Slab;
using ringcast::SlotId;

namespace {

struct Counted {
    Counted(SlotId given, int number) : id{given}, value{number} { ++alive; }
    ~Counted() { --alive; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

    SlotId id;
    int value;
    static inline int alive = 0;
};

struct alignas(64) Line {
    int value = 0;
};

}  // namespace

TEST_CASE("an object is told its own handle when its constructor takes one") {
    Slab<Counted> slab{10};
    Counted* object = slab.insert(7);
    REQUIRE(object != nullptr);
    CHECK(object->value == 7);
    CHECK(object->id == SlotId{.slot = 0, .generation = 1});
    CHECK(slab.find(object->id) == object);
    CHECK(&slab.at(0) == object);
    CHECK(slab.id_of(0) == object->id);
}

TEST_CASE("an object that takes no handle is made from the arguments alone") {
    Slab<std::string> slab{10};
    CHECK(*slab.insert(3u, 'x') == "xxx");
    CHECK(slab.size() == 1);
}

TEST_CASE("a handle names nothing once its object is gone, even if the slot is used again") {
    Slab<Counted> slab{10};
    const SlotId first = slab.insert(1)->id;
    slab.erase(first.slot);
    CHECK(slab.find(first) == nullptr);
    const SlotId second = slab.insert(2)->id;
    CHECK(second.slot == first.slot);
    CHECK(slab.find(first) == nullptr);
    CHECK(slab.find(second)->value == 2);
    CHECK(slab.find(SlotId{}) == nullptr);
    CHECK(slab.find(SlotId{.slot = 9, .generation = 1}) == nullptr);
    CHECK(slab.find(SlotId{.slot = 4'000'000'000, .generation = 1}) == nullptr);
}

TEST_CASE("a full slab refuses, and takes again after an erase") {
    Slab<Counted> slab{5, 4};  // Two chunks, the second one cut short.
    for (int i = 0; i < 5; ++i) REQUIRE(slab.insert(i) != nullptr);
    CHECK(slab.insert(5) == nullptr);
    CHECK(slab.size() == 5);
    CHECK(slab.slot_count() == 5);
    slab.erase(2);
    CHECK(slab.insert(6)->id.slot == 2);
    CHECK(slab.insert(7) == nullptr);
    Slab<Counted> nothing{0};
    CHECK(nothing.insert(1) == nullptr);
}

TEST_CASE("addresses stay while the slab grows, and respect the object's alignment") {
    Slab<Line> slab{1000, 2};
    std::vector<Line*> lines;
    for (int i = 0; i < 1000; ++i) {
        lines.push_back(slab.insert());
        lines.back()->value = i;
        REQUIRE(reinterpret_cast<std::uintptr_t>(lines.back()) % 64 == 0);
    }
    for (std::uint32_t i = 0; i < 1000; ++i) REQUIRE(&slab.at(i) == lines[i]);
    for (int i = 0; i < 1000; ++i) REQUIRE(lines[static_cast<std::size_t>(i)]->value == i);
}

TEST_CASE("the slot freed last is used first") {
    Slab<Counted> slab{10};
    for (int i = 0; i < 4; ++i) REQUIRE(slab.insert(i) != nullptr);
    slab.erase(1);
    slab.erase(3);
    CHECK(slab.insert(0)->id.slot == 3);
    CHECK(slab.insert(0)->id.slot == 1);
    CHECK(slab.insert(0)->id.slot == 4);
}

TEST_CASE("a generation wraps past zero") {
    Slab<Line> slab{1};
    for (int i = 0; i < 65'535; ++i) {
        REQUIRE(slab.insert() != nullptr);
        REQUIRE(slab.id_of(0).generation == i + 1);
        slab.erase(0);
    }
    REQUIRE(slab.insert() != nullptr);
    CHECK(slab.id_of(0).generation == 1);
}

TEST_CASE("a slab destroys what is left in it") {
    {
        Slab<Counted> slab{100, 8};
        for (int i = 0; i < 50; ++i) REQUIRE(slab.insert(i) != nullptr);
        for (std::uint32_t slot = 0; slot < 50; slot += 3) slab.erase(slot);
        CHECK(Counted::alive == 33);
    }
    CHECK(Counted::alive == 0);
}

TEST_CASE("a visitor meets the live objects in slot order and may erase what it meets") {
    Slab<Counted> slab{100, 8};
    for (int i = 0; i < 20; ++i) REQUIRE(slab.insert(i) != nullptr);
    slab.erase(0);
    slab.erase(13);
    std::vector<int> seen;
    slab.for_each([&](Counted& object) {
        seen.push_back(object.value);
        if (object.value % 2 == 0) slab.erase(object.id.slot);
    });
    CHECK(seen == std::vector{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 17, 18, 19});
    CHECK(slab.size() == 9);
}

TEST_CASE("random inserts and erases agree with a map") {
    ringcast::Prng prng{2};
    Slab<Counted> slab{300, 16};
    std::map<std::uint32_t, Counted*> live;
    std::vector<SlotId> gone;
    for (int step = 0; step < 50'000; ++step) {
        if (prng.chance(11, 20)) {
            Counted* object = slab.insert(step);
            REQUIRE((object == nullptr) == (live.size() == 300));
            if (object != nullptr) REQUIRE(live.emplace(object->id.slot, object).second);
        } else if (!live.empty()) {
            const auto victim = std::next(live.begin(), static_cast<int>(prng.below(live.size())));
            gone.push_back(victim->second->id);
            slab.erase(victim->first);
            live.erase(victim);
        }
        REQUIRE(slab.size() == live.size());
    }
    for (const auto& [slot, object] : live) REQUIRE(slab.find(object->id) == object);
    for (const SlotId& id : gone) REQUIRE(slab.find(id) == nullptr);
}
