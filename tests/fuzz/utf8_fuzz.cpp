// UTF-8 validation against a hand decoder, in pieces. The input:
//
//   | piece length, 1 octet | that many octets of text | piece length | ...
//
// so that the fuzzer chooses the cuts. Traps when the two disagree after any piece.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/assert.hpp"
#include "simd/utf8.hpp"
#include "support/utf8_reference.hpp"

using ringcast::simd::is_utf8;
using ringcast::simd::Utf8Validator;
using ringcast::test::judge_utf8;
using ringcast::test::Utf8Verdict;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // The reference starts anew after each piece; longer texts bring nothing but waiting.
    constexpr std::size_t input_bytes_max = 4096;
    std::span input{reinterpret_cast<const std::byte*>(data), std::min(size, input_bytes_max)};

    std::vector<std::byte> text;
    Utf8Validator validator;
    bool alive = true;
    while (!input.empty()) {
        const auto length = std::to_integer<std::size_t>(input.front());
        input = input.subspan(1);
        const auto piece = input.first(std::min(length, input.size()));
        input = input.subspan(piece.size());
        text.insert(text.end(), piece.begin(), piece.end());
        // A copy of its own, so that AddressSanitizer sees an octet read too far.
        const std::vector<std::byte> copy(piece.begin(), piece.end());
        const bool was_alive = alive;
        alive = validator.feed(copy);
        if (!was_alive) RC_ASSERT(!alive);

        const Utf8Verdict expected = judge_utf8(text);
        RC_ASSERT(alive == (expected != Utf8Verdict::invalid));
        RC_ASSERT(validator.is_complete() == (expected == Utf8Verdict::complete));
    }
    RC_ASSERT(is_utf8(text) == (judge_utf8(text) == Utf8Verdict::complete));
    return 0;
}
