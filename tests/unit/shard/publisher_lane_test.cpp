#include "shard/publisher_lane.hpp"

#include <cstdint>
#include <doctest/doctest.h>
#include <string>
#include <string_view>
#include <thread>

#include "unit/shard/mesh_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;

namespace {

/// A lane whose carrier is the test.
struct TestLane {
    TestLane() { inbox->open(waker.waker()); }
    ~TestLane() {
        CHECK(inbox->close() == nullptr);
        if (lane != nullptr) lane->release();
        inbox->release();
    }
    PublishStatus publish(std::string_view topic, std::string_view payload) {
        return lane->publish(topic, PublicationKind::text, bytes_of(payload));
    }
    /// `topic=payload` of the oldest publication; "nothing" if there is none.
    std::string take() {
        const auto bytes = lane->queue().front();
        if (bytes.data() == nullptr) return "nothing";
        const Record record = read_record(bytes);
        std::string text = std::string{record.topic} + "=" + std::string{text_of(record.payload)};
        lane->queue().pop();
        (void)lane->queue().release();
        return text;
    }

    CountingWaker waker;
    Inbox* const inbox = Inbox::make();
    PublisherLane* lane = PublisherLane::make(4096, *inbox, 4);
};

}  // namespace

TEST_CASE_FIXTURE(TestLane, "publications come out in order, and a carrier that sleeps is woken") {
    CHECK(publish("a", "1") == PublishStatus::accepted);
    CHECK(waker.wakes == 0);
    CHECK(inbox->doorbell().take() == 4);
    CHECK(inbox->doorbell().try_sleep());
    CHECK(publish("b", "") == PublishStatus::accepted);
    CHECK(publish("a", "3") == PublishStatus::accepted);
    CHECK(waker.wakes == 1);
    CHECK(take() == "a=1");
    CHECK(take() == "b=");
    CHECK(take() == "a=3");
    CHECK(take() == "nothing");
}

TEST_CASE_FIXTURE(TestLane, "a full lane and a publication that never fits are answers") {
    const std::string payload(500, 'x');
    int accepted = 0;
    while (publish("a", payload) == PublishStatus::accepted) ++accepted;
    CHECK(accepted >= 6);
    CHECK(publish("a", payload) == PublishStatus::full);
    CHECK(publish("a", std::string(1100, 'x')) == PublishStatus::too_large);
    CHECK(take() == "a=" + payload);
    CHECK(publish("a", payload) == PublishStatus::accepted);
    CHECK(publish("a", payload) == PublishStatus::full);
    for (int i = 0; i < accepted; ++i) CHECK(take() == "a=" + payload);
    CHECK(take() == "nothing");
}

TEST_CASE_FIXTURE(TestLane, "a closed lane takes nothing more, and keeps what it has") {
    CHECK(publish("a", "before") == PublishStatus::accepted);
    lane->close();
    CHECK(publish("a", "after") == PublishStatus::closed);
    CHECK(take() == "a=before");
    CHECK(take() == "nothing");
}

TEST_CASE_FIXTURE(TestLane,
                  "an abandoned lane says so, and lives as long as the carrier holds it") {
    lane->acquire();  // The carrier's.
    CHECK(publish("a", "last") == PublishStatus::accepted);
    CHECK_FALSE(lane->is_abandoned());
    lane->abandon();
    lane->release();  // The publisher's.
    CHECK(lane->is_abandoned());
    CHECK(take() == "a=last");
}

TEST_CASE_FIXTURE(TestLane, "a lane outlives the end of its carrier") {
    lane->acquire();  // The carrier's.
    lane->close();
    lane->release();
    CHECK(publish("a", "x") == PublishStatus::closed);
}

TEST_CASE("another thread's publications arrive complete and in order") {
    constexpr std::size_t count = 100'000;
    Inbox* const inbox = Inbox::make();
    PublisherLane* const lane = PublisherLane::make(4096, *inbox, 1);
    lane->acquire();
    std::thread publisher{[lane] {
        for (std::size_t i = 0; i < count;) {
            const std::string payload = std::to_string(i) + std::string(i % 50, '.');
            if (lane->publish("t", PublicationKind::text, bytes_of(payload)) ==
                PublishStatus::accepted) {
                ++i;
            } else {
                std::this_thread::yield();
            }
        }
        lane->abandon();
        lane->release();
    }};
    std::size_t received = 0;
    for (;;) {
        const bool is_abandoned = lane->is_abandoned();
        const auto bytes = lane->queue().front();
        if (bytes.data() == nullptr) {
            if (is_abandoned) break;
            std::this_thread::yield();
            continue;
        }
        const std::string expected = std::to_string(received) + std::string(received % 50, '.');
        if (text_of(read_record(bytes).payload) != expected) FAIL("out of order");
        lane->queue().pop();
        (void)lane->queue().release();
        ++received;
    }
    CHECK(received == count);
    publisher.join();
    lane->release();
    (void)inbox->close();
    inbox->release();
}
