#include "echo_clients.hpp"

#include <algorithm>
#include <cerrno>
#include <unistd.h>
#include <utility>

#include "base/assert.hpp"

namespace ringcast::bench {

namespace {

/// Larger sends often do not fit a socket's buffer at once, and an event for each costs little
/// beside them.
constexpr std::size_t quiet_send_bytes_max = 32 * 1024;

}  // namespace

EchoClients::EchoClients(Io& io, const Messages& messages, Verify verify,
                         std::span<const int> descriptors, std::uint32_t depth)
    : io_(io),
      messages_(messages),
      checker_(messages, verify),
      depth_(depth),
      connections_(descriptors.size()),
      sent_at_(descriptors.size() * depth) {
    for (std::size_t i = 0; i < connections_.size(); ++i) {
        Connection& connection = connections_[i];
        connection.fd = descriptors[i];
        connection.owed = depth;
        // Neighbours start at different messages, so a reply to the wrong connection differs.
        connection.request = static_cast<std::uint32_t>(i % messages.cycle_count());
        connection.reply.expected_index = connection.request;
        io_.receive_many(static_cast<std::uint32_t>(i), connection.fd);
        if (depth > 0) list_as_due(connection);
    }
}

EchoClients::~EchoClients() {
    for (const Connection& connection : connections_) close(connection.fd);
}

Expected<void> EchoClients::run(std::chrono::nanoseconds duration,
                                std::chrono::nanoseconds stall_timeout) {
    constexpr std::chrono::nanoseconds wait_max = std::chrono::milliseconds(100);
    turn_time_ = Clock::now();
    const auto end = turn_time_ + duration;
    auto last_progress = turn_time_;
    while (turn_time_ < end) {
        send_due();
        const auto events =
            io_.turn(std::min<std::chrono::nanoseconds>(end - turn_time_, wait_max));
        if (!events) return std::unexpected(events.error());
        turn_time_ = Clock::now();
        if (!events->empty()) last_progress = turn_time_;
        for (const Event& event : *events) {
            if (auto handled = handle(event); !handled) {
                return fail("connection {}: {}", event.index, handled.error().message);
            }
        }
        if (depth_ > 0 && turn_time_ - last_progress >= stall_timeout) {
            return fail("the server stopped answering: nothing for {:.1f} s after {} replies",
                        std::chrono::duration<double>(turn_time_ - last_progress).count(),
                        replies_);
        }
    }
    return {};
}

Expected<void> EchoClients::handle(const Event& event) {
    Connection& connection = connections_[event.index];
    switch (event.operation) {
        case Operation::receive: return handle_received(connection, event);
        case Operation::send:
        case Operation::send_quiet: return handle_sent(connection, event);
        case Operation::connect:
        case Operation::upgrade:
        case Operation::close: break;
    }
    return fail("unexpected event, result {}", event.result);
}

Expected<void> EchoClients::handle_received(Connection& connection, const Event& event) {
    if (event.result == 0)
        return fail("the server closed the connection after {} replies", connection.reply.messages);
    if (event.result < 0 && event.result != -ENOBUFS) {
        return fail("cannot receive after {} replies: {}", connection.reply.messages,
                    errno_text(-event.result));
    }
    if (!event.more) io_.receive_many(event.index, connection.fd);
    const auto completed = checker_.consume(connection.reply, event.bytes, connection.pongs);
    if (!completed) return std::unexpected(completed.error());
    if (*completed > 0) {
        if (*completed > depth_ - connection.owed)
            return fail("the server sent more replies than there were messages");
        record_latency(connection, event.index, *completed);
        replies_ += *completed;
        connection.owed += static_cast<std::uint32_t>(*completed);
    }
    if (*completed > 0 || !connection.pongs.empty()) list_as_due(connection);
    return {};
}

Expected<void> EchoClients::handle_sent(Connection& connection, const Event& event) {
    const std::int32_t sent = event.result == -EAGAIN ? 0 : event.result;
    if (sent < 0)
        return fail("cannot send after {} replies: {}", connection.reply.messages,
                    errno_text(-sent));
    connection.unsent = connection.unsent.subspan(static_cast<std::size_t>(sent));
    connection.sending = !connection.unsent.empty();
    if (connection.sending) {
        io_.send(event.index, connection.fd, connection.unsent);
    } else {
        list_as_due(connection);
    }
    return {};
}

void EchoClients::list_as_due(Connection& connection) {
    if (connection.listed) return;
    connection.listed = true;
    due_.push_back(static_cast<std::uint32_t>(&connection - connections_.data()));
}

void EchoClients::send_due() {
    if (due_.empty()) return;
    send_time_ = Clock::now();
    for (const std::uint32_t index : due_) {
        Connection& connection = connections_[index];
        connection.listed = false;
        if (!connection.sending) send_next(connection, index);
    }
    due_.clear();
}

void EchoClients::send_next(Connection& connection, std::uint32_t index) {
    if (!connection.pongs.empty()) {
        connection.pongs_sent = std::exchange(connection.pongs, {});
        connection.unsent = connection.pongs_sent;
        connection.sending = true;
        io_.send(index, connection.fd, connection.unsent);
        return;
    }
    if (connection.owed == 0) return;
    connection.unsent = messages_.requests(connection.request, connection.owed);
    connection.request = static_cast<std::uint32_t>((connection.request + connection.owed) %
                                                    messages_.cycle_count());
    const std::size_t first_slot = std::size_t{index} * depth_;
    for (; connection.owed > 0; --connection.owed) {
        sent_at_[first_slot + connection.send_slot] = send_time_;
        if (++connection.send_slot == depth_) connection.send_slot = 0;
    }
    if (connection.unsent.size() <= quiet_send_bytes_max) {
        io_.send_quiet(index, connection.fd, connection.unsent);
    } else {
        connection.sending = true;
        io_.send(index, connection.fd, connection.unsent);
    }
}

void EchoClients::record_latency(Connection& connection, std::uint32_t index, std::size_t count) {
    const std::size_t first_slot = std::size_t{index} * depth_;
    for (std::size_t i = 0; i < count; ++i) {
        const auto elapsed = turn_time_ - sent_at_[first_slot + connection.reply_slot];
        latency_.record(static_cast<std::uint64_t>(std::chrono::nanoseconds(elapsed).count()));
        if (++connection.reply_slot == depth_) connection.reply_slot = 0;
    }
}

}  // namespace ringcast::bench
