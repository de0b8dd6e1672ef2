#pragma once
// The body of a POST as a publication: its kind is what the Content-Type says.
//
//   application/json          json, if it is
//   text/*, none, a form's    text, if it is UTF-8
//   application/octet-stream  binary

#include <expected>
#include <span>

#include "base/publication.hpp"
#include "http/request.hpp"
#include "ringcast/topic.hpp"
#include "shard/http_endpoint.hpp"

namespace ringcast::api {

/// Or why it is none: 400 or 415.
[[nodiscard]] std::expected<PublicationKind, shard::HttpAnswer> posted_kind(
    const http::Request& request, std::span<const std::byte> body);

/// What whoever has posted it is told: 202 says that it is on its way.
[[nodiscard]] shard::HttpAnswer answer_of(PublishStatus status);

}  // namespace ringcast::api
