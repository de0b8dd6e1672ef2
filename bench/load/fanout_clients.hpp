#pragma once
// The connections of a fan-out run: each subscribes to one topic, and the first ones publish to it
// as well. What is published is sent with the answers to pings, one send per connection and turn.

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "crowd.hpp"
#include "error.hpp"
#include "fanout_load.hpp"
#include "io.hpp"

namespace ringcast::bench {

class FanoutClients final : public Crowd {
public:
    /// Has `count` open connections, in the order of FanoutOptions::connections(), the first of
    /// which `io` knows as `first_index`; `io` and `load` must outlive the crowd.
    FanoutClients(Io& io, FanoutLoad& load, std::uint32_t count,
                  std::chrono::nanoseconds stall_timeout, std::uint32_t first_index = 0);

    [[nodiscard]] std::string_view name() const noexcept override { return "fanout"; }
    [[nodiscard]] std::string_view unit() const noexcept override { return "delivery"; }
    [[nodiscard]] std::uint64_t count() const noexcept override { return load_.deliveries(); }

    void start(Clock::time_point now) override;
    void measure(const Interval& interval) noexcept override { load_.measure(interval); }
    [[nodiscard]] Expected<void> act(Clock::time_point now) override;
    [[nodiscard]] Clock::time_point next_due(Clock::time_point otherwise) const noexcept override;
    [[nodiscard]] Expected<void> handle(const Event& event, Clock::time_point now) override;
    [[nodiscard]] Expected<void> check(Clock::time_point now) override;

    /// Publishes no more; when everything has reached everybody, asks each connection for a pong,
    /// so that whatever the server had still to say to it has come before.
    void stop(Clock::time_point now) override;
    [[nodiscard]] bool is_finished() const noexcept override;
    [[nodiscard]] Expected<void> verify() const override;

private:
    struct Connection {
        DeliveryState deliveries;
        bool listed = false;                ///< In due_.
        bool sending = false;               ///< A send is in flight.
        std::vector<std::byte> outbox;      ///< To be sent.
        std::vector<std::byte> in_flight;   ///< Being sent.
        std::span<const std::byte> unsent;  ///< The rest of `in_flight`.
    };

    enum class Stage : std::uint8_t { running, draining, asking };

    [[nodiscard]] Expected<void> take(const Event& event, Clock::time_point now);
    [[nodiscard]] Expected<void> take_received(const Event& event, Clock::time_point now);
    [[nodiscard]] Expected<void> take_sent(const Event& event);
    [[nodiscard]] Connection& connection_of(const Event& event) noexcept;
    void list_as_due(std::uint32_t index);
    void send_next(std::uint32_t index, Clock::time_point now);
    void ask_for_pongs();
    [[nodiscard]] std::unexpected<Error> describe_stall(Clock::time_point now) const;

    Io& io_;
    FanoutLoad& load_;
    StallWatch stall_;
    std::uint32_t first_index_;
    std::vector<Connection> connections_;
    std::vector<std::uint32_t> due_;  ///< Connections with something to send.
    Stage stage_ = Stage::running;
    std::uint64_t pongs_ = 0;
    std::uint64_t pongs_wanted_ = 0;
};

}  // namespace ringcast::bench
