#pragma once
// Which request heads a strict server accepts, decided the slow and obvious way on a complete head
// (RFC 9112); and a driver that feeds octets to http::RequestParser in pieces. Unit tests and the
// fuzz target compare the two.

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/buffer_pool.hpp"
#include "http/request_parser.hpp"

namespace ringcast::test {

/// What came of a stream: a verdict, and with a request its parts copied.
struct SeenRequest {
    http::RequestParser::Found found = http::RequestParser::Found::need_more;
    int status = 0;  ///< With failure.
    http::Reason reason = http::Reason::none;
    std::size_t head_bytes = 0;  ///< Consumed when the request was found.
    http::Method method = http::Method::other;
    std::string method_text, target, path, query, authority;
    int version_minor = 0;
    bool is_chunked = false;
    std::uint64_t content_length = 0;
    std::vector<std::pair<std::string, std::string>> fields;

    friend bool operator==(const SeenRequest&, const SeenRequest&) = default;
};

[[nodiscard]] inline SeenRequest copy_request(const http::Request& request) {
    SeenRequest seen{.found = http::RequestParser::Found::request,
                     .method = request.method,
                     .method_text = std::string{request.method_text},
                     .target = std::string{request.target},
                     .path = std::string{request.path},
                     .query = std::string{request.query},
                     .authority = std::string{request.authority},
                     .version_minor = request.version_minor,
                     .is_chunked = request.is_chunked,
                     .content_length = request.content_length,
                     .fields = {}};
    for (const http::Field& field : request.fields)
        seen.fields.emplace_back(field.name, field.value);
    return seen;
}

/// Feeds `stream`, cut at `cuts` (ascending positions in it), each slice in memory of exactly its
/// size, until the first request or failure.
[[nodiscard]] inline SeenRequest parse_in_pieces(std::string_view stream,
                                                 const std::vector<std::size_t>& cuts,
                                                 const http::HeadLimits& limits = {}) {
    using Found = http::RequestParser::Found;
    BufferPool pool;
    SeenRequest seen;
    {
        http::RequestParser parser;
        const auto storage = std::make_unique<http::RequestStorage>();
        std::size_t start = 0;
        for (std::size_t next_cut = 0; start < stream.size() && seen.found == Found::need_more;
             ++next_cut) {
            const std::size_t end = next_cut < cuts.size() ? cuts[next_cut] : stream.size();
            const std::size_t size = end - start;
            const std::unique_ptr<std::byte[]> slice{new std::byte[size]};
            if (size != 0) std::memcpy(slice.get(), stream.data() + start, size);
            std::span<std::byte> input{slice.get(), size};
            start = end;
            const http::RequestParser::Result result = parser.next(input, *storage, pool, limits);
            if (result.found == Found::need_more) {
                RC_ASSERT(input.empty());
                RC_ASSERT(parser.is_partial() == (end != 0));
                continue;
            }
            if (result.found == Found::request) {
                RC_ASSERT(!parser.is_partial());
                seen = copy_request(storage->request);
                seen.head_bytes = end - input.size();
                parser.reset();
                RC_ASSERT(pool.blocks_in_use() == 0);
            } else {
                seen.found = Found::failure;
                seen.status = static_cast<int>(result.status);
                seen.reason = result.reason;
            }
        }
    }
    RC_ASSERT(pool.blocks_in_use() == 0);
    return seen;
}

namespace detail {

inline bool contains_only(std::string_view text, std::string_view allowed) {
    return text.find_first_not_of(allowed) == std::string_view::npos;
}

inline constexpr std::string_view digits = "0123456789";
inline constexpr std::string_view hex_digits = "0123456789abcdefABCDEF";
inline constexpr std::string_view letters_and_digits =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

inline bool reference_is_token(std::string_view text) {
    return !text.empty() &&
           contains_only(text, std::string{letters_and_digits} + "!#$%&'*+-.^_`|~");
}

inline std::string lower(std::string_view text) {
    std::string result{text};
    for (char& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return result;
}

inline bool reference_escapes_are_valid(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') continue;
        if (i + 2 >= text.size() || !contains_only(text.substr(i + 1, 2), hex_digits)) return false;
        if (text.substr(i, 3) == "%00") return false;
    }
    return true;
}

inline bool reference_is_authority(std::string_view text) {
    std::string_view host = text, port;
    const std::size_t bracket = text.rfind(']');
    const std::size_t colon = text.rfind(':');
    if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
        host = text.substr(0, colon);
        port = text.substr(colon + 1);
    }
    if (!contains_only(port, digits)) return false;
    port.remove_prefix(std::min(port.find_first_not_of('0'), port.size()));
    if (port.size() > 5 || (!port.empty() && std::stoul(std::string{port}) > 65535)) return false;
    if (host.starts_with('[')) {
        return host.ends_with(']') && host.size() >= 4 &&
               contains_only(host.substr(1, host.size() - 2), std::string{hex_digits} + ":.");
    }
    return !host.empty() &&
           contains_only(host, std::string{letters_and_digits} + "-._~!$&'()*+,;=%") &&
           reference_escapes_are_valid(host);
}

inline bool reference_accepts_target(std::string_view method, std::string_view target) {
    if (target.empty() || !reference_escapes_are_valid(target)) return false;
    for (const char c : target) {
        if (c <= ' ' || c > '~' || c == '#') return false;
    }
    if (method == "CONNECT") {
        const std::size_t colon = target.rfind(':');
        return colon != std::string_view::npos && colon + 1 < target.size() &&
               contains_only(target.substr(colon + 1), digits) && reference_is_authority(target);
    }
    if (target == "*") return method == "OPTIONS";
    if (target[0] == '/') return true;
    const std::size_t separator = target.find("://");
    if (separator == std::string_view::npos) return false;
    const std::string scheme = lower(target.substr(0, separator));
    if (scheme != "http" && scheme != "https" && scheme != "ws" && scheme != "wss") return false;
    const std::string_view rest = target.substr(separator + 3);
    return reference_is_authority(rest.substr(0, rest.find_first_of("/?")));
}

}  // namespace detail

/// True if `head`, which ends with its only CRLF CRLF and starts with its request line, is
/// acceptable by everything but the limits.
[[nodiscard]] inline bool reference_accepts_head(std::string_view head) {
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < head.size();) {
        const std::size_t end = head.find("\r\n", at);
        lines.emplace_back(head.substr(at, end - at));
        at = end + 2;
    }
    lines.pop_back();  // The empty line.
    if (lines.empty() || std::count(lines[0].begin(), lines[0].end(), ' ') != 2) return false;
    const std::size_t first_space = lines[0].find(' '), second_space = lines[0].rfind(' ');
    const std::string method = lines[0].substr(0, first_space);
    const std::string version = lines[0].substr(second_space + 1);
    if (!detail::reference_is_token(method) || (version != "HTTP/1.1" && version != "HTTP/1.0"))
        return false;
    if (!detail::reference_accepts_target(
            method, lines[0].substr(first_space + 1, second_space - first_space - 1))) {
        return false;
    }
    int hosts = 0, lengths = 0, codings = 0;
    for (std::size_t i = 1; i < lines.size(); ++i) {
        const std::size_t colon = lines[i].find(':');
        if (colon == std::string::npos || !detail::reference_is_token(lines[i].substr(0, colon)))
            return false;
        const std::string name = detail::lower(lines[i].substr(0, colon));
        std::string value = lines[i].substr(colon + 1);
        while (value.starts_with(' ') || value.starts_with('\t')) value.erase(0, 1);
        while (value.ends_with(' ') || value.ends_with('\t')) value.pop_back();
        for (const char c : value) {
            const auto octet = static_cast<unsigned char>(c);
            if ((octet < 0x20 && octet != '\t') || octet == 0x7f) return false;
        }
        if (name == "host" && (++hosts > 1 || !detail::reference_is_authority(value))) return false;
        if (name == "content-length") {
            if (++lengths > 1 || value.empty() || !detail::contains_only(value, detail::digits))
                return false;
            value.erase(0, std::min(value.find_first_not_of('0'), value.size()));
            constexpr std::string_view max = "18446744073709551615";
            if (value.size() > max.size() || (value.size() == max.size() && value > max))
                return false;
        }
        if (name == "transfer-encoding" && (++codings > 1 || detail::lower(value) != "chunked"))
            return false;
    }
    if (version == "HTTP/1.1" ? hosts != 1 : codings != 0) return false;
    return lengths == 0 || codings == 0;
}

}  // namespace ringcast::test
