#include "base/buffer_pool.hpp"

#include <bit>
#include <cstring>
#include <new>

namespace ringcast {

/// Stands 64 bytes before data(): the 32 bytes of front, free for the block's owner, lie between
/// them.
struct BufferPool::Header {
    BufferPool* pool;
    std::byte*
        next_free;  // data() of the next free block of the same class; null while the block is out.
    std::size_t capacity;
    std::size_t in_use;  // 1 while the block is out, 0 while it is free: catches a double release.

    static constexpr std::size_t bytes = 32;

    static Header& of(std::byte* data) noexcept {
        return *std::launder(reinterpret_cast<Header*>(data - Block::front_bytes - bytes));
    }
};

namespace {

// Data starts on a cache line, so that aligned SIMD accesses never straddle two.
constexpr std::size_t small_alignment = 64;
// From here on the allocator maps fresh zero pages; page alignment keeps the untouched ones
// uncommitted.
constexpr std::size_t large_bytes_min = 128u << 10;
constexpr std::size_t large_alignment = 4096;

constexpr std::align_val_t alignment_of(std::size_t capacity) {
    return std::align_val_t{capacity >= large_bytes_min ? large_alignment : small_alignment};
}

}  // namespace

std::size_t Block::capacity() const noexcept {
    return data_ == nullptr ? 0 : BufferPool::Header::of(data_).capacity;
}

void Block::reset() noexcept {
    if (data_ == nullptr) return;
    BufferPool::Header::of(data_).pool->put(std::exchange(data_, nullptr));
}

BufferPool::BufferPool(std::size_t retain_bytes_max) noexcept
    : retain_bytes_max_{retain_bytes_max} {
    static_assert(sizeof(Header) == Header::bytes);
    static_assert(Header::bytes + Block::front_bytes == small_alignment);
}

BufferPool::~BufferPool() {
    RC_ASSERT(blocks_in_use_ == 0);
    RC_ASSERT(bytes_in_use_ == 0);
    trim();
    RC_ASSERT(bytes_retained_ == 0);
}

std::size_t BufferPool::class_of(std::size_t bytes) noexcept {
    if (bytes <= std::size_t{1} << class_bits_min) return 0;
    return static_cast<std::size_t>(std::bit_width(bytes - 1)) - class_bits_min;
}

Block BufferPool::get(std::size_t bytes) {
    RC_ASSERT(bytes <= std::size_t{1} << class_bits_max);
    const std::size_t size_class = class_of(bytes);
    const std::size_t capacity = std::size_t{1} << (size_class + class_bits_min);
    std::byte* data = free_[size_class];
    if (data != nullptr) {
        Header& header = Header::of(data);
        RC_ASSERT(header.in_use == 0);
        free_[size_class] = std::exchange(header.next_free, nullptr);
        header.in_use = 1;
        bytes_retained_ -= capacity;
    } else {
        data = allocate(capacity);
    }
    bytes_in_use_ += capacity;
    ++blocks_in_use_;
    return Block{data};
}

std::byte* BufferPool::allocate(std::size_t capacity) {
    ++allocations_;
    const std::size_t total = Header::bytes + Block::front_bytes + capacity + Block::slack_bytes;
    auto* memory = static_cast<std::byte*>(::operator new(total, alignment_of(capacity)));
    new (memory) Header{.pool = this, .next_free = nullptr, .capacity = capacity, .in_use = 1};
    return memory + Header::bytes + Block::front_bytes;
}

void BufferPool::release(std::byte* data) noexcept {
    const std::size_t capacity = Header::of(data).capacity;
    ::operator delete(data - Header::bytes - Block::front_bytes, alignment_of(capacity));
}

Block BufferPool::grow(Block block, std::size_t kept, std::size_t bytes) {
    RC_ASSERT(kept <= bytes);
    RC_ASSERT(kept <= block.capacity());
    if (block && block.capacity() >= bytes) return block;
    Block larger = get(bytes);
    if (kept > 0) std::memcpy(larger.data(), block.data(), kept);
    return larger;
}

void BufferPool::put(std::byte* data) noexcept {
    Header& header = Header::of(data);
    RC_ASSERT(header.pool == this);
    RC_ASSERT(header.in_use == 1);
    RC_ASSERT(bytes_in_use_ >= header.capacity);
    bytes_in_use_ -= header.capacity;
    --blocks_in_use_;
    if (header.capacity <= retain_bytes_max_ - bytes_retained_) {
        const std::size_t size_class = class_of(header.capacity);
        header.in_use = 0;
        header.next_free = std::exchange(free_[size_class], data);
        bytes_retained_ += header.capacity;
    } else {
        release(data);
    }
}

void BufferPool::trim() noexcept {
    for (std::byte*& list : free_) {
        while (list != nullptr) {
            std::byte* data = std::exchange(list, Header::of(list).next_free);
            bytes_retained_ -= Header::of(data).capacity;
            release(data);
        }
    }
}

}  // namespace ringcast
