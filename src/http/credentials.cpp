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

/// Whether it is that parameter of a query, as query_parameter() understands it.
bool is_called(std::string_view parameter, std::string_view name) {
    return query_parameter(parameter.substr(0, parameter.find('=')), name).has_value();
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

std::string redacted(std::string_view text, std::string_view name) {
    std::string result;
    const std::size_t query = text.find('?') + 1;  // 0 where there is none: the text is a query.
    result += text.substr(0, query);
    for (std::string_view rest = text.substr(query); !rest.empty();) {
        const bool is_last = rest.find('&') == rest.npos;
        const std::string_view parameter = take_until(rest, '&');
        const std::size_t value = parameter.find('=') + 1;
        if (value != 0 && is_called(parameter, name)) {
            result.append(parameter.substr(0, value)).append("...");
        } else {
            result += parameter;
        }
        if (!is_last) result += '&';
    }
    return result;
}

}  // namespace ringcast::http
