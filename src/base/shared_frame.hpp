#pragma once
// A frame that many connections of one shard send: encoded once, immutable, counted.
//
//   Block of the shard's pool:  [ count, size | frame ... ]
//
// Send queues hold references; the last one to go gives the block back.

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <utility>

#include "base/buffer_pool.hpp"

namespace ringcast {

/// A reference. One pointer wide. Belongs to one shard and must die before its pool.
class SharedFrame {
public:
    SharedFrame() = default;
    /// A frame of `size` bytes, to be written through bytes() before anybody shares it.
    SharedFrame(BufferPool& pool, std::size_t size) {
        Block block = pool.get(sizeof(Head) + size);
        head_ = new (block.data()) Head{.block = {}, .references = 1, .size = size};
        head_->block = std::move(block);  // It owns the memory that it lies in.
    }
    SharedFrame(const SharedFrame& other) noexcept : head_{other.head_} {
        if (head_ != nullptr) ++head_->references;
    }
    SharedFrame(SharedFrame&& other) noexcept : head_{std::exchange(other.head_, nullptr)} {}
    SharedFrame& operator=(SharedFrame other) noexcept {
        std::swap(head_, other.head_);
        return *this;
    }
    ~SharedFrame() {
        if (head_ == nullptr || --head_->references > 0) return;
        const Block block = std::move(head_->block);
        head_->~Head();
    }

    [[nodiscard]] explicit operator bool() const noexcept { return head_ != nullptr; }
    [[nodiscard]] std::span<std::byte> bytes() const noexcept {
        return {reinterpret_cast<std::byte*>(head_ + 1), head_->size};
    }
    [[nodiscard]] std::size_t size() const noexcept { return head_->size; }
    /// Of the block that it lies in.
    [[nodiscard]] std::size_t memory_bytes() const noexcept { return head_->block.capacity(); }

private:
    struct Head {
        Block block;
        std::size_t references;
        std::size_t size;
    };

    Head* head_ = nullptr;
};
static_assert(sizeof(SharedFrame) == 8);

}  // namespace ringcast
