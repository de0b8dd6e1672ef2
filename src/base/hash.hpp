#pragma once
// Hashing of names that clients choose.

#include <cstdint>
#include <string_view>

namespace ringcast {

/// XXH3_64 of `bytes`. The seed has to be secret where clients choose the bytes, or they could aim
/// all of them at one bucket; the same seed gives the same value on every shard and machine.
[[nodiscard]] std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed) noexcept;

}  // namespace ringcast
