#include "joining.hpp"

#include <cerrno>

#include "crowd.hpp"

namespace ringcast::bench {

Joining::Joining(Io& io, const FanoutLoad& load, const Subprotocol& subprotocol,
                 std::uint32_t count)
    : io_(io),
      load_(load),
      reader_(load.shape(), &subprotocol),
      hello_(subprotocol.hello()),
      opcode_(subprotocol.opcode()),
      connections_(count) {}

Expected<void> Joining::take_received(std::uint32_t index, std::span<const std::byte> bytes) {
    Connection& connection = connections_[index];
    const TopicOrder& topic = load_.topic(load_.topic_of(index));
    while (!bytes.empty()) {
        const auto piece = reader_.next(connection.state, topic, bytes, connection.outbox);
        if (!piece) return std::unexpected(piece.error());
        if (connection.state.in_delivery)
            return fail("a delivery came before anything was published");
    }
    return {};
}

Expected<void> Joining::run(std::chrono::nanoseconds stall_timeout, Progress& progress) {
    const auto count = static_cast<std::uint32_t>(connections_.size());
    progress.begin("joining topics", Clock::now());
    StallWatch stall(stall_timeout);
    stall.reset(Clock::now());
    for (std::uint32_t index = 0; index < count; ++index) {
        if (!hello_.empty())
            append_frame(opcode_, std::as_bytes(std::span{hello_}), connections_[index].outbox);
        io_.receive_once(index);
        proceed(index);
    }
    while (joined_count_ < count) {
        const auto events = io_.turn(stall_timeout);
        if (!events) return std::unexpected(events.error());
        const auto now = Clock::now();
        for (const Event& event : *events) {
            const PacketState& state = connections_[event.index].state;
            const bool was_greeted = state.is_greeted;
            const bool was_welcome = state.is_welcome;
            if (auto taken = take(event); !taken)
                return fail("connection {}: {}", event.index, taken.error().message);
            if (state.is_greeted != was_greeted || state.is_welcome != was_welcome)
                stall.reset(now);
        }
        if (stall.is_over(now)) {
            return fail("only {} of {} connections joined their topics, then nothing happened",
                        joined_count_, count);
        }
        if (progress.is_due(now)) progress.show(now, joined_count_, count);
    }
    return {};
}

Expected<void> Joining::take(const Event& event) {
    Connection& connection = connections_[event.index];
    if (event.operation == Operation::send) {
        if (event.result < 0)
            return fail("cannot send what joins the topic: {}", errno_text(-event.result));
        connection.in_flight.erase(connection.in_flight.begin(),
                                   connection.in_flight.begin() + event.result);
        if (!connection.in_flight.empty()) io_.send(event.index, connection.in_flight);
    } else {
        if (event.result == 0) return fail("the server closed the connection before its welcome");
        if (event.result < 0 && event.result != -ENOBUFS)
            return fail("cannot receive the server's welcome: {}", errno_text(-event.result));
        if (auto taken = take_received(event.index, event.bytes); !taken) return taken;
        if (!connection.has_heard_all()) io_.receive_once(event.index);
    }
    proceed(event.index);
    return {};
}

/// Sends what is to be sent; else the connection may have joined.
void Joining::proceed(std::uint32_t index) {
    Connection& connection = connections_[index];
    if (!connection.in_flight.empty()) return;
    if (!connection.outbox.empty()) {
        connection.in_flight.swap(connection.outbox);
        connection.state.pong_bytes = 0;
        io_.send(index, connection.in_flight);
    } else if (connection.has_heard_all() && !connection.is_joined) {
        connection.is_joined = true;
        ++joined_count_;
    }
}

Expected<void> open_and_join(Rig& rig, const CommonOptions& common, const FanoutOptions& options,
                             const FanoutLoad& load, const Subprotocol& subprotocol) {
    const std::string offered =
        options.subprotocol.empty() ? subprotocol.name() : options.subprotocol;
    Opener opener(*rig.io, rig.url, rig.sources, Compression::off, offered);
    Joining joining(*rig.io, load, subprotocol, options.connections());
    const auto take_rest = [&](std::uint32_t index, std::span<const std::byte> rest) {
        return joining.take_received(index, rest);
    };
    auto opened = open_connections(*rig.io, opener, options.connections(), common.stall_timeout(),
                                   rig.progress, 0, take_rest);
    return opened ? joining.run(common.stall_timeout(), rig.progress) : opened;
}

}  // namespace ringcast::bench
