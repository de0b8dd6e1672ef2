#include "sim/echo_stub.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace ringcast::sim {

using ring::Completion;
using ring::Opcode;
using ring::Token;

namespace {

constexpr std::size_t backlog_high_bytes = 2048;
constexpr Token listener_token{.slot = 0, .tag = 1};

}  // namespace

EchoStub::EchoStub(ring::Ring& ring, int listener, Mistake mistake)
    : ring_{ring}, listener_{listener}, mistake_{mistake} {}

Token EchoStub::token_of(const Connection& connection) const {
    return {.slot = static_cast<std::uint32_t>(&connection - connections_.data()),
            .generation = connection.generation};
}

void EchoStub::turn() {
    if (!accepting_ && !shutting_down_) {
        ring_.accept(listener_token, listener_);
        accepting_ = true;
    }
    // Once quiet sends are home there may be something to do without any completion: do not sleep
    // on it.
    const bool hurries = makes(Mistake::spins) ||
                         std::ranges::any_of(connections_, [](const Connection& connection) {
                             return !connection.quiet.empty();
                         });
    const auto completions = ring_.turn({.until = hurries ? ring_.now() : instant_never,
                                         .count = 3,
                                         .gather = std::chrono::microseconds{100}});
    for (const Completion& completion : completions) {
        if (completion.token.opcode != Opcode::send_quiet) break;
        settle(connections_[completion.token.slot], completion.result);
    }
    for (Connection& connection : connections_) connection.quiet = {};
    for (const Completion& completion : completions) complete(completion);
    for (Connection& connection : connections_) {
        if (connection.fd >= 0) attend(connection);
    }
}

void EchoStub::begin_shutdown() {
    shutting_down_ = true;
    if (accepting_) ring_.cancel(listener_token, listener_, Opcode::accept);
    for (Connection& connection : connections_) {
        if (connection.fd < 0 || connection.closing) continue;
        connection.broken = true;
    }
}

void EchoStub::complete(const Completion& completion) {
    switch (completion.token.opcode) {
        case Opcode::accept: accepted(completion); break;
        case Opcode::recv: received(connections_[completion.token.slot], completion); break;
        case Opcode::send: sent(connections_[completion.token.slot], completion.result); break;
        case Opcode::close: {
            Connection& connection = connections_[completion.token.slot];
            connection = {.generation = static_cast<std::uint16_t>(connection.generation + 1)};
            --connections_open_;
            break;
        }
        case Opcode::cancel:
        case Opcode::send_quiet:
        case Opcode::shutdown:
        case Opcode::wake: break;
    }
}

void EchoStub::accepted(const Completion& completion) {
    accepting_ = completion.has_more();
    if (completion.result < 0) return;
    auto free = std::ranges::find(connections_, -1, &Connection::fd);
    if (free == connections_.end()) free = connections_.insert(free, Connection{});
    free->fd = completion.result;
    free->broken = shutting_down_;
    ++connections_open_;
}

void EchoStub::received(Connection& connection, const Completion& completion) {
    if (!completion.has_more() && !makes(Mistake::never_rearms))
        connection.armed = connection.cancelled = false;
    if (completion.result == 0) connection.ended = true;
    if (completion.result < 0) {
        connection.broken =
            connection.broken || (completion.result != -ENOBUFS && completion.result != -ECANCELED);
        return;
    }
    const std::span bytes{completion.bytes, static_cast<std::size_t>(completion.result)};
    if (bytes.empty() || connection.broken) return;
    if (makes(Mistake::writes_behind_slice)) bytes.data()[bytes.size()] = std::byte{1};
    if (makes(Mistake::flips_octet)) bytes.back() ^= std::byte{1};
    echo(connection, bytes);
}

void EchoStub::echo(Connection& connection, std::span<std::byte> bytes) {
    const bool direct =
        connection.backlog.empty() && !connection.sending && connection.quiet.empty();
    if (makes(Mistake::sends_twice) && connection.sending)
        ring_.send_quiet(token_of(connection), connection.fd, bytes);
    if (!direct) {
        connection.backlog.insert(connection.backlog.end(), bytes.begin(), bytes.end());
        return;
    }
    if (makes(Mistake::keeps_slices)) std::swap(bytes, old_slice_);
    if (bytes.empty()) return;
    if (makes(Mistake::sends_slices)) {
        ring_.send(token_of(connection), connection.fd, bytes);
        connection.sending = true;
        return;
    }
    ring_.send_quiet(token_of(connection), connection.fd, bytes);
    connection.quiet = bytes;
}

void EchoStub::settle(Connection& connection, std::int32_t result) {
    if (result < 0 && result != -EAGAIN) {
        connection.broken = true;
        return;
    }
    std::size_t sent = static_cast<std::size_t>(std::max(result, 0));
    if (makes(Mistake::loses_shortfall)) return;
    if (makes(Mistake::repeats_shortfall)) sent = 0;
    const auto rest = connection.quiet.subspan(sent);
    connection.backlog.insert(connection.backlog.begin(), rest.begin(), rest.end());
}

void EchoStub::sent(Connection& connection, std::int32_t result) {
    connection.sending = false;
    if (result < 0) connection.broken = true;
}

void EchoStub::attend(Connection& connection) {
    if (!connection.broken && !connection.sending && connection.quiet.empty() &&
        !connection.backlog.empty()) {
        connection.in_flight = std::exchange(connection.backlog, {});
        ring_.send(token_of(connection), connection.fd, connection.in_flight);
        connection.sending = true;
    } else if (makes(Mistake::reuses_memory) && connection.sending &&
               !connection.in_flight.empty()) {
        connection.in_flight.front() ^= std::byte{1};
    }
    attend_receive(connection);
    close_when_home(connection);
}

void EchoStub::attend_receive(Connection& connection) {
    const bool full = connection.backlog.size() > backlog_high_bytes;
    connection.suspended = full || (connection.suspended && !connection.backlog.empty());
    const bool wanted =
        !connection.suspended && !connection.ended && !connection.broken && !connection.closing;
    if (wanted && (!connection.armed || makes(Mistake::arms_twice))) {
        ring_.recv(token_of(connection), connection.fd);
        connection.armed = true;
    }
    if (!wanted && connection.armed && !connection.cancelled) {
        Token token = token_of(connection);
        if (makes(Mistake::cancels_another)) ++token.generation;
        ring_.cancel(token, connection.fd);
        connection.cancelled = true;
    }
}

void EchoStub::close_when_home(Connection& connection) {
    const bool done = connection.ended && connection.backlog.empty() && connection.quiet.empty();
    if (connection.closing || makes(Mistake::leaks)) return;
    if (makes(Mistake::closes_early) && connection.armed) {
        ring_.close(token_of(connection), connection.fd);
        connection.closing = true;
        return;
    }
    if (!done && !connection.broken) return;
    if (connection.broken && connection.sending) {
        ring_.shutdown(token_of(connection), connection.fd, ring::Shutdown::both);
    }
    if (connection.armed || connection.sending || !connection.quiet.empty()) return;
    ring_.close(token_of(connection), connection.fd);
    connection.closing = true;
}

}  // namespace ringcast::sim
