#pragma once
// Inside of simd/mask: what the kernels share. A kernel takes the key already turned to the first
// byte it is given, works on every size from 0, and allows `target` == `source`, but no other
// overlap.
//
// The vector kernels all cut the payload like this, W being the vector's width:
//
//   target    |..head, W bytes..|
//             |..skip..|== whole vectors at addresses divisible by W ==|....|
//                                                      |..tail, W bytes..|
//
// Head and tail are loaded before the loop and stored after it; where they overlap the middle, both
// hold the same bytes, made from the same original ones. So there is no byte loop at either end, no
// store that straddles two cache lines in the middle, and no access outside the payload.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "simd/mask.hpp"

namespace ringcast::simd {

/// The key as it is `bytes` further on in the payload.
constexpr std::uint32_t turn_key(std::uint32_t key, std::uint64_t bytes) noexcept {
    // The key lies in memory order, so that "the next byte first" is a rotation to the right where
    // the first byte is the lowest.
    const int bits = static_cast<int>(bytes % 4) * 8;
    return std::endian::native == std::endian::little ? std::rotr(key, bits) : std::rotl(key, bits);
}

/// The key twice.
constexpr std::uint64_t widen_key(std::uint32_t key) noexcept {
    return std::uint64_t{key} << 32 | key;
}

/// Masks at most `mask_short_bytes_max` bytes with plain words: two to four loads, then as many
/// stores, which overlap in the middle. (The same trick as above, so in place works too.)
inline constexpr std::size_t mask_short_bytes_max = 32;
inline void mask_short(std::byte* target, const std::byte* source, std::size_t size,
                       std::uint32_t key) noexcept {
    const auto masked = [source]<class Word>(std::size_t position, Word word_key) {
        Word word;
        std::memcpy(&word, source + position, sizeof word);
        return static_cast<Word>(word ^ word_key);
    };
    const auto store = [target](std::size_t position, auto word) {
        std::memcpy(target + position, &word, sizeof word);
    };
    if (size >= 8) {
        const std::uint64_t head_key = widen_key(key);
        const std::uint64_t tail_key = widen_key(turn_key(key, size));  // 8 and 16 are whole turns.
        const std::uint64_t head = masked(0, head_key);
        const std::uint64_t tail = masked(size - 8, tail_key);
        if (size > 16) {
            const std::uint64_t after_head = masked(8, head_key);
            const std::uint64_t before_tail = masked(size - 16, tail_key);
            store(8, after_head);
            store(size - 16, before_tail);
        }
        store(0, head);
        store(size - 8, tail);
    } else if (size >= 4) {
        const std::uint32_t head = masked(0, key);
        const std::uint32_t tail = masked(size - 4, turn_key(key, size));
        store(0, head);
        store(size - 4, tail);
    } else {
        const auto key_bytes = std::bit_cast<MaskKey>(key);
        for (std::size_t i = 0; i < size; ++i) target[i] = source[i] ^ key_bytes[i];
    }
}

/// The definition, byte by byte; all others are tested against it.
void mask_scalar(std::byte* target, const std::byte* source, std::size_t size,
                 std::uint32_t key) noexcept;
/// Words of 64 bits, on any machine.
void mask_swar(std::byte* target, const std::byte* source, std::size_t size,
               std::uint32_t key) noexcept;
#if defined(__x86_64__) || defined(__aarch64__)
/// Vectors of 16 bytes: SSE2 or NEON.
void mask_vector16(std::byte* target, const std::byte* source, std::size_t size,
                   std::uint32_t key) noexcept;
#endif
#if defined(__x86_64__)
void mask_avx2(std::byte* target, const std::byte* source, std::size_t size,
               std::uint32_t key) noexcept;
void mask_avx512(std::byte* target, const std::byte* source, std::size_t size,
                 std::uint32_t key) noexcept;
#endif

}  // namespace ringcast::simd
