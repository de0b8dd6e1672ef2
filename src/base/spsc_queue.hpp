#pragma once
// A bounded queue from one thread to another: the lanes between shards, log lines towards their
// writer. Neither side ever waits or spins; full and empty are answers.
//
//   line 0   head_, tail_seen_   written by the consumer alone
//   line 1   tail_, head_seen_   written by the producer alone
//   line 2   the slots and how many there are: never written after construction
//
// Beside its own index each side keeps the last value it saw of the other's, and looks again only
// when that says empty or full: one cache miss per batch, not per item.
//
// The indices count items since the beginning and never wrap (2^64); an item's slot is its number
// modulo the capacity.

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "base/assert.hpp"

namespace ringcast {

/// push functions belong to one thread, the producer; front, pop functions to another one, the
/// consumer. Construction and destruction happen while neither is at work; items still inside are
/// destroyed then. `Atomic` is std::atomic, or the model checker's.
template <class T, template <class> class Atomic>
class BasicSpscQueue {
    static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>);

public:
    /// `capacity`: items, a power of two.
    explicit BasicSpscQueue(std::size_t capacity)
        : slots_{std::make_unique_for_overwrite<Storage[]>(capacity)}, capacity_{capacity} {
        RC_ASSERT(std::has_single_bit(capacity));
    }
    ~BasicSpscQueue() {
        while (front() != nullptr) pop();
    }
    BasicSpscQueue(const BasicSpscQueue&) = delete;
    BasicSpscQueue& operator=(const BasicSpscQueue&) = delete;

    /// Producer: appends `item`. False, and `item` is untouched, if the queue is full.
    [[nodiscard]] bool try_push(T&& item) noexcept { return try_emplace(std::move(item)); }
    [[nodiscard]] bool try_push(const T& item) noexcept
        requires std::is_nothrow_copy_constructible_v<T>
    {
        return try_emplace(item);
    }

    /// Producer: constructs an item in place. False, and nothing is made, if the queue is full.
    template <class... Arguments>
    [[nodiscard]] bool try_emplace(Arguments&&... arguments) noexcept {
        // Relaxed: the producer alone writes tail_, so it reads its own last store.
        const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
        if (tail - head_seen_ == capacity_) {
            // Acquire, partner of the release in pop(): the consumer is done with the slots before
            // head, so they may be written again.
            head_seen_ = head_.load(std::memory_order_acquire);
            if (tail - head_seen_ == capacity_) return false;
        }
        new (memory_of(tail)) T(std::forward<Arguments>(arguments)...);
        // Release, partner of the acquire in front(): who sees the new tail sees the item.
        tail_.store(tail + 1, std::memory_order_release);
        return true;
    }

    /// Consumer: the oldest item, or null if the queue is empty. Stays valid until pop().
    [[nodiscard]] T* front() noexcept {
        // Relaxed: the consumer alone writes head_, so it reads its own last store.
        const std::uint64_t head = head_.load(std::memory_order_relaxed);
        if (head == tail_seen_) {
            // Acquire, partner of the release in try_emplace(): the items before tail are
            // completely written.
            tail_seen_ = tail_.load(std::memory_order_acquire);
            if (head == tail_seen_) return nullptr;
        }
        return item_of(head);
    }

    /// Consumer: destroys the item that front() has returned.
    void pop() noexcept {
        // Relaxed: as in front().
        const std::uint64_t head = head_.load(std::memory_order_relaxed);
        RC_ASSERT(head != tail_seen_);
        std::destroy_at(item_of(head));
        // Release, partner of the acquire in try_emplace(): who sees the new head may reuse the
        // slot.
        head_.store(head + 1, std::memory_order_release);
    }

    /// Consumer: moves the oldest item into `target`. False if the queue is empty.
    [[nodiscard]] bool try_pop(T& target) noexcept
        requires std::is_nothrow_move_assignable_v<T>
    {
        T* item = front();
        if (item == nullptr) return false;
        target = std::move(*item);
        pop();
        return true;
    }

    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    /// Items inside: exact while the other side rests, else a value that was true a moment ago. For
    /// both sides, and for statistics.
    [[nodiscard]] std::size_t size() const noexcept {
        // Acquire on head_ first, partner of the release in pop(): a head implies the tails before
        // it, so the difference is never negative. Acquire on tail_: partner of the release in
        // try_emplace().
        const std::uint64_t head = head_.load(std::memory_order_acquire);
        const std::uint64_t tail = tail_.load(std::memory_order_acquire);
        return static_cast<std::size_t>(tail - head) < capacity_
                   ? static_cast<std::size_t>(tail - head)
                   : capacity_;
    }

private:
    // A fixed number, not std::hardware_destructive_interference_size, which may differ between
    // compilers of one program.
    static constexpr std::size_t line_bytes = 64;

    struct alignas(T) Storage {
        std::byte bytes[sizeof(T)];
    };

    void* memory_of(std::uint64_t number) const noexcept {
        return slots_[number & (capacity_ - 1)].bytes;
    }
    T* item_of(std::uint64_t number) const noexcept {
        return std::launder(static_cast<T*>(memory_of(number)));
    }

    alignas(line_bytes) Atomic<std::uint64_t> head_{0};
    std::uint64_t tail_seen_ = 0;
    alignas(line_bytes) Atomic<std::uint64_t> tail_{0};
    std::uint64_t head_seen_ = 0;
    alignas(line_bytes) std::unique_ptr<Storage[]> slots_;
    std::size_t capacity_;
};

template <class T>
using SpscQueue = BasicSpscQueue<T, std::atomic>;

}  // namespace ringcast
