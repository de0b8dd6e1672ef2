#include "http/proxy_header.hpp"

#include <doctest/doctest.h>
#include <string>
#include <string_view>
#include <vector>

#include "support/proxy_header.hpp"

using namespace ringcast;
using namespace ringcast::http;
using namespace std::string_literals;
using namespace std::string_view_literals;
using test::binary_proxy_header;
using HeaderFound = ProxyHeaderParser::Found;

namespace {

struct Seen {
    HeaderFound found = HeaderFound::need_more;
    ProxyHeaderReason reason = ProxyHeaderReason::none;
    std::optional<IpEndpoint> source;
    std::size_t consumed = 0;

    friend bool operator==(const Seen&, const Seen&) = default;
};

/// Feeds `text` in pieces of `piece_size`.
Seen parse(std::string text, std::size_t piece_size = SIZE_MAX) {
    ProxyHeaderParser parser;
    Seen seen;
    std::span rest = std::as_writable_bytes(std::span{text});
    while (!rest.empty() && seen.found == HeaderFound::need_more) {
        std::span piece = rest.first(std::min(piece_size, rest.size()));
        const std::size_t given = piece.size();
        seen.found = parser.next(piece);
        seen.consumed += given - piece.size();
        rest = rest.subspan(given - piece.size());
        if (seen.found == HeaderFound::need_more) CHECK(piece.empty());
    }
    seen.reason = parser.reason();
    if (seen.found == HeaderFound::header) seen.source = parser.source();
    return seen;
}

const std::string ipv4_body = "\xc0\x00\x02\x07\xc6\x33\x64\x01\xc8\x22\x01\xbb"s;
const std::string ipv6_body =
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
    "\xc8\x22\x01\xbb"s;
const std::string tlvs = "\x04\x00\x03\x00\x00\x00\x02\x00\x01x"s;

}  // namespace

TEST_CASE("a header of either version tells the source, and what is behind it stays") {
    struct {
        std::string header;
        const char* source;  // Empty: none.
    } const cases[] = {
        {"PROXY TCP4 192.0.2.7 198.51.100.1 51234 443\r\n", "192.0.2.7:51234"},
        {"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535"},
        {"PROXY TCP6 2001:db8::7 2001:db8::1 51234 443\r\n", "[2001:db8::7]:51234"},
        {"PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n", "192.0.2.7:1"},
        {"PROXY TCP4 192.0.2.7 198.51.100.1 0 0\r\n", "192.0.2.7:0"},
        {"PROXY UNKNOWN\r\n", ""},
        {"PROXY UNKNOWN ffff::1 anything at all\r\n", ""},
        {binary_proxy_header(0x21, 0x11, ipv4_body), "192.0.2.7:51234"},
        {binary_proxy_header(0x21, 0x11, ipv4_body + tlvs), "192.0.2.7:51234"},
        {binary_proxy_header(0x21, 0x21, ipv6_body), "[2001:db8::7]:51234"},
        {binary_proxy_header(0x21, 0x21, ipv6_body + tlvs), "[2001:db8::7]:51234"},
        {binary_proxy_header(0x21, 0x21, ipv6_body + std::string(4096 - 36, 'x')),
         "[2001:db8::7]:51234"},
        {binary_proxy_header(0x21, 0x31, std::string(216, 'p')), ""},
        {binary_proxy_header(0x21, 0x31, std::string(216, 'p') + tlvs), ""},
        {binary_proxy_header(0x21, 0x00, ""), ""},
        {binary_proxy_header(0x21, 0x00, tlvs), ""},
        {binary_proxy_header(0x20, 0x00, ""), ""},
        {binary_proxy_header(0x20, 0x11, ipv4_body), ""},
        {binary_proxy_header(0x20, 0x11, "x"), ""},
        {binary_proxy_header(0x20, 0xff, "x"), ""},
    };
    for (const auto& [header, source] : cases) {
        CAPTURE(header);
        const Seen whole = parse(header + "GET / HTTP/1.1\r\n");
        CHECK(whole.found == HeaderFound::header);
        CHECK(whole.consumed == header.size());
        const auto expected =
            *source == '\0' ? std::nullopt : std::optional{parse_ip_endpoint(source).value()};
        // LOCAL and its addresses: the proxy speaks for itself.
        CHECK(whole.source == expected);
        for (const std::size_t size : {1u, 2u, 3u, 5u, 13u, 17u, 50u})
            CHECK(parse(header + "GET / HTTP/1.1\r\n", size) == whole);
        for (std::size_t size = 0; size < header.size(); ++size)
            CHECK(parse(header.substr(0, size)).found == HeaderFound::need_more);
    }
}

TEST_CASE("anything else fails at the first octet that tells, for its reason") {
    struct {
        std::string header;
        ProxyHeaderReason reason;
        std::size_t consumed;
    } const cases[] = {
        {"GET / HTTP/1.1\r\n", ProxyHeaderReason::no_signature, 1},
        {"POST / HTTP/1.1\r\n", ProxyHeaderReason::no_signature, 2},
        {"PROXYTCP4", ProxyHeaderReason::no_signature, 6},
        {"\x16\x03\x01"s, ProxyHeaderReason::no_signature, 1},
        {"\r\nGET", ProxyHeaderReason::no_signature, 3},
        {"\r\n\r\n\0\r\nQUIX"s, ProxyHeaderReason::no_signature, 11},
        {"PROXY TCP4\r\n", ProxyHeaderReason::malformed_line, 12},
        {"PROXY TCP5 192.0.2.7 198.51.100.1 51234 443\r\n", ProxyHeaderReason::malformed_line, 45},
        {"PROXY tcp4 192.0.2.7 198.51.100.1 51234 443\r\n", ProxyHeaderReason::malformed_line, 45},
        {"PROXY TCP4 192.0.2.7 198.51.100.1 51234\r\n", ProxyHeaderReason::malformed_line, 41},
        {"PROXY TCP4 192.0.2.7 198.51.100.1 51234 443 1\r\n", ProxyHeaderReason::malformed_line,
         47},
        {"PROXY TCP4 192.0.2.7 198.51.100.1 51234 443 \r\n", ProxyHeaderReason::malformed_line, 46},
        {"PROXY TCP4  192.0.2.7 198.51.100.1 51234 443\r\n", ProxyHeaderReason::malformed_line, 46},
        {"PROXY  TCP4 192.0.2.7 198.51.100.1 51234 443\r\n", ProxyHeaderReason::malformed_line, 46},
        {"PROXY TCP4 192.0.2.7 198.51.100.1 51234 65536\r\n", ProxyHeaderReason::malformed_line,
         47},
        {"PROXY TCP4 192.0.2.7 198.51.100.1 051234 443\r\n", ProxyHeaderReason::malformed_line, 46},
        {"PROXY TCP4 192.0.2.07 198.51.100.1 51234 443\r\n", ProxyHeaderReason::malformed_line, 46},
        {"PROXY TCP4 192.0.2.7 198.51.100 51234 443\r\n", ProxyHeaderReason::malformed_line, 43},
        {"PROXY TCP4 ::1 ::1 51234 443\r\n", ProxyHeaderReason::malformed_line, 30},
        {"PROXY TCP6 192.0.2.7 198.51.100.1 51234 443\r\n", ProxyHeaderReason::malformed_line, 45},
        {"PROXY UNKNOWNX\r\n", ProxyHeaderReason::malformed_line, 16},
        {"PROXY \r\n", ProxyHeaderReason::malformed_line, 8},
        {"PROXY TCP4 192.0.2.7 198.51.100.1 51234 443\n", ProxyHeaderReason::malformed_line, 44},
        {"PROXY UNKNOWN\rx", ProxyHeaderReason::malformed_line, 15},
        {"PROXY UNKNOWN " + std::string(200, 'x'), ProxyHeaderReason::line_too_long, 107},
        {binary_proxy_header(0x11, 0x11, ipv4_body), ProxyHeaderReason::unsupported_version, 16},
        {binary_proxy_header(0x31, 0x11, ipv4_body), ProxyHeaderReason::unsupported_version, 16},
        {binary_proxy_header(0x22, 0x11, ipv4_body), ProxyHeaderReason::unsupported_command, 16},
        {binary_proxy_header(0x21, 0x12, ipv4_body), ProxyHeaderReason::unsupported_family, 16},
        {binary_proxy_header(0x21, 0x10, ipv4_body), ProxyHeaderReason::unsupported_family, 16},
        {binary_proxy_header(0x21, 0x01, ipv4_body), ProxyHeaderReason::unsupported_family, 16},
        {binary_proxy_header(0x21, 0x41, ipv4_body), ProxyHeaderReason::unsupported_family, 16},
        {binary_proxy_header(0x21, 0x11, ipv4_body.substr(1)), ProxyHeaderReason::too_short, 16},
        {binary_proxy_header(0x21, 0x21, ipv4_body), ProxyHeaderReason::too_short, 16},
        {binary_proxy_header(0x21, 0x31, std::string(215, 'p')), ProxyHeaderReason::too_short, 16},
        {binary_proxy_header(0x21, 0x11, std::string(4097, 'p')), ProxyHeaderReason::too_long, 16},
        {binary_proxy_header(0x20, 0x00, std::string(4097, 'p')), ProxyHeaderReason::too_long, 16},
    };
    for (const auto& [header, reason, consumed] : cases) {
        CAPTURE(header);
        const Seen whole = parse(header);
        CHECK(whole.found == HeaderFound::failure);
        CHECK(to_string(whole.reason) == to_string(reason));
        CHECK(whole.consumed == consumed);
        for (const std::size_t size : {1u, 2u, 3u, 7u}) CHECK(parse(header, size) == whole);
    }
}

TEST_CASE("a line of exactly 107 octets is taken") {
    const std::string line = "PROXY UNKNOWN " + std::string(91, 'x') + "\r\n";
    REQUIRE(line.size() == 107);
    CHECK(parse(line).found == HeaderFound::header);
    CHECK(parse("PROXY UNKNOWN " + std::string(92, 'x') + "\r\n").reason ==
          ProxyHeaderReason::line_too_long);
}
