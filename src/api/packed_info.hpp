#pragma once
// What a token or the application says of a client, as it goes to those who are told of it.

#include <optional>
#include <string>

#include "auth/claims.hpp"
#include "base/client_info.hpp"

namespace ringcast::api {

/// No bytes: nothing.
[[nodiscard]] inline std::string packed(const std::optional<auth::Payload>& info) {
    return info ? pack(Info{.kind = info->kind, .bytes = info->bytes}) : std::string{};
}

}  // namespace ringcast::api
