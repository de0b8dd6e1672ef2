#pragma once
// A bounded queue of byte records from one thread to another: a lane of the mesh. As in
// spsc_queue.hpp neither side ever waits or spins; full and empty are answers.
//
//   line 0   head_, read_, front_end_, tail_seen_       written by the consumer (but see `waiting`)
//   line 1   tail_, committed_, reserved_, head_seen_   written by the producer alone
//   line 2   the memory and its size: never written after construction
//
// Positions count bytes since the beginning, are multiples of 8 and never wrap (2^64); the place
// of a position in the memory is its remainder modulo the capacity:
//
//        head_          read_         tail_         committed_
//   ----------|-------------|-------------|--------------|------------------> positions
//     free    |   popped    |   visible   |  committed   |  free, or reserved
//             |  release()   |   front()   |  publish()   |  commit()
//
// A record is a word with its size and then its bytes, rounded up to 8. It never wraps: where it
// would, the rest of the memory becomes padding, committed together with the record behind it.
//
//   | size | bytes ......... | size | bytes .. | padding mark | ............... |
//   0                                                                   capacity
//
// Small records are cheap because both sides work in batches: publish() makes many visible with one
// store, release() gives many back with one, and each side keeps the last value that it saw of the
// other's position, so a batch costs each side about one cache miss, besides the bytes themselves.
//
// The lost wake-up. A producer without room wants to be told when there is some, and must not miss
// that the consumer has given some back a moment ago. Bit 0 of head_, free because positions are
// multiples of 8, says that it waits. So declaring to wait and giving back are read-modify-writes
// of one word, which all threads see in one order, and each reads what the other did last: either
// the producer finds the new head, or the consumer finds the bit. With a flag of its own this would
// be Dekker's pattern, and it would need sequential consistency.

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>

#include "base/assert.hpp"

namespace ringcast {

/// The functions of the producer belong to one thread, those of the consumer to another one.
/// Construction and destruction happen while neither is at work; records still inside are forgotten
/// then. Its memory is allocated at once and touched only by use: of a lane that nobody uses the
/// kernel backs no more than the page with the allocator's own words. `Atomic` is std::atomic, or
/// the model checker's.
template <template <class> class Atomic>
class BasicSpscBytes {
public:
    static constexpr std::size_t capacity_min = 64;

    /// `capacity`: bytes, headers and padding included; a power of two, capacity_min or more.
    explicit BasicSpscBytes(std::size_t capacity)
        : memory_{static_cast<std::byte*>(::operator new[](capacity, alignment))},
          capacity_{capacity} {
        RC_ASSERT(std::has_single_bit(capacity));
        RC_ASSERT(capacity >= capacity_min);
    }
    BasicSpscBytes(const BasicSpscBytes&) = delete;
    BasicSpscBytes& operator=(const BasicSpscBytes&) = delete;

    /// Producer: `size` writable bytes (record_bytes_max() or fewer), aligned to 8, for one record.
    /// Null if there is no room. Valid until commit(); a reservation that is not committed is
    /// forgotten by the next one.
    [[nodiscard]] std::byte* reserve(std::size_t size) noexcept {
        if (!has_room(size)) return nullptr;
        std::uint64_t position = committed_;
        if (to_end(position) < record_bytes(size)) {
            write_word(position, padding);
            position += to_end(position);
        }
        write_word(position, size);
        reserved_ = position + record_bytes(size);
        return memory_of(position) + word_bytes;
    }

    /// Producer: the reserved record is complete. The consumer sees it after publish().
    void commit() noexcept {
        RC_ASSERT(reserved_ > committed_);
        committed_ = reserved_;
    }

    /// Producer: makes all committed records visible. False if there is nothing new.
    bool publish() noexcept {
        // Relaxed: the producer alone writes tail_, so it reads its own last store.
        if (committed_ == tail_.load(std::memory_order_relaxed)) return false;
        // Release, partner of the acquire in front(): who sees the new tail sees the records.
        tail_.store(committed_, std::memory_order_release);
        return true;
    }

    /// Producer: whether reserve(size) succeeds now.
    [[nodiscard]] bool has_room(std::size_t size) noexcept {
        RC_ASSERT(size <= record_bytes_max());
        if (fits(size)) return true;
        // Acquire, partner of the release in release(): the consumer is done with the bytes before
        // head, so they may be written again.
        head_seen_ = head_.load(std::memory_order_acquire) & ~waiting;
        return fits(size);
    }

    /// Producer, when it wants to be told of room for `size` bytes: true if there is room after
    /// all; false if the next release() of the consumer will say so (once; then ask again, it may
    /// have been too little). Whoever waits must have published what it has committed, or nobody
    /// will ever make room. One who finds room by itself while it is declared waiting is told for
    /// nothing.
    [[nodiscard]] bool await_room(std::size_t size) noexcept {
        RC_ASSERT(size <= record_bytes_max());
        // Acquire: as in has_room().
        std::uint64_t head = head_.load(std::memory_order_acquire);
        // Each round after the first one means that the consumer has given something back, which it
        // can do only once for each record inside.
        for (;;) {
            head_seen_ = head & ~waiting;
            if (fits(size)) return true;
            if ((head & waiting) != 0) return false;
            // Acquire in both cases, as above; the partner that sees `waiting` is the exchange in
            // release(), and needs nothing else that the producer wrote.
            if (head_.compare_exchange_strong(head, head | waiting, std::memory_order_acquire,
                                              std::memory_order_acquire)) {
                return false;
            }
        }
    }

    /// Consumer: the oldest record that is not popped, data() null if there is none. Valid until
    /// the release() after its pop(). data() of a record without bytes is not null.
    [[nodiscard]] std::span<const std::byte> front() noexcept {
        if (read_ == tail_seen_) {
            // Acquire, partner of the release in publish(): the records before tail are completely
            // written.
            tail_seen_ = tail_.load(std::memory_order_acquire);
            if (read_ == tail_seen_) return {};
        }
        std::uint64_t position = read_;
        std::uint64_t size = read_word(position);
        if (size == padding) {
            position += to_end(position);
            size = read_word(position);
        }
        RC_ASSERT(size <= record_bytes_max());
        front_end_ = position + record_bytes(size);
        RC_ASSERT(front_end_ <= tail_seen_);
        return {memory_of(position) + word_bytes, size};
    }

    /// Consumer: done with the record that front() has returned.
    void pop() noexcept {
        RC_ASSERT(front_end_ > read_);
        read_ = front_end_;
    }

    /// Consumer: gives back the space of all popped records. True if the producer waits for room
    /// and has to be told; it counts as told from now on.
    [[nodiscard]] bool release() noexcept {
        // Relaxed: all but the bit is the consumer's own last store.
        if ((head_.load(std::memory_order_relaxed) & ~waiting) == read_) return false;
        // Release, partner of the acquires in has_room() and await_room(): who sees the new head
        // may reuse the bytes. Exchange, partner of the one in await_room(): see the head comment.
        return (head_.exchange(read_, std::memory_order_release) & waiting) != 0;
    }

    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    /// The largest record. A quarter of the memory, so that it finds room in an empty queue
    /// wherever that stands, beside its padding, and that a full one holds more than one.
    [[nodiscard]] std::size_t record_bytes_max() const noexcept {
        return capacity_ / 4 - word_bytes;
    }
    /// Bytes visible or not released yet, headers and padding included: exact while the other side
    /// rests, else a value that was true a moment ago. For both sides, and for statistics.
    [[nodiscard]] std::size_t bytes_in_use() const noexcept {
        // Acquire on head_ first, partner of the release in release(): a head implies the tails
        // before it, so the difference is never negative. Acquire on tail_: partner of the release
        // in publish().
        const std::uint64_t head = head_.load(std::memory_order_acquire) & ~waiting;
        const std::uint64_t tail = tail_.load(std::memory_order_acquire);
        const auto bytes = static_cast<std::size_t>(tail - head);
        return bytes < capacity_ ? bytes : capacity_;
    }

private:
    // Both fixed numbers, not std::hardware_destructive_interference_size, which may differ between
    // compilers of one program.
    static constexpr std::size_t line_bytes = 64;
    static constexpr std::align_val_t alignment{line_bytes};

    static constexpr std::size_t word_bytes = 8;
    static constexpr std::uint64_t padding = ~std::uint64_t{0};
    static constexpr std::uint64_t waiting = 1;

    struct Delete {
        void operator()(std::byte* memory) const noexcept {
            ::operator delete[](memory, alignment);
        }
    };

    static std::uint64_t record_bytes(std::uint64_t size) noexcept {
        return word_bytes + ((size + word_bytes - 1) & ~std::uint64_t{word_bytes - 1});
    }
    std::byte* memory_of(std::uint64_t position) const noexcept {
        return memory_.get() + (position & (capacity_ - 1));
    }
    /// Contiguous bytes from `position` on; at least 8, so a padding mark always has its place.
    std::uint64_t to_end(std::uint64_t position) const noexcept {
        return capacity_ - (position & (capacity_ - 1));
    }
    bool fits(std::size_t size) const noexcept {
        const std::uint64_t bytes = record_bytes(size);
        const std::uint64_t contiguous = to_end(committed_);
        const std::uint64_t end = committed_ + bytes + (contiguous < bytes ? contiguous : 0);
        return end - head_seen_ <= capacity_;
    }
    void write_word(std::uint64_t position, std::uint64_t word) noexcept {
        std::memcpy(memory_of(position), &word, sizeof word);
    }
    std::uint64_t read_word(std::uint64_t position) const noexcept {
        std::uint64_t word;
        std::memcpy(&word, memory_of(position), sizeof word);
        return word;
    }

    alignas(line_bytes) Atomic<std::uint64_t> head_{0};  // The bytes before it are free again.
    std::uint64_t read_ = 0;                             // The bytes before it are popped.
    std::uint64_t front_end_ = 0;                        // Where the record of front() ends.
    std::uint64_t tail_seen_ = 0;
    alignas(line_bytes) Atomic<std::uint64_t> tail_{0};  // The records before it are visible.
    std::uint64_t committed_ = 0;                        // The records before it are complete.
    std::uint64_t reserved_ = 0;                         // Where the reserved record ends.
    std::uint64_t head_seen_ = 0;
    alignas(line_bytes) std::unique_ptr<std::byte[], Delete> memory_;
    std::size_t capacity_;
};

using SpscBytes = BasicSpscBytes<std::atomic>;

}  // namespace ringcast
