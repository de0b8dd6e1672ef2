#include "fanout_load.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <doctest/doctest.h>
#include <memory>
#include <vector>

#include "options.hpp"
#include "publication.hpp"

namespace {

using namespace ringcast;
using namespace ringcast::bench;
using std::chrono::milliseconds;

using Bytes = std::vector<std::byte>;

constexpr Clock::time_point start{std::chrono::seconds(1000)};

/// A server without sockets: it passes publications on to all subscribers of their topic.
class Harness {
public:
    explicit Harness(const FanoutOptions& options)
        : load(std::make_unique<FanoutLoad>(options)),
          shape_{options.opcode, options.message_bytes},
          states_(options.connections()) {
        for (std::uint32_t index = 0; index < states_.size(); ++index)
            states_[index].topic = load->topic_of(index);
        load->start(start);
        load->measure({start, Clock::time_point::max()});
    }

    /// What is published at `now`, as publishers; each in its order.
    std::vector<std::uint32_t> publish(Clock::time_point now) {
        std::vector<std::uint32_t> publishers;
        std::vector<std::uint32_t>& ready = load->take_ready(now);
        std::ranges::sort(ready);
        for (const std::uint32_t publisher : ready) {
            Bytes frames;
            load->publish_owed(publisher, now, frames);
            const std::size_t frame_bytes = shape_.frame_bytes() + sizeof(simd::MaskKey);
            publishers.insert(publishers.end(), frames.size() / frame_bytes, publisher);
        }
        ready.clear();
        return publishers;
    }

    /// Lets connection `index` receive `id` at `now`.
    void deliver(std::uint32_t index, PublicationId id, Clock::time_point now) {
        Bytes frame(shape_.frame_bytes());
        const auto payload = std::span(frame).subspan(shape_.header_bytes());
        write_publication(id, payload);
        ws::write_header_before(payload.data(), shape_.opcode, payload.size());
        Bytes pongs;
        const auto received = load->receive(states_[index], frame, now, pongs);
        REQUIRE_MESSAGE(received.has_value(), (received ? "" : received.error().message));
    }

    std::unique_ptr<FanoutLoad> load;

private:
    MessageShape shape_;
    std::vector<DeliveryState> states_;
};

using Publishers = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("connections are spread evenly over topics, publishers first, the probe alone") {
    const Harness harness(
        {.subscribers = 5, .publishers = 2, .topics = 3, .probe_interval_seconds = 1});
    const FanoutLoad& load = *harness.load;
    for (std::uint32_t index = 0; index < 7; ++index) {
        CHECK(load.topic_of(index) == index % 3);
        CHECK(load.publisher_on(index).has_value() == (index < 2));
    }
    CHECK(load.topic_of(7) == 3);
    CHECK(load.publisher_on(7) == 2U);
    CHECK(load.connection_of(2) == 7);
    CHECK(load.topic(0).subscriber_count() == 3);
    CHECK(load.topic(1).subscriber_count() == 2);
    CHECK(load.topic(2).subscriber_count() == 2);
    CHECK(load.topic(3).subscriber_count() == 1);
}

TEST_CASE("in a closed loop the next publication waits for the last subscriber") {
    Harness harness({.subscribers = 2, .publishers = 1, .inflight = 2});
    CHECK(harness.publish(start) == Publishers{0, 0});
    CHECK(harness.publish(start).empty());
    harness.deliver(0, {0, 0}, start + milliseconds(1));
    harness.deliver(0, {0, 1}, start + milliseconds(1));
    harness.deliver(1, {0, 0}, start + milliseconds(2));
    CHECK(harness.publish(start).empty());
    CHECK(harness.load->publications() == 0);
    harness.deliver(2, {0, 0}, start + milliseconds(3));
    CHECK(harness.load->publications() == 1);
    CHECK(harness.load->deliveries() == 4);
    CHECK(harness.publish(start + milliseconds(3)) == Publishers{0});
    CHECK(harness.load->outstanding() == 2);
    CHECK(harness.load->latencies().each.count() == 4);
    CHECK(harness.load->latencies().first.count() == 2);
    CHECK(harness.load->latencies().first.max() == 1'000'000);
    CHECK(harness.load->latencies().last.count() == 1);
    CHECK(harness.load->latencies().last.max() == 3'000'000);
}

TEST_CASE("with a rate, publications are due in turn, and their latency counts from there") {
    Harness harness({.subscribers = 0, .publishers = 2, .rate = 100});
    CHECK(harness.load->next_due(start + milliseconds(500)) == start);
    CHECK(harness.publish(start) == Publishers{0});
    CHECK(harness.load->next_due(start + milliseconds(500)) == start + milliseconds(10));
    CHECK(harness.publish(start + milliseconds(9)).empty());
    CHECK(harness.publish(start + milliseconds(35)) == Publishers{0, 1, 1});
    // The second publication of publisher 0 was due at 20 ms, whenever it left.
    harness.deliver(0, {0, 0}, start + milliseconds(36));
    harness.deliver(0, {0, 1}, start + milliseconds(41));
    CHECK(harness.load->latencies().each.quantile(0) / 1'000'000 == 21);
    CHECK(harness.load->latencies().each.max() == 36'000'000);
    CHECK(harness.load->latencies().late.count() == 4);
    CHECK(harness.load->latencies().late.max() == 25'000'000);
}

TEST_CASE("only what is due in the measured interval has a latency") {
    Harness harness({.subscribers = 0, .publishers = 1, .rate = 100});
    harness.load->measure({start + milliseconds(10), start + milliseconds(20)});
    CHECK(harness.publish(start + milliseconds(25)) == Publishers{0, 0, 0});
    for (const std::uint64_t sequence : {0U, 1U, 2U})
        harness.deliver(0, {0, sequence}, start + milliseconds(26));
    CHECK(harness.load->latencies().each.count() == 1);
    CHECK(harness.load->latencies().last.count() == 1);
    CHECK(harness.load->latencies().last.max() == 16'000'000);
    CHECK(harness.load->publications() == 1);
    CHECK(harness.load->deliveries() == 3);
}

TEST_CASE("what was due and never sent counts with the time that it had waited so far") {
    // So large that a publisher may have no more than one outstanding.
    Harness harness({.subscribers = 0, .publishers = 1, .message_bytes = 64 << 20, .rate = 100});
    CHECK(harness.publish(start + milliseconds(25)) == Publishers{0});
    harness.load->stop(start + milliseconds(27));
    CHECK(harness.load->unsent() == 2);
    CHECK(harness.load->latencies().last.count() == 2);
    CHECK(harness.load->latencies().last.max() == 17'000'000);
    CHECK(harness.load->outstanding() == 1);
}

TEST_CASE("what was never sent is no publication, and late for each of its subscribers") {
    Harness harness({.subscribers = 2, .publishers = 1, .message_bytes = 64 << 20, .rate = 100});
    CHECK(harness.publish(start + milliseconds(25)) == Publishers{0});
    for (const std::uint32_t index : {0U, 1U, 2U})
        harness.deliver(index, {0, 0}, start + milliseconds(26));
    harness.load->stop(start + milliseconds(27));
    const FanoutLatencies& latencies = harness.load->latencies();
    CHECK(harness.load->unsent() == 2);
    CHECK(harness.load->publications() == 1);
    CHECK(latencies.each.count() == 3 * 3);
    CHECK(latencies.first.count() == 3);
    CHECK(latencies.last.count() == 3);
    CHECK(latencies.each.quantile(0.5) <= latencies.last.quantile(0.5));
}

TEST_CASE("the probe publishes at its own pace and is in no other figure") {
    Harness harness({.subscribers = 0, .publishers = 1, .probe_interval_seconds = 0.01});
    CHECK(harness.publish(start) == Publishers{0, 1});
    harness.deliver(1, {1, 0}, start + milliseconds(2));
    CHECK(harness.load->deliveries() == 0);
    CHECK(harness.load->publications() == 0);
    CHECK(harness.load->latencies().each.count() == 0);
    CHECK(harness.load->latencies().last.count() == 0);
    CHECK(harness.load->latencies().probe.max() == 2'000'000);
    CHECK(harness.publish(start + milliseconds(10)) == Publishers{1});
}

TEST_CASE("after stop nothing is published, and what has not come is named") {
    Harness harness({.subscribers = 1, .publishers = 1, .probe_interval_seconds = 0.01});
    CHECK(harness.publish(start) == Publishers{0, 1});
    harness.load->stop(start);
    CHECK(harness.publish(start + milliseconds(500)).empty());
    auto missing = harness.load->find_missing();
    REQUIRE(missing.has_value());
    CHECK(missing->id == PublicationId{0, 0});
    CHECK_FALSE(missing->position.has_value());

    harness.deliver(0, {0, 0}, start);
    missing = harness.load->find_missing();
    REQUIRE(missing.has_value());
    CHECK(missing->position == 0U);
    CHECK(missing->subscribers_left == 1);

    harness.deliver(1, {0, 0}, start);
    missing = harness.load->find_missing();
    REQUIRE(missing.has_value());
    CHECK(missing->id == PublicationId{1, 0});
    harness.deliver(2, {1, 0}, start);
    CHECK_FALSE(harness.load->find_missing().has_value());
    CHECK(harness.load->outstanding() == 0);
    CHECK(harness.publish(start + milliseconds(500)).empty());
}
