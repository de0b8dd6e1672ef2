#include "base/spsc_queue.hpp"

#include <cstdint>
#include <doctest/doctest.h>
#include <memory>
#include <string>
#include <thread>

using ringcast::SpscQueue;

TEST_CASE("items come out in the order they went in") {
    SpscQueue<int> queue{4};
    for (int round = 0; round < 100; ++round) {
        for (int i = 0; i < 3; ++i) REQUIRE(queue.try_push(round * 3 + i));
        for (int i = 0; i < 3; ++i) {
            int item = -1;
            REQUIRE(queue.try_pop(item));
            REQUIRE(item == round * 3 + i);
        }
        REQUIRE(queue.front() == nullptr);
    }
}

TEST_CASE("a full queue refuses and leaves the item with the caller") {
    SpscQueue<std::unique_ptr<int>> queue{2};
    CHECK(queue.try_push(std::make_unique<int>(1)));
    CHECK(queue.try_push(std::make_unique<int>(2)));
    CHECK(queue.size() == 2);
    auto third = std::make_unique<int>(3);
    CHECK_FALSE(queue.try_push(std::move(third)));
    CHECK(third != nullptr);
    CHECK(**queue.front() == 1);
    queue.pop();
    CHECK(queue.try_push(std::move(third)));
    CHECK(third == nullptr);
    CHECK(**queue.front() == 2);
}

TEST_CASE("an empty queue has no front and pops nothing") {
    SpscQueue<int> queue{1};
    int item = 5;
    CHECK(queue.front() == nullptr);
    CHECK_FALSE(queue.try_pop(item));
    CHECK(item == 5);
    CHECK(queue.size() == 0);
}

TEST_CASE("a queue destroys the items left in it") {
    const auto witness = std::make_shared<int>(0);
    {
        SpscQueue<std::shared_ptr<int>> queue{8};
        for (int i = 0; i < 5; ++i) REQUIRE(queue.try_push(witness));
        REQUIRE(queue.front() != nullptr);
        queue.pop();
        CHECK(witness.use_count() == 5);
    }
    CHECK(witness.use_count() == 1);
}

TEST_CASE("items are constructed in place") {
    SpscQueue<std::string> queue{2};
    CHECK(queue.try_emplace(3u, 'x'));
    CHECK(*queue.front() == "xxx");
}

TEST_CASE("a producer and a consumer on two threads lose, repeat and tear nothing") {
    struct Item {
        std::uint64_t number, complement;
    };
    struct {
        std::size_t capacity;
        std::uint64_t count;
    } const cases[] = {
        // Where every item takes a switch of threads, as long as the machine has others to run.
        {1, 5'000},
        {2, 5'000},
        {64, 300'000},
        {4096, 300'000},
    };
    for (const auto& [capacity, count] : cases) {
        SpscQueue<Item> queue{capacity};
        std::thread producer{[&queue, count = count] {
            for (std::uint64_t number = 0; number < count; ++number) {
                while (!queue.try_push(Item{number, ~number})) std::this_thread::yield();
            }
        }};
        bool correct = true;
        for (std::uint64_t number = 0; number < count; ++number) {
            Item* item = queue.front();
            for (; item == nullptr; item = queue.front()) std::this_thread::yield();
            correct = correct && item->number == number && item->complement == ~number &&
                      queue.size() <= capacity;
            queue.pop();
        }
        producer.join();
        CHECK(correct);
        CHECK(queue.size() == 0);
    }
}
