#include "tls/secret.hpp"

#include <openssl/crypto.h>

namespace ringcast::tls {

void wipe(std::span<std::byte> bytes) noexcept {
    OPENSSL_cleanse(bytes.data(), bytes.size());
}

}  // namespace ringcast::tls
