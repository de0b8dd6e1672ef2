#pragma once
// The inside of the model checker: who is next (checker.cpp), and what that one sees (memory.cpp).
// There is one, since there is one stack of fibers and the atomics have to find it.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <ucontext.h>
#include <vector>

#include "model/model.hpp"

namespace model::detail {

constexpr std::size_t stack_bytes = 128u << 10;
constexpr std::size_t steps_max = 1000;
constexpr std::size_t nobody = threads_max;

// An agent is whoever can take the next step: agent i is thread i; agent threads_max + i is the
// store buffer of thread i, whose step makes its oldest store visible.
constexpr std::size_t agents_max = 2 * threads_max;
using Agents = std::uint32_t;  // A set, one bit each.

constexpr Agents bit_of(std::size_t agent) {
    return Agents{1} << agent;
}

/// A store that only its own thread sees.
struct Buffered {
    Location* location;
    std::uint64_t value;
    Clock released;
};

/// What is known of 8 bytes of plain memory.
struct Word {
    std::uintptr_t address;
    std::size_t writer = nobody;  // Who wrote it last...
    std::uint32_t written = 0;    // ...and when, by the writer's clock.
    Clock read{};                 // When each thread has read it last, 0 for never.
};

struct Thread {
    ucontext_t context{};
    std::vector<std::byte> stack = std::vector<std::byte>(stack_bytes);
    std::vector<Buffered> buffer;
    Clock clock{};
    bool started = false;
    bool ended = false;
    // The operation that it stands before.
    Access access{};
    const Location* location = nullptr;
};

/// A decision: one node of the path through the tree of all executions.
struct Decision {
    Agents enabled;
    Agents asleep;  // Whose steps would only repeat what is explored elsewhere.
    Agents done;    // Whose steps here are explored.
    std::size_t chosen;
};

struct Event {
    std::size_t agent;
    const char* what;
    std::uint32_t location;
    std::uint64_t value;
};

enum class Outcome : std::uint8_t { complete, pruned, failed };

class Checker {
public:
    Result explore(const std::function<std::unique_ptr<World>()>& make, Orders orders);

    [[nodiscard]] bool in_thread() const { return current_ != nobody; }
    [[nodiscard]] std::uint32_t next_location_number() { return location_count_++; }

    // See the functions of model::detail.
    void arrive(Access access, const Location& location);
    std::uint64_t see(const Location& location, std::memory_order order);
    void store(Location& location, std::uint64_t value, std::memory_order order);
    void replace(Location& location, std::uint64_t value, std::memory_order order);

    void access_plain(const void* data, std::size_t bytes, bool write);
    /// Ends the execution if a thread calls it; else it goes on to its end.
    void fail(const char* what);
    void peek(int change) { peeks_ += change; }

private:
    static void thread_main();

    void execute(const std::function<std::unique_ptr<World>()>& make);
    void prepare(std::size_t index);
    void pass_turn();
    std::size_t next_unstarted() const;
    Agents enabled_agents() const;
    bool decide(Agents enabled, std::size_t& agent);
    bool independent(std::size_t a, std::size_t b) const;
    const Location& location_of(std::size_t agent) const;
    bool next_path();
    Clock release_by(std::size_t thread);
    void make_visible(std::size_t thread);
    void access_word(std::uintptr_t address, bool write);
    [[noreturn]] void leave(Outcome outcome);
    void note(std::size_t agent, const char* what, const Location& location, std::uint64_t value);
    std::string trace() const;

    // The tree of executions.
    Orders orders_{};
    std::vector<Decision> path_;
    std::size_t depth_ = 0;  // Decisions made in this execution; the first ones replay path_.
    Agents asleep_ = 0;

    // This execution.
    World* world_ = nullptr;
    std::array<Thread, threads_max> threads_;
    std::size_t thread_count_ = 0;
    std::size_t current_ = nobody;
    int peeks_ = 0;
    ucontext_t explorer_{};
    std::uint32_t location_count_ = 0;
    std::vector<Word> words_;
    std::vector<Event> events_;
    Outcome outcome_{};
    std::string failure_;
};

extern Checker checker;

}  // namespace model::detail
