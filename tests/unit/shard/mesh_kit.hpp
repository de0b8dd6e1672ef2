#pragma once
// What the tests of mesh and topics share: bytes and texts, and a waker that counts.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "ring/ring.hpp"

namespace ringcast::shard {

inline std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span{text});
}
inline std::string_view text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct CountingWaker {
    std::uint64_t wakes = 0;

    ring::Waker waker() {
        return {[](void* self) noexcept { ++static_cast<CountingWaker*>(self)->wakes; }, this};
    }
};

}  // namespace ringcast::shard
