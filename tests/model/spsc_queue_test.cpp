// Every interleaving of SpscQueue: what goes in comes out once and in order, full and empty are
// true when they are said, and no slot is written while it is read.

#include "base/spsc_queue.hpp"

#include <cstddef>
#include <cstdint>
#include <doctest/doctest.h>

#include "model/exploring.hpp"
#include "model/model.hpp"

namespace {

using model::check_all;
using model::check_finds;

/// Shows the checker what the queue does with its memory.
struct Item {
    explicit Item(std::uint64_t initial) noexcept : number{initial} { model::wrote(this, 8); }
    Item(const Item&) = delete;
    Item& operator=(const Item&) = delete;
    Item(Item&& other) noexcept : number{other.read()} { model::wrote(this, 8); }
    Item& operator=(Item&&) = delete;
    ~Item() { model::wrote(this, 8); }

    std::uint64_t read() const noexcept {
        model::reads(this, 8);
        return number;
    }

    std::uint64_t number;
};

/// `count` attempts to push and `count` attempts to pop.
template <template <class> class Atomic, std::size_t capacity, std::uint64_t count,
          bool reads_too_late = false>
struct Transfer final : model::World {
    ringcast::BasicSpscQueue<Item, Atomic> queue{capacity};
    std::uint64_t pushed = 0, popped = 0;

    std::size_t thread_count() const override { return 2; }
    void run(std::size_t index) override { index == 0 ? produce() : consume(); }

    void produce() {
        for (std::uint64_t i = 0; i < count; ++i) {
            if (queue.try_emplace(pushed)) {
                ++pushed;
            } else {
                const model::Peek peek;
                model::require(queue.size() == capacity, "said full, and was not");
            }
        }
    }
    void consume() {
        for (std::uint64_t i = 0; i < count; ++i) {
            if (const Item* item = queue.front(); item != nullptr) {
                if (!reads_too_late) model::require(item->read() == popped, "not the next item");
                queue.pop();
                if (reads_too_late) (void)item->read();
                ++popped;
            } else {
                const model::Peek peek;
                model::require(queue.size() == 0, "said empty, and was not");
            }
        }
    }
    void end() override {
        model::require(queue.size() == pushed - popped, "wrong size at rest");
        while (const Item* item = queue.front()) {
            model::require(item->number == popped++, "not the next item at rest");
            queue.pop();
        }
        model::require(popped == pushed, "an item is lost");
        for (std::size_t i = 0; i < capacity; ++i) {
            model::require(queue.try_emplace(i), "full too early");
        }
        model::require(!queue.try_emplace(0u), "full too late");
    }
};

}  // namespace

TEST_CASE("a queue hands each item over once, in order, and is honest about full and empty") {
    check_all<Transfer<model::Atomic, 1, 4>>("queue of 1, 4 attempts");
    check_all<Transfer<model::Atomic, 2, 4>>("queue of 2, 4 attempts");
    check_all<Transfer<model::Atomic, 4, 3>>("queue of 4, 3 attempts");
}

TEST_CASE("a queue does not need sequential consistency") {
    check_all<Transfer<model::WithoutSeqCst, 1, 3>>("queue without seq_cst");
}

TEST_CASE("the model checker finds the race of a queue whose operations are relaxed") {
    check_finds<Transfer<model::Relaxed, 2, 2>>("queue with relaxed operations",
                                                "race: a read is not ordered behind a write");
}

TEST_CASE("the model checker finds a consumer that reads an item after it has popped it") {
    check_finds<Transfer<model::Atomic, 1, 2, true>>("item read too late",
                                                     "race: a write is not ordered behind a read");
}
