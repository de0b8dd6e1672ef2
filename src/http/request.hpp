#pragma once
// What an HTTP/1.1 request head says (RFC 9112 sections 2 to 6), as views into the bytes it was
// parsed from.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace ringcast::http {

enum class Method : std::uint8_t {
    get,
    head,
    post,
    put,
    delete_,
    options,
    patch,
    connect,
    trace,
    other
};

/// Status codes that ringcast itself answers with (RFC 9110 section 15).
enum class Status : std::uint16_t {
    switching_protocols = 101,
    ok = 200,
    accepted = 202,
    no_content = 204,
    bad_request = 400,
    unauthorized = 401,
    forbidden = 403,
    not_found = 404,
    method_not_allowed = 405,
    request_timeout = 408,
    length_required = 411,
    content_too_large = 413,
    uri_too_long = 414,
    unsupported_media_type = 415,
    expectation_failed = 417,
    upgrade_required = 426,
    too_many_requests = 429,
    header_fields_too_large = 431,
    internal_server_error = 500,
    not_implemented = 501,
    service_unavailable = 503,
    version_not_supported = 505,
};

[[nodiscard]] constexpr std::uint16_t code_of(Status status) noexcept {
    return static_cast<std::uint16_t>(status);
}

/// The reason phrase of RFC 9110 for any code, `Unknown` for one it does not name. Static storage.
[[nodiscard]] std::string_view reason_phrase(std::uint16_t status) noexcept;

/// What becomes of the connection behind the answer to a request (RFC 9112 section 9.3).
enum class Persistence : std::uint8_t {
    close,       ///< It ends, and the answer says so.
    keep_alive,  ///< It stays, as HTTP/1.0 has it only if both sides say so.
    persist,     ///< It stays, as HTTP/1.1 has it if nobody says anything.
};

struct Field {
    std::string_view name;   ///< As received; compare with equals_ignoring_case.
    std::string_view value;  ///< Without surrounding white space.
};

/// Views into a request head; valid as long as those bytes stay where they are.
struct Request {
    std::string_view head;  ///< All of it, from the request line to the empty line.
    Method method = Method::other;
    std::string_view method_text;
    std::string_view target;     ///< As received.
    std::string_view path;       ///< Up to `?`, still percent-encoded; starts with `/`, or is `*`
                                 ///< (OPTIONS), or empty (CONNECT).
    std::string_view query;      ///< After `?`, still percent-encoded; empty without one.
    std::string_view authority;  ///< Host and port asked for: of an absolute target, else of Host
                                 ///< (RFC 9112 section 3.2.2).
    std::uint8_t version_minor = 1;    ///< HTTP/1.x
    bool is_chunked = false;           ///< Transfer-Encoding: chunked
    std::uint64_t content_length = 0;  ///< 0 without Content-Length
    std::span<const Field> fields;

    [[nodiscard]] bool has_body() const noexcept { return is_chunked || content_length != 0; }
    /// What the client asks for; the server may always close.
    [[nodiscard]] Persistence persistence() const noexcept;
    /// The value of the first field of that name (ASCII case ignored), if any.
    [[nodiscard]] std::optional<std::string_view> field(std::string_view name) const noexcept;
    /// True if a comma-separated list field (all lines of that name) contains `token` (ASCII case
    /// ignored).
    [[nodiscard]] bool field_has_token(std::string_view name,
                                       std::string_view token) const noexcept;
    /// Lines with that name.
    [[nodiscard]] std::size_t field_count(std::string_view name) const noexcept;
};

[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;

}  // namespace ringcast::http
