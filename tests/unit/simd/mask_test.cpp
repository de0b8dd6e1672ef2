#include "simd/mask.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "base/prng.hpp"
#include "support/guarded_memory.hpp"

using ringcast::Prng;
using ringcast::simd::mask;
using ringcast::simd::mask_copy;
using ringcast::simd::mask_kernel;
using ringcast::simd::mask_kernels;
using ringcast::simd::MaskKernel;
using ringcast::simd::MaskKey;
using ringcast::test::GuardedMemory;

namespace {

constexpr MaskKey key{std::byte{0x37}, std::byte{0xfa}, std::byte{0x21}, std::byte{0x3d}};

std::vector<std::byte> random_bytes(std::size_t size, std::uint64_t seed) {
    Prng prng{seed};
    std::vector<std::byte> bytes(size);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(prng.next());
    return bytes;
}

/// RFC 6455 section 5.3, word for word: octet i is XORed with octet i modulo 4 of the key.
std::vector<std::byte> masked(std::span<const std::byte> bytes, std::uint64_t offset) {
    std::vector<std::byte> result(bytes.begin(), bytes.end());
    for (std::size_t i = 0; i < result.size(); ++i) result[i] ^= key[(offset + i) % 4];
    return result;
}

MaskKey turned(std::uint64_t offset) {
    MaskKey result = key;
    std::rotate(result.begin(), result.begin() + static_cast<int>(offset % 4), result.end());
    return result;
}

/// Runs a kernel in place in the middle of `arena`, and checks every octet of the arena.
bool is_right_in_place(const MaskKernel& kernel, const std::vector<std::byte>& original,
                       std::size_t start, std::size_t size, std::uint64_t offset) {
    std::vector<std::byte> arena = original;
    kernel.mask(arena.data() + start, arena.data() + start, size,
                std::bit_cast<std::uint32_t>(turned(offset)));
    const auto expected = masked(std::span{original}.subspan(start, size), offset);
    const auto begin = arena.begin() + static_cast<std::ptrdiff_t>(start);
    const auto end = begin + static_cast<std::ptrdiff_t>(size);
    return std::equal(arena.begin(), begin, original.begin()) &&
           std::equal(begin, end, expected.begin()) &&
           std::equal(end, arena.end(), original.begin() + (end - arena.begin()));
}

/// Calls `check(kernel)` for each kernel that this CPU can run.
void for_each_kernel(auto check) {
    for (const MaskKernel& kernel : mask_kernels()) {
        if (!kernel.supported()) continue;
        CAPTURE(std::string{kernel.name});
        check(kernel);
    }
}

}  // namespace

TEST_CASE("the RFC's masked Hello is unmasked (RFC 6455 section 5.7)") {
    std::byte bytes[] = {std::byte{0x7f}, std::byte{0x9f}, std::byte{0x4d}, std::byte{0x51},
                         std::byte{0x58}};
    mask(bytes, key);
    CHECK(std::string{reinterpret_cast<const char*>(bytes), 5} == "Hello");
}

TEST_CASE("every kernel agrees with the definition for all lengths, alignments and key phases") {
    const auto original = random_bytes(64 + 300 + 64, 1);
    for_each_kernel([&](const MaskKernel& kernel) {
        for (std::size_t size = 0; size <= 300; ++size) {
            bool all_right = true;
            for (std::size_t start = 0; start < 64; ++start) {
                for (std::uint64_t offset = 0; offset < 4; ++offset) {
                    all_right =
                        all_right && is_right_in_place(kernel, original, start, size, offset);
                }
            }
            CAPTURE(size);
            REQUIRE(all_right);
        }
    });
}

TEST_CASE("every kernel agrees with the definition on large payloads") {
    const auto original = random_bytes((1u << 20) + 200, 2);
    for_each_kernel([&](const MaskKernel& kernel) {
        for (std::size_t size : {1000u, 1023u, 4096u, 65'535u, 65'537u, 1u << 20}) {
            for (std::size_t start : {0u, 2u, 6u, 14u, 63u}) {
                REQUIRE(is_right_in_place(kernel, original, start, size, start));
            }
        }
    });
}

TEST_CASE("every kernel copies while it masks, from any alignment to any other") {
    const auto source = random_bytes(64 + 300, 3);
    for_each_kernel([&](const MaskKernel& kernel) {
        for (std::size_t size : {0u, 3u, 7u, 15u, 31u, 33u, 64u, 100u, 128u, 129u, 200u, 300u}) {
            const auto expected_at = [&](std::size_t from) {
                return masked(std::span{source}.subspan(from, size), 1);
            };
            for (std::size_t from = 0; from < 64; from += 3) {
                for (std::size_t to = 0; to < 64; ++to) {
                    std::vector<std::byte> target(64 + 300, std::byte{0xee});
                    kernel.mask(target.data() + to, source.data() + from, size,
                                std::bit_cast<std::uint32_t>(turned(1)));
                    std::vector<std::byte> expected(64 + 300, std::byte{0xee});
                    std::ranges::copy(expected_at(from),
                                      expected.begin() + static_cast<std::ptrdiff_t>(to));
                    REQUIRE(target == expected);
                }
            }
        }
    });
}

TEST_CASE("no kernel touches the page before or behind the payload") {
    const GuardedMemory memory{8192};
    const GuardedMemory target{8192};
    for_each_kernel([&](const MaskKernel& kernel) {
        const auto word = std::bit_cast<std::uint32_t>(key);
        for (std::size_t size = 0; size <= 1100; ++size) {
            for (const auto payload : {memory.at_front(size), memory.at_back(size)}) {
                kernel.mask(payload.data(), payload.data(), size, word);
            }
            kernel.mask(target.at_front(size).data(), memory.at_back(size).data(), size, word);
            kernel.mask(target.at_back(size).data(), memory.at_front(size).data(), size, word);
        }
        const auto all = memory.at_front(8192);
        kernel.mask(all.data(), all.data(), all.size(), word);
    });
    for (std::size_t size = 0; size <= 300; ++size) {
        mask(memory.at_back(size), key);
        mask(memory.at_front(size), key);
        mask_copy(target.at_back(size).data(), memory.at_back(size), key);
        mask_copy(target.at_front(size).data(), memory.at_front(size), key);
    }
    CHECK(true);  // Reached: nothing crashed.
}

TEST_CASE("a payload masked in pieces is the payload masked at once") {
    Prng prng{4};
    const auto original = random_bytes(2000, 5);
    for (int round = 0; round < 500; ++round) {
        // Far into a frame: the offset counts in 64 bits.
        const std::uint64_t start =
            prng.chance(1, 2) ? 0 : (std::uint64_t{1} << 40) + prng.below(9);
        auto in_place = original;
        std::vector<std::byte> copied(original.size());
        std::size_t done = 0;
        while (done < original.size()) {
            const std::size_t piece =
                std::min<std::size_t>(original.size() - done, prng.below(1 + prng.below(400)));
            mask(std::span{in_place}.subspan(done, piece), key, start + done);
            mask_copy(copied.data() + done, std::span{original}.subspan(done, piece), key,
                      start + done);
            done += piece;
        }
        REQUIRE(in_place == masked(original, start));
        REQUIRE(copied == in_place);
        mask(in_place, key, start);
        REQUIRE(in_place == original);
    }
}

TEST_CASE("a kernel is chosen by its name, an unknown one is refused") {
    const std::string before{mask_kernel().name};
    CHECK(mask_kernel().supported());
    CHECK(mask_kernels().front().name == "scalar");
    CHECK_FALSE(ringcast::simd::select_mask_kernel("mmx"));
    CHECK_FALSE(ringcast::simd::select_mask_kernel(""));
    CHECK(mask_kernel().name == before);
    for (const MaskKernel& kernel : mask_kernels()) {
        CHECK(ringcast::simd::select_mask_kernel(kernel.name) == kernel.supported());
        if (!kernel.supported()) continue;
        CHECK(mask_kernel().name == kernel.name);
        auto bytes = random_bytes(1000, 6);
        const auto expected = masked(bytes, 3);
        mask(bytes, key, 3);
        CHECK(bytes == expected);
    }
    CHECK(ringcast::simd::select_mask_kernel(before));
}
