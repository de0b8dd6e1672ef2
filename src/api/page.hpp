#pragma once
// What stands behind a mounted Page.

#include <expected>
#include <string>

#include "ringcast/page.hpp"
#include "shard/http_endpoint.hpp"

namespace ringcast::api {

/// A page with its header lines in one piece.
struct PreparedPage {
    std::string content;
    std::string content_type;
    std::string fields;
};

/// The error is one sentence that names the header which HTTP does not allow.
[[nodiscard]] std::expected<PreparedPage, std::string> prepare(Page page);

/// One per shard; the page is for all of them, and outlives them.
class PageEndpoint final : public shard::HttpEndpoint {
public:
    explicit PageEndpoint(const PreparedPage& page)
        : HttpEndpoint{shard::HttpMethods::get_and_head}, page_{page} {}

    shard::HttpAnswer on_request(shard::HttpExchange& exchange, const http::Request& request,
                                 std::span<const shard::PathParameter> parameters,
                                 std::span<const std::byte> body) override;

private:
    const PreparedPage& page_;
};

}  // namespace ringcast::api
