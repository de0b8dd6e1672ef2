#pragma once
// The signature algorithms of JSON Web Tokens (RFC 7518 section 3, RFC 8037 section 3.1). `none` is
// not among them, so that no key can be used with it.

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

namespace ringcast::auth {

enum class Algorithm : std::uint8_t {
    hs256,
    hs384,
    hs512,
    rs256,
    rs384,
    rs512,
    ps256,
    ps384,
    ps512,
    es256,
    es384,
    es512,
    eddsa,  ///< With Ed25519 only.
};

/// The one with that name, as `alg` has it: `RS256`. Case counts.
[[nodiscard]] std::optional<Algorithm> find_algorithm(std::string_view name) noexcept;

/// Its name. Static storage.
[[nodiscard]] std::string_view to_string(Algorithm algorithm) noexcept;

/// What the name ends in: 256, 384 or 512; 0 for eddsa.
[[nodiscard]] unsigned hash_bits(Algorithm algorithm) noexcept;

}  // namespace ringcast::auth
