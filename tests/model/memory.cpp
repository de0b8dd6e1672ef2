// What threads see of memory, and the public face of the checker.

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/assert.hpp"
#include "model/checker.hpp"

namespace model::detail {
namespace {

bool releases(std::memory_order order) {
    return order == std::memory_order_release || order == std::memory_order_acq_rel ||
           order == std::memory_order_seq_cst;
}
bool acquires(std::memory_order order) {
    return order == std::memory_order_acquire || order == std::memory_order_acq_rel ||
           order == std::memory_order_seq_cst;
}

void join(Clock& clock, const Clock& other) {
    for (std::size_t i = 0; i < threads_max; ++i) clock[i] = std::max(clock[i], other[i]);
}

}  // namespace

std::uint64_t Checker::see(const Location& location, std::memory_order order) {
    if (!in_thread()) return location.value;
    Thread& self = threads_[current_];
    std::uint64_t value = location.value;
    const auto own =
        std::ranges::find(self.buffer.rbegin(), self.buffer.rend(), &location, &Buffered::location);
    if (own != self.buffer.rend()) {
        value = own->value;
    } else if (peeks_ == 0 && acquires(order)) {
        join(self.clock, location.released);
    }
    if (peeks_ == 0) note(current_, "sees", location, value);
    return value;
}

/// What a releasing store of `thread` carries. What the thread does from now on is not part of it.
Clock Checker::release_by(std::size_t thread) {
    const Clock clock = threads_[thread].clock;
    ++threads_[thread].clock[thread];
    return clock;
}

void Checker::store(Location& location, std::uint64_t value, std::memory_order order) {
    if (!in_thread()) {
        location.value = value;
        return;
    }
    RC_ASSERT(peeks_ == 0);
    if (order == std::memory_order_seq_cst) {
        arrive(Access::write, location);
        location.value = value;
        location.released = release_by(current_);
        note(current_, "stores", location, value);
        return;
    }
    // Nobody else can see this, so it needs no decision.
    const Clock released = releases(order) ? release_by(current_) : Clock{};
    threads_[current_].buffer.push_back({&location, value, released});
    note(current_, "buffers", location, value);
}

void Checker::replace(Location& location, std::uint64_t value, std::memory_order order) {
    RC_ASSERT(peeks_ == 0);
    location.value = value;
    if (!in_thread()) return;
    // A read-modify-write carries on what the value before it has released.
    if (releases(order)) join(location.released, release_by(current_));
    note(current_, "replaces by", location, value);
}

void Checker::make_visible(std::size_t thread) {
    std::vector<Buffered>& buffer = threads_[thread].buffer;
    const Buffered store = buffer.front();
    buffer.erase(buffer.begin());
    store.location->value = store.value;
    store.location->released = store.released;
    note(threads_max + thread, "makes visible", *store.location, store.value);
}

void Checker::access_plain(const void* data, std::size_t bytes, bool write) {
    if (!in_thread() || bytes == 0) return;
    const auto begin = reinterpret_cast<std::uintptr_t>(data);
    for (std::uintptr_t address = begin & ~std::uintptr_t{7}; address < begin + bytes; address += 8)
        access_word(address, write);
}

void Checker::access_word(std::uintptr_t address, bool write) {
    const Clock& clock = threads_[current_].clock;
    auto word = std::ranges::find(words_, address, &Word::address);
    if (word == words_.end()) word = words_.insert(words_.end(), Word{address});
    if (word->writer != nobody && word->written > clock[word->writer]) {
        fail(write ? "race: a write is not ordered behind a write"
                   : "race: a read is not ordered behind a write");
    }
    if (!write) {
        word->read[current_] = clock[current_];
        return;
    }
    for (std::size_t i = 0; i < threads_max; ++i) {
        if (word->read[i] > clock[i]) fail("race: a write is not ordered behind a read");
    }
    word->writer = current_;
    word->written = clock[current_];
}

}  // namespace model::detail

namespace model {

using detail::Access;
using detail::checker;

Result explore(const std::function<std::unique_ptr<World>()>& make, Orders orders) {
    return checker.explore(make, orders);
}

void require(bool condition, const char* what) {
    if (!condition) checker.fail(what);
}

void wrote(const void* data, std::size_t bytes) {
    checker.access_plain(data, bytes, true);
}
void reads(const void* data, std::size_t bytes) {
    checker.access_plain(data, bytes, false);
}

Peek::Peek() {
    checker.peek(1);
}
Peek::~Peek() {
    checker.peek(-1);
}

void Wake::call() {
    detail::arrive(Access::write, calls_);
    detail::replace(calls_, calls_.value + 1, std::memory_order_relaxed);
    ++call_count_;
}

void Wake::wait() {
    detail::arrive(Access::wait, calls_);
    detail::replace(calls_, calls_.value - 1, std::memory_order_relaxed);
}

namespace detail {

Location::Location(std::uint64_t initial)
    : value{initial}, number{checker.next_location_number()} {}

void arrive(Access access, const Location& location) {
    checker.arrive(access, location);
}
std::uint64_t see(const Location& location, std::memory_order order) {
    return checker.see(location, order);
}
void store(Location& location, std::uint64_t value, std::memory_order order) {
    checker.store(location, value, order);
}
void replace(Location& location, std::uint64_t value, std::memory_order order) {
    checker.replace(location, value, order);
}

}  // namespace detail
}  // namespace model

/// An assert of the code under test fails its execution; one of the checker's own, outside of
/// threads, ends the program as usual.
void ringcast::assert_failed(const char* condition, const char* file, int line) noexcept {
    if (model::detail::checker.in_thread()) model::detail::checker.fail(condition);
    std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, condition);
    std::abort();
}
