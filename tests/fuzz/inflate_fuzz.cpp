// Any octets as compressed messages of a client, cut anywhere: ws::Assembler must see what the
// naive reference sees. Input: one octet of choices, one seed for the cuts, then messages: (first
// octet, size, payload) each, where the first octet says the kind and how many fragments.

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

std::string messages_of(std::string_view octets) {
    std::string stream;
    while (octets.size() >= 2) {
        const auto first = static_cast<std::uint8_t>(octets[0]);
        const std::size_t size = static_cast<std::uint8_t>(octets[1]);
        std::string_view payload = octets.substr(2, size);
        octets.remove_prefix(2 + payload.size());
        test::ClientFrame frame{
            .opcode = (first & 1) != 0 ? test::opcode_text : test::opcode_binary,
            .reserved_bits = static_cast<std::uint8_t>((first & 2) != 0 ? 0 : 4)};
        for (std::size_t fragments = first >> 2 & 3; fragments > 0; --fragments) {
            frame.fin = false;
            frame.payload = payload.substr(0, payload.size() / 2);
            payload.remove_prefix(frame.payload.size());
            stream += test::encode(frame);
            frame.opcode = test::opcode_continuation;
            frame.reserved_bits = 0;
        }
        frame.fin = true;
        frame.payload = payload;
        stream += test::encode(frame);
    }
    return stream;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // The reference reads a message anew for each of its frames; windows need no more.
    if (size < 2 || size > 4096) return 0;
    const std::string stream = messages_of({reinterpret_cast<const char*>(data) + 2, size - 2});
    const test::Agreed agreed =
        (data[0] & 1) != 0 ? test::Agreed::takeover : test::Agreed::no_takeover;
    const ws::AssemblerLimits limits{.message_bytes_max = (data[0] & 2) != 0 ? 300u : 10000u};
    const auto expected = test::reference_events(stream, limits.message_bytes_max, agreed);
    RC_ASSERT(test::assembler_events(stream, {}, limits, agreed) == expected);
    RC_ASSERT(test::assembler_events(stream, test::cuts_of(data[1], stream.size()), limits,
                                     agreed) == expected);
    return 0;
}
