#include "shard/inbox.hpp"

#include <atomic>
#include <doctest/doctest.h>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

using namespace ringcast;
using shard::Inbox;
using shard::Note;

namespace {

/// Counts the wake-ups, and the states that notes carry and that have not been destroyed.
struct Counts {
    std::atomic<std::uint64_t> wakes{0};
    std::atomic<std::uint64_t> states{0};

    ring::Waker waker() {
        return {[](void* counts) noexcept { ++static_cast<Counts*>(counts)->wakes; }, this};
    }
    std::unique_ptr<Note> note(std::uint32_t poster, std::uint16_t number) {
        auto note = std::make_unique<Note>();
        note->session = {.slot = poster, .generation = number};
        ++states;
        note->verdict.state = {
            this, [](void* counts) noexcept { --static_cast<Counts*>(counts)->states; }};
        return note;
    }
};

std::vector<std::unique_ptr<Note>> owned(Note* first) {
    std::vector<std::unique_ptr<Note>> notes;
    while (first != nullptr) {
        notes.emplace_back(first);
        first = first->next;
    }
    return notes;
}

}  // namespace

TEST_CASE("notes come out in the order in which they went in, and each wakes the shard") {
    Counts counts;
    Inbox* const inbox = Inbox::make();
    inbox->open(counts.waker());
    CHECK(inbox->take() == nullptr);
    for (std::uint16_t i = 1; i <= 3; ++i) CHECK(inbox->post(counts.note(0, i)));
    CHECK(counts.wakes == 3);
    {
        const auto notes = owned(inbox->take());
        REQUIRE(notes.size() == 3);
        for (std::uint16_t i = 0; i < 3; ++i) CHECK(notes[i]->session.generation == i + 1);
        CHECK(inbox->take() == nullptr);
    }
    CHECK(counts.states == 0);
    CHECK(inbox->close() == nullptr);
    inbox->release();
}

TEST_CASE("a closed inbox hands out what was left, and destroys what comes later") {
    Counts counts;
    Inbox* const inbox = Inbox::make();
    inbox->open(counts.waker());
    inbox->acquire();
    CHECK(inbox->post(counts.note(0, 1)));
    CHECK(owned(inbox->close()).size() == 1);
    inbox->release();
    CHECK_FALSE(inbox->post(counts.note(0, 2)));
    CHECK(counts.states == 0);
    CHECK(counts.wakes == 1);
    inbox->release();
}

TEST_CASE("several threads post while the shard reads: nothing is lost, each thread's order kept") {
    constexpr std::uint32_t posters_count = 4;
    constexpr std::uint16_t notes_count = 5000;
    Counts counts;
    Inbox* const inbox = Inbox::make();
    inbox->open(counts.waker());
    std::vector<std::thread> posters;
    for (std::uint32_t poster = 0; poster < posters_count; ++poster) {
        inbox->acquire();
        posters.emplace_back([&counts, inbox, poster] {
            for (std::uint16_t i = 1; i <= notes_count; ++i) inbox->post(counts.note(poster, i));
            inbox->release();
        });
    }
    std::vector<std::uint16_t> last(posters_count);
    std::size_t total = 0;
    while (total < posters_count * notes_count) {
        for (const auto& note : owned(inbox->take())) {
            REQUIRE(note->session.generation == last[note->session.slot] + 1);
            last[note->session.slot] = note->session.generation;
            ++total;
        }
    }
    for (std::thread& poster : posters) poster.join();
    CHECK(inbox->close() == nullptr);
    CHECK(counts.states == 0);
    inbox->release();
}

TEST_CASE("an inbox is closed while others post: each note arrives or is destroyed") {
    for (int round = 0; round < 200; ++round) {
        Counts counts;
        std::atomic<std::uint64_t> accepted{0};
        std::atomic<int> started{0};
        Inbox* const inbox = Inbox::make();
        inbox->open(counts.waker());
        std::vector<std::thread> posters;
        for (std::uint32_t poster = 0; poster < 2; ++poster) {
            inbox->acquire();
            posters.emplace_back([&, poster] {
                ++started;
                for (std::uint16_t i = 1; i <= 100; ++i) {
                    if (inbox->post(counts.note(poster, i))) ++accepted;
                }
                inbox->release();
            });
        }
        while (started < 2) {
        }
        std::uint64_t received = owned(inbox->take()).size();
        received += owned(inbox->close()).size();
        const std::uint64_t wakes = counts.wakes;
        for (std::thread& poster : posters) poster.join();
        CHECK(received == accepted);
        CHECK(counts.wakes == wakes);  // The waker is not used after close().
        CHECK(counts.states == 0);
        inbox->release();
    }
}
