#pragma once
// Masking of WebSocket payloads (RFC 6455 section 5.3): XOR with a repeating 4-byte key. The widest
// kernel that pays on this CPU is chosen once at start;
// RINGCAST_SIMD=scalar|swar|sse2|avx2|avx512|neon overrides it in tests (read by the server, passed
// in through `select_mask_kernel`).

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace ringcast::simd {

using MaskKey = std::array<std::byte, 4>;

/// XORs `bytes` in place with `key`. `offset` is the position of the first byte in the frame's
/// payload, in bytes. Never reads or writes outside `bytes`. Cannot fail. Masking and unmasking are
/// the same.
void mask(std::span<std::byte> bytes, MaskKey key, std::uint64_t offset = 0) noexcept;

/// The same, from `source` to `target` (at least as large, not overlapping), in one pass.
void mask_copy(std::byte* target, std::span<const std::byte> source, MaskKey key,
               std::uint64_t offset = 0) noexcept;

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
