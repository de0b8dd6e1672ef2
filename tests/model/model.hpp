#pragma once
// A small model checker: runs a world of two or three threads in every order that can matter, and
// says which one breaks it. The classes under test are the real ones, with model::Atomic in place
// of std::atomic.
//
// Threads are fibers of one thread. Each stops before every atomic operation; the checker decides
// who goes on, and runs the world again and again until all decisions are tried (depth first; the
// decisions are replayed, nothing is saved). Decisions that only swap operations that cannot see
// each other are tried in one order only (sleep sets), which loses no behaviour.
//
// What it knows of memory:
//
//   - Store buffers, as on x86 (TSO). A store that is not sequentially consistent waits in the
//     buffer of its thread; when it becomes visible, in order, is a decision too. Its own thread
//     sees it at once. Sequentially consistent stores and read-modify-writes wait until the buffer
//     is empty. A sequentially consistent load does not: it orders nothing without such a store.
//   - Happens-before, by vector clocks: release and acquire count, relaxed does not, whatever x86
//     makes of it. Plain data that is shown to wrote() and reads() must be ordered by it.
//
// What it does not know: loads that see values older than memory (no x86 does that; the clocks find
// a missing acquire, but nothing finds a load that is not sequentially consistent and should be),
// read-modify-writes weaker than those of x86, fences.

#include <array>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace model {

constexpr std::size_t threads_max = 3;

/// What was found, by explore().
struct Result {
    std::uint64_t executions = 0;  // Complete ones.
    std::uint64_t pruned = 0;      // Given up because they only repeat another one.
    std::string failure;           // Empty, or what went wrong in the last execution...
    std::string trace;             // ...and its steps, one a line.
};

/// What threads run in, made anew for each execution.
class World {
public:
    World() = default;
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    virtual ~World() = default;

    [[nodiscard]] virtual std::size_t thread_count() const = 0;
    /// The whole life of the thread `index`. It may be left at any operation and never continued,
    /// without its destructors; so it owns nothing. It must not spin: who waits uses a Wake.
    virtual void run(std::size_t index) = 0;
    /// After all threads have ended and all is visible. Not called after a failure.
    virtual void end() {}
};

/// Which orders to try: those that can differ in what happens, or simply all.
enum class Orders : std::uint8_t { distinct, all };

/// Runs worlds that `make` makes in every order, until one fails or all orders are done.
[[nodiscard]] Result explore(const std::function<std::unique_ptr<World>()>& make,
                             Orders orders = Orders::distinct);

template <std::derived_from<World> W>
[[nodiscard]] Result explore() {
    return explore([] { return std::make_unique<W>(); });
}

/// The execution fails with `what` unless `condition`. run() does not continue then, end() does.
void require(bool condition, const char* what);

/// In run(): plain memory was written or is read; fails if that is not ordered with what other
/// threads did to it. Words of 8 bytes count as a whole. Outside of threads they do nothing.
void wrote(const void* data, std::size_t bytes);
void reads(const void* data, std::size_t bytes);

/// In run(): what the calling thread would load now, without giving others a turn. For checks.
class Peek {
public:
    Peek();
    ~Peek();
    Peek(const Peek&) = delete;
    Peek& operator=(const Peek&) = delete;
};

namespace detail {

using Clock = std::array<std::uint32_t, threads_max>;

/// One atomic variable.
struct Location {
    explicit Location(std::uint64_t initial);

    std::uint64_t value;   // In memory: without what still waits in store buffers.
    Clock released{};      // What who acquires that value is ordered behind.
    std::uint32_t number;  // In the order of construction, for the trace.
};

enum class Access : std::uint8_t { load, write, wait };

/// Waits for the calling thread's turn to access `location`.
void arrive(Access access, const Location& location);
/// The value that the calling thread sees; acquires what its order says.
std::uint64_t see(const Location& location, std::memory_order order);
/// A store: buffered, or done at once in its turn if it is sequentially consistent.
void store(Location& location, std::uint64_t value, std::memory_order order);
/// The second half of a read-modify-write, in the same turn as the first.
void replace(Location& location, std::uint64_t value, std::memory_order order);

}  // namespace detail

/// What a test may break, to see the checker find it.
enum class Weakness : std::uint8_t {
    none,
    no_seq_cst,  // Sequentially consistent operations only acquire and release.
    relaxed,  // Operations that acquire or release are relaxed; sequentially consistent ones stay.
    split,    // A read-modify-write is a load and then a store, sequentially consistent ones.
};

/// Like std::atomic<T>, as far as the classes under test need it.
template <class T, Weakness weakness = Weakness::none>
class BasicAtomic {
    static_assert(std::unsigned_integral<T>);

public:
    explicit BasicAtomic(T value) : location_{value} {}
    BasicAtomic(const BasicAtomic&) = delete;
    BasicAtomic& operator=(const BasicAtomic&) = delete;

    [[nodiscard]] T load(std::memory_order order) const noexcept {
        detail::arrive(detail::Access::load, location_);
        return see(order);
    }
    void store(T value, std::memory_order order) noexcept {
        detail::store(location_, value, weak(order));
    }
    T exchange(T value, std::memory_order order) noexcept {
        return modify(order, [value](T) { return value; });
    }
    T fetch_or(T bits, std::memory_order order) noexcept {
        return modify(order, [bits](T old) { return old | bits; });
    }
    bool compare_exchange_strong(T& expected, T desired, std::memory_order success,
                                 std::memory_order failure) noexcept {
        arrive_to_modify();
        const T wanted = std::exchange(expected, peek());
        if (expected != wanted) {
            (void)see(failure);
            return false;
        }
        (void)see(success);
        finish_modify(desired, success);
        return true;
    }

private:
    static std::memory_order weak(std::memory_order order) noexcept {
        const bool seq_cst = order == std::memory_order_seq_cst;
        if (weakness == Weakness::relaxed && !seq_cst) return std::memory_order_relaxed;
        if (weakness == Weakness::no_seq_cst && seq_cst) return std::memory_order_acq_rel;
        return order;
    }
    T see(std::memory_order order) const noexcept {
        return static_cast<T>(detail::see(location_, weak(order)));
    }
    T peek() const noexcept { return see(std::memory_order_relaxed); }

    template <class Function>
    T modify(std::memory_order order, Function function) noexcept {
        arrive_to_modify();
        const T old = see(order);
        finish_modify(function(old), order);
        return old;
    }
    void arrive_to_modify() const noexcept {
        detail::arrive(weakness == Weakness::split ? detail::Access::load : detail::Access::write,
                       location_);
    }
    void finish_modify(T value, std::memory_order order) noexcept {
        if constexpr (weakness == Weakness::split) {
            detail::store(location_, value, std::memory_order_seq_cst);
        } else {
            detail::replace(location_, value, weak(order));
        }
    }

    mutable detail::Location location_;
};

template <class T>
using Atomic = BasicAtomic<T>;
template <class T>
using WithoutSeqCst = BasicAtomic<T, Weakness::no_seq_cst>;
template <class T>
using Relaxed = BasicAtomic<T, Weakness::relaxed>;
template <class T>
using Split = BasicAtomic<T, Weakness::split>;

/// What a thread sleeps on: counts calls, as an eventfd does. It orders nothing: whatever the
/// sleeper needs to see must come by the protocol under test.
class Wake {
public:
    void call();
    /// Waits for a call and takes it. If none comes any more the execution fails: a lost wake-up.
    void wait();

    /// For end(): calls since the beginning.
    [[nodiscard]] std::uint64_t call_count() const noexcept { return call_count_; }

private:
    detail::Location calls_{0};
    std::uint64_t call_count_ = 0;
};

}  // namespace model
