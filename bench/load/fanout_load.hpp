#pragma once
// The load of a fan-out run without its connections: who publishes what and when, what every
// subscriber must receive, and how long that took. A publisher alone on a topic of its own, the
// probe, may say how much the load disturbs others.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "delivery_checker.hpp"
#include "error.hpp"
#include "histogram.hpp"
#include "interval.hpp"
#include "options.hpp"
#include "schedule.hpp"
#include "topic_order.hpp"

namespace ringcast::bench {

/// How long publications took, in nanoseconds, from being published (with a rate: from being due).
struct FanoutLatencies {
    Histogram each;   ///< To every single delivery.
    Histogram first;  ///< To the first subscriber of a publication.
    Histogram last;   ///< To the last one.
    Histogram probe;  ///< Of the probe; it is in no other figure.
    Histogram late;   ///< With a rate: until a publication was handed to the kernel.
};

/// A publication that has not reached everybody.
struct Missing {
    std::uint32_t topic = 0;
    PublicationId id;
    std::optional<std::uint64_t> position;  ///< Nothing if it has reached nobody.
    std::uint32_t subscribers_left = 0;
};

class FanoutLoad {
public:
    explicit FanoutLoad(const FanoutOptions& options, Compression compression = Compression::off);
    FanoutLoad(const FanoutLoad&) = delete;
    FanoutLoad& operator=(const FanoutLoad&) = delete;

    /// The topic of connection `index`, in the order of FanoutOptions::connections().
    [[nodiscard]] std::uint32_t topic_of(std::uint32_t index) const noexcept;
    /// The publisher on connection `index`, if there is one.
    [[nodiscard]] std::optional<std::uint32_t> publisher_on(std::uint32_t index) const noexcept;
    [[nodiscard]] std::uint32_t connection_of(std::uint32_t publisher) const noexcept;

    /// Lets the schedules begin.
    void start(Clock::time_point now);
    /// From now on nothing is owed any more. The time that publications have waited which could not
    /// be sent so far is in `each`, for every subscriber, in `first` and in `last`.
    void stop(Clock::time_point now) noexcept;

    /// The publishers that may have something to publish; each is named once per reason.
    [[nodiscard]] std::vector<std::uint32_t>& take_ready(Clock::time_point now);
    /// When take_ready() has something to say without any delivery; `otherwise` if never.
    [[nodiscard]] Clock::time_point next_due(Clock::time_point otherwise) const noexcept;
    /// Publishes what `publisher` owes, as far as it may have that much outstanding: appends the
    /// frames to `frames`.
    void publish_owed(std::uint32_t publisher, Clock::time_point now,
                      std::vector<std::byte>& frames);

    /// Checks what one subscriber received at `now`, all of `bytes`. Answers to pings are appended
    /// to `pongs`.
    [[nodiscard]] Expected<void> receive(DeliveryState& state, std::span<const std::byte> bytes,
                                         Clock::time_point now, std::vector<std::byte>& pongs);

    [[nodiscard]] const MessageShape& shape() const noexcept { return shape_; }
    /// Publications that have not reached everybody, the probe's included.
    [[nodiscard]] std::uint64_t outstanding() const noexcept { return outstanding_; }
    /// The oldest of them in some topic.
    [[nodiscard]] std::optional<Missing> find_missing() const;
    /// Both without the probe's.
    [[nodiscard]] std::uint32_t topic_count() const noexcept { return topic_count_; }
    [[nodiscard]] std::uint32_t publisher_count() const noexcept { return publisher_count_; }
    /// Publisher `index` publishes to topic `index % topic_count()`.
    [[nodiscard]] const Publisher& publisher(std::uint32_t index) const {
        return publishers_[index];
    }
    [[nodiscard]] const TopicOrder& topic(std::uint32_t index) const { return topics_[index]; }

    /// Deliveries so far, without the probe's.
    [[nodiscard]] std::uint64_t deliveries() const noexcept { return deliveries_; }
    /// Publications that were published, or due, in the measured interval and have reached
    /// everybody, without the probe's.
    [[nodiscard]] std::uint64_t publications() const noexcept { return publications_; }
    /// Publications that were due and could not be sent before stop(), without the probe's.
    [[nodiscard]] std::uint64_t unsent() const noexcept { return unsent_; }
    /// Latencies are recorded of publications that are published, or due, in `interval`.
    void measure(const Interval& interval) noexcept { measured_ = interval; }
    [[nodiscard]] const FanoutLatencies& latencies() const noexcept { return latencies_; }
    /// Likewise, and begins anew: for one interval after another.
    [[nodiscard]] FanoutLatencies take_latencies() noexcept {
        return std::exchange(latencies_, {});
    }

private:
    void add_topic(std::string name, std::uint32_t subscribers, std::size_t outstanding_max);
    void complete(PublicationId id);
    [[nodiscard]] const Schedule* schedule_of(std::uint32_t publisher) const noexcept;
    [[nodiscard]] bool is_probe(std::uint32_t publisher) const noexcept {
        return publisher == publisher_count_;
    }

    MessageShape shape_;
    const Subprotocol* subprotocol_;         ///< nullptr for raw.
    std::uint32_t topic_count_;              ///< Without the probe's.
    std::uint32_t publisher_count_;          ///< Likewise.
    std::uint32_t connection_count_;         ///< Likewise.
    std::vector<TopicOrder> topics_;         ///< The probe's last.
    std::vector<Envelope> publications_of_;  ///< Of each topic, around what is published to it.
    std::vector<Publisher> publishers_;      ///< Likewise.
    std::optional<Schedule> schedule_;
    std::optional<Schedule> probe_schedule_;
    std::optional<DeliveryChecker> checker_;
    std::vector<std::uint32_t> ready_;
    Interval measured_;
    bool stopped_ = false;
    std::uint64_t outstanding_ = 0;
    std::uint64_t deliveries_ = 0;
    std::uint64_t publications_ = 0;
    std::uint64_t unsent_ = 0;
    FanoutLatencies latencies_;
};

}  // namespace ringcast::bench
