#pragma once
// What other threads ring when they have something for a thread: the pending word of a shard, which
// says in whose queues it has to look, and whether somebody has to wake it.
//
//   a source                            the owner
//   publish its records                 loop: bits = take(), look into their queues, ...
//   if (ring(bit)) wake the owner             if (try_sleep()) { wait; get_up(); }
//
// The lost wake-up: the owner finds no bit and goes to sleep while a source sets one and sees it
// still awake. Each side therefore writes its own word first and then reads the other's:
//
//   ring()       pending_ |= sources     then   reads asleep_
//   try_sleep()  asleep_ = 1             then   reads pending_
//
// (Dekker's pattern.) All four are sequentially consistent: they have one order, and whichever
// write is the later one, the read behind it sees the other. With acquire and release alone both
// reads may come before both writes, and on every x86 they do: a store waits in the store buffer.
// Operations, not fences, because ThreadSanitizer does not understand fences.

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ringcast {

/// take, try_sleep, get_up belong to one thread, the owner; ring to all. One cache line: ring()
/// reads asleep_ where it has just written. `Atomic` is std::atomic, or the model checker's.
template <template <class> class Atomic>
class BasicDoorbell {
public:
    BasicDoorbell() = default;
    BasicDoorbell(const BasicDoorbell&) = delete;
    BasicDoorbell& operator=(const BasicDoorbell&) = delete;

    /// Any thread, after it made its records visible: sets the bits `sources`. True if the owner
    /// sleeps and the caller has to wake it. Of all who ring one sleeper, one hears true.
    [[nodiscard]] bool ring(std::uint64_t sources) noexcept {
        // Sequentially consistent, partner of the load in try_sleep(): see the head comment. Its
        // release is the partner of the acquire in take(): who sees the bit sees the records.
        pending_.fetch_or(sources, std::memory_order_seq_cst);
        // Sequentially consistent, partner of the store in try_sleep().
        if (asleep_.load(std::memory_order_seq_cst) == 0) return false;
        // Relaxed: it only decides between those who ring, by the order of this word alone.
        return asleep_.exchange(0, std::memory_order_relaxed) != 0;
    }

    /// Owner: the bits that were set since the last take(). Costs a plain load when there is none,
    /// and may then be late; try_sleep() is not.
    [[nodiscard]] std::uint64_t take() noexcept {
        // Relaxed: the bits are only believed by the exchange.
        if (pending_.load(std::memory_order_relaxed) == 0) return 0;
        // Acquire, partner of the fetch_or in ring(): the records of all who rang are visible.
        return pending_.exchange(0, std::memory_order_acquire);
    }

    /// Owner, before it waits. False if a bit is set: then it is awake and must not wait. Somebody
    /// who rang in that moment may still wake it, for nothing.
    [[nodiscard]] bool try_sleep() noexcept {
        // Sequentially consistent both, partners of the two in ring().
        asleep_.store(1, std::memory_order_seq_cst);
        if (pending_.load(std::memory_order_seq_cst) == 0) return true;
        get_up();
        return false;
    }

    /// Owner, after its wait, however that ended: from now on nobody needs to wake it.
    void get_up() noexcept {
        // Relaxed: who still sees it asleep wakes it for nothing; what came before is in pending_.
        asleep_.store(0, std::memory_order_relaxed);
    }

private:
    static constexpr std::size_t line_bytes = 64;

    alignas(line_bytes) Atomic<std::uint64_t> pending_{0};
    Atomic<std::uint32_t> asleep_{0};  // 1 from try_sleep() until get_up(), or until ring() has
                                       // found somebody to wake the owner.
};

using Doorbell = BasicDoorbell<std::atomic>;
static_assert(sizeof(Doorbell) == 64);

}  // namespace ringcast
