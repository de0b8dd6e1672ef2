#pragma once
// The seeded generator, for jitter and simulation only: anyone who sees some of its output can
// compute the rest, so nothing secret ever comes from it.

#include <array>
#include <bit>
#include <cstdint>

#include "base/assert.hpp"

namespace ringcast {

/// xoshiro256** (Blackman and Vigna), its state filled from the seed by splitmix64. The same seed
/// gives the same numbers on every machine. One per shard.
class Prng {
public:
    explicit constexpr Prng(std::uint64_t seed) noexcept {
        for (std::uint64_t& word : state_) {
            seed += 0x9e3779b97f4a7c15;
            std::uint64_t mixed = seed;
            mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
            mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
            word = mixed ^ (mixed >> 31);
        }
    }

    /// 64 random bits.
    constexpr std::uint64_t next() noexcept {
        const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
        const std::uint64_t shifted = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= shifted;
        state_[3] = std::rotl(state_[3], 45);
        return result;
    }

    /// A number from 0 to `bound` - 1, each equally likely. `bound` is positive.
    constexpr std::uint64_t below(std::uint64_t bound) noexcept {
        RC_ASSERT(bound > 0);
        // The 2^64 mod bound smallest draws are too many to be shared out evenly: draw again.
        // (-bound mod bound is the same number, without the overflow.)
        const std::uint64_t surplus = (0 - bound) % bound;
        std::uint64_t drawn = next();
        while (drawn < surplus) drawn = next();
        return drawn % bound;
    }

    /// True in `numerator` of `denominator` cases.
    constexpr bool chance(std::uint64_t numerator, std::uint64_t denominator) noexcept {
        return below(denominator) < numerator;
    }

private:
    std::array<std::uint64_t, 4> state_{};
};

}  // namespace ringcast
