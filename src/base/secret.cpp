#include "base/secret.hpp"

#include <cstring>

namespace ringcast {

void wipe(std::span<std::byte> bytes) noexcept {
    if (!bytes.empty()) explicit_bzero(bytes.data(), bytes.size());
}

}  // namespace ringcast
