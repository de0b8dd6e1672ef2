#pragma once
// One kind of load: connections, what they do, and what they must get for it. The loop (loop.hpp)
// drives one crowd or several over one Io; a crowd reads no clock, so that tests can.

#include <chrono>
#include <cstdint>
#include <string_view>

#include "error.hpp"
#include "interval.hpp"
#include "io.hpp"

namespace ringcast::bench {

class Crowd {
public:
    virtual ~Crowd() = default;
    Crowd(const Crowd&) = delete;
    Crowd& operator=(const Crowd&) = delete;

    /// What it is called where there are others.
    [[nodiscard]] virtual std::string_view name() const noexcept = 0;
    /// What count() counts: "message".
    [[nodiscard]] virtual std::string_view unit() const noexcept = 0;
    /// So many have come to their end, as they should.
    [[nodiscard]] virtual std::uint64_t count() const noexcept = 0;

    /// Once, before everything else.
    virtual void start(Clock::time_point now) = 0;
    /// Latencies are recorded of what is due in `interval`: sent then, or meant to be.
    virtual void measure(const Interval& interval) noexcept = 0;

    /// Queues what is due at `now`; the loop calls it before each wait.
    [[nodiscard]] virtual Expected<void> act(Clock::time_point now) = 0;
    /// When act() has something to do although nothing happened; `otherwise` if not before.
    [[nodiscard]] virtual Clock::time_point next_due(
        Clock::time_point otherwise) const noexcept = 0;
    /// Takes what became of an operation on one of its connections; known since `now`. Fails on
    /// whatever a server must not do.
    [[nodiscard]] virtual Expected<void> handle(const Event& event, Clock::time_point now) = 0;
    /// Fails when the server has owed something for too long; after each turn.
    [[nodiscard]] virtual Expected<void> check(Clock::time_point now) = 0;

    /// Begins nothing new from now on.
    virtual void stop(Clock::time_point now) = 0;
    /// After stop(): what had begun has come to its end, and the server has nothing more to say.
    [[nodiscard]] virtual bool is_finished() const noexcept = 0;
    /// When it is finished: fails if anything is missing or too much.
    [[nodiscard]] virtual Expected<void> verify() const { return {}; }

protected:
    Crowd() = default;
};

/// How long the server has owed something and done nothing.
class StallWatch {
public:
    explicit StallWatch(std::chrono::nanoseconds timeout) : timeout_(timeout) {}

    /// It did something, or owes nothing.
    void reset(Clock::time_point now) noexcept { last_ = now; }
    [[nodiscard]] bool is_over(Clock::time_point now) const noexcept {
        return now - last_ >= timeout_;
    }
    [[nodiscard]] double seconds(Clock::time_point now) const noexcept {
        return seconds_between(last_, now);
    }

private:
    std::chrono::nanoseconds timeout_;
    Clock::time_point last_;
};

}  // namespace ringcast::bench
