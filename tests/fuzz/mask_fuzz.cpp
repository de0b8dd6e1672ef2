// Every mask kernel against the definition, in place, copying, and in two pieces. The input:
//
//   | key, 4 octets | alignment, 1 | offset, 1 | cut, 2 | payload ... |
//
// Traps when a kernel gives other octets or writes beside the payload.

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "base/assert.hpp"
#include "simd/mask.hpp"

using ringcast::simd::MaskKernel;
using ringcast::simd::MaskKey;

namespace {

constexpr std::size_t head_bytes = 8;
constexpr std::byte untouched{0xa5};

/// Octets around the payload in the target, to see a store too far.
constexpr std::size_t fence_bytes = 64;

std::uint32_t turned(MaskKey key, std::size_t offset) {
    std::rotate(key.begin(), key.begin() + static_cast<int>(offset % 4), key.end());
    return std::bit_cast<std::uint32_t>(key);
}

void check_fences(std::span<const std::byte> arena, std::size_t start, std::size_t size) {
    const auto is_untouched = [](std::byte octet) { return octet == untouched; };
    RC_ASSERT(std::ranges::all_of(arena.first(start), is_untouched));
    RC_ASSERT(std::ranges::all_of(arena.subspan(start + size), is_untouched));
}

void check_kernel(const MaskKernel& kernel, std::span<const std::byte> payload, MaskKey key,
                  std::size_t alignment, std::size_t offset, std::size_t cut) {
    std::vector<std::byte> expected(payload.begin(), payload.end());
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] ^= key[(offset + i) % 4];

    const std::size_t start = fence_bytes + alignment;
    std::vector<std::byte> arena(start + payload.size() + fence_bytes, untouched);
    std::byte* const target = arena.data() + start;

    // A copy that ends where its memory ends: AddressSanitizer sees a load too far.
    const std::vector<std::byte> source(payload.begin(), payload.end());
    kernel.mask(target, source.data(), source.size(), turned(key, offset));
    RC_ASSERT(std::equal(expected.begin(), expected.end(), target));
    check_fences(arena, start, payload.size());

    // In place and in two pieces; masking again gives back the payload.
    kernel.mask(target, target, cut, turned(key, offset));
    kernel.mask(target + cut, target + cut, payload.size() - cut, turned(key, offset + cut));
    RC_ASSERT(std::equal(payload.begin(), payload.end(), target));
    check_fences(arena, start, payload.size());
}

/// What the server calls. Short payloads never come to a kernel.
void check_chosen(std::span<const std::byte> payload, MaskKey key, std::size_t offset) {
    std::vector<std::byte> masked(payload.size());
    ringcast::simd::mask_copy(masked.data(), payload, key, offset);
    for (std::size_t i = 0; i < payload.size(); ++i)
        RC_ASSERT(masked[i] == (payload[i] ^ key[(offset + i) % 4]));
    std::ranges::copy(payload, masked.begin());
    ringcast::simd::mask(masked, key, offset);
    for (std::size_t i = 0; i < payload.size(); ++i)
        RC_ASSERT(masked[i] == (payload[i] ^ key[(offset + i) % 4]));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < head_bytes) return 0;
    const std::span input{reinterpret_cast<const std::byte*>(data), size};
    const auto octet = [&](std::size_t i) { return std::to_integer<std::size_t>(input[i]); };
    MaskKey key;
    std::memcpy(key.data(), data, key.size());
    const std::size_t alignment = octet(4) % 64;
    const std::size_t offset = octet(5);
    const auto payload = input.subspan(head_bytes);
    const std::size_t cut = (octet(6) << 8 | octet(7)) % (payload.size() + 1);

    for (const MaskKernel& kernel : ringcast::simd::mask_kernels()) {
        if (kernel.supported()) check_kernel(kernel, payload, key, alignment, offset, cut);
    }
    check_chosen(payload, key, offset);
    return 0;
}
