#include "http/request.hpp"

#include <algorithm>

#include "http/characters.hpp"

namespace ringcast::http {

namespace {

constexpr char to_lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

}  // namespace

std::string_view reason_phrase(std::uint16_t status) noexcept {
    switch (status) {
        case 100: return "Continue";
        case 101: return "Switching Protocols";
        case 200: return "OK";
        case 201: return "Created";
        case 202: return "Accepted";
        case 203: return "Non-Authoritative Information";
        case 204: return "No Content";
        case 205: return "Reset Content";
        case 206: return "Partial Content";
        case 300: return "Multiple Choices";
        case 301: return "Moved Permanently";
        case 302: return "Found";
        case 303: return "See Other";
        case 304: return "Not Modified";
        case 305: return "Use Proxy";
        case 307: return "Temporary Redirect";
        case 308: return "Permanent Redirect";
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 402: return "Payment Required";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 406: return "Not Acceptable";
        case 407: return "Proxy Authentication Required";
        case 408: return "Request Timeout";
        case 409: return "Conflict";
        case 410: return "Gone";
        case 411: return "Length Required";
        case 412: return "Precondition Failed";
        case 413: return "Content Too Large";
        case 414: return "URI Too Long";
        case 415: return "Unsupported Media Type";
        case 416: return "Range Not Satisfiable";
        case 417: return "Expectation Failed";
        case 421: return "Misdirected Request";
        case 422: return "Unprocessable Content";
        case 426: return "Upgrade Required";
        case 429: return "Too Many Requests";                // RFC 6585
        case 431: return "Request Header Fields Too Large";  // RFC 6585
        case 500: return "Internal Server Error";
        case 501: return "Not Implemented";
        case 502: return "Bad Gateway";
        case 503: return "Service Unavailable";
        case 504: return "Gateway Timeout";
        case 505: return "HTTP Version Not Supported";
        default: return "Unknown";
    }
}

Persistence Request::persistence() const noexcept {
    if (field_has_token("Connection", "close")) return Persistence::close;
    if (version_minor >= 1) return Persistence::persist;
    return field_has_token("Connection", "keep-alive") ? Persistence::keep_alive
                                                       : Persistence::close;
}

std::optional<std::string_view> Request::field(std::string_view name) const noexcept {
    for (const Field& field : fields) {
        if (equals_ignoring_case(field.name, name)) return field.value;
    }
    return std::nullopt;
}

bool Request::field_has_token(std::string_view name, std::string_view token) const noexcept {
    for (const Field& field : fields) {
        if (!equals_ignoring_case(field.name, name)) continue;
        for (std::string_view rest = field.value; !rest.empty();) {
            if (equals_ignoring_case(take_list_element(rest), token)) return true;
        }
    }
    return false;
}

std::size_t Request::field_count(std::string_view name) const noexcept {
    const auto has_name = [name](const Field& field) {
        return equals_ignoring_case(field.name, name);
    };
    return static_cast<std::size_t>(std::ranges::count_if(fields, has_name));
}

bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (to_lower(a[i]) != to_lower(b[i])) return false;
    }
    return true;
}

}  // namespace ringcast::http
