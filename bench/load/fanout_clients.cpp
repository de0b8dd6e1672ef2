#include "fanout_clients.hpp"

#include <algorithm>
#include <cerrno>
#include <string>

namespace ringcast::bench {

FanoutClients::FanoutClients(Io& io, FanoutLoad& load, std::uint32_t count,
                             std::chrono::nanoseconds stall_timeout, std::uint32_t first_index)
    : io_(io), load_(load), stall_(stall_timeout), first_index_(first_index), connections_(count) {
    for (std::uint32_t index = 0; index < connections_.size(); ++index) {
        Connection& connection = connections_[index];
        connection.deliveries.topic = load.topic_of(index);
        // Whoever had to join has done so (joining.hpp).
        connection.deliveries.is_greeted = connection.deliveries.is_welcome = true;
        io_.receive_many(first_index_ + index);
    }
}

void FanoutClients::start(Clock::time_point now) {
    stall_.reset(now);
    load_.start(now);
}

Expected<void> FanoutClients::act(Clock::time_point now) {
    if (stage_ == Stage::draining && load_.outstanding() == 0) ask_for_pongs();
    std::vector<std::uint32_t>& ready = load_.take_ready(now);
    for (const std::uint32_t publisher : ready) list_as_due(load_.connection_of(publisher));
    ready.clear();
    for (const std::uint32_t index : due_) send_next(index, now);
    due_.clear();
    return {};
}

Clock::time_point FanoutClients::next_due(Clock::time_point otherwise) const noexcept {
    return load_.next_due(otherwise);
}

Expected<void> FanoutClients::handle(const Event& event, Clock::time_point now) {
    auto taken = take(event, now);
    if (taken) return taken;
    const std::uint32_t index = event.index - first_index_;
    return fail("connection {} (topic {}): {}", index, load_.topic(load_.topic_of(index)).name(),
                taken.error().message);
}

Expected<void> FanoutClients::take(const Event& event, Clock::time_point now) {
    switch (event.operation) {
        case Operation::receive: return take_received(event, now);
        case Operation::send: return take_sent(event);
        case Operation::send_quiet:
        case Operation::adopt:
        case Operation::connect:
        case Operation::upgrade:
        case Operation::close: break;
    }
    return fail("unexpected event, result {}", event.result);
}

Expected<void> FanoutClients::take_received(const Event& event, Clock::time_point now) {
    Connection& connection = connection_of(event);
    DeliveryState& state = connection.deliveries;
    if (event.result == 0)
        return fail("the server closed the connection after {} deliveries", state.messages);
    if (event.result < 0 && event.result != -ENOBUFS) {
        return fail("cannot receive after {} deliveries: {}", state.messages,
                    errno_text(-event.result));
    }
    if (!event.more) io_.receive_many(event.index);
    const std::uint64_t messages = state.messages;
    const std::uint32_t pongs = state.pongs;
    if (auto received = load_.receive(state, event.bytes, now, connection.outbox); !received)
        return received;
    if (state.messages > messages || state.pongs > pongs) stall_.reset(now);
    pongs_ += state.pongs - pongs;
    if (!connection.outbox.empty()) list_as_due(event.index - first_index_);
    return {};
}

Expected<void> FanoutClients::take_sent(const Event& event) {
    Connection& connection = connection_of(event);
    if (event.result < 0) {
        return fail("cannot send after {} deliveries: {}", connection.deliveries.messages,
                    errno_text(-event.result));
    }
    connection.unsent = connection.unsent.subspan(static_cast<std::size_t>(event.result));
    connection.sending = !connection.unsent.empty();
    if (connection.sending) {
        io_.send(event.index, connection.unsent);
    } else {
        list_as_due(event.index - first_index_);
    }
    return {};
}

FanoutClients::Connection& FanoutClients::connection_of(const Event& event) noexcept {
    return connections_[event.index - first_index_];
}

void FanoutClients::list_as_due(std::uint32_t index) {
    if (connections_[index].listed) return;
    connections_[index].listed = true;
    due_.push_back(index);
}

void FanoutClients::send_next(std::uint32_t index, Clock::time_point now) {
    Connection& connection = connections_[index];
    connection.listed = false;
    if (connection.sending) return;
    if (const auto publisher = load_.publisher_on(index))
        load_.publish_owed(*publisher, now, connection.outbox);
    if (connection.outbox.empty()) return;
    connection.in_flight.clear();
    connection.in_flight.swap(connection.outbox);
    connection.deliveries.pong_bytes = 0;
    connection.unsent = connection.in_flight;
    connection.sending = true;
    io_.send(first_index_ + index, connection.unsent);
}

Expected<void> FanoutClients::check(Clock::time_point now) {
    if (stage_ != Stage::asking && load_.outstanding() == 0) stall_.reset(now);
    if (!stall_.is_over(now) || is_finished()) return {};
    if (stage_ != Stage::asking) return describe_stall(now);
    return fail("{} of {} connections had no answer to a ping for {:.1f} s", pongs_wanted_ - pongs_,
                connections_.size(), stall_.seconds(now));
}

void FanoutClients::stop(Clock::time_point now) {
    stage_ = Stage::draining;
    load_.stop(now);
}

void FanoutClients::ask_for_pongs() {
    stage_ = Stage::asking;
    pongs_wanted_ = pongs_ + connections_.size();
    for (std::uint32_t index = 0; index < connections_.size(); ++index) {
        append_frame(ws::Opcode::ping, end_question, connections_[index].outbox);
        connections_[index].deliveries.is_asked = true;
        list_as_due(index);
    }
}

bool FanoutClients::is_finished() const noexcept {
    return stage_ == Stage::asking && pongs_ >= pongs_wanted_;
}

Expected<void> FanoutClients::verify() const {
    for (std::uint32_t index = 0; index < connections_.size(); ++index) {
        const DeliveryState& state = connections_[index].deliveries;
        const TopicOrder& topic = load_.topic(state.topic);
        if (state.messages != topic.end() || !state.is_between_deliveries()) {
            return fail("connection {} (topic {}): {} whole deliveries instead of {}", index,
                        topic.name(), state.messages, topic.end());
        }
    }
    return {};
}

std::unexpected<Error> FanoutClients::describe_stall(Clock::time_point now) const {
    const std::string what = fmt::format("nothing was delivered for {:.1f} s after {} deliveries",
                                         stall_.seconds(now), load_.deliveries());
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
