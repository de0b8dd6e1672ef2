#include "base/spsc_bytes.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <doctest/doctest.h>
#include <iterator>
#include <malloc.h>
#include <semaphore>
#include <span>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "base/doorbell.hpp"
#include "base/prng.hpp"

using namespace std::string_literals;
using ringcast::Doorbell;
using ringcast::Prng;
using ringcast::SpscBytes;

namespace {

bool append(SpscBytes& queue, std::string_view text) {
    std::byte* record = queue.reserve(text.size());
    if (record == nullptr) return false;
    REQUIRE(reinterpret_cast<std::uintptr_t>(record) % 8 == 0);
    std::ranges::copy(std::as_bytes(std::span{text}), record);
    queue.commit();
    return true;
}

std::string_view text_of(std::span<const std::byte> record) {
    return {reinterpret_cast<const char*>(record.data()), record.size()};
}

std::string_view front(SpscBytes& queue) {
    const auto record = queue.front();
    return record.data() == nullptr ? "nothing" : text_of(record);
}

/// Of the largest size, so that a queue holds four if they begin at its start.
std::string large(const SpscBytes& queue, char letter) {
    return std::string(queue.record_bytes_max(), letter);
}

void fill(SpscBytes& queue) {
    while (append(queue, large(queue, 'f'))) continue;
    queue.publish();
}

std::string bytes_of(std::size_t size, std::uint64_t seed) {
    Prng prng{seed};
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(prng.next());
    return bytes;
}

}  // namespace

TEST_CASE("records come out in the order they went in, with their bytes") {
    SpscBytes queue{1024};
    CHECK(append(queue, "one"));
    CHECK(append(queue, "the second"));
    CHECK(append(queue, "3"));
    CHECK(queue.publish());
    for (std::string_view text : {"one", "the second", "3"}) {
        CHECK(front(queue) == text);
        CHECK(front(queue) == text);
        queue.pop();
    }
    CHECK(front(queue) == "nothing");
    CHECK_FALSE(queue.release());
    CHECK(queue.bytes_in_use() == 0);
}

TEST_CASE("a record is invisible until it is published") {
    SpscBytes queue{1024};
    CHECK_FALSE(queue.publish());
    CHECK(append(queue, "a"));
    CHECK(append(queue, "b"));
    CHECK(front(queue) == "nothing");
    CHECK(queue.bytes_in_use() == 0);
    CHECK(queue.publish());
    CHECK_FALSE(queue.publish());
    CHECK(front(queue) == "a");
    CHECK(queue.bytes_in_use() == 32);
}

TEST_CASE("a reservation that is not committed leaves nothing behind") {
    SpscBytes queue{1024};
    REQUIRE(queue.reserve(100) != nullptr);
    CHECK(append(queue, "short"));
    REQUIRE(queue.reserve(100) != nullptr);
    CHECK(queue.publish());
    CHECK(front(queue) == "short");
    queue.pop();
    CHECK(front(queue) == "nothing");
}

TEST_CASE("a record without bytes is a record") {
    SpscBytes queue{64};
    for (int round = 0; round < 100; ++round) {
        CHECK(append(queue, ""));
        CHECK(queue.publish());
        const auto record = queue.front();
        CHECK(record.data() != nullptr);
        CHECK(record.empty());
        queue.pop();
        CHECK(front(queue) == "nothing");
        CHECK_FALSE(queue.release());
    }
}

TEST_CASE("popped space is free again after release, not before") {
    SpscBytes queue{1024};
    CHECK(queue.record_bytes_max() == 248);
    for (char letter : "abcd"s) CHECK(append(queue, large(queue, letter)));
    CHECK_FALSE(queue.has_room(0));
    CHECK(queue.reserve(0) == nullptr);
    CHECK(queue.publish());
    CHECK(queue.bytes_in_use() == 1024);
    CHECK(front(queue) == large(queue, 'a'));
    queue.pop();
    CHECK_FALSE(queue.has_room(0));
    CHECK_FALSE(queue.release());
    CHECK(queue.has_room(248));
    CHECK(append(queue, large(queue, 'e')));
    CHECK_FALSE(queue.has_room(0));
    queue.publish();
    for (char letter : "bcde"s) {
        CHECK(front(queue) == large(queue, letter));
        queue.pop();
    }
    CHECK(front(queue) == "nothing");
}

TEST_CASE("an empty queue has room for the largest record, wherever its positions stand") {
    SpscBytes queue{64};
    for (int round = 0; round < 200; ++round) {
        CHECK(append(queue, large(queue, 'x')));
        queue.publish();
        CHECK(front(queue) == large(queue, 'x'));
        queue.pop();
        CHECK_FALSE(queue.release());
        if (round % 3 != 0) continue;
        CHECK(append(queue, ""));
        queue.publish();
        CHECK(front(queue) == "");
        queue.pop();
        CHECK_FALSE(queue.release());
    }
}

TEST_CASE("a record that would wrap goes to the beginning, and its padding counts as used") {
    SpscBytes queue{1024};
    const std::string text(104, 't');
    for (int i = 0; i < 9; ++i) REQUIRE(append(queue, text));
    queue.publish();
    CHECK(queue.bytes_in_use() == 9 * 112);
    // 16 bytes are left to the end: padding. The record behind it needs the place of the first.
    CHECK_FALSE(queue.has_room(104));
    CHECK(queue.has_room(8));
    REQUIRE(front(queue) == text);
    queue.pop();
    CHECK_FALSE(queue.release());
    CHECK(append(queue, text));
    queue.publish();
    CHECK(queue.bytes_in_use() == 1024);
    for (int i = 0; i < 9; ++i) {
        REQUIRE(front(queue) == text);
        queue.pop();
    }
    CHECK(front(queue) == "nothing");
    CHECK_FALSE(queue.release());
    CHECK(queue.bytes_in_use() == 0);
}

TEST_CASE("a producer that waits for room is told once, by the release that makes some") {
    SpscBytes queue{1024};
    fill(queue);
    REQUIRE_FALSE(queue.has_room(8));
    CHECK_FALSE(queue.await_room(8));
    CHECK_FALSE(queue.await_room(8));
    CHECK_FALSE(queue.release());  // Nothing is popped: it gives nothing back, so it tells nobody.
    CHECK(front(queue) == large(queue, 'f'));
    queue.pop();
    CHECK(queue.release());
    CHECK(queue.has_room(8));
    CHECK(front(queue) == large(queue, 'f'));
    queue.pop();
    CHECK_FALSE(queue.release());
}

TEST_CASE("a producer that finds room when it wants to wait is not declared waiting") {
    SpscBytes queue{1024};
    fill(queue);
    REQUIRE_FALSE(queue.has_room(8));
    CHECK(front(queue) == large(queue, 'f'));
    queue.pop();
    CHECK_FALSE(queue.release());
    CHECK(queue.await_room(8));
    CHECK(front(queue) == large(queue, 'f'));
    queue.pop();
    CHECK_FALSE(queue.release());
}

TEST_CASE("a waiting producer does not disturb what the consumer and statistics see") {
    SpscBytes queue{64};
    fill(queue);
    CHECK_FALSE(queue.await_room(8));
    CHECK(queue.bytes_in_use() == 64);
    CHECK_FALSE(queue.has_room(0));
    CHECK(queue.reserve(0) == nullptr);
    for (int i = 0; i < 4; ++i) {
        CHECK(front(queue) == "ffffffff");
        queue.pop();
    }
    CHECK(queue.release());
    CHECK(queue.bytes_in_use() == 0);
}

TEST_CASE("memory that no record has touched costs nothing") {
    constexpr std::size_t capacity = 32u << 20;
    mallopt(M_PERTURB, 0);  // Else glibc touches it all, if the environment tells it to.
    SpscBytes queue{capacity};
    REQUIRE(append(queue, "a record"));
    queue.publish();
    const auto page_bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    std::byte* data = queue.reserve(1);
    std::byte* next_page =
        data + (page_bytes - reinterpret_cast<std::uintptr_t>(data) % page_bytes);
    std::vector<unsigned char> resident(capacity / page_bytes - 2);
    REQUIRE(mincore(next_page, resident.size() * page_bytes, resident.data()) == 0);
    const auto count = static_cast<std::size_t>(
        std::ranges::count_if(resident, [](unsigned char page) { return (page & 1) != 0; }));
    // The kernel may back the pages of the record and of the allocator's words before it by huge
    // ones, of 2 MiB each.
    CHECK(count * page_bytes <= 4u << 20);
}

TEST_CASE("whatever both sides do in turn, the queue behaves like a deque of strings") {
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        CAPTURE(seed);
        Prng prng{seed};
        SpscBytes queue{std::size_t{64} << prng.below(6)};
        std::deque<std::string> committed, visible;
        std::size_t popped = 0;  // Since the last release().
        bool waits = false;
        for (int step = 0; step < 2'000; ++step) {
            switch (prng.below(5)) {
                case 0:
                case 1: {
                    const std::size_t size_max = queue.record_bytes_max();
                    const std::size_t size = prng.below(prng.chance(1, 3) ? size_max + 1 : 9);
                    const std::string bytes = bytes_of(size, prng.next());
                    const bool room = queue.has_room(size);
                    if (committed.empty() && visible.empty() && popped == 0) REQUIRE(room);
                    REQUIRE(append(queue, bytes) == room);
                    if (room) committed.push_back(bytes);
                    if (!room && prng.chance(1, 2)) {
                        REQUIRE_FALSE(queue.await_room(size));
                        waits = true;
                    }
                    break;
                }
                case 2:
                    REQUIRE(queue.publish() == !committed.empty());
                    std::ranges::move(committed, std::back_inserter(visible));
                    committed.clear();
                    break;
                case 3:
                    REQUIRE((queue.front().data() == nullptr) == visible.empty());
                    if (visible.empty()) break;
                    REQUIRE(text_of(queue.front()) == visible.front());
                    queue.pop();
                    visible.pop_front();
                    ++popped;
                    break;
                default:
                    REQUIRE(queue.release() == (waits && popped > 0));
                    if (popped > 0) waits = false;
                    popped = 0;
                    break;
            }
            if (visible.empty() && popped == 0) REQUIRE(queue.bytes_in_use() == 0);
            REQUIRE(queue.bytes_in_use() <= queue.capacity());
        }
    }
}

namespace {

/// A thread that sleeps when it has nothing to do, as a shard does.
struct Sleeper {
    Doorbell doorbell;
    std::counting_semaphore<> wake{0};

    void ring() {
        if (doorbell.ring(1)) wake.release();
    }
    /// Returns after a ring(), or for nothing.
    void wait() {
        if (doorbell.take() != 0 || !doorbell.try_sleep()) return;
        wake.acquire();
        doorbell.get_up();
    }
};

std::uint64_t size_of(std::uint64_t number, std::size_t size_max) {
    return number * 0x9e3779b97f4a7c15 % (size_max + 1);
}

void produce(SpscBytes& queue, std::uint64_t count, Sleeper& producer, Sleeper& consumer) {
    for (std::uint64_t number = 0; number < count; ++number) {
        const std::size_t size = size_of(number, queue.record_bytes_max());
        if (!queue.has_room(size)) {
            if (queue.publish()) consumer.ring();
            while (!queue.has_room(size) && !queue.await_room(size)) producer.wait();
        }
        std::memset(queue.reserve(size), static_cast<int>(number & 0xff), size);
        queue.commit();
        if (number % 7 == 0 && queue.publish()) consumer.ring();
    }
    if (queue.publish()) consumer.ring();
}

bool is_record(std::span<const std::byte> record, std::uint64_t number, std::size_t size_max) {
    return record.size() == size_of(number, size_max) &&
           std::ranges::count(record, static_cast<std::byte>(number & 0xff)) ==
               static_cast<std::ptrdiff_t>(record.size());
}

/// False if a record is wrong.
bool consume(SpscBytes& queue, std::uint64_t count, Sleeper& producer, Sleeper& consumer) {
    bool correct = true;
    for (std::uint64_t number = 0; number < count;) {
        for (auto record = queue.front(); record.data() != nullptr; record = queue.front()) {
            correct = correct && is_record(record, number++, queue.record_bytes_max()) &&
                      queue.bytes_in_use() <= queue.capacity();
            queue.pop();
            if (number % 5 == 0) break;
        }
        if (queue.release()) producer.ring();
        if (queue.front().data() == nullptr && number < count) consumer.wait();
    }
    return correct;
}

}  // namespace

TEST_CASE("two threads that sleep when it is full or empty lose nothing, neither bytes nor calls") {
    constexpr std::uint64_t count = 50'000;
    for (std::size_t capacity : {64u, 1024u, 65536u}) {
        SpscBytes queue{capacity};
        Sleeper producer, consumer;
        std::thread thread{[&] { produce(queue, count, producer, consumer); }};
        CHECK(consume(queue, count, producer, consumer));
        thread.join();
        CHECK(queue.bytes_in_use() == 0);
    }
}
