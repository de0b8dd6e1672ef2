#pragma once
// Requests of web pages of other origins (WHATWG Fetch section 3.2): a page that may connect by
// WebSocket may also read the answers to its plain requests, by the same list of origins. The
// fields that let it do so come from the shard (shard::HttpEndpoint::is_cross_origin).

#include <string>

#include "http/request.hpp"
#include "shard/http_endpoint.hpp"

namespace ringcast::api {

/// The answer to OPTIONS, be it a browser's question whether the page may send the request that it
/// wants to send, or anybody's what there is. The origin has been found to be allowed
/// (shard::Shard::admits_origin). `methods` as `GET, HEAD`.
[[nodiscard]] shard::HttpAnswer preflight_answer(const http::Request& request,
                                                 std::string_view methods);

/// The answer to a page that has no business here.
[[nodiscard]] shard::HttpAnswer origin_refusal();

/// An answer of one line, which nobody may keep; `fields` stand beside that.
[[nodiscard]] shard::HttpAnswer short_answer(http::Status status, std::string_view text,
                                             std::string fields = {});

/// The answer that says what a verdict which refuses says.
[[nodiscard]] shard::HttpAnswer answer_of(shard::Verdict refusal);

}  // namespace ringcast::api
