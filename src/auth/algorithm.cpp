#include "auth/algorithm.hpp"

#include <array>

namespace ringcast::auth {

namespace {

constexpr std::array<std::string_view, 13> names{"HS256", "HS384", "HS512", "RS256", "RS384",
                                                 "RS512", "PS256", "PS384", "PS512", "ES256",
                                                 "ES384", "ES512", "EdDSA"};
static_assert(names.size() == static_cast<std::size_t>(Algorithm::eddsa) + 1);

}  // namespace

std::optional<Algorithm> find_algorithm(std::string_view name) noexcept {
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i] == name) return static_cast<Algorithm>(i);
    }
    return std::nullopt;
}

std::string_view to_string(Algorithm algorithm) noexcept {
    return names[static_cast<std::size_t>(algorithm)];
}

unsigned hash_bits(Algorithm algorithm) noexcept {
    switch (algorithm) {
        case Algorithm::hs256:
        case Algorithm::rs256:
        case Algorithm::ps256:
        case Algorithm::es256: return 256;
        case Algorithm::hs384:
        case Algorithm::rs384:
        case Algorithm::ps384:
        case Algorithm::es384: return 384;
        case Algorithm::hs512:
        case Algorithm::rs512:
        case Algorithm::ps512:
        case Algorithm::es512: return 512;
        case Algorithm::eddsa: return 0;
    }
    return 0;
}

}  // namespace ringcast::auth
