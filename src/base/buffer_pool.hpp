#pragma once
// Pooled memory for bytes that outlive a loop turn: large or partial messages, request heads, send
// backlogs. One pool per shard; blocks are recycled last-in-first-out, so that the next message
// lands in memory that is still in cache.
//
//   Block:  [ header 32 B | front 32 B | capacity bytes ... | slack 64 B ]
//                                       ^ data()
// The front lets a frame header be written before the payload; the slack lets SIMD loads run over
// the end.

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/assert.hpp"

namespace ringcast {

class BufferPool;

/// Owns one block of pooled memory; gives it back when destroyed. One pointer wide. Belongs to one
/// shard and must die before its pool.
class Block {
public:
    static constexpr std::size_t front_bytes = 32;
    static constexpr std::size_t slack_bytes = 64;

    Block() = default;
    Block(Block&& other) noexcept : data_{std::exchange(other.data_, nullptr)} {}
    Block& operator=(Block&& other) noexcept {
        if (this != &other) {
            reset();
            data_ = std::exchange(other.data_, nullptr);
        }
        return *this;
    }
    ~Block() { reset(); }

    [[nodiscard]] explicit operator bool() const noexcept { return data_ != nullptr; }
    [[nodiscard]] std::byte* data() const noexcept { return data_; }
    /// Usable bytes at data(), not counting front and slack.
    [[nodiscard]] std::size_t capacity() const noexcept;
    /// Gives the memory back; afterwards the block is empty. Does nothing when it already is.
    void reset() noexcept;

private:
    friend class BufferPool;
    explicit Block(std::byte* data) noexcept : data_{data} {}
    std::byte* data_ = nullptr;
};
static_assert(sizeof(Block) == 8);

/// Hands out blocks in power-of-two size classes from 256 bytes to 2 GiB. Never fails (bad_alloc
/// ends the process); what the blocks may cost in total is the caller's limit, kept with
/// `bytes_in_use()`. Free blocks are kept up to `retain_bytes_max`; beyond that they go back to the
/// system.
class BufferPool {
public:
    explicit BufferPool(std::size_t retain_bytes_max = 16u << 20) noexcept;
    ~BufferPool();
    BufferPool(const BufferPool&) = delete;
    BufferPool& operator=(const BufferPool&) = delete;

    /// A block with at least `bytes` of capacity. Its content is indeterminate but initialised
    /// memory once recycled.
    [[nodiscard]] Block get(std::size_t bytes);
    /// A block with at least `bytes` of capacity that starts with the first `kept` bytes of
    /// `block`; `block` is given back. Returns `block` itself if it is large enough.
    [[nodiscard]] Block grow(Block block, std::size_t kept, std::size_t bytes);
    /// Gives all free blocks back to the system.
    void trim() noexcept;

    /// Capacity of all blocks that are out, in bytes.
    [[nodiscard]] std::size_t bytes_in_use() const noexcept { return bytes_in_use_; }
    [[nodiscard]] std::size_t blocks_in_use() const noexcept { return blocks_in_use_; }
    /// Capacity of all free blocks kept for reuse, in bytes.
    [[nodiscard]] std::size_t bytes_retained() const noexcept { return bytes_retained_; }
    /// Times the system's allocator was asked, since the pool was made.
    [[nodiscard]] std::uint64_t allocations() const noexcept { return allocations_; }

private:
    friend class Block;
    static constexpr std::size_t class_bits_min = 8, class_bits_max = 31;
    struct Header;
    /// The smallest class whose blocks hold `bytes`.
    static std::size_t class_of(std::size_t bytes) noexcept;
    std::byte* allocate(std::size_t capacity);
    void put(std::byte* data) noexcept;
    static void release(std::byte* data) noexcept;

    /// Per class, data() of the block freed last; the others hang behind it, through their headers.
    std::array<std::byte*, class_bits_max - class_bits_min + 1> free_{};
    std::size_t retain_bytes_max_;
    std::size_t bytes_in_use_ = 0, blocks_in_use_ = 0, bytes_retained_ = 0;
    std::uint64_t allocations_ = 0;
};

}  // namespace ringcast
