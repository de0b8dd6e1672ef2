#include "base/shared_payload.hpp"

#include <cstring>
#include <new>
#include <utility>

namespace ringcast {

void PayloadReturn::push(SharedPayload& payload) noexcept {
    SharedPayload* first = first_.load(std::memory_order_relaxed);
    do {
        payload.next_ = first;
        // Release, partner of the acquire in free_all(): all reading of the payload is over.
    } while (!first_.compare_exchange_weak(first, &payload, std::memory_order_release,
                                           std::memory_order_relaxed));
}

void PayloadReturn::free_all() noexcept {
    // Relaxed: a plain load where nothing has come home; the exchange is what orders.
    if (first_.load(std::memory_order_relaxed) == nullptr) return;
    // Acquire, partner of the release in push().
    SharedPayload* next = first_.exchange(nullptr, std::memory_order_acquire);
    while (next != nullptr) {
        SharedPayload& payload = *std::exchange(next, next->next_);
        const Block block = std::move(payload.block_);
        payload.~SharedPayload();
    }
}

SharedPayload& SharedPayload::make(BufferPool& pool, PayloadReturn& home,
                                   std::span<const std::byte> bytes,
                                   std::span<const std::byte> info) {
    Block block = pool.get(sizeof(SharedPayload) + bytes.size() + info.size());
    auto& payload = *new (block.data()) SharedPayload{home, bytes.size(), info.size()};
    payload.block_ = std::move(block);
    auto* const target = const_cast<std::byte*>(payload.bytes().data());
    if (!bytes.empty()) std::memcpy(target, bytes.data(), bytes.size());
    if (!info.empty()) std::memcpy(target + bytes.size(), info.data(), info.size());
    return payload;
}

void SharedPayload::release() noexcept {
    // Acquire and release: the thread that sends it home sees that all others have read it.
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) home_.push(*this);
}

}  // namespace ringcast
