#pragma once
// The client's side of the kernel: one io_uring, shaped so that the generator costs less per
// message than any server it measures. Operations are collected and handed over in one system call
// per turn; receives are multishot on a small ring of provided buffers (incremental where the
// kernel has that, so that it stays in cache); small sends complete in silence. Independent of the
// library's own ring on purpose: a fault there must not hide in its measuring instrument.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <liburing.h>
#include <memory>
#include <netinet/in.h>
#include <span>
#include <string_view>
#include <vector>

#include "error.hpp"

namespace ringcast::bench {

using Clock = std::chrono::steady_clock;

enum class Operation : std::uint8_t { connect, upgrade, receive, send, send_quiet, close };

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
    [[nodiscard]] static Expected<std::unique_ptr<Io>> create(const IoOptions& options);
    ~Io();
    Io(const Io&) = delete;
    Io& operator=(const Io&) = delete;

    /// Queues connect, send of `request` and one receive as a chain that stops at the first
    /// failure; only what fails and the receive have events. `address` and `request` must outlive
    /// the chain.
    void open(std::uint32_t index, int fd, const sockaddr_in& address, std::string_view request);
    /// Receives once.
    void receive_once(std::uint32_t index, int fd);
    /// Receives until an event says that it is not armed any more.
    void receive_many(std::uint32_t index, int fd);
    /// Sends all of `bytes`, however long that takes; they must stay until the event.
    void send(std::uint32_t index, int fd, std::span<const std::byte> bytes);
    /// Sends what goes at once. No event means that all of `bytes` went, before the next turn()
    /// returned; else the event says how much did, or -EAGAIN.
    void send_quiet(std::uint32_t index, int fd, std::span<const std::byte> bytes);
    /// Closes `fd`. An event comes only if that fails.
    void close(std::uint32_t index, int fd);

    /// Hands over everything queued and waits for at least one event, or until `timeout` (then the
    /// span is empty).
    [[nodiscard]] Expected<std::span<const Event>> turn(std::chrono::nanoseconds timeout);

private:
    explicit Io(const IoOptions& options);
    [[nodiscard]] Expected<void> start();
    [[nodiscard]] int register_buffers();
    io_uring_sqe* next_entry(Operation operation, std::uint32_t index);
    void prepare_receive(io_uring_sqe* entry, int fd, bool multishot);
    void collect(const io_uring_cqe& completion);
    void recycle_buffers();

    IoOptions options_;
    io_uring ring_{};
    bool ring_ready_ = false;
    io_uring_buf_ring* buffer_ring_ = nullptr;
    std::vector<std::byte> buffers_;
    std::vector<std::uint32_t>
        buffer_used_;  ///< Bytes of each buffer handed out so far; 0 unless incremental.
    std::vector<std::uint16_t> spent_buffers_;  ///< To be given back when the next turn begins.
    std::vector<Event> events_;
};

}  // namespace ringcast::bench
