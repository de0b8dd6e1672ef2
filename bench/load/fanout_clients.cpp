#include "fanout_clients.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <unistd.h>

namespace ringcast::bench {

FanoutClients::FanoutClients(Io& io, FanoutLoad& load, std::span<const int> descriptors,
                             std::chrono::nanoseconds stall_timeout)
    : io_(io), load_(load), stall_timeout_(stall_timeout), connections_(descriptors.size()) {
    for (std::uint32_t index = 0; index < connections_.size(); ++index) {
        Connection& connection = connections_[index];
        connection.fd = descriptors[index];
        connection.deliveries.topic = load.topic_of(index);
        io_.receive_many(index, connection.fd);
    }
}

FanoutClients::~FanoutClients() {
    for (const Connection& connection : connections_) close(connection.fd);
}

Expected<void> FanoutClients::run(std::chrono::nanoseconds duration) {
    turn_time_ = Clock::now();
    last_progress_ = turn_time_;
    load_.start(turn_time_);
    const auto end = turn_time_ + duration;
    while (turn_time_ < end) {
        if (auto turned = turn(end); !turned) return turned;
    }
    return {};
}

Expected<void> FanoutClients::turn(Clock::time_point end) {
    constexpr std::chrono::nanoseconds wait_max = std::chrono::milliseconds(100);
    for (std::vector<std::uint32_t>& ready = load_.take_ready(turn_time_); !ready.empty();) {
        list_as_due(load_.connection_of(ready.back()));
        ready.pop_back();
    }
    send_due();
    const std::chrono::nanoseconds wait = load_.next_due(end) - Clock::now();
    const auto events =
        io_.turn(std::clamp<std::chrono::nanoseconds>(wait, std::chrono::nanoseconds(0), wait_max));
    if (!events) return std::unexpected(events.error());
    turn_time_ = Clock::now();
    for (const Event& event : *events) {
        if (auto handled = handle(event); !handled) {
            return fail("connection {} (topic {}): {}", event.index,
                        load_.topic(load_.topic_of(event.index)).name(), handled.error().message);
        }
    }
    if (load_.outstanding() == 0) last_progress_ = turn_time_;
    if (turn_time_ - last_progress_ >= stall_timeout_) return describe_stall();
    return {};
}

Expected<void> FanoutClients::handle(const Event& event) {
    Connection& connection = connections_[event.index];
    switch (event.operation) {
        case Operation::receive: return handle_received(connection, event);
        case Operation::send: return handle_sent(connection, event);
        case Operation::send_quiet:
        case Operation::connect:
        case Operation::upgrade:
        case Operation::close: break;
    }
    return fail("unexpected event, result {}", event.result);
}

Expected<void> FanoutClients::handle_received(Connection& connection, const Event& event) {
    DeliveryState& state = connection.deliveries;
    if (event.result == 0)
        return fail("the server closed the connection after {} deliveries", state.messages);
    if (event.result < 0 && event.result != -ENOBUFS) {
        return fail("cannot receive after {} deliveries: {}", state.messages,
                    errno_text(-event.result));
    }
    if (!event.more) io_.receive_many(event.index, connection.fd);
    const std::uint64_t messages = state.messages;
    const std::uint32_t pongs = state.pongs;
    if (auto received = load_.receive(state, event.bytes, turn_time_, connection.outbox); !received)
        return received;
    if (state.messages > messages) last_progress_ = turn_time_;
    pongs_ += state.pongs - pongs;
    if (!connection.outbox.empty()) list_as_due(event.index);
    return {};
}

Expected<void> FanoutClients::handle_sent(Connection& connection, const Event& event) {
    if (event.result < 0) {
        return fail("cannot send after {} deliveries: {}", connection.deliveries.messages,
                    errno_text(-event.result));
    }
    connection.unsent = connection.unsent.subspan(static_cast<std::size_t>(event.result));
    connection.sending = !connection.unsent.empty();
    if (connection.sending) {
        io_.send(event.index, connection.fd, connection.unsent);
    } else {
        list_as_due(event.index);
    }
    return {};
}

void FanoutClients::list_as_due(std::uint32_t index) {
    if (connections_[index].listed) return;
    connections_[index].listed = true;
    due_.push_back(index);
}

void FanoutClients::send_due() {
    if (due_.empty()) return;
    const auto now = Clock::now();
    for (const std::uint32_t index : due_) {
        Connection& connection = connections_[index];
        connection.listed = false;
        if (connection.sending) continue;
        if (const auto publisher = load_.publisher_on(index))
            load_.publish_owed(*publisher, now, connection.outbox);
        if (connection.outbox.empty()) continue;
        connection.in_flight.clear();
        connection.in_flight.swap(connection.outbox);
        connection.unsent = connection.in_flight;
        connection.sending = true;
        io_.send(index, connection.fd, connection.unsent);
    }
    due_.clear();
}

Expected<void> FanoutClients::finish() {
    load_.stop();
    turn_time_ = Clock::now();
    last_progress_ = turn_time_;
    while (load_.outstanding() > 0) {
        if (auto turned = turn(turn_time_ + stall_timeout_); !turned) return turned;
    }
    if (auto collected = collect_pongs(); !collected) return collected;
    for (std::uint32_t index = 0; index < connections_.size(); ++index) {
        const DeliveryState& state = connections_[index].deliveries;
        const TopicOrder& topic = load_.topic(state.topic);
        if (state.messages != topic.end() || !state.is_between_messages()) {
            return fail("connection {} (topic {}): {} whole deliveries instead of {}", index,
                        topic.name(), state.messages, topic.end());
        }
    }
    return {};
}

Expected<void> FanoutClients::collect_pongs() {
    constexpr std::array question{std::byte{'e'}, std::byte{'n'}, std::byte{'d'}};
    for (std::uint32_t index = 0; index < connections_.size(); ++index) {
        append_control(ws::Opcode::ping, question, connections_[index].outbox);
        list_as_due(index);
    }
    const std::uint64_t wanted = pongs_ + connections_.size();
    std::uint64_t seen = pongs_;
    for (auto last_seen = turn_time_; pongs_ < wanted;) {
        if (auto turned = turn(turn_time_ + stall_timeout_); !turned) return turned;
        if (pongs_ > seen) last_seen = turn_time_;
        seen = pongs_;
        if (turn_time_ - last_seen >= stall_timeout_) {
            return fail("{} of {} connections had no answer to a ping for {:.1f} s",
                        wanted - pongs_, connections_.size(),
                        std::chrono::duration<double>(stall_timeout_).count());
        }
    }
    return {};
}

std::unexpected<Error> FanoutClients::describe_stall() const {
    const std::string what = fmt::format(
        "nothing was delivered for {:.1f} s after {} deliveries",
        std::chrono::duration<double>(turn_time_ - last_progress_).count(), load_.deliveries());
    const auto missing = load_.find_missing();
    if (!missing) return fail("{}", what);
    const TopicOrder& topic = load_.topic(missing->topic);
    if (!missing->position)
        return fail("{}; {} has reached nobody on {}", what, name_of(missing->id), topic.name());
    const auto waiting = std::ranges::find_if(connections_, [&](const Connection& connection) {
        return connection.deliveries.topic == missing->topic &&
               connection.deliveries.messages <= *missing->position;
    });
    return fail("{}; {} has not reached {} of {} subscribers of {}, connection {} among them", what,
                name_of(missing->id), missing->subscribers_left, topic.subscriber_count(),
                topic.name(), waiting - connections_.begin());
}

}  // namespace ringcast::bench
