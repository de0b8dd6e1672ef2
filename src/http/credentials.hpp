#pragma once
// Where a request may carry a token: RFC 6750 has the field and the query, RFC 6265 cookies, and a
// browser's WebSocket has nothing but its subprotocols besides. What the token says is none of this
// layer's business.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/request.hpp"

namespace ringcast::http {

/// The places that are looked at, in this order; the first that has something counts, be it empty
/// or malformed, so that what is there is never passed over in silence.
struct TokenPlaces {
    /// A subprotocol that begins so is followed by the token: `bearer.` of `bearer.eyJh...`.
    /// Empty: none is.
    std::string subprotocol_prefix{};
    std::string cookie{};  ///< A cookie's name; empty: none.
    std::string query{};   ///< A query parameter's name; empty: none.
};

enum class TokenPlace : std::uint8_t { authorization, subprotocol, cookie, query };

struct FoundToken {
    TokenPlace place;
    std::string text;  ///< Not secret once it has expired, but until then: never to be logged.
};

/// Authorization comes first of all; another scheme than Bearer there is as good as nothing.
[[nodiscard]] std::optional<FoundToken> find_token(const Request& request,
                                                   const TokenPlaces& places);

/// What follows `Bearer` (RFC 6750 section 2.1; case ignored) in the first Authorization field.
[[nodiscard]] std::optional<std::string_view> bearer_token(const Request& request) noexcept;

/// The value of the first cookie called `name` (RFC 6265 section 4.2.1; case counts), without
/// quotes around it, as sent.
[[nodiscard]] std::optional<std::string_view> cookie(const Request& request,
                                                     std::string_view name) noexcept;

/// The rest of the first offered subprotocol that begins with `prefix`.
[[nodiscard]] std::optional<std::string_view> subprotocol_token(const Request& request,
                                                                std::string_view prefix) noexcept;

}  // namespace ringcast::http
