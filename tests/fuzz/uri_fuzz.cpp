// Any octets as what a request's target is made of: percent-decoding, query parameters, the paths
// that are mounted, addresses and origins. Input: a line each for the pattern of a mounted path, of
// an origin, and then the text.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.hpp"
#include "base/ip_address.hpp"
#include "http/forwarded.hpp"
#include "http/response.hpp"
#include "shard/origin.hpp"
#include "shard/router.hpp"

namespace {

using namespace ringcast;

std::string_view take_line(std::string_view& rest) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return line;
}

/// Every octet escaped.
std::string encode_all(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string encoded;
    for (const char c : text) {
        encoded += '%';
        encoded += digits[static_cast<std::uint8_t>(c) >> 4];
        encoded += digits[static_cast<std::uint8_t>(c) & 0xf];
    }
    return encoded;
}

void check_decoding(std::string_view text) {
    const http::Decoded decoded = http::percent_decode(text);
    if (!decoded.ok) {
        RC_ASSERT(decoded.text.empty());
        return;
    }
    RC_ASSERT(decoded.text.size() <= text.size());
    RC_ASSERT(decoded.text.find('\0') == std::string::npos || text.find('\0') != text.npos);
    if (decoded.text.find('\0') != std::string::npos) return;
    const http::Decoded again = http::percent_decode(encode_all(decoded.text));
    RC_ASSERT(again.ok && again.text == decoded.text);
    const std::string query = "a=0&name=" + encode_all(decoded.text) + "&name=1";
    RC_ASSERT(http::query_parameter(query, "name") == decoded.text);
}

/// What no star stands for: an origin that matches has the dots of its pattern.
void check_origin(std::string_view pattern_text, std::string_view origin) {
    const auto pattern = shard::OriginPattern::parse(pattern_text);
    if (!pattern) return;
    if (pattern_text == "*") RC_ASSERT(pattern->matches(origin));
    if (pattern_text == "*" || !pattern->matches(origin)) return;
    const auto count = [](std::string_view text, char c) {
        std::size_t found = 0;
        for (const char each : text) found += each == c ? 1 : 0;
        return found;
    };
    RC_ASSERT(count(pattern_text, '.') == count(origin, '.'));
    RC_ASSERT(count(pattern_text, '/') == count(origin, '/'));
    RC_ASSERT(count(origin, '@') == 0 && count(origin, ' ') == 0 && count(origin, '*') == 0);
}

void check_forwarded(std::string_view text) {
    std::array fields{http::Field{"Forwarded", text}, http::Field{"X-Forwarded-For", text},
                      http::Field{"Forwarded", "for=192.0.2.1"},
                      http::Field{"X-Forwarded-For", "192.0.2.1"}};
    http::Request request;
    request.fields = fields;
    // Whatever a client writes, the line of the proxy behind it says what it says.
    const auto last = parse_ip_endpoint("192.0.2.1");
    for (const auto field :
         {http::ForwardedField::forwarded, http::ForwardedField::x_forwarded_for}) {
        const auto hops = http::ForwardedHops::read(request, field);
        RC_ASSERT(hops || field == http::ForwardedField::forwarded);
        if (hops) RC_ASSERT(hops->count() > 0 && hops->from_end(0) == last);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text{reinterpret_cast<const char*>(data), size};
    const std::string_view path = take_line(text);
    const std::string_view origin = take_line(text);
    check_decoding(text);
    (void)http::query_parameter(text, path);
    if (const auto pattern = shard::PathPattern::parse(path)) (void)pattern->match(text);
    check_origin(origin, text);
    check_forwarded(text);
    (void)IpNetwork::parse(text);
    return 0;
}
