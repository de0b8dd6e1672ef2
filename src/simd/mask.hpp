#pragma once
// Masking of WebSocket payloads (RFC 6455 section 5.3): XOR with a repeating 4-byte key. The widest
// kernel that pays on this CPU is chosen once at start;
// RINGCAST_SIMD=scalar|swar|sse2|avx2|avx512|neon overrides it in tests (read by the server, passed
// in through `select_mask_kernel`).

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace ringcast::simd {

using MaskKey = std::array<std::byte, 4>;

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

/// The same with the kernel in use, for any size.
void mask_long(std::byte* target, const std::byte* source, std::size_t size,
               std::uint32_t key) noexcept;

/// XORs `source` with `key` into `target` (at least as large; the same memory or not overlapping),
/// in one pass. `offset` is the position of the first byte in the frame's payload, in bytes. Never
/// reads or writes outside of both. Cannot fail. Masking and unmasking are the same.
inline void mask_copy(std::byte* target, std::span<const std::byte> source, MaskKey key,
                      std::uint64_t offset = 0) noexcept {
    const std::uint32_t turned_key = turn_key(std::bit_cast<std::uint32_t>(key), offset);
    if (source.size() <= mask_short_bytes_max) {
        mask_short(target, source.data(), source.size(), turned_key);
    } else {
        mask_long(target, source.data(), source.size(), turned_key);
    }
}

/// The same in place.
inline void mask(std::span<std::byte> bytes, MaskKey key, std::uint64_t offset = 0) noexcept {
    mask_copy(bytes.data(), bytes, key, offset);
}

/// One implementation, for tests and benchmarks.
struct MaskKernel {
    std::string_view name;
    void (*mask)(std::byte* target, const std::byte* source, std::size_t size,
                 std::uint32_t key) noexcept;
    bool (*supported)() noexcept;
};

/// All kernels compiled into this build, scalar first.
[[nodiscard]] std::span<const MaskKernel> mask_kernels() noexcept;
/// The kernel in use.
[[nodiscard]] const MaskKernel& mask_kernel() noexcept;
/// Chooses the kernel called `name` for the whole process; false if there is none of that name or
/// this CPU lacks it. Call before shards start.
bool select_mask_kernel(std::string_view name) noexcept;

}  // namespace ringcast::simd
