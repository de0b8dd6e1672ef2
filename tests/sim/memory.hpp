#pragma once
// Looking at the memory that a send names.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <xxhash.h>

#include "ring/ring.hpp"

namespace ringcast::sim {

/// Calls `take(std::span<const std::byte>)` for `size` bytes of a send, from byte `from` on, piece
/// by piece.
template <class Take>
void for_each_part(const ring::Submission& submission, std::uint64_t from, std::uint64_t size,
                   Take&& take) {
    const ring::Part single{.data = static_cast<const std::byte*>(submission.data),
                            .size = static_cast<std::size_t>(submission.size)};
    const std::span<const ring::Part> parts =
        submission.parts_count == 0
            ? std::span{&single, 1}
            : std::span{static_cast<const ring::Part*>(submission.data), submission.parts_count};
    for (const ring::Part& part : parts) {
        if (size == 0) return;
        if (from >= part.size) {
            from -= part.size;
            continue;
        }
        const auto taken = std::min<std::uint64_t>(part.size - from, size);
        take(std::span{part.data + from, static_cast<std::size_t>(taken)});
        size -= taken;
        from = 0;
    }
}

/// What the parts of a send add up to.
[[nodiscard]] inline std::uint64_t parts_bytes(const ring::Submission& submission) noexcept {
    std::uint64_t bytes = 0;
    for_each_part(submission, 0, UINT64_MAX,
                  [&](std::span<const std::byte> part) { bytes += part.size(); });
    return bytes;
}

/// A hash of the bytes, and of where they are.
[[nodiscard]] inline std::uint64_t memory_hash(const ring::Submission& submission) noexcept {
    std::uint64_t hash = 0;
    for_each_part(submission, 0, submission.size, [&](std::span<const std::byte> part) {
        hash = XXH3_64bits_withSeed(part.data(), part.size(), hash);
    });
    return hash;
}

}  // namespace ringcast::sim
