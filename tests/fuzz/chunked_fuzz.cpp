// Any octets as a chunked body, cut anywhere: the same content and the same verdict for every
// cutting, and both as the reference has them. Input: one octet that says where to cut, then the
// stream.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.hpp"
#include "support/chunked_reference.hpp"
#include "support/fuzz_cuts.hpp"

namespace {

using namespace ringcast;
using Found = http::ChunkedDecoder::Found;

/// More than any input is long, so that it never decides.
constexpr std::uint64_t content_bytes_max = UINT64_MAX;
constexpr std::size_t stream_bytes_max = 8 << 10;  // The reference takes its time.

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1 || size > stream_bytes_max) return 0;
    const std::string_view stream{reinterpret_cast<const char*>(data) + 1, size - 1};
    const test::DecodedChunks whole = test::decode_chunks(stream, {}, content_bytes_max);
    RC_ASSERT(whole.found != Found::too_large);
    RC_ASSERT(whole.content.size() <= whole.consumed);
    RC_ASSERT(test::decode_chunks(stream, test::cuts_of(data[0], stream.size()),
                                  content_bytes_max) == whole);
    const test::DecodedChunks expected = test::reference_chunks(stream);
    RC_ASSERT((whole.found == Found::end) == (expected.found == Found::end));
    if (whole.found == Found::end) RC_ASSERT(whole == expected);
    return 0;
}
