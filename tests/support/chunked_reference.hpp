#pragma once
// What a strict reader takes for a chunked body, decided the slow and obvious way on a complete
// stream (RFC 9112 section 7.1); and a driver that feeds octets to http::ChunkedDecoder in pieces.
// Unit tests and the fuzz target compare the two.

#include <algorithm>
#include <cstring>
#include <memory>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.hpp"
#include "http/chunked.hpp"

namespace ringcast::test {

/// What came of a stream that begins with a chunked body.
struct DecodedChunks {
    http::ChunkedDecoder::Found found = http::ChunkedDecoder::Found::need_more;
    std::string content;
    std::size_t consumed = 0;  ///< With the octet that decided.

    friend bool operator==(const DecodedChunks&, const DecodedChunks&) = default;
};

/// Of trailer fields, to both.
constexpr std::uint64_t trailer_bytes_max = 4 << 10;

/// Feeds `stream`, cut at `cuts` (ascending), each slice in memory of exactly its size.
[[nodiscard]] inline DecodedChunks decode_chunks(std::string_view stream,
                                                 const std::vector<std::size_t>& cuts,
                                                 std::uint64_t content_bytes_max) {
    using Found = http::ChunkedDecoder::Found;
    DecodedChunks decoded;
    http::ChunkedDecoder decoder;
    std::size_t start = 0;
    for (std::size_t next_cut = 0; start < stream.size(); ++next_cut) {
        const std::size_t end = next_cut < cuts.size() ? cuts[next_cut] : stream.size();
        const std::unique_ptr<std::byte[]> slice{new std::byte[end - start]};
        std::memcpy(slice.get(), stream.data() + start, end - start);
        std::span<std::byte> input{slice.get(), end - start};
        start = end;
        for (;;) {
            const auto result = decoder.next(
                input, {.content_bytes_max = content_bytes_max - decoded.content.size(),
                        .trailer_bytes_max = trailer_bytes_max});
            decoded.consumed = end - input.size();
            if (result.found == Found::content) {
                RC_ASSERT(!result.content.empty());
                decoded.content.append(reinterpret_cast<const char*>(result.content.data()),
                                       result.content.size());
                continue;
            }
            decoded.found = result.found;
            if (result.found != Found::need_more) return decoded;
            RC_ASSERT(input.empty());
            break;
        }
    }
    return decoded;
}

/// The same without limits on the content, and with `consumed` only at the end of a body.
[[nodiscard]] inline DecodedChunks reference_chunks(std::string_view stream) {
    using Found = http::ChunkedDecoder::Found;
    const auto flags = std::regex::optimize;
    static const std::string token = "[-!#$%&'*+.^_`|~0-9A-Za-z]+", space = "[ \t]*";
    static const std::string quoted =
        "\"(?:[^\"\\\\\\x00-\\x08\\x0a-\\x1f\\x7f]|"
        "\\\\[^\\x00-\\x08\\x0a-\\x1f\\x7f])*\"";
    static const std::regex size_line{"([0-9A-Fa-f]{1,16})(?:" + space + ";" + space + token +
                                          "(?:" + space + "=" + space + "(?:" + token + "|" +
                                          quoted + "))?)*",
                                      flags};
    static const std::regex trailer_line{token + ":[^\\x00-\\x08\\x0a-\\x1f\\x7f]*", flags};
    const DecodedChunks malformed{.found = Found::malformed, .content = {}};

    DecodedChunks decoded;
    std::size_t at = 0;
    /// The next line without its CRLF; false if there is none in `bytes_max` octets.
    const auto take_line = [&](std::string& line, std::size_t bytes_max) {
        const std::size_t end = stream.find("\r\n", at);
        if (end == std::string_view::npos || end + 2 - at > bytes_max) return false;
        line = stream.substr(at, end - at);
        at = end + 2;
        return true;
    };
    for (std::string line;;) {
        std::smatch parts;
        if (!take_line(line, http::ChunkedDecoder::size_line_bytes_max) ||
            !std::regex_match(line, parts, size_line)) {
            return malformed;
        }
        const std::uint64_t size = std::stoull(parts[1].str(), nullptr, 16);
        if (size == 0) break;
        if (size > stream.size() - at || stream.size() - at - size < 2 ||
            stream.substr(at + size, 2) != "\r\n") {
            return malformed;
        }
        decoded.content += stream.substr(at, size);
        at += size + 2;
    }
    const std::size_t trailer_end = at + trailer_bytes_max;
    for (std::string line;;) {
        // The empty one does not count.
        if (!take_line(line, std::max<std::size_t>(trailer_end - at, 2))) return malformed;
        if (line.empty()) break;
        if (!std::regex_match(line, trailer_line)) return malformed;
    }
    decoded.found = Found::end;
    decoded.consumed = at;
    return decoded;
}

}  // namespace ringcast::test
