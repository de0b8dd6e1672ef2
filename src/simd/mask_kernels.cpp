// The kernels. The build itself stays at the baseline of its architecture; wider instructions are
// allowed function by function, and mask.cpp asks the CPU before it chooses. The vector kernels are
// written out one by one, in the compilers' common vector notation (a vector ^ a number spreads the
// number over all lanes), because a shared template could not carry the target attribute.

#include "simd/mask_kernels.hpp"

namespace ringcast::simd {

void mask_scalar(std::byte* target, const std::byte* source, std::size_t size,
                 std::uint32_t key) noexcept {
    const auto key_bytes = std::bit_cast<MaskKey>(key);
    for (std::size_t i = 0; i < size; ++i) target[i] = source[i] ^ key_bytes[i % 4];
}

void mask_swar(std::byte* target, const std::byte* source, std::size_t size,
               std::uint32_t key) noexcept {
    const std::uint64_t word_key = widen_key(key);
    std::size_t position = 0;
    for (; size - position > mask_short_bytes_max; position += sizeof word_key) {
        std::uint64_t word;
        std::memcpy(&word, source + position, sizeof word);
        word ^= word_key;
        std::memcpy(target + position, &word, sizeof word);
    }
    mask_short(target + position, source + position, size - position, key);
}

namespace {

/// How far it is from `target` to the next address divisible by `width`, a power of two.
std::size_t bytes_to_alignment(const std::byte* target, std::size_t width) noexcept {
    return (0 - reinterpret_cast<std::uintptr_t>(target)) & (width - 1);
}

}  // namespace

#if defined(__x86_64__) || defined(__aarch64__)
// SSE2 or NEON: the baseline, so that no attribute is needed.
void mask_vector16(std::byte* target, const std::byte* source, std::size_t size,
                   std::uint32_t key) noexcept {
    using Vector [[gnu::vector_size(16), gnu::aligned(1), gnu::may_alias]] = std::uint32_t;
    constexpr std::size_t width = sizeof(Vector);
    if (size <= mask_short_bytes_max) return mask_short(target, source, size, key);
    const auto in = [source](std::size_t position) -> const Vector& {
        return *reinterpret_cast<const Vector*>(source + position);
    };
    const auto out = [target](std::size_t position) -> Vector& {
        return *reinterpret_cast<Vector*>(target + position);
    };

    const Vector head = in(0) ^ key;
    const Vector tail = in(size - width) ^ turn_key(key, size);  // width is whole turns.
    std::size_t position = bytes_to_alignment(target, width);
    const Vector middle_key = Vector{} ^ turn_key(key, position);
#pragma GCC unroll 4
    for (; position + width <= size; position += width) out(position) = in(position) ^ middle_key;
    out(0) = head;
    out(size - width) = tail;
}
#endif

#if defined(__x86_64__)
[[gnu::target("avx2")]] void mask_avx2(std::byte* target, const std::byte* source, std::size_t size,
                                       std::uint32_t key) noexcept {
    using Vector [[gnu::vector_size(32), gnu::aligned(1), gnu::may_alias]] = std::uint32_t;
    constexpr std::size_t width = sizeof(Vector);
    if (size <= mask_short_bytes_max) return mask_short(target, source, size, key);
    const auto in = [source](std::size_t position) -> const Vector& {
        return *reinterpret_cast<const Vector*>(source + position);
    };
    const auto out = [target](std::size_t position) -> Vector& {
        return *reinterpret_cast<Vector*>(target + position);
    };

    const Vector head = in(0) ^ key;
    const Vector tail = in(size - width) ^ turn_key(key, size);  // width is whole turns.
    std::size_t position = bytes_to_alignment(target, width);
    const Vector middle_key = Vector{} ^ turn_key(key, position);
#pragma GCC unroll 4
    for (; position + width <= size; position += width) out(position) = in(position) ^ middle_key;
    out(0) = head;
    out(size - width) = tail;
}

[[gnu::target("avx512f")]] void mask_avx512(std::byte* target, const std::byte* source,
                                            std::size_t size, std::uint32_t key) noexcept {
    using Vector [[gnu::vector_size(64), gnu::aligned(1), gnu::may_alias]] = std::uint32_t;
    constexpr std::size_t width = sizeof(Vector);
    if (size < width) return mask_avx2(target, source, size, key);  // AVX-512 implies AVX2.
    const auto in = [source](std::size_t position) -> const Vector& {
        return *reinterpret_cast<const Vector*>(source + position);
    };
    const auto out = [target](std::size_t position) -> Vector& {
        return *reinterpret_cast<Vector*>(target + position);
    };

    const Vector head = in(0) ^ key;
    const Vector tail = in(size - width) ^ turn_key(key, size);  // width is whole turns.
    std::size_t position = bytes_to_alignment(target, width);
    const Vector middle_key = Vector{} ^ turn_key(key, position);
#pragma GCC unroll 4
    for (; position + width <= size; position += width) out(position) = in(position) ^ middle_key;
    out(0) = head;
    out(size - width) = tail;
}
#endif

}  // namespace ringcast::simd
