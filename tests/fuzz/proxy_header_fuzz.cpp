// Any octets as a PROXY header, cut anywhere: the same verdict for every cutting, and for lines of
// version 1 the verdict of a naive reference. Input: one octet that says where to cut, then the
// stream.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.hpp"
#include "http/proxy_header.hpp"

namespace {

using namespace ringcast;
using http::ProxyHeaderParser;
using Found = ProxyHeaderParser::Found;

struct Seen {
    Found found = Found::need_more;
    http::ProxyHeaderReason reason = http::ProxyHeaderReason::none;
    std::optional<IpEndpoint> source;
    std::size_t consumed = 0;

    friend bool operator==(const Seen&, const Seen&) = default;
};

/// Feeds pieces of that size, each in memory of exactly its size.
Seen parse(std::string_view stream, std::size_t piece_size) {
    ProxyHeaderParser parser;
    Seen seen;
    while (!stream.empty() && seen.found == Found::need_more) {
        const std::size_t size = std::min(piece_size, stream.size());
        const auto memory = std::make_unique<std::byte[]>(size);
        std::ranges::copy(std::as_bytes(std::span{stream.substr(0, size)}), memory.get());
        std::span piece{memory.get(), size};
        seen.found = parser.next(piece);
        RC_ASSERT(seen.found != Found::need_more || piece.empty());
        seen.consumed += size - piece.size();
        stream.remove_prefix(size - piece.size());
    }
    seen.reason = parser.reason();
    RC_ASSERT((seen.found == Found::failure) == (seen.reason != http::ProxyHeaderReason::none));
    if (seen.found == Found::header) seen.source = parser.source();
    return seen;
}

/// The words between single spaces.
std::vector<std::string_view> split(std::string_view line) {
    std::vector<std::string_view> words;
    for (std::size_t begin = 0; begin <= line.size();) {
        const std::size_t end = std::min(line.find(' ', begin), line.size());
        words.push_back(line.substr(begin, end - begin));
        begin = end + 1;
    }
    return words;
}

bool is_port(std::string_view text) {
    const bool is_number = std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
    return is_number && !text.empty() && text.size() <= 5 &&
           std::stoul(std::string{text}) < 65536 && (text == "0" || !text.starts_with('0'));
}

bool is_line_of_addresses(std::string_view line) {
    const auto words = split(line);
    if (words.size() != 6 || words[0] != "PROXY" || (words[1] != "TCP4" && words[1] != "TCP6"))
        return false;
    const bool is_ipv6 = words[1] == "TCP6";
    for (const std::string_view text : {words[2], words[3]}) {
        if (!parse_ip_address(text) || text.contains(':') != is_ipv6) return false;
    }
    return is_port(words[4]) && is_port(words[5]);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const std::string_view stream{reinterpret_cast<const char*>(data) + 1, size - 1};
    const Seen whole = parse(stream, SIZE_MAX);
    RC_ASSERT(parse(stream, 1) == whole);
    RC_ASSERT(parse(stream, 1 + data[0]) == whole);
    const std::size_t end = stream.find("\r\n");
    if (!stream.starts_with("PROXY ") || end == std::string_view::npos) return 0;
    const std::string_view line = stream.substr(0, end);
    if (line.find('\r') != line.npos || line.find('\n') != line.npos || end + 2 > 107) return 0;
    const bool is_unknown = line == "PROXY UNKNOWN" || line.starts_with("PROXY UNKNOWN ");
    RC_ASSERT((whole.found == Found::header) == (is_unknown || is_line_of_addresses(line)));
    RC_ASSERT(whole.source.has_value() == is_line_of_addresses(line));
    RC_ASSERT(whole.consumed == end + 2);
    return 0;
}
