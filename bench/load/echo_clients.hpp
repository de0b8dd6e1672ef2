#pragma once
// A crowd of echo clients: each connection keeps `depth` messages outstanding and checks every
// reply. With depth 0 they only hold their connections and answer pings.

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "crowd.hpp"
#include "error.hpp"
#include "histogram.hpp"
#include "io.hpp"
#include "messages.hpp"
#include "reply_checker.hpp"

namespace ringcast::bench {

class EchoClients final : public Crowd {
public:
    /// Takes ownership of open connections, the first of which `io` knows as `first_index`; `io`
    /// and `messages` must outlive the crowd. `depth` is at most the burst_max of `messages`.
    EchoClients(Io& io, const Messages& messages, Verify verify, std::span<const int> descriptors,
                std::uint32_t depth, std::chrono::nanoseconds stall_timeout,
                std::uint32_t first_index = 0);
    ~EchoClients() override;

    [[nodiscard]] std::string_view name() const noexcept override { return "echo"; }
    [[nodiscard]] std::string_view unit() const noexcept override { return "message"; }
    /// Complete replies.
    [[nodiscard]] std::uint64_t count() const noexcept override { return replies_; }
    /// From handing a message to the kernel to having its reply, in nanoseconds.
    [[nodiscard]] const Histogram& latency() const noexcept { return latency_; }

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
        int fd = -1;
        bool listed = false;           ///< In due_.
        bool sending = false;          ///< A send that will have an event is in flight.
        std::uint32_t owed = 0;        ///< Messages to be sent.
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
    [[nodiscard]] Expected<void> take_sent(Connection& connection, const Event& event);
    [[nodiscard]] std::uint32_t io_index(const Connection& connection) const noexcept;
    void list_as_due(Connection& connection);
    void send_next(Connection& connection, Clock::time_point now);
    void record_latency(Connection& connection, std::size_t count, Clock::time_point now);
    void ask_for_pongs();

    Io& io_;
    const Messages& messages_;
    ReplyChecker checker_;
    std::uint32_t depth_;
    StallWatch stall_;
    std::uint32_t first_index_;
    std::vector<Connection> connections_;
    std::vector<std::uint32_t> due_;          ///< Connections with something to send.
    std::vector<Clock::time_point> sent_at_;  ///< `depth` entries per connection, used in a circle.
    Interval measured_;
    Stage stage_ = Stage::running;
    std::uint64_t sent_ = 0;
    std::uint64_t replies_ = 0;
    std::uint64_t pongs_ = 0;
    std::uint64_t pongs_wanted_ = 0;
    Histogram latency_;
};

}  // namespace ringcast::bench
