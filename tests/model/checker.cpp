#include "model/checker.hpp"

#include <bit>
#include <exception>
#include <utility>

#include "base/assert.hpp"

namespace model::detail {

Checker checker;

Result Checker::explore(const std::function<std::unique_ptr<World>()>& make, Orders orders) {
    Result result;
    orders_ = orders;
    path_.clear();
    do {
        execute(make);
        ++(outcome_ == Outcome::pruned ? result.pruned : result.executions);
        if (outcome_ == Outcome::failed) {
            result.failure = failure_;
            result.trace = trace();
            break;
        }
    } while (next_path());
    return result;
}

/// Goes back to the last decision that has something left to try. False if there is none.
bool Checker::next_path() {
    while (!path_.empty()) {
        Decision& last = path_.back();
        last.done |= bit_of(last.chosen);
        const Agents left = last.enabled & ~last.asleep & ~last.done;
        if (left != 0) {
            last.chosen = static_cast<std::size_t>(std::countr_zero(left));
            return true;
        }
        path_.pop_back();
    }
    return false;
}

void Checker::execute(const std::function<std::unique_ptr<World>()>& make) {
    depth_ = 0;
    asleep_ = 0;
    peeks_ = 0;
    location_count_ = 0;
    words_.clear();
    events_.clear();
    const std::unique_ptr<World> world = make();
    world_ = world.get();
    thread_count_ = world->thread_count();
    RC_ASSERT(thread_count_ > 0 && thread_count_ <= threads_max);
    for (std::size_t i = 0; i < thread_count_; ++i) prepare(i);
    current_ = 0;
    swapcontext(&explorer_, &threads_[0].context);  // Until leave().
    current_ = nobody;
    // A world that was given up is destroyed as if it had come to rest where it was left.
    for (std::size_t i = 0; i < thread_count_; ++i) {
        while (!threads_[i].buffer.empty()) make_visible(i);
    }
    if (outcome_ == Outcome::complete) world->end();
}

void Checker::prepare(std::size_t index) {
    Thread& thread = threads_[index];
    thread.buffer.clear();
    thread.clock = {};
    thread.clock[index] = 1;
    thread.started = false;
    thread.ended = false;
    getcontext(&thread.context);
    thread.context.uc_stack.ss_sp = thread.stack.data();
    thread.context.uc_stack.ss_size = thread.stack.size();
    thread.context.uc_link = nullptr;
    makecontext(&thread.context, &Checker::thread_main, 0);
}

void Checker::thread_main() {
    Thread& self = checker.threads_[checker.current_];
    self.started = true;
    checker.world_->run(checker.current_);
    self.ended = true;
    checker.pass_turn();
    std::terminate();  // Who has ended gets no further turn.
}

/// Ends the execution where it is: back to execute().
void Checker::leave(Outcome outcome) {
    outcome_ = outcome;
    setcontext(&explorer_);
    std::terminate();
}

/// The running thread stands before an operation, or has ended: decides until a thread is to go on,
/// and returns when it is this one.
void Checker::pass_turn() {
    std::size_t agent = next_unstarted();
    while (agent == nobody) {
        const Agents enabled = enabled_agents();
        if (enabled == 0) {
            for (std::size_t i = 0; i < thread_count_; ++i) {
                if (!threads_[i].ended) fail("lost wake-up: a thread waits for a call for ever");
            }
            leave(Outcome::complete);
        }
        if (depth_ == steps_max) fail("no end in sight");
        if (!decide(enabled, agent)) leave(Outcome::pruned);
        if (agent < threads_max) break;
        make_visible(agent - threads_max);
        agent = nobody;
    }
    if (agent == current_) return;
    const std::size_t self = std::exchange(current_, agent);
    swapcontext(&threads_[self].context, &threads_[agent].context);
}

/// What a thread does before its first operation needs no decision.
std::size_t Checker::next_unstarted() const {
    for (std::size_t i = 0; i < thread_count_; ++i) {
        if (!threads_[i].started) return i;
    }
    return nobody;
}

Agents Checker::enabled_agents() const {
    Agents enabled = 0;
    for (std::size_t i = 0; i < thread_count_; ++i) {
        const Thread& thread = threads_[i];
        if (!thread.buffer.empty()) enabled |= bit_of(threads_max + i);
        if (thread.ended) continue;
        const bool may = thread.access == Access::load ||
                         (thread.buffer.empty() &&
                          (thread.access == Access::write || thread.location->value > 0));
        if (may) enabled |= bit_of(i);
    }
    return enabled;
}

/// Chooses who is next: as path_ says, or else the first one. False if all who could be next would
/// only repeat what is explored elsewhere.
bool Checker::decide(Agents enabled, std::size_t& agent) {
    if (depth_ == path_.size()) {
        const Agents awake = enabled & ~asleep_;
        if (awake == 0) return false;
        path_.push_back({enabled, asleep_, 0, static_cast<std::size_t>(std::countr_zero(awake))});
    }
    const Decision& decision = path_[depth_++];
    RC_ASSERT(decision.enabled == enabled);  // Else the world is not the same each time.
    agent = decision.chosen;
    // All that follows the steps explored here before is explored. It is the same behind the chosen
    // step, as long as nothing happens that those steps can see.
    asleep_ = 0;
    if (orders_ == Orders::all) return true;
    for (std::size_t other = 0; other < agents_max; ++other) {
        const bool explored = ((decision.asleep | decision.done) & bit_of(other)) != 0;
        if (explored && independent(other, agent)) asleep_ |= bit_of(other);
    }
    return true;
}

/// The location that the agent's next step touches.
const Location& Checker::location_of(std::size_t agent) const {
    return agent < threads_max ? *threads_[agent].location
                               : *threads_[agent - threads_max].buffer.front().location;
}

/// Whether the next steps of two agents do the same in either order.
bool Checker::independent(std::size_t a, std::size_t b) const {
    const auto only_loads = [this](std::size_t agent) {
        return agent < threads_max && threads_[agent].access == Access::load;
    };
    return &location_of(a) != &location_of(b) || (only_loads(a) && only_loads(b));
}

void Checker::arrive(Access access, const Location& location) {
    if (!in_thread() || peeks_ > 0) return;
    threads_[current_].access = access;
    threads_[current_].location = &location;
    pass_turn();
}

void Checker::fail(const char* what) {
    failure_ = what;
    if (in_thread()) leave(Outcome::failed);
    outcome_ = Outcome::failed;
}

void Checker::note(std::size_t agent, const char* what, const Location& location,
                   std::uint64_t value) {
    events_.push_back({agent, what, location.number, value});
}

std::string Checker::trace() const {
    std::string text;
    for (const Event& event : events_) {
        text += event.agent < threads_max ? "thread " : "  buffer of thread ";
        text += std::to_string(event.agent % threads_max) + ' ' + event.what + ' ' +
                std::to_string(event.value) + " (location " + std::to_string(event.location) +
                ")\n";
    }
    return text;
}

}  // namespace model::detail
