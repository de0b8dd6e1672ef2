#include "http/credentials.hpp"

#include "http/characters.hpp"
#include "http/response.hpp"

namespace ringcast::http {

namespace {

/// The text up to `separator`, which goes with it from the front of `rest`.
std::string_view take_until(std::string_view& rest, char separator) noexcept {
    const std::size_t end = rest.find(separator);
    const std::string_view text = rest.substr(0, end);
    rest = end == rest.npos ? std::string_view{} : rest.substr(end + 1);
    return text;
}

}  // namespace

std::optional<FoundToken> find_token(const Request& request, const TokenPlaces& places) {
    if (const auto token = bearer_token(request))
        return FoundToken{TokenPlace::authorization, std::string{*token}};
    if (!places.subprotocol_prefix.empty()) {
        if (const auto token = subprotocol_token(request, places.subprotocol_prefix))
            return FoundToken{TokenPlace::subprotocol, std::string{*token}};
    }
    if (!places.cookie.empty()) {
        if (const auto token = cookie(request, places.cookie))
            return FoundToken{TokenPlace::cookie, std::string{*token}};
    }
    if (!places.query.empty()) {
        if (auto token = query_parameter(request.query, places.query))
            return FoundToken{TokenPlace::query, *std::move(token)};
    }
    return std::nullopt;
}

std::optional<std::string_view> bearer_token(const Request& request) noexcept {
    constexpr std::string_view scheme = "Bearer";
    const std::string_view value = request.field("Authorization").value_or(std::string_view{});
    if (!equals_ignoring_case(value.substr(0, scheme.size()), scheme)) return std::nullopt;
    const std::string_view rest = value.substr(scheme.size());
    if (!rest.empty() && rest.front() != ' ' && rest.front() != '\t') return std::nullopt;
    return trimmed(rest);
}

std::optional<std::string_view> cookie(const Request& request, std::string_view name) noexcept {
    for (const Field& field : request.fields) {
        if (!equals_ignoring_case(field.name, "Cookie")) continue;
        for (std::string_view rest = field.value; !rest.empty();) {
            std::string_view value = trimmed(take_until(rest, ';'));
            if (take_until(value, '=') != name) continue;
            if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"'))
                value = value.substr(1, value.size() - 2);
            return value;
        }
    }
    return std::nullopt;
}

std::optional<std::string_view> subprotocol_token(const Request& request,
                                                  std::string_view prefix) noexcept {
    for (const Field& field : request.fields) {
        if (!equals_ignoring_case(field.name, "Sec-WebSocket-Protocol")) continue;
        for (std::string_view rest = field.value; !rest.empty();) {
            const std::string_view subprotocol = take_list_element(rest);
            if (subprotocol.starts_with(prefix)) return subprotocol.substr(prefix.size());
        }
    }
    return std::nullopt;
}

}  // namespace ringcast::http
