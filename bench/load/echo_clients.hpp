#pragma once
// A crowd of echo clients on one thread: each connection keeps `depth` messages outstanding and
// checks every reply. With depth 0 they only hold their connections and answer pings.
//
// A turn: wait for events, check what arrived, then send all that became due, one send per
// connection.

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "error.hpp"
#include "histogram.hpp"
#include "io.hpp"
#include "messages.hpp"
#include "reply_checker.hpp"

namespace ringcast::bench {

class EchoClients {
public:
    /// Takes ownership of open connections; `io` and `messages` must outlive the crowd. `depth` is
    /// at most the burst_max of `messages`.
    EchoClients(Io& io, const Messages& messages, Verify verify, std::span<const int> descriptors,
                std::uint32_t depth);
    ~EchoClients();
    EchoClients(const EchoClients&) = delete;
    EchoClients& operator=(const EchoClients&) = delete;

    /// Runs for `duration`; messages stay outstanding between two calls. Fails on the first wrong
    /// reply, on a lost connection, and when nothing arrives for `stall_timeout` although something
    /// is due.
    [[nodiscard]] Expected<void> run(std::chrono::nanoseconds duration,
                                     std::chrono::nanoseconds stall_timeout);

    /// Complete replies so far.
    [[nodiscard]] std::uint64_t replies() const noexcept { return replies_; }
    /// From handing a message to the kernel to having its reply, in nanoseconds; since the last
    /// reset.
    [[nodiscard]] Histogram& latency() noexcept { return latency_; }

private:
    struct Connection {
        int fd = -1;
        bool listed = false;           ///< In due_.
        bool sending = false;          ///< A send that will have an event is in flight.
        std::uint32_t owed = 0;        ///< Messages to be sent.
        std::uint32_t request = 0;     ///< Index of the next message in the cycle.
        std::uint32_t send_slot = 0;   ///< Next entry of sent_at_ to write.
        std::uint32_t reply_slot = 0;  ///< Next entry of sent_at_ to read.
        std::span<const std::byte>
            unsent;                    ///< What the last send was given and may not have finished.
        std::vector<std::byte> pongs;  ///< To be sent.
        std::vector<std::byte> pongs_sent;  ///< Being sent.
        ReplyState reply;
    };

    [[nodiscard]] Expected<void> handle(const Event& event);
    [[nodiscard]] Expected<void> handle_received(Connection& connection, const Event& event);
    [[nodiscard]] Expected<void> handle_sent(Connection& connection, const Event& event);
    void list_as_due(Connection& connection);
    void send_due();
    void send_next(Connection& connection, std::uint32_t index);
    void record_latency(Connection& connection, std::uint32_t index, std::size_t count);

    Io& io_;
    const Messages& messages_;
    ReplyChecker checker_;
    std::uint32_t depth_;
    std::vector<Connection> connections_;
    std::vector<std::uint32_t> due_;          ///< Connections with something to send.
    std::vector<Clock::time_point> sent_at_;  ///< `depth` entries per connection, used in a circle.
    Clock::time_point turn_time_;             ///< When the events of this turn were there.
    Clock::time_point send_time_;             ///< When this turn's sends were queued.
    std::uint64_t replies_ = 0;
    Histogram latency_;
};

}  // namespace ringcast::bench
