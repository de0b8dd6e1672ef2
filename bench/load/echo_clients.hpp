#pragma once
// A crowd of echo clients, which check every reply. In a closed loop each connection keeps `depth`
// messages outstanding; in an open one messages are due at a fixed rate, whatever the server does.
// Without either they only hold their connections and answer pings.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "crowd.hpp"
#include "error.hpp"
#include "histogram.hpp"
#include "io.hpp"
#include "messages.hpp"
#include "reply_checker.hpp"
#include "schedule.hpp"

namespace ringcast::bench {

/// How fast an echo crowd is. At most one of both is given.
struct EchoPace {
    std::uint32_t depth = 0;
    double rate = 0;  ///< Messages per second of all connections together.

    /// Of one send; Messages must have that many in a row.
    [[nodiscard]] std::uint32_t burst_max() const noexcept {
        constexpr std::uint32_t open_loop_burst_max = 64;
        return rate > 0 ? open_loop_burst_max : std::max(depth, 1U);
    }
};

class EchoClients final : public Crowd {
public:
    /// Has `count` open connections, the first of which `io` knows as `first_index`; `io` and
    /// `messages`, which has the bursts of `pace`, must outlive the crowd.
    EchoClients(Io& io, const Messages& messages, Verify verify, std::uint32_t count, EchoPace pace,
                std::chrono::nanoseconds stall_timeout, std::uint32_t first_index = 0);

    [[nodiscard]] std::string_view name() const noexcept override { return "echo"; }
    [[nodiscard]] std::string_view unit() const noexcept override { return "message"; }
    /// Complete replies.
    [[nodiscard]] std::uint64_t count() const noexcept override { return replies_; }
    /// From handing a message to the kernel (with a rate: from when it was due) to having its
    /// reply, in nanoseconds.
    [[nodiscard]] const Histogram& latency() const noexcept { return latency_; }
    /// With a rate: how long after it was due a message was handed to the kernel.
    [[nodiscard]] const Histogram& lateness() const noexcept { return lateness_; }
    /// With a rate: messages that were due and still could not be sent when the run ended. The time
    /// that they had waited by then is in latency().
    [[nodiscard]] std::uint64_t unsent() const noexcept { return unsent_; }

    void start(Clock::time_point now) override;
    void measure(const Interval& interval) noexcept override { measured_ = interval; }
    [[nodiscard]] Expected<void> act(Clock::time_point now) override;
    [[nodiscard]] Clock::time_point next_due(Clock::time_point otherwise) const noexcept override;
    [[nodiscard]] Expected<void> handle(const Event& event, Clock::time_point now) override;
    [[nodiscard]] Expected<void> check(Clock::time_point now) override;
    void stop(Clock::time_point now) override;
    [[nodiscard]] bool is_finished() const noexcept override;

private:
    struct Connection {
        bool listed = false;           ///< In due_.
        bool sending = false;          ///< A send that will have an event is in flight.
        bool sending_control = false;  ///< The last send was of control frames.
        std::uint64_t owed = 0;        ///< Messages to be sent.
        std::uint32_t request = 0;     ///< Index of the next message in the cycle.
        std::uint32_t send_slot = 0;   ///< Next entry of sent_at_ to write.
        std::uint32_t reply_slot = 0;  ///< Next entry of sent_at_ to read.
        std::uint64_t sent = 0;        ///< Messages so far.
        std::span<const std::byte>
            unsent;  ///< What the last send was given and may not have finished.
        std::vector<std::byte> control;       ///< Pongs, and the last ping, to be sent.
        std::vector<std::byte> control_sent;  ///< Being sent.
        ReplyState reply;
    };
    enum class Stage : std::uint8_t { running, draining, asking };

    [[nodiscard]] Expected<void> take(Connection& connection, const Event& event,
                                      Clock::time_point now);
    [[nodiscard]] Expected<void> take_received(Connection& connection, const Event& event,
                                               Clock::time_point now);
    [[nodiscard]] Expected<void> take_sent(Connection& connection, const Event& event,
                                           Clock::time_point now);
    [[nodiscard]] std::uint32_t io_index(const Connection& connection) const noexcept;
    void list_as_due(Connection& connection);
    void take_due(Clock::time_point now);
    void send_next(Connection& connection, Clock::time_point now);
    void note_sent(Connection& connection, std::uint32_t count, Clock::time_point now);
    void record_latency(Connection& connection, std::size_t count, Clock::time_point now);
    void ask_for_pongs();

    Io& io_;
    const Messages& messages_;
    ReplyChecker checker_;
    EchoPace pace_;
    std::optional<Schedule> schedule_;
    StallWatch stall_;
    std::uint32_t first_index_;
    std::vector<Connection> connections_;
    std::vector<std::uint32_t> due_;          ///< Connections with something to send.
    std::vector<std::uint32_t> acting_;       ///< Those of this turn.
    std::vector<Clock::time_point> sent_at_;  ///< `depth` entries per connection, used in a circle.
    Interval measured_;
    Stage stage_ = Stage::running;
    std::uint64_t sent_ = 0;
    std::uint64_t replies_ = 0;
    std::uint64_t pongs_ = 0;
    std::uint64_t pongs_wanted_ = 0;
    std::uint64_t unsent_ = 0;
    Histogram latency_;
    Histogram lateness_;
};

}  // namespace ringcast::bench
