#pragma once
// What clients are told in more than one place.

#include <string_view>

#include "http/response.hpp"

namespace ringcast::shard {

inline constexpr http::Response nothing_here{
    .status = code_of(http::Status::not_found),
    .body = "nothing is served at this path\n",
};

/// Of a Close; requests are told the same in a line of its own.
inline constexpr std::string_view shutdown_reason = "server is shutting down";
inline constexpr http::Response shutting_down{
    .status = code_of(http::Status::service_unavailable),
    .body = "server is shutting down\n",
};
static_assert(shutting_down.body.substr(0, shutdown_reason.size()) == shutdown_reason);

}  // namespace ringcast::shard
