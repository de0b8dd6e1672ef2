#include "echo_clients.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace ringcast::bench {

namespace {

/// Larger sends often do not fit a socket's buffer at once, and an event for each costs little
/// beside them.
constexpr std::size_t quiet_send_bytes_max = 32 * 1024;

}  // namespace

EchoClients::EchoClients(Io& io, const Messages& messages, Verify verify, std::uint32_t count,
                         EchoPace pace, std::chrono::nanoseconds stall_timeout,
                         std::uint32_t first_index)
    : io_(io),
      messages_(messages),
      checker_(messages, verify),
      pace_(pace),
      stall_(stall_timeout),
      first_index_(first_index),
      connections_(count),
      sent_at_(std::size_t{count} * pace.depth) {
    for (std::size_t i = 0; i < connections_.size(); ++i) {
        Connection& connection = connections_[i];
        // Neighbours start at different messages, so a reply to the wrong connection differs.
        connection.request = static_cast<std::uint32_t>(i % messages.cycle_count());
        connection.reply.expected_index = connection.request;
        io_.receive_many(io_index(connection));
    }
}

void EchoClients::start(Clock::time_point now) {
    stall_.reset(now);
    if (pace_.rate > 0) {
        schedule_.emplace(1 / pace_.rate, 0, static_cast<std::uint32_t>(connections_.size()));
        schedule_->start(now);
    }
    if (pace_.depth == 0) return;
    for (Connection& connection : connections_) {
        connection.owed = pace_.depth;
        list_as_due(connection);
    }
}

Expected<void> EchoClients::act(Clock::time_point now) {
    if (stage_ == Stage::draining && replies_ == sent_) ask_for_pongs();
    if (schedule_) take_due(now);
    acting_.swap(due_);
    for (const std::uint32_t index : acting_) {
        Connection& connection = connections_[index];
        connection.listed = false;
        if (!connection.sending) send_next(connection, now);
    }
    acting_.clear();
    return {};
}

void EchoClients::take_due(Clock::time_point now) {
    if (stage_ != Stage::running) return;
    while (schedule_->next_due() <= now) {
        Connection& connection = connections_[schedule_->take()];
        ++connection.owed;
        list_as_due(connection);
    }
}

Clock::time_point EchoClients::next_due(Clock::time_point otherwise) const noexcept {
    if (!due_.empty()) return {};  // A burst was too long for one send.
    if (!schedule_ || stage_ != Stage::running) return otherwise;
    return std::min(otherwise, schedule_->next_due());
}

Expected<void> EchoClients::handle(const Event& event, Clock::time_point now) {
    Connection& connection = connections_[event.index - first_index_];
    auto taken = take(connection, event, now);
    if (!taken) return fail("connection {}: {}", event.index - first_index_, taken.error().message);
    return taken;
}

Expected<void> EchoClients::take(Connection& connection, const Event& event,
                                 Clock::time_point now) {
    switch (event.operation) {
        case Operation::receive: return take_received(connection, event, now);
        case Operation::send:
        case Operation::send_quiet: return take_sent(connection, event, now);
        case Operation::adopt:
        case Operation::connect:
        case Operation::upgrade:
        case Operation::close: break;
    }
    return fail("unexpected event, result {}", event.result);
}

Expected<void> EchoClients::take_received(Connection& connection, const Event& event,
                                          Clock::time_point now) {
    ReplyState& reply = connection.reply;
    if (event.result == 0)
        return fail("the server closed the connection after {} replies", reply.messages);
    if (event.result < 0 && event.result != -ENOBUFS) {
        return fail("cannot receive after {} replies: {}", reply.messages,
                    errno_text(-event.result));
    }
    if (!event.more) io_.receive_many(event.index);
    const std::uint32_t pongs = reply.pongs;
    const std::uint64_t progress = reply.progress();
    const auto completed = checker_.consume(reply, event.bytes, connection.control);
    if (!completed) return std::unexpected(completed.error());
    if (reply.progress() > progress) stall_.reset(now);
    pongs_ += reply.pongs - pongs;
    if (reply.messages > connection.sent)
        return fail("the server sent more replies than there were messages");
    if (*completed > 0) {
        record_latency(connection, *completed, now);
        replies_ += *completed;
        if (stage_ == Stage::running && !schedule_) connection.owed += *completed;
    }
    if (connection.owed > 0 || !connection.control.empty()) list_as_due(connection);
    return {};
}

Expected<void> EchoClients::take_sent(Connection& connection, const Event& event,
                                      Clock::time_point now) {
    const std::int32_t sent = event.result == -EAGAIN ? 0 : event.result;
    if (sent < 0)
        return fail("cannot send after {} replies: {}", connection.reply.messages,
                    errno_text(-sent));
    // A server may take long to read a large message, but pongs for ever are nothing.
    if (sent > 0 && !connection.sending_control) stall_.reset(now);
    connection.unsent = connection.unsent.subspan(static_cast<std::size_t>(sent));
    connection.sending = !connection.unsent.empty();
    if (connection.sending) {
        io_.send(event.index, connection.unsent);
    } else {
        list_as_due(connection);
    }
    return {};
}

std::uint32_t EchoClients::io_index(const Connection& connection) const noexcept {
    return first_index_ + static_cast<std::uint32_t>(&connection - connections_.data());
}

void EchoClients::list_as_due(Connection& connection) {
    if (connection.listed) return;
    connection.listed = true;
    due_.push_back(static_cast<std::uint32_t>(&connection - connections_.data()));
}

void EchoClients::send_next(Connection& connection, Clock::time_point now) {
    const std::uint32_t index = io_index(connection);
    if (!connection.control.empty()) {
        connection.control_sent = std::exchange(connection.control, {});
        connection.reply.pong_bytes = 0;
        connection.sending_control = true;
        connection.unsent = connection.control_sent;
        connection.sending = true;
        io_.send(index, connection.unsent);
        return;
    }
    if (connection.owed == 0) return;
    connection.sending_control = false;
    const auto count =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(connection.owed, pace_.burst_max()));
    connection.unsent = messages_.requests(connection.request, count);
    connection.request =
        static_cast<std::uint32_t>((connection.request + count) % messages_.cycle_count());
    note_sent(connection, count, now);
    if (connection.unsent.size() <= quiet_send_bytes_max) {
        io_.send_quiet(index, connection.unsent);
    } else {
        connection.sending = true;
        io_.send(index, connection.unsent);
    }
}

void EchoClients::note_sent(Connection& connection, std::uint32_t count, Clock::time_point now) {
    const auto index = static_cast<std::uint32_t>(&connection - connections_.data());
    for (std::uint32_t i = 0; i < count; ++i) {
        if (schedule_) {
            const Clock::time_point due = schedule_->time_of(index, connection.sent + i);
            if (measured_.contains(due)) lateness_.record(nanoseconds_between(due, now));
            continue;
        }
        sent_at_[std::size_t{index} * pace_.depth + connection.send_slot] = now;
        if (++connection.send_slot == pace_.depth) connection.send_slot = 0;
    }
    connection.owed -= count;
    connection.sent += count;
    sent_ += count;
    if (connection.owed > 0) list_as_due(connection);
}

/// Of the last `count` replies.
void EchoClients::record_latency(Connection& connection, std::size_t count, Clock::time_point now) {
    const auto index = static_cast<std::uint32_t>(&connection - connections_.data());
    const std::uint64_t first = connection.reply.messages - count;
    for (std::size_t i = 0; i < count; ++i) {
        Clock::time_point since;
        if (schedule_) {
            since = schedule_->time_of(index, first + i);
        } else {
            since = sent_at_[std::size_t{index} * pace_.depth + connection.reply_slot];
            if (++connection.reply_slot == pace_.depth) connection.reply_slot = 0;
        }
        if (measured_.contains(since)) latency_.record(nanoseconds_between(since, now));
    }
}

Expected<void> EchoClients::check(Clock::time_point now) {
    if (stage_ != Stage::asking && replies_ == sent_) stall_.reset(now);
    if (!stall_.is_over(now) || is_finished()) return {};
    if (stage_ == Stage::asking) {
        return fail("{} of {} connections had no answer to a ping for {:.1f} s",
                    pongs_wanted_ - pongs_, connections_.size(), stall_.seconds(now));
    }
    return fail("the server stopped answering: nothing for {:.1f} s after {} replies",
                stall_.seconds(now), replies_);
}

void EchoClients::stop(Clock::time_point now) {
    stage_ = Stage::draining;
    for (std::uint32_t index = 0; index < connections_.size(); ++index) {
        Connection& connection = connections_[index];
        for (; schedule_ && connection.owed > 0; --connection.owed) {
            const auto due = schedule_->time_of(index, connection.sent + connection.owed - 1);
            if (!measured_.contains(due)) continue;
            latency_.record(nanoseconds_between(due, now));
            ++unsent_;
        }
        connection.owed = 0;
    }
}

/// Whatever the server still had to say to a connection, it says before it answers.
void EchoClients::ask_for_pongs() {
    stage_ = Stage::asking;
    pongs_wanted_ = pongs_ + connections_.size();
    for (Connection& connection : connections_) {
        messages_.append_question(connection.control);
        connection.reply.is_asked = true;
        list_as_due(connection);
    }
}

bool EchoClients::is_finished() const noexcept {
    return stage_ == Stage::asking && pongs_ >= pongs_wanted_;
}

}  // namespace ringcast::bench
