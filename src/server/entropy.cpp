#include "server/entropy.hpp"

#include <sys/random.h>

#include "base/assert.hpp"

namespace ringcast::server {

std::uint64_t random_seed() noexcept {
    std::uint64_t seed = 0;
    // Up to 256 bytes come whole and are never interrupted once the kernel's pool is ready.
    RC_ASSERT(getrandom(&seed, sizeof seed, 0) == sizeof seed);
    return seed;
}

}  // namespace ringcast::server
