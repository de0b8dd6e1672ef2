#include "simd/mask.hpp"

#include "simd/mask_kernels.hpp"

namespace ringcast::simd {
namespace {

constexpr auto always = []() noexcept { return true; };

constexpr MaskKernel kernels[] = {
    {.name = "scalar", .mask = mask_scalar, .supported = always},
    {.name = "swar", .mask = mask_swar, .supported = always},
#if defined(__x86_64__)
    {.name = "sse2", .mask = mask_vector16, .supported = always},
    {.name = "avx2",
     .mask = mask_avx2,
     .supported = []() noexcept { return __builtin_cpu_supports("avx2") != 0; }},
    {.name = "avx512",
     .mask = mask_avx512,
     .supported = []() noexcept { return __builtin_cpu_supports("avx512f") != 0; }},
#elif defined(__aarch64__)
    {.name = "neon", .mask = mask_vector16, .supported = always},
#endif
};

const MaskKernel* find_kernel(std::string_view name) noexcept {
    for (const MaskKernel& kernel : kernels) {
        if (kernel.name == name && kernel.supported()) return &kernel;
    }
    return nullptr;
}

/// The widest kernel that pays. AVX-512 is left to those who ask for it by name: against AVX2 it is
/// within a few percent from 16 KiB up, being bound by stores to the cache (Zen 4), it gains
/// nothing on short payloads, which are the usual ones, and it makes older CPUs lower their clock.
const MaskKernel& preferred_kernel() noexcept {
#if defined(__x86_64__)
    // Static initialisers may run before the one that fills in what __builtin_cpu_supports reads.
    __builtin_cpu_init();
#endif
    for (const std::string_view name : {"avx2", "sse2", "neon"}) {
        if (const MaskKernel* kernel = find_kernel(name)) return *kernel;
    }
    return *find_kernel("swar");
}

// Written before shards start, only read afterwards.
const MaskKernel* chosen_kernel = &preferred_kernel();

}  // namespace

void mask_long(std::byte* target, const std::byte* source, std::size_t size,
               std::uint32_t key) noexcept {
    chosen_kernel->mask(target, source, size, key);
}

std::span<const MaskKernel> mask_kernels() noexcept {
    return kernels;
}

const MaskKernel& mask_kernel() noexcept {
    return *chosen_kernel;
}

bool select_mask_kernel(std::string_view name) noexcept {
    const MaskKernel* kernel = find_kernel(name);
    if (kernel == nullptr) return false;
    chosen_kernel = kernel;
    return true;
}

}  // namespace ringcast::simd
