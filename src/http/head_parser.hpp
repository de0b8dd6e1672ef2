#pragma once
// The second half of request parsing: a complete head, taken apart and checked. Pure; used by
// RequestParser.

#include <string_view>

#include "http/request_parser.hpp"

namespace ringcast::http {

/// Parses `head`: a request line and at most `fields_max` field lines, each ended by CRLF, closed
/// by an empty line, no LF elsewhere (RFC 9112 sections 3 and 5). Fills `storage` with views into
/// `head`. Result: `request` or `failure`.
[[nodiscard]] RequestParser::Result parse_head(std::string_view head, std::size_t fields_max,
                                               RequestStorage& storage) noexcept;

/// What the parsers say of a head that is none.
[[nodiscard]] constexpr RequestParser::Result failed_head(
    Reason reason, Status status = Status::bad_request) noexcept {
    return {RequestParser::Found::failure, status, reason};
}

}  // namespace ringcast::http
