// Every interleaving of Doorbell: who sleeps is woken, by one, and sees what was made visible.

#include "base/doorbell.hpp"

#include <cstddef>
#include <cstdint>
#include <doctest/doctest.h>
#include <string_view>

#include "model/exploring.hpp"
#include "model/model.hpp"

namespace {

using model::check_all;
using model::check_finds;

/// Thread 0 owns the doorbell; thread 1 rings it `first_rings` times and thread 2 `second_rings`
/// times, each time with a bit and a cell of plain memory of its own.
template <template <class> class Atomic, std::size_t first_rings, std::size_t second_rings>
struct Ringing : model::World {
    static constexpr std::size_t cell_count = first_rings + second_rings;
    static constexpr std::uint64_t all = (std::uint64_t{1} << cell_count) - 1;

    ringcast::BasicDoorbell<Atomic> doorbell;
    model::Wake wake;
    std::uint64_t cells[cell_count] = {};
    std::uint64_t sleeps = 0, taken = 0;

    std::size_t thread_count() const override { return second_rings > 0 ? 3 : 2; }
    void run(std::size_t index) override {
        if (index == 0) own();
        if (index == 1) ring(0, first_rings);
        if (index == 2) ring(first_rings, cell_count);
    }
    void ring(std::size_t begin, std::size_t end) {
        for (std::size_t cell = begin; cell < end; ++cell) {
            model::wrote(&cells[cell], 8);
            cells[cell] = cell + 1;
            if (doorbell.ring(std::uint64_t{1} << cell)) wake.call();
        }
    }
    virtual void own() {
        while (taken != all) {
            if (take_some()) continue;
            ++sleeps;
            if (!doorbell.try_sleep()) continue;
            wake.wait();
            doorbell.get_up();
        }
    }
    bool take_some() {
        const std::uint64_t bits = doorbell.take();
        model::require((bits & taken) == 0, "a bit is taken twice");
        for (std::size_t cell = 0; cell < cell_count; ++cell) {
            if ((bits >> cell & 1) == 0) continue;
            model::reads(&cells[cell], 8);
            model::require(cells[cell] == cell + 1, "a bit without its record");
        }
        taken |= bits;
        return bits != 0;
    }
    void end() override {
        taken |= doorbell.take();
        model::require(taken == all, "a bit is lost");
        model::require(wake.call_count() <= sleeps, "two wake one sleeper");
    }
};

/// An owner whose waits end by themselves.
template <std::size_t first_rings, std::size_t second_rings>
struct WithTimeouts final : Ringing<model::Atomic, first_rings, second_rings> {
    void own() override {
        for (int wait = 0; wait < 2; ++wait) {
            (void)this->take_some();
            ++this->sleeps;
            if (this->doorbell.try_sleep()) this->doorbell.get_up();
        }
    }
};

/// Only the sleep word, which is the smaller one, is read and written in two steps.
template <class T>
using SplitSleepWord =
    model::BasicAtomic<T, sizeof(T) == 4 ? model::Weakness::split : model::Weakness::none>;

constexpr std::string_view lost = "lost wake-up: a thread waits for a call for ever";

}  // namespace

TEST_CASE("an owner that goes to sleep misses no ring of one thread") {
    check_all<Ringing<model::Atomic, 1, 0>>("doorbell, 1 ring");
    check_all<Ringing<model::Atomic, 2, 0>>("doorbell, 2 rings");
    check_all<Ringing<model::Atomic, 3, 0>>("doorbell, 3 rings");
}

TEST_CASE("an owner that goes to sleep misses no ring of two threads, and one of them wakes it") {
    check_all<Ringing<model::Atomic, 1, 1>>("doorbell, 2 threads, 1 ring each");
    check_all<Ringing<model::Atomic, 2, 1>>("doorbell, 2 threads, 3 rings");
}

TEST_CASE("an owner whose wait ends by itself keeps all bits") {
    check_all<WithTimeouts<2, 0>>("doorbell with timeouts, 2 rings");
    check_all<WithTimeouts<1, 1>>("doorbell with timeouts, 2 threads, 1 ring each");
}

TEST_CASE("the model checker finds the lost wake-up of a doorbell without sequential consistency") {
    check_finds<Ringing<model::WithoutSeqCst, 1, 0>>("doorbell without seq_cst, 1 ring", lost);
    check_finds<Ringing<model::WithoutSeqCst, 1, 1>>("doorbell without seq_cst, 2 threads", lost);
}

TEST_CASE("the model checker finds that a doorbell divides its read-modify-writes") {
    check_finds<Ringing<model::Split, 2, 0>>("doorbell in two steps, 2 rings", lost);
    check_finds<Ringing<SplitSleepWord, 1, 1>>("doorbell with a sleep word in two steps, 2 threads",
                                               "two wake one sleeper");
}

TEST_CASE("the model checker finds that a relaxed take() makes no record visible") {
    check_finds<Ringing<model::Relaxed, 1, 0>>("relaxed doorbell",
                                               "race: a read is not ordered behind a write");
}
