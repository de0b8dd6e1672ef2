#pragma once
// Hashing of names that clients choose.

#include <cstdint>
#include <string_view>

namespace ringcast {

/// XXH3_64 of `bytes`. The seed has to be secret where clients choose the bytes, or they could aim
/// all of them at one bucket; the same seed gives the same value on every shard and machine.
[[nodiscard]] std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed) noexcept;

/// Long enough to stand for the bytes themselves, where the seed is secret.
struct Digest {
    std::uint64_t low, high;

    friend bool operator==(const Digest&, const Digest&) = default;
};
/// XXH3_128 of `bytes`. Unlike a cryptographic hash it does not withstand whoever knows `seed`.
[[nodiscard]] Digest digest_bytes(std::string_view bytes, std::uint64_t seed) noexcept;

}  // namespace ringcast
