#pragma once
// What the load is put through: operations on connections, collected and handed over a turn at a
// time, and events that say what became of them. Connections are numbered; their sockets belong to
// the Io. Made of one io_uring (uring_io.hpp) or of as many as there have to be (many_rings.hpp),
// and for wss of TLS on top of that (secure_io.hpp).

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "error.hpp"
#include "url.hpp"

namespace ringcast::bench {

using Clock = std::chrono::steady_clock;

enum class Operation : std::uint8_t { adopt, connect, upgrade, receive, send, send_quiet, close };

/// What became of one operation on connection `index`.
struct Event {
    Operation operation;
    bool more;  ///< A multishot receive is still armed.
    std::uint32_t index;
    std::int32_t result;               ///< A byte count or a negative errno.
    std::span<const std::byte> bytes;  ///< Of a receive; valid until the next turn() begins.
};

struct IoOptions {
    unsigned buffer_count = 32;  ///< A power of two.
    unsigned buffer_bytes = 64 * 1024;
};

class Io {
public:
    /// For connections with numbers below `connections`; over TLS if the server is at a wss URL.
    [[nodiscard]] static Expected<std::unique_ptr<Io>> create(const Url& url,
                                                              std::uint32_t connections,
                                                              const IoOptions& options = {});
    virtual ~Io() = default;
    Io(const Io&) = delete;
    Io& operator=(const Io&) = delete;

    /// Takes the socket `fd`, makes it connection `index` (adopt), and queues connect, send of
    /// `request` and one receive as a chain that stops at the first failure; only what fails and
    /// the receive have events. `address` and `request` must outlive the chain.
    virtual void open(std::uint32_t index, int fd, const SocketAddress& address,
                      std::string_view request) = 0;
    /// Receives once.
    virtual void receive_once(std::uint32_t index) = 0;
    /// Receives until an event says that it is not armed any more.
    virtual void receive_many(std::uint32_t index) = 0;
    /// Sends all of `bytes`, however long that takes; they must stay until the event.
    virtual void send(std::uint32_t index, std::span<const std::byte> bytes) = 0;
    /// Sends what goes at once. No event means that all of `bytes` went, before the next turn()
    /// returned; else the event says how much did, or -EAGAIN.
    virtual void send_quiet(std::uint32_t index, std::span<const std::byte> bytes) = 0;
    /// Closes the socket, whose number may be used again. An event comes only if that fails.
    virtual void close(std::uint32_t index) = 0;

    /// Hands over everything queued and waits for at least one event, or until `timeout` (then the
    /// span is empty).
    [[nodiscard]] virtual Expected<std::span<const Event>> turn(
        std::chrono::nanoseconds timeout) = 0;

protected:
    Io() = default;
};

}  // namespace ringcast::bench
