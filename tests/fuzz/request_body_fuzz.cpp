// Any octets as a request with a body, cut anywhere: the same request, body and rest for every
// cutting, and the body is what follows the head, octet by octet. Input: one octet that says where
// to cut, one that chooses the head, then the stream, or the body of a head that announces as many
// octets as the choice says.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.hpp"
#include "support/http_body_driver.hpp"

namespace {

using namespace ringcast;
using Outcome = test::SeenBody::Outcome;

constexpr http::BodyLimits limits{.body_bytes_max = 300};
constexpr http::HeadLimits head_limits{.head_bytes_max = 2000, .target_bytes_max = 500};

std::vector<std::size_t> cuts_of(std::uint8_t choice, std::size_t size) {
    std::vector<std::size_t> cuts;
    for (std::size_t at = 1 + choice % 64; at < size; at += 1 + choice / 4) cuts.push_back(at);
    return cuts;
}

void check_request(std::string_view stream, const test::SeenBody& seen) {
    if (seen.request.is_chunked) {
        RC_ASSERT(seen.body.size() <= limits.body_bytes_max);
        RC_ASSERT(stream.substr(0, seen.consumed).ends_with("\r\n\r\n"));
        return;
    }
    RC_ASSERT(seen.body.size() == seen.request.content_length);
    RC_ASSERT(seen.body.size() <= limits.body_bytes_max);
    RC_ASSERT(seen.consumed <= stream.size());
    const std::string_view request = stream.substr(0, seen.consumed);
    RC_ASSERT(request.ends_with(seen.body));
    RC_ASSERT(request.substr(0, request.size() - seen.body.size()).ends_with("\r\n\r\n"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    std::string stream;
    if (data[1] < 128) {
        stream = "POST /publish/a HTTP/1.1\r\nHost: a\r\nContent-Length: " +
                 std::to_string(3 * data[1]) + "\r\n\r\n";
    }
    stream.append(reinterpret_cast<const char*>(data) + 2, size - 2);
    const test::SeenBody whole = test::read_body(stream, {}, limits, head_limits);
    RC_ASSERT(test::read_body(stream, cuts_of(data[0], stream.size()), limits, head_limits) ==
              whole);
    if (whole.outcome == Outcome::request) check_request(stream, whole);
    return 0;
}
