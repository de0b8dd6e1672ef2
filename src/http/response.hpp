#pragma once
// Writing HTTP/1.1 responses (RFC 9112 section 4).

#include <optional>
#include <string>
#include <string_view>

#include "http/request.hpp"

namespace ringcast::http {

/// A whole response.
struct Response {
    std::uint16_t status = 200;
    std::string_view fields;  ///< Extra header lines, each ended by CRLF.
    std::string_view content_type = "text/plain; charset=utf-8";
    std::string_view body;
    std::string_view date;          ///< The value of `Date`. Empty: no such field.
    std::string_view cross_origin;  ///< More lines, which let a page of another origin read it.
};

/// What the request, and the state of its connection, demand of the response.
struct ResponseRules {
    Persistence persistence = Persistence::close;
    bool is_to_head = false;   ///< The answer to HEAD says how long the content would be.
    bool takes_chunks = true;  ///< HTTP/1.0 does not.
};

/// True if content may follow the head. None does after HEAD, nor with 204 or 304.
[[nodiscard]] bool takes_content(std::uint16_t status, const ResponseRules& rules) noexcept;

/// Appends the head of the response, with `Content-Length`, to `out`.
void write_response_head(std::string& out, const Response& response, const ResponseRules& rules);
/// Appends the head of a response whose content follows in chunks, or until the connection ends.
void write_stream_head(std::string& out, const Response& response, const ResponseRules& rules);
/// Appends the response with its content, if it has any.
void write_response(std::string& out, const Response& response, const ResponseRules& rules = {});

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
