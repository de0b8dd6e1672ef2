// Any octets as a client's frame stream, cut anywhere: ws::Assembler must see what the naive
// reference sees, and the same for every cutting. Input: one octet of choices, one seed for the
// cuts, then the stream.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.hpp"
#include "support/fuzz_cuts.hpp"
#include "support/ws_client.hpp"
#include "support/ws_reference.hpp"

namespace {

using namespace ringcast;

/// Masked frames from octets that need not know about masks and lengths: (first octet, size,
/// payload) each. Gets the fuzzer past the header checks.
std::string frames_of(std::string_view octets) {
    std::string stream;
    while (octets.size() >= 2) {
        const auto first = static_cast<std::uint8_t>(octets[0]);
        const std::size_t size = static_cast<std::uint8_t>(octets[1]);
        octets.remove_prefix(2);
        stream += test::encode(
            test::ClientFrame{.opcode = static_cast<std::uint8_t>(first & 15),
                              .payload = std::string{octets.substr(0, size)},
                              .fin = (first & 0x80) != 0,
                              .reserved_bits = static_cast<std::uint8_t>(first >> 4 & 7)});
        octets.remove_prefix(std::min(size, octets.size()));
    }
    return stream;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::string_view octets{reinterpret_cast<const char*>(data) + 2, size - 2};
    const std::string stream = (data[0] & 1) != 0 ? frames_of(octets) : std::string{octets};
    const ws::AssemblerLimits limits{.message_bytes_max = (data[0] & 2) != 0 ? 300u : 1u << 20};
    const auto expected = test::reference_events(stream, limits.message_bytes_max);
    RC_ASSERT(test::assembler_events(stream, {}, limits) == expected);
    RC_ASSERT(test::assembler_events(stream, test::cuts_of(data[1], stream.size()), limits) ==
              expected);
    return 0;
}
