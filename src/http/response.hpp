#pragma once
// Writing HTTP/1.1 responses (RFC 9112 section 4).

#include <optional>
#include <string>
#include <string_view>

#include "http/request.hpp"

namespace ringcast::http {

/// A whole response with a short body, as the refusal of a handshake.
struct Response {
    std::uint16_t status = 200;
    std::string_view fields;  ///< Extra header lines, each ended by CRLF.
    std::string_view content_type = "text/plain; charset=utf-8";
    std::string_view body;
    enum class Body : std::uint8_t {
        send,
        omit
    } body_policy = Body::send;  ///< omit: answer to HEAD.
};

/// Appends the response with `Content-Length` and `Connection: close` to `out`. Without content for
/// 204.
void write_response(std::string& out, const Response& response);

/// Decodes `%XX` once. Empty result with ok == false: a malformed or truncated escape, or an octet
/// 0.
struct Decoded {
    std::string text;
    bool ok = true;
};
[[nodiscard]] Decoded percent_decode(std::string_view text);

/// The decoded value of the first parameter called `name` in a query string (`a=1&b=2`, `+` is a
/// space), if there is one and it is well-formed.
[[nodiscard]] std::optional<std::string> query_parameter(std::string_view query,
                                                         std::string_view name);

}  // namespace ringcast::http
