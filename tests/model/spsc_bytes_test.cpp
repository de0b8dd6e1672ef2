// Every interleaving of SpscBytes: records come out once, in order and whole, full and empty are
// true when they are said, and who waits for room is told.

#include "base/spsc_bytes.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <doctest/doctest.h>
#include <span>
#include <string_view>

#include "base/assert.hpp"
#include "base/doorbell.hpp"
#include "model/exploring.hpp"
#include "model/model.hpp"

namespace {

using model::check_all;
using model::check_finds;

constexpr std::size_t capacity = 64;
constexpr std::size_t word_bytes = 8;

std::size_t record_bytes(std::size_t size) {
    return word_bytes + (size + word_bytes - 1) / word_bytes * word_bytes;
}
/// With the padding before it, of a record that begins at `position`.
std::size_t span_bytes(std::size_t position, std::size_t size) {
    const std::size_t to_end = capacity - position % capacity;
    return record_bytes(size) + (to_end < record_bytes(size) ? to_end : 0);
}

/// Record `number` of any world: its bytes are its number.
void write_record(std::byte* record, std::size_t size, std::uint64_t number) {
    model::wrote(record - word_bytes, word_bytes + size);
    std::fill_n(record, size, static_cast<std::byte>(number));
}

void check_record(std::span<const std::byte> record, std::size_t size, std::uint64_t number) {
    model::reads(record.data() - word_bytes, word_bytes + size);
    model::require(
        record.size() == size && std::ranges::count(record, static_cast<std::byte>(number)) ==
                                     static_cast<std::ptrdiff_t>(size),
        "not the next record");
}

enum class Misuse : std::uint8_t { none, reads_after_release, writes_after_publish };

/// `count` attempts of each side, to append and to pop, from position `start` on, with a publish()
/// and a release() after every `batch` of them.
template <template <class> class Atomic, std::size_t start, std::uint64_t count,
          std::uint64_t batch, Misuse misuse = Misuse::none>
struct Transfer final : model::World {
    ringcast::BasicSpscBytes<Atomic> queue{capacity};
    // Positions, counted by the test itself.
    std::size_t committed = start, published = start, read = start, released = start;
    std::uint64_t pushed = 0, popped = 0;

    // With these sizes the fifth record from position 8 finds room for itself but not for the
    // padding before it; from 48 the second one begins with padding; from 56 the first one ends
    // where the memory does.
    static std::size_t size_of(std::uint64_t number) {
        return number % 3 == 0 ? 0 : 9 - number % 3;
    }

    Transfer() {
        for (std::size_t i = 0; i < start / word_bytes; ++i) {
            model::require(queue.reserve(0) != nullptr, "no room before the start");
            queue.commit();
            queue.publish();
            model::require(queue.front().data() != nullptr, "nothing to pop before the start");
            queue.pop();
            (void)queue.release();
        }
    }
    std::size_t thread_count() const override { return 2; }
    void run(std::size_t index) override {
        for (std::uint64_t i = 1; i <= count; ++i) {
            index == 0 ? append(i % batch == 0) : take(i % batch == 0);
        }
    }
    void append(bool publish) {
        const std::size_t size = size_of(pushed);
        const std::size_t bytes = span_bytes(committed, size);
        std::byte* record = queue.reserve(size);
        if (record != nullptr) {
            if (misuse != Misuse::writes_after_publish) write_record(record, size, pushed);
            queue.commit();
            ++pushed;
            committed += bytes;
        } else {
            const model::Peek peek;
            model::require(queue.bytes_in_use() + (committed - published) + bytes > capacity,
                           "said full, and was not");
        }
        if (!publish) return;
        model::require(queue.publish() == (committed != published), "publish() is wrong");
        published = committed;
        if (misuse == Misuse::writes_after_publish) write_record(record, size, pushed - 1);
    }
    void take(bool release) {
        const auto record = queue.front();
        if (record.data() != nullptr) {
            const std::size_t size = size_of(popped);
            if (misuse != Misuse::reads_after_release) check_record(record, size, popped);
            queue.pop();
            ++popped;
            read += span_bytes(read, size);
        } else {
            const model::Peek peek;
            model::require(queue.bytes_in_use() == read - released, "said empty, and was not");
        }
        if (!release) return;
        model::require(!queue.release(), "a producer that does not wait is told");
        released = read;
        if (misuse == Misuse::reads_after_release && record.data() != nullptr) {
            model::reads(record.data() - word_bytes, word_bytes + record.size());
        }
    }
    void end() override {
        queue.publish();
        while (popped < pushed) {
            const auto record = queue.front();
            model::require(record.data() != nullptr, "a record is lost");
            if (record.data() == nullptr) return;
            check_record(record, size_of(popped), popped);
            queue.pop();
            ++popped;
        }
        model::require(queue.front().data() == nullptr, "a record too many");
        (void)queue.release();
        model::require(queue.bytes_in_use() == 0, "bytes are lost");
    }
};

/// A queue that is full at the beginning, with records of the largest size.
template <template <class> class Atomic>
struct FullQueue : model::World {
    static constexpr std::size_t size = capacity / 4 - word_bytes;
    static constexpr std::uint64_t full_count = 4;

    ringcast::BasicSpscBytes<Atomic> queue{capacity};
    std::uint64_t pushed = 0, popped = 0;

    FullQueue() {
        while (pushed < full_count) append();
        queue.publish();
    }
    std::size_t thread_count() const override { return 2; }
    void append() {
        std::byte* record = queue.reserve(size);
        RC_ASSERT(record != nullptr);
        write_record(record, size, pushed++);
        queue.commit();
    }
    bool take() {
        const auto record = queue.front();
        if (record.data() == nullptr) return false;
        check_record(record, size, popped++);
        queue.pop();
        return true;
    }
    void end() override {
        while (take()) continue;
        model::require(popped == pushed, "a record is lost");
    }
};

/// The producer appends `count` records more and waits for room when there is none; the consumer
/// pops as many, with a release() after every `batch`.
template <template <class> class Atomic, std::uint64_t count, std::uint64_t batch>
struct Waiting final : FullQueue<Atomic> {
    model::Wake told;
    std::uint64_t waits = 0;

    void run(std::size_t index) override { index == 0 ? produce() : consume(); }
    void produce() {
        for (std::uint64_t i = 0; i < count; ++i) {
            while (!this->queue.has_room(this->size) && !this->queue.await_room(this->size)) {
                ++waits;
                told.wait();
            }
            this->append();
            this->queue.publish();
        }
    }
    void consume() {
        for (std::uint64_t i = 1; i <= count; ++i) {
            model::require(this->take(), "said empty, and was not");
            if (i % batch == 0 && this->queue.release()) told.call();
        }
        if (this->queue.release()) told.call();
    }
    void end() override {
        FullQueue<Atomic>::end();
        model::require(told.call_count() == waits, "told more than once, or for nothing");
    }
};

/// Both sides as shards do it: each sleeps on its doorbell when the queue is full or empty.
template <template <class> class Atomic, std::uint64_t count>
struct Sleeping final : FullQueue<Atomic> {
    struct Side {
        ringcast::BasicDoorbell<Atomic> doorbell;
        model::Wake wake;

        void ring() {
            if (doorbell.ring(1)) wake.call();
        }
        void wait() {
            if (doorbell.take() != 0 || !doorbell.try_sleep()) return;
            wake.wait();
            doorbell.get_up();
        }
    };
    Side producer, consumer;

    void run(std::size_t index) override { index == 0 ? produce() : consume(); }
    void produce() {
        for (std::uint64_t i = 0; i < count; ++i) {
            while (!this->queue.has_room(this->size) && !this->queue.await_room(this->size)) {
                producer.wait();
            }
            this->append();
            this->queue.publish();
            consumer.ring();
        }
    }
    void consume() {
        while (this->popped < this->full_count + count) {
            if (this->take()) {
                if (this->queue.release()) producer.ring();
            } else {
                consumer.wait();
            }
        }
    }
};

constexpr std::string_view lost = "lost wake-up: a thread waits for a call for ever";

}  // namespace

TEST_CASE("a byte queue hands each record over once, in order and whole, wherever it begins") {
    check_all<Transfer<model::Atomic, 8, 5, 1>>("byte queue from 8, 5 attempts");
    check_all<Transfer<model::Atomic, 48, 5, 1>>("byte queue from 48, 5 attempts");
    check_all<Transfer<model::Atomic, 56, 5, 1>>("byte queue from 56, 5 attempts");
    check_all<Transfer<model::Atomic, 56, 6, 2>>("byte queue from 56, 6 attempts in batches of 2");
    check_all<Transfer<model::Atomic, 56, 9, 3>>("byte queue from 56, 9 attempts in batches of 3");
}

TEST_CASE("a producer that waits for room in a byte queue is told, once") {
    check_all<Waiting<model::Atomic, 1, 1>>("room for 1 record");
    check_all<Waiting<model::Atomic, 2, 1>>("room for 2 records");
    check_all<Waiting<model::Atomic, 4, 1>>("room for 4 records");
    check_all<Waiting<model::Atomic, 4, 2>>("room for 4 records, given back by twos");
}

TEST_CASE("a byte queue needs no sequential consistency to tell its producer") {
    check_all<Waiting<model::WithoutSeqCst, 3, 1>>("room for 3 records without seq_cst");
}

TEST_CASE("two sides that sleep on their doorbells hand all records over") {
    check_all<Sleeping<model::Atomic, 1>>("both sleep, 1 record");
    check_all<Sleeping<model::Atomic, 2>>("both sleep, 2 records");
}

TEST_CASE("the model checker finds that a byte queue divides its read-modify-writes") {
    check_finds<Waiting<model::Split, 1, 1>>("room for 1 record, in two steps", lost);
}

TEST_CASE("the model checker finds the races of a byte queue whose operations are relaxed") {
    check_finds<Transfer<model::Relaxed, 0, 2, 1>>("relaxed byte queue",
                                                   "race: a read is not ordered behind a write");
    check_finds<Waiting<model::Relaxed, 1, 1>>("room in a relaxed byte queue",
                                               "race: a write is not ordered behind a read");
}

TEST_CASE("the model checker finds who touches a record that is not its own any more") {
    check_finds<Transfer<model::Atomic, 8, 5, 1, Misuse::reads_after_release>>(
        "read after release()", "race: a write is not ordered behind a read");
    check_finds<Transfer<model::Atomic, 0, 2, 1, Misuse::writes_after_publish>>(
        "written after publish()", "race: a read is not ordered behind a write");
}

TEST_CASE("the model checker finds the lost wake-up of sleepers without sequential consistency") {
    check_finds<Sleeping<model::WithoutSeqCst, 1>>("both sleep, without seq_cst", lost);
}
