#pragma once
// More connections than one ring has room for: several rings, each with the connections of a range
// of numbers. One thread turns them all, and sleeps on one eventfd that they signal through (to
// poll the rings themselves would not do: one that defers its work to turn() is not readable before
// that). For the load they are one Io.

#include <cstdint>
#include <memory>
#include <vector>

#include "io.hpp"
#include "uring_io.hpp"

namespace ringcast::bench {

class ManyRings final : public Io {
public:
    /// Each ring has up to `connections_per_ring` of the `connections`. Fails as one ring does.
    [[nodiscard]] static Expected<std::unique_ptr<Io>> create(std::uint32_t connections,
                                                              std::uint32_t connections_per_ring,
                                                              const IoOptions& options);

    ~ManyRings() override;

    void open(std::uint32_t index, int fd, const SocketAddress& address,
              std::string_view request) override {
        ring_of(index).open(index, fd, address, request);
    }
    void receive_once(std::uint32_t index) override { ring_of(index).receive_once(index); }
    void receive_many(std::uint32_t index) override { ring_of(index).receive_many(index); }
    void send(std::uint32_t index, std::span<const std::byte> bytes) override {
        ring_of(index).send(index, bytes);
    }
    void send_quiet(std::uint32_t index, std::span<const std::byte> bytes) override {
        ring_of(index).send_quiet(index, bytes);
    }
    void close(std::uint32_t index) override { ring_of(index).close(index); }
    /// Costs a system call for each ring, and each time that it waits two and as many again.
    [[nodiscard]] Expected<std::span<const Event>> turn(std::chrono::nanoseconds timeout) override;

private:
    explicit ManyRings(std::uint32_t connections_per_ring)
        : connections_per_ring_(connections_per_ring) {}
    [[nodiscard]] UringIo& ring_of(std::uint32_t index) noexcept {
        return *rings_[index / connections_per_ring_];
    }
    [[nodiscard]] Expected<void> turn_each();
    [[nodiscard]] bool wait(Clock::time_point end) const;

    std::uint32_t connections_per_ring_;
    std::vector<std::unique_ptr<UringIo>> rings_;
    int signal_ = -1;  ///< An eventfd.
    std::vector<Event> events_;
};

}  // namespace ringcast::bench
