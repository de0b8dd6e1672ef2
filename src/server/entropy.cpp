#include "server/entropy.hpp"

#include <algorithm>
#include <sys/random.h>

#include "base/assert.hpp"

namespace ringcast::server {

std::uint64_t random_seed() noexcept {
    std::uint64_t seed = 0;
    // Up to 256 bytes come whole and are never interrupted once the kernel's pool is ready.
    RC_ASSERT(getrandom(&seed, sizeof seed, 0) == sizeof seed);
    return seed;
}

void fill_random(std::span<std::byte> bytes) noexcept {
    constexpr std::size_t piece_bytes_max = 256;
    while (!bytes.empty()) {
        const std::size_t size = std::min(bytes.size(), piece_bytes_max);
        RC_ASSERT(getrandom(bytes.data(), size, 0) == static_cast<ssize_t>(size));
        bytes = bytes.subspan(size);
    }
}

}  // namespace ringcast::server
