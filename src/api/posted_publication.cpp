#include "api/posted_publication.hpp"

#include <optional>
#include <string_view>

#include "api/cross_origin.hpp"
#include "base/bytes.hpp"
#include "dialect/json.hpp"
#include "dialect/raw.hpp"
#include "http/characters.hpp"

namespace ringcast::api {

namespace {

/// What a Content-Type makes of a payload; nothing if it is of no use here. Parameters are not
/// looked at: text has to be UTF-8 whatever they say.
std::optional<PublicationKind> kind_of(std::optional<std::string_view> content_type) noexcept {
    if (!content_type) return PublicationKind::text;
    const std::string_view type = http::trimmed(content_type->substr(0, content_type->find(';')));
    if (http::equals_ignoring_case(type, "application/json")) return PublicationKind::json;
    if (http::equals_ignoring_case(type, "application/octet-stream"))
        return PublicationKind::binary;
    // What curl -d says when it is told nothing.
    if (http::equals_ignoring_case(type, "application/x-www-form-urlencoded"))
        return PublicationKind::text;
    constexpr std::string_view text = "text/";
    if (type.size() > text.size() && http::equals_ignoring_case(type.substr(0, text.size()), text))
        return PublicationKind::text;
    return std::nullopt;
}

}  // namespace

std::expected<PublicationKind, shard::HttpAnswer> posted_kind(const http::Request& request,
                                                              std::span<const std::byte> body) {
    if (request.field_count("Content-Encoding") > 0) {
        return std::unexpected{short_answer(http::Status::unsupported_media_type,
                                            "send the body as it is, without Content-Encoding\n")};
    }
    const auto kind = kind_of(request.field("Content-Type"));
    if (!kind || request.field_count("Content-Type") > 1) {
        return std::unexpected{short_answer(
            http::Status::unsupported_media_type,
            "send one Content-Type: application/json, text/* or application/octet-stream\n")};
    }
    if (kind == PublicationKind::text && !dialect::raw::is_text(body))
        return std::unexpected{short_answer(http::Status::bad_request, "the body is not UTF-8\n")};
    const std::string_view text = as_text(body);
    if (kind == PublicationKind::json && !dialect::is_json(text))
        return std::unexpected{short_answer(http::Status::bad_request, "the body is not JSON\n")};
    return *kind;
}

shard::HttpAnswer answer_of(PublishStatus status) {
    using http::Status;
    switch (status) {
        case PublishStatus::accepted: return short_answer(Status::accepted, "accepted\n");
        case PublishStatus::full:
            return short_answer(Status::service_unavailable, "no room for it now, try again\n");
        case PublishStatus::invalid_topic:
            return short_answer(Status::bad_request, "no topic can have that name\n");
        case PublishStatus::too_large:
            return short_answer(Status::content_too_large, "too large for a publication\n");
        case PublishStatus::closed:
            return short_answer(Status::service_unavailable, "the server is stopping\n");
    }
    return short_answer(Status::internal_server_error, "internal error\n");
}

}  // namespace ringcast::api
