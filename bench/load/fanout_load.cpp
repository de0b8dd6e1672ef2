#include "fanout_load.hpp"

#include <algorithm>
#include <utility>

namespace ringcast::bench {

namespace {

/// What the frames of all outstanding publications may take in an open loop; then publishers wait,
/// and their lateness counts as latency.
constexpr std::uint64_t open_loop_bytes_max = 64 * 1024 * 1024;
constexpr std::uint64_t open_loop_outstanding_max = 65536;
constexpr std::uint64_t probe_outstanding_max = 16;

/// How many publications one publisher may have outstanding.
std::uint64_t outstanding_max(const FanoutOptions& options) {
    if (options.rate == 0) return options.inflight;
    const std::uint64_t frame_bytes = options.message_bytes + ws::server_header_bytes_max;
    return std::clamp<std::uint64_t>(open_loop_bytes_max / frame_bytes / options.publishers, 1,
                                     open_loop_outstanding_max);
}

MessageShape shape_of(const FanoutOptions& options, Compression compression) {
    const Subprotocol* subprotocol = subprotocol_of(options.protocol);
    return {.opcode = subprotocol != nullptr ? subprotocol->opcode() : options.opcode,
            .payload_bytes = options.message_bytes,
            .compression = compression};
}

/// Of `count` things dealt out in turn to `receivers`, those that receiver `index` gets.
std::uint32_t share_of(std::uint32_t count, std::uint32_t receivers, std::uint32_t index) {
    return count / receivers + (index < count % receivers ? 1 : 0);
}

}  // namespace

FanoutLoad::FanoutLoad(const FanoutOptions& options, Compression compression)
    : shape_(shape_of(options, compression)),
      subprotocol_(subprotocol_of(options.protocol)),
      topic_count_(options.topics),
      publisher_count_(options.publishers),
      connection_count_(options.publishers + options.subscribers) {
    const std::uint64_t window = outstanding_max(options);
    for (std::uint32_t index = 0; index < topic_count_; ++index) {
        const std::uint64_t publishers = share_of(publisher_count_, topic_count_, index);
        add_topic(options.topic_name(index), share_of(connection_count_, topic_count_, index),
                  window * publishers);
    }
    for (std::uint32_t index = 0; index < publisher_count_; ++index) {
        Publisher& publisher = publishers_.emplace_back(index % topic_count_, window);
        if (options.rate > 0) continue;
        publisher.owed = window;
        ready_.push_back(index);
    }
    if (options.rate > 0) schedule_.emplace(1 / options.rate, 0, publisher_count_);
    if (options.has_probe()) {
        add_topic(options.probe_topic_name(), 1, probe_outstanding_max);
        publishers_.emplace_back(topic_count_, probe_outstanding_max);
        probe_schedule_.emplace(options.probe_interval_seconds, publisher_count_, 1);
    }
    checker_.emplace(shape_, topics_, publishers_, subprotocol_);
}

void FanoutLoad::add_topic(std::string name, std::uint32_t subscribers,
                           std::size_t outstanding_max) {
    Envelope publication, delivery;
    if (subprotocol_ != nullptr) {
        publication = subprotocol_->publication(name, shape_.payload_bytes);
        delivery = subprotocol_->delivery(name, shape_.payload_bytes);
    }
    publications_of_.push_back(std::move(publication));
    topics_.emplace_back(std::move(name), shape_, subscribers, outstanding_max,
                         std::move(delivery));
}

std::uint32_t FanoutLoad::topic_of(std::uint32_t index) const noexcept {
    return index == connection_count_ ? topic_count_ : index % topic_count_;
}

std::uint32_t FanoutLoad::connection_of(std::uint32_t publisher) const noexcept {
    return is_probe(publisher) ? connection_count_ : publisher;
}

std::optional<std::uint32_t> FanoutLoad::publisher_on(std::uint32_t index) const noexcept {
    if (index == connection_count_) return publisher_count_;
    return index < publisher_count_ ? std::optional(index) : std::nullopt;
}

void FanoutLoad::start(Clock::time_point now) {
    if (schedule_) schedule_->start(now);
    if (probe_schedule_) probe_schedule_->start(now);
}

void FanoutLoad::stop(Clock::time_point now) noexcept {
    stopped_ = true;
    for (std::uint32_t index = 0; index < publishers_.size(); ++index) {
        Publisher& publisher = publishers_[index];
        for (; schedule_ && !is_probe(index) && publisher.owed > 0; --publisher.owed) {
            const auto due = schedule_->time_of(index, publisher.published + publisher.owed - 1);
            if (!measured_.contains(due)) continue;
            const std::uint64_t waited = nanoseconds_between(due, now);
            latencies_.each.record(waited, topics_[publisher.topic].subscriber_count());
            latencies_.first.record(waited);
            latencies_.last.record(waited);
            ++unsent_;
        }
        publisher.owed = 0;
    }
}

std::vector<std::uint32_t>& FanoutLoad::take_ready(Clock::time_point now) {
    for (std::optional<Schedule>* schedule : {&schedule_, &probe_schedule_}) {
        if (stopped_ || !*schedule) continue;
        while ((*schedule)->next_due() <= now) {
            const std::uint32_t publisher = (*schedule)->take();
            ++publishers_[publisher].owed;
            ready_.push_back(publisher);
        }
    }
    return ready_;
}

Clock::time_point FanoutLoad::next_due(Clock::time_point otherwise) const noexcept {
    if (stopped_) return otherwise;
    if (schedule_) otherwise = std::min(otherwise, schedule_->next_due());
    if (probe_schedule_) otherwise = std::min(otherwise, probe_schedule_->next_due());
    return otherwise;
}

const Schedule* FanoutLoad::schedule_of(std::uint32_t publisher) const noexcept {
    const std::optional<Schedule>& schedule = is_probe(publisher) ? probe_schedule_ : schedule_;
    return schedule ? &*schedule : nullptr;
}

void FanoutLoad::publish_owed(std::uint32_t index, Clock::time_point now,
                              std::vector<std::byte>& frames) {
    Publisher& publisher = publishers_[index];
    const Schedule* schedule = schedule_of(index);
    for (; publisher.may_publish(); --publisher.owed) {
        const PublicationId id{.publisher = index, .sequence = publisher.published};
        append_publication(id, shape_, publications_of_[publisher.topic], frames);
        const auto due = schedule != nullptr ? schedule->time_of(index, id.sequence) : now;
        publisher.publish(due);
        if (schedule != nullptr && !is_probe(index) && measured_.contains(due))
            latencies_.late.record(nanoseconds_between(due, now));
        ++outstanding_;
    }
}

Expected<void> FanoutLoad::receive(DeliveryState& state, std::span<const std::byte> bytes,
                                   Clock::time_point now, std::vector<std::byte>& pongs) {
    const auto count = checker_->consume(state, bytes, pongs);
    if (!count) return std::unexpected(count.error());
    TopicOrder& topic = topics_[state.topic];
    const bool is_load = state.topic < topic_count_;
    Histogram& latency = is_load ? latencies_.each : latencies_.probe;
    if (is_load) deliveries_ += *count;
    for (std::uint64_t position = state.messages - *count; position < state.messages; ++position) {
        const TopicOrder::Entry& entry = topic.entry(position);
        const std::uint64_t elapsed = nanoseconds_between(entry.published_at, now);
        const bool is_measured = measured_.contains(entry.published_at);
        if (is_measured) latency.record(elapsed);
        if (is_measured && is_load && entry.subscribers_left == topic.subscriber_count())
            latencies_.first.record(elapsed);
        if (!topic.count_delivery(position)) continue;
        if (is_measured && is_load) {
            latencies_.last.record(elapsed);
            ++publications_;
        }
        complete(entry.id);
    }
    return {};
}

void FanoutLoad::complete(PublicationId id) {
    Publisher& publisher = publishers_[id.publisher];
    ++publisher.completed;
    --outstanding_;
    if (schedule_of(id.publisher) == nullptr && !stopped_) ++publisher.owed;
    if (publisher.owed > 0) ready_.push_back(id.publisher);
}

std::optional<Missing> FanoutLoad::find_missing() const {
    for (std::uint32_t index = 0; index < publishers_.size(); ++index) {
        const Publisher& publisher = publishers_[index];
        if (publisher.outstanding() == 0) continue;
        const TopicOrder& topic = topics_[publisher.topic];
        const PublicationId oldest{.publisher = index, .sequence = publisher.completed};
        if (publisher.ordered == publisher.completed)
            return Missing{publisher.topic, oldest, std::nullopt, topic.subscriber_count()};
        const std::uint64_t position = topic.completed();
        const TopicOrder::Entry& entry = topic.entry(position);
        return Missing{publisher.topic, entry.id, position, entry.subscribers_left};
    }
    return std::nullopt;
}

}  // namespace ringcast::bench
