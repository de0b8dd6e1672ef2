#pragma once
// Where a fuzz target cuts a stream: many places chosen by one octet.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ringcast::test {

/// Cuts from a small linear generator, so that the fuzzer can steer them; the last one is `size`.
inline std::vector<std::size_t> cuts_of(std::uint8_t seed, std::size_t size) {
    std::vector<std::size_t> cuts;
    std::uint32_t state = seed;
    for (std::size_t at = 0; at < size;) {
        state = state * 1664525 + 1013904223;
        at = std::min<std::size_t>(size, at + 1 + (state >> 16) % (seed < 128 ? 7 : 200));
        cuts.push_back(at);
    }
    return cuts;
}

}  // namespace ringcast::test
