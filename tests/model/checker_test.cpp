// The checker itself: it finds what the memory model allows, nothing else, and counts right.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <doctest/doctest.h>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/prng.hpp"
#include "model/exploring.hpp"
#include "model/model.hpp"

namespace {

using model::Atomic;
using model::check_all;
using model::check_finds;
using Word = Atomic<std::uint64_t>;

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;
constexpr auto seq_cst = std::memory_order_seq_cst;

/// Each thread stores to its own word and then loads the other's: Dekker's pattern.
template <std::memory_order store_order>
struct StoreThenLoad final : model::World {
    Word words[2] = {Word{0}, Word{0}};
    std::uint64_t seen[2] = {};
    static inline std::set<std::pair<std::uint64_t, std::uint64_t>> outcomes;

    std::size_t thread_count() const override { return 2; }
    void run(std::size_t index) override {
        words[index].store(1, store_order);
        seen[index] = words[1 - index].load(seq_cst);
    }
    void end() override { outcomes.emplace(seen[0], seen[1]); }
};

/// One thread writes data and then a flag; the other reads the flag and then the data.
template <std::memory_order store_order, std::memory_order load_order>
struct Message final : model::World {
    Word flag{0};
    std::uint64_t data = 0;

    std::size_t thread_count() const override { return 2; }
    void run(std::size_t index) override {
        if (index == 0) {
            model::wrote(&data, sizeof data);
            data = 42;
            flag.store(1, store_order);
        } else if (flag.load(load_order) == 1) {
            model::reads(&data, sizeof data);
            model::require(data == 42, "the data is not there");
        }
    }
};

/// Two sequentially consistent stores per thread, of all threads to one word or each to its own.
template <std::size_t threads, bool one_word>
struct Stores final : model::World {
    Word words[3] = {Word{0}, Word{0}, Word{0}};

    std::size_t thread_count() const override { return threads; }
    void run(std::size_t index) override {
        for (std::uint64_t i = 0; i < 2; ++i) {
            words[one_word ? 0 : index].store(2 * index + i, seq_cst);
        }
    }
};

template <template <class> class AtomicType>
struct Counting final : model::World {
    AtomicType<std::uint64_t> bits{0};

    std::size_t thread_count() const override { return 2; }
    void run(std::size_t index) override { bits.fetch_or(std::uint64_t{1} << index, seq_cst); }
    void end() override { model::require(bits.load(relaxed) == 3, "a bit is lost"); }
};

struct OwnStores final : model::World {
    Word words[2] = {Word{0}, Word{0}};

    std::size_t thread_count() const override { return 2; }
    void run(std::size_t index) override {
        if (index == 0) {
            for (std::uint64_t i = 1; i <= 2; ++i) {
                words[0].store(i, release);
                words[1].store(i, release);
                model::require(words[0].load(acquire) == i, "its own store is not seen");
            }
        } else {
            const std::uint64_t second = words[1].load(acquire);
            model::require(words[0].load(acquire) >= second, "stores are seen out of order");
        }
    }
};

struct Sleeping final : model::World {
    bool somebody_calls;
    model::Wake wake;

    explicit Sleeping(bool calls = false) : somebody_calls{calls} {}
    std::size_t thread_count() const override { return 2; }
    void run(std::size_t index) override {
        if (index == 0) wake.wait();
        if (index == 1 && somebody_calls) wake.call();
    }
};

struct Spinning final : model::World {
    Word word{0};
    std::size_t thread_count() const override { return 1; }
    void run(std::size_t) override {
        while (word.load(relaxed) == 0) continue;
    }
};

/// Three threads with a few operations each on two words, drawn from a seed.
struct Drawn final : model::World {
    using Outcome = std::vector<std::uint64_t>;  // All that is seen, and what is left.

    std::uint64_t seed;
    std::set<Outcome>* outcomes;
    Word words[2] = {Word{0}, Word{0}};
    std::array<Outcome, 3> seen;

    Drawn(std::uint64_t drawn, std::set<Outcome>* out) : seed{drawn}, outcomes{out} {
        for (Outcome& values : seen) values.reserve(3);
    }
    std::size_t thread_count() const override { return 3; }
    void run(std::size_t index) override {
        ringcast::Prng prng{3 * seed + index};
        for (std::uint64_t i = 0, count = 1 + prng.below(3); i < count; ++i) {
            const std::uint64_t value = 10 * (index + 1) + i;
            Word& word = words[prng.below(2)];
            switch (prng.below(7)) {
                case 0:
                case 1: word.store(value, release); break;
                case 2: word.store(value, seq_cst); break;
                case 3: seen[index].push_back(word.exchange(value, seq_cst)); break;
                default: seen[index].push_back(word.load(acquire)); break;
            }
        }
    }
    void end() override {
        Outcome outcome{words[0].load(relaxed), words[1].load(relaxed)};
        for (const Outcome& values : seen) {
            outcome.push_back(values.size());
            outcome.insert(outcome.end(), values.begin(), values.end());
        }
        outcomes->insert(outcome);
    }
};

}  // namespace

TEST_CASE("the model checker lets loads overtake released stores, but not seq_cst ones") {
    check_all<StoreThenLoad<release>>("store release, then load");
    CHECK(StoreThenLoad<release>::outcomes.size() == 4);
    check_all<StoreThenLoad<seq_cst>>("store seq_cst, then load");
    CHECK(StoreThenLoad<seq_cst>::outcomes.size() == 3);
    CHECK_FALSE(StoreThenLoad<seq_cst>::outcomes.contains({0, 0}));
}

TEST_CASE("the model checker finds plain data that release and acquire do not order") {
    check_all<Message<release, acquire>>("message, release and acquire");
    check_all<Message<seq_cst, seq_cst>>("message, seq_cst");
    check_finds<Message<relaxed, acquire>>("message, relaxed store",
                                           "race: a read is not ordered behind a write");
    check_finds<Message<release, relaxed>>("message, relaxed load",
                                           "race: a read is not ordered behind a write");
}

TEST_CASE("the model checker tries each order of conflicting steps once, and no other") {
    // 4! / (2! 2!) and 6! / (2! 2! 2!) orders; steps that do not conflict have one.
    CHECK(model::explore<Stores<2, true>>().executions == 6);
    CHECK(model::explore<Stores<3, true>>().executions == 90);
    CHECK(model::explore<Stores<2, false>>().executions == 1);
    CHECK(model::explore<Stores<3, false>>().executions == 1);
}

TEST_CASE("the orders that the model checker leaves out have no outcome of their own") {
    std::uint64_t distinct = 0, all = 0;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        CAPTURE(seed);
        std::set<Drawn::Outcome> distinct_outcomes, all_outcomes;
        distinct += model::explore([&] {
                        return std::make_unique<Drawn>(seed, &distinct_outcomes);
                    }).executions;
        all += model::explore([&] { return std::make_unique<Drawn>(seed, &all_outcomes); },
                              model::Orders::all)
                   .executions;
        CHECK(distinct_outcomes == all_outcomes);
    }
    std::printf("model: 200 drawn worlds: %llu executions instead of %llu\n",
                static_cast<unsigned long long>(distinct), static_cast<unsigned long long>(all));
    CHECK(distinct < all);
}

TEST_CASE("the model checker finds the bit that a divided read-modify-write loses") {
    check_all<Counting<model::Atomic>>("fetch_or");
    check_finds<Counting<model::Split>>("fetch_or in two steps", "a bit is lost");
}

TEST_CASE("the model checker shows a thread its own stores at once, and others all in order") {
    check_all<OwnStores>("own stores");
}

TEST_CASE("the model checker finds a thread that nobody wakes, and one that does not end") {
    check_finds<Sleeping>("nobody calls", "lost wake-up: a thread waits for a call for ever");
    const auto called = model::explore([] { return std::make_unique<Sleeping>(true); });
    CHECK(called.failure == "");
    CHECK(called.executions == 1);
    check_finds<Spinning>("a loop without end", "no end in sight");
}
