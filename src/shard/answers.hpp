#pragma once
// What clients are told in more than one place.

#include <string_view>

#include "http/response.hpp"

namespace ringcast::shard {

inline constexpr http::Response nothing_here{
    .status = code_of(http::Status::not_found),
    .body = "nothing is served at this path\n",
};

inline constexpr http::Response shutting_down{
    .status = code_of(http::Status::service_unavailable),
    .body = "server is shutting down\n",
};
/// Of a Close: the same without the line's end.
inline constexpr std::string_view shutdown_reason =
    shutting_down.body.substr(0, shutting_down.body.size() - 1);

}  // namespace ringcast::shard
