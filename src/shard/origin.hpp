#pragma once
// The Origin check (RFC 6455 section 10.2): a browser tells which page opened the WebSocket; a page
// of another site must not use its visitor's connection.

#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "http/request.hpp"

namespace ringcast::shard {

/// Which origins besides its own a page may have: `https://*.example.org`.
///
/// A pattern is a serialised origin (RFC 6454 section 6.2), in which
///   - each label of the host may have one `*`, which stands for one or more letters, digits, `-`
///     or `_`, never for a dot: `https://*.example.org` is neither `https://example.org` nor
///     `https://a.b.example.org`, and `https://pr-*.example.org` is `https://pr-7.example.org`;
///   - the port may be `*`: any. Without a port it is the scheme's own.
/// The scheme is always spelled out. `null` is the origin of files and sandboxed frames. `*` alone
/// is every origin.
class OriginPattern {
public:
    /// The error is one sentence that quotes the text.
    [[nodiscard]] static std::expected<OriginPattern, std::string> parse(std::string_view text);

    /// `origin` is the value of the field, whatever it is. Case does not matter.
    [[nodiscard]] bool matches(std::string_view origin) const noexcept;

private:
    explicit OriginPattern(std::string_view text) : text_{text} {}
    std::string text_;
};

/// True if the request has no Origin (not a browser), or exactly one whose host and port are those
/// of the Host field. The scheme is not compared: a proxy may have taken TLS off.
[[nodiscard]] bool is_same_origin(const http::Request& request) noexcept;

/// True if the request is_same_origin(), or its only Origin is one of `patterns`.
[[nodiscard]] bool is_origin_allowed(const http::Request& request,
                                     std::span<const OriginPattern> patterns) noexcept;

/// The header lines that let the page which asks read the answer to a plain request (WHATWG Fetch
/// section 3.2), of an origin that is_origin_allowed(); none if no page does.
[[nodiscard]] std::string cross_origin_fields(const http::Request& request);

}  // namespace ringcast::shard
