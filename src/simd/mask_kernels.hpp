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

#include <cstddef>
#include <cstdint>

#include "simd/mask.hpp"

namespace ringcast::simd {

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
