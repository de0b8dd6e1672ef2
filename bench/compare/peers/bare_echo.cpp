// Sends every byte back, on ringcast's own ring and with nothing of WebSocket: what an echo over
// TCP costs there, so that `scripts/bench --bare` can say what WebSocket adds. One thread, no
// limits and no time-outs: for loopback only.
//     bare-echo uring|epoll PORT    (0: any port; the line that it prints says which)

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fmt/core.h>
#include <span>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "ring/listen.hpp"
#include "ring/make_ring.hpp"

namespace {

using namespace ringcast;
using namespace ringcast::ring;

/// All connections of one listener. What comes is sent at once, from the ring's own memory; what a
/// socket does not take at once is copied, and follows with an ordinary send.
class Echo {
public:
    Echo(Ring& ring, int listener) : ring_(ring), listener_(listener) {}

    /// Serves until accepting fails; returns why, as an errno.
    int run();

private:
    struct Connection {
        int fd = -1;
        std::uint16_t generation = 0;
        bool is_receiving = false;
        bool is_ending = false;
        std::span<const std::byte> quiet;  ///< A quiet send of this turn.
        std::vector<std::byte> sending;    ///< The ring's until the send completes.
        std::vector<std::byte> backlog;    ///< What comes behind it.
    };

    static constexpr Token accept_token{.tag = 1};

    [[nodiscard]] Token token_of(const Connection& connection) const noexcept {
        return {.slot = static_cast<std::uint32_t>(&connection - connections_.data()),
                .generation = connection.generation};
    }
    void add(int fd);
    void receive(Connection& connection);
    void take_received(Connection& connection, const Completion& completion);
    void send(Connection& connection, std::span<const std::byte> bytes);
    void settle_quiet_sends(std::span<const Completion> shortfalls);
    void take_sent(Connection& connection, std::int32_t result);
    void end(Connection& connection);

    Ring& ring_;
    int listener_;
    std::vector<Connection> connections_;
    std::vector<std::uint32_t> free_slots_;
    std::vector<std::uint32_t> quiet_slots_;  ///< Of quiet sends in this turn.
};

int Echo::run() {
    ring_.accept(accept_token, listener_);
    while (true) {
        const auto completions = ring_.turn({});
        std::size_t shortfalls = 0;
        while (shortfalls < completions.size() &&
               completions[shortfalls].token.opcode == Opcode::send_quiet)
            ++shortfalls;
        settle_quiet_sends(completions.first(shortfalls));
        for (const Completion& completion : completions.subspan(shortfalls)) {
            if (completion.token.opcode == Opcode::accept) {
                if (completion.result < 0) return -completion.result;
                add(completion.result);
                if (!completion.has_more()) ring_.accept(accept_token, listener_);
                continue;
            }
            Connection& connection = connections_[completion.token.slot];
            RC_ASSERT(completion.token.generation == connection.generation);
            if (completion.token.opcode == Opcode::recv) take_received(connection, completion);
            if (completion.token.opcode == Opcode::send) take_sent(connection, completion.result);
            if (completion.token.opcode == Opcode::close) {
                const auto generation = static_cast<std::uint16_t>(connection.generation + 1);
                connection = {.generation = generation};
                free_slots_.push_back(completion.token.slot);
            }
        }
    }
}

void Echo::add(int fd) {
    if (free_slots_.empty()) {
        free_slots_.push_back(static_cast<std::uint32_t>(connections_.size()));
        connections_.emplace_back();
    }
    Connection& connection = connections_[free_slots_.back()];
    free_slots_.pop_back();
    connection.fd = fd;
    receive(connection);
}

void Echo::receive(Connection& connection) {
    connection.is_receiving = true;
    ring_.recv(token_of(connection), connection.fd);
}

void Echo::take_received(Connection& connection, const Completion& completion) {
    if (completion.result > 0 && !connection.is_ending)
        send(connection, {completion.bytes, static_cast<std::size_t>(completion.result)});
    if (completion.has_more()) return;
    connection.is_receiving = false;
    const bool goes_on = completion.result > 0 || completion.result == -ENOBUFS;
    if (goes_on && !connection.is_ending) {
        receive(connection);
    } else {
        end(connection);
    }
}

/// What is received lives until the end of the next turn, when quiet sends of this one have ended.
void Echo::send(Connection& connection, std::span<const std::byte> bytes) {
    // Of two quiet sends in one turn the second could go although the first could not.
    if (!connection.quiet.empty()) settle_quiet_sends(ring_.flush());
    if (!connection.sending.empty()) {
        connection.backlog.insert(connection.backlog.end(), bytes.begin(), bytes.end());
        return;
    }
    connection.quiet = bytes;
    ring_.send_quiet(token_of(connection), connection.fd, bytes);
    quiet_slots_.push_back(token_of(connection).slot);
}

void Echo::settle_quiet_sends(std::span<const Completion> shortfalls) {
    for (const Completion& shortfall : shortfalls) {
        Connection& connection = connections_[shortfall.token.slot];
        if (connection.is_ending) continue;
        if (shortfall.result < 0 && shortfall.result != -EAGAIN) {
            end(connection);
            continue;
        }
        const auto sent = static_cast<std::size_t>(shortfall.result < 0 ? 0 : shortfall.result);
        const auto rest = connection.quiet.subspan(sent);
        connection.sending.assign(rest.begin(), rest.end());
        ring_.send(token_of(connection), connection.fd, connection.sending);
    }
    for (const std::uint32_t slot : quiet_slots_) connections_[slot].quiet = {};
    quiet_slots_.clear();
}

void Echo::take_sent(Connection& connection, std::int32_t result) {
    connection.sending.clear();
    if (result < 0 || connection.is_ending) return end(connection);
    if (connection.backlog.empty()) return;
    connection.sending.swap(connection.backlog);
    ring_.send(token_of(connection), connection.fd, connection.sending);
}

/// Closes the connection once its receive and its send have come home.
void Echo::end(Connection& connection) {
    const bool is_busy = connection.is_receiving || !connection.sending.empty();
    if (!std::exchange(connection.is_ending, true) && is_busy)
        ring_.shutdown(token_of(connection), connection.fd, Shutdown::both);
    if (!is_busy) ring_.close(token_of(connection), connection.fd);
}

/// Raises the soft limit of open files to the hard one.
void raise_file_limit() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int fail(const std::string& what) {
    fmt::print(stderr, "bare-echo: {}\n", what);
    return 1;
}

}  // namespace

int main(int argument_count, char** arguments) {
    const std::span words(arguments, static_cast<std::size_t>(argument_count));
    if (words.size() != 3) return fail("the arguments are uring or epoll, and a port");
    const std::string_view name = words[1];
    const std::string_view digits = words[2];
    Address address{.family = Address::Family::ipv4};
    address.ip = {127, 0, 0, 1};
    const auto [end, code] =
        std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
    if (code != std::errc{} || end != digits.data() + digits.size())
        return fail(fmt::format("'{}' is no port", digits));
    if (name != "uring" && name != "epoll") return fail(fmt::format("'{}' is no ring", name));

    raise_file_limit();
    const auto listener = listen_on(address, {});
    if (!listener) return fail(listener.error());
    const auto ring = make_ring(name == "uring" ? Backend::uring : Backend::epoll, {});
    if (!ring) return fail(ring.error());
    fmt::print("listening on tcp://{}\n", local_address(listener->get()).to_string());
    std::fflush(stdout);
    return fail(std::strerror(Echo(**ring, listener->get()).run()));
}
