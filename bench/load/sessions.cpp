#include "sessions.hpp"

#include <cerrno>
#include <span>

#include "base/bytes.hpp"

namespace ringcast::bench {

Sessions::Sessions(Io& io, std::uint32_t count, std::uint32_t first_index)
    : io_(io), first_index_(first_index), sessions_(count) {}

void Sessions::begin(std::uint32_t index) {
    sessions_[index] = {};
    io_.receive_once(first_index_ + index);
}

void Sessions::say(std::uint32_t index, std::string_view commands) {
    append_frame(ws::Opcode::text, as_bytes(commands), sessions_[index].outbox);
    send_next(index);
}

void Sessions::ask_for_pong(std::uint32_t index) {
    append_frame(ws::Opcode::ping, end_question, sessions_[index].outbox);
    sessions_[index].state.is_asked = true;
    send_next(index);
}

void Sessions::cut_off(std::uint32_t index) {
    sessions_[index].is_cut_off = true;
}

Expected<void> Sessions::handle(const Event& event, const Take& take) {
    const std::uint32_t index = event.index - first_index_;
    switch (event.operation) {
        case Operation::receive: return take_received(index, event, take);
        case Operation::send: return take_sent(index, event);
        case Operation::send_quiet:
        case Operation::adopt:
        case Operation::connect:
        case Operation::upgrade:
        case Operation::close: break;
    }
    return fail("unexpected event, result {}", event.result);
}

Expected<void> Sessions::take_received(std::uint32_t index, const Event& event, const Take& take) {
    Session& session = sessions_[index];
    if (event.result == 0) return fail("the server closed the connection");
    if (event.result < 0 && event.result != -ENOBUFS)
        return fail("cannot receive: {}", errno_text(-event.result));
    const std::uint32_t pongs = session.state.pongs;
    std::span<const std::byte> bytes = event.bytes;
    while (true) {
        const auto reply = reader_.next(session.state, bytes, session.outbox);
        if (!reply) return std::unexpected(reply.error());
        if (!*reply) break;
        if ((*reply)->kind == Reply::Kind::ping) {
            say(index, "{}");
        } else if (auto taken = take(index, **reply); !taken) {
            return taken;
        }
    }
    pongs_ += session.state.pongs - pongs;
    if (!session.is_cut_off) io_.receive_once(event.index);
    send_next(index);
    return {};
}

Expected<void> Sessions::take_sent(std::uint32_t index, const Event& event) {
    Session& session = sessions_[index];
    if (event.result < 0) return fail("cannot send: {}", errno_text(-event.result));
    session.unsent = session.unsent.subspan(static_cast<std::size_t>(event.result));
    if (!session.unsent.empty()) {
        io_.send(event.index, session.unsent);
    } else {
        send_next(index);
    }
    return {};
}

/// Unless something is being sent.
void Sessions::send_next(std::uint32_t index) {
    Session& session = sessions_[index];
    if (!session.unsent.empty() || session.is_closed) return;
    if (session.is_cut_off) {
        session.is_closed = true;
        session.state = {};
        io_.close(first_index_ + index);
        return;
    }
    session.in_flight.clear();
    if (session.outbox.empty()) return;
    session.in_flight.swap(session.outbox);
    session.state.pong_bytes = 0;
    session.unsent = session.in_flight;
    io_.send(first_index_ + index, session.unsent);
}

}  // namespace ringcast::bench
