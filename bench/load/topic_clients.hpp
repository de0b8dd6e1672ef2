#pragma once
// The connections of `topics`: all connect, as the protocol has it. Then each subscribes to its
// share of the topics, some connections at a time, and every subscription must be confirmed. Then
// something is published to some of the topics, each time by the next connection, and must reach
// the one that is subscribed, nobody else.

#include <cstdint>
#include <string>
#include <vector>

#include "crowd.hpp"
#include "error.hpp"
#include "options.hpp"
#include "publication.hpp"
#include "sessions.hpp"

namespace ringcast::bench {

class TopicClients final : public Crowd {
public:
    /// Has the connections of `io`, which must outlive it, from 0 on; all of them are open.
    TopicClients(Io& io, const TopicsOptions& options, std::chrono::nanoseconds stall_timeout);

    [[nodiscard]] std::string_view name() const noexcept override { return "topics"; }
    [[nodiscard]] std::string_view unit() const noexcept override { return "subscription"; }
    /// Confirmed subscriptions.
    [[nodiscard]] std::uint64_t count() const noexcept override { return subscribed_; }

    /// The server has answered each connection.
    [[nodiscard]] bool is_connected() const noexcept { return connected_ == options_.connections; }
    /// Lets the subscriptions begin.
    void subscribe() noexcept { stage_ = Stage::subscribing; }
    /// All subscriptions are there.
    [[nodiscard]] bool is_subscribed() const noexcept { return subscribed_ == options_.topics(); }
    /// Lets the publications begin.
    void publish() noexcept { stage_ = Stage::publishing; }
    /// All have arrived.
    [[nodiscard]] bool has_published() const noexcept {
        return arrived_count_ == options_.publications && receipts_ == options_.publications;
    }

    void start(Clock::time_point now) override;
    void measure(const Interval&) noexcept override {}
    [[nodiscard]] Expected<void> act(Clock::time_point now) override;
    [[nodiscard]] Clock::time_point next_due(Clock::time_point otherwise) const noexcept override {
        return otherwise;
    }
    [[nodiscard]] Expected<void> handle(const Event& event, Clock::time_point now) override;
    [[nodiscard]] Expected<void> check(Clock::time_point now) override;

    /// Asks each connection for a pong, so that whatever the server had still to say to it has come
    /// before.
    void stop(Clock::time_point now) override;
    [[nodiscard]] bool is_finished() const noexcept override;

private:
    enum class Stage : std::uint8_t { connecting, subscribing, publishing, asking };

    void subscribe(std::uint32_t index);
    void publish(std::uint32_t number);
    [[nodiscard]] Expected<void> take(std::uint32_t index, const Reply& reply);
    [[nodiscard]] Expected<void> take_publication(std::uint32_t index, const Reply& reply);
    /// All that the server has done so far.
    [[nodiscard]] std::uint64_t progress() const noexcept {
        return connected_ + subscribed_ + receipts_ + arrived_count_ + sessions_.pongs();
    }
    /// The topic that publication `number` goes to.
    [[nodiscard]] std::uint64_t topic_of(std::uint64_t number) const noexcept {
        return number * options_.topics() / options_.publications;
    }
    [[nodiscard]] std::uint64_t first_publication_id() const noexcept {
        return std::uint64_t{options_.subscriptions} + 2;
    }

    TopicsOptions options_;
    Sessions sessions_;
    StallWatch stall_;
    Stage stage_ = Stage::connecting;
    std::vector<std::uint64_t> next_ids_;  ///< Of each connection: of the reply that is due.
    std::uint32_t connected_ = 0;
    std::uint32_t begun_ = 0;   ///< Connections that have asked for their topics.
    std::uint32_t joined_ = 0;  ///< Those that have all of them.
    std::uint64_t subscribed_ = 0;
    std::uint32_t published_ = 0;
    std::uint32_t receipts_ = 0;
    std::uint32_t arrived_count_ = 0;
    std::vector<bool> arrived_;  ///< By the number of a publication.
};

}  // namespace ringcast::bench
