#include "base/hash.hpp"

#include <xxhash.h>

namespace ringcast {

std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed) noexcept {
    return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

Digest digest_bytes(std::string_view bytes, std::uint64_t seed) noexcept {
    const XXH128_hash_t hash = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed);
    return {.low = hash.low64, .high = hash.high64};
}

}  // namespace ringcast
