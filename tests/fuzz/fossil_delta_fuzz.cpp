// Any two texts: the delta between them, read by the reference, makes the second one of the first.
// Input: two octets with the length of the source, source, target.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/assert.hpp"
#include "dialect/centrifuge/fossil_delta.hpp"
#include "simd/utf8.hpp"
#include "support/fossil_reference.hpp"

using namespace ringcast;
using dialect::centrifuge::FossilDelta;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::string_view rest{reinterpret_cast<const char*>(data) + 2, size - 2};
    const std::size_t source_bytes = std::min<std::size_t>(data[0] + data[1] * 256u, rest.size());
    const std::string source{rest.substr(0, source_bytes)};
    const std::string target{rest.substr(source_bytes)};
    FossilDelta maker;
    for (const auto cuts : {FossilDelta::Cuts::anywhere, FossilDelta::Cuts::at_characters}) {
        std::string delta;
        if (!maker.encode(source, target, cuts, delta)) {
            RC_ASSERT(delta.empty());
            continue;
        }
        RC_ASSERT(delta.size() < target.size());
        RC_ASSERT((test::FossilReader{source, delta}.read() == target));
        const bool is_text = simd::is_utf8(std::as_bytes(std::span{target}));
        if (is_text && cuts == FossilDelta::Cuts::at_characters)
            RC_ASSERT(simd::is_utf8(std::as_bytes(std::span{delta})));
    }
    return 0;
}
