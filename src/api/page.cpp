#include "api/page.hpp"

#include <utility>

#include "api/upgrade.hpp"

namespace ringcast::api {

std::expected<PreparedPage, std::string> prepare(Page page) {
    PreparedPage prepared{.content = std::move(page.content),
                          .content_type = std::move(page.content_type),
                          .fields = {}};
    std::string ignored;
    if (!append_field(ignored, "Content-Type", prepared.content_type))
        return std::unexpected{"content type '" + prepared.content_type + "' is malformed"};
    for (const Header& header : page.headers) {
        if (!append_field(prepared.fields, header.name, header.value))
            return std::unexpected{"header '" + header.name + "' is malformed"};
    }
    return prepared;
}

shard::HttpAnswer PageEndpoint::on_request(shard::HttpExchange&, const http::Request&,
                                           std::span<const shard::PathParameter>,
                                           std::span<const std::byte>) {
    return {.fields = page_.fields, .content_type = page_.content_type, .body = page_.content};
}

}  // namespace ringcast::api
