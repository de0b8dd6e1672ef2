// Masking against a plain XOR with the same vector width that knows neither key phases nor ends.
// "mask" starts 6 bytes into a cache line, where a client's short frame has its payload; "xor_same"
// runs over the same memory, "xor" over memory that is aligned, which a payload never is: the limit
// of the machine.

#include <algorithm>
#include <benchmark/benchmark.h>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <string>

#include "simd/mask.hpp"

namespace {

using ringcast::simd::MaskKernel;
using ringcast::simd::MaskKey;

constexpr std::int64_t sizes[] = {5, 20, 64, 125, 1 << 10, 16 << 10, 64 << 10, 1 << 20};
constexpr std::size_t header_bytes = 6;
constexpr MaskKey key{std::byte{0x12}, std::byte{0x34}, std::byte{0x56}, std::byte{0x78}};

/// Cache-aligned memory for payloads of `size` bytes, several of them where they are short: masking
/// the same few bytes again and again would measure how loads wait for the stores just before them.
/// Short payloads stay within the first-level cache.
class Payloads {
public:
    explicit Payloads(std::size_t size)
        : stride_{(header_bytes + size + 127) / 64 * 64},
          count_{std::bit_ceil(8192 / stride_ + 1)},
          data_{static_cast<std::byte*>(::operator new(stride_* count_, alignment))} {
        std::memset(data_, 'x', stride_ * count_);
    }
    ~Payloads() { ::operator delete(data_, alignment); }
    Payloads(const Payloads&) = delete;
    Payloads& operator=(const Payloads&) = delete;

    /// The next one; aligned to 64 bytes.
    std::byte* next() { return data_ + (index_++ & (count_ - 1)) * stride_; }

private:
    static constexpr std::align_val_t alignment{4096};
    std::size_t stride_, count_, index_ = 0;
    std::byte* data_;
};

std::size_t size_of(const benchmark::State& state) {
    return static_cast<std::size_t>(state.range(0));
}

void report_bytes(benchmark::State& state) {
    state.SetBytesProcessed(state.iterations() * state.range(0));
}

/// A baseline, `offset` bytes into the memory. Sizes are rounded down to whole vectors, of which
/// there is at least one.
template <std::size_t width>
[[gnu::always_inline]] inline void run_xor(benchmark::State& state, auto xor_block,
                                           std::size_t offset = 0) {
    Payloads payloads{size_of(state)};
    const std::size_t count = std::max<std::size_t>(size_of(state) / width, 1);
    for (auto _ : state) {
        xor_block(payloads.next() + offset, count);
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(count * width));
}

using Vector16 [[gnu::vector_size(16), gnu::may_alias]] = std::uint32_t;
using Vector32 [[gnu::vector_size(32), gnu::may_alias]] = std::uint32_t;
using Vector64 [[gnu::vector_size(64), gnu::may_alias]] = std::uint32_t;

[[gnu::noinline]] void xor16(std::byte* data, std::size_t count) {
    auto* vectors = reinterpret_cast<Vector16*>(data);
#pragma GCC unroll 4
    for (std::size_t i = 0; i < count; ++i) vectors[i] ^= 0x12345678u;
}
#if defined(__x86_64__)
[[gnu::noinline, gnu::target("avx2")]] void xor32(std::byte* data, std::size_t count) {
    auto* vectors = reinterpret_cast<Vector32*>(data);
#pragma GCC unroll 4
    for (std::size_t i = 0; i < count; ++i) vectors[i] ^= 0x12345678u;
}
[[gnu::noinline, gnu::target("avx2")]] void xor32_anywhere(std::byte* data, std::size_t count) {
    using Vector [[gnu::vector_size(32), gnu::aligned(1), gnu::may_alias]] = std::uint32_t;
#pragma GCC unroll 4
    for (std::size_t i = 0; i < count; ++i)
        *reinterpret_cast<Vector*>(data + i * sizeof(Vector)) ^= 0x12345678u;
}
[[gnu::noinline, gnu::target("avx512f")]] void xor64(std::byte* data, std::size_t count) {
    auto* vectors = reinterpret_cast<Vector64*>(data);
#pragma GCC unroll 4
    for (std::size_t i = 0; i < count; ++i) vectors[i] ^= 0x12345678u;
}
#endif

void run_kernel(benchmark::State& state, const MaskKernel& kernel) {
    Payloads payloads{size_of(state)};
    for (auto _ : state) {
        std::byte* payload = payloads.next() + header_bytes;
        kernel.mask(payload, payload, size_of(state), 0x78563412u);
        benchmark::ClobberMemory();
    }
    report_bytes(state);
}

void run_mask(benchmark::State& state) {
    Payloads payloads{size_of(state)};
    for (auto _ : state) {
        ringcast::simd::mask({payloads.next() + header_bytes, size_of(state)}, key, 1);
        benchmark::ClobberMemory();
    }
    report_bytes(state);
}

void run_mask_copy(benchmark::State& state) {
    Payloads source{size_of(state)};
    Payloads target{size_of(state)};
    for (auto _ : state) {
        ringcast::simd::mask_copy(target.next(), {source.next() + header_bytes, size_of(state)},
                                  key);
        benchmark::ClobberMemory();
    }
    report_bytes(state);
}

void run_memcpy(benchmark::State& state) {
    Payloads source{size_of(state)};
    Payloads target{size_of(state)};
    for (auto _ : state) {
        std::memcpy(target.next(), source.next() + header_bytes, size_of(state));
        benchmark::ClobberMemory();
    }
    report_bytes(state);
}

void add(const std::string& name, auto run) {
    auto* added = benchmark::RegisterBenchmark(name.c_str(), run);
    for (const std::int64_t size : sizes) added->Arg(size);
}

}  // namespace

int main(int argc, char** argv) {
    add("xor/16", [](benchmark::State& state) { run_xor<16>(state, xor16); });
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        add("xor/32", [](benchmark::State& state) { run_xor<32>(state, xor32); });
        add("xor_same/32",
            [](benchmark::State& state) { run_xor<32>(state, xor32_anywhere, header_bytes); });
    }
    if (__builtin_cpu_supports("avx512f")) {
        add("xor/64", [](benchmark::State& state) { run_xor<64>(state, xor64); });
    }
#endif
    for (const MaskKernel& kernel : ringcast::simd::mask_kernels()) {
        if (!kernel.supported()) continue;
        add("kernel/" + std::string{kernel.name},
            [&kernel](benchmark::State& state) { run_kernel(state, kernel); });
    }
    add("mask", run_mask);
    add("mask_copy", run_mask_copy);
    add("memcpy", run_memcpy);
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
}
