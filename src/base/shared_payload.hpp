#pragma once
// A payload that is too large for a lane of the mesh, or kept for later: an immutable, counted
// block that several shards read at a time. It lies in the pool of the shard where it was made, its
// birthplace, and returns there to be freed, since a pool belongs to one thread.
//
//   Block of the birthplace's pool:  [ head: references, birthplace, sizes | payload ... | info ]
//
// Behind the payload there is room for what goes with it: a packed PublicationInfo, or nothing.
//
// With the lanes the only thing that crosses shards.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/buffer_pool.hpp"

namespace ringcast {

class SharedPayload;

/// The way home, one per shard: a lock-free stack of payloads that nobody refers to any more
/// (Treiber 1986).
class PayloadReturn {
public:
    PayloadReturn() = default;
    PayloadReturn(const PayloadReturn&) = delete;
    PayloadReturn& operator=(const PayloadReturn&) = delete;

    /// Any thread.
    void push(SharedPayload& payload) noexcept;
    /// The birthplace's thread: frees all that has come home. Costs a load when there is nothing.
    void free_all() noexcept;

private:
    std::atomic<SharedPayload*> first_{nullptr};
};

/// Counted by hand, because references travel as pointers in records. Made on its birthplace's
/// thread; released on any; read while a reference is held.
class SharedPayload {
public:
    /// A copy of `bytes` and `info` with one reference, the caller's. `home` outlives it.
    [[nodiscard]] static SharedPayload& make(BufferPool& pool, PayloadReturn& home,
                                             std::span<const std::byte> bytes,
                                             std::span<const std::byte> info = {});

    [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
        return {reinterpret_cast<const std::byte*>(this + 1), size_};
    }
    [[nodiscard]] std::span<const std::byte> info() const noexcept {
        return {bytes().data() + size_, info_size_};
    }
    /// What it takes of its pool.
    [[nodiscard]] std::size_t memory_bytes() const noexcept { return block_.capacity(); }
    /// `count` more references.
    void acquire(std::uint32_t count) noexcept {
        // Relaxed: whoever takes more holds one already, so it cannot reach zero meanwhile.
        references_.fetch_add(count, std::memory_order_relaxed);
    }
    /// The last one sends it home.
    void release() noexcept;

private:
    friend class PayloadReturn;
    SharedPayload(PayloadReturn& home, std::size_t size, std::size_t info_size) noexcept
        : home_{home}, size_{size}, info_size_{static_cast<std::uint32_t>(info_size)} {}
    ~SharedPayload() = default;

    PayloadReturn& home_;
    Block block_;  // It owns the memory that it lies in.
    std::size_t size_;
    SharedPayload* next_ = nullptr;  // In a PayloadReturn.
    std::atomic<std::uint32_t> references_{1};
    const std::uint32_t info_size_;
};

}  // namespace ringcast
