#pragma once
// The client's side of the kernel: one io_uring, shaped so that the generator costs less per
// message than any server it measures. Operations are collected and handed over in one system call
// per turn; receives are multishot on a small ring of provided buffers (incremental where the
// kernel has that, so that it stays in cache); small sends complete in silence. Sockets are in a
// table of files that belongs to the ring (direct descriptors), because the limit on open files
// holds for each such table once more. Independent of the library's own ring on purpose: a fault
// there must not hide in its measuring instrument.

#include <cstdint>
#include <liburing.h>
#include <memory>
#include <vector>

#include "io.hpp"

namespace ringcast::bench {

class UringIo final : public Io {
public:
    /// For so many connections, numbered from `first_index` on: not more than there may be open
    /// files.
    [[nodiscard]] static Expected<std::unique_ptr<UringIo>> create(std::uint32_t first_index,
                                                                   std::uint32_t connections,
                                                                   const IoOptions& options);
    ~UringIo() override;

    /// Lets the kernel write to the eventfd `descriptor` whenever turn() has something to do.
    [[nodiscard]] Expected<void> signal_through(int descriptor);

    void open(std::uint32_t index, int fd, const SocketAddress& address,
              std::string_view request) override;
    void receive_once(std::uint32_t index) override;
    void receive_many(std::uint32_t index) override;
    void send(std::uint32_t index, std::span<const std::byte> bytes) override;
    void send_quiet(std::uint32_t index, std::span<const std::byte> bytes) override;
    void close(std::uint32_t index) override;
    [[nodiscard]] Expected<std::span<const Event>> turn(std::chrono::nanoseconds timeout) override;

private:
    UringIo(std::uint32_t first_index, std::uint32_t connections, const IoOptions& options);
    [[nodiscard]] Expected<void> start();
    [[nodiscard]] int register_buffers();
    io_uring_sqe* next_entry(Operation operation, std::uint32_t index);
    void receive(std::uint32_t index, bool multishot);
    /// Where the socket of connection `index` is in the ring's table of files.
    [[nodiscard]] int slot_of(std::uint32_t index) const noexcept {
        return static_cast<int>(index - first_index_);
    }
    void collect(const io_uring_cqe& completion);
    void recycle_buffers();

    IoOptions options_;
    std::uint32_t first_index_;
    std::vector<int> sockets_;  ///< What each slot was given last: where the kernel reads it from.
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
