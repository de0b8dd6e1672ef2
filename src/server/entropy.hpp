#pragma once
// Randomness from the kernel. Shards have none of their own: what they need is handed in.

#include <cstddef>
#include <cstdint>
#include <span>

namespace ringcast::server {

/// 64 random bits (getrandom(2)), for the seed of a shard's jitter.
[[nodiscard]] std::uint64_t random_seed() noexcept;

/// The same for secrets of any length.
void fill_random(std::span<std::byte> bytes) noexcept;

}  // namespace ringcast::server
