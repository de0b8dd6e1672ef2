#pragma once
// Output of one connection that the kernel would not take at once: a queue of pooled blocks, sent
// by one ordinary send at a time. Exists only while a connection is behind.
//
//   chunks:  [ block | data .. size ] [ block | data .. size ] ...
//              ^ in flight: the first chunks, gathered into parts; they stay where they are until
//              the send completes

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>

#include "base/buffer_pool.hpp"
#include "base/shared_frame.hpp"
#include "ring/ring.hpp"

namespace ringcast::shard {

/// First in, first out, by bytes. Belongs to one connection; its blocks to the shard's pool. What
/// gather() returned must not be consumed before the ring gave it back.
class Backlog {
public:
    static constexpr std::size_t parts_max = 32;
    /// One send completes as a whole: more would hide for too long that a slow peer makes progress.
    static constexpr std::uint64_t gather_bytes_max = 64 << 10;

    [[nodiscard]] bool empty() const noexcept { return bytes_ == 0; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

    /// Copies `bytes` to the end.
    void append(std::span<const std::byte> bytes, BufferPool& pool);
    /// Moves `size` bytes at `data`, which lie in `block`, to the end.
    void append(Block block, const std::byte* data, std::size_t size);
    /// The same for bytes in a frame that others send, too.
    void append(SharedFrame frame, const std::byte* data, std::size_t size);

    /// The next bytes to send, as parts that stay valid until consume(). At most one gathering at a
    /// time.
    [[nodiscard]] std::span<const ring::Part> gather(
        std::uint64_t bytes_max = gather_bytes_max) noexcept;
    /// Bytes of the last gathering.
    [[nodiscard]] std::uint64_t gathered_bytes() const noexcept { return gathered_bytes_; }
    /// Ends the gathering: drops the first `bytes` bytes, which have been sent.
    void consume(std::uint64_t bytes) noexcept;

private:
    static constexpr std::size_t block_bytes_min = 16 << 10;

    struct Chunk {
        Block block;
        SharedFrame frame;
        const std::byte* data;
        std::size_t size;
        std::size_t room = 0;  // Free bytes behind `data + size` in a block that append() filled.
    };

    std::deque<Chunk> chunks_;
    std::uint64_t bytes_ = 0;
    std::uint64_t gathered_bytes_ = 0;
    std::array<ring::Part, parts_max> parts_;
};

}  // namespace ringcast::shard
