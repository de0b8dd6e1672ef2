#pragma once
// The connections of a fan-out run, on one thread: each subscribes to one topic, and the first ones
// publish to it as well.
//
// A turn: publish what is due and send it with the answers to pings, one send per connection; wait
// for events; check what arrived.

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "error.hpp"
#include "fanout_load.hpp"
#include "io.hpp"

namespace ringcast::bench {

class FanoutClients {
public:
    /// Takes ownership of open connections, in the order of FanoutOptions::connections(); `io` and
    /// `load` must outlive the crowd.
    FanoutClients(Io& io, FanoutLoad& load, std::span<const int> descriptors,
                  std::chrono::nanoseconds stall_timeout);
    ~FanoutClients();
    FanoutClients(const FanoutClients&) = delete;
    FanoutClients& operator=(const FanoutClients&) = delete;

    /// Runs for `duration`; publications stay outstanding between two calls. Fails on the first
    /// wrong delivery, on a lost connection, and when nothing is delivered for the stall time-out
    /// although something is outstanding.
    [[nodiscard]] Expected<void> run(std::chrono::nanoseconds duration);

    /// Publishes no more, and waits until everything has reached everybody; then asks each
    /// connection for a pong, so that whatever the server had still to say to it has come before.
    /// Fails like run(), and if anything is missing or too much.
    [[nodiscard]] Expected<void> finish();

private:
    struct Connection {
        DeliveryState deliveries;
        int fd = -1;
        bool listed = false;                ///< In due_.
        bool sending = false;               ///< A send is in flight.
        std::vector<std::byte> outbox;      ///< To be sent.
        std::vector<std::byte> in_flight;   ///< Being sent.
        std::span<const std::byte> unsent;  ///< The rest of `in_flight`.
    };

    [[nodiscard]] Expected<void> turn(Clock::time_point end);
    [[nodiscard]] Expected<void> handle(const Event& event);
    [[nodiscard]] Expected<void> handle_received(Connection& connection, const Event& event);
    [[nodiscard]] Expected<void> handle_sent(Connection& connection, const Event& event);
    void list_as_due(std::uint32_t index);
    void send_due();
    [[nodiscard]] Expected<void> collect_pongs();
    [[nodiscard]] std::unexpected<Error> describe_stall() const;

    Io& io_;
    FanoutLoad& load_;
    std::chrono::nanoseconds stall_timeout_;
    std::vector<Connection> connections_;
    std::vector<std::uint32_t> due_;  ///< Connections with something to send.
    Clock::time_point turn_time_;     ///< When the events of this turn were there.
    Clock::time_point last_progress_;
    std::uint64_t pongs_ = 0;
};

}  // namespace ringcast::bench
