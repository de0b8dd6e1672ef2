// Any octets as a request head, cut anywhere: the same verdict for every cutting, and where the
// head is complete and within its limits the naive reference must agree whether to accept it.
// Input: one octet that says where to cut, then the stream.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.hpp"
#include "support/http_reference.hpp"

namespace {

using namespace ringcast;
using Found = http::RequestParser::Found;

constexpr http::HeadLimits limits{.head_bytes_max = 2000, .target_bytes_max = 500};

bool is_limit(http::Reason reason) {
    return reason == http::Reason::head_too_large || reason == http::Reason::target_too_long ||
           reason == http::Reason::too_many_fields;
}

/// What every accepted head is, whatever it looked like.
void check_accepted(const test::SeenRequest& request) {
    for (const auto& [name, value] : request.fields) {
        RC_ASSERT(!name.empty());
        RC_ASSERT(value.find_first_of(std::string_view{"\r\n\0", 3}) == std::string::npos);
    }
    std::string again = request.method_text + " " + request.target + " HTTP/1." +
                        std::to_string(request.version_minor) + "\r\n";
    for (const auto& [name, value] : request.fields) again += name + ":" + value + "\r\n";
    test::SeenRequest parsed = test::parse_in_pieces(again + "\r\n", {}, limits);
    parsed.head_bytes = request.head_bytes;
    RC_ASSERT(parsed == request);
}

/// Compares with the reference, which wants the request line first and CRLF at every line's end.
void check_against_reference(std::string_view stream, const test::SeenRequest& seen) {
    for (int i = 0; i < 2 && stream.starts_with("\r\n"); ++i) stream.remove_prefix(2);
    const std::size_t end = stream.find("\r\n\r\n");
    if (end == std::string_view::npos || stream.starts_with("\r\n")) return;
    const std::string_view head = stream.substr(0, end + 4);
    for (std::size_t i = 0; i < head.size(); ++i) {
        if (head[i] == '\n' && (i == 0 || head[i - 1] != '\r')) return;
        if (head[i] == '\r' && head[i + 1] != '\n') return;
    }
    if (head.find(' ') > http::HeadLimits::method_bytes_max || is_limit(seen.reason)) return;
    RC_ASSERT((seen.found == Found::request) == test::reference_accepts_head(head));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const std::string_view stream{reinterpret_cast<const char*>(data) + 1, size - 1};
    const test::SeenRequest whole = test::parse_in_pieces(stream, {}, limits);
    std::vector<std::size_t> cuts;
    for (std::size_t at = 1 + data[0] % 64; at < stream.size(); at += 1 + data[0] / 4)
        cuts.push_back(at);
    RC_ASSERT(test::parse_in_pieces(stream, cuts, limits) == whole);
    if (whole.found == Found::request) check_accepted(whole);
    if (whole.found != Found::need_more) check_against_reference(stream, whole);
    return 0;
}
