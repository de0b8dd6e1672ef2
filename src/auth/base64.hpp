#pragma once
// Base64 (RFC 4648), read strictly: each sequence of octets has exactly one text, so that no token
// has a second form that is taken for the same.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ringcast::auth {

enum class Base64 : std::uint8_t {
    url,       ///< Section 5, without padding: the parts of a token (RFC 7515 section 2).
    standard,  ///< Section 4, padded: `b64info` and `b64data`.
};

/// No value: a character of another alphabet, white space, padding where it does not belong, a
/// length that no octets have, or bits at the end that are not 0.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text, Base64 form);

}  // namespace ringcast::auth
