#include "sim/slices.hpp"

#include <algorithm>

#include "sim/rules.hpp"

#if defined(__SANITIZE_ADDRESS__)
#define RC_POISON
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RC_POISON
#endif
#endif
#ifdef RC_POISON
#include <sanitizer/asan_interface.h>
#endif

namespace ringcast::sim {
namespace {

void poison([[maybe_unused]] std::span<std::byte> bytes) {
#ifdef RC_POISON
    ASAN_POISON_MEMORY_REGION(bytes.data(), bytes.size());
#endif
}

void unpoison([[maybe_unused]] std::span<std::byte> bytes) {
#ifdef RC_POISON
    ASAN_UNPOISON_MEMORY_REGION(bytes.data(), bytes.size());
#endif
}

}  // namespace

Slices::Slices(std::size_t buffers_count, std::size_t buffer_bytes, std::uint64_t seed)
    : prng_{seed},
      buffer_bytes_{buffer_bytes},
      stride_{buffer_bytes + slack_bytes},
      memory_(buffers_count * stride_, fresh),
      slices_in_(buffers_count) {}

Slices::~Slices() {
    unpoison(memory_);
}

bool Slices::open_buffer() {
    for (std::size_t i = 1; i <= slices_in_.size(); ++i) {
        const std::size_t buffer = (current_ + i) % slices_in_.size();
        if (slices_in_[buffer] != 0) continue;
        current_ = buffer;
        used_ = 0;
        const std::span<std::byte> bytes{start_of(buffer), stride_};
        unpoison(bytes);
        std::ranges::fill(bytes, fresh);
        return true;
    }
    return false;
}

std::span<std::byte> Slices::take(std::size_t bytes, std::uint64_t turn) {
    if (used_ == buffer_bytes_ && !open_buffer()) return {};
    const std::size_t size = std::min(bytes, buffer_bytes_ - used_);
    const std::span<std::byte> slice{start_of(current_) + used_, size};
    used_ += size;
    std::size_t guard =
        std::min<std::size_t>(prng_.below(guard_bytes_max + 1), buffer_bytes_ - used_);
    used_ += guard;
    if (used_ == buffer_bytes_) guard += slack_bytes;  // Made for reading over the end only.
    ++slices_in_[current_];
    lent_.push_back({.bytes = slice, .guard_bytes = guard, .turn = turn, .buffer = current_});
    return slice;
}

void Slices::begin_turn(std::uint64_t turn) {
    while (!lent_.empty() && lent_.front().turn + 2 <= turn) {
        end_life(lent_.front());
        lent_.pop_front();
    }
}

void Slices::end_life(const Slice& slice) {
    const std::byte* end = slice.bytes.data() + slice.bytes.size();
    const bool intact =
        std::all_of(end, end + slice.guard_bytes, [](std::byte value) { return value == fresh; });
    if (!intact) {
        throw Violation{Rule::slice_bounds, "somebody wrote behind a received slice of " +
                                                std::to_string(slice.bytes.size()) + " bytes"};
    }
    std::ranges::fill(slice.bytes, expired);
    poison(slice.bytes);
    --slices_in_[slice.buffer];
}

bool Slices::touches(std::span<const std::byte> bytes) const noexcept {
    const std::byte* begin = memory_.data();
    const std::byte* end = begin + memory_.size();
    return !bytes.empty() && bytes.data() < end && bytes.data() + bytes.size() > begin;
}

bool Slices::is_alive(std::span<const std::byte> bytes) const noexcept {
    return std::ranges::any_of(lent_, [bytes](const Slice& slice) {
        return bytes.data() >= slice.bytes.data() &&
               bytes.data() + bytes.size() <= slice.bytes.data() + slice.bytes.size();
    });
}

}  // namespace ringcast::sim
